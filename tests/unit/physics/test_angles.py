import awkward as ak
import pytest

from resonaut.physics.angles import Lists, closest, momentum_near, near


def directions(**columns: list[list[float]]) -> Lists:
    return Lists.of(
        ak.zip({name: ak.values_astype(ak.Array(values), float) for name, values in columns.items()}), *columns
    )


def test_what_is_near_is_found_in_the_same_event_and_across_pi() -> None:
    objects = directions(eta=[[0, 1], [], [2]], phi=[[3.1, 0], [], [0]])
    others = directions(eta=[[0, 0.1], [5], []], phi=[[-2.8, -3.1], [0], []], pt=[[4, 8], [1], []])
    assert closest(objects, others, 0.4).tolist() == [1, -1, -1]
    assert closest(objects, others, 0.1).tolist() == [-1, -1, -1]
    assert near(objects, others, 0.4).tolist() == [True, False, False]
    assert momentum_near(objects, others, 0.4).tolist() == [pytest.approx(12), 0, 0]
    assert momentum_near(objects, others, 0.3).tolist() == [pytest.approx(8), 0, 0]


def test_lists_keep_their_events() -> None:
    lists = directions(eta=[[0, 1], [], [2, 3, 4]], phi=[[5, 6], [], [7, 8, 9]])
    assert (len(lists), lists.event.tolist(), lists.first.tolist()) == (5, [0, 0, 2, 2, 2], [0, 2, 2, 5])
    some = lists.chosen(lists["eta"] > 1.5)
    assert (some.counts.tolist(), some["phi"].tolist()) == ([0, 0, 3], [7, 8, 9])
