"""Which function and range describe the data: F-test, shrinking ranges, envelope."""

from functools import cache

import numpy as np
import pytest

from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.fit import background
from resonaut.fit.background import Model, ordered, relative_error
from resonaut.fit.bare import settings_of
from resonaut.fit.envelope import profile
from resonaut.fit.family import Background
from resonaut.fit.likelihood import fit
from resonaut.fit.resolution import DIJET, Resolution
from resonaut.fit.settings import BackgroundSettings
from resonaut.fit.shapes import Gaussian
from resonaut.fit.signal import template
from resonaut.fit.sources import named
from resonaut.fit.spectrum import Spectrum

SQRT_S, MASS = 13000.0, 4000.0
EDGES = np.arange(2000.0, 7001.0, 20.0)
# Steps of 100 GeV, 300 below and 500 above the mass, in units of the resolution there.
SHRINK = dict(zip(("step", "below", "above"), (np.array([100, 300, 500]) / DIJET.at(MASS)).tolist(), strict=True))
X = (EDGES[:-1] + EDGES[1:]) / 2 / SQRT_S


@cache
def settings(*overrides: str) -> BackgroundSettings:
    return settings_of([f"background.{text}" for text in overrides], SQRT_S, [MASS]).background


def spectrum(events: float, *more: float, seed: int | None = None) -> Spectrum:
    """A dijet function with p1 = 9, p2 = 5.5 and ``more`` parameters, as expected or from random numbers."""
    powers = sum(p * np.log(X / 0.3) ** (k + 2) for k, p in enumerate(more))
    shape = (1 - X) ** 9 / X**5.5 * np.exp(-powers)
    expected = events * shape / shape.sum()
    counts = np.round(expected) if seed is None else np.random.default_rng(seed).poisson(expected)
    return Spectrum(EDGES, counts.astype(float))


def model(spectrum: Spectrum, *overrides: str, mass: float = MASS) -> Model:
    chosen = settings("shape_parameters=[2,2]", *(f"shrink.{k}={v!r}" for k, v in SHRINK.items()), *overrides)
    return background.model(spectrum, Gaussian(0.03), mass, SQRT_S, chosen, named({"scale": 0.01}))


@pytest.mark.parametrize(("events", "seed"), [(3e4, 1), (1e6, 1), (1e7, None)])
def test_two_parameters_suffice_for_two(events, seed):
    chosen, trials = ordered("dijet", spectrum(events, seed=seed), SQRT_S, settings())
    assert chosen.function.shape_parameters == 2
    assert [(t.shape_parameters, t.accepted) for t in trials] == [(3, False)]
    assert trials[0].f_test_p > 0.1


def test_f_test_accepts_too_many_parameters_as_often_as_it_says():
    # Its p-value is uniform where two parameters are the truth.
    p = [ordered("dijet", spectrum(1e5, seed=s), SQRT_S, settings())[1][0].f_test_p for s in range(200)]
    assert 0.05 < np.mean(np.array(p) < 0.1) < 0.16
    assert np.mean(p) == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("more", [(1.0,), (1.0, 1.5)], ids=["p3", "p4"])
def test_more_parameters_for_data_that_need_them(more):
    data = spectrum(1e6, *more, seed=2)
    chosen, trials = ordered("dijet", data, SQRT_S, settings())
    assert chosen.function.shape_parameters == 2 + len(more)
    assert [t.accepted for t in trials] == [True] * len(more) + [False]
    assert [t.shape_parameters for t in trials] == list(range(3, 4 + len(more)))
    # chi2 falls, ndf by one each.
    assert np.diff([t.ndf for t in trials]).tolist() == [-1] * len(more)
    assert trials[0].f_test_p < 1e-3
    fewer = fit(Background("dijet", EDGES, SQRT_S, 2), data.counts[None])
    assert fewer.deviance[0] > chosen.deviance[0] + 20


def test_a_signal_does_not_choose_the_order():
    # Two parameters and a resonance of five standard deviations, which more parameters would describe in part.
    falling = spectrum(5e4, 1.0)
    peak = template(Gaussian(0.03), MASS, EDGES)
    rng = np.random.default_rng(4)
    orders = []
    for signal in (None, peak):
        toys = [Spectrum(EDGES, rng.poisson(falling.counts + 300 * peak.shares).astype(float)) for _ in range(40)]
        orders.append([ordered("dijet", toy, SQRT_S, settings(), signal)[0].function.shape_parameters for toy in toys])
    assert np.mean(orders[0]) != np.mean(orders[1])


