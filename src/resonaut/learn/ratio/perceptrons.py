"""Networks: all folds, validation parts and restarts are trained at once; the best restart of each part stays.

Without validation parts all restarts stay, and are averaged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.learn.ratio.networks import Networks
from resonaut.learn.ratio.sample import Balanced, gathered, validation_part
from resonaut.learn.ratio.settings import Settings, StepSettings


@dataclass(frozen=True)
class Perceptrons:
    """The networks of one fold, ``chosen`` among all; their predictions are averaged."""

    networks: Networks
    chosen: list[int]

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean output f, shape (n,)."""
        mean: NDArray[np.float64] = self.members(features).mean(axis=0)
        return mean

    def members(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The output of each of them, shape (chosen, n)."""
        return self.networks.probability(features, self.chosen)


def train(samples: Sequence[Balanced], settings: StepSettings) -> list[Perceptrons]:
    """The networks of each fold, between its two samples."""
    own = settings.sets if isinstance(settings, Settings) and settings.backend == "sets" else settings.network
    parts, restarts = own.validation_parts, own.restarts
    starts = np.cumsum([0, *(len(sample.labels) for sample in samples)])
    training, validation = [], []
    for start, sample in zip(starts, samples, strict=False):
        # A single part is none: all events train.
        part = validation_part(sample.keys, parts, settings.seed) if parts > 1 else np.full(len(sample.keys), -1)
        for number in range(parts):
            training += [start + np.flatnonzero(part != number)] * restarts
            validation += [start + np.flatnonzero(part == number)] * restarts
    features, places = gathered([part for sample in samples for part in sample.parts])
    labels, weights = (np.concatenate([getattr(sample, name) for sample in samples]) for name in ("labels", "weights"))
    seeds = np.random.SeedSequence(settings.seed).generate_state(len(training)).tolist()
    networks = Networks.train(features, labels, weights, training, validation, seeds, own, places)
    numbers = np.arange(len(training)).reshape(len(samples), parts, restarts)
    if parts == 1:
        return [Perceptrons(networks, kept) for kept in numbers[:, 0].tolist()]
    merit = np.array(
        [
            _efficiency(
                networks.probability(features[places[rows]], [m])[0],
                labels[rows],
                weights[rows],
                settings.choice_efficiency,
            )
            for m, rows in enumerate(validation)
        ]
    ).reshape(numbers.shape)
    chosen = np.take_along_axis(numbers, merit.argmax(axis=2, keepdims=True), axis=2)[:, :, 0]
    return [Perceptrons(networks, kept) for kept in chosen.tolist()]


def _efficiency(
    output: NDArray[np.float64], labels: NDArray[np.float64], weights: NDArray[np.float64], target: float
) -> float:
    """The numerator's efficiency at the cut on the ``output`` (n,) that keeps ``target`` of the denominator."""
    order = np.argsort(-output, kind="stable")
    passing = [np.cumsum(weights[order] * share[order]) for share in (1 - labels, labels)]
    below = np.searchsorted(passing[0], target * passing[0][-1], side="right")
    return float(passing[1][max(below - 1, 0)] / passing[1][-1])
