"""Signal region and sidebands of a mass window, and the weights that count both sidebands equally."""

from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import EmptySelectionError
from resonaut.select.settings import Range, Window

LOWER, SIGNAL, UPPER, OUTSIDE = range(4)
LABELS = ("lower sideband", "signal region", "upper sideband")


@dataclass(frozen=True)
class Regions:
    """Which region of a window each event is in: ``LOWER``, ``SIGNAL``, ``UPPER`` or ``OUTSIDE``, shape (n,)."""

    code: NDArray[np.int8]

    @classmethod
    def of(cls, mass: NDArray[np.float32], window: Window) -> "Regions":
        """Look up each mass, a value of the window's observable; a range holds its lower edge and not its upper one."""
        code = np.full(len(mass), OUTSIDE, dtype=np.int8)
        for number, (low, high) in enumerate(ranges(window)):
            code[(mass >= low) & (mass < high)] = number
        return cls(code)

    @classmethod
    def among(cls, events: ak.Array, window: Window) -> "Regions":
        """Look up each event."""
        return cls.of(ak.to_numpy(events[window.observable]), window)

    @property
    def signal(self) -> NDArray[np.bool_]:
        """Events in the signal region."""
        return np.equal(self.code, SIGNAL)

    @property
    def sideband(self) -> NDArray[np.bool_]:
        """Events in one of the two sidebands."""
        return np.isin(self.code, (LOWER, UPPER))

    @property
    def beside(self) -> NDArray[np.bool_]:
        """All events that are not in the signal region."""
        return np.not_equal(self.code, SIGNAL)

    def counts(self) -> NDArray[np.int64]:
        """Number of events in each region, indexed by code, shape (4,)."""
        return np.bincount(self.code, minlength=4)

    def sideband_weights(self) -> NDArray[np.float64]:
        """Weight of one event by region, shape (4,): each sideband sums to 1/2, other regions to 0."""
        return np.array([0.5, 0.0, 0.5, 0.0]) / np.maximum(self.counts(), 1)


def ranges(window: Window) -> tuple[Range, Range, Range]:
    """Lower sideband, signal region, upper sideband, in GeV."""
    return window.sidebands[0], window.signal_region, window.sidebands[1]


def require_events(regions: Regions, window: Window, name: str, dataset: str, minimum: int) -> None:
    """Stop where a region of the window is too thinly populated to train and to define an efficiency.

    Raises:
        EmptySelectionError: a region has fewer than ``minimum`` events.
    """
    for label, (low, high), events in zip(LABELS, ranges(window), regions.counts()[:3], strict=True):
        if events < minimum:
            raise EmptySelectionError(
                f"window {name}: the {label}, {low:g}-{high:g} GeV, has {events} events of {dataset!r} and "
                f"select.min_events wants {minimum}; widen the range in select.windows.{name}, or drop the window."
            )
