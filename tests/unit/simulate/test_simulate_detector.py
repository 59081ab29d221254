import dataclasses

import awkward as ak
import numpy as np
import pytest

from resonaut.simulate.detector import b_tag, reconstruct


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def energy(candidates: ak.Array) -> float:
    return float(ak.sum(np.hypot(candidates.pt * np.cosh(candidates.eta), candidates.mass)))


@pytest.mark.parametrize(("pdgid", "charge"), [(211, 1), (-211, -1), (321, 1), (22, 0), (130, 0), (2112, 0)])
def test_perfect_detector_keeps_momentum(perfect, particles, pdgid, charge) -> None:
    eta = np.linspace(-2.4, 2.4, 25)
    candidates = reconstruct(particles(pdgid, charge, 100, eta), perfect, rng())
    assert energy(candidates) == pytest.approx(2500, rel=1e-5)
    assert set(ak.to_list(candidates[0].charge)) == {charge}


def test_reconstructed_identities(perfect, particles) -> None:
    """Particle flow knows leptons, photons, charged and neutral hadrons; leptons have inverted signs."""
    seen = {
        pdgid: ak.to_list(reconstruct(particles(pdgid, charge, 50, [0.1]), perfect, rng())[0].pdgid)
        for pdgid, charge in [(2212, 1), (-321, -1), (11, -1), (-13, 1), (22, 0), (310, 0)]
    }
    assert seen == {2212: [211], -321: [-211], 11: [11], -13: [-13], 22: [22], 310: [130]}


def test_lost_track_is_measured_by_the_calorimeter(perfect, particles) -> None:
    blind = dataclasses.replace(perfect, tracker=dataclasses.replace(perfect.tracker, efficiency=0.0))
    hadron = reconstruct(particles(211, 1, 80, [0.5]), blind, rng())[0]
    assert ak.to_list(hadron.pdgid) == [130]
    assert energy(hadron) == pytest.approx(80)
    assert ak.to_list(reconstruct(particles(11, -1, 80, [0.5]), blind, rng())[0].pdgid) == [22]
    assert ak.to_list(reconstruct(particles(13, -1, 80, [0.5]), blind, rng())[0].pdgid) == []


def test_forward_charged_hadron_has_no_track(perfect, particles) -> None:
    assert ak.to_list(reconstruct(particles(211, 1, 80, [2.6]), perfect, rng())[0].pdgid) == [130]
    assert ak.to_list(reconstruct(particles(211, 1, 80, [5.5]), perfect, rng())[0].pdgid) == []


def test_photons_in_one_cell_are_one_candidate(perfect, particles) -> None:
    cell = perfect.ecal.cell
    centre = 0.5 * cell - perfect.ecal.eta_max + 200 * cell
    together = reconstruct(particles(22, 0, 30, [centre - 0.4 * cell, centre + 0.4 * cell]), perfect, rng())[0]
    assert len(together) == 1
    assert energy(together) == pytest.approx(60)
    assert together.eta[0] == pytest.approx(centre)
    assert len(reconstruct(particles(22, 0, 30, [centre, centre + cell]), perfect, rng())[0]) == 2


def test_photons_of_two_events_do_not_merge(perfect, particles) -> None:
    pair = particles(22, 0, 30, [0.1, 0.1])
    pair = dataclasses.replace(pair, events=3, event=np.array([0, 2]))
    assert ak.num(reconstruct(pair, perfect, rng())).to_list() == [1, 0, 1]


@pytest.mark.parametrize(("pdgid", "part"), [(22, "ecal"), (130, "hcal")])
def test_energy_resolution_is_the_configured_one(simulate_config, particles, pdgid, part) -> None:
    calorimeter = getattr(simulate_config.detector, part)
    photons = particles(pdgid, 0, 100, np.full(20000, 0.3))
    alone = dataclasses.replace(photons, events=20000, event=np.arange(20000))
    measured = ak.flatten(reconstruct(alone, simulate_config.detector, rng()))
    energies = ak.to_numpy(measured.pt * np.cosh(measured.eta))
    expected = np.sqrt(calorimeter.stochastic**2 * 100 + calorimeter.noise**2 + (calorimeter.constant * 100) ** 2)
    # The width of 20,000 values is known to 0.5 %.
    assert np.std(energies) == pytest.approx(expected, rel=0.025)
    assert np.mean(energies) == pytest.approx(100, abs=5 * expected / np.sqrt(20000))


def test_track_efficiency_and_resolution(simulate_config, particles) -> None:
    tracker = simulate_config.detector.tracker
    candidates = reconstruct(particles(211, 1, 200, np.zeros(20000)), simulate_config.detector, rng())[0]
    tracks = candidates[candidates.charge != 0]
    expected = 20000 * tracker.efficiency
    assert abs(len(tracks) - expected) < 5 * np.sqrt(expected * (1 - tracker.efficiency))
    width = np.hypot(tracker.resolution_constant, tracker.resolution_slope * 200)
    assert np.std(np.log(ak.to_numpy(tracks.pt) / 200)) == pytest.approx(width, rel=0.025)


def test_b_tagging_knows_hadrons_inside_the_jet_only():
    n = 4000
    jets = ak.zip({"eta": [[0.0, 1.5]] * n, "phi": [[3.1, 0.0]] * n})
    hadrons = ak.zip({"eta": [[0.1], []] * (n // 2), "phi": [[-3.1], []] * (n // 2)})
    score = b_tag(jets, hadrons, 0.8, 3.0, np.random.default_rng(1))
    assert ak.all((score > 0) & (score < 1))
    tagged = ak.to_numpy(score) > 1 / (1 + np.exp(-1.03))
    # Two jets without a hadron nearby, and one with: in the first jet of every second event, across phi = pi.
    assert abs(tagged[::2, 0].mean() - 0.681) < 0.04
    for others in (tagged[1::2, 0], tagged[:, 1]):
        assert abs(others.mean() - 0.0057) < 0.007


def test_events_without_jets_or_hadrons_are_no_obstacle_to_b_tagging():
    jets = ak.zip({"eta": ak.Array([[], [0.0]]), "phi": ak.Array([[], [0.0]])})
    hadrons = jets[["eta", "phi"]][:, :0]
    score = b_tag(jets, hadrons, 0.8, 3.0, np.random.default_rng(1))
    assert ak.num(score).to_list() == [0, 1]
