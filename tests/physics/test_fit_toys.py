"""Toys: p-values are uniform without a signal, injected events are found within their error, global p-values hold."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from resonaut.fit import background, bias, lookelsewhere
from resonaut.fit.background import Model
from resonaut.fit.bare import settings_of
from resonaut.fit.envelope import profile
from resonaut.fit.family import Background
from resonaut.fit.likelihood import fit
from resonaut.fit.scan import significance
from resonaut.fit.shapes import Gaussian
from resonaut.fit.sources import named
from resonaut.fit.spectrum import Spectrum

SQRT_S = 13000.0
EDGES = np.arange(2500.0, 7001.0, 20.0)
MASS = 3500.0
TOYS = 1000


def truth(events: float) -> np.ndarray:
    """A falling spectrum (N,) of the demo's slope that no dijet function matches exactly."""
    m = (EDGES[:-1] + EDGES[1:]) / 2
    shape = np.exp(-m / 560 - 0.1 * (m / 3000) ** 2)
    return events * shape / shape.sum()


def model(events: float, *overrides: str, mass: float = MASS, **uncertainties: float) -> Model:
    """The model at one mass, for a spectrum that is the truth itself; two shape parameters unless overridden."""
    settings = settings_of(["background.shape_parameters=[2,2]", *overrides], SQRT_S, [mass])
    spectrum = Spectrum(EDGES, np.round(truth(events)) if events > 1000 else truth(events))
    return background.model(spectrum, Gaussian(0.04), mass, SQRT_S, settings.background, named(uncertainties))


