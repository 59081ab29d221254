"""Between the nominal value, the one with a source up and the one with it down: HistFactory's interpolation codes.

The names are those of pyhf. Additive ones (``code0``, ``code4p``) are linear in two functions of the parameter alpha,
``alpha`` itself and ``bend(alpha)``: delta = alpha S + bend A with S = (up - down) / 2 and
A = (up + down - 2 nominal) / 16, so that all parameters together are one matrix product. Multiplicative ones
(``code1``, ``code4``) are powers of the factors ``high`` and ``low``, everywhere or beyond |alpha| = 1
(CERN-OPEN-2012-016).
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Additive = Literal["code0", "code4p"]
Multiplicative = Literal["code1", "code4"]

# The polynomial 1 + a_1 alpha + ... + a_6 alpha^6 that meets value, slope and curvature of both powers at |alpha| = 1.
POLYNOMIAL = (
    np.array(
        [
            [15, -15, -7, -7, 1, -1],
            [24, 24, -9, 9, 1, 1],
            [-10, 10, 10, 10, -2, 2],
            [-24, -24, 14, -14, -2, -2],
            [3, -3, -3, -3, 1, -1],
            [8, 8, -5, 5, 1, 1],
        ]
    )
    / 16
)


def bend(alpha: Array, code: Additive) -> tuple[Array, Array]:
    """The even function of alpha that multiplies A, and its derivative; any shape."""
    straight, slope = 8 * np.abs(alpha), 8 * np.sign(alpha)
    if code == "code0":
        return straight, slope
    square, inside = alpha**2, np.abs(alpha) <= 1
    value = square * (15 - square * (10 - 3 * square))
    derivative = alpha * (30 - square * (40 - 18 * square))
    return np.where(inside, value, straight), np.where(inside, derivative, slope)


def polynomial(high: Array, low: Array) -> Array:
    """Coefficients (6, M) of alpha to alpha^6, of factors (M,) above 0."""
    up, down = np.log(high), np.log(low)
    meets = np.stack([high - 1, low - 1, up * high, -down * low, up**2 * high, down**2 * low])
    return np.asarray(POLYNOMIAL @ meets)


def factor(alpha: Array, high: Array, low: Array, coefficients: Array, code: Multiplicative) -> tuple[Array, Array]:
    """The factor and its derivative.

    Args:
        alpha: (B, M).
        high: factors (M,) at alpha = 1.
        low: those at alpha = -1.
        coefficients: those of ``polynomial``, (6, M).
        code: the interpolation.
    """
    base = np.log(np.where(alpha >= 0, high, 1 / low))
    outside = np.exp(alpha * base)
    slope = base * outside
    if code == "code1":
        return outside, slope
    value, derivative = np.zeros_like(alpha), np.zeros_like(alpha)
    for power in range(6, 0, -1):
        derivative = derivative * alpha + power * coefficients[power - 1]
        value = (value + coefficients[power - 1]) * alpha
    inside = np.abs(alpha) < 1
    return np.where(inside, 1 + value, outside), np.where(inside, derivative, slope)
