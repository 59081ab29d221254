"""The compiled likelihood against finite differences, and its fits against iminuit."""

import numpy as np
import pytest
from iminuit import Minuit

from resonaut.fit import kernel, likelihood
from resonaut.fit.family import Background
from resonaut.fit.likelihood import deviance, fit
from resonaut.fit.shapes import Gaussian
from resonaut.fit.signal import template
from resonaut.fit.sources import named

EDGES = np.arange(2500.0, 7001.0, 50.0)
BINS = len(EDGES) - 1
UNCERTAINTIES = named({"scale": 0.02, "resolution": 0.1, "normalisation": 0.2})
PEAK = template(Gaussian(0.04), 4000.0, EDGES, UNCERTAINTIES)
PLAIN = template(Gaussian(0.04), 4000.0, EDGES)
DIJET = Background("dijet", EDGES, 13000.0, 2)
# Another resonance in the background, with a free yield.
FOUND = DIJET.with_resonances(template(Gaussian(0.03), 5200.0, EDGES).shares[None])


def falling(events):
    m = (EDGES[:-1] + EDGES[1:]) / 2
    return events * np.exp(-m / 560) / np.exp(-m / 560).sum()


def spectrum(events, seed, signal=0.0):
    return np.random.default_rng(seed).poisson(falling(events) + signal * PEAK.shares).astype(float)


def evaluated(counts, state, observed, kind=kernel.EXACT, peak=PEAK, function=DIJET):
    """Value, gradient and whole curvature of the compiled objective."""
    room = kernel.terms(function.directions, function.widths, function.resonances, len(peak.nuisances))
    gradient, curvature = np.zeros(len(state)), np.zeros((len(state), len(state)))
    value = kernel.evaluate(room, counts, peak.signal, state, observed, kind, gradient, curvature)
    return value, gradient, np.tril(curvature) + np.tril(curvature, -1).T


def objective(counts, state, observed, function=DIJET):
    """The same written out."""
    theta, signal, eta = np.split(state, [function.n_parameters, function.n_parameters + 1])
    return deviance(counts, function.expected(theta) + signal * PEAK.at(eta)) + np.sum((eta - observed) ** 2)


def test_deviance_of_perfect_and_impossible_models():
    counts = np.array([3.0, 0.0])
    assert deviance(counts, np.array([3.0, 1e-12])) == pytest.approx(0.0, abs=1e-10)
    assert deviance(counts, np.array([3.0, 2.0])) == pytest.approx(4.0)
    assert deviance(counts, np.array([3.0, -0.1])) == np.inf


@pytest.fixture(scope="module")
def somewhere():
    """Counts and background parameters that are not quite at the minimum, and measurements of the nuisances."""
    counts = spectrum(5000, 1, signal=100)
    return counts, DIJET.start(counts[None])[0] + 0.05, np.array([0.3, -0.2, 0.1])


@pytest.mark.parametrize(
    ("function", "yields"), [(DIJET, [80.0]), (DIJET, [-15.0]), (FOUND, [40.0, 80.0]), (FOUND, [-2.0, -15.0])]
)
def test_gradient_and_curvature_are_derivatives(somewhere, function, yields):
    counts, theta, observed = somewhere
    state = np.concatenate([theta, yields, [0.4, -0.6, 0.5]])
    value, gradient, curvature = evaluated(counts, state, observed, function=function)
    # A negative yield takes next to nothing from the empty bins: the barrier is flat.
    assert value == pytest.approx(objective(counts, state, observed, function), abs=1e-3)
    for k in range(len(state)):
        step = np.zeros(len(state))
        step[k] = 1e-4
        above, below = (evaluated(counts, at, observed, function=function) for at in (state + step, state - step))
        assert gradient[k] == pytest.approx((above[0] - below[0]) / 4e-4, rel=1e-5, abs=1e-6)
        assert curvature[k] == pytest.approx((above[1] - below[1]) / 2e-4, rel=1e-4, abs=1e-3)


