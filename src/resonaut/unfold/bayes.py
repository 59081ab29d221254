"""D'Agostini's iterative ("Bayesian") unfolding of one observable in bins: what OmniFold is compared with.

G. D'Agostini, Nucl. Instrum. Meth. A 362 (1995) 487. It sees the same events and weights as ``omnifold``, starts from
the same simulation, and takes fakes in the same two ways.

>>> response = Response(np.array([[80.0, 20.0], [20.0, 80.0]]), np.array([200.0, 200.0]), np.zeros(2))
>>> response.unfold(np.array([140.0, 60.0]), iterations=20).round()
array([333.,  67.])
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ResonautError
from resonaut.unfold.omnifold import Simulation

Array = NDArray[np.float64]
Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Response:
    """What the simulation expects of one observable.

    Args:
        matched: events that pass at both levels, shape (particle bins, detector bins).
        particle: all that pass at the particle level, shape (particle bins,).
        fakes: those that pass at the detector level alone, shape (detector bins,).
    """

    matched: Array
    particle: Array
    fakes: Array

    @classmethod
    def of(
        cls, simulation: Simulation, particle: Values, detector: Values, particle_edges: Array, detector_edges: Array
    ) -> "Response":
        """That of an observable with values ``particle`` and ``detector``, both (n,); overflow bins count, too.

        A scale factor of the detector level changes how many events it sees, and so is an efficiency.
        """
        bins = len(particle_edges) + 1, len(detector_edges) + 1
        here, both, fakes = simulation.at_particle, simulation.matched, simulation.at_detector & ~simulation.at_particle
        place = _bin(particle[both], particle_edges) * bins[1] + _bin(detector[both], detector_edges)
        matched = np.bincount(place, simulation.detector_weights[both], bins[0] * bins[1])
        return cls(
            matched.reshape(bins).astype(float),
            counts(particle[here], simulation.weights[here], particle_edges),
            counts(detector[fakes], simulation.detector_weights[fakes], detector_edges),
        )

    def unfold(self, data: Array, iterations: int, fakes: Literal["share", "yield"] = "share") -> Array:
        """The events at the particle level, shape (particle bins,).

        Args:
            data: events at the detector level without background, shape (detector bins,).
            iterations: how often the prior is replaced.
            fakes: as of OmniFold.

        Raises:
            ResonautError: no simulated event passes at both levels.
        """
        if self.matched.sum() <= 0:
            raise ResonautError("unfold: no simulated event passes at both levels, so that there is no response.")
        seen = self.matched.sum(axis=0)
        if fakes == "share":
            data = data * _over(seen, seen + self.fakes)
        added = self.fakes if fakes == "yield" else np.zeros_like(seen)
        found = self.matched.sum(axis=1)
        # A bin of which nothing is seen stays as it is simulated.
        weights = np.ones(len(found))
        for _ in range(iterations):
            expected = weights @ self.matched + added
            weights = np.where(found > 0, weights * _over(self.matched @ _over(data, expected), found), weights)
        result: Array = weights * self.particle
        return result


def counts(values: Values, weights: Array, edges: Array) -> Array:
    """Sums of weights in bins, shape (edges + 1,): first what is below all edges, last what is above."""
    return np.bincount(_bin(values, edges), weights, len(edges) + 1).astype(float)


def _bin(values: Values, edges: Array) -> NDArray[np.intp]:
    return np.searchsorted(edges, values, side="right")


def _over(numerator: Array, denominator: Array) -> Array:
    """The ratio, 0 where there is nothing."""
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)


def triangular(one: Array, other: Array) -> float:
    """The triangular discriminator of two histograms x 1000, 0 for equal shapes and 1000 for disjoint ones.

    (1/2) sum (p - q)^2 / (p + q), F. Topsoe, IEEE Trans. Inf. Theory 46 (2000) 1602, as in arXiv:1911.09107.
    """
    p, q = one / one.sum(), other / other.sum()
    return float(500 * _over(np.square(p - q), p + q).sum())
