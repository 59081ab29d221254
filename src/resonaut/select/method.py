"""What an anomaly method is, and how one is made."""

from collections.abc import Sequence
from typing import Protocol

import awkward as ak

from resonaut.select import catalogue
from resonaut.select.combination import Combined
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData


class Method(Protocol):
    """A method reads ``columns`` from the events and its ``friends``, learns, and scores held-out events."""

    columns: tuple[str, ...]
    friends: tuple[str, ...]
    background_efficiency: float

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Learn for one window; returns the numbers worth keeping."""

    def raw(self, events: ak.Array, source: str) -> Raw:
        """Score events, each by a model that has not seen it. ``source`` names them in messages."""


def uses_tagger(name: str, settings: Settings, code: Sequence[str] = ()) -> bool:
    """Whether the method, or one that it combines, scores with a network that was trained on part of the simulation."""
    if name in settings.combinations:
        return any(uses_tagger(part, settings, code) for part in settings.combinations[name].methods)
    return "tag" in catalogue.methods(code)[name].friends


def make(name: str, settings: Settings, window: str, code: Sequence[str] = ()) -> Method:
    """The method of that name, untrained, for the named window; ``code``: the user's own files it may be in.

    Raises:
        ConfigError: there is none of that name.
    """
    if name in settings.combinations:
        return Combined(settings, settings.combinations[name], window)
    # Only the method's own module: torch and flows take seconds to load.
    method: Method = catalogue.methods(code)[name].find()(settings)
    return method