def test_gradient_at_the_barrier_of_empty_bins(somewhere):
    counts, theta, observed = somewhere
    counts = np.where(PEAK.shares > 0.005, 0.0, counts)
    state = np.concatenate([theta - 0.1, [0.0, 0.4, -0.6, 0.5]])
    state[3] = -0.999 * (DIJET.expected(state[:3]) / np.maximum(PEAK.at(state[4:]), 1e-12)).min()
    gradient = evaluated(counts, state, observed)[1]
    for k in range(len(state)):
        step = np.zeros(len(state))
        step[k] = 1e-7
        difference = evaluated(counts, state + step, observed)[0] - evaluated(counts, state - step, observed)[0]
        assert gradient[k] == pytest.approx(difference / 4e-7, rel=1e-3, abs=1e-3)


def test_fisher_information(somewhere):
    counts, theta, observed = somewhere
    state = np.concatenate([theta, [80.0, 0.0, 0.0, 0.0]])
    information = evaluated(counts, state, observed, kernel.FISHER)[2]
    share = PEAK.shares
    moved = (PEAK.at(1e-4 * np.eye(3)) - PEAK.at(-1e-4 * np.eye(3))) / 2e-4
    slopes = np.vstack([DIJET.slope(theta).T, share, 80 * moved])
    expected = DIJET.expected(theta) + 80 * share
    wanted = slopes / expected @ slopes.T
    wanted[4:, 4:] += np.eye(3)
    assert information == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def test_positive_curvature_is_positive(somewhere):
    counts, theta, observed = somewhere
    for signal in (500.0, -10.0):
        state = np.concatenate([theta + 0.3, [signal, 2.0, -2.0, 1.0]])
        curvature = evaluated(counts, state, observed, kernel.POSITIVE)[2]
        assert np.linalg.eigvalsh(curvature).min() > 0


def test_a_negative_bin_is_impossible(somewhere):
    counts, theta, observed = somewhere
    state = np.concatenate([theta, [-1e5, 0.0, 0.0, 0.0]])
    assert evaluated(counts, state, observed)[0] == np.inf


@pytest.mark.parametrize(("events", "signal", "seed"), [(5000, 150, 1), (5000, 0, 2), (300, 0, 3), (300, 30, 4)])
@pytest.mark.parametrize("function", [DIJET, FOUND], ids=["smooth", "found"])
def test_same_minimum_as_iminuit(events, signal, seed, function):
    counts, observed = spectrum(events, seed, signal), np.array([0.7, -0.5, 0.2])
    ours = fit(function, counts[None], PEAK, observed=observed[None])
    assert ours.converged.all()
    minuit = Minuit(
        lambda state: objective(counts, state, observed, function),
        np.concatenate([ours.theta[0] + 0.1, [1.0], observed]),
    )
    minuit.errordef = Minuit.LEAST_SQUARES
    minuit.strategy = 2
    minuit.migrad()
    minuit.hesse()
    assert ours.deviance[0] == pytest.approx(minuit.fval, abs=1e-3)
    assert ours.signal[0] == pytest.approx(
        minuit.values[function.n_parameters], abs=0.02 * minuit.errors[function.n_parameters]
    )
    assert ours.nuisances[0] == pytest.approx(np.array(minuit.values)[function.n_parameters + 1 :], abs=0.02)
    # Ours is the Fisher information, Minuit's the curvature in these data.
    if signal and events > 1000:
        assert ours.signal_error[0] == pytest.approx(minuit.errors[function.n_parameters], rel=0.1)


@pytest.mark.parametrize("free", [True, False])
def test_the_way_out_by_minuit_gives_the_same(free):
    counts, observed = spectrum(2000, 5, signal=60), np.array([0.7, -0.5, 0.2])
    level = None if free else np.array([40.0])
    ours = fit(DIJET, counts[None], PEAK, level, observed=observed[None])
    start = np.concatenate([DIJET.start(counts[None])[0], [40.0], observed])
    state, value, valid = likelihood._by_minuit(DIJET, counts, PEAK.signal, free, start, observed)
    assert valid
    assert value == pytest.approx(ours.deviance[0], abs=1e-3)
    assert state[3] == pytest.approx(ours.signal[0], abs=0.02 * (ours.signal_error[0] if free else 1e-9))
    assert state[4:] == pytest.approx(ours.nuisances[0], abs=0.02)


