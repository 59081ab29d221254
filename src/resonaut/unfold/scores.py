"""Observables as normal scores, so that no tail and no unit matters to what learns from them.

A map that rises leaves a ratio of densities as it is. This one brings the simulation's distribution of each observable
to a standard normal one; networks else extrapolate along the tails of momenta and masses, where a few events then get
huge weights. Values beyond those of the simulation count as its outermost ones, and equal values stay equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# As far out as a quantile may lie, in standard deviations, and the number of quantiles.
REACH, KNOTS = 4.0, 401


@dataclass(frozen=True)
class Scores:
    """The values of each observable at its quantiles, and the scores of these."""

    knots: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> "Scores":
        """Those of a sample, features (n, d)."""
        from scipy.special import ndtr

        normal = np.linspace(-REACH, REACH, KNOTS)
        found = []
        for column in features.T:
            values, place, counts = np.unique(
                np.quantile(column, ndtr(normal)), return_inverse=True, return_counts=True
            )
            # What is there several times, such as 0 for what an event lacks, has a mean score.
            found.append((values, np.bincount(place, normal) / counts))
        return cls(found)

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scores (n, d) of features (n, d)."""
        columns = [np.interp(column, *knots) for column, knots in zip(features.T, self.knots, strict=True)]
        return np.stack(columns, axis=1).astype(np.float32)
