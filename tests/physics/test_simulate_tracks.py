"""Known answers of tracks: the lifetime of B0 mesons in flight distances and impact parameters, and pulls of 1."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
from scipy.stats import ks_2samp, kstest

from resonaut.core.datasets import Component, DatasetConfig
from resonaut.core.record import build
from resonaut.simulate.chunk import simulate
from resonaut.simulate.generator import Pythia
from resonaut.simulate.origins import FROM_B, PRIMARY
from resonaut.simulate.settings import Simulate
from resonaut.simulate.tracks import impact_parameters
from resonaut.tag import files

# Of the B0, PDG 2024: 1.517 ps, and the masses in GeV. Pythia's lifetime is within 1 % of it.
C_TAU, B_MASS, MU_MASS = 0.455, 5.2796, 0.10566
# A right value is outside this many standard deviations once in 16,000 times.
SIGMAS = 4
# Every B0 decays to two muons: their momenta add up to its own, and they are back to back in its rest frame.
TO_MUONS = ["511:onMode = off", "511:addChannel = 1 1. 0 13 -13", "ParticleDecays:mixB = off"]
BEAUTY = {"settings": ["HardQCD:hardbbbar = on", "PhaseSpace:pTHatMin = 150.", *TO_MUONS]}


@pytest.fixture(scope="module")
def pairs() -> dict[str, np.ndarray]:
    """Pairs of muons from a B0, before the detector: momenta, points of production, d0."""
    config = build({"processes": {"beauty": BEAUTY}}, Simulate, "simulate")
    pythia = Pythia(config, Component(process="beauty", events=700), "simulation", 11, tracks=True)
    parts = []
    for batch in pythia.batches(700, 250):
        particles, origins = batch.visible, batch.origins
        assert origins is not None
        rows = np.flatnonzero((np.abs(particles.pdgid) == 13) & (origins.kind == FROM_B) & (origins.vertex > 0))
        # Muons of one vertex.
        label = particles.event[rows] * 1000 + origins.vertex[rows]
        order = np.argsort(label, kind="stable")
        rows, label = rows[order], label[order]
        two = np.flatnonzero(label[1:] == label[:-1])
        rows = np.stack([rows[two], rows[two + 1]], axis=1)
        d0, _ = impact_parameters(
            origins.position[rows.ravel()], particles.eta[rows].ravel(), particles.phi[rows].ravel()
        )
        pt, eta, phi = particles.pt[rows], particles.eta[rows], particles.phi[rows]
        momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=-1)
        energy = np.sqrt((momentum**2).sum(axis=-1) + MU_MASS**2)
        found = {"momentum": momentum.sum(axis=1), "energy": energy.sum(axis=1), "d0": d0.reshape(-1, 2), "phi": phi}
        parts.append(found | {"vertex": origins.position[rows[:, 0]]})
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    mass = np.sqrt(joined["energy"] ** 2 - (joined["momentum"] ** 2).sum(axis=1))
    whole = np.abs(mass - B_MASS) < 0.01
    return {name: values[whole] for name, values in joined.items()}


def test_proper_decay_lengths_are_exponential_with_the_lifetime(pairs) -> None:
    momentum = np.sqrt((pairs["momentum"] ** 2).sum(axis=1))
    flown = np.sqrt((pairs["vertex"] ** 2).sum(axis=1))
    # Pairs whose B0 flew less than 0.1 mm are at the primary vertex for the truth: the law has no memory.
    proper = (flown - 0.1) * B_MASS / momentum
    assert len(proper) > 300
    assert proper.mean() == pytest.approx(C_TAU, abs=SIGMAS * C_TAU / np.sqrt(len(proper)))
    assert kstest(proper, "expon", args=(0, C_TAU)).pvalue > 1e-4
    # They fly along their momentum.
    along = (pairs["vertex"] * pairs["momentum"]).sum(axis=1) / (flown * momentum)
    assert along.min() > 1 - 1e-4


def test_impact_parameters_are_those_of_an_isotropic_decay(pairs) -> None:
    """A track's distance from the line of flight is c t beta sin(a) / (1 + beta cos(a)), a the angle in the B0's frame.

    Its part across the beam is |cos(b)| of that, with an azimuth b about the line of flight.
    """
    rng, n = np.random.default_rng(5), 200_000
    cosine = rng.uniform(-1, 1, n)
    beta = np.sqrt(1 - (2 * MU_MASS / B_MASS) ** 2)
    distance = rng.exponential(C_TAU, n) * beta * np.sqrt(1 - cosine**2) / (1 + beta * cosine)
    expected = distance * np.abs(np.cos(rng.uniform(0, 2 * np.pi, n)))
    # One muon of a pair: the two are not independent. Short flights are missing, which has a part exp(-0.1 mm / L).
    found = np.abs(pairs["d0"][:, 0])
    length = C_TAU * np.sqrt((pairs["momentum"] ** 2).sum(axis=1)).mean() / B_MASS
    assert np.exp(-0.1 / length) > 0.97
    assert np.median(found) == pytest.approx(np.median(expected), rel=0.3)
    assert ks_2samp(found, expected).pvalue > 1e-4
    assert ks_2samp(found, 1.5 * expected).pvalue < 1e-4


def test_tracks_from_decays_in_front_have_d0_against_their_angle(pairs) -> None:
    flight = np.arctan2(pairs["momentum"][:, 1], pairs["momentum"][:, 0])
    angle = np.sin(pairs["phi"] - flight[:, None])
    assert (np.sign(pairs["d0"]) == -np.sign(angle)).all()


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Written events of light and of heavy quarks."""
    path: Path = tmp_path_factory.mktemp("tracks") / "tt.root"
    generator = {"events_per_chunk": 500, "tracks": True, "components": [{"process": "tt", "events": 150}]}
    entry = {"nature": "simulation", "region": "all", "generator": generator}
    simulate(Simulate(), build(entry, DatasetConfig, "tt"), "tt", 0, path)
    return path


