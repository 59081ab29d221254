from dataclasses import replace

import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.core.errors import ConfigError, EmptySelectionError, ResonautError
from resonaut.learn import ratio
from resonaut.learn.ratio import trees
from resonaut.learn.ratio.sample import validation_part

TREES = ratio.TreeSettings(
    learning_rate=0.1, max_iterations=10, max_leaf_nodes=8, min_leaf_events=10, l2=0.0, patience=5, validation_parts=2
)
SETTINGS = ratio.Settings(folds=3, trees=TREES, seed=4)


def sample(n: int, mean: float, seed: int) -> ratio.Sample:
    rng = np.random.default_rng(seed)
    keys = identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed * 10**6))
    return ratio.Sample(rng.normal(mean, 1, (n, 1)).astype(np.float32), np.ones(n), keys)


@pytest.fixture
def pair() -> tuple[ratio.Sample, ratio.Sample]:
    return sample(400, 0.5, 1), sample(600, -0.5, 2)


@pytest.fixture
def seen(monkeypatch) -> list[tuple[set[int], set[int]]]:
    """Keys of the events that each model was trained on, and of those that decided when it stops."""
    found = []
    train = trees._train

    def record(training, validation, settings):
        found.append((set(training.keys.tolist()), set(validation.keys.tolist())))
        return train(training, validation, settings)

    monkeypatch.setattr(trees, "_train", record)
    return found


def keys_of(*samples: ratio.Sample) -> set[int]:
    return {key for one in samples for key in one.keys.tolist()}


