from dataclasses import replace

import numpy as np
import pytest

from resonaut import identifier, ratio
from resonaut.errors import EmptySelectionError, ResonautError

SETTINGS = ratio.Settings(
    folds=3,
    members=2,
    learning_rate=0.1,
    max_iterations=10,
    max_leaf_nodes=8,
    min_leaf_events=10,
    l2=0.0,
    validation_fraction=0.2,
    patience=5,
    seed=4,
)


def sample(n: int, mean: float, seed: int) -> ratio.Sample:
    rng = np.random.default_rng(seed)
    keys = identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed * 10**6))
    return ratio.Sample(rng.normal(mean, 1, (n, 1)).astype(np.float32), np.ones(n), keys)


@pytest.fixture
def pair() -> tuple[ratio.Sample, ratio.Sample]:
    return sample(400, 0.5, 1), sample(600, -0.5, 2)


def test_no_event_is_predicted_by_a_model_that_saw_it(pair, monkeypatch):
    seen = []
    train = ratio._train

    def record(numerator, denominator, settings, seed):
        seen.append(set(numerator.keys) | set(denominator.keys))
        return train(numerator, denominator, settings, seed)

    monkeypatch.setattr(ratio, "_train", record)
    models = ratio.CrossFit.fit(*pair, SETTINGS)
    keys = np.concatenate([s.keys for s in pair])
    assert len(seen) == SETTINGS.folds * SETTINGS.members
    for number, trained_on in enumerate(seen):
        predicted = set(keys[models.folds(keys) == number // SETTINGS.members])
        assert predicted
        assert not predicted & trained_on
        assert predicted | trained_on == set(keys)


def test_order_and_batches_of_events_change_nothing(pair):
    first, second = pair
    order = np.random.default_rng(3).permutation(len(first.keys))
    models, shuffled = ratio.CrossFit.fit(first, second, SETTINGS), ratio.CrossFit.fit(first[order], second, SETTINGS)
    expected = models.probability(first.features, first.keys)
    assert np.array_equal(shuffled.probability(first.features, first.keys), expected)
    halves = [models.probability(first.features[rows], first.keys[rows]) for rows in (slice(150), slice(150, None))]
    assert np.array_equal(np.concatenate(halves), expected)


def test_the_scale_of_a_sample_s_weights_does_not_matter(pair):
    first, second = pair
    scaled = replace(second, weights=second.weights * 1024)
    results = [ratio.CrossFit.fit(first, s, SETTINGS).ratio(first.features, first.keys) for s in (second, scaled)]
    assert np.allclose(*results, rtol=1e-9)


def test_another_seed_gives_other_models(pair):
    first, second = pair
    one, other = (ratio.CrossFit.fit(first, second, replace(SETTINGS, seed=seed)) for seed in (4, 5))
    assert not np.array_equal(one.folds(first.keys), other.folds(first.keys))
    assert not np.array_equal(
        one.probability(first.features, first.keys), other.probability(first.features, first.keys)
    )


def test_too_few_events_stop(pair):
    with pytest.raises(EmptySelectionError, match=r"has only \d+ against \d+ events; widen"):
        ratio.CrossFit.fit(pair[0], sample(25, 0, 3), SETTINGS)


def test_negative_weights_stop(pair):
    first, second = pair
    second.weights[:7] = -1
    with pytest.raises(ResonautError, match="7 training events have negative weights"):
        ratio.CrossFit.fit(first, second, SETTINGS)


def test_area_under_the_curve_of_known_scores():
    high, low = np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.5])
    ones = np.ones(3)
    # 4 of the 6 pairs are in the right order: all 3 above 0, and only 3 above 2.5.
    area, _ = ratio.auc(high, low, ones, np.ones(2))
    assert area == pytest.approx(4 / 6)
    weighted, _ = ratio.auc(high, low, ones, np.array([3.0, 1.0]))
    assert weighted == pytest.approx((3 * 3 + 1) / 12)


def test_the_error_of_the_area_is_its_spread():
    rng = np.random.default_rng(6)
    areas = [ratio.auc(rng.random(200), rng.random(300), np.ones(200), np.ones(300)) for _ in range(200)]
    spread = np.std([area for area, _ in areas])
    assert areas[0][1] == pytest.approx(spread, rel=0.2)
