"""The selection of a region: which jets and events are kept, and the columns of the jets."""

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from resonaut.physics.observables import LARGE_JET, OBSERVABLES
from resonaut.skim.columns import PAIR
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.settings import Region


def select(jets: ak.Array, region: Region, flow: Cutflow, branches: Mapping[str, str]) -> ak.Array:
    """Apply the cuts on jets and return the kept jets of the kept events: events * ``region.jets``.

    ``jets``: events * var * {pt, eta, phi, mass, softdrop_mass, ...} (GeV). The leading-pT jets among
    those that pass every cut on jets are kept, ordered by falling soft-drop mass. NaN passes every cut, and as
    pT comes first: an event stays in doubt until something else rejects it. ``branches`` names the fields of
    the kept jets that must be finite as the file does.
    """
    jets = jets[ak.argsort(ak.nan_to_num(jets.pt, nan=np.inf, posinf=np.inf), ascending=False, stable=True)]
    failed = ak.zeros_like(jets.pt, dtype=bool)
    for name, fails in _jet_cuts(jets, region):
        failed = failed | fails
        flow.cut(name, (ak.sum(~failed, axis=1) >= region.jets).to_numpy())
    leading = jets[~failed]
    pair = region.jets == 2
    if pair and region.delta_eta_max is not None:
        flow.cut("delta_eta", spread(flow.mask, ~(_of_pair(leading, "delta_eta_jj", flow) >= region.delta_eta_max)))
    if pair and region.m_jj_min is not None:
        flow.cut("m_jj", spread(flow.mask, ~(_of_pair(leading, "m_jj", flow) <= region.m_jj_min)))
    kept = leading[flow.mask][:, : region.jets]
    for name, branch in branches.items():
        flow.doubt(branch, spread(flow.mask, broken(kept[name])))
    return kept[ak.argsort(kept.softdrop_mass, ascending=False, stable=True)]


def _of_pair(jets: ak.Array, name: str, flow: Cutflow) -> np.ndarray:
    """An observable of the first two jets of the events that are left."""
    return np.asarray(OBSERVABLES[name].formula({LARGE_JET: jets[flow.mask]}))


def _jet_cuts(jets: ak.Array, region: Region) -> list[tuple[str, ak.Array]]:
    """The cuts and the jets that fail them; written so that NaN fails none."""
    cuts = [("pt", jets.pt <= region.pt_min), ("eta", np.abs(jets.eta) >= region.eta_max)]
    if region.jet_id is not None:
        cuts.append(("jet_id", jets.jet_id < region.jet_id))
    if region.softdrop_mass is not None:
        low, high = region.softdrop_mass
        cuts.append(("softdrop_mass", (jets.softdrop_mass <= low) | (jets.softdrop_mass >= high)))
    return cuts


def broken(values: ak.Array) -> np.ndarray:
    """The events in which one of the ``values`` (events * ..., any depth) is NaN or infinite."""
    if finite(values):
        return np.zeros(len(values), bool)
    fine = np.isfinite(values)
    while fine.ndim > 1:
        fine = ak.all(fine, axis=-1)
    return np.asarray(~ak.to_numpy(fine))


def finite(values: ak.Array) -> bool:
    """Whether no value is NaN or infinite: quick, for the usual case."""
    flat = ak.to_numpy(ak.flatten(values, axis=None))
    return flat.dtype.kind != "f" or bool(np.isfinite(flat).all())


def spread(mask: np.ndarray, found: np.ndarray) -> np.ndarray:
    """What was ``found`` of the events of ``mask``, for all events; no for the others."""
    whole = np.zeros(len(mask), bool)
    whole[mask] = found
    return whole


def jet_columns(jets: ak.Array | None, number: int, shapes: Sequence[str]) -> dict[str, Any]:
    """The columns of kept jets (events * ``number``, heavier first): those of the pair, if it is one, ``j1_pt``, ..."""
    names = ["pt", "eta", "phi", "mass", "softdrop_mass", *shapes]
    kept = {name: ak.to_numpy(ak.flatten(jets[name])).reshape(-1, number) for name in names if jets is not None}
    columns = {name: OBSERVABLES[name].formula({LARGE_JET: kept}) for name in PAIR} if number == 2 else {}
    for j in range(number):
        columns |= {f"j{j + 1}_{name}": kept[name][:, j] for name in names}
    return columns


def constituent_columns(candidates: ak.Array, jet: str, limit: int) -> dict[str, Any]:
    """The columns of one jet's candidates: by falling pT, at most ``limit`` of them.

    ``candidates``: events * var * {pt, eta, phi, mass, charge, pdgId}. ``n_constituents`` counts all with pT > 0.
    """
    candidates = candidates[candidates.pt > 0]
    number = ak.num(candidates)
    candidates = candidates[ak.argsort(candidates.pt, ascending=False, stable=True)][:, :limit]
    fields = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "charge": "charge", "pdgid": "pdgId"}
    columns = {f"{jet}_pf_{name}": candidates[field] for name, field in fields.items()}
    return {f"{jet}_n_constituents": number} | columns
