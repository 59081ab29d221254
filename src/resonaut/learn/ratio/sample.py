"""Weighted events with the keys that deal them into folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.errors import NotFiniteError, ResonautError
from resonaut.core.identifier import Keys, folds

# Deals the validation parts; any constant that is no likely difference of two seeds.
VALIDATION_SEED = 0x7A11DA7E


@dataclass(frozen=True)
class Sample:
    """Weighted events: ``features`` (n, m), ``weights`` (n,) of any scale, ``keys`` (n,) from ``identifier``.

    Features of sets of particles are (n, particles, m); a row of NaN is no particle. Copies of an event, such as its
    jets, have its key: they stay in one fold and are drawn together.
    """

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
        """One sample of all events, in order; sets are filled up with places of no particle to the largest one."""
        return cls(
            np.concatenate(_filled_up([part.features for part in parts])),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.keys for part in parts]),
        )

    def bootstrap(self, replica: int) -> "Sample":
        """The events drawn again, each key with a number of its own from a Poisson distribution of mean 1.

        The number follows from the key and the ``replica`` alone, whatever the order, the chunks and the other events.
        """
        drawn = identifier.poisson(self.keys, replica)
        return Sample(self.features, self.weights * drawn, self.keys)[drawn > 0]

    def require_finite(self) -> "Sample":
        """The sample itself.

        Raises:
            NotFiniteError: a weight or a feature is NaN or infinite, but for rows of NaN in sets of particles.
        """
        values = self.features
        if values.ndim > 2:
            values = values[~np.isnan(values).all(axis=2)]
        for what, array in (("weights", self.weights), ("features", values)):
            if bad := np.count_nonzero(~np.isfinite(array)):
                raise NotFiniteError(f"{bad} {what} of training events are NaN or infinite; cut or mend these events.")
        return self


Pair = tuple[Sample, Sample]


@dataclass(frozen=True)
class Part:
    """Some events of a sample, in an order of their own: ``rows`` (n,) of its ``features``, which are not copied."""

    features: NDArray[np.float32]
    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    keys: Keys

    @classmethod
    def of(cls, sample: Sample) -> "Part":
        """All events of a sample."""
        return cls(sample.features, np.arange(len(sample.keys)), sample.weights, sample.keys)

    def __getitem__(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Part":
        """The events of a mask or an index array."""
        return Part(self.features, self.rows[which], self.weights[which], self.keys[which])

    def values(self) -> NDArray[np.float32]:
        """The features of the events, a copy."""
        return self.features[self.rows]

    def sorted(self) -> "Part":
        """The events in the order of their keys, whatever the order of rows and files.

        Raises:
            ResonautError: a weight is negative, or all are 0.
        """
        if not self.weights.any():
            raise ResonautError(
                f"the weights of {len(self.keys)} training events are all 0; use a sample with positive weights."
            )
        if np.any(self.weights < 0):
            raise ResonautError(
                f"{np.count_nonzero(self.weights < 0)} training events have negative weights, which classifiers "
                "cannot use; train on a sample with positive weights."
            )
        return self[np.argsort(self.keys, kind="stable")]


def _filled_up(features: Sequence[NDArray[np.float32]]) -> Sequence[NDArray[np.float32]]:
    """Sets with the same number of places; features that are no sets as they are."""
    if features[0].ndim < 3:
        return features
    most = max(one.shape[1] for one in features)
    gaps = [((0, 0), (0, most - one.shape[1]), (0, 0)) for one in features]
    return [np.pad(one, gap, constant_values=np.nan) for one, gap in zip(features, gaps, strict=True)]


def gathered(parts: Sequence[Part]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The features that parts are of, each array once, and the row there of each event of all parts in turn."""
    arrays = {id(part.features): part.features for part in parts}
    starts = dict(zip(arrays, np.cumsum([0, *map(len, arrays.values())]).tolist(), strict=False))
    rows = np.concatenate([part.rows + starts[id(part.features)] for part in parts])
    # A single one is not copied.
    return np.concatenate(_filled_up(list(arrays.values()))) if len(arrays) > 1 else parts[0].features, rows


def validation_part(keys: Keys, parts: int, seed: int) -> NDArray[np.int64]:
    """The validation part of each event, 0 to ``parts`` - 1, independent of its fold."""
    return folds(keys, parts, seed ^ VALIDATION_SEED)


@dataclass(frozen=True)
class Balanced:
    """Two samples as one: ``labels`` (n,) 1 and 0, ``weights`` (n,) equal by class and on average 1 an event.

    The label of an event that is in both is the share of its weight that it has in the first. ``parts`` are the events,
    those of one after those of the other.
    """

    parts: tuple[Part, ...]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64]

    @property
    def keys(self) -> Keys:
        """Of the events (n,)."""
        return np.concatenate([part.keys for part in self.parts])

    def values(self) -> NDArray[np.float32]:
        """The features of the events, a copy."""
        return np.concatenate(_filled_up([part.values() for part in self.parts]))


def balanced(numerator: Part, denominator: Part) -> Balanced:
    """Label the events of two samples; classifiers then learn their ratio, whatever the sums of their weights."""
    n = len(numerator.keys) + len(denominator.keys)
    weights = [part.weights / part.weights.sum() * n / 2 for part in (numerator, denominator)]
    labels = np.r_[np.ones(len(numerator.keys)), np.zeros(len(denominator.keys))]
    return Balanced((numerator, denominator), labels, np.concatenate(weights))


def shared(part: Part, values: NDArray[np.float64]) -> Balanced:
    """Events as two samples, with their weights times ``values`` (n,) >= 0 and with their own, each event once."""
    factor = values * (part.weights.sum() / (part.weights @ values))
    weights = part.weights * (1 + factor)
    return Balanced((part,), factor / (1 + factor), weights * (len(weights) / weights.sum()))
