import numpy as np
import pytest

from resonaut.select.quantile import Raw, SidebandQuantile


def raw(values, model=0, seed=0) -> Raw:
    values = np.asarray(values, float)
    return Raw(values, np.full(len(values), model), np.random.default_rng(seed).random(len(values)))


def test_scores_are_ranks_among_the_other_sideband_events():
    sideband = raw([1, 2, 3, 4])
    quantile = SidebandQuantile.fit(sideband, np.full(4, 0.25))
    # Of the 3 others, 3, 2, 1, 0 are above; and the event itself counts.
    assert quantile.score(sideband, np.full(4, 0.25)) == pytest.approx([0, 0.25, 0.5, 0.75])
    # A new event has 4 others.
    assert quantile.score(raw([0, 2.5, 9]), np.zeros(3)) == pytest.approx([0, 0.4, 0.8])


def test_weights_decide_the_quantile():
    quantile = SidebandQuantile.fit(raw([1, 2]), np.array([0.9, 0.1]))
    # (W above + mean weight) / (W + mean weight) with mean 0.5.
    assert quantile.score(raw([1.5]), np.zeros(1)) == pytest.approx([1 - 0.6 / 1.5])


def test_models_are_compared_within_themselves_only():
    sideband = Raw(np.array([1.0, 2.0, 101.0, 102.0]), np.array([0, 0, 1, 1]), np.zeros(4))
    quantile = SidebandQuantile.fit(sideband, np.full(4, 0.25))
    scores = quantile.score(sideband, np.full(4, 0.25))
    assert scores[:2] == pytest.approx(scores[2:])


def test_ties_are_ranked_and_not_lost():
    sideband, events = raw(np.zeros(1000), seed=1), raw(np.zeros(5000), seed=2)
    selected = SidebandQuantile.fit(sideband, np.ones(1000)).score(events, np.zeros(5000)) >= 0.9
    assert selected.mean() == pytest.approx(0.1, abs=0.03)


def test_new_events_pass_exactly_as_often_as_sideband_events():
    # With few events per model, counting naively would select 2 events in 100 instead of 1.
    rng = np.random.default_rng(5)
    inside, outside = [], []
    for _ in range(2000):
        sideband, events = raw(rng.random(99)), raw(rng.random(100))
        quantile = SidebandQuantile.fit(sideband, np.ones(99))
        inside.append(np.mean(quantile.score(sideband, np.ones(99)) >= np.float32(0.9)))
        outside.append(np.mean(quantile.score(events, np.zeros(100)) >= np.float32(0.9)))
    assert np.mean(outside) == pytest.approx(0.1, abs=0.002)
    assert np.mean(inside) == pytest.approx(9 / 99, abs=1e-9)
