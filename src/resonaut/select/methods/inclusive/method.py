"""The inclusive selection: every event, the baseline that all other methods have to beat."""

import awkward as ak
import numpy as np

from resonaut.core import identifier
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData


class Inclusive:
    """No score: events rank at random, and the working point keeps all of them."""

    columns: tuple[str, ...] = ()
    friends: tuple[str, ...] = ()
    background_efficiency = 1.0

    def __init__(self, settings: Settings) -> None:
        """It has no settings."""

    def fit(self, training: TrainingData) -> dict[str, float]:  # noqa: ARG002
        """There is nothing to learn."""
        return {}

    def raw(self, events: ak.Array, source: str) -> Raw:  # noqa: ARG002
        """Equal values, told apart by the hash of the identifier."""
        n = len(events)
        return Raw.alone(np.zeros(n), np.zeros(n, dtype=np.int64), identifier.keys(events))
