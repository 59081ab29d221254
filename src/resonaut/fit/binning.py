"""Bins of the mass resolution, in which the quality of a fit is judged and shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from resonaut.fit.family import Array
from resonaut.fit.spectrum import Spectrum

# Fewest events of a bin whose pull is taken for normal.
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


def resolution_cuts(spectrum: Spectrum) -> NDArray[np.intp]:
    """Indices of the edges of bins as wide as the resolution, up to one bin after the last populated one."""
    cuts = spectrum.resolution.cuts(spectrum.edges)
    populated = np.flatnonzero(np.add.reduceat(spectrum.counts, cuts[:-1]))
    last = int(populated[-1]) if len(populated) else 0
    return cuts[: last + 3]


def merge(values: Array, cuts: NDArray[np.intp]) -> Array:
    """Sums of ``values`` (..., N) between ``cuts``; what lies outside is left out."""
    return np.asarray(np.add.reduceat(values[..., : cuts[-1]], cuts[:-1], axis=-1))


def quality(spectrum: Spectrum, expected: Array, parameters: int) -> Quality:
    """Chi2 of the counts (N,) of ``spectrum`` against ``expected`` (N,), of which ``parameters`` were fitted."""
    cuts = resolution_cuts(spectrum)
    filled = np.concatenate([[0.0], np.cumsum(spectrum.counts)])[cuts]
    kept = [0]
    for i in range(1, len(cuts) - 1):
        if filled[i] - filled[kept[-1]] >= MERGED_EVENTS and filled[-1] - filled[i] >= MERGED_EVENTS:
            kept.append(i)
    cuts = cuts[[*kept, len(cuts) - 1]]
    merged, model = merge(spectrum.counts, cuts), merge(expected, cuts)
    pulls = (merged - model) / np.sqrt(model)
    chi2, ndf = float(pulls @ pulls), len(merged) - parameters
    p_value = float(stats.chi2.sf(chi2, ndf)) if ndf > 0 else None
    return Quality(chi2, ndf, p_value, spectrum.edges[cuts], merged, model, pulls)
