import numpy as np
import pytest

from resonaut.select.quantile import Raw, Score, SidebandQuantile

RULES = ("maximum", "product", "sum")


def raw(values, model=0, seed=0, tie=None) -> Raw:
    values = np.asarray(values, float)
    tie = np.random.default_rng(seed).random(len(values)) if tie is None else np.full(len(values), tie)
    return Raw(values[:, None], np.full(len(values), model), tie)


def several(values, rule, rng, models=1) -> Raw:
    values = np.asarray(values, float)
    return Raw(values, np.arange(len(values)) % models, rng.random(len(values)), rule)


def test_scores_are_ranks_among_the_other_sideband_events():
    # A tie of 1 counts the event itself in full, one of 0 not at all.
    sideband = raw([1, 2, 3, 4], tie=1)
    quantile = SidebandQuantile.fit(sideband, np.full(4, 0.25))
    # Of the 3 others, 3, 2, 1, 0 are above.
    assert quantile.score(sideband, np.full(4, 0.25)) == pytest.approx([0, 0.25, 0.5, 0.75])
    # A new event has 4 others.
    assert quantile.score(raw([0, 2.5, 9], tie=1), np.zeros(3)) == pytest.approx([0, 0.4, 0.8])
    assert quantile.score(raw([0, 2.5, 9], tie=0), np.zeros(3)) == pytest.approx([0.2, 0.6, 1])


def test_weights_decide_the_quantile():
    quantile = SidebandQuantile.fit(raw([1, 2]), np.array([0.9, 0.1]))
    # (W above + mean weight) / (W + mean weight) with mean 0.5.
    assert quantile.score(raw([1.5], tie=1), np.zeros(1)) == pytest.approx([1 - 0.6 / 1.5])


def test_models_are_compared_within_themselves_only():
    sideband = Raw(np.array([[1.0], [2.0], [101.0], [102.0]]), np.array([0, 0, 1, 1]), np.zeros(4))
    quantile = SidebandQuantile.fit(sideband, np.full(4, 0.25))
    scores = quantile.score(sideband, np.full(4, 0.25))
    assert scores[:2] == pytest.approx(scores[2:])


def test_ties_are_ranked_and_not_lost():
    sideband, events = raw(np.zeros(1000), seed=1), raw(np.zeros(5000), seed=2)
    selected = SidebandQuantile.fit(sideband, np.ones(1000)).score(events, np.zeros(5000)) >= 0.9
    assert selected.mean() == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(("n", "cut"), [(99, 0.1), (19, 0.03)])
def test_events_of_both_regions_pass_exactly_as_often(n, cut):
    # With few events per model, counting naively would select 2 events in 100 instead of 1.
    rng = np.random.default_rng(5)
    inside, outside = [], []
    for seed in range(3000):
        sideband, events = raw(rng.random(n), seed=2 * seed), raw(rng.random(100), seed=2 * seed + 1)
        quantile = Score.fit(sideband, np.ones(n))
        inside.append(np.mean(quantile.score(sideband, np.ones(n)) >= np.float32(1 - cut)))
        outside.append(np.mean(quantile.score(events, np.zeros(100)) >= np.float32(1 - cut)))
    for passing in (inside, outside):
        error = np.std(passing) / np.sqrt(len(passing))
        assert error < 0.05 * cut
        assert np.mean(passing) == pytest.approx(cut, abs=4 * error)


def test_the_parts_quantiles_are_those_of_the_other_models():
    values = np.array([[10, 1], [20, 2], [1.5, 300], [2.5, 100]])
    sideband = Raw(values, np.array([0, 0, 1, 1]), np.zeros(4), "sum")
    score = Score.fit(sideband, np.array([0.5, 0.25, 0.1, 0.3]))
    # An event of model 0 among those of model 1: 1.5 and 2.5 with weights 1/4 and 3/4; half of an equal one counts.
    assert score.scales[0][0].quantile(np.array([1.0, 2.0, 2.5, 3.0])) == pytest.approx([0, 0.25, 0.625, 1])
    assert score.scales[1][1].quantile(np.array([1.5])) == pytest.approx([2 / 3])


@pytest.mark.parametrize("rule", RULES)
def test_parts_are_combined_by_the_rule(rule):
    # One model for all: parts are quantiles already.
    rng = np.random.default_rng(7)
    sideband, events = several(rng.random((500, 2)), rule, rng), several(rng.random((50, 2)), rule, rng)
    found = Score.fit(sideband, np.ones(500)).score(events, np.zeros(50))
    value = {"maximum": np.max, "product": np.prod, "sum": np.sum}[rule]
    expected = [np.mean(value(sideband.value, axis=1) < value(one)) for one in events.value]
    assert found == pytest.approx(expected, abs=0.003)


def test_a_single_part_is_its_own_quantile_whatever_the_rule():
    values = np.random.default_rng(1).random((50, 1))
    found = []
    for rule in RULES:
        events = several(values, rule, np.random.default_rng(2))
        found.append(Score.fit(events, np.ones(50)).score(events, np.ones(50)))
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])
    assert np.sort(found[0]) == pytest.approx(np.arange(50) / 50 + 0.01, abs=0.01)


@pytest.mark.parametrize("rule", RULES)
def test_combined_scores_of_each_model_are_uniform_in_the_sidebands(rule):
    rng = np.random.default_rng(2)
    n, model = 400, np.repeat([0, 1], 200)
    # Parts that depend on each other, of models whose outputs have nothing in common.
    first = rng.random(n)
    values = np.column_stack([first, first + 0.3 * rng.random(n)]) * np.where(model == 0, 1, 1000)[:, None]
    sideband = Raw(values, model, rng.random(n), rule)
    found = Score.fit(sideband, np.ones(n)).score(sideband, np.ones(n))
    for number in (0, 1):
        assert np.sort(found[model == number]) == pytest.approx(np.arange(200) / 200 + 0.0025, abs=0.0026)


@pytest.mark.parametrize("rule", RULES)
def test_weighted_combined_scores_pass_with_the_weight_of_the_working_point(rule):
    rng = np.random.default_rng(3)
    n = 4000
    sideband = several(rng.random((n, 2)), rule, rng, models=2)
    weights = np.where(rng.random(n) < 0.2, 4.0, 1.0)
    found = Score.fit(sideband, weights).score(sideband, weights)
    for cut in (0.5, 0.1, 0.02):
        passing = weights[found >= np.float32(1 - cut)].sum() / weights.sum()
        # In each model a cut falls between two events.
        assert passing == pytest.approx(cut, abs=4 * 4 / weights.sum())


@pytest.mark.parametrize("rule", RULES)
def test_after_combining_two_parts_new_events_pass_as_often_as_sideband_events(rule):
    # Exchangeable events in five models with 19 sideband events each: one passing too many would be seen at once.
    rng = np.random.default_rng(6)
    outside = []
    for _ in range(1500):
        first, second = (rng.random((5 * n, 2)) for n in (19, 200))
        sideband, events = several(first, rule, rng, models=5), several(second, rule, rng, models=5)
        quantile = Score.fit(sideband, np.ones(95))
        outside.append(np.mean(quantile.score(events, np.zeros(1000)) >= np.float32(0.8)))
    # In events of one model.
    excess, error = (np.mean(outside) - 0.2) * 19, np.std(outside) / np.sqrt(len(outside)) * 19
    assert error < 0.03
    assert abs(excess) < 0.1 + 4 * error
