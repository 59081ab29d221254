"""Bins of the Lund planes: subjet p_T, ln(0.8/Delta), ln(k_t/GeV)."""

from dataclasses import dataclass, fields

import numpy as np

from resonaut.calibrate.cluster import FloatArray, IntArray
from resonaut.calibrate.lund import Planes
from resonaut.core.errors import ConfigError

JET_RADIUS = 0.8


@dataclass(frozen=True)
class LundBins:
    """Edges of the three axes; the first and the last bin of an axis also hold what lies beyond them."""

    subjet_pt: tuple[float, ...]
    ln_radius_over_delta: tuple[float, ...]
    ln_kt: tuple[float, ...]

    def __post_init__(self) -> None:
        for axis in fields(self):
            edges = getattr(self, axis.name)
            if len(edges) < 2 or np.any(np.diff(edges) <= 0):
                raise ConfigError(f"calibrate.bins.{axis.name}: {list(edges)} are not at least two rising edges.")

    @property
    def edges(self) -> tuple[tuple[float, ...], ...]:
        """The axes in the order of ``shape``."""
        return self.subjet_pt, self.ln_radius_over_delta, self.ln_kt

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of bins of each axis."""
        return len(self.subjet_pt) - 1, len(self.ln_radius_over_delta) - 1, len(self.ln_kt) - 1

    @property
    def plane(self) -> int:
        """Number of bins of one p_T slice."""
        return self.shape[1] * self.shape[2]

    def slices(self, planes: Planes) -> IntArray:
        """Index of each subjet's p_T slice."""
        return _bin(planes.pt, self.subjet_pt)

    def in_plane(self, planes: Planes) -> IntArray:
        """Index of each splitting's bin in the C-ordered, flattened plane of its p_T slice."""
        x = _bin(np.log(JET_RADIUS / planes.delta), self.ln_radius_over_delta)
        return x * self.shape[2] + _bin(np.log(planes.kt), self.ln_kt)


def _bin(values: FloatArray, edges: tuple[float, ...]) -> IntArray:
    """Bin of each value, lower edge included, clamped to the range."""
    found = np.searchsorted(np.asarray(edges), values, side="right") - 1
    return np.clip(found, 0, len(edges) - 2)
