"""What is asked of an unfolding before it meets data, on Gaussian toys: ``python benchmarks/unfold_study.py``.

One JSON line for each: the technical closure, a stress test with another truth and a scan of the iterations, the
bottom-line test (an unfolded result must not tell two models apart better than the data do at the detector level), and
the coverage of the bootstrap uncertainties, for the truth that the simulation nearly has and for one that it has not.
One observable, smeared by 0.5, seen with 80 % at large values and less below.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import Pool
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.learn.ratio import Sample
from resonaut.unfold.bayes import Response, counts, triangular
from resonaut.unfold.omnifold import DEFAULT, OmniFold, Simulation

EDGES = np.array([-1.2, -0.6, 0.0, 0.6, 1.2])
Array = NDArray[np.float64]
Truth = Callable[[np.random.Generator, int], Array]


def simulated(rng: np.random.Generator, n: int) -> Array:
    """The particle level of the simulation."""
    return rng.normal(0, 1, n)


def near(rng: np.random.Generator, n: int) -> Array:
    """A truth of the same family."""
    return rng.normal(0.2, 0.95, n)


def far(rng: np.random.Generator, n: int) -> Array:
    """A truth that the simulation has not: two populations, of which one is narrow."""
    return np.where(rng.uniform(size=n) < 0.7, rng.normal(0.35, 0.7, n), rng.normal(-0.6, 1.2, n))


# The far truth needs more iterations than the default, which its scan tells (``change``, ``auc_after``).
TRUTHS: dict[str, tuple[Truth, int]] = {"near": (near, DEFAULT.iterations), "far": (far, 2 * DEFAULT.iterations)}


def events(truth: Truth, n: int, seed: int) -> Simulation:
    """Events at both levels."""
    rng = np.random.default_rng(seed)
    particle = truth(rng, n)[:, None]
    detector = particle + rng.normal(0, 0.5, particle.shape)
    seen = rng.uniform(size=n) < 0.8 / (1 + np.exp(-2 - particle[:, 0]))
    keys = identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed << 32))
    return Simulation.of(particle, detector, at_detector=seen, keys=keys)


def measured(of: Simulation) -> Sample:
    """What the detector sees of them."""
    return of.seen(of.at_detector)


def unfolded(data: Sample, simulation: Simulation, iterations: int = DEFAULT.iterations) -> OmniFold:
    torch.set_num_threads(1)
    # The simulation has the yield that the data are expected to have.
    return OmniFold.fit(data, simulation, settings=replace(DEFAULT, iterations=iterations))


def bins(of: Simulation, weights: Array | None = None) -> Array:
    """Events of the particle level in bins."""
    return counts(of.particle[:, 0], of.weights if weights is None else weights, EDGES)


def replicas(data: Sample, simulation: Simulation, number: int, iterations: int = DEFAULT.iterations) -> Array:
    """Bins of unfoldings with the events of both drawn again, shape (number, bins)."""
    found = []
    for k in range(number):
        drawn = simulation.scaled(identifier.poisson(simulation.keys, 2 * k + 1).astype(float))
        found.append(bins(drawn, drawn.weights * unfolded(data.bootstrap(2 * k), drawn, iterations).weights))
    return np.array(found)


def experiment(job: tuple[str, int, int, int]) -> tuple[Array, Array]:
    """Pull of every bin of one pseudo-experiment, and of the prior's deviation in the same errors."""
    name, n, number, seed = job
    truth, iterations = TRUTHS[name]
    simulation = events(simulated, 2 * n, 2 * seed + 1).scaled(0.5)
    data = measured(events(truth, n, 2 * seed))
    result = bins(simulation, simulation.weights * unfolded(data, simulation, iterations).weights)
    error = replicas(data, simulation, number, iterations).std(axis=0, ddof=1)
    expected = bins(events(truth, 1_000_000, 7)) * n / 1_000_000
    # The yield is that of this experiment's expectation: it fluctuates with the data.
    return (result - expected) / error, (bins(simulation) - expected) / error


def coverage(name: str, n: int, experiments: int, number: int, processes: int) -> dict[str, Any]:
    with Pool(processes) as pool:
        pulls = np.array(pool.map(experiment, [(name, n, number, 100 + k) for k in range(experiments)], chunksize=1))
    inside = (np.abs(pulls[:, 0]) < 1).mean(axis=0)
    # Bins of one experiment are not independent: the error is that of the experiments' means.
    error = (np.abs(pulls[:, 0]) < 1).mean(axis=1).std(ddof=1) / experiments**0.5
    return {
        "study": f"coverage_{name}",
        "events": n,
        "experiments": experiments,
        "replicas": number,
        "iterations": TRUTHS[name][1],
        "coverage": inside.mean(),
        "error": error,
        "by_bin": inside.tolist(),
        "mean_pull": pulls[:, 0].mean(axis=0).tolist(),
        "coverage_of_the_prior": (np.abs(pulls[:, 1]) < 1).mean(),
    }


