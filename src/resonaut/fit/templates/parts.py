"""Parts of samples: the sum of those of one era, and the histogram of a part with a source of uncertainty."""

from collections.abc import Iterable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.results.models import Part, Varied

Array = NDArray[np.float64]


def joined(parts: Iterable[Part]) -> list[Part]:
    """One part for each era: the sum of those of this era."""
    eras: dict[str | None, list[Part]] = {}
    for one in parts:
        eras.setdefault(one.era, []).append(one)
    return [reduce(_sum, found) for found in eras.values()]


def _sum(one: Part, other: Part) -> Part:
    """Of a source that one of them lacks, this one stays nominal; a way that only one has is mirrored for the other."""
    both = (one, other)
    varied = {}
    for source in dict.fromkeys([*one.varied, *other.varied]):
        there = [part.varied[source] for part in both if source in part.varied]
        ways = [way for way in ("up", "down") if any(getattr(found, way) is not None for found in there)]
        sums = {way: np.sum([varied_part(part, source, way) for part in both], axis=0).tolist() for way in ways}
        varied[source] = Varied(up=sums.get("up"), down=sums.get("down"))
    return Part(
        era=one.era,
        values=np.add(one.values, other.values).tolist(),
        variances=np.add(one.variances, other.variances).tolist(),
        events=None if one.events is None or other.events is None else one.events + other.events,
        outside=None if one.outside is None or other.outside is None else one.outside + other.outside,
        varied=varied,
    )


def varied_part(part: Part, source: str, way: str) -> Array:
    """The contents (N,) of a part with a source ``way`` (up, down); a missing way is the other one mirrored.

    Mirrored is ``2 nominal - other``. A part that lacks the source is nominal.
    """
    nominal = np.array(part.values)
    found = part.varied.get(source)
    if found is None or (found.up is None and found.down is None):
        return nominal
    own, other = (found.up, found.down) if way == "up" else (found.down, found.up)
    return np.array(own) if own is not None else 2 * nominal - np.array(other)
