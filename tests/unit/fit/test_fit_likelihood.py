"""The dijet function and its fit against independent integration and minimisation."""

from itertools import pairwise

import numpy as np
import pytest
from iminuit import Minuit
from scipy.integrate import quad

from resonaut.errors import ConfigError
from resonaut.fit.family import DijetFunction
from resonaut.fit.likelihood import deviance, fit

EDGES = np.linspace(2500.0, 7000.0, 31)


def dijet(m, ln_p0, p1, p2, p3=0.0):
    x = m / 13000
    return np.exp(ln_p0) * (1 - x) ** p1 / x ** (p2 + p3 * np.log(x))


def spectrum(parameters, seed):
    means = [quad(dijet, low, high, args=parameters)[0] for low, high in pairwise(EDGES)]
    return np.random.default_rng(seed).poisson(means).astype(float)


PARAMETERS = (-6.0, 8.0, 5.5, 0.02)


def test_expected_counts_are_integrals():
    function = DijetFunction(EDGES, 13000, 3)
    theta = fit(function, spectrum(PARAMETERS, 1)[None]).theta
    fitted = function.parameters(theta)[0]
    integrals = [quad(dijet, low, high, args=tuple(fitted))[0] for low, high in pairwise(EDGES)]
    assert function.expected(theta)[0][0] == pytest.approx(integrals, rel=1e-8)


def test_derivatives():
    function = DijetFunction(EDGES, 13000, 3)
    theta = fit(function, spectrum(PARAMETERS, 1)[None]).theta
    _, slope = function.expected(theta)
    for k in range(4):
        step = np.zeros((1, 4))
        step[0, k] = 1e-5
        numeric = (function.expected(theta + step)[0] - function.expected(theta - step)[0]) / 2e-5
        assert slope[:, :, k] == pytest.approx(numeric, rel=1e-6)


def test_deviance_of_perfect_and_impossible_models():
    counts = np.array([3.0, 0.0])
    assert deviance(counts, np.array([3.0, 1e-12])) == pytest.approx(0.0, abs=1e-10)
    assert deviance(counts, np.array([3.0, 2.0])) == pytest.approx(4.0)
    assert deviance(counts, np.array([3.0, -0.1])) == np.inf


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_minimum_as_iminuit(seed):
    counts = spectrum(PARAMETERS, seed)
    function = DijetFunction(EDGES, 13000, 3)
    template = np.diff(1 / (1 + np.exp(-(EDGES - 4000) / 80)))
    ours = fit(function, counts[None], template)
    assert ours.converged.all()

    def objective(values):
        return float(deviance(counts, function.expected(values[None, :4])[0][0] + values[4] * template))

    minuit = Minuit(objective, np.append(function.start(counts[None])[0], 0.0))
    minuit.errordef = 1
    minuit.strategy = 2
    minuit.migrad()
    minuit.hesse()
    assert ours.deviance[0] == pytest.approx(minuit.fval, abs=1e-3)
    assert ours.signal[0] == pytest.approx(minuit.values[4], abs=0.02 * minuit.errors[4])
    assert ours.signal_error[0] == pytest.approx(minuit.errors[4], rel=0.05)


def test_batch_gives_what_single_fits_give():
    function = DijetFunction(EDGES, 13000, 2)
    many = np.stack([spectrum(PARAMETERS, seed) for seed in range(5)])
    batch = fit(function, many)
    singles = [fit(function, counts[None]).deviance[0] for counts in many]
    assert batch.deviance == pytest.approx(singles, abs=1e-8)


def test_held_yield_is_held_even_below_the_background():
    counts = spectrum((-11.0, 8.0, 5.5, 0.02), 1)
    function = DijetFunction(EDGES, 13000, 2)
    template = np.diff(1 / (1 + np.exp(-(EDGES - 6000) / 80)))
    free = fit(function, counts[None], template)
    held = fit(function, counts[None], template, np.array([-20.0]))
    assert held.signal[0] == -20
    assert held.background[0] @ (template > 0.1) > 0
    assert np.isfinite(held.deviance[0])
    assert held.deviance[0] > free.deviance[0]


def test_empty_bins_bound_a_negative_yield():
    function = DijetFunction(EDGES, 13000, 2)
    counts = np.where(EDGES[:-1] < 5000, spectrum(PARAMETERS, 1), 0.0)
    template = np.diff(1 / (1 + np.exp(-(EDGES - 6500) / 40)))
    result = fit(function, counts[None], template)
    assert result.converged[0]
    assert result.signal[0] < 0
    assert (result.background[0] + result.signal[0] * template > 0).all()


@pytest.mark.parametrize(("low", "high"), [(0.0, 5000.0), (2000.0, 14000.0)])
def test_masses_beyond_the_collision_energy(low, high):
    with pytest.raises(ConfigError, match="between 0 and sqrt"):
        DijetFunction(np.array([low, 3000.0, high]), 13000, 2)
