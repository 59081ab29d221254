"""From efficiencies to limits, and the analysis of one spectrum in the data's words."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import poisson

from resonaut.core.errors import FitError
from resonaut.fit import analysis, point
from resonaut.fit.background import Resonance
from resonaut.fit.bare import settings_of
from resonaut.fit.limits import most, upper_limits
from resonaut.fit.search import Efficiency, Search, interpolated
from resonaut.fit.shapes import Gaussian
from resonaut.fit.signal import template
from resonaut.fit.sources import Combined, Source, named
from resonaut.fit.spectrum import Spectrum

EDGES = np.arange(3000.0, 6001.0, 50.0)
COUNTS = np.round(300 * (EDGES[:-1] / 3000) ** -8)
FAST = ["toys=0", "background.shape_parameters=[2,2]"]


def search(efficiency: Efficiency, *overrides: str, luminosity: float | None = 20.0) -> Search:
    settings = settings_of([*FAST, *overrides], 13000.0, [3500.0])
    return Search(Spectrum(EDGES, COUNTS), Gaussian(0.03), luminosity, {3500.0: efficiency}, settings)


def result(efficiency: Efficiency, folder, *overrides: str) -> dict:
    return analysis.run(search(efficiency, *overrides), folder).points[0]


def test_an_uncertainty_of_several_hundred_percent_spreads_the_limits_and_breaks_nothing(tmp_path) -> None:
    point = result(Efficiency(0.1, {"lund_prongs": 4.5}, measured=True), tmp_path)
    assert point.limit_events.expected_plus_2 > 4 * point.limit_events.expected
    assert point.limit.expected == pytest.approx(point.limit_events.expected / (0.1 * 20))
    certain = result(Efficiency(0.1, {}, measured=True), tmp_path)
    assert point.limit_events.expected > 3 * certain.limit_events.expected
    assert point.p_local == pytest.approx(certain.p_local, abs=1e-3)
    lund = point.nuisances["lund_prongs"]
    assert lund.limit_impact == pytest.approx(point.limit_events.expected / certain.limit_events.expected - 1, rel=1e-3)


def test_limits_of_wider_resonances(tmp_path) -> None:
    """Each is that of a search for so wide a signal; without a width of its own it is the signal's own."""
    unknown = Efficiency(None, {}, measured=False)
    point = result(unknown, tmp_path, "limit_widths=[0,0.04]")
    narrow, wide = point.limits_by_width
    assert [narrow.width, wide.width] == [0, 0.04]
    assert narrow.limit_events == point.limit_events_asymptotic
    alone = replace(search(unknown), shape=Gaussian(0.05))
    limits = upper_limits(alone.model(3500.0), alone.settings.confidence_level)
    assert wide.limit_events.observed == pytest.approx(limits.observed)
    assert wide.limit_events.expected == pytest.approx(limits.expected[2])
    assert wide.limit_events.expected > 1.2 * narrow.limit_events.expected


def test_no_limit_is_above_what_all_events_exclude() -> None:
    """Without background n events exclude the yield of which so few are seen in 5 % of all experiments."""
    scanned = search(Efficiency(None, {}, measured=False))
    model, level = scanned.model(3500.0), scanned.settings.confidence_level
    limits = upper_limits(model, level)
    assert point._more_than_all(model, limits, level) is None
    events = model.expected.sum()
    assert poisson.cdf(round(events), most(round(events), level)) == pytest.approx(0.05)
    assert "is expected" in point._more_than_all(model, limits.scaled(2 * events / limits.expected[2]), level)
    assert "is set" in point._more_than_all(model, replace(limits, observed=2 * COUNTS.sum()), level)


def test_a_resonance_floats_beside_wider_ones_though_their_range_is_another() -> None:
    scanned = search(Efficiency(None, {}, measured=False))
    shares = template(scanned.shape, 5000.0, scanned.spectrum.edges).shares
    found, part = Resonance(5000.0, 6.0, shares), slice(2, len(shares) - 2)
    one = scanned.model(3500.0, [found])
    assert one.resonances
    smaller = replace(one, bins=part, resonances=(found.within(part),))
    limits = upper_limits(one, scanned.settings.confidence_level)
    made = point._wider(scanned, smaller, 0.0)
    assert made.limit_events.expected == pytest.approx(limits.expected[2], rel=1e-3)


def test_an_efficiency_that_is_not_measured_gives_limits_in_events_alone(tmp_path) -> None:
    known = result(Efficiency(0.1, {}, measured=True), tmp_path)
    unknown = result(Efficiency(0.1, {"efficiency_statistics": 0.9}, measured=False), tmp_path)
    assert unknown.limit is None
    assert unknown.limit_events.expected == pytest.approx(known.limit_events.expected, rel=1e-2)
    assert "efficiency_statistics" not in unknown.nuisances


@pytest.mark.parametrize(("value", "luminosity"), [(0.0, 20.0), (None, 20.0), (0.1, None)])
def test_without_efficiency_or_luminosity_no_limits_in_fb(value, luminosity):
    assert search(Efficiency(value, {}, measured=True), luminosity=luminosity).events_per_fb(3500.0) is None


