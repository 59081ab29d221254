"""The efficiency of a selection that learns from the data, against how much signal there is to learn from.

A training is one draw: the same cross section in other data, or with other seeds, is found with another efficiency.
What enters a limit is the efficiency of the one training on the data, of which the experiments tell the median and the
spread. The more signal, the better it is learned, so the efficiency rises with the cross section.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq, isotonic_regression
from scipy.stats import norm, t

from resonaut.fit.family import Array

# Fewer trainings with one amount of signal tell nothing about how much they differ.
FEWEST = 2


@dataclass(frozen=True)
class TurnOn:
    """Efficiency (K,) at K amounts, and the uncertainty (K,) of its logarithm in one more training.

    The spread of trainings is estimated at each amount together with its neighbours, and is at least its own, which is
    the larger one where the turn-on itself moves from training to training. The uncertainty contains the error
    of the median, and is so wide that a normal distribution reaches the quantile of Student's distribution for as few
    trainings. Trainings that share a part of their events differ less from each other than from the one on the data.
    """

    efficiency: Array
    uncertainty: Array

    @classmethod
    def fit(cls, draws: Sequence[Sequence[float]], confidence_level: float, shared: float = 0.0) -> "TurnOn":
        """Fit the efficiencies found in the trainings with each amount of signal, in ascending order.

        Args:
            draws: efficiencies, at least two of each amount.
            confidence_level: of the limit in which the uncertainty is used.
            shared: part of the events that two trainings have in common, below 1.

        Raises:
            ValueError: an efficiency is not positive, or an amount has fewer than two.
        """
        if any(len(found) < FEWEST or min(found) <= 0 for found in draws):
            raise ValueError("each amount needs two positive efficiencies")
        logs = [np.log(found) for found in draws]
        numbers = np.array([len(found) for found in logs])
        rising = isotonic_regression([found.mean() for found in logs], weights=numbers).x
        squares = np.array([np.square(found - found.mean()).sum() for found in logs])
        place = np.arange(len(logs))
        neighbours = np.abs(place[:, None] - place) <= 1
        freedom = neighbours @ (numbers - 1)
        # With a correlation r the variance among n trainings is (1 - r) s^2; from their mean to another training, which
        # shares nothing with them, it is s^2 + (r + (1 - r) / n) s^2.
        independent = (1 + shared) / (1 - shared) + 1 / numbers
        variance = np.maximum(neighbours @ squares / freedom, squares / (numbers - 1))
        spread = np.sqrt(variance * independent)
        level = 1 - confidence_level
        return cls(np.exp(rising), spread * t.isf(level, freedom) / norm.isf(level))


def meeting(amounts: Sequence[float], values: Sequence[float | None]) -> float | None:
    """The largest cross section that is not above the value at it: the limit, where values are what the data exclude.

    Between the ``amounts`` the logarithm of the values is interpolated by monotone cubics. Above the largest amount the
    value stays, since a larger signal is learned at least as well; below the smallest nothing is known, and it is the
    least result. Amounts up to the last one without a value are left out; None where that leaves none.
    """
    first = max((i + 1 for i, value in enumerate(values) if value is None), default=0)
    x, y = np.array(amounts[first:], dtype=float), np.array(values[first:], dtype=float)
    if not len(x):
        return None
    if y[-1] >= x[-1]:
        return float(y[-1])
    not_above = np.flatnonzero(x <= y)
    if not len(not_above):
        return float(x[0])
    i = int(not_above[-1])
    curve = PchipInterpolator(x, np.log(y))
    return float(brentq(lambda at: float(np.exp(curve(at))) - at, x[i], x[i + 1]))
