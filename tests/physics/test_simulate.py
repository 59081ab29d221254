"""Known answers from whole simulated samples."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from resonaut.core.datasets import Component, DatasetConfig
from resonaut.core.record import build
from resonaut.simulate.chunk import simulate
from resonaut.simulate.generator import SHOWER_VARIATIONS, Pythia
from resonaut.simulate.settings import Simulate

ROOT = Path(__file__).parents[2]
SAMPLES = {
    "qcd": ("dijet", "qcd", None, "simulation", 500),
    "signal": ("dijet", "x_to_yy", 3500.0, "simulation", 300),
    "w": ("boosted_w", "ww", None, "simulation", 300),
    "w_nature": ("boosted_w", "ww", None, "nature", 300),
}


@pytest.fixture(scope="module")
def settings() -> Simulate:
    return Simulate()


@pytest.fixture(scope="module")
def sample(settings, tmp_path_factory) -> Callable[[str], ak.Array]:
    folder = tmp_path_factory.mktemp("samples")

    def make(name: str) -> ak.Array:
        path = folder / f"{name}.root"
        if not path.exists():
            region, process, mass, tune, events = SAMPLES[name]
            component = {"process": process, "mass": mass, "cross_section": None, "events": events}
            generator = {"tune": tune, "events_per_chunk": events, "seed": 2, "components": [component]}
            generator["shower_variations"] = False
            entry = {"nature": "simulation", "format": "nanoaod", "region": region, "files": [], "files_per_chunk": 1}
            entry |= {
                "labelled": None,
                "certified": None,
                "expected": None,
                "luminosity": None,
                "cross_section": 1.0,
                "mass": mass,
                "generator": generator,
            }
            simulate(settings, build(entry, DatasetConfig, name), name, 0, path)
        with uproot.open(path) as file:
            return file["Events"].arrays()

    return make


def leading(events: ak.Array, name: str, jets: int = 2) -> np.ndarray:
    return ak.to_numpy(ak.flatten(events[f"FatJet_{name}"][:, :jets]))


def dijet_mass(events: ak.Array) -> np.ndarray:
    pt, eta, phi, mass = (events[f"FatJet_{name}"][:, :2] for name in ("pt", "eta", "phi", "mass"))
    energy = ak.sum(np.hypot(pt * np.cosh(eta), mass), axis=1)
    px, py, pz = (ak.sum(p, axis=1) for p in (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)))
    return ak.to_numpy(np.sqrt(energy**2 - px**2 - py**2 - pz**2))


def test_softdrop_mass_of_w_jets_peaks_at_the_w_mass(sample) -> None:
    events = sample("w")
    mass = leading(events, "msoftdrop")[leading(events, "pt") > 400]
    peak = mass[(mass > 60) & (mass < 100)]
    assert len(peak) > 0.5 * len(mass)
    assert np.median(peak) == pytest.approx(80.4, abs=2)
    assert np.subtract(*np.percentile(peak, [75, 25])) < 10


def test_two_prongs_have_a_lower_tau21_than_qcd(sample) -> None:
    ratios = {}
    for name in ("signal", "qcd"):
        events = sample(name)
        heavy = leading(events, "msoftdrop") > 60
        ratios[name] = (leading(events, "tau2") / leading(events, "tau1"))[heavy]
        assert np.mean(ratios[name] > 1) < 0.01
    assert np.median(ratios["signal"]) < 0.75 * np.median(ratios["qcd"])


def test_dijet_mass_closes_on_the_resonance(sample) -> None:
    events = sample("signal")
    generated = ak.to_numpy(events.GenPart_mass[events.GenPart_pdgId == 5100039][:, 0])
    response = dijet_mass(events) / generated
    # Radiation out of the jets makes the low tail; the peak is calibrated to 3 %.
    assert np.median(response) == pytest.approx(1, abs=0.03)
    assert np.subtract(*np.percentile(response, [75, 25])) < 0.08
    assert np.median(generated) == pytest.approx(3500, rel=0.01)


def test_signal_jets_have_the_masses_of_their_prongs(sample) -> None:
    masses = np.sort(ak.to_numpy(sample("signal").FatJet_msoftdrop[:, :2]), axis=1)
    assert np.median(masses[:, 1]) == pytest.approx(500, rel=0.05)
    light = masses[:, 0][masses[:, 0] > 60]
    assert np.median(light) == pytest.approx(100, rel=0.05)


def test_quarks_point_at_the_jets(sample) -> None:
    """Both quarks of the light Y' lie in one of the two leading jets."""
    events = sample("signal")
    parents = events.GenPart_pdgId[events.GenPart_genPartIdxMother]
    quark = (events.GenPart_genPartIdxMother >= 0) & (parents == 9000002)
    assert ak.all(ak.sum(quark, axis=1) == 2)
    d_eta = events.GenPart_eta[quark][:, :, None] - events.FatJet_eta[:, None, :2]
    d_phi = events.GenPart_phi[quark][:, :, None] - events.FatJet_phi[:, None, :2]
    d_phi = (d_phi + np.pi) % (2 * np.pi) - np.pi
    inside = ak.any(ak.all(d_eta**2 + d_phi**2 < 0.8**2, axis=1), axis=1)
    assert ak.mean(inside) > 0.95


