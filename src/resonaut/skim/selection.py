"""The selection of a region: which jets and events are kept, and the columns of the jets."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.lists import packed, unpacked
from resonaut.physics.observables import LARGE_JET, MOMENTUM, OBSERVABLES
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
    counts, whole = unpacked(jets)
    event = np.repeat(np.arange(len(counts)), counts)
    passing = np.ones(len(event), bool)
    for name, fails in _jet_cuts(whole, region):
        passing &= ~fails
        flow.cut(name, np.bincount(event[passing], minlength=len(counts)) >= region.jets)
    leading = _leading(whole["pt"], event, passing, flow.mask, region.jets)
    for name, observable, fails_at in _pair_cuts(region):
        pair = {field: whole[field][leading] for field in MOMENTUM}
        fine = ~fails_at(np.asarray(OBSERVABLES[observable].formula({LARGE_JET: pair})))
        flow.cut(name, spread(flow.mask, fine))
        leading = leading[fine]
    for name, branch in branches.items():
        flow.doubt(branch, spread(flow.mask, ~np.isfinite(whole[name][leading]).all(axis=1)))
    heavier = np.argsort(-whole["softdrop_mass"][leading], axis=1, kind="stable")
    leading = np.take_along_axis(leading, heavier, axis=1)
    kept = {name: values[leading.ravel()] for name, values in whole.items()}
    return packed(np.full(len(leading), region.jets), kept)


def _leading(pt: np.ndarray, event: np.ndarray, passing: np.ndarray, mask: np.ndarray, number: int) -> np.ndarray:
    """The places of the leading-pT jets of the events of ``mask``, shape (events, ``number``).

    Args:
        pt: of all jets (n,).
        event: of which event each jet is, rising.
        passing: the jets that count; each event of ``mask`` has at least ``number`` of them.
        mask: of all events.
        number: of jets for each event.
    """
    used = np.flatnonzero(passing & mask[event])
    counts = np.bincount(event[used], minlength=len(mask))[mask]
    starts, row = np.cumsum(counts) - counts, np.repeat(np.arange(len(counts)), counts)
    padded = np.full((len(counts), counts.max(initial=number)), np.inf)
    padded[row, np.arange(len(used)) - starts[row]] = -np.where(np.isnan(pt[used]), np.inf, pt[used])
    # Stable: of equally hard jets the first one in the file comes first.
    found: np.ndarray = used[starts[:, None] + np.argsort(padded, axis=1, kind="stable")[:, :number]]
    return found


def _jet_cuts(jets: Mapping[str, np.ndarray], region: Region) -> list[tuple[str, np.ndarray]]:
    """The cuts, and which of the jets (n) fail them; written so that NaN fails none."""
    cuts = [("pt", jets["pt"] <= region.pt_min), ("eta", np.abs(jets["eta"]) >= region.eta_max)]
    if region.jet_id is not None:
        cuts.append(("jet_id", jets["jet_id"] < region.jet_id))
    if region.softdrop_mass is not None:
        low, high = region.softdrop_mass
        mass = jets["softdrop_mass"]
        cuts.append(("softdrop_mass", (mass <= low) | (mass >= high)))
    return cuts


def _pair_cuts(region: Region) -> list[tuple[str, str, Callable[[np.ndarray], np.ndarray]]]:
    """The cuts on the two leading jets: their names, observables, and what fails them."""
    cuts: list[tuple[str, str, Callable[[np.ndarray], np.ndarray]]] = []
    highest, lowest = region.delta_eta_max, region.m_jj_min
    if region.jets == 2 and highest is not None:
        cuts.append(("delta_eta", "delta_eta_jj", lambda values: values >= highest))
    if region.jets == 2 and lowest is not None:
        cuts.append(("m_jj", "m_jj", lambda values: values <= lowest))
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
    content = {} if jets is None else unpacked(jets)[1]
    kept = {name: content[name].reshape(-1, number) for name in names if name in content}
    columns = {name: OBSERVABLES[name].formula({LARGE_JET: kept}) for name in PAIR} if number == 2 else {}
    for j in range(number):
        columns |= {f"j{j + 1}_{name}": kept[name][:, j] for name in names}
    return columns


def constituent_columns(candidates: ak.Array, jet: str, limit: int, more: Sequence[str] = ()) -> dict[str, Any]:
    """The columns of one jet's candidates: by falling pT, at most ``limit`` of them.

    ``candidates``: events * var * {pt, eta, phi, mass, charge, pdgId}, and ``more``. ``n_constituents`` counts all with
    pT > 0.
    """
    candidates = candidates[candidates.pt > 0]
    number = ak.num(candidates)
    candidates = candidates[ak.argsort(candidates.pt, ascending=False, stable=True)][:, :limit]
    fields = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "charge": "charge", "pdgid": "pdgId"} | {
        name: name for name in more
    }
    columns = {f"{jet}_pf_{name}": candidates[field] for name, field in fields.items()}
    return {f"{jet}_n_constituents": number} | columns
