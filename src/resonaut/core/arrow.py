"""Columns as Arrow holds them, made of their buffers.

``pyarrow.array`` would import pandas first, which takes longer than a small file to skim.
"""

import awkward as ak
import numpy as np
import pyarrow as pa

from resonaut.core.lists import gathered


def numbers(values: np.ndarray, null: np.ndarray | None = None) -> pa.Array:
    """Numbers or booleans, shape (n,), without a copy where that is possible; ``null``: those that are not there."""
    native = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    content = _bits(native) if native.dtype == bool else pa.py_buffer(native)
    there = None if null is None or not null.any() else _bits(~null)
    return pa.Array.from_buffers(pa.from_numpy_dtype(native.dtype), len(native), [there, content])


def column(values: ak.Array | np.ndarray) -> pa.Array:
    """A column of numbers, or of lists of them, masked or of an option type where it holds null."""
    if isinstance(values, np.ma.MaskedArray):
        return numbers(values.data, np.ma.getmaskarray(values))
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return numbers(values)
    values = ak.Array(values)
    found = _lists(values.layout)
    return ak.to_arrow(ak.to_packed(values), extensionarray=False) if found is None else found


def content(values: pa.Array) -> np.ndarray:
    """All numbers of a column as NumPy sees them, without the lists; anything where they are null."""
    while pa.types.is_nested(values.type):
        values = values.flatten()
    if not len(values) or not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        return np.empty(0)
    kind = values.type.to_pandas_dtype()
    return np.frombuffer(values.buffers()[1], kind)[values.offset : values.offset + len(values)]


def may_be_null(values: ak.Array | np.ndarray) -> bool:
    """Whether a column is of an option type."""
    return values.layout.is_option if isinstance(values, ak.Array) else isinstance(values, np.ma.MaskedArray)


def _bits(values: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(values, bitorder="little"))


def _lists(layout: ak.contents.Content) -> pa.Array | None:
    """Lists of numbers, or nulls, as awkward hands them to Arrow, in a tenth of its time; None for what is none."""
    chosen = np.arange(layout.length)
    if layout.is_option:
        layout = layout.to_IndexedOptionArray64()
        chosen, layout = np.asarray(layout.index), layout.content
    # A text is a list of characters.
    if not layout.is_list or layout.parameter("__array__") is not None:
        return None
    offsets, places, items = gathered(layout, chosen)
    if not (items.is_numpy and items.purelist_depth == 1):
        return None
    inside = numbers(np.asarray(items.data)[places])
    kind = pa.large_list(pa.field("item", inside.type, nullable=False))
    null = chosen < 0
    there = _bits(~null) if null.any() else None
    return pa.Array.from_buffers(kind, len(chosen), [there, pa.py_buffer(offsets)], children=[inside])
