"""The bias test where the data hold a resonance at another mass than the tested one."""

import numpy as np
import pytest

from resonaut.fit import analysis, bias
from resonaut.fit.bare import settings_of
from resonaut.fit.family import Background
from resonaut.fit.likelihood import fit
from resonaut.fit.search import Efficiency, Search
from resonaut.fit.shapes import Gaussian
from resonaut.fit.signal import template
from resonaut.fit.spectrum import Spectrum

SQRT_S, PEAK = 13000.0, 4000.0
EDGES = np.arange(2400.0, 9001.0, 50.0)
MIDDLE = (EDGES[:-1] + EDGES[1:]) / 2
# Events of a resonance of about six standard deviations.
EVENTS = 380.0


def smooth() -> np.ndarray:
    """A background that both the function of the fits and that of the toys describe."""
    function = Background("dijet", EDGES, SQRT_S, 2)
    counts = 50000 * np.exp(-MIDDLE / 560) / np.exp(-MIDDLE / 560).sum()
    return function.expected(fit(function, counts[None]).theta[0])


def test_a_found_resonance_is_in_the_toys_and_in_their_fits(monkeypatch):
    shares = template(Gaussian(0.03), PEAK, EDGES, {}).shares
    data = smooth() + EVENTS * shares
    # At 4150 GeV a signal cannot be told from the resonance, which is then no part of the toys.
    masses = [3500.0, PEAK, 4150.0]
    settings = settings_of(
        ["bias.toys=100", "bias.injected=[0, 2]", "background.shape_parameters=[2,2]"], SQRT_S, masses
    )
    efficiencies = dict.fromkeys(masses, Efficiency(None, {}, measured=False))
    thrown, tested = {}, bias.bias

    def remember(model, again, truth, *rest):
        thrown[model.mass] = model.bins, truth.background[0]
        return tested(model, again, truth, *rest)

    monkeypatch.setattr(bias, "bias", remember)
    found = analysis.run_bias(Search(Spectrum(EDGES, data), Gaussian(0.03), None, efficiencies, settings))
    for mass, expected in zip(masses, (data, smooth(), smooth()), strict=True):
        bins, truth = thrown[mass]
        np.testing.assert_allclose(truth[:60], expected[bins][:60], rtol=0.04, err_msg=f"{mass}")
    for point in found.points:
        # Fits without the resonance find -1.0 at 3500 GeV; the error of the mean of 100 toys is 0.1.
        assert abs(point.spurious_relative) < 0.45
        assert point.coverage > 0.85
    assert found.points[1].z_mean == pytest.approx(2, abs=0.5)
