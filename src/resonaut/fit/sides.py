"""Uncertainties with two sides: what a source does to the signal's yield when it moves up and when it moves down.

The size of a source is a number, a log-normal of the same size both ways, or the pair of relative changes of the yield
with the source up and down, each of either sign. In a profile likelihood the logarithms of several sources' factors add
in quadrature, each side on its own: of all ways to change the yield by a factor the one with the least penalty counts.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from resonaut.fit.family import Array
from resonaut.fit.results.points import Size

# The least that a variation leaves of the yield: with few events a variation may take all of it.
LEAST = 0.01


def factors(size: Size) -> tuple[float, float]:
    """``ln`` of the factors on the yield with the source up and down."""
    if not isinstance(size, tuple):
        return math.log1p(size), -math.log1p(size)
    up, down = size
    return math.log(max(1 + up, LEAST)), math.log(max(1 + down, LEAST))


def logarithms(size: Size) -> tuple[float, float]:
    """The same as ``factors``, never of one sign.

    Where both variations change the yield in the same direction, the larger one counts: in the other direction the
    source does not change it.
    """
    up, down = factors(size)
    if up * down <= 0:
        return up, down
    return (up, 0.0) if abs(up) >= abs(down) else (0.0, down)


def combined(sizes: Iterable[Size]) -> tuple[float, float]:
    """``ln`` of the factors by which all ``sizes`` together raise and lower the yield, both positive."""
    logs = [logarithms(size) for size in sizes]
    return math.hypot(*(max(pair) for pair in logs)), math.hypot(*(min(pair) for pair in logs))


def relative(logs: tuple[float, float]) -> Size:
    """The size of a source that raises and lowers the yield by these logarithms, as ``combined`` gives them."""
    up, down = logs
    return math.expm1(up) if up == down else (math.expm1(up), math.expm1(-down))


def largest(size: Size) -> float:
    """The larger of both changes, in magnitude."""
    return max(map(abs, size)) if isinstance(size, tuple) else size


def interpolated(mass: float, masses: Array, sizes: Sequence[Size]) -> Size:
    """The size at ``mass``, each side linear between the ``masses`` (sorted) of ``sizes`` and constant beyond."""
    if not any(isinstance(size, tuple) for size in sizes):
        return float(np.interp(mass, masses, sizes))
    pairs = [size if isinstance(size, tuple) else tuple(map(math.expm1, logarithms(size))) for size in sizes]
    up, down = (float(np.interp(mass, masses, side)) for side in zip(*pairs, strict=True))
    return up, down
