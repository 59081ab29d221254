"""The weights that ``calibrate`` writes, and what their variations do to the efficiency of a selection.

Columns of ``<results>/calibrate/<dataset>/<chunk>.parquet``, for each jet ``j1`` and ``j2``: ``lund_weight_<jet>`` and
``lund_weight_<variation>_<jet>``, where a variation is a set of toys (a list) or ends in ``_up`` or ``_down``.
The weight of an event is the product of its jets'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import numpy.typing as npt

from resonaut.core.events import columns, require_finite

FloatArray = npt.NDArray[np.float64]

JETS = ("j1", "j2")
PREFIX = "lund_weight"
NOMINAL = "nominal"
TOYS = ("statistical", "pt_extrapolation")


def column(variation: str, jet: str) -> str:
    """The column of one jet's weights in a variation."""
    return f"{PREFIX}_{jet}" if variation == NOMINAL else f"{PREFIX}_{variation}_{jet}"


def variations(path: Path) -> list[str]:
    """The variations whose weights a file holds, the nominal one first."""
    names = columns(path)
    first = JETS[0]
    found = [n.removeprefix(f"{PREFIX}_").removesuffix(f"_{first}") for n in names if n.startswith(PREFIX)]
    return [NOMINAL, *(n for n in found if column(n, first) in names and n != first)]


def weights(events: ak.Array, names: Sequence[str], jets: Sequence[str] = JETS) -> dict[str, FloatArray]:
    """The weights by variation, (events, 1) or (events, toys): the product over ``jets``."""
    found = {}
    for name in names:
        product = np.ones((len(events), 1))
        for jet in jets:
            values = events[column(name, jet)]
            require_finite(values, column(name, jet), "Lund weights")
            dense = ak.to_numpy(ak.to_regular(values) if values.ndim > 1 else values)
            product = product * (dense if dense.ndim > 1 else dense[:, None])
        found[name] = product
    return found


@dataclass(frozen=True)
class ScaleFactor:
    """Efficiency of a selection with the calibration over that without.

    ``uncertainties``: relative change by source, up and down; that of toys is their root mean square about the nominal
    weight, both ways. ``total``: their larger sides in quadrature. NaN where nothing is selected.
    """

    value: float
    uncertainties: dict[str, tuple[float, float]]

    @property
    def total(self) -> float:
        """Relative uncertainty from all sources."""
        return float(np.sqrt(sum(self.size(name) ** 2 for name in self.uncertainties)))

    def size(self, name: str) -> float:
        """Relative uncertainty from one source: the larger side."""
        return max(map(abs, self.uncertainties[name]))


class Efficiency:
    """Sums of weights of all and of selected events (or jets) in every variation, while batches stream by."""

    def __init__(self) -> None:
        self.plain = np.zeros(2)
        self.sums: dict[str, FloatArray] = {}

    def add(self, found: Mapping[str, FloatArray], weight: FloatArray, selected: npt.NDArray[np.bool_]) -> None:
        """Count a batch: weights as from ``weights``, the events' own ``weight``, and which are selected."""
        if not len(weight):
            return
        rows = np.stack([weight, weight * selected])
        self.plain = self.plain + rows.sum(axis=1)
        for name, values in found.items():
            self.sums[name] = self.sums.get(name, 0.0) + rows @ values

    def scale_factor(self) -> ScaleFactor:
        """The calibration moves events in and out of a selection, not their total: each variation has its own."""
        if not self.sums:
            return ScaleFactor(np.nan, {})
        with np.errstate(invalid="ignore", divide="ignore"):
            efficiency = {name: sums[1] / sums[0] for name, sums in self.sums.items()}
            plain = self.plain[1] / self.plain[0]
            nominal = efficiency[NOMINAL][0]
            shifts = {name: values / nominal - 1 for name, values in efficiency.items() if name != NOMINAL}
        found = {}
        for name, shift in shifts.items():
            if name in TOYS:
                rms = float(np.sqrt(np.mean(shift**2)))
                found[name] = (rms, -rms)
            elif name.endswith("_up"):
                source = name.removesuffix("_up")
                found[source] = (float(shift[0]), float(shifts[f"{source}_down"][0]))
        with np.errstate(invalid="ignore", divide="ignore"):
            return ScaleFactor(float(nominal / plain), found)
