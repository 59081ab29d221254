"""What a referee of the fits asks: expected results, orders and ranges, found resonances, few events.

One JSON line for each question. Known answers: the signal-free spectrum, toys of a known truth. ``before`` are the
same numbers of 739167e, from this script where it runs there and else from an independent audit of that code.
"""

import argparse
import json
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from resonaut.fit import background, bias, limits, scan, toylimits
from resonaut.fit.background import Model
from resonaut.fit.bare import settings_of
from resonaut.fit.family import Background
from resonaut.fit.likelihood import fit
from resonaut.fit.search import Efficiency, Search, scanned
from resonaut.fit.shapes import Gaussian
from resonaut.fit.signal import template
from resonaut.fit.sources import named
from resonaut.fit.spectrum import Spectrum

SQRT_S, WIDTH = 13000.0, 0.03
EDGES = np.arange(2400.0, 9001.0, 50.0)
MIDDLE = (EDGES[:-1] + EDGES[1:]) / 2
NOT_MEASURED = Efficiency(None, {}, measured=False)


def exponential(events: float) -> np.ndarray:
    """The demo's slope."""
    shape = np.exp(-MIDDLE / 560)
    return events * shape / shape.sum()


def two_components(events: float) -> np.ndarray:
    """A steep and a shallow exponential, which no function of few parameters is."""
    shape = np.exp(-(MIDDLE - 2400) / 400) + 0.1 * np.exp(-(MIDDLE - 2400) / 900)
    return events * shape / shape.sum()


def search(counts: np.ndarray, masses: list[float], *overrides: str) -> Search:
    """A search with a Gaussian signal."""
    settings = settings_of(list(overrides), SQRT_S, masses)
    return Search(Spectrum(EDGES, counts), Gaussian(WIDTH), None, dict.fromkeys(masses, NOT_MEASURED), settings)


def yield_of(model: Model, sigma: float) -> float:
    """Events whose expected significance is ``sigma``."""
    return float(brentq(lambda s: scan.expected_significance(model, s) - sigma, 0.1, 1e5))


def expected_results() -> dict[str, object]:
    """Item 1: expected limit and significance with 5 sigma in the data, over those without."""
    found: dict[str, list[float]] = {"limit": [], "significance": []}
    for events in (6000, 200, 60):
        function = Background("dijet", EDGES, SQRT_S, 2)
        truth = function.expected(fit(function, exponential(events)[None]).theta[0])
        plain = "background.shape_parameters=[2,2]"
        clean = search(truth, [4000.0], plain).model(4000.0)
        signal = yield_of(clean, 5.0)
        spoilt = search(truth + signal * clean.template.shares, [4000.0], plain).model(4000.0)
        medians = [limits.upper_limits(one, 0.95).expected[2] for one in (spoilt, clean)]
        found["limit"].append(round(medians[0] / medians[1], 3))
        found["significance"].append(round(scan.expected_significance(spoilt, signal) / 5, 3))
    before = {"limit": [1.047, 1.262, 1.467], "significance": [0.961, 0.850, 0.777]}
    return {"item": "expected results with 5 sigma in the data", "events": [6000, 200, 60], **found, "before": before}


def order(toys: int) -> dict[str, object]:
    """Item 2: bias and coverage of 5 sigma where the order is chosen in each toy."""
    found = []
    for mass, truth in ((4000.0, exponential(50000)), (3000.0, two_components(50000))):
        own = search(truth, [mass], f"bias.toys={toys}", "bias.injected=[5]")
        again = lambda spectrum, own=own, mass=mass: own.model(mass, (), spectrum)  # noqa: E731
        shape = Background("exponential_power", EDGES, SQRT_S, 5)
        generated = fit(shape, truth[None])
        (point,) = bias.bias(own.model(mass), again, generated, own.settings.bias, 0.95, np.random.default_rng(1))
        found.append({"relative_bias": point.spurious / point.injected, "coverage": point.coverage})
    before = [{"relative_bias": -0.11, "coverage": 0.89}, {"relative_bias": -0.14, "coverage": 0.815}]
    return {
        "item": "5 sigma in 50,000 events, order chosen in each toy",
        "toys": toys,
        "found": found,
        "before": before,
    }


