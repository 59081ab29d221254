"""The quantile of a number of known distribution is found, whatever the method and the weights."""

import numpy as np
import pytest
from scipy.stats import norm

from resonaut.learn.quantile import conditional_quantile

LEVEL = 0.95


def drawn(n, seed):
    """Two variables, and the mean of a normal number of width 1 that follows from them."""
    rng = np.random.default_rng(seed)
    variables = np.stack([rng.normal(size=n), -0.2 * np.log(1 - rng.random(n))], axis=1)
    mean = np.sin(variables[:, 0]) + 2 * variables[:, 1]
    return variables, mean, mean + rng.normal(size=n)


@pytest.mark.parametrize("method", ["trees", "neighbours", "polynomial"])
def test_as_many_are_beyond_the_quantile_everywhere(method) -> None:
    variables, _, values = drawn(20000, 1)
    points, mean, _ = drawn(5000, 2)
    # Where events are many.
    inner = (np.abs(points[:, 0]) < 2) & (points[:, 1] < 0.5)
    found = conditional_quantile(points, variables, values, LEVEL, method=method, events=700)
    beyond = norm.sf(found - mean)[inner] / (1 - LEVEL)
    # One quantile for all points leaves a spread above 100 %.
    single = norm.sf(np.quantile(values, LEVEL) - mean)[inner] / (1 - LEVEL)
    assert np.sqrt(np.mean((single - 1) ** 2)) > 0.8
    assert abs(beyond.mean() - 1) < 0.1
    assert np.sqrt(np.mean((beyond - 1) ** 2)) < 0.25


@pytest.mark.parametrize("method", ["trees", "neighbours", "polynomial"])
def test_events_count_by_their_weights(method) -> None:
    variables, _, values = drawn(4000, 3)
    points = variables[:50]
    rng = np.random.default_rng(4)
    twice = rng.integers(0, 3, len(values))
    weighted = conditional_quantile(points, variables, values, 0.8, method=method, events=400, weights=twice)
    plain = conditional_quantile(points, variables, values, 0.8, method=method, events=400)
    assert not np.array_equal(weighted, plain)
    assert np.abs(weighted - plain).max() < 0.6
    # Only the upper half counts.
    above = (values > np.median(values)).astype(float)
    assert (conditional_quantile(points, variables, values, 0.2, method=method, events=400, weights=above)).min() > (
        conditional_quantile(points, variables, values, 0.2, method=method, events=400)
    ).min()


def test_neighbours_give_the_quantile_of_a_constant_neighbourhood() -> None:
    variables = np.zeros((100, 2))
    values = np.arange(100.0)
    found = conditional_quantile(variables[:1], variables, values, 0.5, method="neighbours", events=1000)
    # A tenth of all are neighbours.
    assert 0 <= found[0] < 100