def test_nature_differs_from_the_simulation(sample) -> None:
    """Weaker coupling, harder fragmentation: fewer constituents in a W jet, by more than statistics."""
    counts = []
    for name in ("w", "w_nature"):
        mass, size = leading(sample(name), "msoftdrop"), leading(sample(name), "nConstituents")
        counts.append(size[(mass > 65) & (mass < 100)])
    difference = counts[0].mean() - counts[1].mean()
    assert difference > 3 * np.hypot(*[c.std() / np.sqrt(len(c)) for c in counts])


# One shower alone, down to 2 GeV, without hadrons, and weights that follow its couplings to all orders.
SHOWERS = {
    "fsr": ("TimeShower", ["PartonLevel:ISR = off", "TimeShower:pTmin = 2", "UncertaintyBands:FSRpTmin2Fac = 1"]),
    "isr": ("SpaceShower", ["PartonLevel:FSR = off", "UncertaintyBands:ISRpTmin2Fac = 0"]),
}
EXACT = ["HadronLevel:all = off", "UncertaintyBands:muSoftCorr = off", "UncertaintyBands:deltaAlphaSmax = 1"]


def partons(settings: Simulate, lines: list[str], variations: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Final partons of 6,000 W pairs, and the shower weights."""
    generator = Pythia(
        dataclasses.replace(settings, settings=lines),
        Component(process="ww", mass=None, cross_section=None, events=None),
        "simulation",
        4,
        variations,
    )
    batches = list(generator.batches(6000, 500))
    counts = [np.bincount(batch.visible.event, minlength=len(batch)) for batch in batches]
    weights = [batch.shower_weight for batch in batches if batch.shower_weight is not None]
    return np.concatenate(counts), np.concatenate(weights) if weights else None


@pytest.mark.parametrize("kind", ["isr", "fsr"])
def test_shower_weights_stand_for_a_run_with_another_scale(settings, kind) -> None:
    """Weighted by muRfac, a shower radiates as one generated with that scale; a smaller scale radiates more."""
    shower, lines = SHOWERS[kind]
    counts, weights = partons(settings, [*lines, *EXACT], variations=True)
    assert weights is not None
    means = {}
    for number, label in enumerate(SHOWER_VARIATIONS):
        if not label.startswith(kind):
            continue
        weight = weights[:, number]
        factor = 2.0 if label.endswith("_2") else 0.5
        run, _ = partons(settings, [*lines, "HadronLevel:all = off", f"{shower}:renormMultFac = {factor**2}"], False)
        means[factor] = np.average(counts, weights=weight)
        error = np.std(weight * (counts - means[factor])) / np.sqrt(len(counts))
        assert abs(means[factor] - run.mean()) < 4 * np.hypot(error, run.std() / np.sqrt(len(run)))
        assert abs(means[factor] - counts.mean()) > 5 * error
        assert abs(weight.mean() - 1) < 4 * weight.std() / np.sqrt(len(weight))
    assert means[2.0] < counts.mean() < means[0.5]
