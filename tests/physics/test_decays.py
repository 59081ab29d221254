"""Generated resonances, whose decays and masses are known, as the stages skim and tag know them."""

import dataclasses

import awkward as ak
import numpy as np
import pytest

from resonaut.core.datasets import Component
from resonaut.simulate.generator import Pythia
from resonaut.simulate.settings import Process, Simulate
from resonaut.skim.truth import truth_columns
from resonaut.tag import decays

NO_SHOWER = ["HadronLevel:all = off", "PartonLevel:FSR = off"]
X = Simulate().processes["x_to_yy"].settings[:6]


def record(settings: list[str], flat: dict[str, list[float]], events: int) -> ak.Array:
    """The generator record of X of 3 TeV to two heavy particles."""
    process = Process(settings=[*X, *settings], flat_masses=flat)
    config = dataclasses.replace(Simulate(), processes={"x": process}, settings=NO_SHOWER)
    component = Component(process="x", mass=3000.0, cross_section=None, events=events)
    hard = next(Pythia(config, component, "simulation", 1).batches(events, events)).hard
    return ak.with_field(hard, hard.genPartIdxMother, "mother")


def with_jets(particles: ak.Array, kind: int) -> tuple[ak.Array, dict[str, np.ndarray]]:
    """The two particles of a kind in each event, and what jets in their directions hold."""
    heavy = particles[np.abs(particles.pdgId) == kind][:, :2]
    return heavy, truth_columns(heavy, particles, 2)


def test_the_decays_of_a_higgs_boson_are_told_apart() -> None:
    channels = ["25:onMode = off", *(f"25:onIfMatch = {word}" for word in ("5 -5", "4 -4", "21 21", "15 -15", "22 22"))]
    particles = record(["5100039:oneChannel = 1 1. 101 25 25", *channels], {"25": [60.0, 200.0]}, 400)
    heavy, columns = with_jets(particles, 25)
    words = {5: "bb", 4: "cc", 21: "gg", 15: "tautau", 22: "gammagamma"}
    for place in (0, 1):
        index = ak.to_numpy(ak.local_index(particles)[np.abs(particles.pdgId) == 25][:, place])
        kind = np.abs(ak.to_numpy(ak.firsts(particles.pdgId[particles.mother == index])))
        found = decays.labels(columns[f"j{place + 1}_decay_pdgid"], [[word] for word in words.values()])
        # A decay wider than the jet is of no class; of hard particles few are.
        hard = ak.to_numpy(heavy.pt[:, place]) > 800
        assert hard.mean() > 0.5
        assert (found[hard] >= 0).mean() > 0.95
        assert (found[found >= 0] == np.array([list(words).index(one) for one in kind])[found >= 0]).all()
        assert len(np.unique(found[found >= 0])) >= 3
        mass = columns[f"j{place + 1}_decay_mass"][found >= 0]
        np.testing.assert_allclose(mass, ak.to_numpy(heavy.mass[:, place])[found >= 0], rtol=0.03)
        pt = columns[f"j{place + 1}_decay_pt"][found >= 0]
        np.testing.assert_allclose(pt, ak.to_numpy(heavy.pt[:, place])[found >= 0], rtol=0.01)


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        (["24:onMode = off", "24:onIfAny = 1 2 3 4 5"], ["bqq", "bcq", "buq", "bcb", "bub"]),
        (["24:onMode = off", "24:onIfAny = 11 13 15"], ["bev", "bmuv", "btauv"]),
    ],
)
def test_a_top_quark_holds_its_b_and_what_its_w_becomes(channel, words) -> None:
    particles = record(["5100039:oneChannel = 1 1. 101 6 -6", *channel], {}, 150)
    heavy, columns = with_jets(particles, 6)
    classes = [["bjj"], ["blv", "btauv"]]
    for place in (0, 1):
        pdgid = columns[f"j{place + 1}_decay_pdgid"]
        found = decays.labels(pdgid, classes)
        whole, hard = ak.to_numpy(ak.num(pdgid) == 3), ak.to_numpy(heavy.pt[:, place]) > 800
        assert whole[hard].mean() > 0.9
        assert (found[whole] == (1 if "bev" in words else 0)).all()
        assert (decays.labels(pdgid, [words])[whole] == 0).all()
        mass = columns[f"j{place + 1}_decay_mass"][whole]
        np.testing.assert_allclose(mass, ak.to_numpy(heavy.mass[:, place])[whole], rtol=0.03)
