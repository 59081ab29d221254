"""Which jets are good: identification by tables, maps of vetoed parts of the detector, the HEM region of 2018."""

from collections.abc import Mapping

import awkward as ak
import numpy as np

from resonaut.skim.corrections.missing import ELECTROMAGNETIC_MAX
from resonaut.skim.corrections.settings import Hem, Identification, VetoMap
from resonaut.skim.corrections.tables import Table
from resonaut.skim.objects import near

# What the tables ask for, as NanoAOD names it; `multiplicity` is the sum of the two.
FIELDS = ("eta", "chHEF", "neHEF", "chEmEF", "neEmEF", "muEF", "chMultiplicity", "neMultiplicity")
HEM_FIRST_RUN = 319077
HEM_ETA = (-3.2, -1.3)
HEM_PHI = (-1.57, -0.87)
# Maps end there; jets beyond are in no map.
MAP_ETA, MAP_PHI = 5.19, np.pi
MUON_RADIUS = 0.2


def jet_id(jets: ak.Array, settings: Identification) -> ak.Array:
    """The identification of jets (events * var * ``FIELDS``) in NanoAOD's bits: 2 tight, 6 with a veto of leptons.

    Raises:
        InputFileError: a table is missing, or asks for something else.
    """
    quantities = {name: jets[name] for name in FIELDS}
    quantities["multiplicity"] = jets.chMultiplicity + jets.neMultiplicity
    found = 2 * (Table.of(settings.file, settings.tight).of_jets(jets, quantities) > 0.5)
    if settings.lepton_veto is not None:
        veto = Table.of(settings.file, settings.lepton_veto).of_jets(jets, quantities) > 0.5
        found = found + 4 * (veto & (found > 0))
    return ak.values_astype(found, np.int64)


def vetoed(shifted: Mapping[str, ak.Array], settings: VetoMap, muons: ak.Array | None = None) -> dict[str, np.ndarray]:
    """The events (n,) with a jet in the map's vetoed parts, nominally under "" and in each variation.

    Args:
        shifted: corrected small-radius jets by variation, events * var * {pt, eta, phi}, and where they are known
            ``electromagnetic`` (part of the energy), below 0.9 to count, and ``jet_id``, tight to count. Only ``pt`` is
            another one in a variation.
        settings: the map.
        muons: particle-flow muons, events * var * {eta, phi}; a jet that overlaps with one does not count.

    Raises:
        InputFileError: the table is missing, or has no map of that kind.
    """
    table, jets = Table.of(settings.file, settings.table), shifted[""]
    number = ak.to_numpy(ak.num(jets))
    fields = {name: ak.to_numpy(ak.flatten(jets[name])) for name in jets.fields}
    hard = {variation: ak.to_numpy(ak.flatten(one.pt)) > settings.pt_min for variation, one in shifted.items()}
    counts = np.any([*hard.values()], axis=0) & (np.abs(fields["eta"]) < MAP_ETA)
    if "electromagnetic" in fields:
        counts &= fields["electromagnetic"] < ELECTROMAGNETIC_MAX
    if "jet_id" in fields:
        counts &= fields["jet_id"] >= 2
    if muons is not None:
        counts &= ~near(fields, number, muons, MUON_RADIUS)[0]
    place = {"eta": fields["eta"][counts], "phi": np.clip(fields["phi"][counts], -MAP_PHI, MAP_PHI)}
    hot = np.zeros(len(counts), bool)
    hot[counts] = table(place | {table.text() or "type": settings.kind}) != 0
    event = np.repeat(np.arange(len(number)), number)
    return {name: np.bincount(event[hot & one], minlength=len(number)) > 0 for name, one in hard.items()}


def in_hem(jets: ak.Array, settings: Hem) -> np.ndarray:
    """The events (n,) with a small-radius jet (events * var * {pt, eta, phi}) where the modules were off."""
    eta = (jets.eta > HEM_ETA[0]) & (jets.eta < HEM_ETA[1])
    phi = (jets.phi > HEM_PHI[0]) & (jets.phi < HEM_PHI[1])
    return np.asarray(ak.to_numpy(ak.any((jets.pt > settings.pt_min) & eta & phi, axis=1)))
