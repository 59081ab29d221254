"""One score of several methods: the largest of their quantiles, or their product or sum."""

import awkward as ak
import numpy as np

from resonaut.core import identifier
from resonaut.select.quantile import Raw
from resonaut.select.settings import CombinationSettings, Settings
from resonaut.select.training_data import TrainingData


class Combined:
    """The scores that other methods gave the same events in the same window."""

    def __init__(self, settings: Settings, combination: CombinationSettings, window: str) -> None:
        self.columns: tuple[str, ...] = tuple(f"score_{method}" for method in combination.methods)
        self.friends: tuple[str, ...] = tuple(f"select/{method}/{window}" for method in combination.methods)
        self.rule = combination.rule
        self.background_efficiency = settings.background_efficiency

    def fit(self, training: TrainingData) -> dict[str, float]:  # noqa: ARG002
        """The methods have learned by themselves."""
        return {}

    def raw(self, events: ak.Array, source: str) -> Raw:  # noqa: ARG002
        """A part for each method; their scores are quantiles, comparable between folds."""
        value = np.column_stack([ak.to_numpy(events[name]).astype(np.float64) for name in self.columns])
        keys = identifier.keys(events)
        return Raw(value, np.zeros(len(events), dtype=np.int64), identifier.uniform(keys, 0), self.rule)
