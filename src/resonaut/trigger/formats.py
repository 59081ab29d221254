"""Formats of fixed-point numbers as the firmware has them: ``ap_fixed<W, I, Q, O>``.

W bits in all, I of them before the point (a sign among them), rounding Q where bits are lost at the end, and O where
they are lost at the front (AMD, Vitis HLS user guide UG1399). A number is an integer times 2^(I - W).
"""

import re
from dataclasses import dataclass
from functools import cache

from resonaut.core.errors import ConfigError

ROUNDINGS = ("AP_TRN", "AP_TRN_ZERO", "AP_RND", "AP_RND_ZERO", "AP_RND_MIN_INF", "AP_RND_INF", "AP_RND_CONV")
OVERFLOWS = ("AP_WRAP", "AP_SAT", "AP_SAT_ZERO", "AP_SAT_SYM")
# In all and after the point; products must fit into 64 bits, too.
MOST_BITS = 40
# The last number, of bits that wrap, is always 0.
PATTERN = re.compile(
    r"ap_(u?)(fixed|int)<\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?(?:,\s*(AP_\w+)\s*)?(?:,\s*(AP_\w+)\s*)?(?:,\s*0\s*)?>"
)


@dataclass(frozen=True)
class Fixed:
    """A format; ``fraction`` is the number of fractional bits, which may be negative."""

    width: int
    fraction: int
    signed: bool
    rounding: str = "AP_TRN"
    overflow: str = "AP_WRAP"

    @property
    def least(self) -> int:
        """The smallest integer."""
        if not self.signed:
            return 0
        return -int(2 ** (self.width - 1)) + (self.overflow == "AP_SAT_SYM")

    @property
    def most(self) -> int:
        """The largest integer."""
        return int(2 ** (self.width - self.signed)) - 1

    @property
    def text(self) -> str:
        """As the firmware's source has it."""
        integer = self.width - self.fraction
        return f"ap_{'' if self.signed else 'u'}fixed<{self.width},{integer},{self.rounding},{self.overflow}>"


@cache
def fixed(text: str) -> Fixed:
    """The format of a text as in the firmware's source.

    >>> fixed("ap_ufixed<10,6,AP_RND_CONV,AP_SAT>")
    Fixed(width=10, fraction=4, signed=False, rounding='AP_RND_CONV', overflow='AP_SAT')

    Raises:
        ConfigError: the text is none, has a mode that is not known, or more bits than ``MOST_BITS``.
    """
    match = PATTERN.fullmatch(text)
    if match is None or (match[2] == "int") != (match[4] is None):
        raise ConfigError(f"{text!r} is no format; give one such as ap_fixed<16,6> or ap_ufixed<10,6,AP_RND,AP_SAT>.")
    unsigned, _, width, integer, rounding, overflow = match.groups()
    modes = rounding or ROUNDINGS[0], overflow or OVERFLOWS[0]
    for mode, known in zip(modes, (ROUNDINGS, OVERFLOWS), strict=True):
        if mode not in known:
            raise ConfigError(f"{text!r} has the mode {mode!r}; take one of {', '.join(known)}.")
    found = Fixed(int(width), int(width) - int(integer or width), not unsigned, *modes)
    if not 1 <= found.width <= MOST_BITS or abs(found.fraction) > MOST_BITS:
        raise ConfigError(f"{text!r} has too many bits; give 1 to {MOST_BITS}, in all and after the point.")
    return found
