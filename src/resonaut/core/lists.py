"""Lists of numbers in NumPy's arrays: awkward's own operations cost more than the numbers, where there are few."""

from collections.abc import Mapping

import awkward as ak
import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]


def gathered(layout: ak.contents.Content, chosen: Places) -> tuple[Places, Places, ak.contents.Content]:
    """Some lists: their offsets, shape (n + 1,), and the places of their items in a content, which comes with them.

    The content is no index: a field of chosen records has the index of the choice, which is applied to the places.

    Args:
        layout: an array of lists.
        chosen: the places of the lists, shape (n,); -1 for an empty list.
    """
    starts, stops = np.asarray(layout.starts), np.asarray(layout.stops)
    none = chosen < 0
    begins, counts = (
        np.where(none, 0, edge[chosen]) if len(edge) else np.zeros(len(chosen), int)
        for edge in (starts, stops - starts)
    )
    offsets = np.concatenate([[0], np.cumsum(counts)])
    places, content = np.repeat(begins - offsets[:-1], counts) + np.arange(offsets[-1]), layout.content
    if content.is_indexed and not content.is_option:
        places, content = np.asarray(content.index)[places], content.content
    return offsets, places, content


def unpacked(records: ak.Array) -> tuple[Places, dict[str, np.ndarray]]:
    """Lists of records: how many each holds, shape (n,), and of each field all numbers, one list after the other."""
    layout = records.layout
    if not isinstance(layout, ak.contents.ListOffsetArray) or not isinstance(layout.content, ak.contents.RecordArray):
        layout = ak.to_packed(records).layout.to_ListOffsetArray64(True)
    offsets, content = np.asarray(layout.offsets.data), layout.content
    found = {name: plain(content[name])[offsets[0] : offsets[-1]] for name in content.fields}
    return np.diff(offsets), found


def numbers(lists: ak.Array) -> np.ndarray:
    """All numbers of lists, one list after the other."""
    layout = lists.layout
    if not isinstance(layout, ak.contents.ListOffsetArray):
        return np.asarray(ak.to_numpy(ak.flatten(lists)))
    offsets = np.asarray(layout.offsets.data)
    return plain(layout.content)[offsets[0] : offsets[-1]]


def packed(counts: npt.NDArray[np.int64], content: np.ndarray | Mapping[str, np.ndarray]) -> ak.Array:
    """Numbers, or records of them, as lists, ``counts`` (n,) in each: the opposite of ``unpacked`` and ``numbers``."""
    offsets = ak.index.Index64(np.concatenate([[0], np.cumsum(counts)]))
    if isinstance(content, np.ndarray):
        return ak.Array(ak.contents.ListOffsetArray(offsets, ak.contents.NumpyArray(content)))
    fields = [ak.contents.NumpyArray(values) for values in content.values()]
    return ak.Array(ak.contents.ListOffsetArray(offsets, ak.contents.RecordArray(fields, list(content))))


def plain(content: ak.contents.Content) -> np.ndarray:
    """The numbers of a content, without the cost of `ak.to_numpy` where it holds an array of NumPy."""
    numpy = content.is_numpy and content.purelist_depth == 1
    return np.asarray(content.data if numpy else ak.to_numpy(content))
