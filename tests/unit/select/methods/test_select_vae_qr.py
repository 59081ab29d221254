from dataclasses import replace

import awkward as ak
import numpy as np
import pytest
import torch
from scipy import stats

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError
from resonaut.learn.autoencoder import Constituents, constituents
from resonaut.learn.autoencoder.constituents import ConstituentAutoencoder
from resonaut.select import method as methods
from resonaut.select.level import Level, regression
from resonaut.select.regions import Regions
from resonaut.select.training_data import TrainingData

SMALL = Constituents(width=16, latent=2, divergence_weight=1e-3, epochs=6, batch_size=128, learning_rate=0.01)
LEVELS = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99]


def showers(n, seed, prongs=1, m_jj=None):
    """Dijet events; each jet has 5 to 19 constituents around ``prongs`` directions, the wider the larger m_jj."""
    rng = np.random.default_rng(seed)
    m_jj = 2900 + rng.exponential(500, n) if m_jj is None else m_jj
    columns = {"run": np.full(n, seed), "luminosityBlock": np.zeros(n, int), "event": np.arange(n)}
    columns |= {"m_jj": m_jj.astype(np.float32)}
    for jet in ("j1", "j2"):
        numbers = rng.integers(5, 20, n)
        z = ak.unflatten(rng.exponential(1, numbers.sum()).astype(np.float32), numbers)
        z = ak.sort(z / ak.sum(z, axis=1), ascending=False)
        axis = 0.4 * (ak.local_index(z, axis=1) % prongs) * (prongs > 1)
        width = np.repeat(0.1 * m_jj / 3000, numbers)
        phi = rng.uniform(-np.pi, np.pi, n)
        columns |= {f"{jet}_pt": (m_jj / 2).astype(np.float32), f"{jet}_eta": rng.normal(0, 0.5, n), f"{jet}_phi": phi}
        columns[f"{jet}_pf_pt"] = z * columns[f"{jet}_pt"]
        columns[f"{jet}_pf_eta"] = ak.unflatten(rng.normal(0, width), numbers) + columns[f"{jet}_eta"] + axis
        around = ak.unflatten(rng.normal(0, width), numbers) + phi
        columns[f"{jet}_pf_phi"] = (around + np.pi) % (2 * np.pi) - np.pi
    return ak.zip(columns, depth_limit=1)


@pytest.fixture
def qr_settings(settings):
    vae_qr = replace(settings.vae_qr, autoencoder=SMALL, constituents=10)
    return replace(settings, vae_qr=vae_qr, regression=replace(settings.regression, levels=LEVELS))


def trained(settings, events):
    window = settings.windows["w3500"]
    regions = Regions.of(ak.to_numpy(events.m_jj), window)
    method = methods.make("vae_qr", settings, "w3500")
    return method, method.fit(TrainingData(events, regions, window, "data", [], [], None))


def test_the_chamfer_distance_against_brute_force():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(5, 7, 3)), rng.normal(size=(5, 4, 3))
    expected = [
        sum(min(np.sum((p - q) ** 2) for q in b) for p in a) + sum(min(np.sum((p - q) ** 2) for p in a) for q in b)
        for a, b in zip(first, second, strict=True)
    ]
    found = constituents.chamfer(torch.as_tensor(first), torch.as_tensor(second))
    assert found.numpy() == pytest.approx(np.array(expected))
    assert constituents.chamfer(torch.as_tensor(first), torch.as_tensor(first)).numpy() == pytest.approx(0, abs=1e-12)


def test_the_order_of_constituents_does_not_matter():
    events = showers(400, 1)
    clouds = constituents.cloud(events, "j1", 10)
    model = ConstituentAutoencoder.fit(clouds, identifier.keys(events), SMALL, 1)
    mixed = clouds[:, np.random.default_rng(0).permutation(10)]
    assert model.loss(mixed) == pytest.approx(model.loss(clouds), rel=1e-4)


