"""What a method may learn from."""

from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.events import Dataset
from resonaut.select.regions import Regions
from resonaut.select.settings import Window


@dataclass(frozen=True)
class TrainingData:
    """The data with the window's observable and the method's columns, the window's ``regions`` of them, and simulation.

    ``source`` names the data in messages; ``backgrounds`` and ``signals`` are for methods that learn from simulation,
    and ``injected`` names the signal put into the data, if one was.
    """

    events: ak.Array
    regions: Regions
    window: Window
    source: str
    backgrounds: list[Dataset]
    signals: list[Dataset]
    injected: str | None

    @property
    def mass(self) -> NDArray[np.float32]:
        """The window's observable of each event of the data."""
        found: NDArray[np.float32] = ak.to_numpy(self.events[self.window.observable])
        return found