def test_no_event_is_predicted_by_a_model_that_saw_it(pair, seen):
    models = ratio.CrossFit.fit(*pair, SETTINGS)
    keys = np.concatenate([s.keys for s in pair])
    assert len(seen) == SETTINGS.folds * TREES.validation_parts
    for number, (training, validation) in enumerate(seen):
        predicted = set(keys[models.folds(keys) == number // TREES.validation_parts].tolist())
        assert predicted
        assert not predicted & (training | validation)
        assert predicted | training | validation == keys_of(*pair)


def test_the_validation_parts_rotate(pair, seen):
    settings = replace(SETTINGS, trees=replace(TREES, validation_parts=4))
    ratio.CrossFit.fit(*pair, settings)
    for fold in range(settings.folds):
        models = seen[4 * fold : 4 * fold + 4]
        everything = keys_of(*pair) - {k for s in pair for k in s.keys[folds_of(s, settings) == fold].tolist()}
        # Each training event is in the validation part of exactly one model, and trains the others.
        assert sorted(key for _, validation in models for key in validation) == sorted(everything)
        for training, validation in models:
            assert training == everything - validation
            assert len(validation) == pytest.approx(len(everything) / 4, abs=6 * np.sqrt(len(everything) * 3 / 16))


def test_networks_of_all_folds_share_the_features(pair, monkeypatch):
    """Folds are row numbers: the memory is that of one copy of the events, or of none for one sample."""
    from resonaut.learn.ratio import networks

    given = []
    train = networks.Networks.train

    def record(features, labels, weights, training, *others):
        places = others[-1]
        given.append((features, [places[rows] for rows in training]))
        return train(features, labels, weights, training, *others)

    monkeypatch.setattr(networks.Networks, "train", record)
    settings = replace(
        SETTINGS,
        backend="network",
        network=ratio.NetworkSettings(hidden=[4], epochs=1, validation_parts=1, restarts=1),
    )
    first, second = pair
    ratio.CrossFit.fit(*pair, settings)
    ratio.CrossFit.fit_expectation(second, np.ones(len(second.keys)), settings)
    (both, rows), (one, own) = given
    np.testing.assert_array_equal(both, np.concatenate([first.features, second.features]))
    assert one is second.features
    keys = np.concatenate([first.keys, second.keys])
    for fold in range(settings.folds):
        for sample_keys, places in ((keys, rows[fold]), (second.keys, own[fold])):
            left = sample_keys[identifier.folds(sample_keys, settings.folds, settings.seed) != fold]
            assert sorted(sample_keys[places]) == sorted(left)


def folds_of(sample: ratio.Sample, settings: ratio.Settings) -> np.ndarray:
    return identifier.folds(sample.keys, settings.folds, settings.seed)


@pytest.mark.parametrize(("n_folds", "parts"), [(5, 4), (4, 4), (5, 5), (6, 2)])
def test_the_validation_part_of_an_event_is_independent_of_its_fold(n_folds, parts):
    keys = sample(40_000, 0, 1).keys
    for seed in (0, 1, 4, 2**40 + 1):
        joint = np.zeros((n_folds, parts))
        np.add.at(joint, (identifier.folds(keys, n_folds, seed), validation_part(keys, parts, seed)), 1)
        expected = 40_000 / n_folds / parts
        assert np.all(np.abs(joint - expected) < 6 * np.sqrt(expected))


def test_the_models_of_a_fold_see_its_pair_and_nothing_else(pair, seen):
    pairs = []
    for fold in range(3):
        # What the caller leaves out here is no fold of the events: the pairs share none.
        pairs.append((sample(100 + fold, 1, 10 + fold), sample(150, -1, 20 + fold)))
    models = ratio.CrossFit.fit_pairs(pairs, SETTINGS)
    assert len(models.models) == 3
    assert [training | validation for training, validation in seen] == [
        keys_of(*pairs[fold]) for fold in range(3) for _ in range(TREES.validation_parts)
    ]


def test_the_model_of_each_pair_predicts_its_own_fold(pair):
    # The signs of the pairs' differences tell which pair a prediction comes from.
    means = (1, -1, 1)
    pairs = [(sample(400, m, 30 + i), sample(400, -m, 40 + i)) for i, m in enumerate(means)]
    models = ratio.CrossFit.fit_pairs(pairs, SETTINGS)
    first, _ = pair
    high = models.probability(np.full((400, 1), 2, np.float32), first.keys) > 0.5
    assert np.array_equal(high, np.array([True, False, True])[folds_of(first, SETTINGS)])


def test_a_pair_that_is_too_small_is_named():
    pairs = [(sample(30, 1, 1), sample(30, 0, 2)), (sample(30, 1, 3), sample(19, 0, 4))]
    with pytest.raises(EmptySelectionError, match="training without fold 2 of 2 has only 30 against 19 events"):
        ratio.CrossFit.fit_pairs(pairs, SETTINGS)


def test_trees_stop_where_their_validation_part_says_so(pair):
    # Nothing to learn: the loss of the validation part rises from the first trees on, and patience runs out.
    long = replace(SETTINGS, trees=replace(TREES, max_iterations=400, patience=3))
    same = (sample(400, 0, 1), sample(400, 0, 2))
    easy = (sample(400, 3, 3), sample(400, -3, 4))
    trained = {}
    for name, (first, second) in {"same": same, "easy": easy}.items():
        models = ratio.CrossFit.fit(first, second, long)
        trained[name] = [model.trees.n_iter_ for fold in models.models for model in fold.models]
    assert max(trained["same"]) < 60 < 400
    assert np.mean(trained["same"]) < np.mean(trained["easy"]) < 400


def test_it_is_the_part_left_out_that_stops_the_trees(monkeypatch):
    # Labels of the validation part turned round: every tree makes it worse, and patience runs out.
    train = trees._train
    monkeypatch.setattr(trees, "_train", lambda t, v, settings: train(t, replace(v, labels=1 - v.labels), settings))
    settings = replace(SETTINGS, trees=replace(TREES, max_iterations=400, patience=3))
    models = ratio.CrossFit.fit(sample(400, 1, 1), sample(400, -1, 2), settings)
    assert {model.trees.n_iter_ for fold in models.models for model in fold.models} == {settings.trees.patience}


def test_a_prediction_is_the_mean_of_the_models_of_its_fold(pair):
    models = ratio.CrossFit.fit(*pair, SETTINGS)
    first = pair[0]
    rows = models.folds(first.keys) == 1
    each = [model.probability(first.features[rows]) for model in models.models[1].models]
    assert len(each) == 2
    assert not np.allclose(*each)
    assert models.probability(first.features, first.keys)[rows] == pytest.approx(np.mean(each, axis=0))


def test_both_samples_count_the_same_in_training_and_in_validation(pair, monkeypatch):
    given = []
    train = trees._train
    monkeypatch.setattr(trees, "_train", lambda *args: given.extend(args[:2]) or train(*args))
    first, second = pair
    ratio.CrossFit.fit(first, replace(second, weights=second.weights * 7), SETTINGS)
    for part in given:
        sums = [part.weights[part.labels == label].sum() for label in (1, 0)]
        assert sums == pytest.approx([len(part.keys) / 2] * 2)


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


def test_negative_weights_of_pairs_stop(pair):
    pair[1].weights[:7] = -1
    with pytest.raises(ResonautError, match="7 training events have negative weights"):
        ratio.CrossFit.fit_pairs([pair] * 3, SETTINGS)


@pytest.mark.parametrize(("backend", "form"), [("trees", r"\(events, features\)"), ("sets", r"\(events, particles, f")])
def test_features_of_another_form_than_the_backend_s_stop(pair, backend, form):
    one = pair[0]
    given = replace(one, features=one.features[:, None]) if backend == "trees" else one
    with pytest.raises(ConfigError, match=f"backend is '{backend}', which takes features of shape {form}"):
        ratio.CrossFit.fit(given, given, replace(SETTINGS, backend=backend))


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


def test_trees_see_the_quantiles_of_their_own_training_events():
    rng = np.random.default_rng(1)
    features = rng.exponential(1, (5000, 2)).astype(np.float32)
    # An atom, as of jets with too few constituents, is one bin.
    features[:2500, 1] = 0
    edges = [np.unique(np.quantile(column, np.linspace(0, 1, trees.BINS + 1)[1:-1])) for column in features.T]
    found = trees.bins(features, edges)
    assert np.array_equal(
        np.argsort(found[:, 0], kind="stable"), np.argsort(np.digitize(features[:, 0], edges[0]), kind="stable")
    )
    assert len(np.unique(found[:, 0])) == trees.BINS
    assert np.bincount(found[:, 0].astype(int)).max() < 25
    assert len(np.unique(found[:2500, 1])) == 1
    # Beyond the training events there is one more or the same bin, never an error.
    assert trees.bins(np.array([[99, -1]], np.float32), edges).tolist() == [[trees.BINS - 1, 0]]
