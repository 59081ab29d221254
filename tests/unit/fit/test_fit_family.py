"""The background functions against formulae written out, numerical integration and finite differences."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from resonaut.core.errors import ConfigError
from resonaut.fit.family import FAMILIES, Background
from resonaut.fit.likelihood import fit

SQRT_S = 13000.0
FINE, COARSE = np.arange(2500.0, 4001.0, 20.0), np.arange(2000.0, 8001.0, 250.0)


def dijet(m, ln_p0, p1, *more):
    x = m / SQRT_S
    return np.exp(ln_p0) * (1 - x) ** p1 / x ** sum(p * np.log(x) ** k for k, p in enumerate(more))


def exponential_power(m, ln_p0, p1, p2=0.0, *more):
    x = m / SQRT_S
    return np.exp(ln_p0 - p1 * x - sum(p * x ** (k + 2) for k, p in enumerate(more))) / x**p2


def modified_exponential(m, ln_p0, *shape):
    x = m / SQRT_S
    return np.exp(ln_p0 - sum(p * x ** ((k + 1) / 2) for k, p in enumerate(shape)))


FORMULAE = {f.__name__: f for f in (dijet, exponential_power, modified_exponential)}


def falling(events, edges=COARSE):
    """Events (N,) of a spectrum like that of the dijet searches."""
    x = (edges[:-1] + edges[1:]) / 2 / SQRT_S
    shape = np.diff(edges) * (1 - x) ** 9 / x**5.5
    return events * shape / shape.sum()


def test_all_families_are_tested():
    assert FORMULAE.keys() == FAMILIES.keys()


@pytest.mark.parametrize("edges", [FINE, COARSE], ids=["fine", "coarse"])
@pytest.mark.parametrize("shape_parameters", [1, 2, 3, 5])
@pytest.mark.parametrize("family", FAMILIES)
def test_expected_counts_are_integrals(family, shape_parameters, edges):
    function = Background(family, edges, SQRT_S, shape_parameters)
    theta = fit(function, falling(1e6, edges)[None]).theta
    fitted = function.parameters(theta[0])
    assert len(fitted) == shape_parameters + 1
    integrals = [quad(FORMULAE[family], low, high, args=tuple(fitted))[0] for low, high in pairwise(edges)]
    assert function.expected(theta)[0] == pytest.approx(integrals, rel=1e-5)


@pytest.mark.parametrize("edges", [1000 * 1.2 ** np.arange(13), [1e3, 2e3, 5e3, 13e3], [1e3, 1e4, 1.01e4]])
@pytest.mark.parametrize(
    ("family", "parameters"), [("dijet", (-9.0, 12.3, 7.5)), ("exponential_power", (-9.0, 20.0, 10.5))]
)
def test_wide_bins_are_integrals(family, parameters, edges):
    """To the end of the collision energy, for functions as steep as any."""
    function = Background(family, np.asarray(edges), SQRT_S, 2)
    theta = function._triangle @ np.asarray(parameters)
    integrals = [quad(FORMULAE[family], *ends, args=parameters, epsabs=0)[0] for ends in pairwise(edges)]
    assert function.expected(theta) == pytest.approx(integrals, rel=1e-4, abs=1e-9 * max(integrals))


@pytest.mark.parametrize(("widths", "points"), [((0.001,), 2), ((0.03,), 3), ((0.058,), 3), ((0.001, 1.0), 9)])
def test_the_widest_bin_sets_the_number_of_points(widths, points):
    """Bins of CMS's dijets, up to 6 % of the mass, need three."""
    edges = 2000 * np.cumprod([1, *(1 + np.array(widths))])
    assert Background("dijet", edges, SQRT_S, 1).widths.shape == (len(widths), points)


@pytest.mark.parametrize(
    ("family", "parameters"),
    [
        ("dijet", (-6.0, 8.0, 5.5, 0.1)),
        ("exponential_power", (-3.0, 12.0, 4.0, 6.0)),
        ("modified_exponential", (26.0, 30.0, 20.0, -10.0)),
    ],
)
def test_parameters_of_a_formula_are_found_again(family, parameters):
    edges = np.arange(1500.0, 8001.0, 50.0)
    integrals = np.array([quad(FORMULAE[family], low, high, args=parameters)[0] for low, high in pairwise(edges)])
    function = Background(family, edges, SQRT_S, 3)
    found = fit(function, integrals[None])
    assert found.converged[0]
    assert function.parameters(found.theta[0]) == pytest.approx(parameters, rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("family", FAMILIES)
def test_slope(family):
    function = Background(family, COARSE, SQRT_S, 3)
    theta = fit(function, falling(1e4)[None]).theta[0]
    slope = function.slope(theta)
    for k in range(4):
        step = np.zeros(4)
        step[k] = 1e-5
        numeric = (function.expected(theta + step) - function.expected(theta - step)) / 2e-5
        assert slope[:, k] == pytest.approx(numeric, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_scale_multiplies_the_function(family):
    function = Background(family, COARSE, SQRT_S, 2)
    theta = function.start(falling(1e4)[None])[0]
    twice = function.expected(theta + np.log(2) * function.scale)
    assert twice == pytest.approx(2 * function.expected(theta))


@pytest.mark.parametrize("shape_parameters", range(1, 6))
@pytest.mark.parametrize("family", FAMILIES)
def test_fits_converge_from_the_start(family, shape_parameters):
    edges = np.arange(1500.0, 8001.0, 100.0)
    rng = np.random.default_rng(shape_parameters)
    for events in (6.5e6, 100):
        counts = rng.poisson(falling(events, edges), (5, len(edges) - 1)).astype(float)
        found = fit(Background(family, edges, SQRT_S, shape_parameters), counts)
        assert found.converged.all()
        # The normalisation is free: all events are found in the fit.
        assert found.background.sum(axis=1) == pytest.approx(counts.sum(axis=1), rel=1e-4)


@pytest.mark.parametrize(("low", "high"), [(0.0, 5000.0), (2000.0, 14000.0)])
def test_masses_beyond_the_collision_energy(low, high):
    with pytest.raises(ConfigError, match="between 0 and sqrt"):
        Background("dijet", np.array([low, 3000.0, high]), SQRT_S, 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_functions_work_far_below_the_collision_energy(family):
    """Around 3 GeV, where x is 0.0002 and hardly changes, every order describes an exponential."""
    edges = np.linspace(2.9, 3.3, 41)
    truth = 1e5 * -np.diff(np.exp(-edges / 0.5))
    for order in range(2, 6):
        function = Background(family, edges, SQRT_S, order)
        found = fit(function, truth[None])
        assert found.converged[0]
        assert found.background[0] == pytest.approx(truth, rel=1e-3)
        assert np.isfinite(function.parameters(found.theta[0])).all()