def closure(n: int) -> dict[str, Any]:
    """The simulation unfolded with an independent half of itself."""
    other, simulation = events(simulated, n, 1), events(simulated, n, 2)
    found = unfolded(measured(other), simulation)
    difference = bins(simulation, found.weights) - bins(other)
    last = found.iterations[-1]
    return {
        "study": "closure",
        "events": n,
        "mean_weight_error": np.abs(found.weights - 1).mean(),
        "chi2": (difference**2 / (bins(simulation) + bins(other))).sum(),
        "bins": len(difference),
        "auc_after": last.auc_after,
        "auc_error": last.auc_error,
    }


def scan(name: str, n: int, most: int) -> dict[str, Any]:
    """Another truth, by iterations: distances of OmniFold and iterative unfolding from it, and what tells to stop."""
    other, simulation = events(TRUTHS[name][0], n, 3), events(simulated, n, 4)
    data, truth = measured(other), bins(other)
    response = Response.of(simulation, simulation.particle[:, 0], simulation.detector[:, 0], EDGES, EDGES)
    seen = counts(data.features[:, 0], data.weights, EDGES)
    distance = {"omnifold": [triangular(bins(simulation), truth)], "bayes": [triangular(bins(simulation), truth)]}
    for number in range(1, most + 1):
        distance["bayes"].append(triangular(response.unfold(seen, number), truth))
    runs = [unfolded(data, simulation, number) for number in (1, 2, 3, most)]
    return {
        "study": f"scan_{name}",
        "events": n,
        "triangular_prior": distance["omnifold"][0],
        "triangular_bayes": distance["bayes"][1:],
        "triangular_omnifold": {len(run.iterations): triangular(bins(simulation, run.weights), truth) for run in runs},
        "change": [one.change for one in runs[-1].iterations],
        "auc_after": [one.auc_after for one in runs[-1].iterations],
        "effective": [one.effective for one in runs[-1].iterations],
        "yield": runs[-1].weights.sum() / n,
    }


def bottom_line(n: int, number: int) -> dict[str, Any]:
    """Chi2 of data and another model, at the detector level and unfolded, each with its own covariance."""
    simulation, other = events(simulated, 2 * n, 5).scaled(0.5), events(near, n, 6)
    data = measured(other)
    model = events(far, 1_000_000, 7).scaled(n / 1_000_000)
    result = bins(simulation, simulation.weights * unfolded(data, simulation).weights)
    covariance = np.cov(replicas(data, simulation, number).T)
    # The inverse of a covariance from few replicas is too large (J. Hartlap et al., astro-ph/0608064).
    inverse = np.linalg.inv(covariance) * (number - len(result) - 2) / (number - 1)
    difference = result - bins(model)
    seen = counts(data.features[:, 0], data.weights, EDGES)
    expected = counts(model.detector[model.at_detector, 0], model.detector_weights[model.at_detector], EDGES)
    return {
        "study": "bottom_line",
        "events": n,
        "replicas": number,
        "chi2_detector": ((seen - expected) ** 2 / expected).sum(),
        "chi2_unfolded": difference @ inverse @ difference,
        "bins": len(result),
    }


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.3g}") if isinstance(value, float | np.floating) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000, help="of the closure and the scans")
    parser.add_argument("--experiment-events", type=int, default=2000, help="of each pseudo-experiment")
    parser.add_argument("--experiments", type=int, default=200)
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=10, help="most of them in the scans")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    small, number = options.experiment_events, options.replicas
    studies: list[Callable[[], dict[str, Any]]] = [
        lambda: closure(options.events),
        lambda: scan("near", options.events, options.iterations),
        lambda: scan("far", options.events, options.iterations),
        lambda: bottom_line(small, 4 * number),
        lambda: coverage("near", small, options.experiments, number, options.processes),
        lambda: coverage("far", small, options.experiments, number, options.processes),
    ]
    for study in studies:
        begin = time.perf_counter()
        print(json.dumps(rounded(study() | {"wall_s": time.perf_counter() - begin})), flush=True)


if __name__ == "__main__":
    main()
