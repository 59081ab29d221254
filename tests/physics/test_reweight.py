"""Reweighting against a density ratio that is known, and its extrapolation into the blinded region."""

from dataclasses import replace

import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.learn.ratio import NetworkSettings
from resonaut.learn.ratio.conditional import Observed
from resonaut.reweight.closure import closure
from resonaut.reweight.settings import Classifier, Settings, Trees
from resonaut.reweight.train import Reweighter

CLASSIFIER = Classifier(
    folds=3,
    trees=Trees(
        learning_rate=0.05,
        max_iterations=100,
        max_leaf_nodes=15,
        min_leaf_events=50,
        l2=0.0,
        patience=10,
        validation_parts=3,
    ),
    seed=1,
)
SETTINGS = Settings(
    features=["m_j1"], sidebands=[(0, 20000)], clip=(0.05, 20.0), histogram_bins=10, classifier=CLASSIFIER
)
LUMINOSITY = 5.0


def keys(n: int, seed: int) -> identifier.Keys:
    return identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed << 32))


def exponential(n: int, mean: float, weight: float, seed: int) -> Observed:
    features = np.random.default_rng(seed).exponential(mean, (n, 1)).astype(np.float32)
    return Observed(ratio.Sample(features, np.full(n, weight), keys(n, seed)), np.full(n, 3000.0))


def test_weights_are_the_ratio_of_two_exponentials_times_the_yields():
    # Data: 12,000 events of mean 120; simulation: 15,000 events of mean 100, which stand for 30,000.
    data = exponential(12_000, 120, 1.0, 1)
    simulation = exponential(15_000, 100, 2.0 / LUMINOSITY, 2)
    reweighter = Reweighter.train(data, simulation, LUMINOSITY, SETTINGS)
    blinded = exponential(20_000, 100, 1.0, 3)
    weights = reweighter.nominal(blinded)
    x = blinded.sample.features[:, 0]
    truth = (12_000 / 30_000) * (100 / 120) * np.exp(x / 100 - x / 120)
    core = x < 400
    assert np.sqrt(np.mean((weights / truth - 1)[core] ** 2)) < 0.1
    assert np.average(x, weights=weights) == pytest.approx(120, abs=5)  # 100 without weights
    assert weights.sum() == pytest.approx(20_000 * 0.4, rel=0.02)


def test_a_fresh_classifier_cannot_tell_the_reweighted_simulation_from_data():
    data = exponential(12_000, 120, 1.0, 1)
    simulation = exponential(15_000, 100, 2.0 / LUMINOSITY, 2)
    reweighter = Reweighter.train(data, simulation, LUMINOSITY, SETTINGS)
    found = closure(data, {"qcd": simulation}, reweighter, LUMINOSITY)
    # Two exponentials with means in the ratio r have the AUC r / (1 + r), of which half a fold learns a part.
    assert 4 * found.auc_error_before < found.auc_before - 0.5 < 0.2 / 2.2 / 2 + 4 * found.auc_error_before
    assert found.auc_after == pytest.approx(0.5, abs=4 * found.auc_error_after)
    (feature,) = found.features
    assert feature.ndof == 29
    assert feature.chi2_after < 65 < 130 < feature.chi2_before


def test_closure_says_what_poisson_errors_say_where_there_is_no_difference():
    found = []
    for toy in range(8):
        data, simulation = exponential(6_000, 100, 1.0, 10 + toy), exponential(6_000, 100, 1 / LUMINOSITY, 20 + toy)
        reweighter = Reweighter.train(data, simulation, LUMINOSITY, SETTINGS)
        result = closure(data, {"qcd": simulation}, reweighter, LUMINOSITY)
        (feature,) = result.features
        found.append([feature.chi2_after / feature.ndof, (result.auc_after - 0.5) / result.auc_error_after])
    chi2, pull = np.mean(found, axis=0)
    # On data that trained the weights they are 0.36 and -2.7.
    assert 0.65 < chi2 < 1.35
    assert abs(pull) < 1.8


def test_simulation_that_is_right_is_left_alone():
    data, simulation = exponential(10_000, 100, 1.0, 4), exponential(10_000, 100, 1 / LUMINOSITY, 5)
    reweighter = Reweighter.train(data, simulation, LUMINOSITY, SETTINGS)
    weights = reweighter.nominal(simulation)
    assert np.abs(weights - 1).mean() < 0.05


# The features of data move with m_jj; those of the simulation do not, and its spectrum is less steep.
SIDEBANDS, REGION = [(2900, 3250), (3750, 20000)], (3250, 3750)
NETWORK = NetworkSettings(hidden=[24, 24], epochs=25, restarts=1, validation_parts=4, weight_decay=0.1)
BESIDE = replace(
    SETTINGS,
    sidebands=SIDEBANDS,
    validation=[REGION],
    clip=(0.02, 50.0),
    classifier=Classifier(backend="network", folds=2, network=NETWORK),
)
ALONG = replace(BESIDE, condition=True)


def falling(n: int, slope: float, fall: float, weight: float, seed: int) -> Observed:
    """m_jj above 2.9 TeV, and a feature whose mean moves by ``slope`` standard deviations in 500 GeV."""
    rng = np.random.default_rng(seed)
    m_jj = (2900 + rng.exponential(fall, n)).astype(np.float32)
    feature = rng.normal(slope * (m_jj - 3500) / 500, 1)[:, None].astype(np.float32)
    return Observed(ratio.Sample(feature, np.full(n, weight), keys(n, seed)), m_jj)


