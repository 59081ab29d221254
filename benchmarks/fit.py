"""Times the binned fits and prints one JSON line: ``python benchmarks/fit.py [--spectrum FILE.csv]``.

Single thread, everything in one run. Ratios are peer over Resonaut; ``same_minimum_share`` compares -2 ln L of the same
toys by one formula.
"""
# ruff: noqa: E402 (libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import contextlib
import importlib.metadata
import io
import json
import time
from collections.abc import Callable

import numpy as np
from iminuit import Minuit
from numpy.polynomial.legendre import leggauss
from pyBumpHunter import BumpHunter1D

from resonaut.fit import bumphunter, spectrum
from resonaut.fit.family import Array, Background
from resonaut.fit.likelihood import Fit, deviance, fit
from resonaut.fit.shapes import Gaussian
from resonaut.fit.signal import template
from resonaut.fit.sources import named

SQRT_S = 13000.0
# Bins, number of events and shape of CMS's dijet spectrum, JHEP 05 (2020) 033, 137/fb.
# fmt: off
CMS_EDGES = np.array([
    1530, 1607, 1687, 1770, 1856, 1945, 2037, 2132, 2231, 2332, 2438, 2546, 2659, 2775, 2895, 3019, 3147, 3279, 3416,
    3558, 3704, 3854, 4010, 4171, 4337, 4509, 4686, 4869, 5058, 5253, 5455, 5663, 5877, 6099, 6328, 6564, 6808, 7060,
    7320, 7589, 7866, 8152, 8752,
], dtype=float)
# fmt: on
CMS_EVENTS, CMS_SHAPE = 6_557_852, (8.18, 5.216, -0.0018)
WIDTHS = (2, 6)


class Raw:
    """The same integral over bins in the parameters ``p0 ... p3`` of the paper."""

    def __init__(self, edges: Array, points: int) -> None:
        nodes, weights = leggauss(points)
        widths = np.diff(edges)[:, None]
        self.x = ((edges[:-1] + edges[1:])[:, None] / 2 + nodes / 2 * widths) / SQRT_S
        self.weights = weights / 2 * widths

    def __call__(self, p: Array) -> Array:
        density = p[0] * (1 - self.x) ** p[1] / self.x ** (p[2] + p[3] * np.log(self.x))
        return np.asarray((density * self.weights).sum(axis=1))


def dijet(edges: Array, events: float) -> tuple[Background, Array]:
    """The four-parameter function on ``edges`` and CMS's shape (N,), normalised to ``events``."""
    function = Background("dijet", edges, SQRT_S, 3)
    shape = Raw(edges, function.widths.shape[1])(np.array([1.0, *CMS_SHAPE]))
    return function, events * shape / shape.sum()


def best_of(repeats: int, run: Callable[[], object]) -> float:
    """Shortest wall time of a run, seconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)


class Peer:
    """iminuit in the orthogonal coordinates with lean numpy and the analytic gradient; with the Hessian at its best."""

    def __init__(self, function: Background, with_hessian: bool) -> None:
        self.with_hessian = with_hessian
        self.directions = function.directions
        self.flat = np.ascontiguousarray(self.directions.reshape(-1, function.n_parameters))
        self.log_widths = np.log(function.widths.ravel())

    def __call__(self, counts: Array, start: Array) -> Array:
        def inside(theta: Array) -> Array:
            return np.exp(self.flat @ theta + self.log_widths).reshape(len(counts), -1)

        def value(theta: Array) -> float:
            expected = inside(theta).sum(axis=1)
            return 2 * float(expected.sum() - counts @ np.log(expected) + constant)

        def gradient(theta: Array) -> Array:
            density = inside(theta)
            return 2 * (density * (1 - counts / density.sum(axis=1))[:, None]).ravel() @ self.flat

        def hessian(theta: Array) -> Array:
            density = inside(theta)
            slope = (density[:, None, :] @ self.directions)[:, 0]
            return 2 * (slope.T / density.sum(axis=1)) @ slope

        constant = float(counts @ np.log(np.maximum(counts, 1)) - counts.sum())
        minuit = Minuit(value, start, grad=gradient, hessian=hessian if self.with_hessian else None)
        minuit.errordef, minuit.tol = Minuit.LEAST_SQUARES, 1e-3
        minuit.migrad()
        return np.array(minuit.values)


def by_plain_minuit(raw: Raw, counts: Array, start: Array) -> Array:
    """``p0 ... p3``: iminuit as people use it, numerical gradient and default tolerance."""
    minuit = Minuit(lambda p: float(min(deviance(counts, raw(p)), 1e30)), start)
    minuit.errordef = Minuit.LEAST_SQUARES
    with np.errstate(all="ignore"):
        minuit.migrad()
    return np.array(minuit.values)


def minuit_results(function: Background, reference: Fit, toys: Array, batch: Fit) -> dict[str, float]:
    """Three ways with iminuit on the same toys: us/toy, and how close they come to the batch's minimum."""
    raw = Raw(function.edges, function.widths.shape[1])
    ln_p0, *shape = function.parameters(reference.theta[0])
    truth, theta = np.array([np.exp(ln_p0), *shape]), reference.theta[0]
    ways: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
        "hessian": (lambda counts: best(counts, theta), function.expected),
        "gradient": (lambda counts: simple(counts, theta), function.expected),
        "plain": (lambda counts: by_plain_minuit(raw, counts, truth), raw),
    }
    best, simple = Peer(function, with_hessian=True), Peer(function, with_hessian=False)
    lowest = deviance(toys, batch.background[: len(toys)])
    results = {}
    for name, (run, expected) in ways.items():
        found: list[Array] = []
        seconds = best_of(1, lambda found=found, run=run: found.extend(map(run, toys)))
        above = deviance(toys, np.array([expected(p) for p in found])) - lowest
        results[f"minuit_{name}_us_per_toy"] = seconds / len(toys) * 1e6
        results[f"minuit_{name}_same_minimum_share"] = float(np.mean(np.abs(above) < 1e-3))
    return results


