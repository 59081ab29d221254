"""Significances and errors at one mass, limits in a few bins, and the look-elsewhere effect by formula."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy.stats import norm

from resonaut.fit import background, lookelsewhere, scan
from resonaut.fit.background import Model
from resonaut.fit.bare import settings_of
from resonaut.fit.envelope import profile
from resonaut.fit.limits import cls_values, q_tilde, upper_limits
from resonaut.fit.lookelsewhere import ScanToys, combine, gross_vitells
from resonaut.fit.results.scans import Global
from resonaut.fit.shapes import Gaussian
from resonaut.fit.sources import named
from resonaut.fit.spectrum import Spectrum

SQRT_S, MASS = 13000.0, 4010.0
EDGES = np.arange(2000.0, 7001.0, 20.0)
SETTINGS = settings_of(["background.shape_parameters=[2,2]"], SQRT_S, [MASS]).background
WHOLE = settings_of(
    [f"background.{key}" for key in ("shape_parameters=[2,2]", "shrink.min_p_background=0", "shrink.min_p_smooth=0")],
    SQRT_S,
    [],
).background


def model(events: float, signal: float = 0.0, width: float = 0.03, mass: float = MASS, **uncertainties: float) -> Model:
    """The model of a dijet function of two parameters, as expected, with a signal on top of it."""
    x = (EDGES[:-1] + EDGES[1:]) / 2 / SQRT_S
    shape = (1 - x) ** 9 / x**5.5
    share = np.diff(Gaussian(width).cumulative(MASS, EDGES / MASS))
    spectrum = Spectrum(EDGES, events * shape / shape.sum() + signal * share)
    return background.model(spectrum, Gaussian(width), mass, SQRT_S, SETTINGS, named(uncertainties))


def test_a_signal_is_found_as_it_was_put_in():
    found = scan.search(model(1e5, 400))
    assert found.signal_yield.value == pytest.approx(400, abs=2)
    assert found.signal.sum() == pytest.approx(found.signal_yield.value)
    assert found.z_local == pytest.approx(np.sqrt(found.q0))
    assert found.p_local == pytest.approx(norm.sf(found.z_local))
    assert found.expected == pytest.approx(model(1e5, 400).spectrum.counts, rel=1e-2)


def test_a_deficit():
    found = scan.search(model(1e6, -400))
    assert found.signal_yield.value == pytest.approx(-400, abs=2)
    assert found.z_local < -3
    assert (found.q0, found.p_local) == (0.0, 0.5)


def test_the_significance_is_that_of_the_nominal_shape():
    # Half a width beside the mass: with a free scale the fit follows the signal.
    loose, stiff = (scan.search(model(1e4, 100, width=0.02, mass=0.99 * MASS, **u)) for u in ({"scale": 0.02}, {}))
    assert loose.nuisances["scale"].pull > 0.3
    assert loose.floating.value > stiff.floating.value + 1
    assert (loose.z_local, loose.p_local) == pytest.approx((stiff.z_local, stiff.p_local), rel=1e-6)
    assert loose.z_local < scan.search(model(1e4, 100, width=0.02)).z_local


def test_errors_of_a_deficit_with_a_minimum_on_either_side_in_the_scale():
    edges = np.arange(3000.0, 8001.0, 20.0)
    counts = np.exp(-(edges[:-1] + 10) / 560)
    counts *= 160 / counts.sum()
    # A toy in which the free fit and the one held at its yield, both from no shift, would end in different minima.
    counts[15:36] = [3, 6, 1, 1, 2, 5, 3, 1, 0, 1, 2, 1, 0, 0, 1, 1, 1, 2, 2, 1, 1]
    own = background.model(Spectrum(edges, counts), Gaussian(0.01), 3500, SQRT_S, WHOLE, named({"scale": 0.01}))
    free = profile(own.functions, counts[None], own.template, start=own.background.start)
    held, stuck = (
        profile(own.functions, counts[None], own.template, free.signal, free.start, None, begin)
        for begin in (None, np.zeros((1, 1)))
    )
    assert held.deviance == pytest.approx(free.deviance, abs=1e-3)
    assert stuck.deviance > free.deviance + 1
    found = scan.search(own)
    assert 1 < found.floating.error_down < found.floating.error_up < 3


def test_significance_of_a_batch():
    one = model(1e5)
    counts = np.stack([model(1e5, signal).spectrum.counts for signal in (-300, 0, 300)])
    alone, both = profile(one.functions, counts), profile(one.functions, counts, one.template)
    q0, p_local, z_local = scan.significance(alone.deviance, both)
    single = scan.search(model(1e5, 300))
    assert (q0[2], p_local[2], z_local[2]) == pytest.approx((single.q0, single.p_local, single.z_local))
    assert z_local[0] < -2
    assert (q0[0], p_local[0]) == (0.0, 0.5)
    assert z_local[1] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("events", [1e4, 1e6])
@pytest.mark.parametrize("s", [10.0, 50.0])
def test_expected_significance_of_a_counting_experiment(events, s):
    # All of the signal is in one bin, and the others know the background there.
    one = model(events, width=0.0003)
    assert one.template.shares.max() > 0.999
    b = one.background.background[0][int(np.argmax(one.template.shares))]
    wanted = np.sqrt(2 * ((s + b) * np.log(1 + s / b) - s))
    assert scan.expected_significance(one, s) == pytest.approx(wanted, rel=0.03)


def test_expected_significance_grows_with_the_signal_and_not_with_the_data():
    quiet, excess = model(1e5), model(1e5, 200)
    values = [scan.expected_significance(quiet, s) for s in (50, 100, 200)]
    assert values[0] == pytest.approx(values[2] / 4, rel=0.1)
    assert values == sorted(values)
    assert scan.expected_significance(excess, 100) == pytest.approx(values[1], rel=2e-3)


def test_errors_of_many_events_are_parabolic():
    one = model(1e6, 1500)
    found = scan.search(one)
    parabolic = float(profile(one.functions, one.spectrum.counts[None], one.template).signal_error[0])
    assert found.floating.error_up == pytest.approx(parabolic, rel=0.01)
    assert found.floating.error_down == pytest.approx(parabolic, rel=0.01)


def test_errors_of_few_events_are_not_symmetric():
    one = model(1000, 8, width=0.01)
    found = scan.search(one)
    assert found.floating.error_up > 1.05 * found.floating.error_down
    for signal in (found.floating.value + found.floating.error_up, found.floating.value - found.floating.error_down):
        held = profile(one.functions, one.spectrum.counts[None], one.template, np.array([signal]))
        free = profile(one.functions, one.spectrum.counts[None], one.template)
        assert held.deviance[0] - free.deviance[0] == pytest.approx(1, abs=1e-3)


def test_nuisances_widen_the_errors():
    plain = scan.search(model(1e5, 500))
    moved = scan.search(model(1e5, 500, scale=0.01, resolution=0.1))
    assert moved.floating.error_up > plain.floating.error_up
    # The data are as expected: nothing is pulled.
    for nuisance in moved.nuisances.values():
        assert nuisance.pull == pytest.approx(0, abs=0.02)
        assert 0 < nuisance.error < 1
    assert plain.nuisances == {}


def test_impact_of_a_wider_signal_is_positive():
    # With a wider peak more of the events under it are signal; with a deficit the other way round.
    for signal in (500, -500):
        impact = scan.search(model(1e6, signal, resolution=0.1)).nuisances["resolution"].impact
        assert np.sign(impact) == np.sign(signal)


def test_impact_of_the_normalisation():
    # More signal per yield makes the yield smaller; the data say nothing about it.
    found = scan.search(model(1e5, 500, normalisation=0.3))
    assert found.nuisances["normalisation"].error == pytest.approx(1, abs=1e-3)
    assert found.nuisances["normalisation"].impact == pytest.approx(-np.log(1.3) * found.floating.value, rel=1e-3)


@pytest.mark.parametrize("name", ["scale", "resolution"])
def test_impact_is_what_a_shifted_measurement_does(name):
    one = model(1e5, 500, **{name: 0.02})
    found = scan.search(one).nuisances[name]
    shifted = [
        profile(one.functions, one.spectrum.counts[None], one.template, observed=np.array([[eta]])).signal[0]
        for eta in (-0.1, 0.1)
    ]
    # d yield / d measurement is the covariance of both, in units of the prior's width.
    assert found.impact * found.error == pytest.approx((shifted[1] - shifted[0]) / 0.2, rel=0.1, abs=0.2)


@pytest.mark.parametrize(
    ("low", "high", "counts"),
    [(3500, 4500, [9, 3, 5, 1, 1]), (3800, 4200, [9, 3, 5, 1, 1]), (3900, 4100, [40, 24, 24, 12])],
)
def test_few_bins_beside_a_wide_signal(low, high, counts):
    """The background can be almost anything there; CLs at the limits is 5 % nonetheless."""
    edges = np.linspace(low, high, len(counts) + 1)
    one = background.model(Spectrum(edges, np.array(counts, float)), Gaussian(0.04), 4000.0, SQRT_S, WHOLE, {})
    found = upper_limits(one, 0.95)
    observed, median = np.array([found.observed]), found.expected[2:3]
    start, asimov = one.background.start, one.expected[None]
    cls = [
        cls_values(q_tilde(one, one.spectrum.counts[None], y, start), q_tilde(one, asimov, y, start))
        for y in (observed, median)
    ]
    assert cls[0][0][0] == pytest.approx(0.05, rel=0.05)
    assert cls[1][1][2, 0] == pytest.approx(0.05, rel=0.05)
    excess = scan.search(one)
    assert excess.floating.error_up > 0
    assert excess.floating.error_down > 0


def test_gross_vitells():
    # Eq. 3 of arXiv:1005.1891 with 4.2 up-crossings of q0 = 1, at 3 sigma.
    assert gross_vitells(3.0, 4.2) == pytest.approx(0.00134990 + 4.2 * np.exp(-4), rel=1e-5)
    assert gross_vitells(5.0, 0.0) == pytest.approx(norm.sf(5))
    assert gross_vitells(0.0, 100.0) == 1.0


def test_the_same_spectrum_has_the_same_toys():
    one = model(1e4)
    counts = one.spectrum.counts

    def toys(seed, counts):
        return lookelsewhere.scan_toys([one], [], len(counts), 20, lookelsewhere.generator(seed, counts)).z_max

    assert toys(1, counts).tolist() == toys(1, counts.copy()).tolist()
    assert (toys(1, counts) != toys(2, counts)).any()
    other = counts.copy()
    other[5] += 1
    assert (toys(1, counts) != toys(1, other)).any()


def test_toys_in_batches(monkeypatch):
    models = [model(1e4, mass=mass) for mass in (3000.0, 4000.0, 5000.0)]
    whole = lookelsewhere.scan_toys(models, [], len(EDGES) - 1, 50, np.random.default_rng(1))
    monkeypatch.setattr(lookelsewhere, "BATCH", 20)
    parts = lookelsewhere.scan_toys(models, [], len(EDGES) - 1, 50, np.random.default_rng(1))
    assert parts.z_max == pytest.approx(whole.z_max)
    assert parts.up_crossings == whole.up_crossings
    # The largest of three standard normal numbers, almost; one up-crossing of 1 between two masses is rare.
    assert np.median(whole.z_max) == pytest.approx(norm.ppf(0.5 ** (1 / 3)), abs=0.4)
    assert 0.05 < whole.up_crossings < 0.6


def test_local_significances_are_those_of_single_scans():
    models = [model(1e4, mass=mass) for mass in (3000.0, 4000.0)]
    smaller = settings_of(["background.shape_parameters=[2,2]"], SQRT_S, []).background
    rest = Spectrum(EDGES[20:], models[0].spectrum.counts[20:])
    cut = background.model(rest, Gaussian(0.03), 5000.0, SQRT_S, smaller, {})
    # The same bins as seen from the whole range.
    models.append(replace(cut, bins=slice(20, 250)))
    counts = np.random.default_rng(3).poisson(models[0].background.background[0], (2, 250)).astype(float)
    z = lookelsewhere.local_significances(models, counts)
    for t in range(2):
        for i, one in enumerate(models):
            own = Spectrum(EDGES[one.bins.start :], counts[t, one.bins])
            again = background.model(own, Gaussian(0.03), one.mass, SQRT_S, WHOLE, {})
            assert z[t, i] == pytest.approx(scan.search(again).z_local, abs=1e-3)


def test_combine_by_counting():
    toys = ScanToys(np.linspace(0.01, 4.0, 400), up_crossings=0.5)
    found = combine([(3000.0, 3.0, toys)])
    assert (found.mass, found.z_local, found.toys) == (3000.0, 3.0, 400)
    assert found.p_toys == pytest.approx(101 / 400)
    assert found.p_toys_error == pytest.approx(np.sqrt(101 / 400 * 299 / 400 / 400))
    assert found.p_gross_vitells == pytest.approx(gross_vitells(3.0, 0.5))
    assert found.z_global == pytest.approx(norm.isf(101 / 400))


def test_beyond_all_toys_the_formula_is_better():
    found = combine([(3000.0, 5.0, ScanToys(np.linspace(0, 4, 400), up_crossings=0.5))])
    assert (found.p_toys, found.p_toys_error) == (0.0, 1 / 400)
    assert found.z_global == pytest.approx(norm.isf(gross_vitells(5.0, 0.5)))


def test_combine_several_scans():
    toys = [ScanToys(np.array([0.5, 1.5, 2.5, 0.1]), 0.4), ScanToys(np.array([2.4, 0.3, 0.2, 0.0]), 0.6)]
    found = combine([(3000.0, 1.0, toys[0]), (4000.0, 2.3, toys[1])])
    assert (found.mass, found.z_local, found.toys) == (4000.0, 2.3, 4)
    # Largest of both in each toy: 2.4, 1.5, 2.5, 0.1.
    assert found.p_toys == 0.5
    assert found.p_gross_vitells == pytest.approx(gross_vitells(2.3, 0.4) + gross_vitells(2.3, 0.6))


@pytest.mark.parametrize("scans", [[None], [ScanToys(np.array([]), 0.0)], [ScanToys(np.array([1.0]), 0.1), None]])
def test_without_toys_no_global_significance(scans):
    found = combine([(3000.0 + i, 1.0 + i, toys) for i, toys in enumerate(scans)])
    last = 2999.0 + len(scans)
    assert found == Global(
        mass=last,
        z_local=last - 2999.0,
        p_toys=None,
        p_toys_error=None,
        p_gross_vitells=None,
        z_global=None,
        trials=None,
        z_local_needed=None,
        toys=0,
    )


def test_trials_and_the_local_significance_of_a_discovery():
    toys = [ScanToys(np.linspace(0.01, 4.0, 400), crossings) for crossings in (0.5, 3.0)]
    found = combine([(3000.0, 3.0, toys[0]), (4000.0, 1.0, toys[1])])
    assert found.trials == pytest.approx((gross_vitells(5.0, 0.5) + gross_vitells(5.0, 3.0)) / norm.sf(5.0))
    z = found.z_local_needed
    assert z == pytest.approx(np.sqrt(25 + 2 * np.log(found.trials)))
    assert z > 5.5
    # What the toys' formula says there.
    assert norm.isf(gross_vitells(z, 0.5) + gross_vitells(z, 3.0)) == pytest.approx(5, abs=0.01)


def test_scans_without_up_crossings_are_one_trial_each():
    toys = ScanToys(np.array([1.0, 0.5]), 0.0)
    assert combine([(3000.0, 1.0, toys)]).trials == pytest.approx(1)
    assert combine([(3000.0, 1.0, toys)]).z_local_needed == pytest.approx(5)
    assert combine([(3000.0, 1.0, toys), (3500.0, 1.0, toys)]).trials == pytest.approx(2)


@pytest.mark.parametrize("z", [-4.0, 0.0, 45.0])
@pytest.mark.parametrize("toys", [5, 50])
def test_extreme_excesses_can_be_written(z, toys):
    # JSON knows no infinity.
    found = combine([(3000.0, z, ScanToys(np.linspace(0.1, 3, toys), 2.0))])
    json.dumps(asdict(found), allow_nan=False)
    assert 0 <= found.p_toys <= 1
