"""The BumpHunter's global p-value: uniform without signal, small and in the right place with one."""

import numpy as np
import pytest
from scipy import stats

from resonaut.fit.bumphunter import search
from resonaut.fit.family import Background
from resonaut.fit.likelihood import fit
from resonaut.fit.shapes import Gaussian
from resonaut.fit.signal import template

EDGES = np.arange(2500.0, 7001.0, 50.0)
# Bins of 100 GeV are scanned, those beyond 5500 GeV only fitted.
CUTS = np.arange(0, 61, 2)
WIDTHS = (2, 6)


def expected(events):
    m = (EDGES[:-1] + EDGES[1:]) / 2
    shape = (1 - m / 13000) ** 8 * m**-5.2
    return events * shape / shape.sum()


@pytest.mark.parametrize("events", [400, 20000])
def test_global_p_value_is_uniform_without_signal(events):
    function = Background("dijet", EDGES, 13000.0, 2)
    rng = np.random.default_rng(1)
    spectra = rng.poisson(expected(events), (300, len(EDGES) - 1)).astype(float)
    p_global = np.array([search(function, counts, CUTS, WIDTHS, 200, rng).p_global for counts in spectra])
    assert stats.kstest(p_global, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("mass", [3200.0, 4400.0])
def test_narrow_signal_is_found(mass):
    function = Background("dijet", EDGES, 13000.0, 2)
    background = expected(20000)
    signal = template(Gaussian(0.03), mass, EDGES)
    injected = 6 * float(fit(function, background[None], signal).signal_error[0])
    counts = np.random.default_rng(2).poisson(background + injected * signal.shares).astype(float)
    result = search(function, counts, CUTS, WIDTHS, 500, np.random.default_rng(3))
    assert result.p_global <= 0.01
    assert result.low < mass < result.high
    assert result.high - result.low < 0.25 * mass
