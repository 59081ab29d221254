"""Toys: background-only p-values are uniform, and injected events are found within their error."""

import numpy as np
import pytest
from scipy import stats

from resonaut.fit.family import DijetFunction
from resonaut.fit.likelihood import fit
from resonaut.fit.scan import significance
from resonaut.fit.signal import Gaussian

EDGES = np.arange(2500.0, 7001.0, 100.0)
MASS = 3500.0
TEMPLATE = Gaussian(0.04).template(MASS, EDGES)
TOYS = 1000


def truth(events):
    """A falling spectrum (N,) of the demo's slope that no dijet function matches exactly."""
    m = (EDGES[:-1] + EDGES[1:]) / 2
    shape = np.exp(-m / 560 - 0.1 * (m / 3000) ** 2)
    return events * shape / shape.sum()


def toys(expected, seed):
    return np.random.default_rng(seed).poisson(expected, (TOYS, len(expected))).astype(float)


@pytest.mark.parametrize("events", [350, 5000])
def test_background_only_p_values_are_uniform(events):
    function = DijetFunction(EDGES, 13000, 2)
    counts = toys(truth(events), 1)
    background, both = fit(function, counts), fit(function, counts, TEMPLATE)
    assert background.converged.all()
    assert both.converged.mean() > 0.998
    q0, p_local, z_local = significance(background.deviance, both)
    assert stats.kstest(z_local, "norm").pvalue > 0.01
    above = int(np.count_nonzero(z_local > 2))
    assert stats.binomtest(above, TOYS, stats.norm.sf(2)).pvalue > 0.01
    # One-sided: deficits have q0 = 0 and p = 0.5.
    assert (p_local[z_local < 0] == 0.5).all()
    assert (q0[z_local < 0] == 0).all()
    assert stats.norm.isf(p_local[z_local > 0]) == pytest.approx(z_local[z_local > 0])


@pytest.mark.parametrize("events", [350, 5000])
@pytest.mark.parametrize("strength", [0, 2, 5])
def test_injected_events_are_recovered_within_their_error(events, strength):
    function = DijetFunction(EDGES, 13000, 2)
    expected = truth(events)
    injected = strength * float(fit(function, expected[None], TEMPLATE).signal_error[0])
    result = fit(function, toys(expected + injected * TEMPLATE, 2 + strength), TEMPLATE)
    pulls = (result.signal - injected) / result.signal_error
    assert abs(pulls.mean()) < 0.2
    assert 0.9 < pulls.std() < 1.1
    assert abs((result.signal - injected).mean()) < 0.2 * result.signal_error.mean()


def test_missing_signal_model_is_noticed():
    # The same toys without the signal in the fit: the pulls above can fail.
    function = DijetFunction(EDGES, 13000, 2)
    expected = truth(5000)
    counts = toys(expected + 200 * TEMPLATE, 9)
    elsewhere = fit(function, counts, Gaussian(0.04).template(5000.0, EDGES))
    here = fit(function, counts, TEMPLATE)
    assert (here.signal / here.signal_error).mean() > 4
    assert abs((elsewhere.signal / elsewhere.signal_error).mean()) < 2
