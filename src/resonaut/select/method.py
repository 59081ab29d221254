"""What an anomaly method is, and the methods by name."""

from typing import Protocol

import awkward as ak

from resonaut.errors import ConfigError
from resonaut.select.cwola import Cwola
from resonaut.select.inclusive import Inclusive
from resonaut.select.quantile import Raw
from resonaut.select.regions import Regions
from resonaut.select.settings import Settings
from resonaut.select.tagger import Tagger


class Method(Protocol):
    """A method reads ``columns`` from the events and its ``friends``, learns, and scores held-out events."""

    columns: tuple[str, ...]
    friends: tuple[str, ...]
    background_efficiency: float

    def fit(self, events: ak.Array, regions: Regions, source: str) -> dict[str, float]:
        """Learn from the data of one window; returns the numbers worth keeping. ``source`` names the data."""

    def raw(self, events: ak.Array, source: str) -> Raw:
        """Score events, each by a model that has not seen it."""


def make(name: str, settings: Settings) -> Method:
    """The method of that name, untrained.

    Raises:
        ConfigError: there is none of that name.
    """
    if name == "inclusive":
        return Inclusive()
    if name == "tagger":
        return Tagger(settings)
    if name == "cwola":
        return Cwola(settings)
    raise ConfigError(f"config: unknown method {name!r} in select.methods; there are inclusive, tagger, cwola.")
