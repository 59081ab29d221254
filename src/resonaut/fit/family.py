"""Smooth falling backgrounds whose logarithm is linear in the parameters.

``x = m / sqrt(s)``, and the shape parameters ``p1, p2, ...`` are 1 to 5 besides the normalisation ``p0``:

- ``dijet``: ``p0 (1 - x)^p1 / x^(p2 + p3 ln x + p4 ln^2 x ...)`` (CMS, JHEP 05 (2020) 033, eq. 1);
- ``exponential_power``: ``p0 exp(-p1 x - p3 x^2 - p4 x^3 ...) / x^p2``;
- ``modified_exponential``: ``p0 exp(-p1 x^(1/2) - p2 x - p3 x^(3/2) ...)``.

The columns that multiply the parameters are nearly collinear, so fits work in the coordinates of a QR decomposition,
in which they are orthogonal and every sensible start converges.
"""

from collections.abc import Callable
from functools import cache
from types import FunctionType

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError
from resonaut.core.extensions import Vocabulary

Array = NDArray[np.float64]

# d ln f / dp_k for the shape parameters k = 1 to n at the points x.
Family = Callable[[Array, int], list[Array]]

FAMILIES: Vocabulary[Family] = Vocabulary(
    "FAMILIES",
    "background function",
    FunctionType,
    {
        "dijet": lambda x, n: [np.log1p(-x), *(-(np.log(x) ** k) for k in range(1, n))],
        "exponential_power": lambda x, n: [-x, -np.log(x), *(-(x**k) for k in range(2, n))][:n],
        "modified_exponential": lambda x, n: [-(x ** (k / 2)) for k in range(1, n + 1)],
    },
)

# Steepest power of m that the integration must follow, its largest relative error in a bin, and its most points.
STEEP = 15.0
ACCURACY = 2e-6
MOST_POINTS = 60


class Background:
    """A function integrated over bins, in orthogonal coordinates ``theta``, and resonances of any yield on top of it.

    ``theta`` holds the coordinates of the function, then the resonances' yields in events.

    Args:
        family: key of ``FAMILIES``.
        edges: bin edges (N + 1), GeV.
        sqrt_s: centre-of-mass energy, GeV.
        shape_parameters: number of p1, p2, ... besides the normalisation p0.
        resonances: share of each resonance in each bin (J, N); None is none.

    Raises:
        ConfigError: an edge is not between 0 and ``sqrt_s``, there is no such family, or it gives no finite numbers.
    """

    def __init__(
        self, family: str, edges: Array, sqrt_s: float, shape_parameters: int, resonances: Array | None = None
    ) -> None:
        if edges[0] <= 0 or edges[-1] > sqrt_s:
            raise ConfigError(
                f"the background function wants values between 0 and sqrt(s) = {sqrt_s:g}, and the fit range is "
                f"{edges[0]:g} to {edges[-1]:g}; change the range or sqrt(s)."
            )
        self.family = family
        self.edges = edges
        self.sqrt_s = sqrt_s
        self.shape_parameters = shape_parameters
        self.resonances = np.zeros((0, len(edges) - 1)) if resonances is None else np.ascontiguousarray(resonances)
        self.n_smooth = shape_parameters + 1
        self.n_parameters = self.n_smooth + len(self.resonances)
        points, weights = leggauss(_points(float((np.diff(edges) / edges[:-1]).max())))
        widths = np.diff(edges)[:, None]
        self.widths = weights / 2 * widths  # (N, points)
        self._nodes = (edges[:-1] + edges[1:])[:, None] / 2 + points / 2 * widths
        directions, self._triangle = np.linalg.qr(self._columns(self._nodes.ravel()))
        self.directions = directions.reshape(*self.widths.shape, self.n_smooth)
        # Adding c times this to theta multiplies the function by exp(c).
        self.scale = np.append(directions.sum(axis=0), np.zeros(len(self.resonances)))

    def _columns(self, m: Array) -> Array:
        x = m / self.sqrt_s
        columns = [np.ones_like(x), *FAMILIES[self.family](x, self.shape_parameters)]
        found = np.stack(np.broadcast_arrays(*columns), axis=1)
        if found.shape != (len(x), self.n_smooth) or not np.isfinite(found).all():
            raise ConfigError(
                f"the background function {self.family!r} does not give {self.shape_parameters} finite derivatives at "
                f"each of {len(x)} points; correct it."
            )
        return found

    def smooth(self, theta: Array) -> Array:
        """Events of the function alone in each bin (..., N) at the parameters (..., K)."""
        exponent = np.einsum("npk,...k->...np", self.directions, theta[..., : self.n_smooth])
        return np.asarray((np.exp(np.clip(exponent, -300, 300)) * self.widths).sum(axis=-1))

    def expected(self, theta: Array) -> Array:
        """Events in each bin (..., N) at the parameters (..., K)."""
        return self.smooth(theta) + theta[..., self.n_smooth :] @ self.resonances

    def slope(self, theta: Array) -> Array:
        """Derivatives (N, K) of the expected events of one fit."""
        density = np.exp(np.clip(self.directions @ theta[: self.n_smooth], -300, 300)) * self.widths
        return np.hstack([np.einsum("np,npk->nk", density, self.directions), self.resonances.T])

    def with_resonances(self, resonances: Array | None) -> "Background":
        """The same function with other ``resonances`` on top of it."""
        return Background(self.family, self.edges, self.sqrt_s, self.shape_parameters, resonances)

    def merged(self, cuts: NDArray[np.intp]) -> "Background":
        """The same function and resonances in fewer bins, those between ``cuts`` of the edges."""
        resonances = np.add.reduceat(self.resonances, cuts[:-1], axis=1)
        return Background(self.family, self.edges[cuts], self.sqrt_s, self.shape_parameters, resonances)

    def start(self, counts: Array) -> Array:
        """Parameters (..., K) of a straight-line fit to the logarithm of counts (..., N), to begin from."""
        middle = self.directions.mean(axis=1)
        weight = counts + 0.5
        target = np.log(weight / np.diff(self.edges))
        matrix = np.einsum("nk,...n,nl->...kl", middle, weight, middle)
        matrix += 1e-6 * np.trace(matrix, axis1=-2, axis2=-1)[..., None, None] * np.eye(self.n_smooth)
        right = np.einsum("nk,...n->...k", middle, weight * target)
        found = np.linalg.solve(matrix, right[..., None])[..., 0]
        return np.concatenate([found, np.zeros((*found.shape[:-1], len(self.resonances)))], axis=-1)

    def parameters(self, theta: Array) -> Array:
        """``ln p0, p1, p2, ...`` from the orthogonal coordinates; p0 in events/GeV."""
        return np.asarray(np.linalg.solve(self._triangle, theta[: self.n_smooth]))


# The same few points in each of a search's thousands of fits.
leggauss = cache(legendre.leggauss)


@cache
def _points(width: float) -> int:
    """Gauss-Legendre points that integrate the steepest power of the mass over the widest bin, of a relative width."""
    exact = -np.expm1((1 - STEEP) * np.log1p(width)) / (STEEP - 1)
    for number in range(1, MOST_POINTS):
        points, weights = leggauss(number)
        found = weights @ (1 + width * (1 + points) / 2) ** -STEEP * width / 2
        if abs(found - exact) < ACCURACY * exact:
            return number
    return MOST_POINTS
