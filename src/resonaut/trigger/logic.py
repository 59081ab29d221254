"""Fixed-point arithmetic as logic: formats and squares of the variables of ``da4ml``, built of adders and tables.

A variable stands for a number that wires of the firmware carry; it knows its smallest and largest value, its step, and
what it is made of. Operations on variables add logic.
"""

from math import floor, log2
from typing import Any

import numpy as np

from resonaut.core.errors import ConfigError
from resonaut.trigger import arithmetic
from resonaut.trigger.formats import Fixed

# One of da4ml, ``FixedVariable``.
Variable = Any
OVERFLOWS = {"AP_WRAP": "WRAP", "AP_SAT": "SAT", "AP_SAT_SYM": "SAT_SYM"}
# A table of 2^8 entries is four LUTs of six inputs for each bit, and a multiplexer.
TABLE_BITS = 8
# da4ml's tables have 32-bit entries.
SQUARED_BITS = 24


def cast(number: Variable, form: Fixed) -> Variable:
    """A number in a format.

    Raises:
        ConfigError: da4ml has no logic for the way it overflows.
    """
    if form.overflow not in OVERFLOWS:
        raise ConfigError(f"da4ml has no logic for {form.overflow}, which {form.text} has; give it another mode.")
    if number.low == number.high:
        fraction = -floor(log2(number.step))
        raw = np.array([int(number.low / number.step)])
        (value,) = arithmetic.values(arithmetic.cast(raw, fraction, form), form)
        return number.from_const(float(value), number.hwconf)
    number, integer = _rounded(number, form), form.width - form.fraction - form.signed
    if form.overflow == "AP_WRAP" and not form.signed and number.low < 0 and integer > number.kif[1] + 1:
        # In an unsigned format the sign fills the bits in front, which da4ml leaves out.
        number = number + number.is_negative() * 2.0**integer
    return number.quantize(int(form.signed), integer, form.fraction, OVERFLOWS[form.overflow])


def _rounded(number: Variable, form: Fixed) -> Variable:
    """What gives the number in the format once bits are cut: every rounding mode is a sum before the cut.

    To the nearest is to add half a unit; at ties, one step less rounds down.
    """
    unit, step = 2.0**-form.fraction, float(number.step)
    if step >= unit:
        return number
    down, up = unit / 2 - step, unit / 2
    match form.rounding:
        case "AP_TRN_ZERO":
            return number + number.is_negative() * (unit - step)
        case "AP_RND":
            return number + up
        case "AP_RND_MIN_INF":
            return number + down
        case "AP_RND_ZERO":
            return number + (number.is_negative() * step + down)
        case "AP_RND_INF":
            return number + (number.is_negative() * -step + up)
        case "AP_RND_CONV":
            odd = number.quantize(0, 1 - form.fraction, form.fraction) * (1 / unit)
            return number + (odd * step + down)
    return number


def square(number: Variable) -> Variable:
    """The square of a number, by tables in place of multipliers."""
    if number.low == number.high:
        return number * number
    if sum(number.kif) > SQUARED_BITS:
        raise ConfigError(f"da4ml's tables hold squares of {SQUARED_BITS} bits, and one has more; give it fewer.")
    largest = max(abs(float(number.low)), abs(float(number.high))) ** 2
    *_, fraction = number.kif
    # The sum of the tables does not know how large a square may be.
    return _squared(number, 1.0).quantize(0, floor(log2(largest)) + 1, 2 * fraction)


def _squared(number: Variable, factor: float) -> Variable:
    """Factor times square, from halves of the bits: (a 2^m + b)² = (4^m - 2^m) a² + (1 - 2^m) b² + 2^m (a + b)²."""
    negative, integer, fraction = number.kif
    bits = negative + integer + fraction
    if bits <= TABLE_BITS:
        entries = round(float((number.high - number.low) / number.step)) + 1
        return number.lookup(factor * np.linspace(float(number.low), float(number.high), entries) ** 2)
    m = bits // 2
    a = number.quantize(negative, integer, fraction - m) * 2.0**-m
    b = number.quantize(0, m - fraction, fraction)
    ends = _squared(a, factor * (4.0**m - 2.0**m)) + _squared(b, factor * (1 - 2.0**m))
    return ends + _squared(a + b, factor * 2.0**m)
