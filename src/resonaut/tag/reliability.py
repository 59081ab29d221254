"""Are the class scores probabilities? Of jets with a score p a share p should be of the class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from resonaut.learn import bootstrap
from resonaut.tag.results import Reliability

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
# Bins of a reliability diagram, with equal sums of weights.
BINS = 10


def reliability(
    scores: Floats,
    labels: Integers,
    weights: Floats,
    classes: Sequence[str],
    events: NDArray[np.generic],
    seed: int = 1,
) -> dict[str, Reliability]:
    """The reliability diagram of each class against the others, and its expected calibration error.

    Args:
        scores: class probabilities of jets, (n, classes).
        labels: their classes, (n,).
        weights: with which they are the jets for which the scores should be probabilities, (n,).
        classes: the names.
        events: which jets are of one event (see ``bootstrap``), (n,).
        seed: of the errors.
    """
    return {
        name: _of_class(scores[:, i].astype(np.float64), labels, i, weights, events, seed)
        for i, name in enumerate(classes)
    }


def _of_class(
    score: Floats, labels: Integers, own: int, weights: Floats, events: NDArray[np.generic], seed: int
) -> Reliability:
    """Errors and the calibrated value come from replicas in which each class keeps its sum of weights.

    In each bin half a jet of the class and half one of the others stand beside those that are there, as in Jeffreys'
    interval, so that a share of 0 or 1 has an error.
    """
    edges = np.unique(np.quantile(score, np.arange(1, BINS) / BINS, weights=weights, method="inverted_cdf"))
    place = np.searchsorted(edges, score, side="right")
    inside = labels == own

    def sums(values: Floats) -> Floats:
        return np.bincount(place, values, len(edges) + 1).astype(np.float64)

    kept = sums(weights) > 0
    share = sums(weights)[kept] / weights.sum()
    predicted, observed = ((sums(weights * one) / np.maximum(sums(weights), 1e-300))[kept] for one in (score, inside))
    jet = [np.square(weights[one]).sum() / weights[one].sum() for one in (inside, ~inside)]
    rng, totals = np.random.default_rng([seed, 2]), np.bincount(labels, weights)
    differences = []
    for drawn in bootstrap.weights(events, seed):
        varied = weights * drawn
        varied *= (totals / np.maximum(np.bincount(labels, varied), 1e-300))[labels]
        more = rng.standard_gamma(0.5, (2, len(edges) + 1)) * np.array(jet)[:, None]
        found = (sums(varied * inside) + more[0]) / (sums(varied) + more.sum(axis=0))
        differences.append((found - sums(varied * score) / np.maximum(sums(varied), 1e-300))[kept])
    spread = np.abs(differences - np.mean(differences, axis=0)) @ share
    value = float(share @ np.abs(observed - predicted))
    return Reliability(
        predicted=predicted.tolist(),
        observed=observed.tolist(),
        error=np.std(differences, axis=0).tolist(),
        calibration_error=value,
        if_calibrated=float(spread.mean()),
        p_value=float((1 + np.sum(spread >= value)) / (1 + len(spread))),
    )
