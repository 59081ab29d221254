"""Bins of the dijet mass resolution, in which the quality of a fit is judged and shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

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
MERGED_EVENTS = 5


@dataclass(frozen=True)
class Quality:
    """Pearson's chi2 in ``edges`` merged to at least 5 events; ``pulls`` are (n - b) / sqrt(b) of those bins."""

    chi2: float
    ndf: int
    p_value: float | None
    edges: Array
    counts: Array
    expected: Array
    pulls: Array


def resolution_cuts(edges: Array, counts: Array) -> NDArray[np.intp]:
    """Indices of the ``edges`` nearest to those of the dijet resolution, up to one bin after the last populated one."""
    # An edge close to an end of the spectrum would cut off a sliver.
    half = np.interp(edges[[0, -1]], DIJET_EDGES[:-1], np.diff(DIJET_EDGES)) / 2
    inside = DIJET_EDGES[(edges[0] + half[0] < DIJET_EDGES) & (edges[-1] - half[1] > DIJET_EDGES)]
    right = np.searchsorted(edges, inside)
    nearest = np.where(inside - edges[right - 1] < edges[right] - inside, right - 1, right)
    cuts = np.unique(np.concatenate([[0], nearest, [len(edges) - 1]]))
    populated = np.flatnonzero(np.add.reduceat(counts, cuts[:-1]))
    last = int(populated[-1]) if len(populated) else 0
    return cuts[: last + 3]


def merge(values: Array, cuts: NDArray[np.intp]) -> Array:
    """Sums of ``values`` (..., N) between ``cuts``; what lies outside is left out."""
    return np.asarray(np.add.reduceat(values[..., : cuts[-1]], cuts[:-1], axis=-1))


def quality(edges: Array, counts: Array, expected: Array, parameters: int) -> Quality:
    """Chi2 of ``counts`` (N,) against ``expected`` (N,), of which ``parameters`` were fitted."""
    cuts = resolution_cuts(edges, counts)
    filled = np.concatenate([[0.0], np.cumsum(counts)])[cuts]
    kept = [0]
    for i in range(1, len(cuts) - 1):
        if filled[i] - filled[kept[-1]] >= MERGED_EVENTS and filled[-1] - filled[i] >= MERGED_EVENTS:
            kept.append(i)
    cuts = cuts[[*kept, len(cuts) - 1]]
    merged, model = merge(counts, cuts), merge(expected, cuts)
    pulls = (merged - model) / np.sqrt(model)
    chi2, ndf = float(pulls @ pulls), len(merged) - parameters
    p_value = float(stats.chi2.sf(chi2, ndf)) if ndf > 0 else None
    return Quality(chi2, ndf, p_value, edges[cuts], merged, model, pulls)
