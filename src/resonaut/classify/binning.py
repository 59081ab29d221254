"""Bins of a score for a fit: those of the largest expected significance that leave enough events in each bin.

The significance of a bin with s expected signal events, b of all else and the statistical uncertainty sigma of the
simulation of b is that of G. Cowan, "Discovery sensitivity for a counting experiment with background uncertainty"
(2012), eq. (20); without sigma it is Z^2 = 2 ((s + b) ln(1 + s/b) - s) (arXiv:1007.1727, eq. (97)). The squares of
all bins add up, so that dynamic programming finds the best edges among ``CANDIDATES`` exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.classify.read import Floats, Numbers, Values
from resonaut.classify.settings import Binning
from resonaut.core.errors import EmptySelectionError

# Quantiles of the signal, and as many of all else, at which an edge may lie.
CANDIDATES = 100


def squared_significance(signal: Floats, background: Floats, variance: Floats) -> Floats:
    """Z^2 of bins with these expected events, ``background`` > 0, and the variance of its simulation.

    >>> squared_significance(*map(np.array, ([10.0], [100.0], [0.0]))).round(4)
    array([0.9682])
    """
    s, b, v = np.maximum(signal, 0), background, np.maximum(variance, 0)
    n = s + b
    with np.errstate(divide="ignore", invalid="ignore"):
        known = 2 * (n * np.log1p(s / b) - s)
        uncertain = 2 * (n * np.log(n * (b + v) / (b * b + n * v)) - b * b / v * np.log1p(v * s / (b * (b + v))))
    # Where the simulation is exact the second form is a difference of large numbers.
    found: Floats = np.where(v > 1e-5 * b, uncertain, known)
    return np.maximum(found, 0)


@dataclass(frozen=True)
class Best:
    """The best inner edges for each number of bins, from 1, and their Z^2: -infinity where so many are not allowed."""

    edges: list[NDArray[np.float32]]
    squared: Floats


def best(score: Values, signal: Floats, background: Floats, settings: Binning) -> Best:
    """The best bins of a score (n,), whose events count as signal and as background with these weights (n,)."""
    inner = _candidates(score, signal, background)
    place = np.searchsorted(inner, score, side="right")
    sums = [
        np.concatenate([[0.0], np.cumsum(np.bincount(place, weights, len(inner) + 1))])
        for weights in (signal, background, background**2)
    ]
    s, b, v = (one[None, :] - one[:, None] for one in sums)
    # Sums of weights of both signs may leave a rest of rounding.
    enough = np.triu(np.ones(b.shape, bool), 1) & (b >= settings.min_expected) & (b > 1e-9 * sums[1][-1])
    enough &= np.sqrt(np.maximum(v, 0)) <= settings.max_error * b
    value = np.full(b.shape, -np.inf)
    value[enough] = squared_significance(s[enough], b[enough], v[enough])
    steps: list[Numbers] = []
    edges, squared, reached = [], [], value[0]
    for _ in range(settings.bins):
        squared.append(reached[-1])
        edges.append(_traced(inner, steps))
        through = reached[:, None] + value
        steps.append(through.argmax(axis=0))
        reached = through.max(axis=0)
    return Best(edges, np.array(squared))


def _candidates(score: Values, signal: Floats, background: Floats) -> NDArray[np.float32]:
    shares = np.arange(1, CANDIDATES) / CANDIDATES
    several = [
        np.quantile(score, shares, weights=np.abs(weights), method="inverted_cdf")
        for weights in (signal, background)
        if weights.any()
    ]
    return np.unique(np.concatenate(several)).astype(np.float32)


def _traced(inner: NDArray[np.float32], steps: Sequence[Numbers]) -> NDArray[np.float32]:
    """The inner edges of the best bins that ``steps`` led to, from the last to the first."""
    at, found = len(inner) + 1, []
    for step in reversed(steps):
        at = int(step[at])
        found.append(inner[max(at, 1) - 1])
    return np.array(found[::-1], np.float32)


def by_fold(
    score: Values,
    is_signal: NDArray[np.bool_],
    weights: Floats,
    fold: Numbers,
    folds: int,
    settings: Binning,
    what: str,
) -> NDArray[np.float32]:
    """The inner edges of each fold (folds, bins - 1), from the scores (n,) of the events of all other folds.

    All have one number of bins: the smallest whose expected significance, of all folds together, is no more than
    ``min_gain`` below the largest.

    Raises:
        EmptySelectionError: even one bin has too few events; ``what`` is the classifier's name.
    """
    found = []
    for number in range(folds):
        seen = fold != number
        # What the other folds would be, were there as many events as in all.
        parts = [np.where(is_signal == one, weights, 0.0) for one in (True, False)]
        signal, background = (part[seen] * (part.sum() / part[seen].sum()) for part in parts)
        found.append(best(score[seen], signal, background, settings))
    total = np.sum([one.squared for one in found], axis=0)
    reached = np.sqrt(total, where=total >= 0, out=np.full_like(total, -np.inf))
    if not np.isfinite(reached).any():
        raise EmptySelectionError(
            f"{what}: in one bin there are fewer than {settings.min_expected:g} expected events of the other classes, "
            f"or simulation with more than {100 * settings.max_error:g} % statistical uncertainty; use larger samples, "
            "or change min_expected and max_error."
        )
    number = int(np.flatnonzero(reached >= (1 - settings.min_gain) * reached.max())[0])
    return np.stack([one.edges[number] for one in found])
