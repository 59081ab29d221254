"""Missing transverse momentum with the corrections of jets (type 1).

CMS Collaboration, JINST 14 (2019) P07004, section 4.
"""

from collections.abc import Iterable

import awkward as ak
import numpy as np

from resonaut.skim.corrections.tables import FloatArray

# Softer jets are a part of what is not clustered; those of photons and electrons are calibrated already.
PT_MIN = 15.0
ELECTROMAGNETIC_MAX = 0.9


def jet_sum(jets: ak.Array, factor: ak.Array, offset: ak.Array | None) -> FloatArray:
    """What the corrections of jets add to their sum, shape (2, n): x and y (GeV).

    Args:
        jets: events * var * {pt, rawFactor, phi, muonSubtrFactor}, and where it is known ``electromagnetic``, the
            part of the energy. Muons keep their own momenta.
        factor: from raw to corrected momentum.
        offset: the factor that removes pile-up alone; None for 1.
    """
    bare = jets.pt * (1 - jets.rawFactor) * (1 - jets.muonSubtrFactor)
    counts = bare * factor > PT_MIN
    if "electromagnetic" in jets.fields:
        counts = counts & (jets.electromagnetic < ELECTROMAGNETIC_MAX)
    change = ak.where(counts, bare * (factor - (1 if offset is None else offset)), 0)
    return np.stack([ak.to_numpy(ak.sum(change * f(jets.phi), axis=1)) for f in (np.cos, np.sin)]).astype(np.float64)


def corrected(pt: FloatArray, phi: FloatArray, sums: Iterable[FloatArray]) -> ak.Array:
    """The raw missing momentum ``pt`` (GeV), ``phi`` of each event, without the ``sums`` (2, n): {pt, phi}."""
    x, y = np.stack([pt * np.cos(phi), pt * np.sin(phi)]).astype(np.float64) - sum(sums)
    return ak.zip({"pt": np.hypot(x, y), "phi": np.arctan2(y, x)})
