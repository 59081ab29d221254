import awkward as ak
import pytest

from resonaut.physics.angles import closest, momentum_near, near


def directions(**columns: list[list[float]]) -> ak.Array:
    return ak.zip({name: ak.values_astype(ak.Array(values), float) for name, values in columns.items()})


def test_what_is_near_is_found_in_the_same_event_and_across_pi() -> None:
    objects = directions(eta=[[0, 1], [], [2]], phi=[[3.1, 0], [], [0]])
    others = directions(eta=[[0, 0.1], [5], []], phi=[[-2.8, -3.1], [0], []], pt=[[4, 8], [1], []])
    assert closest(objects, others, 0.4).to_list() == [[1, -1], [], [-1]]
    assert closest(objects, others, 0.1).to_list() == [[-1, -1], [], [-1]]
    assert near(objects, others, 0.4).to_list() == [[True, False], [], [False]]
    assert momentum_near(objects, others, 0.4).to_list() == [[pytest.approx(12), 0], [], [0]]
    assert momentum_near(objects, others, 0.3).to_list() == [[pytest.approx(8), 0], [], [0]]
