"""What a method may learn from."""

from dataclasses import dataclass

import awkward as ak

from resonaut.core.events import Dataset
from resonaut.select.regions import Regions
from resonaut.select.settings import Window


@dataclass(frozen=True)
class TrainingData:
    """The data with ``m_jj`` and the method's columns, the window's ``regions`` of them, and simulation.

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