@pytest.fixture(scope="module")
def quarks(file: Path) -> ak.Array:
    with uproot.open(file) as opened:
        return opened["Events"].arrays()


@pytest.mark.parametrize("name", ["d0", "dz"])
@pytest.mark.parametrize("charge", [-1, 1])
def test_prompt_tracks_have_pulls_of_mean_0_and_width_1(quarks, name: str, charge: int) -> None:
    chosen = (quarks.PFCands_genOrigin == PRIMARY) & (quarks.PFCands_charge == charge)
    value, error = (ak.to_numpy(ak.flatten(quarks[f"PFCands_{of}"][chosen])) for of in (name, f"{name}Err"))
    pull = value / error
    assert len(pull) > 1000
    assert abs(pull.mean()) < SIGMAS / np.sqrt(len(pull))
    assert pull.std() == pytest.approx(1, abs=SIGMAS / np.sqrt(2 * len(pull)))


def test_jets_of_b_quarks_have_more_displaced_tracks_than_light_ones(quarks) -> None:
    jet, candidate = quarks.JetPFCands_jetIdx, quarks.JetPFCands_pFCandsIdx
    flavour = quarks.Jet_hadronFlavour[jet]
    track = (quarks.PFCands_trkChi2 != -1) & (quarks.PFCands_pt > 1)
    displaced = track & (abs(quarks.PFCands_d0 / quarks.PFCands_d0Err) > 3)
    shares = [ak.sum(displaced[candidate][flavour == of]) / ak.sum(track[candidate][flavour == of]) for of in (5, 4, 0)]
    assert shares[0] > 1.5 * shares[1] > 1.5 * shares[2]


@pytest.mark.parametrize("collection", ["Jet", "FatJet"])
def test_published_networks_read_the_tracks_as_those_of_pfnano(quarks, file: Path, collection: str) -> None:
    fields = ("d0", "d0_error", "dz", "dz_error", "has_track", "track_quality", "charge", "pdgid")
    (batch,) = files.batches(file, files.Wanted(collection, fields, (), weight=True))
    found, counts = batch.contents.candidates.fields, batch.contents.candidates.counts
    assert len(counts) == ak.count(quarks[f"{collection}_pt"])
    track = found["has_track"] > 0
    np.testing.assert_array_equal(track, found["charge"] != 0)
    assert (found["d0"][~track] == 0).all()
    assert (found["d0_error"][track] > 0.001).all()
    assert set(found["track_quality"][track]) == {5}
    assert set(found["puppi_weight"]) == {1}
    # The candidates of the first jet add up to it.
    pt, phi = (found[name][: counts[0]] for name in ("pt", "phi"))
    whole = np.hypot((pt * np.cos(phi)).sum(), (pt * np.sin(phi)).sum())
    assert whole == pytest.approx(batch.contents.jet["pt"][0], rel=1e-4)
