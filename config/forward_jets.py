"""The pair of small-radius jets of largest mass beside two large ones, as vector-boson fusion leaves it."""

import awkward as ak
import numpy as np

from resonaut.skim.own import EventColumn

PT_MIN, ETA_MAX, APART = 25.0, 4.7, 1.2
BRANCHES = (*(f"Jet_{name}" for name in ("pt", "eta", "phi", "mass")), *(f"FatJet_{name}" for name in ("eta", "phi")))


def pairs(branches: dict[str, ak.Array]) -> ak.Array:
    """The mass and the distance in pseudorapidity of all pairs, events * var * {mass, delta_eta}."""
    jets = ak.zip({name: branches[f"Jet_{name}"] for name in ("pt", "eta", "phi", "mass")})
    jets = jets[(jets.pt > PT_MIN) & (np.abs(jets.eta) < ETA_MAX)]
    for place in (0, 1):
        away = branches["FatJet_phi"][:, place] - jets.phi
        distance = np.hypot(branches["FatJet_eta"][:, place] - jets.eta, (away + np.pi) % (2 * np.pi) - np.pi)
        jets = jets[distance > APART]
    first, second = ak.unzip(ak.combinations(jets, 2))
    parts = [
        (
            one.pt * np.cos(one.phi),
            one.pt * np.sin(one.phi),
            one.pt * np.sinh(one.eta),
            np.sqrt((one.pt * np.cosh(one.eta)) ** 2 + one.mass**2),
        )
        for one in (first, second)
    ]
    px, py, pz, energy = (one + other for one, other in zip(*parts, strict=True))
    mass = np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))
    return ak.zip({"mass": mass, "delta_eta": np.abs(first.eta - second.eta)})


def of_the_heaviest(field: str, branches: dict[str, ak.Array]) -> ak.Array:
    """The ``field`` of the pair with the largest mass, 0 in events without a pair."""
    found = pairs(branches)
    heaviest = ak.firsts(found[ak.argsort(found.mass, ascending=False)])
    return ak.fill_none(heaviest[field], 0.0)


COLUMNS = {
    "forward_m_jj": EventColumn(BRANCHES, "GeV", lambda branches: of_the_heaviest("mass", branches)),
    "forward_delta_eta": EventColumn(BRANCHES, "1", lambda branches: of_the_heaviest("delta_eta", branches)),
}
