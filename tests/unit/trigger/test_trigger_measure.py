"""Thresholds, rates and efficiencies of scores whose answer is known."""

from math import sqrt

import numpy as np
import pytest

from resonaut.trigger import measure
from resonaut.trigger.measure import Scored


def scored(score, floating=None, missed=None) -> Scored:
    score = np.asarray(score, float)
    missed = np.ones(len(score)) if missed is None else missed
    return Scored(score, floating, missed, 40 + np.arange(len(score)) % 20, np.arange(len(score)) % 7)


def test_the_rate_of_all_crossings():
    # 2,544 bunches, 11,245.6 times a second.
    assert measure.total_rate(2544) == pytest.approx(28608.8064)


@pytest.mark.parametrize(("number", "at"), [(1, 8), (3, 6), (3.7, 6), (0.9, None), (10, None)])
def test_a_threshold_keeps_so_many(number, at):
    scores = np.random.default_rng(1).permutation(10).astype(float)
    found = measure.threshold(scores, number)
    assert found == at
    if found is not None:
        assert (scores > found).sum() == int(number)


def test_ties_are_not_kept():
    # Four crossings share the second largest score: two cannot be kept, so one is.
    assert measure.threshold(np.array([0, 1, 5, 5, 5, 5, 9.0]), 2) == 5


def test_a_working_point():
    rng = np.random.default_rng(3)
    background, signal = rng.exponential(1, 100_000), rng.exponential(2, 20_000)
    missed = (np.arange(100_000) % 4 > 0).astype(float)
    floating = background.copy()
    floating[np.argsort(background)[-30]] = 0
    found = measure.working_point(
        scored(background, floating, missed), {"wide": scored(signal, missed=np.full(20_000, 0.5))}, 10, 10_000
    )
    # 100 crossings are 10 kHz of 10,000 kHz, at -ln(0.001).
    assert (found.kept, found.rate.value, found.rate.error) == (100, 10, 1)
    assert found.threshold == pytest.approx(np.log(1000), abs=0.4)
    # The number above is off by its root.
    ordered = np.sort(background)
    assert (found.threshold, found.low, found.high) == (ordered[-101], ordered[-111], ordered[-91])
    kept = background > found.threshold
    assert found.pure_rate.value == pytest.approx((kept & (missed == 1)).sum() / 10)
    assert found.pure_rate.error == pytest.approx(sqrt((kept & (missed == 1)).sum()) / 10)
    (one,) = found.efficiencies
    # exp(-x/2) where exp(-x) is 0.001.
    assert one.value == pytest.approx(sqrt(0.001), abs=5 * one.error)
    assert one.error == pytest.approx(sqrt(one.value * (1 - one.value) / 20_000))
    assert one.low < one.value < one.high
    assert one.pure == pytest.approx(one.value / 2)
    # One crossing that only the integers keep, and one that only the other network keeps instead.
    assert (found.flipped, found.flipped_kept) == (2 / 100_000, 2 / 100)
    # Halves have half of them each, and the second half keeps about as much above the threshold of the first.
    assert found.halves == [measure.threshold(half, 50) for half in (background[:50_000], background[50_000:])]
    assert found.drift.value == pytest.approx(10, abs=5 * sqrt(2))


def test_a_rate_of_less_than_a_crossing_is_none():
    found = measure.working_point(scored(np.arange(100)), {"x": scored([1, 2])}, 0.5, 100)
    assert (found.threshold, found.rate, found.kept, found.efficiencies) == (None, None, 0, [])


def test_a_curve_falls_and_ends_at_one_crossing():
    found = measure.curve(scored(np.random.default_rng(5).exponential(1, 5000), missed=np.full(5000, 0.25)), 500)
    assert (np.diff(found.rates) < 0).all()
    assert found.rates[-1] == pytest.approx(0.1)
    np.testing.assert_allclose(found.errors, np.sqrt(np.array(found.rates) * 500 / 5000))
    np.testing.assert_allclose(found.pure_rates, np.array(found.rates) / 4)


def test_a_dependence_is_seen():
    pileup = np.repeat(np.arange(20.0, 60), 100)
    found = measure.dependence("pileup", pileup, pileup + np.tile([-1.0, 1.0], 2000), 58, 4)
    assert found.edges == [20, 29.75, 39.5, 49.25, 59]
    assert found.crossings == [1000] * 4
    np.testing.assert_allclose(found.mean, [24.5, 34.5, 44.5, 54.5])
    np.testing.assert_allclose(found.spread, np.full(4, sqrt(1 + 99 / 12)))
    # Above 58 are 58 + 1, 59 + 1 of 50 crossings each, and no 59 - 1.
    assert found.kept == [0, 0, 0, 100]


def test_distributions_hold_every_crossing():
    samples = {"zero": scored([0, 1, 2, 3], missed=np.array([1, 1, 1, 0.5])), "high": scored([100, 0.1])}
    zero, high = measure.distributions(samples, "zero", 4)
    assert (sum(zero.all), sum(zero.pure)) == (4, 3.5)
    assert high.all == [1, 0, 0, 1]
    assert zero.edges[-1] == pytest.approx(3)


def test_areas():
    assert measure.area(np.array([0.0, 1, 2, 3]), np.array([1.5])) == 0.5
    assert measure.area(np.array([0.0, 1, 2, 3]), np.array([3.0, 4])) == pytest.approx((3.5 + 4) / 8)
