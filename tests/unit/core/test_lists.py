"""Lists in NumPy's arrays."""

import awkward as ak
import numpy as np
import pytest

from resonaut.core import arrow
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


def test_numbers_of_two_dimensions_are_lists_and_texts_stay_texts() -> None:
    assert arrow.column(np.arange(6).reshape(2, 3)).to_pylist() == [[0, 1, 2], [3, 4, 5]]
    found = arrow.column(ak.Array(["a", "bc"]))
    assert found.to_pylist() == ["a", "bc"]
    assert not len(arrow.content(found))


@pytest.mark.parametrize("values", [np.arange(6.0)[::-2], np.arange(3, dtype=">f4"), np.arange(5)[1::2] > 2])
def test_numbers_in_any_order_of_bytes_and_memory(values: np.ndarray) -> None:
    assert arrow.column(values).to_pylist() == values.tolist()
