"""Features that say nothing, beside two that do: how much a selection loses by them. One JSON line.

    python benchmarks/select_noise.py --noise 0 20 --seeds 3

Background is N(0, 1) in each feature, a signal N(parameters, 0.4) in the first two and N(0, 1) in the others. ``paws``
learns nine simulated signals and finds the share and the parameters of another one in the data; ``cwola`` is trees that
compare the signal region with the sidebands; both by two folds. Significance improvement at a background efficiency of
1 %, mean over seeds, and over that without noise.
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
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.select.methods.paws.method import joined, learned

GRID = np.array([[x, y] for x in (-2.0, 0.0, 2.0) for y in (-2.0, 0.0, 2.0)])
PLACE = np.array([1.3, -0.8])
INSIDE, BESIDE, SIMULATED, PER_SIGNAL, TEST = 10_000, 20_000, 40_000, 4000, 50_000
CUT = 0.01
SETTINGS = ratio.FeatureSettings(folds=2)
Events = NDArray[np.float32]


class Toy:
    """Events with so many features of noise."""

    def __init__(self, noise: int, seed: int) -> None:
        self.noise, self.rng = noise, np.random.default_rng(seed)

    def background(self, n: int) -> Events:
        """Shape (n, 2 + noise)."""
        return self.rng.normal(size=(n, 2 + self.noise)).astype(np.float32)

    def signal(self, n: int, place: NDArray[np.float64] = PLACE) -> Events:
        """Shape (n, 2 + noise)."""
        made = self.background(n)
        made[:, :2] = place + 0.4 * made[:, :2]
        return made


def sample(features: Events, first: int = 0) -> ratio.Sample:
    """With weights of 1, and keys that no other sample has."""
    keys = identifier.mix(np.arange(first, first + len(features), dtype=np.uint64))
    return ratio.Sample(features, np.ones(len(features)), keys)


def improvement(score: Callable[[Events], NDArray[np.float64]], toy: Toy) -> float:
    """Signal efficiency over the root of the background's, of events that nothing was learned from."""
    cut = np.quantile(score(toy.background(TEST)), 1 - CUT)
    return float(np.mean(score(toy.signal(TEST)) > cut) / np.sqrt(CUT))


def cwola(inside: Events, beside: Events, toy: Toy, seed: int) -> float:
    """Trees that learn from the data alone."""
    settings = replace(SETTINGS, backend="trees", seed=seed)
    fit = ratio.CrossFit.fit(sample(inside), sample(beside, len(inside)), settings)
    return improvement(lambda x: np.mean([model.probability(x) for model in fit.models], axis=0), toy)


def paws(inside: Events, beside: Events, toy: Toy, seed: int) -> tuple[float, NDArray[np.float64]]:
    """A network of simulated signals, and where the data's is."""
    background = toy.background(SIMULATED)
    rows = toy.rng.integers(len(GRID), size=len(background))
    signals = np.concatenate([joined(toy.signal(PER_SIGNAL, place), place) for place in GRID])
    settings = replace(SETTINGS, backend="network", seed=seed)
    fit = ratio.CrossFit.fit(sample(signals), sample(joined(background, GRID[rows]), len(signals)), settings)
    weights = np.full(len(beside), 1 / len(beside))
    found = [learned(model, inside, beside, weights, GRID) for model in fit.models]
    score = improvement(
        lambda x: np.mean(
            [model.probability(joined(x, one.parameters)) for model, one in zip(fit.models, found, strict=True)], axis=0
        ),
        toy,
    )
    return score, np.mean([one.parameters for one in found], axis=0)


def experiment(noise: int, signal: int, seed: int) -> dict[str, Any]:
    """One draw of the data, by both methods."""
    toy = Toy(noise, seed)
    inside = np.concatenate([toy.background(INSIDE - signal), toy.signal(signal)])
    beside = toy.background(BESIDE)
    found, place = paws(inside, beside, toy, seed)
    return {"cwola": cwola(inside, beside, toy, seed), "paws": found, "away": float(np.hypot(*(place - PLACE)))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noise", type=int, nargs="+", default=[0, 20])
    parser.add_argument("--signal", type=int, default=200, help=f"events among {INSIDE}")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.process_time()
    means = {}
    for noise in options.noise:
        found = [experiment(noise, options.signal, seed) for seed in range(1, options.seeds + 1)]
        means[noise] = {key: float(np.mean([one[key] for one in found])) for key in found[0]}
    first = means[options.noise[0]]
    runs = [
        {"noise": noise} | mean | {f"{name}_kept": mean[name] / first[name] for name in ("cwola", "paws")}
        for noise, mean in means.items()
    ]
    print(json.dumps({"signal": options.signal, "runs": runs, "cpu_seconds": round(time.process_time() - start)}))


if __name__ == "__main__":
    main()
