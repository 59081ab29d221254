"""A network whose loss is the expected uncertainty of a fit (arXiv:2502.13047, arXiv:1806.04743): it gives bins.

The probability of a class is the share that it has in the event's bin, classes counting the same.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from resonaut.classify import crossfit, varied
from resonaut.classify.crossfit import Classifier
from resonaut.classify.learners import Learned, State
from resonaut.classify.results import Expected as Result
from resonaut.classify.settings import Learning, Training
from resonaut.classify.varied import Events
from resonaut.core import identifier
from resonaut.core.record import build
from resonaut.learn.inference import Settings
from resonaut.learn.inference.expected import Expected, expected
from resonaut.learn.inference.likelihood import Templates
from resonaut.learn.inference.network import Classifier as Network

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Binned:
    """A network, and the ``shares`` of the classes in its bins (bins, classes)."""

    network: Network
    shares: NDArray[np.float64]

    def state(self) -> State:
        """Its arrays."""
        return dict(self.network.model.state) | {"shares": self.shares}

    def bins(self, values: NDArray[np.float32]) -> NDArray[np.int64]:
        """The bin of each event, from 0."""
        return self.network.bin(values)

    def probabilities(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of each class (n, classes)."""
        found: NDArray[np.float64] = self.shares[self.bins(values)]
        return found


def fit(
    manifests: Sequence[Path], weights: Mapping[str, Sequence[str]], settings: Training
) -> tuple[Classifier, list[Learned], list[Result]]:
    """Train a network for each fold without its events; also their losses, and what their bins are expected to measure.

    Raises:
        ConfigError: a dataset lacks a variation.
        EmptySelectionError: there are too few events.
        NotFiniteError: an input, a weight or a loss is not finite.
        FitError: a parameter has no effect and no constraint.
    """
    events = varied.training(manifests, weights, settings)
    classifier, measured = settings.classifier, settings.measured
    assert measured is not None
    fold = identifier.folds(events.keys, classifier.folds, classifier.seed)
    stops = crossfit.stopping(events.keys, classifier)
    learned = []
    for number in range(classifier.folds):
        parts = events[(fold != number) & ~stops], events[(fold != number) & stops]
        learned.append(learn(*parts, classifier, identifier.derived_seed(classifier.seed, number)))
        log.info("fold %d of %d: best after %d epochs", number + 1, classifier.folds, learned[-1].best + 1)
    models = [cast(Binned, one.model) for one in learned]
    found = judged(models, events, fold, measured.statistics)
    results = [
        Result(parameter=name, profiled=found.uncertainty[name], fixed=fixed) for name, fixed in found.fixed.items()
    ]
    return Classifier(classifier, models), learned, results


def learn(seen: Events, validation: Events, settings: Learning, seed: int) -> Learned:
    """Minimise the uncertainty; the best epoch is that of the smallest one for ``validation``."""
    trained = Network.fit(
        seen.measurement,
        seen.events,
        validation.events,
        settings.uncertainty,
        seed,
        "a classifier on the uncertainty",
        "classify.classifiers.<name>.uncertainty.learning_rate",
    )
    bins, classes = settings.uncertainty.bins, len(settings.classes)
    place = trained.bin(seen.events.features.numpy()) * classes + seen.labels
    counts = np.bincount(place, seen.events.weights.numpy(), bins * classes).reshape(bins, classes).clip(min=0)
    counts = counts / counts.sum(axis=0).clip(min=np.finfo(float).tiny)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, counts / np.where(total > 0, total, 1), 1 / classes)
    history = trained.history
    return Learned(Binned(trained, shares), history.training, history.held_out, int(np.argmin(history.held_out)))


def load(state: Mapping[str, NDArray[Any]]) -> Binned:
    """The model with these arrays."""
    arrays = dict(state)
    shares = arrays.pop("shares")
    # Weights of the layers, (out, in).
    sizes = [len(values) for name, values in arrays.items() if values.ndim == 2]
    about = {"bins": len(shares), "histogram": "gaussian" if sizes[-1] == 1 else "softmax", "hidden": sizes[:-1]}
    return Binned(Network.restored(arrays, build(about, Settings, "uncertainty")), shares)


def judged(models: Sequence[Binned], events: Events, fold: NDArray[np.int64], statistics: bool) -> Expected:
    """What the bins of all folds are expected to measure, each filled by the events of its own fold alone."""
    samples = len(events.measurement.samples)
    parts = [
        events.events.rows(torch.from_numpy(fold == number)).filled(model.network.network.hard, samples)
        for number, model in enumerate(models)
    ]
    whole = Templates(*(torch.cat(several, dim=-1) for several in zip(*parts, strict=True)))
    return expected(events.measurement, whole, list(events.events.variations), float(statistics))
