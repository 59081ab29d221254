"""Bins of the Lund planes: subjet p_T, ln(0.8/Delta), ln(k_t/GeV)."""

from dataclasses import dataclass, fields
from typing import NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from resonaut.errors import ConfigError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

JET_RADIUS = 0.8


class Splittings(NamedTuple):
    """Splittings of many jets, flat: the jet's row, the subjet's p_T in GeV, and the plane's coordinates."""

    jet: IntArray
    subjet_pt: FloatArray
    ln_radius_over_delta: FloatArray
    ln_kt: FloatArray


def splittings_of(subjets: ak.Array) -> Splittings:
    """Flatten what ``lund.lund_plane`` returns."""
    _, pt = ak.broadcast_arrays(subjets.splittings.kt, subjets.pt)
    per_jet = ak.to_numpy(ak.sum(ak.num(subjets.splittings, axis=2), axis=1))
    delta, kt = (ak.to_numpy(ak.flatten(subjets.splittings[name], axis=None)) for name in ("delta", "kt"))
    return Splittings(
        jet=np.repeat(np.arange(len(subjets)), per_jet),
        subjet_pt=ak.to_numpy(ak.flatten(pt, axis=None)),
        ln_radius_over_delta=np.log(JET_RADIUS / delta),
        ln_kt=np.log(kt),
    )


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

    def slices(self, subjet_pt: FloatArray) -> IntArray:
        """Index of each subjet's p_T slice."""
        return _bin(subjet_pt, self.subjet_pt)

    def flat(self, splittings: Splittings) -> IntArray:
        """Index of each splitting's bin in a C-ordered, flattened array of ``shape``."""
        indices = [_bin(x, edges) for x, edges in zip(splittings[1:], self.edges, strict=True)]
        return np.asarray(np.ravel_multi_index(tuple(indices), self.shape), dtype=np.int64)


def _bin(values: FloatArray, edges: tuple[float, ...]) -> IntArray:
    """Bin of each value, lower edge included, clamped to the range."""
    found = np.searchsorted(np.asarray(edges), values, side="right") - 1
    return np.clip(found, 0, len(edges) - 2)
