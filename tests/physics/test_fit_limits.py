"""CLs limits: textbook values, toys, pyhf's own limit finder, coverage."""

import math
from dataclasses import replace

import numpy as np
import pyhf
import pytest
from scipy import stats
from scipy.optimize import brentq

from resonaut.fit import background, coarse, limits, toylimits, workspace
from resonaut.fit.background import Model, Resonance
from resonaut.fit.bare import settings_of
from resonaut.fit.envelope import profile
from resonaut.fit.limits import Limits, upper_limits
from resonaut.fit.shapes import Gaussian
from resonaut.fit.signal import template
from resonaut.fit.sources import Combined, named
from resonaut.fit.spectrum import Spectrum

EDGES = np.arange(2500.0, 7001.0, 20.0)
SIZES = {"scale": 0.01, "resolution": 0.035, "efficiency_statistics": 0.08, "lund_prongs": 0.1, "luminosity": 0.016}
# Two shape parameters in the whole range, however good the fit.
FIXED = [
    "background.shape_parameters=[2,2]",
    "background.shrink.min_p_background=0",
    "background.shrink.min_p_smooth=0",
]
SETTINGS = settings_of(FIXED, 13000, []).background


def expected(events: float) -> np.ndarray:
    m = (EDGES[:-1] + EDGES[1:]) / 2
    return events * np.exp(-m / 500) / np.exp(-m / 500).sum()


def model(counts: np.ndarray, uncertainties: dict[str, float] | None = None, mass: float = 3500.0) -> Model:
    sizes = Combined.of(named(uncertainties or {})).nuisances
    return background.model(Spectrum(EDGES, counts), Gaussian(0.04), mass, 13000, SETTINGS, sizes)


def poisson(events: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).poisson(expected(events)).astype(float)


def test_asymptotic_values_of_many_events():
    # Without an excess the observed limit is the median, which is 1.96 sigma; bands: eq. 89 of 1007.1727.
    one = model(expected(1e6))
    found = upper_limits(one, 0.95)
    sigma = float(profile(one.functions, one.background.background, one.template).signal_error[0])
    bands = [stats.norm.isf(0.05 * stats.norm.cdf(n)) + n for n in (-2, -1, 0, 1, 2)]
    assert found.expected / sigma == pytest.approx(bands, rel=0.01)
    # The data are this function only up to the difference between an exponential and the dijet function.
    asimov = model(one.background.background[0])
    assert upper_limits(asimov, 0.95).observed / sigma == pytest.approx(1.96, rel=0.01)


def test_cls_of_pyhf_calculators():
    # A counting experiment in the same formulae: q-tilde values below and above the Asimov value.
    q, q_asimov = np.array([0.5, 2.0, 9.0]), np.array([1.0, 2.5, 4.0])
    observed, bands = limits.cls_values(q, q_asimov)
    for i in range(3):
        calculator = pyhf.infer.calculators.AsymptoticTestStatDistribution
        root, asimov = math.sqrt(q[i]), math.sqrt(q_asimov[i])
        value = root - asimov if root <= asimov else (q[i] - q_asimov[i]) / (2 * asimov)
        both, alone = calculator(-asimov), calculator(0.0)
        assert observed[i] == pytest.approx(float(both.pvalue(value)) / float(alone.pvalue(value)))
        # The band at n sigma above the median comes from data fluctuating up, that is to lower q.
        median = [float(both.pvalue(-n)) / float(alone.pvalue(-n)) for n in limits.BANDS]
        assert bands[:, i] == pytest.approx(median)


def test_uncertainties_weaken_the_limit():
    counts = poisson(3000, 3)
    medians = [
        upper_limits(model(counts, sizes), 0.95).expected[2]
        for sizes in ({}, {"scale": 0.03}, {"resolution": 0.3}, {"luminosity": 0.3})
    ]
    assert all(median > 1.01 * medians[0] for median in medians[1:])


SOURCES = named({"scale": 0.01, "resolution": 0.05, "luminosity": 0.1})


@pytest.mark.parametrize(("events", "mass"), [(300, 3500), (5000, 3500), (100000, 4200)])
def test_exported_model_gives_the_limit_of_the_direct_likelihood(events, mass):
    one = model(poisson(events, events), SIZES, mass)
    # pyhf's Asimov data are those of the background-only fit.
    direct = upper_limits(replace(one, expected=one.background.background[0]), 0.95)
    unit = float(direct.expected[2])
    exported = workspace.build(one, unit, named(SIZES), direct.observed)
    ours = workspace.upper_limits(exported, direct.scaled(1 / unit), 0.95)
    assert ours.observed * unit == pytest.approx(direct.observed, rel=0.02)
    assert ours.expected * unit == pytest.approx(direct.expected, rel=0.02)


BESIDE, FLOATING = (3700.0, 0), (4500.0, 1)