def test_fewest_and_most_parameters():
    data = spectrum(1e6, 1.0, 1.5, seed=2)
    for few, many in ((1, 1), (3, 3), (1, 3)):
        chosen, trials = ordered("dijet", data, SQRT_S, settings(f"shape_parameters=[{few},{many}]"))
        assert chosen.function.shape_parameters == many
        assert len(trials) == many - few


def test_few_populated_bins_get_few_parameters():
    counts = np.zeros(len(EDGES) - 1)
    counts[[0, 10, 30]] = 3.0, 2.0, 1.0
    with pytest.raises(EmptySelectionError, match=r"has 3 bins with events .* too few for 3 background parameters"):
        ordered("dijet", Spectrum(EDGES, counts), SQRT_S, settings())
    counts[50] = 1.0
    chosen, trials = ordered("dijet", Spectrum(EDGES, counts), SQRT_S, settings())
    assert (chosen.function.shape_parameters, trials) == (2, ())


def test_a_good_fit_keeps_the_whole_range():
    found = model(spectrum(1e5, seed=3))
    (only,) = found.attempts
    assert only.good
    assert (only.low, only.high) == (2000, 7000)
    assert (only.family, only.shape_parameters) == ("dijet", 2)
    assert only.error == pytest.approx(relative_error(found.background.best, MASS))
    assert only.p_background == found.quality.p_value
    assert only.p_background > 0.05
    assert found.bins == slice(0, 250)
    assert found.chosen == only


def spoilt(low: float, high: float, factor: float) -> Spectrum:
    """Data of two parameters in which the counts between ``low`` and ``high`` are multiplied by ``factor``."""
    good = spectrum(1e6, seed=3)
    inside = (EDGES[:-1] >= low) & (EDGES[1:] <= high)
    return Spectrum(EDGES, np.where(inside, np.round(factor * good.counts), good.counts))


def test_a_turn_on_makes_the_low_edge_rise():
    found = model(spoilt(2000, 2360, 0.5))
    assert [(a.low, a.high) for a in found.attempts] == [(low, 7000) for low in (2000, 2100, 2200, 2300, 2400)]
    assert [a.good for a in found.attempts] == [False] * 4 + [True]
    assert found.chosen == found.attempts[-1]
    for attempt in found.attempts[:-1]:
        assert attempt.p_background < 0.05
        assert attempt.p_signal < 0.01
    assert found.spectrum.edges[[0, -1]].tolist() == [2400, 7000]
    assert len(found.template.shares) == len(found.spectrum.counts) == found.background.background.size == 230
    assert found.bins.start == 20


def test_a_spoilt_high_mass_makes_the_high_edge_fall():
    found = model(spoilt(5000, 7000, 3.0))
    ranges = [(a.low, a.high) for a in found.attempts]
    rising = [(2000.0 + 100 * i, 7000.0) for i in range(18)]
    assert ranges[:18] == rising
    assert rising[-1][0] == MASS - 300
    # Then the high edge falls, and the low one stays.
    assert ranges[18:] == [(3700.0, 6900.0 - 100 * i) for i in range(len(ranges) - 18)]
    assert found.attempts[-1].good
    assert found.chosen.high <= 5100


def test_nothing_helps():
    whole = spectrum(1e6, seed=3)
    # A comb around the mass, which no range and no signal describes.
    comb = np.where((X * SQRT_S > 3700) & (X * SQRT_S < 4500), 1 + 0.5 * np.sign(np.sin(X * SQRT_S / 25)), 1)
    comb *= np.where((X * SQRT_S > 3750) & (X * SQRT_S < 3900), 0.2, 1)
    found = model(Spectrum(EDGES, np.round(whole.counts * comb)))
    assert not any(a.good for a in found.attempts)
    assert len({(a.low, a.high) for a in found.attempts}) == len(found.attempts) == 18 + 25
    assert max(a.low for a in found.attempts) == MASS - 300
    assert min(a.high for a in found.attempts) == MASS + 500
    # The least bad one.
    assert found.chosen.p_value == max(a.p_value for a in found.attempts)
    assert not found.chosen.good
    assert (found.spectrum.edges[0], found.spectrum.edges[-1]) == (found.chosen.low, found.chosen.high)


def test_a_signal_that_explains_the_data_keeps_the_range():
    whole = spectrum(1e6, seed=3)
    peak = template(Gaussian(0.03), MASS, EDGES).shares
    found = model(Spectrum(EDGES, whole.counts + np.round(3000 * peak)))
    (only,) = found.attempts
    assert only.p_background < 0.05
    assert only.p_signal > 0.01
    assert only.good


