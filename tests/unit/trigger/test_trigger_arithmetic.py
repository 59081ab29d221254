"""Casts of fixed-point numbers against the definitions of their modes in exact fractions."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest

from resonaut.core.errors import ConfigError
from resonaut.trigger import arithmetic
from resonaut.trigger.formats import OVERFLOWS, ROUNDINGS, Fixed, fixed

HALF = Fraction(1, 2)
ROUND = {
    "AP_TRN": floor,
    "AP_TRN_ZERO": int,
    "AP_RND": lambda x: floor(x + HALF),
    "AP_RND_MIN_INF": lambda x: ceil(x - HALF),
    "AP_RND_ZERO": lambda x: ceil(x - HALF) if x >= 0 else floor(x + HALF),
    "AP_RND_INF": lambda x: floor(x + HALF) if x >= 0 else ceil(x - HALF),
    "AP_RND_CONV": round,
}


def limited(value: int, form: Fixed) -> int:
    low = -(2 ** (form.width - 1)) if form.signed else 0
    high = low + 2**form.width - 1
    if form.overflow == "AP_WRAP":
        return (value - low) % 2**form.width + low
    if form.overflow == "AP_SAT_ZERO":
        return value if low <= value <= high else 0
    if form.overflow == "AP_SAT_SYM" and form.signed:
        low = -high
    return min(max(value, low), high)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("signed", [True, False])
def test_casts_are_what_the_modes_say(rounding, overflow, signed):
    raw = np.arange(-200, 200)
    for lost in (-2, 0, 1, 3):
        form = Fixed(5, 4, signed, rounding, overflow)
        wanted = [limited(ROUND[rounding](Fraction(int(one)) / Fraction(2) ** lost), form) for one in raw]
        np.testing.assert_array_equal(arithmetic.cast(raw, 4 + lost, form), wanted)


def test_shifts_cut_and_lose_bits_in_any_mode():
    form = fixed("ap_fixed<6,3,AP_RND,AP_SAT>")
    found = arithmetic.shifted(np.array([[-7, 5, 20]]), np.array([1, 2, -1]), form)
    # 40 does not fit into six bits: 40 - 64.
    assert found.tolist() == [[-4, 1, -24]]


def test_numbers_and_their_integers():
    form = fixed("ap_ufixed<10,6,AP_RND_CONV,AP_SAT>")
    assert form == Fixed(10, 4, False, "AP_RND_CONV", "AP_SAT")
    assert arithmetic.values(np.array([24]), form).tolist() == [1.5]
    assert arithmetic.nearest(np.array([1.53, -1.0, 1000.0]), form).tolist() == [24, 0, 1023]
    assert fixed(fixed("ap_int<8>").text) == Fixed(8, 0, True)
    assert fixed("ap_fixed<14, 6, AP_RND_CONV, AP_SAT, 0>").text == "ap_fixed<14,6,AP_RND_CONV,AP_SAT>"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ap_fixed<8>", "is no format"),
        ("ap_int<8,4>", "is no format"),
        ("float", "is no format"),
        ("ap_fixed<8,4,AP_SAT>", "has the mode 'AP_SAT'"),
        ("ap_fixed<8,4,AP_RND,AP_TRN>", "has the mode 'AP_TRN'"),
        ("ap_fixed<41,4>", "has too many bits"),
        ("ap_fixed<8,-40>", "has too many bits"),
    ],
)
def test_what_is_no_format_is_refused(text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        fixed(text)