def test_constituents_relative_to_the_jet():
    events = ak.Array(
        {
            "j1_pt": [100.0],
            "j1_eta": [1.0],
            "j1_phi": [3.0],
            "j1_pf_pt": [[64.0, 25.0, 1.0]],
            "j1_pf_eta": [[1.5, 0.0, 9.0]],
            "j1_pf_phi": [[-3.0, 2.5, 9.0]],
        }
    )
    expected = [[0.8, 0.8 * 0.5 / 0.3, 0.8 * (2 * np.pi - 6) / 0.3], [0.5, -0.5 / 0.3, -0.25 / 0.3]]
    found = constituents.cloud(events, "j1", 2)[0]
    assert found == pytest.approx(np.sqrt(10) * np.array(expected), abs=1e-5)
    padded = constituents.cloud(events, "j1", 5)
    assert (padded.shape, padded.dtype) == ((1, 5, 3), np.float32)
    assert np.all(padded[0, 3:] == 0)


def test_too_few_jets_for_an_autoencoder():
    events = showers(20, 1)
    with pytest.raises(EmptySelectionError, match="20 jets are too few"):
        ConstituentAutoencoder.fit(constituents.cloud(events, "j1", 5), identifier.keys(events), SMALL, 1)


def mass_dependent(n, seed):
    """Scores whose median and spread grow with m_jj (GeV)."""
    rng = np.random.default_rng(seed)
    m_jj = 2900 + rng.exponential(500, n)
    return rng.gamma(3, 1, n) * (1 + (m_jj - 2900) / 2000), m_jj


def p_value(m_jj, selected):
    """Of the chi2 of a flat efficiency in m_jj."""
    edges = [2900, 3000, 3150, 3300, 3500, 3750, 4000, 4500, 9000]
    total, passing = (np.histogram(m_jj[rows], edges)[0] for rows in (slice(None), selected))
    pooled = passing.sum() / total.sum()
    chi2 = np.sum((passing - pooled * total) ** 2 / (total * pooled * (1 - pooled)))
    return stats.chi2.sf(chi2, len(total) - 1)


@pytest.mark.parametrize("cut", [0.5, 0.9, 0.97, 0.99])
def test_the_efficiency_is_flat_in_the_mass_after_the_regression_and_not_before(cut):
    level = Level.fit(*mass_dependent(20_000, 1), LEVELS, 4)
    score, m_jj = mass_dependent(20_000, 2)
    found = level(score, m_jj)
    assert p_value(m_jj, found > cut) > 1e-4
    assert np.mean(found > cut) == pytest.approx(1 - cut, rel=0.15)
    assert p_value(m_jj, score > np.quantile(score, cut)) < 1e-10


def test_a_regression_does_not_follow_a_resonance():
    score, m_jj = mass_dependent(20_000, 1)
    rng = np.random.default_rng(3)
    signal = np.full(200, 40.0), rng.normal(3500, 60, 200)
    level = Level.fit(np.r_[score, signal[0]], np.r_[m_jj, signal[1]], LEVELS, 4)
    # 7 % of the data around 3.5 TeV are signal, which moves the quantiles there, but not above the signal.
    assert np.all(level(*signal) > 0.98)
    fresh, masses = mass_dependent(20_000, 2)
    # 1 % of the data are signal: at worst the quantiles of the background move by as much.
    assert np.mean(level(fresh, masses) > 0.95) == pytest.approx(0.05, abs=0.015)


def test_a_level_grows_with_the_score_at_any_mass():
    level = Level.fit(*mass_dependent(3_000, 1), LEVELS, 6)
    for mass in (2000.0, 2900.0, 3500.0, 6000.0, 20_000.0):
        quantiles = level.quantiles(np.full(1, mass))[0]
        assert np.all(np.diff(quantiles) >= 0)
        score = np.linspace(quantiles[0] - 5, quantiles[-1] + 5, 300)
        found = level(score, np.full(300, mass))
        assert np.all(np.diff(found) > 0)
        assert 0 < found.min() < 0.1 < 0.99 < found.max() < 1
    assert level(np.empty(0), np.empty(0)).shape == (0,)


