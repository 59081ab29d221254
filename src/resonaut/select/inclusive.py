"""The inclusive selection: every event, the baseline that all other methods have to beat."""

import awkward as ak
import numpy as np

from resonaut import identifier
from resonaut.select.quantile import Raw
from resonaut.select.regions import Regions


class Inclusive:
    """No score: events rank at random, and the working point keeps all of them."""

    columns: tuple[str, ...] = ()
    friends: tuple[str, ...] = ()
    background_efficiency = 1.0

    def fit(self, events: ak.Array, regions: Regions, source: str) -> dict[str, float]:  # noqa: ARG002
        """There is nothing to learn."""
        return {}

    def raw(self, events: ak.Array, source: str) -> Raw:  # noqa: ARG002
        """Equal values, told apart by the hash of the identifier."""
        n = len(events)
        return Raw(np.zeros(n), np.zeros(n, dtype=np.int64), identifier.uniform(identifier.keys(events), 0))
