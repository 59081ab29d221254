"""The fitted efficiency of trained selections, and where the excluded cross section meets the injected one."""

import numpy as np
import pytest
from scipy.stats import t

from resonaut.fit.turnon import TurnOn, meeting


def test_a_rising_efficiency_keeps_its_means_and_a_falling_one_is_averaged():
    rising = TurnOn.fit([[0.01, 0.01], [0.1, 0.1], [0.3, 0.3]], 0.95)
    assert rising.efficiency == pytest.approx([0.01, 0.1, 0.3])
    assert rising.uncertainty == pytest.approx([0, 0, 0])
    falling = TurnOn.fit([[0.01, 0.01], [0.4, 0.4], [0.1, 0.1]], 0.95)
    assert falling.efficiency == pytest.approx([0.01, 0.2, 0.2])


def test_the_uncertainty_is_that_of_one_more_training_of_a_sample_so_small():
    draws = [0.1 * np.exp(shift) for shift in ([-0.2, 0.0, 0.2], [-0.1, 0.0, 0.1])]
    one = TurnOn.fit(draws, 0.95)
    # Both amounts are neighbours: four degrees of freedom; the spread is at least the amount's own.
    spread = np.sqrt(np.array([0.08 / 2, (0.08 + 0.02) / 4]) * (1 + 1 / 3))
    assert one.uncertainty == pytest.approx(spread * t.isf(0.05, 4) / 1.6449, rel=1e-4)
    # Amounts far away have their own spread.
    far = TurnOn.fit([*draws, *[[0.3] * 3] * 3], 0.95)
    assert far.uncertainty[0] == pytest.approx(one.uncertainty[0])
    assert far.uncertainty[4] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("shared", [0.0, 0.3, 0.6])
def test_the_uncertainty_covers_the_training_on_the_data_where_the_others_have_events_in_common(shared):
    """95 % of new trainings are found above the lower edge, however correlated the measured ones are."""
    rng, found = np.random.default_rng(5), []
    for _ in range(4000):
        common, own = rng.normal(size=(3, 1)), rng.normal(size=(3, 3))
        draws = np.exp(0.2 * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own))
        fit = TurnOn.fit(draws.tolist(), 0.95, shared)
        found.append(0.2 * rng.normal() > np.log(fit.efficiency[1]) - 1.645 * fit.uncertainty[1])
    assert 0.935 < np.mean(found) < 0.985


@pytest.mark.parametrize("draws", [[[0.1], [0.1, 0.2]], [[0.0, 0.1]]])
def test_one_training_or_none_of_the_signal_is_refused(draws):
    with pytest.raises(ValueError, match="two positive efficiencies"):
        TurnOn.fit(draws, 0.95)


@pytest.mark.parametrize(
    ("excluded", "limit"),
    [
        ([100.0, 10.0, 6.0], 10.0),
        ([100.0, 90.0, 70.0], 70.0),
        ([0.5, 0.4, 0.3], 1.0),
        ([12.0, None, 60.0], 60.0),
        ([1.0, None, 6.0], 50.0),
        ([1.0, 2.0, None], None),
    ],
)
def test_the_limit_is_the_largest_cross_section_that_is_not_excluded(excluded, limit):
    assert meeting([1, 10, 50], excluded) == (limit if limit is None else pytest.approx(limit))


def test_between_the_amounts_the_limit_is_where_the_curve_meets_the_diagonal():
    # Where it does so more than once the largest counts.
    for excluded in ([100.0, 12.0, 6.0], [0.1, 20.0, 6.0]):
        limit = meeting([1, 10, 50], excluded)
        assert limit is not None
        assert 10 < limit < excluded[1]
