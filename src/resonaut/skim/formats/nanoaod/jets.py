"""The large-radius jets of a NanoAOD file, nominal and shifted."""

from collections.abc import Mapping

import awkward as ak
import numpy as np

from resonaut.skim.formats.nanoaod.corrected import Corrected
from resonaut.skim.formats.nanoaod.names import Names
from resonaut.skim.formats.nanoaod.selection import TAUS, Selection
from resonaut.skim.formats.nanoaod.tree import Batch
from resonaut.skim.selection import finite
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
    jets = events.collection(names.jets, fields | corrected.extra("large_jet"))
    # NanoAOD writes rounding noise below zero, and -1 for jets that were not groomed.
    groomed = jets.softdrop_mass
    groomed = groomed if finite(groomed) else ak.where(np.isinf(groomed), np.nan, groomed)
    jets = ak.with_field(jets, np.maximum(groomed, 0), "softdrop_mass")
    branches = {name: f"{names.jets}_{field}" for name, field in fields.items()}
    corrections = corrected.large(ak.with_field(jets, ak.local_index(jets.pt), "index"))
    # What was read for the corrections alone would be carried through the whole selection.
    wanted = [name for name in corrections[""].fields if name in (*fields, "jet_id", "index")]
    return {variation: one[wanted] for variation, one in corrections.items()}, branches


def possible(jets: Mapping[str, ak.Array], region: Region) -> np.ndarray:
    """The events with enough jets of enough momentum in any variation."""
    counts = ak.to_numpy(ak.num(jets[""]))
    largest = np.maximum.reduce([ak.to_numpy(ak.flatten(one.pt)) for one in jets.values()])
    failed = (largest <= region.pt_min) | (np.abs(ak.to_numpy(ak.flatten(jets[""].eta))) >= region.eta_max)
    first = np.concatenate([[0], np.cumsum(~failed)])
    ends = np.cumsum(counts)
    return np.asarray(first[ends] - first[ends - counts] >= region.jets)
