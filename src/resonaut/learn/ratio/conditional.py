"""The ratio of two samples at each value of an observable m, learned where m may be looked at, and interpolated.

m is an input of the classifier like the features x (``Observed.joined``), which then learns p_num(x, m) / p_den(x, m);
its output at other m is an interpolation (SALAD: A. Andreassen, B. Nachman, D. Shih, arXiv:2001.05001). Where both
samples have been given the same spectrum of m before (``Tilt``), this is the ratio of p(x | m).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ResonautError
from resonaut.learn.ratio.sample import Sample

FloatArray = NDArray[np.float64]

# The values of m and the weights of events, both (n,).
Spectrum = tuple[NDArray[np.floating], FloatArray]
# Newton's steps of a tilt, at most; the change of its exponents at which they end, and the largest logarithm of a tilt.
STEPS, SETTLED, STEEPEST = 50, 1e-10, 50
# Bins of a profile, at most, and the events of a fold that each has at least.
BINS, BIN_EVENTS = 20, 100


@dataclass(frozen=True)
class Observed:
    """Weighted events and the ``values`` of an observable of each, shape (n,)."""

    sample: Sample
    values: NDArray[np.floating]

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Observed":
        """The events of a mask."""
        return Observed(self.sample[rows], self.values[rows])

    @classmethod
    def concatenate(cls, parts: Sequence["Observed"]) -> "Observed":
        """All events, in order."""
        return cls(Sample.concatenate([p.sample for p in parts]), np.concatenate([p.values for p in parts]))

    def weighted(self, factors: NDArray[Any] | float) -> "Observed":
        """The same events with weights times ``factors``, shape (n,), or one for all."""
        return replace(self, sample=replace(self.sample, weights=self.sample.weights * factors))

    def within(self, ranges: Iterable[tuple[float, float]]) -> NDArray[np.bool_]:
        """Which events have a value in one of the ``ranges``, which hold their lower edges and not their upper ones."""
        inside: NDArray[np.bool_] = np.zeros(len(self.values), np.bool_)
        for low, high in ranges:
            inside |= (self.values >= low) & (self.values < high)
        return inside

    @property
    def joined(self) -> Sample:
        """The events with the observable as their last feature."""
        features = np.column_stack([self.sample.features, self.values]).astype(np.float32)
        return Sample(features, self.sample.weights, self.sample.keys)


@dataclass(frozen=True)
class Tilt:
    """exp(sum_k a_k u^k) with u = ln(m / ``centre``): the smooth factor that gives one spectrum of m another's shape.

    ``exponents``: a_1, a_2, ..., shape (degree,), at least one. This is the semiparametric ratio of densities of
    J. Qin, Biometrika 85 (1998) 619, with powers of u as its statistics.
    """

    centre: float
    exponents: FloatArray

    @classmethod
    def fit(cls, target: Spectrum, source: Spectrum, degree: int, centre: float) -> "Tilt":
        """The factor that gives the weighted ``source`` the means of u, u^2, ... of the ``target``.

        It maximises the likelihood of the target's spectrum.

        Raises:
            ResonautError: a value is not positive, or there is no such factor, as with too few events.
        """
        wanted, given = (_powers(values, degree, centre) for values, _ in (target, source))
        mean = np.average(wanted, axis=0, weights=target[1])
        found = np.zeros(degree)
        for _ in range(STEPS):
            weights = source[1] * np.exp(given @ found)
            reached = np.average(given, axis=0, weights=weights)
            away = given - reached
            curvature = away.T @ (away * weights[:, None]) / weights.sum()
            step = np.linalg.lstsq(curvature, mean - reached, rcond=None)[0]
            found = found + step
            if not np.abs(given @ found).max() < STEEPEST:
                break
            if np.abs(step).max() < SETTLED * max(1.0, np.abs(found).max()):
                return cls(centre, found)
        raise ResonautError(
            f"no polynomial of degree {degree} in the logarithm turns one spectrum into the other; lower the degree, "
            "or use more events."
        )

    def __call__(self, values: NDArray[np.floating]) -> FloatArray:
        """The factor at values of m, shape (n,)."""
        factor: FloatArray = np.exp(_powers(values, len(self.exponents), self.centre) @ self.exponents)
        return factor


@dataclass(frozen=True)
class Profile:
    """The mean ratio of each fold's models at values of m: ``means`` (folds, bins) at ``places`` (bins,), linearly.

    The mean of p_num(x | m) / p_den(x | m) over the denominator is 1 at each m; what an interpolated ratio has instead
    changes the spectrum.
    """

    places: FloatArray
    means: FloatArray

    @classmethod
    def of(cls, events: Observed, ratios: FloatArray, folds: NDArray[np.int64]) -> "Profile":
        """That of ``ratios`` (n,) over weighted events of ``folds`` (n,), in bins of equal numbers of events.

        Raises:
            ResonautError: the weights in a bin do not sum to more than 0.
        """
        number = int(folds.max()) + 1
        bins = min(BINS, max(1, len(folds) // (number * BIN_EVENTS)))
        edges = np.quantile(events.values, np.linspace(0, 1, bins + 1))
        place, weights = np.searchsorted(edges[1:-1], events.values, side="right"), events.sample.weights
        total, means = (
            np.bincount(folds * bins + place, weights * own, number * bins).reshape(number, bins)
            for own in (np.ones(len(ratios)), ratios)
        )
        if not np.all(np.minimum(total, means) > 0):
            raise ResonautError(
                f"the weights of a fold's simulation do not sum to more than 0 in {bins} bins of the observable, where "
                "the mean ratio is 1; use a larger sample."
            )
        counts = np.bincount(place, minlength=bins)
        return cls(np.bincount(place, events.values, bins) / np.maximum(counts, 1), means / total)

    def __call__(self, values: NDArray[np.floating], folds: NDArray[np.int64]) -> FloatArray:
        """The mean at values of m for events of ``folds``, both (n,)."""
        found = np.empty(len(values))
        for fold, means in enumerate(self.means):
            rows = folds == fold
            found[rows] = np.interp(values[rows], self.places, means)
        return found


def _powers(values: NDArray[np.floating], degree: int, centre: float) -> FloatArray:
    """u, u^2, ... up to the ``degree`` for each value, shape (n, degree)."""
    if not np.all(values > 0):
        raise ResonautError("the observable has values that are not positive, and so no logarithm; take another one.")
    u = np.log(values.astype(np.float64) / centre)
    return np.stack([u**k for k in range(1, degree + 1)], axis=1)
