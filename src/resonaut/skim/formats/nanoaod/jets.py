"""The large-radius jets of a NanoAOD file, nominal and shifted."""

import numpy as np

from resonaut.core.lists import unpacked
from resonaut.skim.formats.nanoaod.corrected import Corrected
from resonaut.skim.formats.nanoaod.names import Names
from resonaut.skim.formats.nanoaod.selection import FLAVOUR, TAU_FLAVOUR, TAUS, Selection
from resonaut.skim.formats.nanoaod.tree import Batch
from resonaut.skim.settings import Region
from resonaut.skim.variations import Shifted


def read_jets(
    events: Batch, selection: Selection, names: Names, corrected: Corrected
) -> tuple[Shifted, dict[str, str]]:
    """All jets under this project's names, with their ``index`` in the file; and the branches of the fields."""
    fields = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "softdrop_mass": names.softdrop_mass}
    fields |= {name: name for name in TAUS if name in selection.shapes}
    fields |= ({"b_tag": names.b_tag} if names.b_tag else {}) | ({"flavour": FLAVOUR} if selection.flavours else {})
    if selection.region.jet_id is not None and not selection.corrections.identifies("large_jet"):
        fields["jet_id"] = names.jet_id
    told = selection.flavours and events.has(f"{names.jets}_{TAU_FLAVOUR}")
    tau = {"tau_flavour": TAU_FLAVOUR} if told else {}
    counts, of = unpacked(events.collection(names.jets, fields | tau | corrected.extra("large_jet")))
    if told:
        of["flavour"] = np.where(of["flavour"] == 0, of["tau_flavour"], of["flavour"])
    # NanoAOD writes rounding noise below zero, and -1 for jets that were not groomed.
    groomed = of["softdrop_mass"]
    of["softdrop_mass"] = np.maximum(np.where(np.isinf(groomed), np.nan, groomed), 0)
    of["index"] = np.arange(len(groomed)) - np.repeat(np.cumsum(counts) - counts, counts)
    branches = {name: f"{names.jets}_{field}" for name, field in fields.items()}
    # What is read for the corrections alone would be carried through the whole selection.
    return corrected.large(counts, of, (*fields, "jet_id", "index")), branches


def possible(jets: Shifted, region: Region) -> np.ndarray:
    """The events with enough jets of enough momentum in any variation."""
    pt, counts = jets.nominal["pt"], jets.counts
    largest = np.maximum.reduce([pt, *(one["pt"] for one in jets.shifted.values() if "pt" in one)])
    failed = (largest <= region.pt_min) | (np.abs(jets.nominal["eta"]) >= region.eta_max)
    first = np.concatenate([[0], np.cumsum(~failed)])
    ends = np.cumsum(counts)
    return np.asarray(first[ends] - first[ends - counts] >= region.jets)