def test_a_regression_without_dependence_is_the_quantile():
    score = np.random.default_rng(0).normal(size=5000)
    for quantile in (0.02, 0.5, 0.95):
        found = regression(np.ones((5000, 1)), score, quantile)
        assert found[0] == pytest.approx(np.quantile(score, quantile), abs=0.01)


def test_too_few_events_for_the_highest_level():
    with pytest.raises(EmptySelectionError, match=r"100 events are too few to learn the level 0\.99"):
        Level.fit(*mass_dependent(100, 1), LEVELS, 4)


def test_vae_qr_finds_jets_with_two_prongs_at_an_efficiency_that_is_flat(qr_settings):
    method, numbers = trained(qr_settings, showers(6_000, 1))
    assert abs(numbers["correlation_level"]) < 0.05 < abs(numbers["correlation_score"])
    background, signal = showers(4_000, 2), showers(500, 3, prongs=2)
    level = method.raw(background, "data").value[:, 0]
    for cut in (0.5, 0.9):
        assert np.mean(level > cut) == pytest.approx(1 - cut, rel=0.2)
        assert p_value(ak.to_numpy(background.m_jj), level > cut) > 1e-4
    assert np.mean(method.raw(signal, "signal").value > 0.9) > 0.5


def test_one_anomalous_jet_counts_for_the_sum_of_losses_more_than_for_the_smaller(qr_settings):
    one, two = showers(300, 2), showers(300, 3, prongs=2, m_jj=ak.to_numpy(showers(300, 2).m_jj))
    for name in constituents.columns("j2"):
        one = ak.with_field(one, two[name], name)
    found = {}
    for rule in ("minimum", "sum"):
        settings = replace(qr_settings, vae_qr=replace(qr_settings.vae_qr, combination=rule))
        method, _ = trained(settings, showers(3_000, 1))
        found[rule] = [np.mean(method.raw(sample, "toys").value > 0.9) for sample in (one, two)]
    assert found["minimum"][0] < 0.4 < found["sum"][0]
    assert min(found["minimum"][1], found["sum"][1]) > 0.8


def test_no_event_is_scored_by_models_that_saw_it(qr_settings, monkeypatch):
    seen, regressed = [], []
    fit, fit_level = ConstituentAutoencoder.fit, Level.fit
    monkeypatch.setattr(ConstituentAutoencoder, "fit", lambda *args: seen.append(args[1]) or fit(*args))
    monkeypatch.setattr(Level, "fit", lambda *args: regressed.append(args[1]) or fit_level(*args))
    # Masses that tell the events apart, also in float32.
    m_jj = 2900 + np.random.default_rng(0).permutation(2000) * 0.5
    events = showers(2_000, 1, m_jj=m_jj)
    method, _ = trained(qr_settings, events)
    keys, fold = identifier.keys(events), method.raw(events, "data").model
    inside = (m_jj >= 3250) & (m_jj < 3750)
    for number in range(qr_settings.classifier.folds):
        first, second = np.isin(keys, seen[number]), np.isin(m_jj, regressed[number])
        assert not np.any((first | second) & (fold == number))
        assert not np.any(first & second)
        assert not np.any(first & inside)
        assert np.all((first | second)[fold != number])
        assert np.sum(first) == pytest.approx(0.5 * np.sum(~inside & (fold != number)), rel=0.15)


def test_vae_qr_is_reproducible_and_leaves_the_global_generator(qr_settings):
    events = showers(2_000, 1)
    state = torch.random.get_rng_state()
    values = [trained(qr_settings, events)[0].raw(events, "data").value for _ in range(2)]
    assert np.array_equal(*values)
    assert torch.equal(torch.random.get_rng_state(), state)
