"""Sources of uncertainty of the signal, each of which may change its rate and move and widen its peak at once.

A fit has no nuisance for each of them, but three that together do the same: in a profile likelihood only the likeliest
way counts to move, widen and raise the peak by given amounts, and for effects that are linear its penalty follows from
the covariance of the three, the sum over all sources. A Cholesky factor of it makes three independent nuisances:

- ``scale`` takes the sources along in proportion to how each moves the peak: it is all that moves it, and changes width
  and rate as these sources do;
- ``resolution`` takes along what is left of them in proportion to their widths, and changes width and rate;
- ``normalisation`` is what is left of the rates.

Rates have two sides: along the first two each source is on its own side, and what is left is there for each side.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.fit import sides
from resonaut.fit.family import Array
from resonaut.fit.motion import lognormal
from resonaut.fit.results.points import Size

# Part of an effect below which what is left of it is rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Source:
    """What a source does to the signal when it goes up by one standard deviation.

    ``rate``: to its yield, as in ``sides``; ``position`` and ``width``: relative changes of its peak, of either sign.
    """

    rate: Size = 0.0
    position: float = 0.0
    width: float = 0.0

    @property
    def moves(self) -> bool:
        """Whether it does anything to the peak."""
        return bool(self.position or self.width)

    @property
    def size(self) -> float:
        """The larger change of the rate; where there is none, of the position, or of the width."""
        return sides.largest(self.rate) or abs(self.position) or abs(self.width)


def named(sizes: Mapping[str, Size]) -> dict[str, Source]:
    """Sources of one effect: ``scale`` moves the peak, ``resolution`` widens it, all others change the rate."""
    found = {name: Source(rate=size) for name, size in sizes.items()}
    if "scale" in sizes:
        found["scale"] = Source(position=sides.largest(sizes["scale"]))
    if "resolution" in sizes:
        found["resolution"] = Source(width=sides.largest(sizes["resolution"]))
    return found


def interpolated(mass: float, masses: Array, sources: Sequence[Source]) -> Source:
    """The source at ``mass``: each of its effects linear between the ``masses`` (sorted) and constant beyond."""
    position, width = (
        float(np.interp(mass, masses, [getattr(one, name) for one in sources])) for name in ("position", "width")
    )
    return Source(sides.interpolated(mass, masses, [one.rate for one in sources]), position, width)


@dataclass(frozen=True)
class Combined:
    """The three ``nuisances`` of a fit, and what the N sources ``names`` have of them.

    ``moving`` (N,): those that do something to the peak; ``along`` (2, N): how far each goes for one standard deviation
    of the first two nuisances; ``slopes`` (2, N): changes of the logarithm of the yield by each where it raises the
    yield, and where it lowers it; ``left`` (2, N): what is left of these for the third nuisance.
    """

    names: tuple[str, ...]
    moving: NDArray[np.bool_]
    along: Array
    slopes: Array
    left: Array
    nuisances: dict[str, Source]

    @staticmethod
    def of(sources: Mapping[str, Source]) -> "Combined":
        """The nuisances of ``sources``, by name."""
        position = np.array([one.position for one in sources.values()])
        width = np.array([one.width for one in sources.values()])
        up, down = np.array([sides.logarithms(one.rate) for one in sources.values()]).reshape(-1, 2).T
        scale, first = _unit(position)
        with_scale = float(width @ first)
        resolution, second = _unit(_rest(width - with_scale * first, width))
        along = np.stack([first, second])
        slopes = np.where(up > down, [up, -down], [-down, up])
        left = np.stack([_rest(one - one @ along.T @ along, one) for one in slopes])
        nuisances = {
            "scale": Source(_rate(up, down, first), scale, with_scale),
            "resolution": Source(_rate(up, down, second), 0.0, resolution),
            "normalisation": Source(sides.relative(_lengths(left))),
        }
        moving = np.array([one.moves for one in sources.values()], dtype=bool)
        return Combined(tuple(sources), moving, along, slopes, left, nuisances)

    def of_peak(self, effect: str) -> Array:
        """What the ``position`` or ``width`` of the peak is of the three nuisances, as in ``shares``."""
        return _unit(np.array([getattr(one, effect) for one in self.nuisances.values()]))[1]

    def shares(self, members: Collection[str], pulls: Array, covariance: Array) -> Array:
        """What ``members`` of the sources are of the three nuisances: components (3,) of a unit vector.

        Several sources are taken together in proportion to how much the yield depends on each, such that they raise it.

        Args:
            members: names of sources.
            pulls: of the three nuisances (3,); that of the last decides on the sides of the rates.
            covariance: of the yield with the three nuisances (3,).
        """
        pull, inside = float(pulls[2]), np.isin(self.names, list(members))
        whole = lognormal(*_lengths(self.left), pull)[1] or 1.0
        if not self.moving[inside].any():
            return np.array([0.0, 0.0, lognormal(*_lengths(self.left[:, inside]), pull)[1] / whole])
        left = [lognormal(raised, lowered, pull)[1] / whole for raised, lowered in self.left[:, inside].T]
        each = np.vstack([self.along[:, inside], left])
        if len(left) == 1:
            return each[:, 0]
        _, way = _unit(covariance @ each)
        return np.asarray(each @ way * (1 if way @ self.slopes[0, inside] >= 0 else -1))


def together(sources: Iterable[Source]) -> Source:
    """The sizes of several sources as if they were one."""
    parts = list(sources)
    rate = sides.relative(sides.combined(one.rate for one in parts))
    return Source(rate, math.hypot(*(one.position for one in parts)), math.hypot(*(one.width for one in parts)))


def _unit(vector: Array) -> tuple[float, Array]:
    """Length and direction of a vector, which may be zero."""
    length = math.hypot(*vector)
    return length, vector / (length or 1.0)


def _rest(vector: Array, whole: Array) -> Array:
    """What is left of the ``whole``, or zero if that is no more than rounding."""
    return vector if math.hypot(*vector) > ROUNDING * math.hypot(*whole) else np.zeros_like(vector)


def _lengths(pair: Array) -> tuple[float, float]:
    raised, lowered = pair
    return math.hypot(*raised), math.hypot(*lowered)


def _rate(up: Array, down: Array, way: Array) -> Size:
    """The rate of a nuisance that takes sources, whose logarithms are ``up`` and ``down`` (N,), along by ``way``."""
    with_way, against = np.where(way > 0, [up, down], [down, up])
    return sides.relative((float(np.abs(way) @ with_way), -float(np.abs(way) @ against)))
