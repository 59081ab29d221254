from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch

from resonaut.core import identifier
from resonaut.learn.autoencoder import Normalised, Settings
from resonaut.learn.autoencoder.normalised import NormalisedAutoencoder
from resonaut.learn.autoencoder.plain import Autoencoder
from resonaut.select import method as methods
from resonaut.select.level import Level
from resonaut.select.regions import Regions
from resonaut.select.training_data import TrainingData

PLAIN = Settings(latent=2, hidden=[32, 32], resolution=0.5, epochs=10, batch_size=256, learning_rate=0.005)
NORMALISED = Normalised(
    temperature=0.2,
    latent_steps=15,
    latent_step_size=0.2,
    steps=15,
    step_size=0.1,
    buffer=1000,
    regularisation=1.0,
    epochs=12,
    batch_size=256,
    learning_rate=0.001,
)


def clumps(n, seed):
    """Two clumps in the plane around (-2, 0) and (2, 0), of spread 0.3, and keys."""
    rng = np.random.default_rng(seed)
    points = 0.3 * rng.standard_normal((n, 2))
    points[:, 0] += np.where(rng.random(n) < 0.5, -2, 2)
    return points.astype(np.float32), rng.integers(0, 2**63, n).astype(np.uint64)


@pytest.fixture(scope="module")
def model() -> NormalisedAutoencoder:
    return NormalisedAutoencoder.fit(*clumps(3000, 1), PLAIN, NORMALISED, 1)


def test_what_a_plain_autoencoder_reproduces_but_the_data_have_not_gets_a_high_energy(model):
    rng = np.random.default_rng(2)
    data, _ = clumps(1000, 2)
    between = (0.3 * rng.standard_normal((500, 2))).astype(np.float32)
    outside = np.column_stack([rng.uniform(-3, 3, 500), np.full(500, 3)]).astype(np.float32)
    plain = Autoencoder.fit(*clumps(3000, 1), PLAIN, 1)
    # In units of the spread of the features: a bottleneck as wide as the events lets everything through.
    assert np.median(plain.error(between)) < 0.15
    high = np.quantile(model.energy(data), 0.95)
    assert np.mean(model.energy(between) > high) > 0.8
    assert np.mean(model.energy(outside) > high) > 0.95
    assert np.median(model.energy(between)) > 5 * np.median(model.energy(data))


def test_drawn_events_resemble_the_data(model):
    drawn, (data, _) = model.draw(1000), clumps(1000, 3)
    assert drawn.std(axis=0) == pytest.approx(data.std(axis=0), rel=0.5)
    assert np.mean(np.abs(drawn[:, 0]) < 1) < 0.15
    assert min(np.mean(drawn[:, 0] < -1), np.mean(drawn[:, 0] > 1)) > 0.15


def test_a_normalised_autoencoder_depends_on_events_and_seed_alone():
    points, keys = clumps(300, 1)
    short = replace(NORMALISED, epochs=2)
    order = np.random.default_rng(0).permutation(300)
    state = torch.random.get_rng_state()
    energies = [
        NormalisedAutoencoder.fit(points[rows], keys[rows], PLAIN, short, seed).energy(points)
        for rows, seed in ((slice(None), 1), (slice(None), 1), (order, 1), (slice(None), 2))
    ]
    assert np.array_equal(energies[0], energies[1])
    assert np.array_equal(energies[0], energies[2])
    assert not np.array_equal(energies[0], energies[3])
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.fixture
def nae_settings(settings):
    plain, normalised = replace(PLAIN, epochs=3), replace(NORMALISED, epochs=3)
    regression = replace(settings.regression, levels=[0.2, 0.5, 0.8, 0.9, 0.95, 0.98])
    return replace(settings, autoencoder=plain, nae=normalised, regression=regression)


def trained(settings, events):
    window = settings.windows["w3500"]
    regions = Regions.of(ak.to_numpy(events.m_jj), window)
    nae = methods.make("nae", settings, "w3500")
    numbers = nae.fit(TrainingData(events, regions, window, "data", [], [], None))
    return nae, regions, numbers


def test_nae_finds_events_unlike_the_sidebands(nae_settings, toys):
    nae, _, numbers = trained(nae_settings, toys(3000, 1))
    assert set(numbers) == {"energy", "energy_drawn", "distance"}
    background, signal = (nae.raw(sample, "data").value for sample in (toys(2000, 2), toys(300, 3, signal=True)))
    assert np.mean(signal > np.quantile(background, 0.95)) > 0.5


def test_no_event_is_scored_by_an_autoencoder_that_saw_it(nae_settings, toys, monkeypatch):
    seen, regressed = [], []
    fit, fit_level = NormalisedAutoencoder.fit, Level.fit
    monkeypatch.setattr(Level, "fit", lambda *args: regressed.append(args[1]) or fit_level(*args))
    monkeypatch.setattr(NormalisedAutoencoder, "fit", lambda *args: seen.append(set(args[1].tolist())) or fit(*args))
    events = toys(2000, 1)
    # Masses that tell the events apart, also in float32.
    m_jj = (2400 + np.random.default_rng(0).permutation(2000)).astype(np.float32)
    events = ak.with_field(events, m_jj, "m_jj")
    nae, regions, _ = trained(nae_settings, events)
    model, keys = nae.raw(events, "data").model, identifier.keys(events)
    assert len(seen) == len(regressed) == nae_settings.classifier.folds
    for number, trained_on in enumerate(seen):
        first, second = np.isin(keys, list(trained_on)), np.isin(m_jj, regressed[number].astype(np.float32))
        assert not np.any((first | second) & (model == number))
        assert not np.any(first & second)
        assert np.all(regions.sideband[first])
        assert np.all((first | second)[model != number])
        assert np.sum(first) == pytest.approx(0.5 * np.sum(regions.sideband & (model != number)), rel=0.2)


def test_the_dijet_mass_is_no_feature_of_nae(nae_settings):
    assert "m_jj" not in methods.make("nae", nae_settings, "w3500").inputs.columns


def test_the_efficiency_of_nae_is_flat_although_its_features_depend_on_the_mass(nae_settings, toys):
    settings = replace(nae_settings, mass_shift=0.4)
    nae, _, _ = trained(settings, toys(8000, 1))
    events = toys(8000, 2)
    m_jj = ak.to_numpy(events.m_jj)
    (values,) = nae.inputs.compute(events, "toys")
    energy, found = nae.autoencoders[0].energy(values), nae.raw(events, "toys").value[:, 0]
    low, high = m_jj < 3000, m_jj > 3500
    plain, flat = ([np.mean(s[rows] > np.quantile(s, 0.9)) for rows in (low, high)] for s in (energy, found))
    assert flat[0] == pytest.approx(flat[1], abs=0.035)
    assert abs(plain[0] - plain[1]) > 0.07
