"""Pseudo-data of reweighted simulation: the signal of the data that trained the weights is not in them."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from resonaut.core.collisions import Collisions
from resonaut.core.events import Dataset
from resonaut.fit import background, scan
from resonaut.fit.bare import settings_of
from resonaut.fit.shapes import Gaussian
from resonaut.fit.spectrum import Spectrum
from resonaut.learn.ratio import NetworkSettings
from resonaut.learn.ratio.conditional import Observed
from resonaut.reweight.settings import Classifier, Settings
from resonaut.reweight.train import Reweighter, read
from resonaut.skim.draw import draw

SQRT_S, MASS, LUMINOSITY = 13000.0, 3500.0, 10.0
EVENTS, SIGNAL = 20_000, 800
NETWORK = NetworkSettings(hidden=[16], epochs=10, restarts=1, validation_parts=2)
SETTINGS = Settings(
    features=["m_j1"],
    sidebands=[(2900, 3250), (3750, 20000)],
    condition=True,
    classifier=Classifier(backend="network", folds=2, network=NETWORK),
)


def collisions(n: int, run: int, fall: float, slope: float, signal: int = 0) -> ak.Array:
    """m_jj above 2.9 TeV, a jet mass that moves with it by ``slope`` GeV in 500 GeV, and a resonance of 3.5 TeV."""
    rng = np.random.default_rng(run)
    m_jj = np.r_[2900 + rng.exponential(fall, n), rng.normal(MASS, 100, signal)]
    mass = np.r_[rng.normal(150 + slope * (m_jj[:n] - MASS) / 500, 30), rng.normal(400, 20, signal)]
    key = {"run": np.full(len(m_jj), run), "luminosityBlock": np.zeros(len(m_jj), int)}
    key |= {"event": np.arange(len(m_jj)), "gen_weight": np.ones(len(m_jj))}
    return ak.Array(key | {"m_jj": m_jj.astype(np.float32), "j1_softdrop_mass": mass.astype(np.float32)})


@pytest.fixture
def drawn(tmp_path, write_skimmed):
    """A function: pseudo-data of simulation that is weighted to data with a resonance; the simulation too."""

    def make(toy: int) -> tuple[Dataset, Dataset]:
        folder = tmp_path / str(toy)
        data = collisions(EVENTS, 10 * toy + 1, 550, 10, SIGNAL)
        simulation = collisions(3 * EVENTS, 10 * toy + 2, 600, 0)
        known = {"nature": "data", "luminosity": LUMINOSITY, "cross_section": None}
        observed = write_skimmed(folder, "data", [[data]], **known)
        qcd = Dataset.open(write_skimmed(folder, "qcd", [[simulation]], weight_scale=0.5 / LUMINOSITY))
        sample = Observed.concatenate(read(Collisions.open([observed]).datasets, SETTINGS, SETTINGS.sidebands))
        Reweighter.train(sample, *read([qcd], SETTINGS), LUMINOSITY, SETTINGS).apply(qcd)
        manifest = folder / "skim" / "qcd.json"
        output = folder / "skim" / "pseudo.json"
        draw([manifest], [observed], {"qcd": ["reweight"]}, LUMINOSITY, toy, output)
        return Dataset.open(output), qcd

    return make


def significance(m_jj: np.ndarray) -> float:
    edges = np.arange(2900.0, 6001.0, 20.0)
    settings = settings_of([], SQRT_S, [MASS]).background
    spectrum = Spectrum(edges, np.histogram(m_jj, edges)[0].astype(float))
    return scan.search(background.model(spectrum, Gaussian(0.03), MASS, SQRT_S, settings, {})).z_local


def test_pseudo_data_have_no_excess_where_the_data_have_one(drawn):
    found = []
    for toy in range(6):
        pseudo, qcd = drawn(toy)
        m_jj = ak.to_numpy(pseudo.read(["m_jj"]).m_jj)
        found.append(significance(m_jj))
        simulated = qcd.read(["m_jj", "weight", "reweight"], ["reweight"])
        # An event in ten thousand counts more than once, and is drawn once.
        expected = np.minimum(LUMINOSITY * ak.to_numpy(simulated.weight * simulated.reweight), 1)
        # Their spectrum is that of the simulation, with the fluctuations of a draw.
        edges = np.quantile(ak.to_numpy(simulated.m_jj), np.linspace(0, 1, 21))
        mean, variance = (
            np.histogram(ak.to_numpy(simulated.m_jj), edges, weights=w)[0]
            for w in (expected, expected * (1 - expected))
        )
        assert np.sum((np.histogram(m_jj, edges)[0] - mean) ** 2 / variance) < 55
        # Nothing has the mass of the signal's jets.
        assert not np.any(ak.to_numpy(pseudo.read(["j1_softdrop_mass"]).j1_softdrop_mass) > 350)
    data = ak.to_numpy(Dataset.open(Path(qcd.results) / "skim" / "data.json").read(["m_jj"]).m_jj)
    assert significance(data) > 8
    # The mean and the spread of the standard normal distribution, within four standard deviations.
    assert abs(np.mean(found)) < 4 / np.sqrt(6)
    assert np.max(np.abs(found)) < 4.2