def toys(expected: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(expected, (TOYS, len(expected))).astype(float)


@pytest.mark.parametrize("events", [350, 5000])
def test_background_only_p_values_are_uniform(events):
    one, counts = model(events), toys(truth(events), 1)
    alone = profile(one.functions, counts)
    both = profile(one.functions, counts, one.template)
    assert alone.converged.all()
    assert both.converged.mean() > 0.998
    q0, p_local, z_local = significance(alone.deviance, both)
    assert stats.kstest(z_local, "norm").pvalue > 0.01
    above = int(np.count_nonzero(z_local > 2))
    assert stats.binomtest(above, TOYS, stats.norm.sf(2)).pvalue > 0.01
    # One-sided: deficits have q0 = 0 and p = 0.5.
    assert (p_local[z_local < 0] == 0.5).all()
    assert (q0[z_local < 0] == 0).all()
    assert stats.norm.isf(p_local[z_local > 0]) == pytest.approx(z_local[z_local > 0])


@pytest.mark.parametrize("events", [350, 5000])
def test_uncertainties_of_the_shape_do_not_widen_significances(events):
    settings = settings_of(["background.shape_parameters=[2,2]"], SQRT_S, [MASS]).background
    # Narrow: with a free scale of 1 % the peak would move to the nearest fluctuation, and z be wider by 8 to 10 %.
    sources = named({"scale": 0.01, "resolution": 0.035})
    own = background.model(Spectrum(EDGES, truth(events)), Gaussian(0.02), MASS, SQRT_S, settings, sources)
    counts = np.random.default_rng(3).poisson(truth(events), (5000, len(EDGES) - 1)).astype(float)
    z = lookelsewhere.local_significances([own], counts)[:, 0]
    # Four standard deviations of the width of 5000 toys, and a percent for the approximation.
    assert z.std() == pytest.approx(1, abs=0.05)
    assert np.mean(z > 2) < stats.norm.sf(2) + 0.008


@pytest.mark.parametrize("events", [350, 5000])
def test_injected_events_are_recovered_and_covered_with_toys_of_another_family(events):
    settings = settings_of([f"bias.toys={TOYS}"], SQRT_S, [MASS]).bias
    one = model(events)
    chosen = settings_of(["background.shape_parameters=[2,2]"], SQRT_S, [MASS]).background

    def again(spectrum: Spectrum) -> Model:
        return background.model(spectrum, Gaussian(0.04), MASS, SQRT_S, chosen, {})

    points = bias.bias(one, again, bias.truth_fit(one, settings), settings, 0.95, np.random.default_rng(2))
    assert [point.injected_sigma for point in points] == [0, 2, 5]
    for point in points:
        assert abs(point.pull_mean) < 0.2
        assert 0.9 < point.pull_width < 1.1
        assert abs(point.spurious_relative) < 0.2
        # The injected yields are those of 0, 2 and 5 sigma.
        assert point.z_mean == pytest.approx(point.injected_sigma, abs=0.2)
        # CLs covers at least 95 %; the second term is 3.7 standard deviations, once in 10^4.
        assert point.coverage > 0.95 - 3.7 * np.sqrt(0.95 * 0.05 / TOYS)


def test_the_envelope_removes_the_bias_of_a_wrong_family():
    # So many events that two parameters of the dijet function cannot follow an exponential times a power.
    edges = np.arange(1500.0, 8001.0, 50.0)
    x = (edges[:-1] + edges[1:]) / 2 / SQRT_S
    shape = np.exp(-11 * x) / x**5
    spectrum = Spectrum(edges, np.round(6e6 * shape / shape.sum()))
    settings = settings_of(["bias.toys=500", "bias.injected=[0]"], SQRT_S, [MASS]).bias
    expected = fit(Background("exponential_power", edges, SQRT_S, 2), spectrum.counts[None])
    pulls = {}
    for families in ("[dijet]", "[dijet,exponential_power]"):
        overrides = [f"background.families={families}", "background.shape_parameters=[2,2]"]
        overrides += ["background.shrink.min_p_background=0", "background.shrink.min_p_smooth=0"]
        chosen = settings_of(overrides, SQRT_S, [MASS]).background
        again = partial(background.model, shape=Gaussian(0.04), mass=MASS, sqrt_s=SQRT_S, settings=chosen, nuisances={})
        pulls[families] = bias.bias(again(spectrum), again, expected, settings, 0.95, np.random.default_rng(3))[
            0
        ].pull_mean
    wrong, envelope = pulls.values()
    assert abs(wrong) > 0.5
    assert abs(envelope) < 0.2


def test_nuisances_leave_a_strong_signal_where_it_is():
    one = model(5000, scale=0.01, resolution=0.035)
    error = float(profile(one.functions, truth(5000)[None], one.template).signal_error[0])
    counts = toys(truth(5000) + 8 * error * one.template.shares, 5)
    both = profile(one.functions, counts, one.template)
    pulls = (both.signal - 8 * error) / both.signal_error
    assert abs(pulls.mean()) < 0.2
    assert 0.9 < pulls.std() < 1.1
    # The scale is measured by the peak and not by its prior alone.
    scale = both.nuisances[:, 0]
    assert abs(scale.mean()) < 0.1
    assert 0.3 < scale.std() < 0.95


def test_missing_signal_model_is_noticed():
    # The same toys with the signal looked for elsewhere: the pulls above can fail.
    counts = toys(truth(5000) + 200 * model(5000).template.shares, 9)
    found = {}
    for mass in (MASS, 5000.0):
        one = model(5000, mass=mass)
        both = profile(one.functions, counts, one.template)
        found[mass] = abs((both.signal / both.signal_error).mean())
    assert found[MASS] > 4
    assert found[5000.0] < 2


def test_gross_vitells_agrees_with_toys_near_three_sigma():
    events, masses = 20000, np.arange(2700.0, 5601.0, 40.0)
    edges = np.arange(2500.0, 7001.0, 50.0)
    settings = settings_of(["background.shape_parameters=[2,2]"], SQRT_S, []).background
    middle = (edges[:-1] + edges[1:]) / 2
    counts = np.exp(-middle / 560 - 0.1 * (middle / 3000) ** 2)
    spectrum = Spectrum(edges, np.round(events * counts / counts.sum()))
    models = [background.model(spectrum, Gaussian(0.03), mass, SQRT_S, settings, {}) for mass in masses]
    scans = lookelsewhere.scan_toys(models, [], len(edges) - 1, 12000, np.random.default_rng(1))
    for z in (2.6, 2.8, 3.0):
        by_toys = float(np.mean(scans.z_max >= z))
        assert by_toys * len(scans.z_max) > 300
        assert lookelsewhere.gross_vitells(z, scans.up_crossings) == pytest.approx(by_toys, rel=0.2)


def test_global_p_values_of_background_are_uniform():
    # Spectra without a signal, each with toys of its own: their global p-values know nothing of the scan.
    settings = settings_of(["background.shape_parameters=[2,2]"], SQRT_S, []).background
    edges, masses = np.arange(2500.0, 7001.0, 100.0), (3000.0, 3300.0, 3600.0, 3900.0)
    middle = (edges[:-1] + edges[1:]) / 2
    expected = np.exp(-middle / 560)
    found = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        spectrum = Spectrum(edges, rng.poisson(3000 * expected / expected.sum()).astype(float))
        models = [background.model(spectrum, Gaussian(0.04), mass, SQRT_S, settings, {}) for mass in masses]
        z = lookelsewhere.local_significances(models, spectrum.counts[None])[0]
        scans = lookelsewhere.scan_toys(models, [], len(edges) - 1, 200, rng)
        found.append(lookelsewhere.combine([(0.0, float(z.max()), scans)]).p_toys)
    assert stats.kstest(found, "uniform").pvalue > 1e-4
    assert np.mean(np.array(found) < 0.05) < 0.05 + 3.7 * np.sqrt(0.05 * 0.95 / len(found))
