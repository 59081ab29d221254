"""What a classifier sees of an event: the event's features at once, or those of each jet by itself."""

from dataclasses import dataclass
from typing import Literal

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.physics import features
from resonaut.select.settings import Settings


@dataclass(frozen=True)
class Inputs:
    """Names of the features of each part; ``suffixes`` tell the parts apart, "" for the only one.

    ``shift`` times the ``observable`` is added to features in GeV; ``shuffled`` is a feature to be permuted among the
    events, with the permutation's seed.
    """

    names: list[list[str]]
    suffixes: list[str]
    shift: float
    shuffled: tuple[str, int] | None
    observable: str

    @classmethod
    def of(cls, settings: Settings, kind: Literal["event", "jets"], extra: tuple[str, ...] = ()) -> "Inputs":
        """``select.features`` and ``extra``, each once, or ``select.jet_features`` of j1 and of j2."""
        if kind == "event":
            names, suffixes = [list(dict.fromkeys([*settings.features, *extra]))], [""]
        else:
            names = [[f"{name}_{jet}" for name in settings.jet_features] for jet in ("j1", "j2")]
            suffixes = ["_j1", "_j2"]
        return cls(names, suffixes, settings.mass_shift, None, settings.observable)

    @property
    def columns(self) -> tuple[str, ...]:
        """The stored columns of all parts."""
        return features.columns([name for part in self.names for name in part])

    def mass(self, events: ak.Array) -> NDArray[np.float32]:
        """The observable of each event."""
        found: NDArray[np.float32] = ak.to_numpy(events[self.observable])
        return found

    def compute(self, events: ak.Array, source: str) -> list[NDArray[np.float32]]:
        """The features of each part, shape (n, features of the part)."""
        return [self._changed(features.compute(events, part, source), part, events) for part in self.names]

    def _changed(self, values: NDArray[np.float32], names: list[str], events: ak.Array) -> NDArray[np.float32]:
        """For studies: features that depend on the observable (arXiv:2109.00546), and one that tells nothing."""
        if self.shift:
            for column in (i for i, name in enumerate(names) if features.FEATURES[name].unit == "GeV"):
                values[:, column] += np.float32(self.shift) * self.mass(events)
        if self.shuffled and self.shuffled[0] in names:
            column = names.index(self.shuffled[0])
            values[:, column] = np.random.default_rng(self.shuffled[1]).permutation(values[:, column])
        return values
