"""A fresh classifier that tries to tell two samples apart: it learns from one half of the events and judges the other.

Where weights were learned in folds, one classifier is for one fold, whose weights come from models that have not seen
it. Had it learned from other folds, whose events trained the weights of this one, it would take the part of their
fluctuations that the weights do not follow for a difference, find the opposite here, and do worse than chance; and
exchanged halves would depend on each other.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError
from resonaut.learn.ratio import CrossFit, Settings, auc
from resonaut.learn.ratio.sample import Pair
from resonaut.learn.twosample.agreement import tested
from resonaut.learn.twosample.quantiles import Floats
from resonaut.learn.twosample.results import Calibration

# The fresh classifiers deal the events of a fold into halves of their own.
FRESH_SEED = 1000003
# Bins of a calibration curve.
BINS = 10


def fresh(given: Settings) -> Settings:
    """The settings of a classifier that is to find what those of ``given`` left: of other events, in less time."""
    return replace(
        given,
        seed=given.seed + FRESH_SEED,
        trees=replace(given.trees, validation_parts=2),
        network=replace(given.network, validation_parts=2),
    )


def held_out(
    pair: Pair, folds: Sequence[NDArray[np.int64]], number: int, settings: Settings
) -> tuple[list[Pair], list[tuple[Floats, Floats]]] | None:
    """For each of ``number`` folds the events that are judged, and the output of the fold's classifier for them.

    None where a fold has too few events to train one.
    """
    judged, scores = [], []
    for fold in range(number):
        here = [sample[own == fold] for sample, own in zip(pair, folds, strict=True)]
        seen = [identifier.folds(sample.keys, 2, settings.seed) == 0 for sample in here]
        learned, kept = ((here[0][a], here[1][b]) for a, b in ((seen[0], seen[1]), (~seen[0], ~seen[1])))
        try:
            models = CrossFit.fit_pairs([learned], settings)
        except EmptySelectionError:
            return None
        judged.append(kept)
        scores.append(tuple(models.probability(sample.features, sample.keys) for sample in kept))
    return judged, scores  # type: ignore[return-value]


def area(judged: Sequence[Pair], scores: Sequence[tuple[Floats, Floats]]) -> tuple[float, float]:
    """AUC of the classifiers, one for each fold: their mean and its standard error without a difference."""
    areas = [
        auc(*output, numerator.weights, denominator.weights)
        for (numerator, denominator), output in zip(judged, scores, strict=True)
    ]
    mean, error = np.array(areas).T
    return float(mean.mean()), float(np.sqrt(np.sum(error**2)) / len(error))


def calibration(scores: tuple[Floats, Floats], weights: tuple[Floats, Floats], bins: int = BINS) -> Calibration:
    """Is the share of the numerator among events of an output what the output says?

    Args:
        scores: outputs of numerator and denominator, from a classifier that has not seen them.
        weights: their weights; the samples count the same.
        bins: quantiles of the output of both samples together.
    """
    both = np.concatenate(scores)
    weight = np.concatenate([w / w.sum() for w in weights])
    edges = np.unique(np.quantile(both, np.arange(1, bins) / bins, weights=np.abs(weight), method="inverted_cdf"))
    number = np.searchsorted(edges, both, side="right")

    def sums(values: Floats) -> Floats:
        return np.bincount(number, values, len(edges) + 1).astype(np.float64)

    first = np.arange(len(both)) < len(scores[0])
    a, b = (sums(weight * own) for own in (first, ~first))
    kept = (a > 0) & (b > 0)
    total = (a + b)[kept]
    predicted, observed = (sums(weight * both) / np.where(kept, a + b, 1))[kept], a[kept] / total
    # The weight of an event of each sample; the error is that of the predicted share, as one of 0 or 1 has none.
    one, other = (sums(weight**2 * own)[kept] / c[kept] for own, c in ((first, a), (~first, b)))
    error = np.sqrt(predicted * (1 - predicted) * ((1 - predicted) * one + predicted * other) / total)
    found = float(np.square((observed - predicted) / error).sum())
    return Calibration(
        predicted=predicted.tolist(),
        observed=observed.tolist(),
        error=error.tolist(),
        # Each sample's shares sum to 1.
        test=tested(found, max(len(total) - 1, 0)),
    )
