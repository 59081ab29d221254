"""Which events are stored: a loose filter on the leading jets, before their substructure is computed."""

import awkward as ak
import numpy as np

from resonaut.simulate.settings import Filter


def passes(jets: ak.Array, cut: Filter) -> np.ndarray:
    """Which events have the leading jets that the filter asks for: one bool each."""
    keep: np.ndarray = (ak.num(jets) >= cut.jets).to_numpy()
    leading = jets[keep, : cut.jets]
    good = ak.all((leading.pt > cut.pt_min) & (np.abs(leading.eta) < cut.eta_max), axis=1)
    if cut.delta_eta_max is not None:
        good = good & (np.abs(leading[:, 0].eta - leading[:, 1].eta) < cut.delta_eta_max)
    if cut.m_jj_min is not None:
        good = good & ((leading[:, 0] + leading[:, 1]).mass > cut.m_jj_min)
    keep[keep] = good.to_numpy()
    return keep
