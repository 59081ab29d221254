"""Uncertainties of the signal against likelihoods of their own: a peak that moves, and a source with one side."""

from dataclasses import replace

import numpy as np
import pytest
from iminuit import Minuit
from scipy.special import ndtr, xlogy

from resonaut.fit import background, limits
from resonaut.fit.bare import settings_of
from resonaut.fit.results.points import Size
from resonaut.fit.search import Efficiency, Search, scanned
from resonaut.fit.shapes import Gaussian, from_simulation
from resonaut.fit.signal import template
from resonaut.fit.sources import named
from resonaut.fit.spectrum import Spectrum

SQRT_S, WIDTH, SCALE = 13000.0, 0.04, 0.02
EDGES = np.arange(2500.0, 7001.0, 50.0)
MIDDLE = (EDGES[:-1] + EDGES[1:]) / 2
SETTINGS = settings_of(["background.shape_parameters=[2,2]"], SQRT_S, []).background


def data(events: float, peak: float, seed: int) -> np.ndarray:
    falling = np.exp(-MIDDLE / 500)
    shares = np.diff(ndtr((EDGES / 3500 - 1) / WIDTH))
    return np.random.default_rng(seed).poisson(events * falling / falling.sum() + peak * shares).astype(float)


class Own:
    """-2 ln L of a dijet background and a Gaussian of ``mass``, its scale and its yield with nuisances."""

    def __init__(self, mass: float, scale: float, factors: tuple[float, float]) -> None:
        self.mass, self.scale, self.factors = mass, scale, factors
        # Simpson's rule in each bin.
        self.points = np.stack([EDGES[:-1], MIDDLE, EDGES[1:]]) / SQRT_S
        self.weights = np.diff(EDGES) * np.array([[1], [4], [1]]) / 6

    def expected(self, p: np.ndarray) -> np.ndarray:
        x, y = self.points, np.log(self.points / 0.3)
        smooth = (np.exp(p[0] + p[1] * np.log((1 - x) / 0.7) - p[2] * y) * self.weights).sum(axis=0)
        peak = np.diff(ndtr((EDGES / (self.mass * (1 + self.scale * p[4])) - 1) / WIDTH))
        return smooth + p[3] * self.factors[int(p[5] < 0)] ** abs(p[5]) * peak

    def lowest(self, counts: np.ndarray, held: float | None) -> tuple[float, np.ndarray]:
        def value(p: np.ndarray) -> float:
            mu = np.maximum(self.expected(p), 1e-9)
            rest = xlogy(counts, np.where(counts > 0, counts, 1) / mu)
            return float(2 * (mu - counts + rest).sum() + p[4] ** 2 + p[5] ** 2)

        found = []
        for scale in (-2.0, 0.0, 2.0) if self.scale else (0.0,):
            start = [np.log(counts.sum() / 500) - 4, 8.0, 5.0, 5.0 if held is None else held, scale, 0.0]
            minuit = Minuit(value, np.array(start))
            minuit.errordef = Minuit.LEAST_SQUARES
            minuit.limits[3] = (0, None)
            for index, fixed in ((3, held is not None), (4, not self.scale), (5, self.factors == (1, 1))):
                minuit.fixed[index] = fixed
            minuit.migrad(ncall=20000).migrad()
            found.append((minuit.fval, np.array(minuit.values)))
        return min(found, key=lambda one: one[0])

    def cls(self, counts: np.ndarray, signal: float) -> float:
        """CLs of ``signal`` with q-tilde; Asimov data of the background-only fit."""
        alone = self.lowest(counts, 0.0)
        free, held = min(alone[0], self.lowest(counts, None)[0]), self.lowest(counts, signal)[0]
        asimov = self.lowest(self.expected(alone[1]), signal)[0]
        return float(limits.cls_values(np.array(max(held - free, 0.0)), np.array(asimov))[0])


def limit(counts: np.ndarray, mass: float, sizes: dict[str, Size]) -> float:
    one = background.model(Spectrum(EDGES, counts), Gaussian(WIDTH), mass, SQRT_S, SETTINGS, named(sizes))
    return limits.upper_limits(replace(one, expected=one.background.background[0]), 0.95).observed


@pytest.mark.parametrize("mass", [3300.0, 3700.0, 4500.0])
def test_limit_beside_a_peak_is_that_of_a_shape_that_moves(mass):
    # The slope of ln CLs against ln of the yield is about -5: 2 % of a limit are 10 % of CLs.
    counts = data(3000, 150, 1)
    found = limit(counts, mass, {"scale": SCALE})
    assert Own(mass, SCALE, (1, 1)).cls(counts, found) == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("change", [(0.0, -0.5), (1.0, 0.0)])
def test_a_source_with_one_side_keeps_its_size(change):
    # A source that at most halves the yield weakens the limit; one that at most doubles it does not.
    counts, mass = data(3000, 0, 2), 3500.0
    found = limit(counts, mass, {"normalisation": change})
    own = Own(mass, 0.0, (1 + change[0], 1 / (1 + change[1]) if change[1] == 0 else 1 + change[1]))
    assert own.cls(counts, found) == pytest.approx(0.05, rel=0.15)
    weaker = found / limit(counts, mass, {})
    assert weaker > 1.3 if change[1] < 0 else weaker < 1.1


def test_a_signal_with_negative_generator_weights_has_its_shape():
    # A third of the weights is negative, as of some processes at next-to-leading order; the tails are below zero.
    rng, edges, mass = np.random.default_rng(7), np.arange(2000.0, 5001.0, 20.0), 3500.0
    masses, weights = rng.normal(mass, WIDTH * mass, 30000), np.where(rng.random(30000) < 1 / 3, -1.0, 1.0)
    counts = np.histogram(masses, edges, weights=weights)[0]
    assert counts.min() < 0
    shape = from_simulation({mass: (Spectrum(edges, counts), weights.sum() ** 2 / len(weights))}, 2000.0, 0.03)
    shares = template(shape, mass, edges).shares
    truth = np.diff(ndtr((edges / mass - 1) / WIDTH))
    assert np.abs(shares - truth).sum() < 0.1


def test_a_resonance_that_the_scale_reaches_does_not_hide_a_signal():
    # With a negative yield of the resonance in its place no yield of the signal would be excluded.
    edges = np.arange(2500.0, 7001.0, 20.0)
    middle = (edges[:-1] + edges[1:]) / 2
    falling, peak = np.exp(-middle / 500), template(Gaussian(0.015), 3500.0, edges).shares
    counts = np.random.default_rng(1).poisson(1500 * falling / falling.sum() + 60 * peak).astype(float)
    settings = settings_of(["background.shape_parameters=[2,2]", "uncertainties.scale=0.01"], SQRT_S, [3400.0, 3500.0])
    efficiencies = {mass: Efficiency(None, {}, measured=False) for mass in settings.masses}
    done = scanned(Search(Spectrum(edges, counts), Gaussian(0.015), None, efficiencies, settings))
    assert [one.mass for one in done.resonances] == [3500.0]
    expected = limits.upper_limits(done.models[0], 0.95).expected
    assert expected[4] / expected[2] == pytest.approx(1.96, rel=0.25)
