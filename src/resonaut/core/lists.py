"""Lists of numbers in NumPy's arrays: awkward's own operations cost more than the numbers, where there are few."""

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
