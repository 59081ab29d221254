"""Learners, each a module with ``learn`` and ``load``, found by name so that a job depends on its own alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from resonaut.classify.settings import Learning

State = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Labelled:
    """Events that train: inputs (n, m), classes (n,), and weights (n,) > 0 of equal sums by class, on average 1."""

    values: NDArray[np.float32]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]

    @property
    def parts(self) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
        """Values, labels and weights."""
        return self.values, self.labels, self.weights


class Model(Protocol):
    """A trained model."""

    def probabilities(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Of each class (n, classes) for inputs (n, m); they sum to 1."""

    def state(self) -> State:
        """Its arrays."""


@dataclass(frozen=True)
class Learned:
    """A model, and the mean cross entropy of both parts of the training events after each tree or epoch.

    ``best`` is the number of the one that the model is of, from 0.
    """

    model: Model
    training: list[float]
    validation: list[float]
    best: int


class Binning(Model, Protocol):
    """A trained model that gives the bins of a fit."""

    def bins(self, values: NDArray[np.float32]) -> NDArray[np.int64]:
        """The bin of each event (n,), from 0."""


class Learner(Protocol):
    """What a module of this folder has."""

    def learn(self, seen: Labelled, validation: Labelled, settings: Learning, seed: int) -> Learned:
        """Learn from ``seen``; ``validation`` says when to stop."""

    def load(self, state: Mapping[str, NDArray[Any]]) -> Model:
        """The model with these arrays."""


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities (n, classes) from their logarithms up to a constant of each event."""
    found = np.exp(logits - logits.max(axis=1, keepdims=True))
    total: NDArray[np.float64] = found.sum(axis=1, keepdims=True)
    return np.asarray(found / total)


def learner(name: str) -> Learner:
    """The module of that name."""
    return cast(Learner, import_module(f"resonaut.classify.learners.{name}"))
