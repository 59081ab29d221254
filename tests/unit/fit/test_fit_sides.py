"""Uncertainties of the yield with two sides."""

import math

import pytest

from resonaut.fit.sides import LEAST, combined, interpolated, largest, logarithms, relative


@pytest.mark.parametrize(
    ("size", "factors"),
    [
        (0.1, (1.1, 1 / 1.1)),
        ((0.3, -0.2), (1.3, 0.8)),
        # The source up lowers the yield.
        ((-0.5, 0.2), (0.5, 1.2)),
        # One side only.
        ((-0.5, 0.0), (0.5, 1.0)),
        ((0.0, -0.5), (1.0, 0.5)),
        # Both variations on one side: the larger one.
        ((-0.5, -0.5), (0.5, 1.0)),
        ((-0.1, -0.5), (1.0, 0.5)),
        ((0.5, 0.1), (1.5, 1.0)),
        # A variation of which nothing is left.
        ((-1.0, 0.1), (LEAST, 1.1)),
    ],
)
def test_factors_of_a_source(size, factors):
    assert [math.exp(x) for x in logarithms(size)] == pytest.approx(factors)


def test_sources_add_up_on_each_side():
    up, down = combined([(-0.5, 0.0), (0.3, -0.2), (-0.1, 0.1)])
    assert up == pytest.approx(math.hypot(math.log(1.3), math.log(1.1)))
    assert down == pytest.approx(math.hypot(math.log(0.5), math.log(0.8), math.log(0.9)))
    assert combined([]) == (0, 0)


@pytest.mark.parametrize("size", [0.2, (0.3, -0.5), (0.0, -0.5)])
def test_one_source_keeps_its_size(size):
    assert relative(combined([size])) == pytest.approx(size)


def test_the_largest_change():
    assert (largest(0.1), largest((0.1, -0.3)), largest((0.0, 0.0))) == (0.1, 0.3, 0)


def test_sizes_between_masses():
    assert interpolated(3500, [3000, 4000], [0.1, 0.3]) == pytest.approx(0.2)
    assert interpolated(3500, [3000, 4000], [(0.1, -0.3), (0.2, 0.1)]) == pytest.approx((0.15, -0.1))
    # A signal of which nothing is selected has a source of no size; one with a single number has two sides, too.
    assert interpolated(3250, [3000, 4000], [(0.2, -0.4), 0.0]) == pytest.approx((0.15, -0.3))
    assert interpolated(3500, [3000, 4000], [(0.2, -0.4), 0.25]) == pytest.approx((0.225, -0.3))
