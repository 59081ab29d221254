"""The axis of a channel: where an event is counted."""

from collections.abc import Mapping
from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import formulas
from resonaut.core.errors import ConfigError
from resonaut.fit.templates.settings import Channel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """The observable of a channel, the ``edges`` (N + 1,) of its bins, and its cut."""

    channel: str
    observable: str
    edges: Array
    cut: str | None

    @classmethod
    def of(cls, channel: Channel, name: str) -> "Axis":
        """That of a channel of events."""
        assert channel.observable is not None
        assert channel.edges is not None
        return cls(name, channel.observable, np.array(channel.edges), channel.cut)

    @property
    def columns(self) -> list[str]:
        """What is read of the events."""
        read = [*formulas.names(self.observable), *(formulas.names(self.cut) if self.cut else ())]
        return list(dict.fromkeys(read))

    def place(self, events: ak.Array) -> NDArray[np.intp]:
        """The bin of each event, shape (n,): N beyond the edges, -1 for events that do not pass the cut."""
        columns = {name: self._numbers(events[name], name) for name in self.columns}
        values = self._evaluated(self.observable, columns, len(events)).astype(np.float64)
        bins = len(self.edges) - 1
        place = np.searchsorted(self.edges, values, side="right") - 1
        # NaN is beyond the edges, too.
        place = np.where((place < 0) | (place >= bins), bins, place)
        if self.cut is not None:
            passes = self._evaluated(self.cut, columns, len(events))
            if passes.dtype != bool:
                raise ConfigError(
                    f"channel {self.channel!r}: the cut {self.cut!r} is a number and no condition; compare it, as in "
                    "'m_jj > 2000'."
                )
            place = np.where(passes, place, -1)
        return place

    def _numbers(self, values: ak.Array, name: str) -> np.ndarray:
        if values.ndim != 1:
            raise ConfigError(
                f"channel {self.channel!r} reads the column {name!r}, which is a list in each event; name a column of "
                "one number."
            )
        numbers: np.ndarray = ak.to_numpy(values)
        return numbers

    def _evaluated(self, formula: str, columns: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        return np.broadcast_to(formulas.evaluate(formula, columns), n)
