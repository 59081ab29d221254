"""Lists in NumPy's arrays."""

import awkward as ak
import numpy as np
import pytest

from resonaut.core.events import table
from resonaut.core.lists import gathered
from resonaut.core.variations import where

LISTS = ak.Array([[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0]])
RECORDS = ak.zip({"a": LISTS, "b": LISTS * 10})


def test_lists_are_gathered_in_any_order_and_more_than_once() -> None:
    offsets, places, content = gathered(LISTS[::-1].layout, np.array([0, -1, 3, 0, 2]))
    assert offsets.tolist() == [0, 3, 3, 5, 8, 8]
    assert ak.to_numpy(content)[places].tolist() == [4, 5, 6, 1, 2, 4, 5, 6]


@pytest.mark.parametrize(
    "values",
    [
        LISTS,
        LISTS[1:][LISTS[1:] > 3],
        LISTS[:0],
        RECORDS[ak.Array([[1], [], [0, 0], [2]])].b,
        where(np.array([True, False, True, True, False]), LISTS, np.array([3, 1, 1])),
        where(np.array([False, True]), RECORDS[ak.Array([[1], [], [0, 0], [2]])].b, np.array([2])),
    ],
)
def test_arrow_has_what_awkward_would_give_it(values: ak.Array) -> None:
    expected = ak.to_arrow(ak.to_packed(values), extensionarray=False)
    found = table({"x": values}, "x")["x"].combine_chunks()
    assert found.type == expected.type
    assert found.to_pylist() == expected.to_pylist() == values.to_list()
