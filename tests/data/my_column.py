"""The missing momentum of an event, and how many large-radius jets it has, which the methods of select may see."""

import awkward as ak

from resonaut.physics.features import Feature
from resonaut.skim.own import EventColumn

COLUMNS = {
    "met": EventColumn(("MET_pt",), "GeV", lambda branches: branches["MET_pt"]),
    "n_jets": EventColumn(("FatJet_pt",), "1", lambda branches: ak.sum(branches["FatJet_pt"] > 200, axis=1)),
}
FEATURES = {"n_jets": Feature(("n_jets",), "1", lambda columns: columns["n_jets"])}
