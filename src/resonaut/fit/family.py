"""The dijet function: a smooth falling background with an analytic likelihood.

``f(x) = p0 (1 - x)^p1 / x^(p2 + p3 ln x + p4 ln^2 x ...)`` with ``x = m / sqrt(s)`` (CMS, JHEP 05 (2020)
033, eq. 1). Its logarithm is linear in the parameters, so gradients cost nothing; its columns are
nearly collinear, so fits work in the coordinates of a QR decomposition, in which they are orthogonal.
"""

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import NDArray

from resonaut.errors import ConfigError

Array = NDArray[np.float64]

# Gauss-Legendre points in each bin: with 4 the integral over a 10 % wide bin is exact to 1e-7.
POINTS = 4


class DijetFunction:
    """The function integrated over bins, in orthogonal coordinates ``theta``.

    Args:
        edges: bin edges (N + 1), GeV.
        sqrt_s: centre-of-mass energy, GeV.
        shape_parameters: number of p1, p2, ... besides the normalisation p0.

    Raises:
        ConfigError: an edge is not between 0 and ``sqrt_s``.
    """

    def __init__(self, edges: Array, sqrt_s: float, shape_parameters: int) -> None:
        if edges[0] <= 0 or edges[-1] > sqrt_s:
            raise ConfigError(
                f"the dijet function wants masses between 0 and sqrt(s) = {sqrt_s:g} GeV, the fit range is "
                f"{edges[0]:g} to {edges[-1]:g} GeV; change the range or sqrt(s)."
            )
        points, weights = leggauss(POINTS)
        self.edges = edges
        self.sqrt_s = sqrt_s
        self.n_parameters = shape_parameters + 1
        self._widths = weights / 2 * np.diff(edges)[:, None]  # (N, POINTS)
        nodes = (edges[:-1] + edges[1:])[:, None] / 2 + points / 2 * np.diff(edges)[:, None]
        x = nodes.ravel() / sqrt_s
        columns = [np.ones_like(x), np.log1p(-x), *(-(np.log(x) ** k) for k in range(1, shape_parameters))]
        self._directions, self._triangle = np.linalg.qr(np.stack(columns, axis=1))
        # Adding c times this to theta multiplies the function by exp(c).
        self.scale = self._directions.sum(axis=0)

    def expected(self, theta: Array) -> tuple[Array, Array]:
        """Events in each bin and their derivatives.

        Args:
            theta: parameters (B, K) of B fits.

        Returns:
            Expected events (B, N) and their derivatives (B, N, K).
        """
        density = np.exp(np.clip(theta @ self._directions.T, -300, 300))
        per_point = density.reshape(len(theta), *self._widths.shape) * self._widths
        directions = self._directions.reshape(*self._widths.shape, self.n_parameters)
        return per_point.sum(axis=2), np.einsum("bnp,npk->bnk", per_point, directions)

    def start(self, counts: Array) -> Array:
        """Parameters (B, K) of a straight-line fit to the logarithm of counts (B, N), to begin from."""
        middle = self._directions.reshape(*self._widths.shape, self.n_parameters).mean(axis=1)
        weight = np.sqrt(counts + 0.5)
        target = np.log((counts + 0.5) / np.diff(self.edges))
        matrix = np.einsum("nk,bn,nl->bkl", middle, weight**2, middle)
        matrix += 1e-6 * np.trace(matrix, axis1=1, axis2=2)[:, None, None] * np.eye(self.n_parameters)
        right = np.einsum("nk,bn->bk", middle, weight**2 * target)
        return np.asarray(np.linalg.solve(matrix, right[..., None])[..., 0])

    def parameters(self, theta: Array) -> Array:
        """``ln p0, p1, p2, ...`` (B, K) from the orthogonal coordinates; p0 in events/GeV."""
        return np.asarray(np.linalg.solve(self._triangle, theta.T).T)