def bump_rates(function: Background, background: Array, counts: Array, toys: int, seed: int) -> dict[str, float]:
    """Pseudo-experiments per second: pyBumpHunter's with a fixed background, ours with a fit of each."""
    theirs = BumpHunter1D(width_min=WIDTHS[0], width_max=WIDTHS[1], npe=toys, nworker=1, seed=seed)
    with contextlib.redirect_stdout(io.StringIO()):
        their_seconds = best_of(3, lambda: theirs.bump_scan(counts, background, is_hist=True))
    cuts, rng = np.arange(len(counts) + 1), np.random.default_rng(seed)
    seconds = best_of(3, lambda: bumphunter.search(function, counts, cuts, WIDTHS, toys, rng))
    return {
        "pybumphunter_toys_per_s_without_refit": toys / their_seconds,
        "bumphunter_toys_per_s_with_refit": toys / seconds,
        "bumphunter_speedup": their_seconds / seconds,
    }


def scan_seconds(function: Background, background: Array, toys: int, seed: int) -> float:
    """Background fit of each toy and its signal fits at 40 masses, with templates, by one core."""
    counts = np.random.default_rng(seed).poisson(background, (toys, len(background))).astype(float)
    low, high = function.edges[0] * 1.15, function.edges[-1] * 0.85
    start = fit(function, background[None]).theta

    def scan() -> None:
        alone = fit(function, counts, start=start)
        for mass in np.linspace(low, high, 40):
            signal = template(Gaussian(0.035), mass, function.edges, named({"scale": 0.01, "resolution": 0.035}))
            fit(function, counts, signal, start=alone.theta)

    return best_of(1, scan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spectrum", help="CSV with m_low, m_high (GeV) and counts; default: CMS's, as a function")
    parser.add_argument("--toys", type=int, default=10_000)
    parser.add_argument("--minuit-toys", type=int, default=500)
    parser.add_argument("--scan-toys", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.spectrum:
        given = spectrum.read(options.spectrum, None)
        function, counts = Background("dijet", given.edges, SQRT_S, 3), given.counts
    else:
        function, counts = dijet(CMS_EDGES, CMS_EVENTS)
    reference = fit(function, counts[None])
    background = reference.background[0]
    toys = np.random.default_rng(options.seed).poisson(background, (options.toys, len(background))).astype(float)
    batch = fit(function, toys, start=reference.theta)  # after this, numba has compiled
    batch_us = best_of(3, lambda: fit(function, toys, start=reference.theta)) / options.toys * 1e6
    minuit = minuit_results(function, reference, toys[: options.minuit_toys], batch)
    fine, fine_background = dijet(np.arange(3000.0, 8001.0, 4.0), 5000.0)
    result = {
        "benchmark": "fit",
        "bins": len(background),
        "toys": options.toys,
        "minuit_toys": options.minuit_toys,
        "converged_share": float(batch.converged.mean()),
        "batch_us_per_toy": batch_us,
        "target_ratio": 100,
        "target_same_minimum_share": 0.999,
        **{
            f"ratio_{name}": minuit[f"minuit_{name}_us_per_toy"] / batch_us for name in ("hessian", "gradient", "plain")
        },
        **minuit,
        **bump_rates(function, background, toys[0], options.toys, options.seed),
        "scan_masses": 40,
        "scan_toys": options.scan_toys,
        "scan_seconds": scan_seconds(function, background, options.scan_toys, options.seed),
        "scan_fine_bins": len(fine_background),
        "scan_fine_events": 5000,
        "scan_fine_seconds": scan_seconds(fine, fine_background, options.scan_toys, options.seed),
        **{name: importlib.metadata.version(name) for name in ("numpy", "numba", "iminuit", "pyBumpHunter")},
        "seed": options.seed,
    }
    print(json.dumps({k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in result.items()}))


if __name__ == "__main__":
    main()
