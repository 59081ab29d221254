"""The mean of a positive quantity as a ratio, and networks that train for all epochs."""

from dataclasses import replace

import numpy as np
import pytest

from resonaut.core.errors import EmptySelectionError
from resonaut.learn.ratio import CrossFit, NetworkSettings, Sample, Settings, TreeSettings
from resonaut.learn.ratio.networks import Networks
from resonaut.learn.ratio.sample import Part, balanced, shared

NETWORK = NetworkSettings(
    hidden=[16], epochs=8, batch_size=64, learning_rate=0.01, annealing=True, restarts=1, validation_parts=1
)
TREES = TreeSettings(max_iterations=60, max_leaf_nodes=8, min_leaf_events=30, validation_parts=2)


@pytest.fixture
def sample() -> Sample:
    rng = np.random.default_rng(1)
    return Sample.of(rng.uniform(-1, 1, (4000, 1)), rng.uniform(0.5, 1.5, 4000))


@pytest.mark.parametrize(
    ("settings", "error"),
    [(Settings(folds=2, backend="network", network=NETWORK), 0.05), (Settings(folds=2, trees=TREES), 0.15)],
)
def test_the_expectation_is_the_mean_value_at_each_point(sample, settings, error):
    x = sample.features[:, 0]
    values = (2 + x) * np.random.default_rng(2).exponential(1, len(x))
    mean = np.average(values, weights=sample.weights)
    learned = mean * CrossFit.fit_expectation(sample, values, settings).ratio(sample.features, sample.keys)
    assert np.mean(np.abs(learned / (2 + x) - 1)) < error


def test_an_event_in_both_samples_counts_as_two(sample):
    values = np.exp(sample.features[:, 0].astype(float))
    weighted = replace(sample, weights=sample.weights * values)
    once, twice = shared(Part.of(sample), values), balanced(Part.of(weighted), Part.of(sample))
    n = len(values)
    for label, part in ((1, twice.weights[:n]), (0, twice.weights[n:])):
        share = once.weights * (once.labels if label else 1 - once.labels)
        np.testing.assert_allclose(share / share.sum(), part / part.sum())
    assert once.weights.mean() == pytest.approx(1)


def test_too_few_events_stop(sample):
    settings = Settings(folds=2, backend="network", network=NETWORK)
    few = sample[np.arange(30)]
    with pytest.raises(EmptySelectionError, match="training without fold 1 of 2"):
        CrossFit.fit_expectation(few, np.ones(30), settings)


def test_without_validation_rows_networks_train_to_the_end(sample):
    rows, none = np.arange(4000), np.arange(0)
    labels = (sample.features[:, 0] > 0).astype(float)
    found = Networks.train(sample.features, labels, sample.weights, [rows], [none], [3], NETWORK)
    assert found.epochs.tolist() == [NETWORK.epochs]
    output = found.probability(sample.features)[0]
    assert np.mean((output > 0.5) == labels) > 0.97


def test_annealing_makes_the_last_epochs_small(sample):
    labels = (np.random.default_rng(3).uniform(-1, 1, 4000) < sample.features[:, 0]).astype(float)
    rows, none = np.arange(4000), np.arange(0)

    def parameters(epochs: int, annealing: bool) -> np.ndarray:
        settings = replace(NETWORK, epochs=epochs, annealing=annealing)
        return Networks.train(sample.features, labels, sample.weights, [rows], [none], [3], settings).probability(
            sample.features
        )[0]

    # Without noise of the last steps the outputs of two trainings of similar length are alike.
    moved = [np.abs(parameters(8, annealing) - parameters(9, annealing)).mean() for annealing in (True, False)]
    assert moved[0] < moved[1]