def alarms(toys: int) -> dict[str, object]:
    """Item 2: how often a range is called poor, for toys of the fit's own function and for a step of 35 %."""
    rng = np.random.default_rng(2)
    shares = {}
    function = Background("dijet", EDGES, SQRT_S, 3)
    for events in (300, 2000, 50000):
        truth = function.expected(fit(function, exponential(events)[None]).theta[0])
        shares[str(events)] = _poor(truth, toys, rng)
    low = np.arange(1500.0, 9001.0, 50.0)
    middle = (low[:-1] + low[1:]) / 2
    stepped = np.exp(-middle / 560) * (1 + 0.175 * (1 + np.tanh((middle - 3400) / 100)))
    shares["step"] = _poor(50000 * stepped / stepped.sum(), toys, rng, low)
    before = {"300": 1.0, "2000": 1.0, "50000": None, "step": 0.0}
    return {"item": "share of toys whose whole range is called poor", "toys": toys, "found": shares, "before": before}


def _poor(truth: np.ndarray, toys: int, rng: np.random.Generator, edges: np.ndarray = EDGES) -> float:
    settings = settings_of([], SQRT_S, []).background
    poor = 0
    for _ in range(toys):
        spectrum = Spectrum(edges, rng.poisson(truth).astype(float))
        found = background.model(spectrum, Gaussian(WIDTH), 4000.0, SQRT_S, settings, named({"scale": 0.01}))
        poor += not found.attempts[0].good
    return poor / toys


def beside(toys: int) -> dict[str, object]:
    """Item 3: coverage of a 2 sigma signal at 3.5 and 4.5 TeV with a resonance at 4 TeV, fitted as the scan does."""
    rng, masses = np.random.default_rng(3), [3500.0, 4000.0, 4500.0]
    truth = exponential(50000)
    clean = search(truth, masses)
    models = {mass: clean.model(mass) for mass in masses}
    shares = {mass: template(Gaussian(WIDTH), mass, EDGES).shares for mass in masses}
    found = {}
    for sigma in (5, 8):
        resonance = yield_of(models[4000.0], sigma) * shares[4000.0]
        for mass in (3500.0, 4500.0):
            signal = yield_of(models[mass], 2.0)
            covered = 0
            for _ in range(toys):
                counts = rng.poisson(truth + resonance + signal * shares[mass]).astype(float)
                done = scanned(replace(clean, spectrum=Spectrum(EDGES, counts)))
                own = done.models[masses.index(mass)]
                covered += limits.upper_limits(own, 0.95).observed >= signal
            found[f"{sigma} sigma, {mass:g} GeV"] = covered / toys
    before = {
        "5 sigma, 3500 GeV": 0.77,
        "5 sigma, 4500 GeV": 0.73,
        "8 sigma, 3500 GeV": 0.72,
        "8 sigma, 4500 GeV": 0.62,
    }
    return {"item": "coverage beside a resonance at 4 TeV", "toys": toys, "found": found, "before": before}


def few_events(toys: int) -> dict[str, object]:
    """Item 6: limits of 3,000 events of the demo's slope where next to nothing is expected, by toys and by formulae."""
    counts = np.random.default_rng(4).poisson(exponential(3000)).astype(float)
    one = search(counts, [8000.0], "background.shape_parameters=[2,2]").model(8000.0)
    asymptotic = limits.upper_limits(one, 0.95)
    by_toys = toylimits.toy_limits(one, asymptotic, 0.95, toys, np.random.default_rng(1))
    assert by_toys is not None
    found = [round(float(value), 2) for value in (by_toys.observed, *by_toys.expected)]
    formulae = [round(float(value), 2) for value in (asymptotic.observed, *asymptotic.expected)]
    before = {"observed": 1.92, "expected": [3.23, 2.67, 2.51, 2.73, 3.15]}
    return {"item": "nothing seen at 8 TeV", "by_toys": found, "asymptotic": formulae, "before": before}


def main() -> None:
    """Print one line for each item."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--toys", type=int, default=400)
    toys = parser.parse_args().toys
    print(json.dumps(expected_results()), flush=True)
    for study in (order, alarms, beside, few_events):
        print(json.dumps(study(toys)), flush=True)


if __name__ == "__main__":
    main()
