"""OmniFold on Gaussians with a known answer. One JSON line: ``python benchmarks/unfold.py``.

50,000 events of data and of simulation in two dimensions, smeared by 0.5; the data are shifted by 0.3, so that the
weight of a simulated event is the product of exp(0.3 x - 0.045) over the dimensions. ``error`` is the mean relative
deviation of the learned weights, on average over seeds. The peer is what a user would write in twenty lines: the same
loop over scikit-learn's ``HistGradientBoostingClassifier`` with its defaults. ``ratio`` is the peer's CPU time over
Resonaut's.

``--events 1000000 --dimensions 1 6 24`` measures large samples, each in a process of its own for its memory; the data
are shifted in the first dimension alone, so that the answer is as far away in all of them.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from resonaut.learn.ratio import Sample
from resonaut.unfold.omnifold import DEFAULT, OmniFold, Simulation

SMEARING, SHIFT = 0.5, 0.3
Array = NDArray[Any]


def toy(seed: int, n: int, dimensions: int, shifted: int) -> tuple[Array, Array, Array, Array]:
    """Data and simulation at the detector level, the particle level of the simulation (n, d), and its true weights."""
    rng = np.random.default_rng(seed)

    def both(mean: float) -> tuple[Array, Array]:
        particle = rng.standard_normal((n, dimensions), np.float32)
        particle[:, :shifted] += mean
        return particle, particle + SMEARING * rng.standard_normal(particle.shape, np.float32)

    (_, data), (particle, detector) = both(SHIFT), both(0.0)
    return data, detector, particle, np.exp((SHIFT * particle[:, :shifted] - SHIFT**2 / 2).sum(axis=1))


def resonaut(data: Array, detector: Array, particle: Array, iterations: int) -> Array:
    """The weights of ``unfold`` with its defaults."""
    simulation = Simulation.of(particle, detector)
    return OmniFold.fit(Sample.of(data), simulation, settings=replace(DEFAULT, iterations=iterations)).weights


def plain(data: Array, detector: Array, particle: Array, iterations: int) -> Array:
    """Those of trees in the same loop, without folds."""

    def ratio(one: Array, other: Array, first: Array, second: Array, at: Array) -> Array:
        labels, weights = (
            np.r_[np.ones(len(one)), np.zeros(len(other))],
            np.r_[first / first.sum(), second / second.sum()],
        )
        trees = HistGradientBoostingClassifier(random_state=1)
        trees.fit(np.concatenate([one, other]), labels, sample_weight=weights * len(weights) / 2)
        return np.exp(trees.decision_function(at))

    push, ones = np.ones(len(particle)), np.ones(len(data))
    for _ in range(iterations):
        pull = push * ratio(data, detector, ones, push, detector)
        push = ratio(particle, particle, pull, np.ones(len(particle)), particle)
    return push


def timed(method: Callable[..., Array], n: int, dimensions: int, shifted: int, iterations: int, seed: int) -> Array:
    """Mean relative error of the weights, wall time and CPU time in s, and the growth of the process in MB."""
    data, detector, particle, truth = toy(seed, n, dimensions, shifted)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    # The inputs are no part of the memory that a method takes.
    size, wall, cpu = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter(), time.process_time()
    weights = method(data, detector, particle, iterations)
    spent = time.perf_counter() - wall, time.process_time() - cpu
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - size) / 1024
    return np.array([np.mean(np.abs(weights / weights.mean() / truth - 1)), *spent, grown])


def apart(*arguments: Any) -> Array:
    """``timed`` in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(timed, arguments)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[2])
    parser.add_argument("--iterations", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    every = options.dimensions == [2]
    for dimensions in options.dimensions:
        shifted = dimensions if every else 1
        result: dict[str, Any] = {"benchmark": "unfold", "events": options.events, "dimensions": dimensions}
        result |= {"iterations": options.iterations, "seeds": options.seeds}
        means = {}
        for name, method in {"": resonaut, "peer_": plain}.items():
            arguments = (method, options.events, dimensions, shifted, options.iterations)
            found = np.array([apart(*arguments, seed) for seed in range(1, options.seeds + 1)])
            error, wall, cpu, memory = means[name] = found.mean(axis=0)
            result |= {f"{name}error": error, f"{name}wall_s": wall, f"{name}cpu_s": cpu, f"{name}memory_mb": memory}
            result[f"{name}largest_error"] = found[:, 0].max()
        result["ratio"] = means["peer_"][2] / means[""][2]
        print(json.dumps({k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in result.items()}), flush=True)


if __name__ == "__main__":
    main()