def learned(slope: float, fall: float, seed: int, settings: Settings) -> tuple[Observed, Observed, Reweighter]:
    data, simulation = falling(20_000, slope, fall, 1.0, seed), falling(25_000, 0, 500, 1.6 / LUMINOSITY, seed + 1)
    beside = data[data.within(settings.sidebands)]
    return data, simulation, Reweighter.train(beside, simulation, LUMINOSITY, settings)


def test_a_ratio_that_changes_with_the_observable_closes_in_the_signal_region():
    chi2, away = {}, {}
    for settings in (BESIDE, ALONG):
        found = []
        for seed in (40, 42, 44):
            data, simulation, reweighter = learned(0.4, 450, seed, settings)
            result = closure(data, {"qcd": simulation}, reweighter, LUMINOSITY)
            inside = simulation[simulation.within([REGION])]
            m_jj, x = inside.values.astype(float), inside.sample.features[:, 0].astype(float)
            mean = 0.4 * (m_jj - 3500) / 500
            truth = 0.5 * 500 / 450 * np.exp((m_jj - 2900) * (1 / 500 - 1 / 450) + mean * (x - mean / 2))
            relative = (reweighter.nominal(inside) / truth - 1)[np.abs(x) < 2]
            found.append([result.validation.features[0].chi2_after, np.sqrt(np.mean(relative**2))])
            (kept,) = (one.kept for one in result.regions if one.range == REGION)
            if settings.condition:
                assert abs(kept) < 0.005
                # The classifier learns nothing of the spectra, whose ratio goes from 1.1 to 0.5.
                assert reweighter.spectra[""][0].mean.means == pytest.approx(1, abs=0.3)
                assert result.validation.features[1].name == "m_jj"
                assert result.validation.features[1].chi2_after < 50
        chi2[settings.condition], away[settings.condition] = np.sum(found, axis=0)[0], np.mean(found, axis=0)[1]
    # Of 60 degrees of freedom; without condition the ratio is that of the sidebands' mean m_jj.
    assert chi2[True] < 105 < 160 < chi2[False]
    assert away[True] < 0.09 < 0.15 < away[False]


def test_trees_do_not_interpolate():
    """Why the plan refuses them: in the signal region they are further off than no weights are."""
    data, simulation = falling(20_000, 0.4, 500, 1.0, 40), falling(25_000, 0, 500, 1.0, 41)
    beside = [events[events.within(SIDEBANDS)].joined for events in (data, simulation)]
    inside = simulation[simulation.within([REGION])]
    x, mean = inside.sample.features[:, 0].astype(float), 0.4 * (inside.values.astype(float) - 3500) / 500
    truth = np.exp(mean * (x - mean / 2))
    away = {"none": np.ones(len(x))}
    for backend in ("trees", "network"):
        models = ratio.CrossFit.fit(*beside, replace(ALONG.classifier, backend=backend))
        away[backend] = models.ratio(inside.joined.features, inside.sample.keys)
    rms = {name: np.sqrt(np.mean((found / truth - 1)[np.abs(x) < 2] ** 2)) for name, found in away.items()}
    assert rms["network"] < 0.09 < rms["none"] < rms["trees"]


def test_a_conditional_ratio_does_nothing_where_there_is_no_difference():
    data, simulation, reweighter = learned(0, 500, 140, ALONG)
    factors = reweighter.factors(simulation)
    assert np.std(factors[""] / factors[""].mean()) < 0.05
    result = closure(data, {"qcd": simulation}, reweighter, LUMINOSITY)
    for found in (result, result.validation):
        assert found.auc_after == pytest.approx(0.5, abs=4 * found.auc_error_after)
        assert all(feature.chi2_after < 50 for feature in found.features)
    # The mean ratio is 1 everywhere, and the sum of the weights that of the spectrum's factor.
    assert all(abs(one.kept) < 0.005 for one in result.regions)
    assert result.sums[0].learned == pytest.approx(result.sums[0].expected, rel=0.005)


def test_the_spread_of_bootstraps_is_that_of_the_prediction_in_the_signal_region():
    """Predicted events over the expected ones, in toys: their spread is what the bootstraps of each say."""
    quick = replace(NETWORK, hidden=[12], epochs=8, validation_parts=2)
    settings = replace(ALONG, bootstraps=6, classifier=replace(ALONG.classifier, network=quick))
    found, errors = [], []
    for seed in range(200, 216, 2):
        _, simulation, reweighter = learned(0, 450, seed, settings)
        inside = simulation[simulation.within([REGION])]
        sums = {name: inside.sample.weights @ made * LUMINOSITY for name, made in reweighter.factors(inside).items()}
        found.append(sums[""][0])
        # An event of the simulation stands for 0.8 of the data.
        errors.append(np.sqrt(np.mean((sums["bootstrap"] - sums[""]) ** 2) + 0.8 * sums[""][0]))
    expected = 20_000 * (np.exp(-350 / 450) - np.exp(-850 / 450))
    pulls = (np.array(found) - expected) / np.array(errors)
    assert 0.4 < np.sqrt(np.mean(pulls**2)) < 2