@pytest.mark.parametrize("peak", [None, PLAIN, PEAK])
def test_batch_gives_what_single_fits_give(peak):
    many = np.stack([spectrum(3000, seed) for seed in range(5)])
    observed = None if peak is not PEAK else np.random.default_rng(1).normal(size=(5, 3))
    batch = fit(DIJET, many, peak, observed=observed)
    for b, counts in enumerate(many):
        single = fit(DIJET, counts[None], peak, observed=None if observed is None else observed[b : b + 1])
        assert single.deviance[0] == pytest.approx(batch.deviance[b], abs=1e-9)
        assert single.signal[0] == pytest.approx(batch.signal[b], abs=1e-6)
        assert single.information[0] == pytest.approx(batch.information[b])


def test_a_signal_is_found_with_its_error():
    background = fit(DIJET, falling(20000)[None]).background[0]
    found = fit(DIJET, (background + 400 * PLAIN.shares)[None], PLAIN)
    assert found.signal[0] == pytest.approx(400, abs=0.01)
    # No background parameter can lower the error below that of a known background.
    known = 1 / np.sqrt(np.sum(PLAIN.shares**2 / (found.background[0] + found.signal[0] * PLAIN.shares)))
    assert known < found.signal_error[0] < 1.5 * known


def test_the_measurement_of_a_nuisance_without_data_is_its_value():
    observed = np.array([[0.0, 0.0, 1.3]])
    # A scale of a yield that is free itself: data say nothing about it.
    found = fit(DIJET, spectrum(3000, 1, signal=100)[None], PEAK, observed=observed)
    assert found.nuisances[0, 2] == pytest.approx(1.3, abs=1e-3)
    assert found.covariance[0, 6, 6] == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("peak", [PLAIN, PEAK])
@pytest.mark.parametrize("signal", [0.0, 30.0, -20.0])
def test_held_yield_is_held_even_below_the_background(peak, signal):
    counts = spectrum(150, 1)
    free = fit(DIJET, counts[None], peak)
    held = fit(DIJET, counts[None], peak, np.array([signal]))
    assert held.converged[0]
    assert held.signal[0] == signal
    assert np.isfinite(held.deviance[0])
    assert held.deviance[0] > free.deviance[0] - 1e-6
    assert (held.background[0] + signal * peak.at(held.nuisances[0]) > 0).all()


def test_without_a_signal_a_held_yield_of_zero_is_the_background_fit():
    counts = spectrum(3000, 1)
    alone, none = fit(DIJET, counts[None]), fit(DIJET, counts[None], PEAK, np.zeros(1))
    assert none.deviance[0] == pytest.approx(alone.deviance[0], abs=1e-5)
    assert none.nuisances[0] == pytest.approx(np.zeros(3), abs=1e-6)


def test_empty_bins_bound_a_negative_yield():
    counts = np.where(EDGES[:-1] < 5000, spectrum(3000, 1), 0.0)
    beyond = template(Gaussian(0.01), 6000.0, EDGES, UNCERTAINTIES)
    result = fit(DIJET, counts[None], beyond)
    assert result.converged[0]
    assert result.signal[0] < 0
    assert (result.background[0] + result.signal[0] * beyond.at(result.nuisances[0]) > 0).all()


@pytest.mark.parametrize("bins", [1, 2, 3])
def test_fewer_bins_than_parameters(bins):
    edges = np.linspace(3800.0, 4200.0, bins + 1)
    function = Background("dijet", edges, 13000.0, 2)
    counts = np.array([[40.0, 25.0, 20.0][:bins]])
    found = fit(function, counts, template(Gaussian(0.04), 4000.0, edges, UNCERTAINTIES))
    assert found.deviance[0] == pytest.approx(0, abs=1e-6)
    assert np.isfinite(found.nuisances).all()


