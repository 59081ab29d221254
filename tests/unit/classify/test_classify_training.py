"""Known answers: Gaussian classes, of which the likelihood ratio and the area under the ROC curve are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from resonaut.classify import classifier, crossfit, measure, training
from resonaut.classify.classifier import Classifier
from resonaut.classify.measure import Scored
from resonaut.classify.settings import Training
from resonaut.core.errors import EmptySelectionError

from .events_of_classes import gaussians, learning

LEARNERS = ("trees", "network")


def trained(events, settings):
    found, learned, _ = crossfit.fit(events, settings)
    return found, Scored.of(found, events), learned


def normal(values, mean):
    return np.exp(-((values - mean) ** 2).sum(axis=1) / 2)


@pytest.mark.parametrize("learner", LEARNERS)
def test_gaussians_have_the_analytic_area_and_likelihood_ratio(learner) -> None:
    means = [(0.0, 0.0), (1.0, 0.6)]
    events = gaussians((4000, 6000), means, seed=5)
    _, scored, _ = trained(events, learning(learner=learner))
    (found,) = measure.areas(scored, ["a", "b"])
    expected = norm.cdf(np.linalg.norm(means[1]) / np.sqrt(2))
    # No classifier is better than the likelihood ratio; ours is so by less than a hundredth.
    assert expected - 0.01 - 4 * found.error < found.auc < expected + 4 * found.error
    assert 0.002 < found.error < 0.006
    ratio = normal(events.values, means[0]) / sum(normal(events.values, mean) for mean in means)
    exact = crossfit.cross_entropy(np.stack([ratio, 1 - ratio], axis=1), events.labels, events.weights)
    learned = crossfit.cross_entropy(scored.held_out, events.labels, events.weights)
    assert exact < learned < exact + 0.01
    logit = np.log(scored.held_out[:, 0] / scored.held_out[:, 1])
    slope = np.polyfit(np.log(ratio / (1 - ratio)), logit, 1)
    assert slope == pytest.approx([1, 0], abs=0.12)


@pytest.mark.parametrize("learner", LEARNERS)
def test_three_classes_have_the_areas_of_their_pairs(learner) -> None:
    means = [(0.0, 0.0), (1.2, 0.0), (0.0, 1.8)]
    _, scored, _ = trained(
        gaussians((2500, 2500, 2500), means, seed=6),
        learning(learner=learner, classes={"a": ["a"], "b": ["b"], "c": ["c"]}),
    )
    for one in measure.areas(scored, ["a", "b", "c"]):
        mean = [np.array(means["abc".index(name)]) for name in (one.first, one.second)]
        expected = norm.cdf(np.linalg.norm(mean[0] - mean[1]) / np.sqrt(2))
        assert expected - 0.012 - 4 * one.error < one.auc < expected + 4 * one.error
    np.testing.assert_allclose(scored.held_out.sum(axis=1), 1, rtol=1e-5)


def test_weights_are_honoured() -> None:
    """Events that are drawn twice as wide, and weighted to a spread of 1, are as good as those of spread 1."""
    rng = np.random.default_rng(7)
    events = gaussians((6000, 6000), [(0.0, 0.0), (1.0, 0.6)], seed=7)
    wide = rng.normal(0, 1.5, (6000, 2)).astype(np.float32)
    weight = norm.pdf(wide).prod(axis=1) / norm.pdf(wide, scale=1.5).prod(axis=1)
    values = np.concatenate([wide, events.values[6000:]])
    weights = np.concatenate([weight, np.full(6000, 300.0)])
    _, scored, _ = trained(replace(events, values=values, weights=weights), learning())
    (found,) = measure.areas(scored, ["a", "b"])
    expected = norm.cdf(np.hypot(1, 0.6) / np.sqrt(2))
    assert expected - 0.01 - 4 * found.error < found.auc < expected + 4 * found.error
    ratio = normal(values, (0, 0)) / (normal(values, (0, 0)) + normal(values, (1, 0.6)))
    exact = crossfit.cross_entropy(np.stack([ratio, 1 - ratio], axis=1), events.labels, weights)
    assert crossfit.cross_entropy(scored.held_out, events.labels, weights) == pytest.approx(exact, abs=0.012)


def test_negative_weights_take_away_what_they_cancel() -> None:
    """Events of another place, once with weight 1 and once with -1, are none."""
    rng = np.random.default_rng(8)
    events = gaussians((6000, 5000), [(0.0, 0.0), (1.0, 0.6)], seed=8)
    values, weights = events.values.copy(), events.weights.copy()
    values[4000:6000] = rng.normal(2, 1, (2000, 2))
    weights[5000:6000] = -1
    events = replace(events, values=values)
    found, _, signs = crossfit.fit(replace(events, weights=weights), learning())
    assert signs[0].negative == pytest.approx(1 / 6, abs=0.001)
    assert signs[1].negative == 0
    fresh = gaussians((4000, 4000), [(0.0, 0.0), (1.0, 0.6)], seed=9)
    (judged,) = measure.areas(Scored.of(found, fresh), ["a", "b"])
    expected = norm.cdf(np.hypot(1, 0.6) / np.sqrt(2))
    assert judged.auc == pytest.approx(expected, abs=0.02)
    unsigned, _, _ = crossfit.fit(replace(events, weights=np.abs(weights)), learning())
    (blind,) = measure.areas(Scored.of(unsigned, fresh), ["a", "b"])
    assert blind.auc < expected - 0.04


def test_without_a_difference_areas_are_one_half_within_their_errors() -> None:
    pulls, trusted = [], 0
    for seed in range(25):
        events = gaussians((400, 400), [(0.0, 0.0), (0.0, 0.0)], seed=100 + seed)
        _, scored, _ = trained(events, learning(seed=seed))
        (found,) = measure.areas(scored, ["a", "b"])
        pulls.append((found.auc - 0.5) / found.error)
        trusted += found.training > found.auc
    # 25 pulls of a normal distribution: the mean within 4 standard errors, the sum of squares between its tails.
    assert abs(np.mean(pulls)) < 4 / np.sqrt(25)
    assert 5 < np.sum(np.square(pulls)) < 63
    assert trusted > 20


def test_no_event_is_scored_by_what_learned_from_it(monkeypatch) -> None:
    """Inputs without a meaning that deep trees learn by heart: known events are told apart, unknown ones not."""
    events = gaussians((600, 600), [(0.0,) * 4, (0.0,) * 4], seed=10)
    settings = learning(
        inputs=["x", "y", "z", "t"],
        trees={"min_leaf_events": 1, "max_leaf_nodes": 200, "l2": 0, "patience": 300, "max_iterations": 30},
        validation=0.05,
    )
    found, scored, _ = trained(events, settings)
    (honest,) = measure.areas(scored, ["a", "b"])
    assert honest.training > 0.95
    assert abs(honest.auc - 0.5) < 4 * honest.error
    # Were an event scored by the model of the next fold, it would be known.
    monkeypatch.setattr(Classifier, "folds", lambda self, keys, own=Classifier.folds: (own(self, keys) + 1) % 3)
    cheated = found.scores(events.values, events.keys)
    assert measure.area(tuple(cheated[events.labels == k, 0] for k in (0, 1)), (np.ones(600),) * 2)[0] > 0.9


def test_overtraining_shows_in_the_comparison_of_scores() -> None:
    events = gaussians((1500, 1500), [(0.0, 0.0), (0.5, 0.0)], seed=11)
    _, calm, _ = trained(events, learning())
    _, wild, _ = trained(
        events, learning(trees={"min_leaf_events": 1, "max_leaf_nodes": 200, "patience": 300, "max_iterations": 20})
    )
    p_values = [[one.p_value for one in measure.overtraining(each, ["a", "b"])] for each in (calm, wild)]
    assert min(p_values[0]) > 1e-3
    assert max(p_values[1]) < 1e-10


def test_importance_names_the_input_that_matters() -> None:
    events = gaussians((1500, 1500), [(0.0, 0.0), (1.5, 0.0)], seed=12)
    found, _, _ = trained(events, learning())
    x, y = measure.importance(found, events)
    assert (x.name, y.name) == ("x", "y")
    assert x.increase > 0.2
    assert abs(y.increase) < 0.02
    assert x.increase > 10 * x.error


def test_the_error_of_an_area_is_its_spread() -> None:
    rng = np.random.default_rng(13)
    found, errors = [], []
    for _ in range(300):
        scores = rng.normal(0.7, 1, 200), rng.normal(0, 1, 300)
        weights = rng.exponential(size=200), rng.exponential(size=300)
        value, error = measure.area(scores, weights)
        found.append(value)
        errors.append(error)
    assert np.mean(found) == pytest.approx(norm.cdf(0.7 / np.sqrt(2)), abs=4 * np.std(found) / np.sqrt(300))
    # The standard deviation of 300 numbers is known to 4 %.
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.16)


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_model_is_read_as_it_was_written_and_the_same_training_gives_the_same_bytes(learner, tmp_path) -> None:
    events = gaussians((300, 300, 300), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)], seed=14)
    settings = learning(
        learner=learner,
        classes={"a": ["a"], "b": ["b"], "c": ["c"]},
        folds=2,
        binning={"signal": "b", "bins": 3, "min_expected": 5},
    )
    paths = [tmp_path / "one.npz", tmp_path / "two.npz"]
    for path in paths:
        found, _ = training.classifier("one", events, Training(classifier=settings, luminosities={}))
        found.save(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    again = classifier.load(paths[0])
    scores = again.scores(events.values, events.keys)
    np.testing.assert_array_equal(scores, found.scores(events.values, events.keys))
    np.testing.assert_array_equal(again.bins(scores, events.keys), found.bins(scores, events.keys))
    # The mean of the folds is none of them.
    np.testing.assert_allclose(again.mean(events.values).sum(axis=1), 1, rtol=1e-5)
    assert (again.mean(events.values) != scores).any()


def test_trees_as_arrays_give_what_scikit_learn_gives() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    from resonaut.classify.learners.trees import Trees, nodes
    from resonaut.learn.ratio.trees import bins

    events = gaussians((500, 500, 500), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)], seed=15)
    values = np.round(events.values, 1)
    for labels in (events.labels, np.minimum(events.labels, 1)):
        edges = [np.unique(np.quantile(column, np.linspace(0, 1, 30)[1:-1])).astype(np.float32) for column in values.T]
        made = HistGradientBoostingClassifier(max_iter=20, random_state=1).fit(bins(values, edges), labels)
        expected = made.predict_proba(bins(values, edges))
        np.testing.assert_allclose(Trees(nodes(made, edges)).probabilities(values), expected, atol=2e-6)


def test_a_class_without_a_positive_sum_of_weights_is_one_sentence() -> None:
    events = gaussians((500, 500), [(0.0, 0.0), (0.0, 0.0)], seed=16)
    weights = np.where(events.labels == 1, -1.0, 1.0)
    with pytest.raises(EmptySelectionError, match=r"class 'b': \d+ of its events, .* have weights that sum to -\d+"):
        crossfit.fit(replace(events, weights=weights), learning())


def test_a_class_with_too_few_events_is_one_sentence() -> None:
    with pytest.raises(EmptySelectionError, match=r"class 'b': without fold \d of 3 it has \d+ events to learn from"):
        crossfit.fit(gaussians((500, 20), [(0.0, 0.0), (0.0, 0.0)], seed=16), learning())


def test_new_events_scored_by_folds_have_the_distribution_of_simulation_and_by_the_mean_have_not() -> None:
    events = gaussians((2000, 2000), [(0.0,) * 4, (0.4,) * 4], seed=17)
    trees = {"min_leaf_events": 10, "max_leaf_nodes": 15}
    found, scored, _ = trained(events, learning(inputs=["x", "y", "z", "t"], folds=5, trees=trees))
    fresh = gaussians((20000,), [(0.0,) * 4], seed=18)
    held_out = scored.held_out[events.labels == 0, 0].std()
    # The standard deviation of 2000 scores is known to 1.5 %.
    assert found.scores(fresh.values, fresh.keys)[:, 0].std() == pytest.approx(held_out, rel=0.06)
    assert found.mean(fresh.values)[:, 0].std() < 0.98 * found.scores(fresh.values, fresh.keys)[:, 0].std()
