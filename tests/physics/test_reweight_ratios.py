"""Ratios against known ones: signed weights beside events without signs, other weights of the same events, sets."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from resonaut.core import identifier
from resonaut.core.record import build
from resonaut.learn import ratio
from resonaut.reweight.known import by_parts, closure
from resonaut.reweight.ratios import Events, Transfer, inputs
from resonaut.reweight.settings import RatioSettings

Array = NDArray[np.float64]

NETWORK = {"epochs": 12, "validation_parts": 2, "restarts": 1, "learning_rate": 0.003, "batch_size": 256}
TREES = {"validation_parts": 2, "learning_rate": 0.2, "max_iterations": 80, "max_leaf_nodes": 8}
CLASSIFIER = {"folds": 2, "network": NETWORK, "trees": TREES, "sets": NETWORK | {"particle": [32, 32], "hidden": [32]}}


def sample(features: Array, weights: Array, seed: int) -> ratio.Sample:
    keys = identifier.mix(np.arange(len(weights), dtype=np.uint64) + np.uint64(seed << 32))
    return ratio.Sample.of(features, weights, keys)


def density(x: Array) -> Array:
    """Of 80 % positive and 20 % negative events; it is positive everywhere."""
    return (0.8 * norm.pdf(x, 0.2, 1) - 0.2 * norm.pdf(x, -0.3, 0.8)) / 0.6


def signed(n: int, rng: np.random.Generator) -> ratio.Sample:
    down = rng.random(n) < 0.2
    x = np.where(down, rng.normal(-0.3, 0.8, n), rng.normal(0.2, 1, n))
    return sample(x[:, None], np.where(down, -1.0, 1.0), 1)


def unsigned(n: int, rng: np.random.Generator) -> ratio.Sample:
    """The same density from events of weight 1, drawn from the positive ones."""
    x = rng.normal(0.2, 1, 3 * n)
    x = x[rng.random(3 * n) * norm.pdf(x, 0.2, 1) * 0.8 / 0.6 < density(x)][:n]
    assert len(x) == n
    return sample(x[:, None], np.ones(n), 2)


@pytest.mark.parametrize("backend", ["network", "trees"])
def test_signed_weights_give_the_ratio_that_events_without_signs_give(backend):
    n, rng = 30_000, np.random.default_rng(1)
    settings = build(CLASSIFIER | {"backend": backend}, ratio.Settings, "test")
    flat = sample(rng.normal(size=(n, 1)), np.ones(n), 3)
    x = flat.features[:, 0].astype(float)
    true = density(x) / norm.pdf(x)
    given = signed(n, rng)
    kinds = {"signed": given, "unsigned": unsigned(n, rng), "without signs": replace(given, weights=np.ones(n))}
    off, means = {}, {}
    for name, one in kinds.items():
        models = ratio.CrossFit.fit(one, flat, settings)
        learned = models.ratio(flat.features, flat.keys)
        off[name] = np.abs(by_parts("x", x, flat.weights, learned / learned.mean(), true / true.mean()).closure).max()
        means[name] = np.average(x, weights=learned)
        assert models.signed[0].negative == pytest.approx(0.2 if name == "signed" else 0, abs=0.01)
    # A tenth of 30,000 signed events has an error of 3 to 4 %: (sum w)^2 / sum w^2 is a third of their number.
    assert off["unsigned"] < 0.08
    assert off["signed"] < 0.15 < 0.3 < off["without signs"]
    # The true mean is 0.367; signs alone make an error of 0.013 of it.
    assert means["signed"] == pytest.approx(0.367, abs=0.05)
    assert means["without signs"] < 0.15


def ratio_settings(**given) -> RatioSettings:
    sides = {"numerator": {"datasets": ["a"], "weight": "w"}, "denominator": {"datasets": ["a"]}}
    return build(sides | given, RatioSettings, "test")


def both_sides(values: Array, true: Array, settings: RatioSettings) -> tuple[Events, Events]:
    single, none = values.astype(np.float32), np.zeros(len(values), int)
    return tuple(
        Events(sample(inputs(single, settings), weights, 5), none, single) for weights in (true, np.ones(len(values)))
    )


def test_other_weights_of_the_same_events_close():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(40_000, 2))
    # Of the known ratio half is a function of what is seen, the rest is noise, as with the weights of a shower.
    seen = np.exp(0.3 * np.tanh(x[:, 0]) - 0.2 * np.tanh(x[:, 1]))
    true = seen * rng.choice([0.7, 1.3], len(x))
    settings = ratio_settings(features=["x", "y"], classifier=CLASSIFIER | {"backend": "network"})
    sides = both_sides(x, true, settings)
    transfer = Transfer.train("known", *sides, settings)
    found = closure(*sides, transfer)
    for part in found.truth:
        # 4,000 events with a spread of 0.3 around what can be learned; without weights they are 25 % off.
        assert np.max(part.error) < 0.006
        assert np.max(np.abs(part.closure)) < 0.045
    learned = transfer.factors(sides[1])[""][:, 0]
    assert np.sqrt(np.mean((learned / (seen / seen.mean()) - 1) ** 2)) < 0.03
    judge = found.after.classifier
    assert judge.auc == pytest.approx(0.5, abs=4 * judge.auc_error)
    assert found.exact.effective < found.learned.effective < 1
    (kept,) = found.sums
    assert kept.learned == pytest.approx(kept.expected, rel=0.005)


def test_sets_of_top_quarks_close():
    """(pT, y) of a pair and of both its quarks, reweighted as an order of perturbation theory would."""
    rng, n = np.random.default_rng(3), 20_000
    pt, y = rng.exponential(100, (2, n)), rng.normal(0, 1, (2, n))
    pair = np.column_stack([np.abs(pt[0] - pt[1]), y.mean(axis=0)])
    values = np.column_stack([pair, pt[0], y[0], pt[1], y[1]])
    true = np.exp(-0.0012 * (pt.sum(axis=0) - 200) - 0.1 * (pair[:, 1] ** 2 - 0.5))
    particles = [[f"{who}_{what}" for what in ("pt", "y")] for who in ("tt", "t", "tbar")]
    settings = ratio_settings(particles=particles, classifier=CLASSIFIER | {"backend": "sets"})
    sides = both_sides(values, true, settings)
    transfer = Transfer.train("known", *sides, settings)
    learned, exact = transfer.factors(sides[1])[""][:, 0], true / true.mean()
    part = by_parts("true weight", exact, np.ones(n), learned, exact)
    # Without weights the tenths would be off by up to 80 %; 2,000 events have an error of 0.3 %.
    assert np.max(np.abs(part.closure)) < 0.06
    assert np.sqrt(np.mean((learned / exact - 1) ** 2)) < 0.06
