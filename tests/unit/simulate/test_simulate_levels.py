"""Jets of charged particles and dressed leptons, at detector and at particle level."""

import dataclasses
from pathlib import Path

import awkward as ak
import fastjet
import numpy as np
import pytest
import uproot

from resonaut.simulate.chunk import simulate
from resonaut.simulate.levels import dressed, track_jets
from resonaut.simulate.particles import Particles
from resonaut.simulate.settings import TrackJets

FIELDS = ("pt", "eta", "phi", "mass", "rapidity", "nConstituents", "width", "msoftdrop", "zg", "tau1", "tau2", "tau3")
Z_JETS = {"track_jets": True, "events_per_chunk": 60, "components": [{"process": "z_jets", "events": 60}]}
PION = 0.13957


def particles(*rows: tuple[float, float, float]) -> ak.Array:
    """One event of pions with these pt, eta and phi."""
    pt, eta, phi = np.array(rows, float).T
    return ak.unflatten(ak.zip({"pt": pt, "eta": eta, "phi": phi, "mass": np.full(len(pt), PION)}), [len(pt)])


def test_a_jet_of_two_particles_by_hand() -> None:
    """Equally hard, 0.2 apart in phi: their axis is in the middle, and wherever tau1's is, the sum is the distance."""
    (jet,) = track_jets(particles((50, 0.0, 0.1), (50, 0.0, 0.3)), TrackJets())[0].to_list()
    assert jet["nConstituents"] == 2
    assert jet["phi"] == pytest.approx(0.2)
    assert jet["width"] == pytest.approx(0.1)
    assert jet["tau1"] == pytest.approx(0.1 / 0.4, rel=1e-6)
    assert jet["tau2"] == pytest.approx(0, abs=1e-6)
    assert jet["zg"] == pytest.approx(0.5)
    assert (
        jet["msoftdrop"] == jet["mass"] == pytest.approx(np.sqrt(4 * PION**2 + 2 * 50**2 * (1 - np.cos(0.2))), rel=1e-4)
    )


def test_soft_drop_takes_off_a_soft_particle() -> None:
    """8 % of the momentum at 0.3 goes; what is left is a pair of 30 and 62."""
    (jet,) = track_jets(particles((62, 0.0, 0.0), (30, 0.05, 0.0), (8, 0.3, 0.0)), TrackJets())[0].to_list()
    assert jet["zg"] == pytest.approx(30 / 92, rel=1e-3)
    assert jet["msoftdrop"] < 0.3 * jet["mass"]
    (one,) = track_jets(particles((62, 1.0, 0.0)), TrackJets())[0].to_list()
    assert (one["zg"], one["msoftdrop"]) == (0, pytest.approx(PION, rel=1e-4))
    assert one["rapidity"] == pytest.approx(1.0, abs=1e-5)


def test_an_event_without_jets() -> None:
    found = track_jets(particles((3, 0.0, 0.0)), TrackJets())
    assert ak.num(found).to_list() == [0]
    assert set(FIELDS) <= set(found.fields)


def test_leptons_are_dressed_with_near_photons() -> None:
    """The photon at 0.05 counts; that at 0.2, and that of the next event, do not."""
    event, pdgid = np.array([0, 0, 0, 1, 1]), np.array([13, 22, 22, 22, -11])
    eta, phi = np.array([0, 0.05, 0.2, 0.0, 2.0]), np.zeros(5)
    pt = np.array([40, 10, 5, 7, 30.0])
    charge = np.array([-1, 0, 0, 0, 1], np.int8)
    made = Particles(2, event, pt, eta, phi, np.hypot(pt * np.cosh(eta), 0.0), pdgid, charge)
    found = dressed(made, np.array([0, 4]))
    assert ak.num(found).to_list() == [1, 1]
    assert found.pt[:, 0].to_list() == pytest.approx([50, 30])
    assert found.eta[0, 0] == pytest.approx(np.arcsinh(np.sinh(0.05) / 5))
    assert found.pdgId[:, 0].to_list() == [13, -11]


@pytest.fixture(scope="module")
def events(simulate_config, dataset, perfect, tmp_path_factory) -> dict[str, ak.Array]:
    """Z + jets as simulation with the usual detector, and with a perfect one, and as data."""
    folder: Path = tmp_path_factory.mktemp("levels")
    exact = dataclasses.replace(simulate_config, detector=perfect)
    found = {}
    for name, config, nature in (
        ("usual", simulate_config, "simulation"),
        ("perfect", exact, "simulation"),
        ("data", simulate_config, "data"),
    ):
        simulate(config, dataset(nature, region="z_jets", **Z_JETS), "z", 0, folder / f"{name}.root")
        with uproot.open(folder / f"{name}.root") as file:
            found[name] = file["Events"].arrays()
    return found


def test_a_perfect_detector_gives_equal_levels(events) -> None:
    for name in FIELDS:
        assert events["perfect"][f"TrackJet_{name}"].to_list() == events["perfect"][f"GenTrackJet_{name}"].to_list()
    assert ak.sum(events["perfect"].nTrackJet) > 100
    assert events["usual"].TrackJet_pt.to_list() != events["usual"].GenTrackJet_pt.to_list()


def test_collisions_have_no_particle_level(events) -> None:
    assert "TrackJet_tau1" in events["data"].fields
    assert not [name for name in events["data"].fields if name.startswith("Gen")]


def test_both_leptons_are_found(events) -> None:
    usual = events["usual"]
    assert usual.nGenDressedLepton.to_list() == [2] * 60
    assert ak.sort(usual.GenDressedLepton_pdgId).to_list() == [[-13, 13]] * 60
    pt, eta, phi = (usual[f"GenDressedLepton_{name}"] for name in ("pt", "eta", "phi"))
    mass = np.sqrt(2 * pt[:, 0] * pt[:, 1] * (np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])))
    assert np.median(mass) == pytest.approx(91.0, abs=1)


def test_track_jets_are_fastjets() -> None:
    """Those of its interface for single events."""
    rng = np.random.default_rng(3)
    rows = [(pt, rng.normal(0, 0.15), rng.normal(1, 0.15)) for pt in rng.exponential(8, 40) + 0.5]
    (jet, *_) = track_jets(particles(*rows), TrackJets())[0].to_list()
    inputs = []
    for pt, eta, phi in rows:
        energy = np.sqrt((pt * np.cosh(eta)) ** 2 + PION**2)
        inputs.append(fastjet.PseudoJet(pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)
    sequence = fastjet.ClusterSequence(inputs, definition)
    hardest = fastjet.sorted_by_pt(sequence.inclusive_jets(10.0))[0]
    assert jet["pt"] == pytest.approx(hardest.pt())
    assert jet["rapidity"] == pytest.approx(hardest.rap())
    assert jet["mass"] == pytest.approx(hardest.m())
    assert jet["nConstituents"] == len(hardest.constituents())
    parts = hardest.constituents()
    width = sum(one.pt() * one.delta_R(hardest) for one in parts) / sum(one.pt() for one in parts)
    # The width is in pseudorapidity, delta_R in rapidity.
    assert jet["width"] == pytest.approx(width, rel=2e-3)
