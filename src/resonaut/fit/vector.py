"""exp, log and scalar products of arrays in loops that the compiler vectorises; libm's functions keep a loop scalar.

The usual way (W. J. Cody and W. Waite): split off the power of two through the bits of the number, and a polynomial
for the rest. Relative error below 1e-15.
"""

import numpy as np
from numba import njit

from resonaut.fit.family import Array

LOG2E = 1 / np.log(2)
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# Adding it leaves a rounded integer in the lowest bits.
ROUND = 1.5 * 2.0**52
ROUND_BITS = 0x4338000000000000
BIAS = 1023
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def exponential(x: Array, work: Array, size: int) -> None:
    """The first ``size`` of ``x`` become their exponentials, for arguments up to 700; ``work`` (2, >= size)."""
    rounded, power = work[0], work[1]
    for i in range(size):
        rounded[i] = x[i] * LOG2E + ROUND
    integers, bits = rounded.view(np.int64), power.view(np.int64)
    for i in range(size):
        bits[i] = (integers[i] + BIAS) << 52
    for i in range(size):
        k = rounded[i] - ROUND
        r = (x[i] - k * LN2_HIGH) - k * LN2_LOW
        p = 1 / 479001600.0
        p = p * r + 1 / 39916800.0
        p = p * r + 1 / 3628800.0
        p = p * r + 1 / 362880.0
        p = p * r + 1 / 40320.0
        p = p * r + 1 / 5040.0
        p = p * r + 1 / 720.0
        p = p * r + 1 / 120.0
        p = p * r + 1 / 24.0
        p = p * r + 1 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        p = p * r + 1.0
        x[i] = p * power[i]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def logarithm(x: Array, work: Array, size: int) -> None:
    """The first ``size`` of ``x``, all positive and normal numbers, become their logarithms; ``work`` (2, >= size)."""
    exponent, mantissa = work[0], work[1]
    source, eb, mb = x.view(np.int64), exponent.view(np.int64), mantissa.view(np.int64)
    for i in range(size):
        k = (source[i] - SQRT_HALF_BITS) >> 52
        eb[i] = k + ROUND_BITS
        mb[i] = source[i] - (k << 52)
    for i in range(size):
        k = exponent[i] - ROUND
        f = mantissa[i] - 1.0
        s = f / (2.0 + f)
        z = s * s
        # ln((1 + s) / (1 - s)) = 2 s + 2 s^3 / 3 + ..., with fdlibm's coefficients
        r = 1.479819860511658591e-01
        r = r * z + 1.531383769920937332e-01
        r = r * z + 1.818357216161805012e-01
        r = r * z + 2.222219843214978396e-01
        r = r * z + 2.857142874366239149e-01
        r = r * z + 3.999999999940941908e-01
        r = r * z + 6.666666666666735130e-01
        r = r * z
        half = 0.5 * f * f
        x[i] = k * LN2_HIGH - ((half - (s * (half + r) + k * LN2_LOW)) - f)


@njit(cache=True, error_model="numpy")
def copy(source: Array, target: Array) -> None:
    """``target[:] = source`` of two dimensions: Numba needs five seconds to compile the message of that one's error."""
    for k in range(source.shape[0]):
        for i in range(source.shape[1]):
            target[k, i] = source[k, i]


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def dot(a: Array, b: Array, first: int, last: int) -> float:
    """Scalar product of ``a`` and ``b`` between two indices."""
    total = 0.0
    for i in range(first, last):
        total += a[i] * b[i]
    return total


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def total(a: Array) -> float:
    """Sum of ``a``."""
    result = 0.0
    for i in range(len(a)):
        result += a[i]
    return result


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def weighted_squares(slopes: Array, pull: Array, weight: Array, rows: int, first: Array, second: Array) -> None:
    """``first = S pull`` and the lower triangle of ``second = S weight S^T``, for the first ``rows`` of ``S``."""
    for k in range(rows):
        result = 0.0
        for i in range(len(pull)):
            result += pull[i] * slopes[k, i]
        first[k] = result
        for j in range(k + 1):
            result = 0.0
            for i in range(len(pull)):
                result += weight[i] * slopes[k, i] * slopes[j, i]
            second[k, j] = result
