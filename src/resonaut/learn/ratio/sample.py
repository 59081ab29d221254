"""Weighted events with the keys that deal them into folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.errors import ResonautError
from resonaut.core.identifier import Keys, folds

# Deals the validation parts; any constant that is no likely difference of two seeds.
VALIDATION_SEED = 0x7A11DA7E


@dataclass(frozen=True)
class Sample:
    """Weighted events: ``features`` (n, m), ``weights`` (n,) of any scale, ``keys`` (n,) from ``identifier``."""

    features: NDArray[np.float32]
    weights: NDArray[np.float64]
    keys: Keys

    @classmethod
    def of(
        cls, features: NDArray[Any], weights: NDArray[np.float64] | None = None, keys: Keys | None = None
    ) -> "Sample":
        """A sample of arrays; without ``weights`` each is 1, without ``keys`` row numbers take their place."""
        n = len(features)
        weights = np.ones(n) if weights is None else weights
        return cls(np.asarray(features, np.float32), weights, identifier.rows(n) if keys is None else keys)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Sample":
        """The events of a mask or an index array."""
        return Sample(self.features[rows], self.weights[rows], self.keys[rows])

    @classmethod
    def concatenate(cls, parts: Sequence["Sample"]) -> "Sample":
        """One sample of all events, in order."""
        return cls(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.keys for part in parts]),
        )

    def sorted(self) -> "Sample":
        """The events in the order of their keys, whatever the order of rows and files.

        Raises:
            ResonautError: a weight is negative.
        """
        if np.any(self.weights < 0):
            raise ResonautError(
                f"{np.count_nonzero(self.weights < 0)} training events have negative weights, which classifiers "
                "cannot use; train on a sample with positive weights."
            )
        return self[np.argsort(self.keys, kind="stable")]


Pair = tuple[Sample, Sample]


def validation_part(keys: Keys, parts: int, seed: int) -> NDArray[np.int64]:
    """The validation part of each event, 0 to ``parts`` - 1, independent of its fold."""
    return folds(keys, parts, seed ^ VALIDATION_SEED)


@dataclass(frozen=True)
class Balanced:
    """Two samples as one: ``labels`` (n,) 1 and 0, ``weights`` (n,) equal by class and on average 1 an event."""

    features: NDArray[np.float32]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]
    keys: Keys


def balanced(numerator: Sample, denominator: Sample) -> Balanced:
    """Label the events of two samples; classifiers then learn their ratio, whatever the sums of their weights."""
    n = len(numerator.keys) + len(denominator.keys)
    weights = [sample.weights / sample.weights.sum() * n / 2 for sample in (numerator, denominator)]
    labels = np.r_[np.ones(len(numerator.keys)), np.zeros(len(denominator.keys))]
    both = Sample.concatenate([numerator, denominator])
    return Balanced(both.features, labels, np.concatenate(weights), both.keys)
