"""Reweighting against a density ratio that is known, and its extrapolation into the blinded region."""

import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.learn import ratio
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


def exponential(n: int, mean: float, weight: float, seed: int) -> ratio.Sample:
    features = np.random.default_rng(seed).exponential(mean, (n, 1)).astype(np.float32)
    keys = identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed << 32))
    return ratio.Sample(features, np.full(n, weight), keys)


def test_weights_are_the_ratio_of_two_exponentials_times_the_yields():
    # Data: 12,000 events of mean 120; simulation: 15,000 events of mean 100, which stand for 30,000.
    data = exponential(12_000, 120, 1.0, 1)
    simulation = exponential(15_000, 100, 2.0 / LUMINOSITY, 2)
    reweighter = Reweighter.train(data, simulation, LUMINOSITY, SETTINGS)
    blinded = exponential(20_000, 100, 1.0, 3)
    weights = reweighter.weights(blinded.features, blinded.keys)
    x = blinded.features[:, 0]
    truth = (12_000 / 30_000) * (100 / 120) * np.exp(x / 100 - x / 120)
    core = x < 400
    assert np.sqrt(np.mean((weights / truth - 1)[core] ** 2)) < 0.1
    assert np.average(x, weights=weights) == pytest.approx(120, abs=5)  # 100 without weights
    assert weights.sum() == pytest.approx(20_000 * 0.4, rel=0.02)


def test_a_fresh_classifier_cannot_tell_the_reweighted_simulation_from_data():
    data = exponential(12_000, 120, 1.0, 1)
    simulation = exponential(15_000, 100, 2.0 / LUMINOSITY, 2)
    reweighter = Reweighter.train(data, simulation, LUMINOSITY, SETTINGS)
    found = closure(data, simulation, reweighter, LUMINOSITY, SETTINGS)
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
        result = closure(data, simulation, reweighter, LUMINOSITY, SETTINGS)
        (feature,) = result.features
        found.append([feature.chi2_after / feature.ndof, (result.auc_after - 0.5) / result.auc_error_after])
    chi2, pull = np.mean(found, axis=0)
    # On data that trained the weights they are 0.36 and -2.7.
    assert 0.65 < chi2 < 1.35
    assert abs(pull) < 1.8


def test_simulation_that_is_right_is_left_alone():
    data, simulation = exponential(10_000, 100, 1.0, 4), exponential(10_000, 100, 1 / LUMINOSITY, 5)
    reweighter = Reweighter.train(data, simulation, LUMINOSITY, SETTINGS)
    weights = reweighter.weights(simulation.features, simulation.keys)
    assert np.abs(weights - 1).mean() < 0.05
