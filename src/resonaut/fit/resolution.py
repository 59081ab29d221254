"""The mass resolution of a spectrum: the unit in which fits are judged, bumps are sought and ranges shrink."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.family import Array

# GeV; the bins of the dijet searches of CMS (JHEP 05 (2020) 033), as wide as the resolution at each mass.
# fmt: off
DIJET_EDGES = np.array([
    1, 3, 6, 10, 16, 23, 31, 40, 50, 61, 74, 88, 103, 119, 137, 156, 176, 197, 220, 244, 270, 296, 325, 354, 386, 419,
    453, 489, 526, 565, 606, 649, 693, 740, 788, 838, 890, 944, 1000, 1058, 1118, 1181, 1246, 1313, 1383, 1455, 1530,
    1607, 1687, 1770, 1856, 1945, 2037, 2132, 2231, 2332, 2438, 2546, 2659, 2775, 2895, 3019, 3147, 3279, 3416, 3558,
    3704, 3854, 4010, 4171, 4337, 4509, 4686, 4869, 5058, 5253, 5455, 5663, 5877, 6099, 6328, 6564, 6808, 7060, 7320,
    7589, 7866, 8152, 8447, 8752, 9067, 9391, 9726, 10072, 10430, 10798, 11179, 11571, 11977, 12395, 12827, 13272,
    13732, 14000,
], dtype=float)
# fmt: on


@dataclass(frozen=True)
class Resolution:
    """One standard deviation of the measured mass: ``relative`` to the mass, or None for that of dijets at CMS."""

    relative: float | None = None

    def at(self, mass: float | Array) -> Array:
        """The resolution at ``mass``, both GeV."""
        if self.relative is not None:
            return np.asarray(self.relative * np.asarray(mass))
        return np.asarray(np.interp(mass, DIJET_EDGES[:-1], np.diff(DIJET_EDGES)))

    def cuts(self, edges: Array) -> NDArray[np.intp]:
        """Indices of the ``edges`` (N + 1), GeV, of bins as wide as the resolution, from the first to the last.

        Bins that are about as wide as that, or wider, stay as they are.
        """
        return _dijet_cuts(edges, self.at(edges[[0, -1]]) / 2) if self.relative is None else self._cuts(edges)

    def _cuts(self, edges: Array) -> NDArray[np.intp]:
        """From each edge to that nearest to one resolution above it."""
        last = len(edges) - 1
        above = edges + self.at(edges)
        right = np.clip(np.searchsorted(edges, above), 1, last)
        nearest = np.where(above - edges[right - 1] < edges[right] - above, right - 1, right)
        following = np.maximum(nearest, np.minimum(np.arange(last + 1) + 1, last))
        # An edge close to the end would leave a sliver there.
        following[edges[following] + self.at(edges[-1]) / 2 > edges[-1]] = last
        cuts = [0]
        while cuts[-1] < last:
            cuts.append(int(following[cuts[-1]]))
        return np.array(cuts)


def _dijet_cuts(edges: Array, half: Array) -> NDArray[np.intp]:
    """The edges nearest to CMS's; one within ``half`` a resolution of either end would leave a sliver there."""
    inside = DIJET_EDGES[(edges[0] + half[0] < DIJET_EDGES) & (edges[-1] - half[1] > DIJET_EDGES)]
    right = np.searchsorted(edges, inside)
    nearest = np.where(inside - edges[right - 1] < edges[right] - inside, right - 1, right)
    return np.unique(np.concatenate([[0], nearest, [len(edges) - 1]]))


DIJET = Resolution()