@pytest.fixture(scope="module", params=[BESIDE, FLOATING], ids=["beside a peak", "with a floating resonance"])
def exported(request):
    """A file of 8 sigma at another mass, and our limits in its units; in wide bins, as pyhf is slow."""
    mass, floating = request.param
    edges = np.geomspace(2500.0, 7000.0, 31)
    m = (edges[:-1] + edges[1:]) / 2
    falling = np.diff(edges) * np.exp(-m / 500)
    peak = template(Gaussian(0.04), 3500.0, edges).shares
    counts = np.random.default_rng(3).poisson(5000 * falling / falling.sum() + 220 * peak).astype(float)
    others = [Resonance(3500.0, 8.0, peak)] * floating
    nuisances = Combined.of(SOURCES).nuisances
    one = background.model(Spectrum(edges, counts), Gaussian(0.04), mass, 13000, SETTINGS, nuisances, others)
    direct = upper_limits(replace(one, expected=one.background.background[0]), 0.95)
    unit = float(direct.expected[2])
    return workspace.build(one, unit, SOURCES, direct.observed), direct.scaled(1 / unit)


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
@pytest.mark.parametrize("optimizer", ["scipy", "minuit"])
def test_any_pyhf_user_finds_the_same_limit(exported, optimizer):
    file, ours = exported
    pyhf.set_backend("numpy", optimizer)
    opened = pyhf.Workspace(file)
    found = opened.model()

    def cls(mu):
        observed, bands = pyhf.infer.hypotest(mu, opened.data(found), found, return_expected_set=True)
        return float(observed), float(bands[2])

    for limit, which in ((ours.observed, 0), (float(ours.expected[2]), 1)):
        assert cls(0.98 * limit)[which] > 0.05 > cls(1.02 * limit)[which]


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_pyhf_looks_for_the_limit_where_it_is(exported):
    file, ours = exported
    pyhf.set_backend("numpy", "scipy")
    opened = pyhf.Workspace(file)
    found = opened.model()
    # upper_limit, which calls this, begins at mu = 0, where pyhf divides by a statistic that is 0 but for rounding.
    scan = pyhf.infer.intervals.upper_limits.toms748_scan
    observed, bands = scan(opened.data(found), found, bounds_low=0.01, bounds_up=10)
    assert float(observed) == pytest.approx(ours.observed, rel=0.02)
    assert [float(b) for b in bands] == pytest.approx(ours.expected, rel=0.02)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_any_cabinetry_user_finds_the_same_limit(exported):
    cabinetry = pytest.importorskip("cabinetry")
    file, ours = exported
    found = cabinetry.fit.limit(*cabinetry.model_utils.model_and_data(file))
    assert found.observed_limit == pytest.approx(ours.observed, rel=0.02)
    assert found.expected_limit == pytest.approx(ours.expected, rel=0.02)


def heavy_peak(events: float) -> Model:
    """A model in narrow bins with a narrow signal, and a strong one in its data."""
    edges = np.arange(2500.0, 7001.0, 4.0)
    falling = np.exp(-(edges[:-1] + 2) / 500)
    truth = events * falling / falling.sum()
    peak = template(Gaussian(0.02), 3500.0, edges).shares
    strength = 5 * np.sqrt(truth @ peak / (peak @ peak))
    counts = np.random.default_rng(5).poisson(truth + strength * peak).astype(float)
    sizes = named({"scale": 0.01, "resolution": 0.035, "normalisation": 0.1})
    return background.model(Spectrum(edges, counts), Gaussian(0.02), 3600.0, 13000, SETTINGS, sizes)


@pytest.mark.parametrize("events", [100, 1000, 20000])
def test_fewer_bins_leave_the_limits_as_they_are(events):
    one = heavy_peak(events)
    fine = upper_limits(one, 0.95)
    cuts = coarse.cuts(one, float(fine.expected[2]))
    assert len(cuts) < len(one.spectrum.edges) / 5
    few = upper_limits(coarse.merged(one, cuts), 0.95)
    assert few.observed == pytest.approx(fine.observed, rel=0.02)
    assert few.expected == pytest.approx(fine.expected, rel=0.01)


def test_bins_end_where_data_move_least():
    one = heavy_peak(20000)
    fine = upper_limits(one, 0.95)
    cuts = coarse.cuts(one, float(fine.expected[2]))
    by_rank = np.unique(np.linspace(0, len(one.spectrum.counts), len(cuts)).round().astype(int))
    moved = [upper_limits(coarse.merged(one, some), 0.95).observed / fine.observed - 1 for some in (cuts, by_rank)]
    assert abs(moved[0]) < 0.003 < abs(moved[1])


