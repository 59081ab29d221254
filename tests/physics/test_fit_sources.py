"""Sources that change rate, position and width at once, against a likelihood with a nuisance for each of them."""

from dataclasses import replace

import numpy as np
import pytest
from iminuit import Minuit
from scipy.special import ndtr

from resonaut.fit import background, limits, scan, workspace
from resonaut.fit.background import Model
from resonaut.fit.bare import settings_of
from resonaut.fit.likelihood import deviance
from resonaut.fit.shapes import Gaussian
from resonaut.fit.sides import logarithms
from resonaut.fit.sources import Combined, Source
from resonaut.fit.spectrum import Spectrum

MASS, WIDTH, SQRT_S = 3500.0, 0.04, 13000.0
EDGES = np.arange(2500.0, 7001.0, 50.0)
MIDDLE = (EDGES[:-1] + EDGES[1:]) / 2
SETTINGS = settings_of(["background.shape_parameters=[2,2]"], SQRT_S, []).background
SEVERAL = {
    "jes_a": Source(0.15, 0.015, 0.1),
    "jes_b": Source(-0.1, 0.01, -0.05),
    "jer": Source(0.08, 0.0, 0.15),
    "luminosity": Source(0.02),
}
TWO_SIDED = {"jes": Source((0.4, -0.1), 0.02, 0.0)}


def data(pull: float) -> np.ndarray:
    """The Asimov data of background and 300 events of a peak that its scale pulls by so many percent."""
    falling = np.exp(-MIDDLE / 500)
    return 3000 * falling / falling.sum() + 300 * np.diff(ndtr((EDGES / MASS / (1 + 0.01 * pull) - 1) / WIDTH))


def model(counts: np.ndarray, sources: dict[str, Source]) -> Model:
    nuisances = Combined.of(sources).nuisances
    one = background.model(Spectrum(EDGES, counts), Gaussian(WIDTH), MASS, SQRT_S, SETTINGS, nuisances)
    return replace(one, expected=one.background.background[0])


def apart(sources: dict[str, Source]) -> dict[str, Source]:
    """Rates, positions and widths of the sources as sources of their own: without what they have in common."""
    effects = {
        name: {"rate": Source(one.rate), "position": Source(position=one.position), "width": Source(width=one.width)}
        for name, one in sources.items()
    }
    return {f"{name}_{effect}": one for name, found in effects.items() for effect, one in found.items() if one.size}


class Own:
    """-2 ln L of the model's background and a Gaussian, with one nuisance for each source."""

    def __init__(self, one: Model, sources: dict[str, Source]) -> None:
        self.function, self.sources = one.functions[0], list(sources.values())
        self.start = one.background.best.theta[0]

    def expected(self, p: np.ndarray) -> np.ndarray:
        n = len(self.start)
        eta = p[n + 1 :]
        position = 1 + sum(source.position * e for source, e in zip(self.sources, eta, strict=True))
        width = 1 + sum(source.width * e for source, e in zip(self.sources, eta, strict=True))
        rate = sum(abs(e) * logarithms(one.rate)[int(e < 0)] for one, e in zip(self.sources, eta, strict=True))
        peak = np.diff(ndtr((EDGES / MASS / position - 1) / (WIDTH * width)))
        return self.function.expected(p[:n]) + p[n] * np.exp(rate) * peak

    def fitted(self, counts: np.ndarray, held: float | None = None) -> Minuit:
        n = len(self.start)
        start = np.concatenate([self.start, [100.0 if held is None else held], np.zeros(len(self.sources))])
        minuit = Minuit(lambda p: min(float(deviance(counts, self.expected(p)) + (p[n + 1 :] ** 2).sum()), 1e30), start)
        minuit.errordef = Minuit.LEAST_SQUARES
        minuit.fixed[n] = held is not None
        minuit.strategy = 2
        return minuit.migrad(ncall=20000).migrad()

    def limit(self, counts: np.ndarray) -> float:
        """ln CLs is straight enough between the two yields nearest to 5 %."""
        n = len(self.start)
        free, alone = self.fitted(counts), self.fitted(counts, 0.0)
        asimov = self.expected(np.array(alone.values))
        lowest = self.fitted(asimov, 0.0).fval
        yields = free.values[n] * np.linspace(1.2, 2.2, 6)
        q = [(self.fitted(counts, s).fval - free.fval, self.fitted(asimov, s).fval - lowest) for s in yields]
        cls = limits.cls_values(*np.maximum(np.array(q), 0.0).T)[0]
        return limits.crossing(yields, np.log(cls), np.log(0.05))


@pytest.mark.parametrize("sources", [SEVERAL, TWO_SIDED], ids=["several sources", "one with two sides"])
@pytest.mark.parametrize("pull", [1.5, -1.5])
def test_yield_errors_and_limit_are_those_of_one_nuisance_a_source(sources, pull):
    counts = data(pull)
    one = model(counts, sources)
    own, n = Own(one, sources), len(one.background.best.theta[0])
    minuit = own.fitted(counts).minos(n)
    errors = minuit.merrors[f"x{n}"]
    truth = np.array([minuit.values[n], errors.upper, -errors.lower, own.limit(counts)])

    def found(sources):
        one = model(counts, sources)
        floating = scan.search(one).floating
        return [floating.value, floating.error_up, floating.error_down, limits.upper_limits(one, 0.95).observed]

    assert found(sources) == pytest.approx(truth, rel=0.02)
    # The three nuisances say of each source what its own would say.
    excess = scan.search(one)
    pulls = np.array([excess.nuisances.get(name, scan.UNKNOWN).pull for name in Combined.of(sources).nuisances])
    each = [Combined.of(sources).shares([name], pulls, pulls) @ pulls for name in sources]
    assert each == pytest.approx(np.array(minuit.values)[n + 1 :], abs=0.05)
    # As if rate and peak had nothing to do with each other: wrong by more than that.
    assert np.abs(found(apart(sources)) / truth - 1).max() > 0.06


@pytest.mark.parametrize("pull", [1.5, -1.5])
def test_the_exported_model_has_a_nuisance_for_each_source(pull):
    one = model(data(pull), SEVERAL)
    direct = limits.upper_limits(one, 0.95)
    unit = float(direct.expected[2])
    exported = workspace.build(one, unit, SEVERAL, direct.observed)
    names = {modifier["name"] for sample in exported["channels"][0]["samples"] for modifier in sample["modifiers"]}
    assert names >= set(SEVERAL)
    assert not names & {"scale", "resolution", "normalisation"}
    found = workspace.upper_limits(exported, direct.scaled(1 / unit), 0.95)
    assert found.observed * unit == pytest.approx(direct.observed, rel=0.02)
    assert found.expected * unit == pytest.approx(direct.expected, rel=0.02)
