"""Which jets are good: identification by tables, maps of vetoed parts of the detector, the HEM region of 2018."""

import awkward as ak
import numpy as np

from resonaut.skim.corrections.missing import ELECTROMAGNETIC_MAX
from resonaut.skim.corrections.settings import Hem, Identification, VetoMap
from resonaut.skim.corrections.tables import Table

# What the tables ask for, as NanoAOD names it; `multiplicity` is the sum of the two.
FIELDS = ("eta", "chHEF", "neHEF", "chEmEF", "neEmEF", "muEF", "chMultiplicity", "neMultiplicity")
HEM_FIRST_RUN = 319077
HEM_ETA = (-3.2, -1.3)
HEM_PHI = (-1.57, -0.87)
# Maps end there; jets beyond are in no map.
MAP_ETA, MAP_PHI = 5.19, np.pi


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


def vetoed(jets: ak.Array, settings: VetoMap) -> np.ndarray:
    """The events (n,) with a jet in the map's vetoed parts.

    Args:
        jets: corrected small-radius jets, events * var * {pt, eta, phi}, and where they are known ``electromagnetic``
            (part of the energy), below 0.9 to count, and ``jet_id``, tight to count.
        settings: the map.

    Raises:
        InputFileError: the table is missing, or has no map of that kind.
    """
    table = Table.of(settings.file, settings.table)
    counts = (jets.pt > settings.pt_min) & (np.abs(jets.eta) < MAP_ETA)
    if "electromagnetic" in jets.fields:
        counts = counts & (jets.electromagnetic < ELECTROMAGNETIC_MAX)
    if "jet_id" in jets.fields:
        counts = counts & (jets.jet_id >= 2)
    jets = jets[counts]
    phi = ak.where(jets.phi > MAP_PHI, MAP_PHI, ak.where(jets.phi < -MAP_PHI, -MAP_PHI, jets.phi))
    quantities = {"eta": jets.eta, "phi": phi} | {table.text() or "type": settings.kind}
    return np.asarray(ak.to_numpy(ak.any(table.of_jets(jets, quantities) != 0, axis=1)))


def in_hem(jets: ak.Array, settings: Hem) -> np.ndarray:
    """The events (n,) with a small-radius jet (events * var * {pt, eta, phi}) where the modules were off."""
    eta = (jets.eta > HEM_ETA[0]) & (jets.eta < HEM_ETA[1])
    phi = (jets.phi > HEM_PHI[0]) & (jets.phi < HEM_PHI[1])
    return np.asarray(ak.to_numpy(ak.any((jets.pt > settings.pt_min) & eta & phi, axis=1)))
