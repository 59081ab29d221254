"""Shifted values beside the nominal ones: how they are called and stored.

A variation is called ``<source>_<up|down>``. What it makes of a column is the nullable column
``<column>__<source>_<up|down>`` of the same file: null where the value is the nominal one, and no column where that
holds for all events. The column ``passes`` says which events pass the nominal selection; ``passes__<source>_<up|down>``
follows the same rule. ``core.events`` reads them.
"""

from typing import Literal

import awkward as ak
import numpy as np
import numpy.typing as npt

PASSES = "passes"
# Of the metadata of a shifted column: the group of its variation.
GROUP = "group"


def shifted_name(column: str, variation: str) -> str:
    """The column with a variation's values.

    >>> shifted_name("j1_pt", "jes_total_up")
    'j1_pt__jes_total_up'
    """
    return f"{column}__{variation}"


def source_and_way(variation: str) -> tuple[str, Literal["up", "down"]]:
    """The parts of a variation's name.

    >>> source_and_way("jes_total_up")
    ('jes_total', 'up')
    """
    source, _, way = variation.rpartition("_")
    return source, "up" if way == "up" else "down"


def differs(values: ak.Array | np.ndarray, nominal: ak.Array | np.ndarray) -> npt.NDArray[np.bool_]:
    """In which events values, numbers or lists of them, are not the nominal ones; shape (n,)."""
    unequal: npt.NDArray[np.bool_]
    if values.ndim == 1:
        unequal = np.asarray(values) != np.asarray(nominal)
        return unequal
    unequal = np.array(ak.num(values) != ak.num(nominal))
    alike = ~unequal
    unequal[alike] = ak.to_numpy(ak.any(values[alike] != nominal[alike], axis=1))
    return unequal


def where(
    chosen: npt.NDArray[np.bool_], values: ak.Array | np.ndarray, at: npt.NDArray[np.int64] | None = None
) -> ak.Array | np.ma.MaskedArray:
    """The ``values`` of the ``chosen`` ones of n events, in their places; null elsewhere.

    Args:
        chosen: shape (n,).
        values: those of the chosen events, one after the other, or more.
        at: the places in ``values`` of the chosen events, where there are more. Lists need not be copied for it.
    """
    if isinstance(values, np.ndarray):
        whole = np.zeros(len(chosen), values.dtype)
        whole[chosen] = values if at is None else values[at]
        return np.ma.MaskedArray(whole, mask=~chosen)
    place = np.full(len(chosen), -1)
    place[chosen] = np.arange(len(values)) if at is None else at
    return ak.Array(ak.contents.IndexedOptionArray.simplified(ak.index.Index64(place), ak.to_layout(values)))


def only_different(values: ak.Array | np.ndarray, nominal: ak.Array | np.ndarray) -> ak.Array | np.ma.MaskedArray:
    """The values where they are not the nominal ones, null elsewhere."""
    unlike = differs(values, nominal)
    return where(unlike, values[unlike])
