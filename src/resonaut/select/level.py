"""Quantile regression: at which quantile of the events of the same mass a score lies.

A cut on the level keeps the same part of the events at every mass, however the score depends on it. The mass is that in
whose spectrum is searched, m_jj or another observable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import SplineTransformer

from resonaut.core.errors import EmptySelectionError
from resonaut.core.identifier import Keys, uniform

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Above this part of the masses there are too few events to follow their quantiles: those of this mass hold.
LARGEST_MASS = 0.995
# Residuals, in units of the scores' spread, below which the absolute value becomes a parabola; when to stop.
SMOOTHING, TOLERANCE, MOST_ITERATIONS = 1e-3, 1e-5, 500
# Events that a regression must have above its highest and below its lowest level.
MIN_TAIL = 5


@dataclass(frozen=True)
class Level:
    """Conditional quantiles of a score: for each of ``levels`` a spline in log mass, of ``coefficients``."""

    levels: FloatArray
    basis: SplineTransformer
    coefficients: FloatArray
    smallest: float
    largest: float

    @classmethod
    def fit(cls, score: FloatArray, mass: FloatArray, levels: Sequence[float], knots: int) -> "Level":
        """Learn from scores and masses (GeV), shape (n,): quadratic splines with ``knots`` at quantiles of the masses.

        Raises:
            EmptySelectionError: there are too few events for the highest or the lowest level.
        """
        tail = min(levels[0], 1 - levels[-1])
        if len(score) * tail < MIN_TAIL:
            raise EmptySelectionError(
                f"{len(score)} events are too few to learn the level {levels[-1]:g}; lower the last of "
                "select.regression.levels, or use more data."
            )
        largest = float(np.quantile(mass, LARGEST_MASS))
        basis = SplineTransformer(n_knots=knots, degree=2, knots="quantile", extrapolation="constant")
        # A groomed jet may have no mass, whose logarithm there is not.
        smallest = float(mass[mass > 0].min())
        design = basis.fit_transform(_logarithm(mass, smallest, largest))
        center, spread = score.mean(), score.std() or 1.0
        # The basis sums to 1, so that shift and scale of the score are those of the coefficients.
        found = [center + spread * regression(design, (score - center) / spread, level) for level in levels]
        return cls(np.array(levels, dtype=np.float64), basis, np.column_stack(found), smallest, largest)

    def quantiles(self, mass: FloatArray) -> FloatArray:
        """The score at each level, at masses in GeV, shape (n, levels).

        Sorted: regressions of different levels may cross (Chernozhukov, Fernandez-Val, Galichon, arXiv:0704.3649).
        """
        design = self.basis.transform(_logarithm(mass, self.smallest, self.largest))
        crossing: FloatArray = np.sort(design @ self.coefficients, axis=1)
        return crossing

    def __call__(self, score: FloatArray, mass: FloatArray) -> FloatArray:
        """The level of each score at its mass, shape (n,), in (0, 1) and growing with the score.

        The logit of the level is linear in the score between the levels, and beyond them as between the last two.
        """
        if not len(score):
            return np.empty(0)
        quantiles = self.quantiles(mass)
        logit = np.log(self.levels / (1 - self.levels))
        place = np.clip((score[:, np.newaxis] > quantiles).sum(axis=1) - 1, 0, len(logit) - 2)
        low, high = (np.take_along_axis(quantiles, (place + i)[:, np.newaxis], axis=1)[:, 0] for i in (0, 1))
        slope = (logit[place + 1] - logit[place]) / np.maximum(high - low, np.finfo(np.float64).tiny ** 0.5)
        value = np.clip(logit[place] + slope * (score - low), -30, 30)
        return np.asarray(1 / (1 + np.exp(-value)), dtype=np.float64)


def _logarithm(mass: FloatArray, smallest: float, largest: float) -> FloatArray:
    """As a column, shape (n, 1); masses of 0 count as the ``smallest`` one."""
    found: FloatArray = np.log(np.minimum(np.where(mass > 0, mass, smallest), largest))[:, np.newaxis]
    return found


def regression(design: FloatArray, score: FloatArray, level: float) -> FloatArray:
    """Coefficients of the quantile regression of ``score``, shape (n,), on ``design``, shape (n, m).

    The majorise-minimise iteration of Hunter and Lange, J. Comput. Graph. Stat. 9 (2000) 60: seconds, where the
    linear programme of scikit-learn's ``QuantileRegressor`` takes minutes for 16,000 events.
    """
    coefficients = np.asarray(np.linalg.lstsq(design, score, rcond=None)[0], dtype=np.float64)
    sums = (2 * level - 1) * design.sum(axis=0)
    for _ in range(MOST_ITERATIONS):
        residual = score - design @ coefficients
        weighted = design / (SMOOTHING + np.abs(residual))[:, np.newaxis]
        step = np.linalg.lstsq(weighted.T @ design, weighted.T @ residual + sums, rcond=None)[0]
        coefficients += step
        if np.abs(step).max() < TOLERANCE:
            break
    return coefficients


def apart(keys: Keys, seen: Mask, wanted: Mask, part: float, seed: int) -> tuple[Mask, Mask]:
    """Events to train a score on, and others for the regression of it: masks, shape (n,).

    A score that has been trained on some of its events is smaller for these than for others like them; a regression
    of both would take that for a dependence on the mass.

    Args:
        keys: of the events, shape (n,).
        seen: events that may be used for either.
        wanted: events that may train the score.
        part: part of those that do.
        seed: of the choice.
    """
    first: Mask = seen & wanted & (uniform(keys, seed) < part)
    return first, seen & ~first
