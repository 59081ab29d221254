"""kappa_2V of the HH -> bbVV templates: intervals, orders, bias, coverage, one JSON line each (docs/fit_transfer.md).

After ``snakemake --cores 2 --configfile config/hh_bbvv.yaml -- fit_models``:
``python benchmarks/fit_hh_bbvv.py results/hh_bbvv --toys 500``
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, norm

from resonaut.core.record import build, plain
from resonaut.core.results import read
from resonaut.fit.histfactory import Model, fit, fit_many, toys
from resonaut.fit.histfactory.goodness import goodness
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.limits import Asymptotics
from resonaut.fit.results.models import ChannelHistograms, ModelDescription
from resonaut.fit.templates import build as templates
from resonaut.fit.templates.settings import Model as Settings
from resonaut.fit.transfer.bias import bias_tests
from resonaut.fit.transfer.blind import without

NAME, KAPPA, MU = "hh_bbvv", "kappa_2V", "mu"
# Where the ends of the intervals are looked for, and bins of 100-150 GeV.
LOW, HIGH, WINDOW = (-0.4, 0.6), (1.5, 2.5), (5, 10)
PUBLISHED = {"observed": [-0.04, 2.05], "expected": [0.05, 1.98]}
LEVEL = float(chi2.isf(0.05, 1))


class Analysis:
    """The model of a results folder, with other orders or bases of its transfer factors."""

    def __init__(self, results: Path) -> None:
        frozen = json.loads((results / f"config/fit/workspace/{NAME}.json").read_text())
        self.settings = build(frozen["model"], Settings, NAME)
        folder = results / f"fit/models/{NAME}/histograms"
        self.histograms = [read(folder / f"{one}.json", ChannelHistograms) for one in self.settings.channels]

    def built(self, toys_each: int = 200, **polynomials: dict[str, Any]) -> tuple[dict[str, Any], ModelDescription]:
        """The workspace, and what became of it, with other keys of polynomials."""
        given = plain(self.settings, Settings)
        given["transfer"]["qcd"]["toys"] = toys_each
        for name, keys in polynomials.items():
            given["transfer"]["qcd"]["polynomials"][name] |= keys
        return templates.build(NAME, build(given, Settings, NAME), self.histograms)

    def f_tests(self, toys_each: int) -> Iterator[dict[str, Any]]:
        """The F-test of each polynomial from order 0 on."""
        _, described = self.built(toys_each, ggf={"orders": None}, vbf={"orders": None})
        for step in described.transfer:
            keys = ("lower", "higher", "f", "p_value", "toys", "taken")
            yield {"f_test": step.polynomial} | {key: getattr(step, key) for key in keys}


def at(model: Model, kappa: float) -> Model:
    """The model, in which the coupling does not float, at one of its values."""
    start = model.start.copy()
    start[model.place(KAPPA)] = kappa
    return replace(model, start=start)


def ends(height: Callable[[float], float]) -> list[float]:
    return [round(float(brentq(height, *bracket, xtol=1e-3)), 3) for bracket in (LOW, HIGH)]


def intervals(strength: Model, coupling: Model) -> Iterator[dict[str, Any]]:
    """Where CLs of the theory's cross section is 5 %, and where -2 Delta ln L is 3.84; observed and expected."""

    def cls(kappa: float, row: int, data: Array) -> float:
        return float(Asymptotics.of(at(strength, kappa), MU, data).cls(np.ones(1))[row, 0]) - 0.05

    blind = without(strength, {"passggf": WINDOW, "passvbf": WINDOW}, {MU: 0.0})
    yield {"interval": "CLs", "observed": ends(lambda kappa: cls(kappa, 0, strength.data)), "published": PUBLISHED}
    yield {"interval": "CLs", "expected": ends(lambda kappa: cls(kappa, 3, strength.data)), "background": "all bins"}
    yield {"interval": "CLs", "expected": ends(lambda kappa: cls(kappa, 3, blind)), "background": "beside 100-150 GeV"}

    def rise(data: Array) -> Callable[[float], float]:
        best = fit_many(coupling, data)
        return lambda kappa: float(
            fit_many(coupling, data, {KAPPA: kappa}, best.values).deviance[0] - best.deviance[0] - LEVEL
        )

    standard = fit_many(coupling, coupling.data, {KAPPA: 1.0})
    yield {"interval": "-2 Delta ln L", "observed": ends(rise(coupling.data))}
    yield {"interval": "-2 Delta ln L", "expected": ends(rise(coupling.expected_data(standard.values[0])))}


