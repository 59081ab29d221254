"""Outputs of classifiers made probabilities: f / (1 - f) is a ratio of densities only where f is calibrated.

The map is logistic, logit p = slope · logit f + offset (J. Platt, in Advances in Large Margin Classifiers, 1999): two
numbers, as a ratio that is learned from few events has no room for more. Each fold has its own maps, learned from the
events of the fold, which its models have not seen. And an event's own label must not enter its weight: the fold's
events are dealt into parts, and an event of a part takes the map that was learned from the other ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from resonaut.core.errors import EmptySelectionError
from resonaut.core.identifier import Keys, folds
from resonaut.learn.ratio.sample import Balanced
from resonaut.learn.ratio.weights import Calibrated

FloatArray = NDArray[np.float64]

# Of the events of a fold: with ten of them a map is learned from nine tenths.
PARTS = 10
# Deals the parts, independently of folds and validation parts.
PARTS_SEED = 0xCA11B8A7
# Outputs nearer to 0 and 1 count as this far away.
NEAREST = 1e-6
# A map from fewer events of a sample is worse than none.
FEWEST = 50
# How much it counts that outputs may be calibrated, in events.
PRIOR = 1e-3
# Of a calibration curve.
BINS = 10


@dataclass(frozen=True)
class Line:
    """logit p = ``slope`` · logit f + ``offset``; ``slope_error``: its statistical error."""

    slope: float
    offset: float
    slope_error: float

    @classmethod
    def fit(cls, output: FloatArray, labels: FloatArray, weights: FloatArray) -> "Line":
        """The line with the smallest cross entropy.

        A thousandth of an event's worth of knowledge says that f is calibrated: without it nothing would hold the
        slope of outputs that are all alike, or that leave no event on the wrong side.

        Args:
            output: f, shape (n,).
            labels: 1 for the numerator, 0 for the denominator, or a share between, shape (n,).
            weights: (n,), not negative; those of both labels have the same sum.
        """
        x = np.stack([logits(output), np.ones(len(output))], axis=1)
        w = weights / weights.mean()
        identity = np.array([1.0, 0.0])

        def loss(line: FloatArray) -> tuple[float, FloatArray]:
            z = x @ line
            entropy = float(w @ (np.logaddexp(0, z) - labels * z)) + PRIOR * float(np.square(line - identity).sum()) / 2
            return entropy, x.T @ (w * (expit(z) - labels)) + PRIOR * (line - identity)

        def curvature(line: FloatArray) -> FloatArray:
            p = expit(x @ line)
            found: FloatArray = (x.T * (w * p * (1 - p))) @ x + PRIOR * np.eye(2)
            return found

        best = minimize(loss, identity, jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-8 * len(w)})
        inverse = np.linalg.inv(curvature(best.x))
        scatter = (x.T * np.square(w * (expit(x @ best.x) - labels))) @ x
        return cls(float(best.x[0]), float(best.x[1]), float(np.sqrt((inverse @ scatter @ inverse)[0, 0])))


@dataclass(frozen=True)
class Calibration:
    """The maps of the models of each fold: ``slopes`` and ``offsets``, (folds, parts)."""

    slopes: FloatArray
    offsets: FloatArray
    seed: int

    @classmethod
    def fit(cls, events: Balanced, output: FloatArray, number: int, seed: int) -> "Calibration":
        """Learn the maps.

        Args:
            events: all events that trained the models of other folds than their own; labels of 0 and 1 are those of
                different events, whose numbers fluctuate, and each label counts the same in every part, as it did in
                the training.
            output: f of each event by the models that have not seen it, (n,).
            number: how many folds there are.
            seed: that of the folds.

        Raises:
            EmptySelectionError: a fold has too few events.
        """
        # The order of rows and files must not change a digit.
        order = np.argsort(events.keys, kind="stable")
        output, labels, weights = (values[order] for values in (output, events.labels, events.weights))
        fold, part = folds(events.keys[order], number, seed), _parts(events.keys[order], seed)
        lines = [
            [
                _line(output[rows], labels[rows], weights[rows], f"fold {f + 1}")
                for rows in ((fold == f) & (part != p) for p in range(PARTS))
            ]
            for f in range(number)
        ]
        slopes, offsets = (np.array([[getattr(one, name) for one in row] for row in lines]) for name in _LINE)
        return cls(slopes, offsets, seed)

    def of(self, output: FloatArray, model: NDArray[np.int64], keys: Keys) -> FloatArray:
        """Calibrated outputs, shape (…, n).

        Args:
            output: f, shape (…, n).
            model: the fold whose models gave them, (n,).
            keys: of the events, (n,).
        """
        place = model, _parts(keys, self.seed)
        found: FloatArray = expit(self.slopes[place] * logits(output) + self.offsets[place])
        return found


def measured(events: Balanced, output: FloatArray) -> Calibrated:
    """How well the outputs f (n,) of events are calibrated, by models that have not seen these."""
    line = Line.fit(output, events.labels, events.weights)
    weights = events.weights / events.weights.sum()
    edges = np.unique(np.quantile(output, np.arange(1, BINS) / BINS, weights=weights, method="inverted_cdf"))
    place = np.searchsorted(edges, output, side="right")
    share = np.bincount(place, weights, len(edges) + 1)
    kept = share > 0

    def sums(values: FloatArray) -> FloatArray:
        found: FloatArray = np.bincount(place, values, len(edges) + 1)[kept] / share[kept]
        return found

    predicted, observed = sums(weights * output), sums(weights * events.labels)
    scatter = np.bincount(place, np.square(weights * (events.labels - output)), len(edges) + 1)[kept]
    error = np.sqrt(scatter) / share[kept]
    return Calibrated(
        slope=line.slope,
        slope_error=line.slope_error,
        predicted=predicted.tolist(),
        observed=observed.tolist(),
        error=error.tolist(),
        difference=float(share[kept] @ np.abs(observed - predicted)),
        # The mean of |x| of a normal distribution.
        if_calibrated=float(share[kept] @ error * np.sqrt(2 / np.pi)),
    )


_LINE = ("slope", "offset")


def logits(output: FloatArray) -> FloatArray:
    """The logarithm of the ratio, log f / (1 - f), finite."""
    found: FloatArray = logit(np.clip(output, NEAREST, 1 - NEAREST))
    return found


def _parts(keys: Keys, seed: int) -> NDArray[np.int64]:
    return folds(keys, PARTS, seed ^ PARTS_SEED)


def _line(output: FloatArray, labels: FloatArray, weights: FloatArray, where: str) -> Line:
    one, other = np.count_nonzero(labels > 0), np.count_nonzero(labels < 1)
    if min(one, other) < FEWEST:
        raise EmptySelectionError(
            f"a classifier is calibrated with {one} against {other} events of {where}, and with fewer than {FEWEST} "
            "it is not; use larger samples, or set classifier.calibration to none."
        )
    sums = float(weights @ labels), float(weights @ (1 - labels))
    if np.isin(labels, (0, 1)).all():
        weights = weights / np.where(labels == 1, *sums)
    return Line.fit(output, labels, weights)
