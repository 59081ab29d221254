"""Normalised autoencoders of an S curve in the plane: ``python benchmarks/normalised_autoencoder.py``, one JSON line.

1,000 points of scikit-learn's S curve with a noise of 0.1, an autoencoder 2-32-32-32-2, 200 epochs: the toy of CMS's
Wasserstein normalised autoencoder (arXiv:2510.02168), with its persistent chains of 10 steps of 0.2 at a temperature of
0.05. For both losses and each seed: the smallest mean distance of an epoch between points and drawn ones, and the epoch
that has it; over it, the largest (``worst``) and the mean of the last half of all epochs, and ``noise``, the spread of
an epoch's mean that its neighbours do not share. Without noise ``worst`` is at most 1.1 where a training stays at its
minimum. ``smooth`` is ``worst`` of means of ten epochs in place of one. ``--averaged`` takes the distance of the
average of the network's weights from all points, with chains that begin and move alike in each epoch. The likelihood
has no regularisation, as in the first form (arXiv:2105.05735). ``floor`` is the distance between two batches of
different points.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import copy
import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.datasets import make_s_curve
from torch import Tensor

from resonaut.learn.autoencoder import Normalised, Settings
from resonaut.learn.autoencoder.normalised import NormalisedAutoencoder, Objective, Sampler
from resonaut.learn.autoencoder.plain import Features
from resonaut.learn.losses import wasserstein

POINTS = 1000
PLAIN = Settings(latent=32, hidden=[32], epochs=20, batch_size=250, learning_rate=0.001)
NORMALISED = Normalised(
    temperature=0.05, latent_steps=0, steps=10, buffer=2000, regularisation=0, batch_size=250, learning_rate=0.001
)


# Steps over which the weights are averaged, and those of the chains, from anywhere in their box, that judge them.
AVERAGED, CHAIN = 100, 200


class Averaged(Objective):
    """Judges an epoch by the exponential average of the network's weights, without noise of batches and of chains."""

    def __init__(self, x: Tensor, sampler: Sampler, settings: Normalised) -> None:
        super().__init__(x, sampler, settings)
        self.average = copy.deepcopy(sampler.network)

    def __call__(self, rows: Tensor) -> Tensor:
        """The loss, after the weights of the step before are averaged."""
        with torch.no_grad():
            for mean, last in zip(self.average.parameters(), self.sampler.network.parameters(), strict=True):
                mean.lerp_(last, 1 / AVERAGED)
        return super().__call__(rows)

    def distance(self) -> float:
        """Between all points and as many ends of chains."""
        generator, events = torch.Generator().manual_seed(7), self.sampler.events
        anywhere = torch.rand((POINTS, self.x.shape[1]), generator=generator)
        start = events.low + anywhere * (events.high - events.low)
        drawn = replace(events, steps=CHAIN)(self.average.error, start, generator)
        return wasserstein(self.x[:POINTS], drawn).item()


def points(seed: int) -> Features:
    """Points on the curve and their noise, (POINTS, 2)."""
    curve, _ = make_s_curve(POINTS, noise=0.1, random_state=seed)
    return curve[:, [0, 2]].astype(np.float32)


def trained(loss: str, epochs: int, passes: int, seed: int, objective: type[Objective]) -> dict[str, Any]:
    """What becomes of the distance with one loss."""
    settings = replace(NORMALISED, loss=loss, epochs=epochs)
    start = time.process_time()
    model = NormalisedAutoencoder.fit(np.tile(points(seed), (passes, 1)), None, PLAIN, settings, seed, objective)
    distances = np.array(model.distances)
    smooth = np.convolve(distances, np.full(10, 0.1), "valid")
    late, late_smooth = distances[epochs // 2 :], smooth[epochs // 2 :]
    return {
        "loss": loss,
        "seed": seed,
        "smallest": round(float(distances.min()), 4),
        "epoch": int(distances.argmin()) + 1,
        "last": round(float(distances[-1]), 4),
        "worst": round(float(late.max() / distances.min()), 3),
        "mean": round(float(late.mean() / distances.min()), 3),
        "noise": round(float(np.diff(late).std() / np.sqrt(2) / late.mean()), 3),
        "smooth": round(float(late_smooth.max() / smooth.min()), 3),
        "cpu_seconds": round(time.process_time() - start, 1),
    }


def floor(seed: int) -> float:
    """The distance between batches that are alike."""
    x = torch.as_tensor(points(seed))
    x = (x - x.mean(dim=0)) / x.std(dim=0)
    first, second, *_ = x.split(NORMALISED.batch_size)
    return wasserstein(first, second).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--passes", type=int, default=2, help="over the points, in an epoch")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--losses", nargs="+", default=["likelihood", "wasserstein"])
    parser.add_argument("--averaged", action="store_true", help="judge the average of the weights")
    options = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(1, options.seeds + 1)
    objective = Averaged if options.averaged else Objective
    runs = [trained(loss, options.epochs, options.passes, seed, objective) for loss in options.losses for seed in seeds]
    print(json.dumps({"floor": round(float(np.mean([floor(seed) for seed in seeds])), 4), "runs": runs}))


if __name__ == "__main__":
    main()