def test_sources_are_one_normalisation():
    found = Combined.of(named({"scale": 0.01, "lund_prongs": 0.3, "luminosity": 0.02, "resolution": 0.035})).nuisances
    assert found["scale"] == Source(position=0.01)
    assert found["resolution"] == Source(width=0.035)
    assert np.log1p(found["normalisation"].rate) == pytest.approx(np.hypot(np.log(1.3), np.log(1.02)))
    assert Combined.of({}).nuisances["normalisation"] == Source()


def test_the_reference_signal_is_in_fb_or_in_events(tmp_path):
    in_fb = result(Efficiency(0.1, {}, measured=True), tmp_path, "reference_signal=10")
    in_events = result(Efficiency(None, {}, measured=False), tmp_path, "reference_signal=20")
    # 10 fb x 20/fb x 0.1 = 20 events.
    assert in_fb.z_expected == pytest.approx(in_events.z_expected, rel=1e-3)
    assert in_fb.z_expected > 0.5


def test_background_under_the_peak(tmp_path):
    point = result(Efficiency(None, {}, measured=False), tmp_path)
    # A Gaussian of width sigma is diluted by the events in 2 sqrt(pi) sigma.
    wide = 2 * np.sqrt(np.pi) * 0.03 * 3500
    inside = COUNTS[(EDGES[:-1] == 3450) | (EDGES[:-1] == 3500)].mean() / 50 * wide
    assert point.background_under_peak == pytest.approx(inside, rel=0.05)


def test_few_events_have_limits_by_toys_and_poor_fits_are_warned_of(tmp_path, caplog):
    few = Spectrum(EDGES, np.random.default_rng(1).poisson(COUNTS / 20).astype(float))
    unknown = Efficiency(None, {}, measured=False)
    settings = settings_of(FAST, 13000.0, [5500.0])
    (point,) = analysis.run(Search(few, Gaussian(0.03), None, {5500.0: unknown}, settings), tmp_path).points
    assert point.limit_method == "toys"
    assert point.limit_events == point.limit_events_toys
    bands = [getattr(point.limit_events, f"expected{n}") for n in ("_minus_2", "_minus_1", "", "_plus_1", "_plus_2")]
    # An experiment that sees nothing excludes three events; the asymptotic formulae say less.
    assert 2.99 < bands[0] <= bands[1] <= bands[2] < bands[3] < bands[4]
    assert point.limit_events_asymptotic.expected_minus_2 < 2.5
    assert "fits well in no range" not in caplog.text
    caplog.clear()
    result(unknown, tmp_path, "background.shrink.min_p_smooth=1")
    assert "3500 GeV: the background fits well in no range" in caplog.text


def test_a_spectrum_without_a_fit_may_be_skipped(tmp_path) -> None:
    """Its masses say why, and it has all events in one bin; by default it ends the command."""
    few = Spectrum(EDGES, np.where(EDGES[:-1] < 3100, 1.0, 0.0))
    stopped = replace(search(Efficiency(None, {}, measured=False)), spectrum=few)
    with pytest.raises(FitError, match="has 2 bins with events"):
        analysis.run(stopped, tmp_path)
    skipped = replace(stopped, settings=replace(stopped.settings, unfitted="skip"))
    found = analysis.run(skipped, tmp_path)
    assert (found.points, found.global_, found.toys) == ([], None, None)
    assert [(one.mass, one.limit_reason[:34]) for one in found.failed] == [(3500, "the spectrum has 2 bins with event")]
    assert (found.background.counts, found.background.good) == ([2.0], False)
    # A spectrum that can be fitted is the same with both.
    whole = search(Efficiency(None, {}, measured=False), "unfitted=skip")
    assert [one.mass for one in analysis.run(whole, tmp_path).points] == [3500]


def test_efficiency_beyond_the_simulated_masses():
    sizes = {3000.0: (0.1, 0.05), 4000.0: (0.2, 0.15)}
    points = [Efficiency(value, {"lund_prongs": size}, measured=True) for value, size in sizes.values()]
    masses = np.array(list(sizes))
    between = Efficiency(pytest.approx(0.15), {"lund_prongs": pytest.approx(0.1)}, True)
    assert interpolated(3500.0, masses, points) == between
    assert interpolated(4500.0, masses, points) == Efficiency(0.2, {"lund_prongs": 0.15}, True, extrapolated=True)
    points.append(Efficiency(0.001, {"lund_prongs": 0.1}, measured=False))
    masses = np.append(masses, 4500.0)
    found = [interpolated(m, masses, points).measured for m in (3500.0, 4000.0, 4100.0, 4500.0)]
    assert found == [True, True, False, False]


def test_a_signal_of_which_nothing_is_selected_has_no_lund_uncertainty():
    nothing = Efficiency(0.0, {"luminosity": 0.02}, measured=False)
    something = Efficiency(0.2, {"lund_prongs": 0.1, "luminosity": 0.02}, measured=True)
    found = interpolated(3750.0, np.array([3000.0, 4000.0]), [nothing, something])
    assert found.uncertainties == pytest.approx({"lund_prongs": 0.075, "luminosity": 0.02})
    assert not found.measured
