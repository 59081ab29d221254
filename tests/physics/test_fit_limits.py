"""CLs limits: textbook values, pyhf's own limit finder, coverage."""

import math

import numpy as np
import pyhf
import pytest
from scipy import stats

from resonaut.fit import limits, scan, workspace
from resonaut.fit.likelihood import fit
from resonaut.fit.limits import Limits, upper_limits
from resonaut.fit.signal import Gaussian
from resonaut.fit.spectrum import Spectrum

EDGES = np.linspace(2500.0, 7000.0, 31)
TEMPLATE = Gaussian(0.04).template(3500.0, EDGES)


def expected(events):
    m = (EDGES[:-1] + EDGES[1:]) / 2
    return events * np.exp(-m / 500) / np.exp(-m / 500).sum()


def fitted(counts):
    return scan.fit_background(Spectrum(EDGES, counts), 13000, 2)


def test_asymptotic_values_of_many_events():
    # Without an excess the observed limit is the median, which is 1.96 sigma; bands: eq. 89 of 1007.1727.
    function, background = fitted(expected(1e6))
    asimov = background.background[0]
    found = upper_limits(function, asimov, background, TEMPLATE, 0.0, 0.95)
    sigma = float(fit(function, asimov[None], TEMPLATE).signal_error[0])
    bands = [stats.norm.isf(0.05 * stats.norm.cdf(n)) + n for n in (-2, -1, 0, 1, 2)]
    assert found.expected / sigma == pytest.approx(bands, rel=0.01)
    assert found.observed / sigma == pytest.approx(1.96, rel=0.01)


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


def test_uncertainty_weakens_the_limit():
    function, background = fitted(expected(3000))
    counts = background.background[0]
    tight = upper_limits(function, counts, background, TEMPLATE, 0.0, 0.95)
    loose = upper_limits(function, counts, background, TEMPLATE, 0.3, 0.95)
    assert loose.expected[2] > 1.05 * tight.expected[2]


@pytest.mark.parametrize("events", [300, 5000])
def test_limit_agrees_with_pyhf(events):
    counts = np.random.default_rng(events).poisson(expected(events)).astype(float)
    function, background = fitted(counts)
    uncertainties = {"efficiency_statistics": 0.08, "lund": 0.1, "luminosity": 0.016}
    total = math.hypot(*(math.log1p(size) for size in uncertainties.values()))
    direct = upper_limits(function, counts, background, TEMPLATE, total, 0.95)
    unit = float(direct.expected[2])
    model = workspace.build(function, counts, background, TEMPLATE * unit, uncertainties, 20.0)
    ours = workspace.upper_limits(model, direct.scaled(1 / unit), 0.95)

    config = model["measurements"][0]["config"]
    opened = pyhf.Model(
        {"channels": model["channels"], "parameters": config["parameters"]}, poi_name="mu", validate=False
    )
    data = model["observations"][0]["data"] + opened.config.auxdata
    observed, bands = pyhf.infer.intervals.upper_limits.upper_limit(data, opened, level=0.05, rtol=1e-3)
    assert ours.observed == pytest.approx(float(observed), rel=0.01)
    assert ours.expected == pytest.approx([float(b) for b in bands], rel=0.01)
    # The direct likelihood, in which nothing constrains the background.
    assert direct.observed / unit == pytest.approx(ours.observed, rel=0.01)
    assert direct.expected / unit == pytest.approx(ours.expected, rel=0.01)


def test_limit_far_from_where_it_is_looked_for_is_an_error():
    counts = np.random.default_rng(1).poisson(expected(1000)).astype(float)
    function, background = fitted(counts)
    direct = upper_limits(function, counts, background, TEMPLATE, 0.0, 0.95)
    model = workspace.build(function, counts, background, TEMPLATE, {}, 10 * direct.expected[4])
    wrong = Limits(direct.observed / 5, direct.expected / 5)
    with pytest.raises(workspace.PyhfError, match="does not cross"):
        workspace.upper_limits(model, wrong, 0.95)


def test_limit_covers_a_signal_of_its_size():
    function, _ = fitted(expected(350))
    signal = 12.0
    toys = np.random.default_rng(4).poisson(expected(350) + signal * TEMPLATE, (200, len(EDGES) - 1)).astype(float)
    covered = 0
    for counts in toys:
        background = fit(function, counts[None])
        covered += upper_limits(function, counts, background, TEMPLATE, 0.0, 0.95).observed > signal
    assert stats.binomtest(covered, len(toys), 0.95, alternative="less").pvalue > 0.01
