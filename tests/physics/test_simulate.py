"""Known answers from whole simulated samples."""

from collections.abc import Callable
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml

from resonaut import config, schema
from resonaut.dataset import DatasetConfig
from resonaut.simulate.chunk import simulate
from resonaut.simulate.settings import Simulate

ROOT = Path(__file__).parents[2]
SAMPLES = {
    "qcd": ("dijet", "qcd", None, "simulation", 500),
    "signal": ("dijet", "x_to_yy", 3500.0, "simulation", 300),
    "w": ("boosted_w", "ww", None, "simulation", 300),
    "w_nature": ("boosted_w", "ww", None, "nature", 300),
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Callable[[str], ak.Array]:
    section = yaml.safe_load((ROOT / "workflow" / "schemas" / "simulate.schema.yaml").read_text())
    settings = config.build(schema.validate({}, section), Simulate, "schema")
    folder = tmp_path_factory.mktemp("samples")

    def make(name: str) -> ak.Array:
        path = folder / f"{name}.root"
        if not path.exists():
            region, process, mass, tune, events = SAMPLES[name]
            component = {"process": process, "mass": mass, "cross_section": None, "events": events}
            generator = {"tune": tune, "events_per_chunk": events, "seed": 2, "components": [component]}
            entry = {"role": "signal", "format": "nanoaod", "region": region, "files": [], "files_per_chunk": 1}
            entry |= {"labelled": None, "luminosity": None, "cross_section": 1.0, "mass": mass, "generator": generator}
            simulate(settings, config.build(entry, DatasetConfig, name), name, 0, path)
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
