"""Bins of the Lund planes: subjet p_T, ln(0.8/Delta), ln(k_t/GeV)."""

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError
from resonaut.core.record import GeV, key, record
from resonaut.core.units import listed

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
JET_RADIUS = 0.8


@record
class LundBins:
    """Edges of the three axes; the first and the last bin of an axis also hold what lies beyond them."""

    subjet_pt: tuple[GeV, ...] = key(
        "Subjet transverse momentum.", default=[10, 65, 110, 175, 240, 300, 350], min_length=2
    )
    ln_radius_over_delta: tuple[float, ...] = key(
        "ln(0.8/Delta).",
        default=[round(-1 + 0.45 * i, 2) for i in range(21)],
        min_length=2,
    )
    ln_kt: tuple[float, ...] = key(
        "ln(k_t/GeV).",
        default=[round(-5 + 0.5955 * i, 4) for i in range(21)],
        min_length=2,
    )

    def __post_init__(self) -> None:
        for axis in fields(self):
            edges = getattr(self, axis.name)
            if np.any(np.diff(edges) <= 0):
                raise ConfigError(
                    f"config: calibrate.bins.{axis.name}: {listed(edges)} are not ascending edges; sort them."
                )

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

    def slices(self, pt: FloatArray) -> IntArray:
        """Index of the p_T slice of each subjet (GeV)."""
        return _bin(pt, self.subjet_pt)

    def in_plane(self, delta: FloatArray, kt: FloatArray) -> IntArray:
        """Index of each splitting's (radians, GeV) bin in the C-ordered, flattened plane of its p_T slice."""
        x = _bin(np.log(JET_RADIUS / delta), self.ln_radius_over_delta)
        return x * self.shape[2] + _bin(np.log(kt), self.ln_kt)


def _bin(values: FloatArray, edges: tuple[float, ...]) -> IntArray:
    """Bin of each value, lower edge included, clamped to the range."""
    found = np.searchsorted(np.asarray(edges), values, side="right") - 1
    return np.clip(found, 0, len(edges) - 2)
