"""The supervised selection: both jets unlike background in the eyes of a network trained on simulation."""

import awkward as ak
import numpy as np

from resonaut.core import identifier
from resonaut.core.events import require_finite
from resonaut.select.methods.tagger import TaggerSettings
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData


class Tagger:
    """1 - P(background) of the two jets, multiplied or the smaller one, from the stage ``tag``."""

    friends: tuple[str, ...] = ("tag",)

    def __init__(self, settings: Settings) -> None:
        own = settings.own(TaggerSettings)
        self.combine = np.multiply if own.combination == "product" else np.minimum
        self.columns: tuple[str, ...] = tuple(f"{jet}_{own.network}_{own.background}" for jet in ("j1", "j2"))
        self.background_efficiency = settings.background_efficiency

    def fit(self, training: TrainingData) -> dict[str, float]:  # noqa: ARG002
        """The network has learned in its own stage."""
        return {}

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The combined score; one model for all events."""
        jets = []
        for name in self.columns:
            require_finite(events[name], name, source)
            jets.append(1 - ak.to_numpy(events[name]).astype(np.float64))
        model = np.zeros(len(events), dtype=np.int64)
        return Raw.alone(self.combine(*jets), model, identifier.keys(events))
