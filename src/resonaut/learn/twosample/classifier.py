"""A fresh classifier that tries to tell two samples apart: it learns from one half of the events and judges the other.

Where weights were learned in folds, one classifier is for one fold, whose weights come from models that have not seen
it. Had it learned from other folds, whose events trained the weights of this one, it would take the part of their
fluctuations that the weights do not follow for a difference, find the opposite here, and do worse than chance; and
exchanged halves would depend on each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError
from resonaut.learn.ratio import CrossFit, FeatureSettings, Sample, auc, made_positive
from resonaut.learn.ratio.sample import Pair
from resonaut.learn.twosample.agreement import tested
from resonaut.learn.twosample.quantiles import Floats
from resonaut.learn.twosample.results import Calibration

# The fresh classifiers deal the events of a fold into halves of their own.
FRESH_SEED = 1000003
# Bins of a calibration curve.
BINS = 10


def area(
    numerator: Sample, denominator: Sample, folds: Sequence[NDArray[np.int64]], given: FeatureSettings
) -> tuple[float | None, float | None]:
    """AUC of fresh classifiers, one for each fold, and its error without a difference.

    Args:
        numerator: a sample.
        denominator: another one, with weights from models of ``given.folds`` folds.
        folds: the fold of each event of both.
        given: the settings of those models; the fresh ones are of their kind, for fewer events.

    Returns:
        None, twice, where a fold has too few events.
    """
    judges = replace(
        given,
        seed=given.seed + FRESH_SEED,
        trees=replace(given.trees, validation_parts=2),
        network=replace(given.network, validation_parts=2),
    )
    judged = held_out((numerator, denominator), folds, given.folds, judges)
    return mean_auc(judged) if judged else (None, None)


@dataclass(frozen=True)
class Judged:
    """The events of one fold that its classifier has not seen, and its output for them, (n,) and (m,)."""

    samples: Pair
    output: tuple[Floats, Floats]


def held_out(
    samples: Pair, folds: Sequence[NDArray[np.int64]], number: int, settings: FeatureSettings
) -> list[Judged] | None:
    """What the classifiers of each of ``number`` folds judge; None where one has too few events to train on."""
    found = []
    for fold in range(number):
        pair = [sample[own == fold] for sample, own in zip(samples, folds, strict=True)]
        seen = [identifier.folds(sample.keys, 2, settings.seed) == 0 for sample in pair]
        learned, judged = ([s[h == half] for s, h in zip(pair, seen, strict=True)] for half in (True, False))
        try:
            first, second = (made_positive(sample, settings)[0] for sample in learned)
            models = CrossFit.fit_pairs([(first, second)], settings)
        except EmptySelectionError:
            return None
        output = [models.probability(sample.features, sample.keys) for sample in judged]
        found.append(Judged((judged[0], judged[1]), (output[0], output[1])))
    return found


def mean_auc(judged: Sequence[Judged]) -> tuple[float, float]:
    """The mean of the folds' AUCs, and its standard error without a difference."""
    areas = [auc(*one.output, one.samples[0].weights, one.samples[1].weights) for one in judged]
    area, error = np.array(areas).T
    return float(area.mean()), float(np.sqrt(np.sum(error**2)) / len(error))


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