def test_no_events_at_all():
    found = fit(DIJET, np.zeros((1, BINS)), PEAK)
    assert np.isfinite(found.deviance[0])
    assert found.background.sum() < 0.1


@pytest.mark.parametrize(
    ("events", "shape_parameters", "mass", "uncertainties"),
    [
        (1e9, 5, 3000.0, {}),
        (1e10, 5, 3000.0, {}),
        (1e10, 5, 4500.0, {"scale": 0.01, "resolution": 0.035}),
        (1e11, 3, 2500.0, {}),
    ],
)
def test_so_many_events_that_their_sums_round(events, shape_parameters, mass, uncertainties):
    """Smooth counts, with ``events`` in the first bin: the last steps of a fit gain less than rounding takes."""
    edges = np.arange(2000.0, 6001.0, 10.0)
    function = Background("dijet", edges, 13000.0, shape_parameters)
    counts = np.round(events * np.exp(-(edges[:-1] - 2000) / 450))[None]
    peak = template(Gaussian(0.03), mass, edges, named(uncertainties))
    alone = fit(function, counts)
    both = fit(function, counts, peak, start=alone.theta)
    assert alone.converged[0]
    assert both.converged[0]
    assert both.deviance[0] <= alone.deviance[0] + 1e-3


def test_fits_begin_where_every_bin_expects_events():
    # The yield of a resonance is that of a fit in which something else filled its hole.
    edges = np.arange(2000.0, 5001.0, 50.0)
    peak = template(Gaussian(0.03), 3000.0, edges).shares
    function = Background("dijet", edges, 13000.0, 2, peak[None])
    counts = np.random.default_rng(1).poisson(1e4 * np.exp(-np.arange(60) / 9.0)).astype(float)[None]
    theta = function.start(counts)
    theta[:, -1] = -2 * function.smooth(theta[0])[peak.argmax()] / peak.max()
    assert (function.expected(theta) <= 0).any()
    held = fit(function, counts, start=theta)
    assert held.converged.all()
    assert held.deviance == pytest.approx(fit(function, counts).deviance, abs=1e-4)


def test_a_yield_where_nothing_is_expected_and_nothing_seen_is_none(monkeypatch):
    # No Newton step into the room below none is short enough, and iminuit takes 10 ms for each of such toys.
    m = (EDGES[:-1] + EDGES[1:]) / 2
    steep = fit(DIJET, (1000 * np.exp(-(m - 2500) / 60))[None]).theta
    counts = np.zeros((1, BINS))
    counts[0, [0, 1, 3]] = 5.0, 3.0, 2.0
    monkeypatch.setattr(likelihood, "_by_minuit", None)
    found = fit(DIJET, counts, PEAK, None, steep)
    alone = fit(DIJET, counts)
    assert found.converged[0]
    assert found.signal[0] == pytest.approx(0, abs=1e-6)
    assert found.deviance[0] == pytest.approx(alone.deviance[0], abs=1e-4)


def test_a_spike_of_background_beside_a_signal_makes_no_significance():
    """Five events: with a free signal under four of them the function fits the fifth alone, as a spike.

    A fit without a signal that begins there stayed there, with nothing expected for four events, and z was 48.
    """
    edges = np.arange(250.0, 1651, 10)
    counts = np.zeros((1, len(edges) - 1))
    counts[0, [10, 13, 15, 18, 52]] = 1
    function = Background("modified_exponential", edges, 13000.0, 2)
    with_signal = fit(function, counts, template(Gaussian(0.06), 400.0, edges))
    alone, from_spike = fit(function, counts), fit(function, counts, start=with_signal.theta)
    assert with_signal.background[0].max() > 0.9
    assert from_spike.converged.all()
    assert from_spike.deviance == pytest.approx(alone.deviance, rel=1e-3)
    assert alone.deviance[0] - with_signal.deviance[0] < 25
