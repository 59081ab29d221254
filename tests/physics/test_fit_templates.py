"""Template models find the signal that is there and none that is not, with the right errors."""

import numpy as np
import pytest

from resonaut.core.record import build
from resonaut.fit.histfactory import Model, fit
from resonaut.fit.results.models import ChannelHistograms, Part, Varied
from resonaut.fit.templates import build as templates
from resonaut.fit.templates import settings

EDGES = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
SIGNAL = np.array([0.0, 2.0, 30.0, 30.0, 4.0, 0.0])
BACKGROUND = np.array([120.0, 100.0, 85.0, 70.0, 60.0, 50.0])
# Of its slope, by one standard deviation.
SLOPE = np.linspace(1.15, 0.85, 6)
EXPERIMENTS = 300


def model() -> settings.Model:
    given = {
        "channels": {"sr": {}},
        "samples": {"signal": {"signal": True}, "background": {}},
        "nuisances": {
            "slope": {"variation": "slope"},
            "rate": {"size": 1.1, "samples": ["background"]},
        },
        "ranges": {"mu": [-5, 20]},
    }
    return build(given, settings.Model, "test")


def part(expected: np.ndarray, rng: np.random.Generator, slope: bool) -> Part:
    """Simulation with as many events as are expected."""
    values = rng.poisson(expected).astype(float)
    ways = {"slope": Varied(up=(values * SLOPE).tolist(), down=(values / SLOPE).tolist())} if slope else {}
    return Part(era=None, values=values.tolist(), variances=values.tolist(), events=None, outside=None, varied=ways)


def pulls(mu: float, seed: int) -> np.ndarray:
    """Fitted minus true signal over its error, in experiments with their own data, simulation and nuisances."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(EXPERIMENTS):
        slope, rate = rng.normal(size=2)
        data = rng.poisson(mu * SIGNAL + BACKGROUND * SLOPE**slope * 1.1**rate)
        samples = {"signal": [part(SIGNAL, rng, False)], "background": [part(BACKGROUND, rng, True)]}
        axis = {"channel": "sr", "observable": "x", "label": "x", "unit": "1", "edges": EDGES}
        channel = ChannelHistograms(
            **axis, in_fb=False, luminosity=None, samples=samples, data=data.astype(float).tolist(), notes=[]
        )
        workspace, _ = templates.build("test", model(), [channel])
        compiled = Model.of(workspace)
        one = fit(compiled)
        place = one.names.index("mu")
        found.append((one.values[place] - mu) / one.errors[place])
    return np.array(found)


@pytest.mark.parametrize(("mu", "seed"), [(0.0, 5), (1.0, 6)])
def test_pulls_are_those_of_a_standard_normal(mu, seed):
    found = pulls(mu, seed)
    assert np.isfinite(found).all()
    # Four standard deviations of each.
    assert abs(found.mean()) < 4 / np.sqrt(EXPERIMENTS)
    assert abs(found.std() - 1) < 4 / np.sqrt(2 * EXPERIMENTS)
