"""The large-radius jets of a NanoAOD file, nominal and shifted."""

from collections.abc import Mapping

import awkward as ak
import numpy as np

from resonaut.core.lists import packed, unpacked
from resonaut.skim.formats.nanoaod.corrected import Corrected
from resonaut.skim.formats.nanoaod.names import Names
from resonaut.skim.formats.nanoaod.selection import TAUS, Selection
from resonaut.skim.formats.nanoaod.tree import Batch
from resonaut.skim.settings import Region


def read_jets(
    events: Batch, selection: Selection, names: Names, corrected: Corrected
) -> tuple[Mapping[str, ak.Array], dict[str, str]]:
    """All jets under this project's names, with their ``index`` in the file; and the branches of the fields.

    The jets are the nominal ones under "", and those of each variation.
    """
    fields = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "softdrop_mass": names.softdrop_mass}
    fields |= {name: name for name in TAUS} | ({"b_tag": names.b_tag} if names.b_tag else {})
    if selection.region.jet_id is not None and not selection.corrections.identifies("large_jet"):
        fields["jet_id"] = names.jet_id
    counts, of = unpacked(events.collection(names.jets, fields | corrected.extra("large_jet")))
    # NanoAOD writes rounding noise below zero, and -1 for jets that were not groomed.
    groomed = of["softdrop_mass"]
    of["softdrop_mass"] = np.maximum(np.where(np.isinf(groomed), np.nan, groomed), 0)
    of["index"] = np.arange(len(groomed)) - np.repeat(np.cumsum(counts) - counts, counts)
    branches = {name: f"{names.jets}_{field}" for name, field in fields.items()}
    # What is read for the corrections alone would be carried through the whole selection.
    return corrected.large(packed(counts, of), (*fields, "jet_id", "index")), branches


def possible(jets: Mapping[str, ak.Array], region: Region) -> np.ndarray:
    """The events with enough jets of enough momentum in any variation."""
    counts, of = unpacked(jets[""])
    largest = np.maximum.reduce([unpacked(one)[1]["pt"] for one in jets.values()])
    failed = (largest <= region.pt_min) | (np.abs(of["eta"]) >= region.eta_max)
    first = np.concatenate([[0], np.cumsum(~failed)])
    ends = np.cumsum(counts)
    return np.asarray(first[ends] - first[ends - counts] >= region.jets)
