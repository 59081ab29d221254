"""The ratio step against densities whose ratio is known."""

from dataclasses import replace

import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.select.compared import held_out_auc

SETTINGS = ratio.Settings(
    folds=3,
    trees=ratio.TreeSettings(
        learning_rate=0.05,
        max_iterations=150,
        max_leaf_nodes=15,
        min_leaf_events=50,
        l2=0.0,
        patience=10,
        validation_parts=3,
    ),
    seed=1,
)


def gaussian(n: int, mean: float, seed: int) -> ratio.Sample:
    features = np.random.default_rng(seed).normal(mean, 1, (n, 2)).astype(np.float32)
    return ratio.Sample(features, np.ones(n), identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed << 32)))


def test_two_gaussians_give_their_likelihood_ratio():
    # Two unit Gaussians at +-a in each of two dimensions: ln(p1 / p2) = 2 a (x + y).
    a = 0.3
    first, second = gaussian(20_000, a, 1), gaussian(20_000, -a, 2)
    models = ratio.CrossFit.fit(first, second, SETTINGS)
    learned = np.log(models.ratio(second.features, second.keys))
    truth = 2 * a * second.features.sum(axis=1)
    residual = learned - truth
    assert np.corrcoef(learned, truth)[0, 1] > 0.97
    assert np.sqrt(np.mean(residual**2)) < 0.25 * truth.std()
    # The weights turn the second sample into the first: mean, and a ratio that averages to one.
    weights = np.exp(learned)
    assert np.mean(weights) == pytest.approx(1, abs=0.02)
    assert np.average(second.features[:, 0], weights=weights) == pytest.approx(a, abs=0.04)


def test_an_unbalanced_pair_gives_the_ratio_of_densities():
    first, second = gaussian(20_000, 0.3, 3), gaussian(4_000, -0.3, 4)
    weighted = ratio.CrossFit.fit(first, second, SETTINGS).ratio(second.features, second.keys)
    assert np.mean(weighted) == pytest.approx(1, abs=0.1)  # 0.2 or 5 where the sizes count


def test_identical_samples_cannot_be_told_apart():
    first, second = gaussian(10_000, 0, 5), gaussian(10_000, 0, 6)
    models = ratio.CrossFit.fit(first, second, SETTINGS)
    scores = [models.probability(s.features, s.keys) for s in (first, second)]
    area, error = ratio.auc(*scores, first.weights, second.weights)
    assert abs(area - 0.5) < 4 * error
    assert np.abs(models.ratio(first.features, first.keys) - 1).mean() < 0.05


def test_the_error_of_a_held_out_auc_is_its_spread():
    # Errors of independent scores would be 1.4 times too small here; the width of 250 pulls is known to 4.5 %.
    trees = replace(SETTINGS.trees, learning_rate=0.2, max_iterations=15, max_leaf_nodes=8, validation_parts=2)
    settings = replace(SETTINGS, folds=5, trees=trees)
    pulls = []
    for toy in range(250):
        samples = gaussian(600, 0, 100 + 2 * toy), gaussian(600, 0, 101 + 2 * toy)
        area, error = held_out_auc(ratio.CrossFit.fit(*samples, settings), *samples)
        pulls.append((area - 0.5) / error)
    assert np.std(pulls) == pytest.approx(1, abs=0.2)
    assert abs(np.mean(pulls)) < 0.4
