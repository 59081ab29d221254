"""The models of config/zprime.yaml on jets of known spectra: what the peak of W and Z says, and a resonance.

Pseudo-data are sums of jets whose mass is scaled and smeared by known amounts. Seeds are fixed.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml

from resonaut.core import configuration
from resonaut.core.record import build
from resonaut.fit.histfactory import Model, fit
from resonaut.fit.histfactory.limits import limits, significance
from resonaut.fit.results.models import ChannelHistograms, Part, Varied
from resonaut.fit.templates import build as templates
from resonaut.fit.templates.settings import Model as Settings

CONFIG = Path(__file__).parents[2] / "config" / "zprime.yaml"
# Jets of each pT bin: how many QCD jets there are, of which a hundredth passes, and how many of W.
QCD, BOSONS, EFFICIENCY = (400000, 200000, 80000), (3000, 2000, 1200), 0.5
MASSES = {"w": 80.4, "z": 91.2, "zp": 150.0}
WIDTH, SMEARING, EVENTS = 0.08, 0.1, 40000
SHARE = {"w": 1.0, "z": 0.45, "tt": 0.3, "zp": 0.5}


@cache
def models():
    """The models of the configuration."""
    plain = configuration.validate(yaml.safe_load(CONFIG.read_text()))["fit"]["models"]
    return {name: build(one, Settings, f"config: fit.models.{name}") for name, one in plain.items()}


def jets(sample: str, n: int, seed: int, scale: float = 1, resolution: float = 1.1):
    """Soft-drop masses (n,): a peak, or for top quarks a flat spectrum, scaled and smeared as ``skim`` does it."""
    rng = np.random.default_rng(seed)
    mass = MASSES[sample] * (1 + WIDTH * rng.normal(size=n)) if sample in MASSES else rng.uniform(40, 200, n)
    return scale * mass * (1 + SMEARING * np.sqrt(max(resolution**2 - 1, 0)) * rng.normal(size=n))


def qcd(edges, n):
    """Expected QCD jets (N,) of a falling spectrum, n in all."""
    total = lambda m: -np.exp(-m / 45) - 0.1 * np.exp(-m / 120)  # noqa: E731
    return n * np.diff(total(np.array(edges, float))) / (total(400.0) - total(40.0))


def filled(sample, edges, seed, scale=1.0, resolution=1.1):
    """Fractions of the jets of a sample in bins (N,)."""
    return np.histogram(jets(sample, EVENTS, seed, scale, resolution), edges)[0] / EVENTS


def simulated(sample, edges, n, seed):
    """What ``fit template-histograms`` makes of a sample with n jets."""

    def one(*known):
        return (n * filled(sample, edges, seed, *known)).tolist()

    varied = {"jms": Varied(up=one(1.03), down=one(0.97)), "jmr": Varied(up=one(1.0, 1.2), down=one(1.0, 1.0))}
    variances = [n / EVENTS * value for value in one()]
    return Part(era=None, values=one(), variances=variances, events=EVENTS, outside=0.0, varied=varied)


def histograms(settings, scale=1.0, resolution=1.1, yields=1.0, injected=0.0):
    """What each channel has: simulation, and data with peaks of this scale and resolution, and ``injected`` zp.

    Of W and Z that pass there are ``yields`` times as many as expected.
    """
    rng, found = np.random.default_rng(1), []
    for name, channel in settings.channels.items():
        passes, place = name.startswith("pass"), int(name[-1]) - 1
        edges = np.array(channel.edges, float)
        # Of QCD jets a little more pass where the mass is large.
        fraction = 0.01 * (1 + 0.3 * (edges[1:] + edges[:-1]) / 600 + 0.1 * place)
        expected = qcd(edges, QCD[place]) * (fraction if passes else 1 - fraction)
        samples = {}
        for number, sample in enumerate(settings.samples):
            n = SHARE[sample] * BOSONS[place] * (EFFICIENCY if passes else 1 - EFFICIENCY)
            seed = 100 * place + 10 * number + passes
            samples[sample] = [simulated(sample, edges, n, seed)]
            amount = {"tt": 1.0, "zp": injected}.get(sample, yields if passes else 1.0)
            expected += amount * n * filled(sample, edges, 1000 + seed, scale, resolution)
        data = rng.poisson(expected).astype(float).tolist()
        facts = {"observable": "j1_softdrop_mass", "label": "m", "unit": "GeV", "edges": edges.tolist(), "notes": []}
        histogram = ChannelHistograms(channel=name, in_fb=False, luminosity=None, samples=samples, data=data, **facts)
        found.append(histogram)
    return found


def modelled(name, **known):
    """A model of the configuration with pseudo-data."""
    settings = models()[name]
    workspace, _ = templates.build(name, settings, histograms(settings, **known))
    return Model.of(workspace)


@pytest.mark.parametrize(
    ("scale", "resolution", "yields"), [(1.0, 1.1, 1.0), (1.02, 1.1, 1.0), (0.985, 1.18, 0.7), (1.0, 1.02, 1.3)]
)
def test_the_peak_says_scale_resolution_and_scale_factor(scale, resolution, yields) -> None:
    found = fit(modelled("candle", scale=scale, resolution=resolution, yields=yields))
    assert found.converged
    # The nuisance is 3 % of scale; of resolution it is the square of what is smeared, from 1.0 over 1.1 to 1.2.
    smeared = np.interp(resolution**2, [1.0, 1.21, 1.44], [-1, 0, 1])
    for name, true, most in (("jms", (scale - 1) / 0.03, 0.15), ("jmr", smeared, 0.4), ("mu_v", yields, 0.1)):
        assert found.error(name) < most
        assert abs(found.value(name) - true) < 4 * found.error(name)
    # Data that are shifted are not nominal.
    if scale != 1:
        assert abs(found.value("jms")) > 3 * found.error("jms")


def test_a_resonance_is_found_and_none_without() -> None:
    """The cross section of mu = 1 is that of g_q = 0.1, here half of that of W."""
    there, none = modelled("zp_150", injected=0.5, yields=0.8), modelled("zp_150", injected=0.0, yields=0.8)
    found = fit(there)
    assert abs(found.value("mu") * (1.5 ** found.value("tagger")) - 0.5) < 4 * found.error("mu")
    assert significance(there, "mu").z > 5
    assert abs(significance(none, "mu").z) < 4
    # The tagger is known from the peak of W and Z.
    assert abs(1.5 ** found.value("tagger") - 0.8) < 0.1
    limit = limits(none, "mu")
    assert 0.5 * limit.expected[0] < limit.observed < 2 * limit.expected[4]
    assert limit.expected[2] < 0.4
    assert limits(there, "mu").observed > 0.5
