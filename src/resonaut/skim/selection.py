"""The selection of a region: which jets and events are kept, and the columns of the jets."""

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

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
    # Events with too few jets are padded so that all cuts below see regular arrays.
    leading = ak.pad_none(jets[~failed], region.jets, clip=True)
    if region.delta_eta_max is not None:
        flow.cut("delta_eta", ~_filled(delta_eta(leading) >= region.delta_eta_max))
    if region.m_jj_min is not None:
        flow.cut("m_jj", ~_filled(m_jj(leading) <= region.m_jj_min))
    kept = ak.drop_none(leading[flow.mask])
    for name, branch in branches.items():
        flow.doubt(branch, spread(flow.mask, broken(kept[name])))
    return kept[ak.argsort(kept.softdrop_mass, ascending=False, stable=True)]


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


def _filled(passes: ak.Array) -> np.ndarray:
    return np.asarray(ak.fill_none(passes, False), bool)


def delta_eta(jets: ak.Array) -> ak.Array:
    """|eta_1 - eta_2| of the first two jets of each event."""
    return np.abs(jets.eta[:, 0] - jets.eta[:, 1])


def m_jj(jets: ak.Array) -> ak.Array:
    """Invariant mass (GeV) of the first two jets of each event, in double precision."""
    return _mass(*(ak.values_astype(jets[name], np.float64) for name in ("pt", "eta", "phi", "mass")))


def _mass(pt: Any, eta: Any, phi: Any, mass: Any) -> Any:
    """Of the first two of each event, which an awkward or a plain array holds."""
    px, py, pz, energy = (
        pt * np.cos(phi),
        pt * np.sin(phi),
        pt * np.sinh(eta),
        np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2),
    )
    px, py, pz, energy = (values[:, 0] + values[:, 1] for values in (px, py, pz, energy))
    return np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0.0))


def jet_columns(jets: ak.Array, number: int, shapes: Sequence[str]) -> dict[str, Any]:
    """The columns of kept jets (events * ``number``, heavier first): ``m_jj``, ``delta_eta_jj``, ``j1_pt``, ...

    With one jet there is no pair: ``m_jj`` and ``delta_eta_jj`` are 0.
    """
    names = ["pt", "eta", "phi", "mass", "softdrop_mass", *shapes]
    kept = {name: ak.to_numpy(ak.flatten(jets[name])).reshape(-1, number) for name in names}
    columns = {"m_jj": np.zeros(len(jets)), "delta_eta_jj": np.zeros(len(jets))}
    if number == 2:
        columns["m_jj"] = _mass(*(kept[name].astype(np.float64) for name in ("pt", "eta", "phi", "mass")))
        columns["delta_eta_jj"] = np.abs(kept["eta"][:, 0] - kept["eta"][:, 1])
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
