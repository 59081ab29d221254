"""The vectorised functions of the compiled fits against numpy."""

import numpy as np

from resonaut.fit.vector import dot, exponential, logarithm, total, weighted_squares


def test_exponential():
    x = np.random.default_rng(1).uniform(-300, 700, 10001)
    x[:5] = [0.0, 1e-300, -1e-12, 300.0, np.log(2)]
    found = x.copy()
    exponential(found, np.empty((2, len(x))), len(x))
    np.testing.assert_allclose(found, np.exp(x), rtol=1e-14)
    assert found[0] == 1.0


def test_logarithm():
    x = np.exp(np.random.default_rng(2).uniform(-700, 700, 10001))
    x[:6] = [1.0, np.nextafter(1, 2), np.nextafter(1, 0), np.sqrt(0.5), np.sqrt(2), np.finfo(float).tiny]
    found = x.copy()
    logarithm(found, np.empty((2, len(x))), len(x))
    np.testing.assert_allclose(found, np.log(x), rtol=1e-14)
    assert found[0] == 0.0


def test_only_the_first_numbers_change():
    x = np.full(5, 2.0)
    exponential(x, np.empty((2, 5)), 2)
    assert x.tolist()[2:] == [2, 2, 2]
    logarithm(x, np.empty((2, 5)), 2)
    np.testing.assert_allclose(x, 2.0, rtol=1e-15)


def test_sums():
    rng = np.random.default_rng(3)
    slopes, pull, weight = rng.normal(size=(4, 50)), rng.normal(size=50), rng.uniform(size=50)
    assert np.isclose(dot(pull, weight, 10, 40), pull[10:40] @ weight[10:40])
    assert np.isclose(total(pull), pull.sum())
    first, second = np.zeros(4), np.zeros((4, 4))
    weighted_squares(slopes, pull, weight, 3, first, second)
    np.testing.assert_allclose(first, [*(slopes[:3] @ pull), 0])
    np.testing.assert_allclose(second[:3, :3], np.tril((slopes * weight @ slopes.T)[:3, :3]))
    assert not second[3].any()
