"""Ratios as weights: variations, clipping that is counted, sums that stay."""

from dataclasses import replace

import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.learn.ratio import weights
from resonaut.learn.ratio.weights import Clipping, Spread, Weigher

SETTINGS = ratio.Settings(folds=3, trees=ratio.TreeSettings(validation_parts=2, min_leaf_events=20), seed=4)


def sample(n: int, mean: float, seed: int) -> ratio.Sample:
    features = np.random.default_rng(seed).normal(mean, 1, (n, 1))
    return ratio.Sample.of(features, keys=identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed << 32)))


@pytest.fixture(scope="module")
def pair() -> tuple[ratio.Sample, ratio.Sample]:
    return sample(2000, 0.5, 1), sample(2000, 0, 2)


@pytest.fixture(scope="module")
def weigher(pair) -> Weigher:
    return Weigher.fit(*pair, SETTINGS, (0.5, 2.0), bootstraps=4)


def test_variations_are_those_of_the_ensemble_the_bootstraps_and_the_folds(pair, weigher):
    one = pair[1]
    found = weigher.factors(one.features, one.keys)
    assert {name: values.shape for name, values in found.items()} == {
        "": (2000, 1),
        "ensemble": (2000, 2),
        "bootstrap": (2000, 4),
        "folds": (2000, 3),
    }
    plain = np.clip(weigher.nominal.ratio(one.features, one.keys), 0.5, 2)
    assert np.array_equal(found[""][:, 0], plain)
    own = weigher.nominal.folds(one.keys)
    assert found["folds"][np.arange(2000), own] == pytest.approx(plain)
    # The mean of the members' outputs, before they become ratios and are clipped, is the nominal one.
    members = weigher.nominal.members(one.features, one.keys)
    assert members.mean(axis=1) == pytest.approx(weigher.nominal.probability(one.features, one.keys))


def test_the_bootstraps_spread_as_other_events_would(pair, weigher):
    one = pair[1]
    toys = weigher.factors(one.features, one.keys)["bootstrap"]
    replicas = [Weigher.fit(sample(2000, 0.5, 10 + i), sample(2000, 0, 20 + i), SETTINGS, (0.5, 2.0)) for i in range(4)]
    others = np.stack([w.factors(one.features, one.keys)[""][:, 0] for w in replicas], axis=1)
    assert np.log(toys).std(axis=1).mean() == pytest.approx(np.log(others).std(axis=1).mean(), rel=0.35)


def test_clipping_is_counted(pair, weigher):
    one = replace(pair[1], weights=np.where(pair[1].features[:, 0] > 0, 3.0, 1.0))
    ratios = weigher.nominal.ratio(one.features, one.keys)
    below, above = ratios < 0.5, ratios > 2
    assert min(below.sum(), above.sum()) > 50
    share = one.weights[below | above].sum() / one.weights.sum()
    found = weigher.clipping(one)
    assert found == Clipping(events=2000, below=int(below.sum()), above=int(above.sum()), share=found.share)
    assert found.share == pytest.approx(share)


def test_every_set_of_factors_is_scaled_to_the_sum(pair, weigher):
    one = pair[1]
    found = weigher.factors(one.features, one.keys)
    scaled = weights.scaled(found, weights.scales(found, one.weights, 1234.0))
    for values in scaled.values():
        assert one.weights @ values == pytest.approx(np.full(values.shape[1], 1234.0))


def test_spread_of_known_weights():
    assert Spread.of(np.ones(10)) == Spread(effective=1.0, largest=1.0)
    found = Spread.of(np.array([1.0, 3.0]))
    assert (found.effective, found.largest) == pytest.approx((16 / 20, 1.5))
