"""Architectures that learn by themselves, from what a jet's constituents give, and not as a torch module.

A learner is a function ``learn(seen, held_out, settings, training, seed)``: two ``Labelled``, ``NetworkConfig``,
``TrainingConfig`` and the seed of all that is random, to ``Learned``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.tag.architectures import networks
from resonaut.tag.inputs import Inputs
from resonaut.tag.results import Loss
from resonaut.tag.settings import NetworkConfig, TagConfig
from resonaut.tag.tagger import Tagger

# The entry of a learner's arrays with its operations a jet, beside making the observables: a number.
OPERATIONS = "operations"


@dataclass(frozen=True)
class Labelled:
    """Jets: inputs, index of the class (n,), and weights of mean one (n,)."""

    inputs: Inputs
    labels: NDArray[np.integer]
    weights: NDArray[np.floating]


@dataclass(frozen=True)
class Learned:
    """``state``: the arrays of which the architecture's graph is made, and ``OPERATIONS``.

    ``outputs``: inputs to probabilities (n, outputs) by the library that it learned with, which the graph must repeat.
    """

    state: dict[str, NDArray[Any]]
    parameters: int
    outputs: Callable[[Inputs], NDArray[np.floating]]
    loss: Loss


def learn(
    name: str, network: NetworkConfig, settings: TagConfig, seen: Labelled, held_out: Labelled
) -> tuple[Tagger, dict[str, NDArray[Any]], Loss]:
    """The tagger that a learner makes, the arrays of its model file, and its losses."""
    entry = networks()[network.architecture]
    learned: Learned = entry.find()(seen, held_out, network, settings.training, settings.seed)

    def outputs(inputs: Inputs) -> np.ndarray:
        return np.asarray(learned.outputs(inputs), np.float32)

    tagger = Tagger(name, network, outputs, entry.shortest(network), learned.parameters)
    return tagger, learned.state, learned.loss
