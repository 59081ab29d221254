"""Signed weights: positive ones of the same density, counted clipping, and folds that stay apart; bootstraps."""

from dataclasses import replace

import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.core.errors import NotFiniteError, ResonautError
from resonaut.learn import ratio
from resonaut.learn.ratio import crossfit
from resonaut.learn.ratio.positive import Signed, by_sign, positive
from resonaut.learn.ratio.sample import Part

SETTINGS = ratio.Settings(folds=2, trees=ratio.TreeSettings(validation_parts=2, min_leaf_events=20), seed=4)


def sample(n: int, seed: int, negative: float = 0.0) -> ratio.Sample:
    """Standard normal events, ``negative`` of them with negative weights and a mean of -1."""
    rng = np.random.default_rng(seed)
    down = rng.random(n) < negative
    features = np.where(down, -1, 0)[:, None] + rng.normal(size=(n, 1))
    keys = identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed << 32))
    return ratio.Sample.of(features, np.where(down, -1.0, 1.0), keys)


def test_weights_get_the_mean_sign_of_their_place():
    # Two places with 9 and 5 events, of which 1 and 2 are negative: mean signs 7/9 and 1/5.
    place = np.repeat([0, 1], [9, 5])
    signs = np.ones(14)
    signs[[0, 9, 10]] = -1
    given = ratio.Sample.of(place[:, None], signs)
    # What an ideal classifier with balanced classes says: 11 positive and 3 negative events.
    up, down = np.array([8, 3])[place] / 11, np.array([1, 2])[place] / 3
    made, signed = positive(given, up / (up + down))
    assert made.weights == pytest.approx(np.where(place == 0, 7 / 9, 1 / 5))
    assert signed == Signed(pytest.approx(3 / 14), 0.0)
    # A place with more negative events than positive ones has no density; the sum stays.
    signs[11] = -1
    up, down = np.array([8, 2])[place] / 10, np.array([1, 3])[place] / 4
    made, signed = positive(replace(given, weights=signs), up / (up + down))
    assert made.weights == pytest.approx(np.where(place == 0, 6 / 9, 0))
    assert signed == Signed(pytest.approx(4 / 14), pytest.approx(5 / 14))


@pytest.mark.parametrize("backend", ["trees", "network"])
def test_positive_weights_have_the_density_and_the_sum_of_signed_ones(backend):
    network = ratio.NetworkSettings(validation_parts=2, restarts=1, epochs=10, hidden=[16], learning_rate=0.02)
    given = sample(4000, 1, negative=0.2)
    made, signed = ratio.made_positive(given, replace(SETTINGS, backend=backend, network=network))
    assert made.weights.min() >= 0
    assert made.weights.sum() == pytest.approx(given.weights.sum())
    means = [np.average(one.features[:, 0], weights=one.weights) for one in (given, made)]
    # 1/3, against -0.2 with |w|; the error of the signed mean is 0.03, and few trees smooth the tail.
    assert means[1] == pytest.approx(means[0], abs=0.2 if backend == "trees" else 0.08)
    assert signed.negative == pytest.approx(0.2, abs=0.02)


def test_weights_without_signs_stay_as_they_are():
    given = sample(100, 1)
    made, signed = ratio.made_positive(given, SETTINGS)
    assert made is given
    assert signed == Signed()


def test_the_models_of_a_fold_never_see_it_through_signs(monkeypatch):
    """What the signs of a fold are changes nothing in the models of that fold."""
    given, other = sample(600, 1, negative=0.3), sample(600, 2)
    inside = identifier.folds(given.keys, 2, SETTINGS.seed) == 0
    turned = replace(given, weights=np.where(inside, np.abs(given.weights), given.weights))
    grid = np.linspace(-2, 2, 20, dtype=np.float32)[:, None]
    one, two = (ratio.CrossFit.fit(s, other, SETTINGS) for s in (given, turned))
    assert np.array_equal(one.models[0].probability(grid), two.models[0].probability(grid))
    assert not np.array_equal(one.models[1].probability(grid), two.models[1].probability(grid))
    assert one.signed[0].negative == pytest.approx(0.3, abs=0.05)
    assert one.signed[1] == Signed()


def test_too_few_negative_events_to_learn_from_lower_all_weights_alike():
    given = sample(400, 1)
    given.weights[:5] = -1
    made, _ = ratio.made_positive(given, SETTINGS)
    assert made.weights == pytest.approx(np.full(400, 390 / 400))
    assert len(by_sign(given)[1].keys) < crossfit.MIN_TRAINING_EVENTS


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"weights": -np.ones(100)}, ResonautError, "sum to -.*, of .* without signs; a density needs a positive sum"),
        ({"weights": np.zeros(100)}, ResonautError, r"weights of \d+ training events are all 0"),
        ({"weights": np.full(100, np.nan)}, NotFiniteError, "100 weights of training events are NaN or infinite"),
        ({"features": np.full((100, 1), np.inf, np.float32)}, NotFiniteError, "100 features of training events"),
    ],
)
def test_what_is_no_density_ends_in_a_sentence(change, error, words):
    with pytest.raises(error, match=words):
        ratio.CrossFit.fit(replace(sample(100, 1), **change), sample(100, 2), SETTINGS)


def test_constant_features_tell_nothing():
    one, two = (replace(sample(200, seed), features=np.ones((200, 1), np.float32)) for seed in (1, 2))
    assert ratio.CrossFit.fit(one, two, SETTINGS).ratio(one.features, one.keys) == pytest.approx(np.ones(200))


def test_a_bootstrap_draws_each_event_by_its_key_alone():
    given = sample(20_000, 1)
    drawn = identifier.poisson(given.keys, 3)
    for number, probability in enumerate([0.3679, 0.3679, 0.1839, 0.0613]):
        error = np.sqrt(probability / 20_000)
        assert np.mean(drawn == number) == pytest.approx(probability, abs=4 * error)
    order = np.random.default_rng(1).permutation(len(given.keys))
    found, shuffled = given.bootstrap(3), given[order].bootstrap(3)
    assert np.array_equal(*(Part.of(one).sorted().weights for one in (found, shuffled)))
    assert found.weights.sum() == drawn.sum()
    assert found.weights.min() == 1
    # Neither another replica nor the fold knows what is drawn.
    for other in (identifier.poisson(given.keys, 4), identifier.folds(given.keys, 5, 3)):
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 4 / np.sqrt(20_000)
