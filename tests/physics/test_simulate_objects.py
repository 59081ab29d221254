"""Known answers of the objects beside the large-radius jets: leptons of Z and W bosons, tags of top quarks' jets."""

from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from scipy.stats import norm

from resonaut.core.datasets import DatasetConfig
from resonaut.core.record import build
from resonaut.simulate.chunk import simulate
from resonaut.simulate.settings import Simulate

EVENTS = {"z_to_ll": 400, "w_to_lv": 400, "tt": 250}
PROMPT, FAKE = 1, 0
# A right value is outside this many standard deviations once in 16,000 times.
SIGMAS = 4


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Callable[[str], ak.Array]:
    folder = tmp_path_factory.mktemp("objects")

    def make(process: str) -> ak.Array:
        path: Path = folder / f"{process}.root"
        if not path.exists():
            generator = {"events_per_chunk": 1000, "components": [{"process": process, "events": EVENTS[process]}]}
            entry = {"nature": "simulation", "region": "all", "generator": generator}
            simulate(Simulate(), build(entry, DatasetConfig, process), process, 0, path)
        with uproot.open(path) as file:
            return file["Events"].arrays()

    return make


def agrees(passes: np.ndarray, probability: float) -> bool:
    sigma = np.sqrt(probability * (1 - probability) / len(passes))
    return bool(abs(np.mean(passes) - probability) < SIGMAS * sigma)


def test_muon_pairs_have_the_mass_of_the_z(sample) -> None:
    events = sample("z_to_ll")
    events = events[ak.sum(events.Muon_genPartFlav == PROMPT, axis=1) == 2]
    prompt = events.Muon_genPartFlav == PROMPT
    pt, eta, phi, charge = (events[f"Muon_{name}"][prompt] for name in ("pt", "eta", "phi", "charge"))
    mass = np.sqrt(2 * pt[:, 0] * pt[:, 1] * (np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1])))
    assert len(mass) > 25
    # Photons that a muon radiates take 0.6 GeV off the median, whose error is 0.4 GeV.
    assert np.median(mass) == pytest.approx(91.2 - 0.6, abs=2)
    assert np.subtract(*np.percentile(mass, [75, 25])) < 8
    assert ak.all(ak.sum(charge, axis=1) == 0)


@pytest.mark.parametrize(
    ("kind", "pdgid", "flag", "endcap"), [("Muon", 13, "tightId", 0.95), ("Electron", 11, "cutBased", 0.85)]
)
def test_lepton_efficiencies_are_the_configured_ones(sample, kind: str, pdgid: int, flag: str, endcap: float) -> None:
    events = ak.concatenate([sample("z_to_ll"), sample("w_to_lv")])
    prompt = events[f"{kind}_genPartFlav"] == PROMPT
    passes, eta = (ak.to_numpy(ak.flatten(events[f"{kind}_{name}"][prompt])) for name in (flag, "eta"))
    barrel = np.abs(eta) < 1.5
    assert agrees(passes[barrel] > 0, 0.95)
    assert agrees(passes[~barrel] > 0, endcap)
    # What is stored at all is what left a track.
    generated = (np.abs(events.GenPart_pdgId) == pdgid) & (events.GenPart_status == 23)
    generated = generated & (events.GenPart_pt > 20) & (np.abs(events.GenPart_eta) < 2.3)
    delta = [
        ak.cartesian([events[f"GenPart_{name}"][generated], events[f"{kind}_{name}"]], nested=True)
        for name in ("eta", "phi")
    ]
    (eta_of, eta_to), (phi_of, phi_to) = (ak.unzip(pairs) for pairs in delta)
    near = (eta_of - eta_to) ** 2 + ((phi_of - phi_to + np.pi) % (2 * np.pi) - np.pi) ** 2 < 0.1**2
    assert agrees(ak.to_numpy(ak.flatten(ak.any(near, axis=2))), 0.95)


@pytest.mark.parametrize(("flavour", "mean"), [(5, 1.5), (4, 3 * 0.38 - 1.5), (0, -1.5)])
def test_working_points_of_the_b_tag_are_the_parametrised_ones(sample, flavour: int, mean: float) -> None:
    events = sample("tt")
    score = ak.flatten(events.Jet_btagDeepFlavB[(events.Jet_hadronFlavour == flavour) & (abs(events.Jet_eta) < 2.4)])
    assert len(score) > 100
    for cut in (0.3, 0.7):
        assert agrees(ak.to_numpy(score) > cut, norm.sf(np.log(cut / (1 - cut)) - mean))


def test_missing_momentum_is_the_neutrinos(sample) -> None:
    events = sample("w_to_lv")
    events = events[(ak.sum(events.Muon_genPartFlav == PROMPT, axis=1) == 1)]
    neutrino = (np.abs(events.GenPart_pdgId) == 14) & (events.GenPart_status == 23)
    for f, name in ((np.cos, "x"), (np.sin, "y")):
        generated = events.GenMET_pt * f(events.GenMET_phi)
        true = ak.flatten((events.GenPart_pt * f(events.GenPart_phi))[neutrino])
        assert np.median(np.abs(generated - true)) < 1, name
        difference = ak.to_numpy(events.MET_pt * f(events.MET_phi) - generated)
        assert abs(np.median(difference)) < SIGMAS * 1.25 * np.std(difference) / np.sqrt(len(difference))
        assert np.subtract(*np.percentile(difference, [84, 16])) / 2 < 12


def test_scalar_sum_and_momenta_of_jets_are_the_generated_ones(sample) -> None:
    events = sample("tt")
    linked = events.Jet_genJetIdx >= 0
    assert ak.mean(linked[events.Jet_pt > 50]) > 0.98
    hard = linked & (events.Jet_pt > 50)
    response = ak.flatten(events.Jet_pt[hard] / events.GenJet_pt[events.Jet_genJetIdx[hard]])
    assert np.median(response) == pytest.approx(1, abs=0.03)
    h_t, generated = (ak.sum(events[name][events[name] > 30], axis=1) for name in ("Jet_pt", "GenJet_pt"))
    many = generated > 100
    assert np.median(h_t[many] / generated[many]) == pytest.approx(1, abs=0.05)
    fat = events.FatJet_genJetAK8Idx >= 0
    assert ak.mean(fat) > 0.9
    response = ak.flatten(events.FatJet_pt[fat] / events.GenJetAK8_pt[events.FatJet_genJetAK8Idx[fat]])
    assert np.median(response) == pytest.approx(1, abs=0.05)


def test_prompt_leptons_are_isolated_and_those_of_jets_are_not(sample) -> None:
    events = ak.concatenate([sample("z_to_ll"), sample("w_to_lv"), sample("tt")])
    for kind in ("Muon", "Electron"):
        isolated, origin = events[f"{kind}_pfRelIso04_all"] < 0.15, events[f"{kind}_genPartFlav"]
        assert ak.mean(isolated[origin == PROMPT]) > 0.85
        assert ak.mean(isolated[(origin != PROMPT) & (events[f"{kind}_pt"] > 20)]) < 0.6
    assert ak.sum(events.Tau_genPartFlav == 5) > 30
    assert ak.sum(events.Tau_genPartFlav == FAKE) < 0.03 * ak.sum(events.nJet)
