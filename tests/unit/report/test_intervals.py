"""The errors of counts."""

import numpy as np
import pytest

from resonaut.report import intervals


def test_poisson_interval_of_zero_and_many() -> None:
    low, high = intervals.poisson_interval(np.array([0.0, 10_000]))
    assert low[0] == 0
    assert high[0] == pytest.approx(1.841, abs=1e-3)  # Garwood's 68 % interval of zero counts
    assert (high[1] - low[1]) / 2 == pytest.approx(100, rel=0.01)
