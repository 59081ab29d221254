"""Weights of sideband events with which the jets' pT spectra are those of the signal region.

Jets of heavier pairs have larger pT, and the features of a jet depend on its pT: a classifier between
regions would learn m_jj from them. With these weights pT tells nothing (as in CMS EXO-22-026).
"""

import awkward as ak
import numpy as np
from numpy.typing import NDArray

PT = ("j1_pt", "j2_pt")
# Alternating fits converge in a few rounds; the ratios are then 1 within a per mille.
ROUNDS = 20
# No sideband event may stand for more or less than so many: beyond, the spectra do not overlap.
SMALLEST, LARGEST = 0.01, 10.0


def columns(bins: int) -> tuple[str, ...]:
    """The stored columns that the weights need."""
    return PT if bins else ()


def balanced(
    events: ak.Array,
    signal_region: NDArray[np.bool_],
    sideband: NDArray[np.bool_],
    weights: NDArray[np.float64],
    bins: int,
) -> NDArray[np.float64]:
    """``weights``, shape (n,), changed in the sideband so that each jet's pT spectrum is the signal region's.

    Iterative proportional fitting of both jets' spectra (Deming, Stephan, Ann. Math. Stat. 11 (1940) 427), in ``bins``
    quantiles of pT; 0 bins change nothing. Sums of weights mean nothing after it, only ratios.
    """
    if not bins:
        return weights
    new = weights.copy()
    found = []
    for name in PT:
        pt = ak.to_numpy(events[name])
        inner = np.quantile(pt[signal_region | sideband], np.linspace(0, 1, bins + 1)[1:-1])
        found.append(np.digitize(pt, inner))
    wanted = [np.bincount(b[signal_region], weights[signal_region], bins) for b in found]
    for _ in range(ROUNDS):
        for place, target in zip(found, wanted, strict=True):
            now = np.bincount(place[sideband], new[sideband], bins)
            factor = np.divide(target / target.sum(), now / now.sum(), out=np.ones(bins), where=now > 0)
            new[sideband] *= factor[place[sideband]]
            new[sideband] = np.clip(new[sideband], SMALLEST * weights[sideband], LARGEST * weights[sideband])
    return new
