"""A ratio as factors of weights: clipped and counted, sums kept, with variations that say how well it is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.identifier import Keys
from resonaut.core.record import record
from resonaut.learn.ratio.crossfit import CrossFit, as_ratio
from resonaut.learn.ratio.sample import Sample
from resonaut.learn.ratio.settings import StepSettings

# By the name of the variation, the nominal ones as "": factors (n, toys); the nominal ones are (n, 1).
Factors = dict[str, NDArray[np.float64]]
# The limits of a ratio that has none.
UNCLIPPED = (0.0, np.inf)


@record
class Spread:
    """How unequal weights are: ``effective`` share of the events, (sum w)^2 / (n sum w^2), ``largest`` over mean."""

    effective: float
    largest: float

    @classmethod
    def of(cls, weights: NDArray[np.float64]) -> "Spread":
        """That of weights (n,) whose sum is positive."""
        total, n = float(weights.sum()), len(weights)
        return cls(effective=total**2 / float(n * np.square(weights).sum()), largest=float(weights.max()) * n / total)


@record
class Clipping:
    """Events whose ratio was ``below`` or ``above`` the limits, of them all; ``share`` of the sum of their weights."""

    events: int
    below: int
    above: int
    share: float


@record
class Calibrated:
    """Are the outputs f of the ratio's own models probabilities, for events that these have not seen?

    ``slope``: of logit p = slope logit f + offset, 1 if they are; below 1 the models have learned too much, above 1 too
    little. ``predicted``, ``observed``, ``error``: the mean of f and the share of the numerator in bins of f.
    ``difference``: the mean of |observed - predicted|, the expected calibration error; ``if_calibrated``: what the
    errors alone make of it.
    """

    slope: float
    slope_error: float
    predicted: list[float]
    observed: list[float]
    error: list[float]
    difference: float
    if_calibrated: float


@dataclass(frozen=True)
class Weigher:
    """A ratio that was learned from the samples, and again from each bootstrap of them.

    ``clip``: smallest and largest ratio.
    """

    nominal: CrossFit
    replicas: tuple[CrossFit, ...]
    clip: tuple[float, float]

    @classmethod
    def fit(
        cls,
        numerator: Sample,
        denominator: Sample,
        settings: StepSettings,
        clip: tuple[float, float],
        bootstraps: int = 0,
        *,
        calibrated: bool = False,
    ) -> "Weigher":
        """Train on both samples, and on so many ``bootstraps`` of both by their events' keys; see ``CrossFit.fit``.

        ``calibrated``: all of them are, each with its own events; see ``CrossFit.calibrated``.
        """

        def learn(one: Sample, two: Sample) -> CrossFit:
            models = CrossFit.fit(one, two, settings)
            return models.calibrated(one, two, settings) if calibrated else models

        drawn = ((numerator.bootstrap(b), denominator.bootstrap(b)) for b in range(bootstraps))
        replicas = tuple(learn(one, two) for one, two in drawn)
        return cls(learn(numerator, denominator), replicas, clip)

    @classmethod
    def expectation(
        cls,
        sample: Sample,
        values: NDArray[np.float64],
        settings: StepSettings,
        clip: tuple[float, float],
        bootstraps: int = 0,
        *,
        calibrated: bool = False,
    ) -> "Weigher":
        """Learn the mean of ``values`` (n,) >= 0 of events, as weights with which they are other ones.

        See ``CrossFit.fit_expectation``; bootstraps and calibration as above.
        """

        def learn(drawn: Sample, own: NDArray[np.float64]) -> CrossFit:
            models = CrossFit.fit_expectation(drawn, own, settings)
            return models.calibrated_expectation(drawn, own) if calibrated else models

        kept = (identifier.poisson(sample.keys, b) > 0 for b in range(bootstraps))
        replicas = tuple(learn(sample.bootstrap(b), values[drawn]) for b, drawn in enumerate(kept))
        return cls(learn(sample, values), replicas, clip)

    def factors(self, features: NDArray[np.float32], keys: Keys) -> Factors:
        """The clipped ratios of events, by models that have not seen them.

        ``ensemble``: those of each member of the folds' ensembles, which differ by first weights and validation part;
        ``bootstrap``: those of each replica; ``folds``: those of the models of each fold, though all but one have seen
        the event.
        """
        found = {"": self.nominal.ratio(features, keys)[:, None]}
        members = self.nominal.members(features, keys)
        if members.shape[1] > 1:
            found["ensemble"] = as_ratio(members)
        if self.replicas:
            found["bootstrap"] = np.stack([models.ratio(features, keys) for models in self.replicas], axis=1)
        if len(self.nominal.models) > 1:
            found["folds"] = as_ratio(self.nominal.by_fold(features, keys))
        return {name: np.clip(values, *self.clip) for name, values in found.items()}

    def clipping(self, sample: Sample) -> Clipping:
        """What the limits do to the events of a sample."""
        ratios = self.nominal.ratio(sample.features, sample.keys)
        below, above = ratios < self.clip[0], ratios > self.clip[1]
        size = np.abs(sample.weights)
        return Clipping(
            events=len(ratios),
            below=int(below.sum()),
            above=int(above.sum()),
            share=float(size[below | above].sum() / size.sum()),
        )


def scales(factors: Mapping[str, NDArray[np.float64]], weights: NDArray[np.float64], total: float) -> Factors:
    """What brings the sum of weights (n,) times each set of factors to ``total``: arrays (toys,) by variation."""
    return {name: total / (weights @ values) for name, values in factors.items()}


def scaled(factors: Factors, by: Mapping[str, NDArray[np.float64]]) -> Factors:
    """Factors times the ``scales`` of their sums."""
    return {name: values * by[name] for name, values in factors.items()}


def concatenate(parts: Sequence[Factors]) -> Factors:
    """The factors of several parts of a sample."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