def coverage(strength: Model, coupling: Model, kappa: float, count: int, seed: int) -> dict[str, Any]:
    """The share of toys at a coupling with this value inside both kinds of intervals."""
    truth = fit_many(coupling, coupling.data, {KAPPA: kappa}).values[0]
    thrown = toys(coupling, truth, count, seed)
    held = fit_many(coupling, thrown, {KAPPA: kappa}, truth)
    free = fit_many(coupling, thrown, start=held.values)
    good = held.converged & free.converged
    inside = (held.deviance - free.deviance)[good] <= LEVEL
    one = at(strength, kappa)
    tests = {value: fit_many(one, thrown, {MU: value}, truth) for value in (0.0, 1.0)}
    strengths = fit_many(one, thrown, start=truth)
    asimov = np.array([one.expected_data(values) for values in tests[0.0].values])
    raised = fit_many(one, asimov, {MU: 1.0}, tests[0.0].values)
    kept = strengths.converged & tests[1.0].converged & raised.converged
    q = np.where(strengths.value(MU) > 1, 0.0, np.maximum(tests[1.0].deviance - strengths.deviance, 0.0))
    root, of_asimov = (
        np.sqrt(q),
        np.sqrt(np.maximum(raised.deviance - fit_many(one, asimov, {MU: 0.0}, tests[0.0].values).deviance, 1e-12)),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(root > of_asimov, (q - of_asimov**2) / (2 * of_asimov), root - of_asimov)
        allowed = norm.cdf(-(far + of_asimov)) / norm.cdf(-far) >= 0.05
    return {
        "coverage": kappa,
        "likelihood": share(inside),
        "cls": share(allowed[kept]),
        "toys": count,
        "failed": [int((~good).sum()), int((~kept).sum())],
    }


def share(inside: np.ndarray[Any, Any]) -> list[float]:
    part = float(inside.mean())
    return [round(part, 4), round(float(np.sqrt(part * (1 - part) / len(inside))), 4)]


def biases(analysis: Analysis, count: int) -> Iterator[dict[str, Any]]:
    """The signal strength at kappa_2V = 0 with toys of other transfer factors."""
    fitted = at(Model.of(analysis.built()[0], NAME), 0.0)
    truths: dict[str, dict[str, Any]] = {
        "the same": {},
        "order 2": {"vbf": {"orders": [2]}, "ggf": {"orders": [2]}},
        "exponentials": {
            "vbf": {"orders": [1], "basis": "exponential"},
            "ggf": {"orders": [1], "basis": "exponential"},
        },
    }
    for name, keys in truths.items():
        truth = at(Model.of(analysis.built(**keys)[0], NAME), 0.0)
        for one in bias_tests(truth, fitted, [0.5, 1.0], count, 5):
            yield {
                "bias": name,
                **{
                    key: round(getattr(one, key), 3)
                    for key in (
                        "injected",
                        "mean",
                        "pull_mean",
                        "pull_mean_error",
                        "pull_width",
                        "coverage_68",
                        "coverage_95",
                        "toys",
                        "failed",
                    )
                },
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--toys", type=int, default=500)
    parser.add_argument("--only", nargs="*", default=["intervals", "f_tests", "goodness", "bias", "coverage"])
    given = parser.parse_args()
    analysis = Analysis(given.results)
    workspace = analysis.built()[0]
    strength, coupling = Model.of(workspace, NAME), Model.of(workspace, KAPPA)

    def fits() -> Iterator[dict[str, Any]]:
        found = goodness(coupling, fit(coupling), given.toys, 3)
        yield {"goodness": found.deviance, "ndf": found.ndf, "p_value": found.p_value, "p_toys": found.p_toys}

    parts: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
        "intervals": lambda: intervals(strength, coupling),
        "f_tests": lambda: analysis.f_tests(given.toys),
        "goodness": fits,
        "bias": lambda: biases(analysis, given.toys),
        "coverage": lambda: (coverage(strength, coupling, kappa, given.toys, 7) for kappa in (0.0, 1.0, 2.0)),
    }
    for name in given.only:
        begin = time.process_time()
        for line in parts[name]():
            print(json.dumps(line | {"cpu_s": round(time.process_time() - begin, 1)}), flush=True)


if __name__ == "__main__":
    main()