def test_exported_model_has_few_samples():
    one = heavy_peak(1000)
    exported = workspace.build(one, 50.0, SOURCES, 100.0)
    samples = exported["channels"][0]["samples"]
    assert len(samples) < 60
    # Together they are the fit, and none but the signal's reaches another's bins.
    blocks = np.array([one["data"] for one in samples if one["name"].startswith("background")])
    assert ((blocks > 0).sum(axis=0) == 1).all()


def test_limit_far_from_where_it_is_looked_for_is_an_error():
    one = model(poisson(1000, 1))
    direct = upper_limits(one, 0.95)
    exported = workspace.build(one, float(direct.expected[2]), {}, direct.observed)
    wrong = Limits(0.2, np.full(5, 0.2))
    with pytest.raises(workspace.PyhfError, match="does not cross"):
        workspace.upper_limits(exported, wrong, 0.95)


def test_limits_by_toys_agree_where_there_are_events():
    one = model(poisson(5000, 11), {"scale": 0.01, "resolution": 0.035, "normalisation": 0.1})
    asymptotic = upper_limits(one, 0.95)
    toys = toylimits.toy_limits(one, asymptotic, 0.95, 1000, np.random.default_rng(1))
    assert toys is not None
    assert toys.observed == pytest.approx(asymptotic.observed, rel=0.1)
    # The band at -2 is the tail of a tail: 1 toy in 1000.
    assert toys.expected[1:] == pytest.approx(asymptotic.expected[1:], rel=0.1)


def test_a_limit_from_a_handful_of_events_needs_toys():
    # No background to speak of under the peak and nothing observed there: 3.0 events, the Poisson limit, not 2.
    counts = np.where(EDGES[:-1] < 4500, poisson(60, 2), 0.0)
    one = model(counts, mass=5500)
    asymptotic = upper_limits(one, 0.95)
    toys = toylimits.toy_limits(one, asymptotic, 0.95, 400, np.random.default_rng(1))
    assert toys is not None
    assert toys.observed == pytest.approx(3.0, rel=0.1)
    assert asymptotic.observed < 0.9 * toys.observed


@pytest.mark.parametrize("seen", [0, 4])
def test_limits_by_toys_are_those_of_a_counting_experiment(seen):
    """All of the signal in one bin. The other bins tell experiments of the same count apart, in an order of their own.

    So the known answer is CLs of a Poisson count of which ties are broken at random.
    """
    edges = np.arange(2000.0, 7001.0, 50.0)
    counts = np.exp(-(edges[:-1] + 25) / 560)
    at = int(np.searchsorted(edges, 4025.0)) - 1
    counts /= counts[at]
    counts[at] = seen
    one = background.model(Spectrum(edges, counts), Gaussian(0.0005), 4025.0, 13000.0, SETTINGS, {})
    expected = float(one.expected[at])

    def exact(n: int, tie: float) -> float:
        def below(mean: float) -> float:
            return float(stats.poisson.cdf(n - 1, mean) + tie * stats.poisson.pmf(n, mean))

        return float(brentq(lambda s: below(expected + s) / below(expected) - 0.05, 0.0, 60.0))

    near = upper_limits(one, 0.95)
    found = toylimits.toy_limits(one, near, 0.95, 500, np.random.default_rng(1))
    assert found is not None
    assert found.observed == pytest.approx(exact(seen, 0.5), rel=0.12)
    ties = (np.arange(50) + 0.5) / 50
    limit, share = zip(
        *((exact(n, tie), stats.poisson.pmf(n, expected) / 50) for n in range(12) for tie in ties), strict=True
    )
    order = np.argsort(limit)
    places = np.searchsorted(np.cumsum(np.array(share)[order]), stats.norm.cdf(limits.BANDS))
    bands = np.array(limit)[order][places]
    assert found.expected == pytest.approx(bands, rel=0.15)
    assert near.expected[0] < 0.6 * bands[0]
    assert near.expected[-1] > 1.3 * bands[-1]


def test_limit_covers_a_signal_of_its_size():
    one, signal = model(expected(350)), 12.0
    counts = np.random.default_rng(4).poisson(expected(350) + signal * one.template.shares, (2000, len(EDGES) - 1))
    counts = counts.astype(float)
    alone = profile(one.functions, counts)
    yields = np.full(len(counts), signal)
    q = limits.q_tilde(one, counts, yields, alone.start)
    q_asimov = limits.q_tilde(one, alone.background, yields, alone.start)
    # The limit is above the yield where CLs of that yield is above 5 %.
    covered = int(np.count_nonzero(limits.cls_values(q, q_asimov)[0] > 0.05))
    assert stats.binomtest(covered, len(counts), 0.95, alternative="less").pvalue > 1e-4
    for i in range(5):
        limit = upper_limits(model(counts[i]), 0.95).observed
        assert (limit > signal) == (limits.cls_values(q[i : i + 1], q_asimov[i : i + 1])[0][0] > 0.05)
