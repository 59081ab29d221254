"""Arithmetic of fixed-point numbers as AMD's ``ap_fixed`` does it: integers (int64), and the bits that a cast loses."""

import numpy as np
import numpy.typing as npt

from resonaut.trigger.formats import Fixed

Raw = npt.NDArray[np.int64]


def values(raw: Raw, form: Fixed) -> npt.NDArray[np.float64]:
    """The numbers of integers of a format."""
    found: npt.NDArray[np.float64] = np.ldexp(raw.astype(np.float64), -form.fraction)
    return found


def nearest(numbers: npt.NDArray[np.floating], form: Fixed) -> Raw:
    """The integers whose numbers are nearest, the largest or smallest where ``numbers`` are beyond."""
    scaled = np.rint(np.ldexp(np.asarray(numbers, np.float64), form.fraction))
    found: Raw = np.clip(scaled, form.least, form.most).astype(np.int64)
    return found


def cast(raw: Raw, fraction: int, form: Fixed) -> Raw:
    """Integers with ``fraction`` fractional bits in a format, as an assignment of the firmware makes them."""
    rounded = _rounded(raw, fraction - form.fraction, form.rounding)
    if form.overflow == "AP_WRAP":
        return wrapped(rounded, form)
    if form.overflow == "AP_SAT_ZERO":
        return np.where((rounded < form.least) | (rounded > form.most), 0, rounded)
    return np.clip(rounded, form.least, form.most)


def shifted(raw: Raw, right: Raw, form: Fixed) -> Raw:
    """Shifts of the bits: to the right what is lost is cut, to the left what does not fit is lost, in any mode."""
    moved = np.where(right >= 0, raw >> np.maximum(right, 0), raw << np.maximum(-right, 0))
    return wrapped(moved, form)


def wrapped(raw: Raw, form: Fixed) -> Raw:
    """Without the bits at the front that a format does not have."""
    low = -(1 << (form.width - 1)) if form.signed else 0
    found: Raw = ((raw - low) & ((1 << form.width) - 1)) + low
    return found


def _rounded(raw: Raw, lost: int, mode: str) -> Raw:
    """Without the last ``lost`` bits, or with more that are 0."""
    if lost <= 0:
        return raw << -lost
    whole, rest, half = raw >> lost, raw & ((1 << lost) - 1), 1 << (lost - 1)
    above, tie = rest > half, rest == half
    if mode == "AP_TRN":
        return whole
    if mode == "AP_TRN_ZERO":
        return whole + ((raw < 0) & (rest > 0))
    ties_up = {
        "AP_RND": tie,
        "AP_RND_ZERO": tie & (raw < 0),
        "AP_RND_MIN_INF": np.zeros_like(tie),
        "AP_RND_INF": tie & (raw >= 0),
        "AP_RND_CONV": tie & (whole % 2 == 1),
    }
    found: Raw = whole + (above | ties_up[mode])
    return found
