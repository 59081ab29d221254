"""The ratio as a polynomial in 1/p_T in each bin of angle and k_t, for subjets beyond those of the W jets."""

import numpy as np
from scipy import stats

from resonaut.calibrate.correction import COEFFICIENTS
from resonaut.calibrate.matching import BoolArray
from resonaut.physics.clustering import FloatArray

# A further coefficient is taken where the F-test gives the better chi2 a smaller p-value by chance than this.
F_TEST = 0.05
# A chi2 below is a perfect fit, which no further coefficient betters.
EXACT = 1e-9
ITERATIONS = 4


def extrapolate(
    inverse_pt: FloatArray, ratios: FloatArray, error: FloatArray, known: BoolArray
) -> tuple[FloatArray, FloatArray]:
    """Weighted least-squares polynomials in 1/p_T of the lowest order that the F-test leaves standing.

    Args:
        inverse_pt: mean 1/p_T of each slice's subjets, 1/GeV; (slices,).
        ratios: nominal ratio and its systematic variations; (variations, slices, x, y). The nominal one decides on
            the order.
        error: of the nominal ratio, used for all; (slices, x, y).
        known: where the ratio was measured.

    Returns:
        Coefficients of 1, 1/p_T, 1/p_T^2, (variations, 3, x, y), and the covariance (3, 3, x, y) of the nominal ones.
        A bin measured in no slice has 1 with standard deviation 1.
    """
    variations, _, *plane = ratios.shape
    coefficients = np.zeros((variations, COEFFICIENTS, *plane))
    covariance = np.zeros((COEFFICIENTS, COEFFICIENTS, *plane))
    for place in np.ndindex(*plane):
        at = (slice(None), *place)
        good = known[at]
        if not good.any():
            coefficients[:, 0, *place] = covariance[0, 0, *place] = 1.0
            continue
        x, sigma = inverse_pt[good], error[at][good]
        y = ratios[:, :, *place][:, good]
        order = _order(x, y[0], sigma)
        solution, spread = _fit(x, y, _expected_error(x, y[0], sigma, order), order)
        coefficients[:, : order + 1, *place] = solution
        covariance[: order + 1, : order + 1, *place] = spread
    return coefficients, covariance


def _order(x: FloatArray, y: FloatArray, sigma: FloatArray) -> int:
    """The order beyond which one more coefficient brings no significant improvement."""
    best = 0
    chi2 = _chi2(x, y, sigma, best)
    for order in range(1, min(COEFFICIENTS, len(x) - 1)):
        if chi2 < EXACT:
            break
        ndof = len(x) - order - 1
        better = _chi2(x, y, sigma, order)
        f = (chi2 - better) * ndof / better if better > 0 else np.inf
        if stats.f.sf(f, 1, ndof) >= F_TEST:
            break
        best, chi2 = order, better
    return best


def _fit(x: FloatArray, y: FloatArray, sigma: FloatArray, order: int) -> tuple[FloatArray, FloatArray]:
    """Coefficients (variations, order + 1) and their covariance."""
    design = np.vander(x, order + 1, increasing=True) / sigma[:, None]
    covariance = np.asarray(np.linalg.pinv(design.T @ design, hermitian=True), np.float64)
    return (y / sigma) @ design @ covariance, covariance


def _expected_error(x: FloatArray, y: FloatArray, sigma: FloatArray, order: int) -> FloatArray:
    """The errors that the fitted ratio expects: those of downward fluctuations are too small and would bias the fit.

    The square of an error from counts is in proportion to the ratio.
    """
    expected = sigma
    for _ in range(ITERATIONS):
        solution, _ = _fit(x, y[None], expected, order)
        fitted = np.maximum(np.vander(x, order + 1, increasing=True) @ solution[0], 0.1 * y)
        expected = sigma * np.sqrt(fitted / y)
    return expected


def _chi2(x: FloatArray, y: FloatArray, sigma: FloatArray, order: int) -> float:
    sigma = _expected_error(x, y, sigma, order)
    solution, _ = _fit(x, y[None], sigma, order)
    return float(np.sum(((y - np.vander(x, order + 1, increasing=True) @ solution[0]) / sigma) ** 2))