def test_masses_near_the_ends_do_not_shrink_what_is_not_there():
    found = model(spoilt(2000, 2360, 0.5), mass=2150.0)
    assert [a.low for a in found.attempts][:2] == [2000, 2000]
    assert min(a.high for a in found.attempts) >= 2150 + SHRINK["above"] * DIJET.at(2150)
    found = model(spoilt(2000, 2360, 0.5), mass=6700.0)
    assert 2340 <= found.chosen.low < 2360 + SHRINK["step"] * DIJET.at(6700)
    assert found.chosen.high == 7000


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_ranges_are_made_of_the_resolution_in_any_unit_and_bins(unit):
    """Around 500 with 2 %: steps of 7, at least 20 below and 35 above, at edges that hold that."""
    edges = unit * np.linspace(392.0, 608.0, 21)
    data = Spectrum(edges, np.ones(20), Resolution(0.02))
    found = list(background.ranges(data, 500 * unit, settings()))
    assert found[0] == slice(0, 20)
    assert len(found) == len({(one.start, one.stop) for one in found})
    low, high = edges[found[-1].start] / unit, edges[found[-1].stop] / unit
    assert 480 - 10.8 - 7 < low <= 480
    assert 535 <= high < 535 + 10.8 + 7


def test_a_range_of_many_resolutions_has_few_steps():
    data = Spectrum(EDGES, np.ones(len(EDGES) - 1), Resolution(0.01))
    found = list(background.ranges(data, MASS, settings()))
    assert len(found) <= 2 * background.MOST_STEPS + 1
    assert EDGES[[found[-1].start, found[-1].stop]] == pytest.approx([MASS - 80, MASS + 140], abs=20)


@pytest.mark.parametrize("mass", [2000.0, 7000.0, 1500.0, 9000.0])
def test_mass_outside_the_range(mass):
    with pytest.raises(ConfigError, match=f"{mass:g} GeV is outside the fit range 2000 to 7000 GeV"):
        model(spectrum(1e4), mass=mass)


def test_relative_error_is_the_spread_of_toys():
    data = spectrum(3e4)
    function = Background("dijet", EDGES, SQRT_S, 3)
    fitted = fit(function, data.counts[None])
    toys = np.random.default_rng(5).poisson(fitted.background[0], (1000, len(X))).astype(float)
    refitted = fit(function, toys).background
    for mass in (2110.0, 4010.0, 6510.0):
        i = int(np.searchsorted(EDGES, mass)) - 1
        spread = refitted[:, i].std() / fitted.background[0, i]
        assert relative_error(fitted, mass) == pytest.approx(spread, rel=0.08)


FUNCTIONS = [Background(family, EDGES, SQRT_S, 2) for family in ("modified_exponential", "dijet", "exponential_power")]


def test_envelope_is_the_lowest_of_its_functions():
    counts = np.stack([spectrum(1e6, seed=seed).counts for seed in range(3)])
    exponential = FUNCTIONS[0].expected(fit(FUNCTIONS[0], counts[:1]).theta)
    counts = np.vstack([counts, exponential])
    peak = template(Gaussian(0.03), MASS, EDGES, named({"scale": 0.01}))
    for shape in (None, peak):
        found = profile(FUNCTIONS, counts, shape)
        singles = [fit(function, counts, shape) for function in FUNCTIONS]
        values = np.stack([one.deviance + one.function.n_parameters for one in singles])
        assert found.deviance == pytest.approx(values.min(axis=0))
        assert found.choice.tolist() == values.argmin(axis=0).tolist()
        assert (found.choice[:3] == 1).all()
        assert found.choice[3] == 0
        for b, choice in enumerate(found.choice):
            assert found.signal[b] == pytest.approx(singles[choice].signal[b])
            assert found.background[b] == pytest.approx(singles[choice].background[b])
            assert found.nuisances[b] == pytest.approx(singles[choice].nuisances[b])
        assert found.converged.all()
    assert found.best.function is FUNCTIONS[found.choice[0]]


def test_one_more_parameter_costs_one():
    functions = [Background("dijet", EDGES, SQRT_S, n) for n in (2, 5)]
    counts = spectrum(1e6).counts[None]
    two, five = (fit(function, counts).deviance[0] for function in functions)
    found = profile(functions, counts)
    assert 0 <= two - five < 3
    assert (found.choice[0], found.deviance[0]) == (0, pytest.approx(two + 3))


def test_families_each_have_their_own_order():
    data = spectrum(1e6, 1.0, seed=2)
    families = "families=[dijet,modified_exponential]"
    found = model(data, families, "shape_parameters=[2,4]")
    assert [f.family for f in found.functions] == ["dijet", "modified_exponential"]
    for function in found.functions:
        accepted = [t.shape_parameters for t in found.trials if t.family == function.family and t.accepted]
        assert function.shape_parameters == max([2, *accepted])
    best = found.background.best.function
    assert (found.chosen.family, found.chosen.shape_parameters) == (best.family, best.shape_parameters)
