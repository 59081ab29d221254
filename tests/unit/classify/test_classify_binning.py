"""The best bins of a score."""

from itertools import combinations

import numpy as np
import pytest

from resonaut.classify import binning
from resonaut.classify.binning import squared_significance
from resonaut.classify.classifier import Bins
from resonaut.classify.settings import Binning
from resonaut.core.errors import EmptySelectionError
from resonaut.core.record import build


def chosen(**changed) -> Binning:
    return build({"signal": "a", "bins": 3, "min_expected": 2, "min_gain": 0} | changed, Binning, "test")


def scored(n: int, seed: int):
    """Scores of n signal and n background events, the expected numbers 20 and 200."""
    rng = np.random.default_rng(seed)
    score = np.concatenate([rng.beta(3, 1, n), rng.beta(1, 3, n)]).astype(np.float32)
    is_signal = np.arange(2 * n) < n
    return score, is_signal, np.where(is_signal, 20 / n, 200 / n)


def test_significance_is_that_of_the_literature() -> None:
    """Of Cowan's note: with an exact background the Asimov formula, with a large uncertainty s / sigma."""
    s, b = np.array([10.0]), np.array([100.0])
    assert np.sqrt(squared_significance(s, b, np.array([0.0]))) == pytest.approx(np.sqrt(2 * (110 * np.log(1.1) - 10)))
    # The two forms agree where they meet, and s / sqrt(b + sigma^2) is their limit for a small signal.
    near = [squared_significance(s, b, np.array([v])) for v in (0.99e-3, 1.01e-3)]
    np.testing.assert_allclose(*near, rtol=1e-4)
    small = np.sqrt(squared_significance(np.array([0.1]), b, np.array([300.0])))
    assert small == pytest.approx(0.1 / np.sqrt(400), rel=1e-3)
    assert squared_significance(np.array([-3.0]), b, np.array([1.0])) == 0


def test_the_best_bins_are_those_of_a_search_through_all_of_them() -> None:
    score, is_signal, weights = scored(40, 1)
    weights = np.where(is_signal, 0.5, 5.0)
    settings = chosen(min_expected=10, max_error=0.6)
    found = binning.best(score, weights * is_signal, weights * ~is_signal, settings)
    inner = binning._candidates(score, weights * is_signal, weights * ~is_signal)

    def total(edges) -> float:
        place = np.searchsorted(np.array(edges), score, side="right")
        s, b, v = (
            np.bincount(place, w, len(edges) + 1)
            for w in (weights * is_signal, weights * ~is_signal, (weights * ~is_signal) ** 2)
        )
        if (b < 10).any() or (np.sqrt(v) > 0.6 * b).any():
            return -np.inf
        return float(squared_significance(s, b, v).sum())

    for n, (edges, squared) in enumerate(zip(found.edges, found.squared, strict=True)):
        every = [total(list(some)) for some in combinations(inner, n)]
        assert squared == pytest.approx(max(every))
        assert total(list(edges)) == pytest.approx(squared)


def test_every_bin_has_enough_events_and_simulation() -> None:
    score, is_signal, weights = scored(2000, 2)
    fold = np.arange(len(score)) % 2
    settings = chosen(bins=8, min_expected=3, max_error=0.15)
    edges = binning.by_fold(score, is_signal, weights, fold, 2, settings, "it")
    assert 2 <= edges.shape[1] + 1 <= 8
    for number, own in enumerate(edges):
        seen = (fold != number) & ~is_signal
        place = np.searchsorted(own, score[seen], side="right")
        # Half of the events are seen.
        expected, squares = (np.bincount(place, (2 * weights[seen]) ** power) for power in (1, 2))
        assert expected.min() >= 3 * 0.99
        assert (np.sqrt(squares) / expected).max() <= 0.15 * 1.01


def test_edges_of_a_fold_do_not_know_its_events() -> None:
    score, is_signal, weights = scored(500, 3)
    fold = np.arange(len(score)) % 3
    first = binning.by_fold(score, is_signal, weights, fold, 3, chosen(), "it")
    changed = np.where(fold == 1, np.float32(1) - score, score)
    second = binning.by_fold(changed, is_signal, weights, fold, 3, chosen(), "it")
    np.testing.assert_array_equal(first[1], second[1])
    assert not np.array_equal(first[0], second[0])


def test_fewer_bins_where_more_bring_nothing() -> None:
    rng = np.random.default_rng(4)
    score, is_signal = rng.uniform(size=4000).astype(np.float32), np.arange(4000) % 2 == 0
    weights, fold = np.where(is_signal, 0.01, 0.1), np.arange(4000) // 2 % 2
    assert binning.by_fold(score, is_signal, weights, fold, 2, chosen(min_gain=0.2), "it").shape == (2, 0)


def test_too_few_events_for_one_bin_are_one_sentence() -> None:
    score, is_signal, weights = scored(50, 5)
    with pytest.raises(EmptySelectionError, match="it: in one bin there are fewer than 1000 expected events"):
        binning.by_fold(score, is_signal, weights, np.arange(100) % 2, 2, chosen(min_expected=1000), "it")


def test_the_discriminant_of_several_classes_follows_the_likelihood_ratio_to_their_expected_sum() -> None:
    """Gaussian classes whose probabilities are known: the signal is more significant than by its own probability."""
    rng = np.random.default_rng(6)
    means, yields = np.array([[0.0, 0.0], [1.5, 0.0], [0.0, 1.5]]), np.array([10.0, 1000.0, 10.0])
    x = np.concatenate([rng.normal(mean, 1, (4000, 2)) for mean in means])
    labels = np.repeat(np.arange(3), 4000)
    densities = np.exp(-((x[:, None] - means) ** 2).sum(axis=2) / 2)
    scores = (densities / densities.sum(axis=1, keepdims=True)).astype(np.float32)
    found = Bins(0, yields, np.empty((0, 0), np.float32)).discriminant(scores)
    expected = densities[:, 1:] @ (yields[1:] / yields[1:].sum())
    np.testing.assert_allclose(found / (1 - found), densities[:, 0] / expected, rtol=2e-3)
    weights = yields[labels] / 4000
    signal, background = weights * (labels == 0), weights * (labels != 0)
    z = [binning.best(one, signal, background, chosen(bins=10)).squared.max() ** 0.5 for one in (found, scores[:, 0])]
    assert z[0] > 1.05 * z[1]


def test_bins_of_mean_scores_are_those_of_the_mean_edges() -> None:
    bins = Bins(1, np.array([5.0, 1.0]), np.array([[0.2, 0.6], [0.4, 0.8]], np.float32))
    scores = np.array([[0.5, 0.5]] * 3, np.float32)
    np.testing.assert_array_equal(bins.place(scores, np.array([0, 1, -1])), [1, 1, 1])
    scores = np.array([[0.75, 0.25]] * 3, np.float32)
    np.testing.assert_array_equal(bins.place(scores, np.array([0, 1, -1])), [1, 0, 0])
