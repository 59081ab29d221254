"""How far two binned distributions are from each other, in the measures that the literature uses.

Binned distributions are never farther from each other than those of the events, and samples of one distribution are
not at zero: with n and m events in N bins KL is (N - 1) / 2 (1 / n + 1 / m). So each has its value for samples of one
distribution beside it.
"""

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr

from resonaut.learn.twosample.quantiles import Bins, Floats, Sums, together
from resonaut.learn.twosample.results import Divergence


def divergences(p: Floats, q: Floats, order: float) -> dict[str, Floats]:
    """The measures of shares ``p`` and ``q``, shape (…, bins) that sum to 1, by name; shape (…).

    In nats, but total variation and Hellinger's distance, which are at most 1. Infinite where they divide by an empty
    bin, and NaN where a sum of weights is negative.

    Args:
        p: the numerator.
        q: the denominator.
        order: of Rényi's divergence.
    """
    p, q = (np.where(one < 0, np.nan, one) for one in (p, q))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        overlap = np.minimum(np.sqrt(p * q).sum(axis=-1), 1)
        kl = rel_entr(p, q).sum(axis=-1)
        # A bin without the numerator adds nothing, with neither 0 / 0.
        powers = np.where(p == 0, 0, p**order * q ** (1 - order)).sum(axis=-1)
        return {
            "kl": kl,
            "kl_reversed": rel_entr(q, p).sum(axis=-1),
            "jensen_shannon": jensenshannon(p, q, axis=-1) ** 2,
            "total_variation": np.abs(p - q).sum(axis=-1) / 2,
            "bhattacharyya": -np.log(overlap),
            "hellinger": np.sqrt(1 - overlap),
            "renyi": kl if order == 1 else np.log(powers) / (order - 1),
        }


def wasserstein(p: Floats, q: Floats, places: Floats) -> Floats:
    """The first Wasserstein distance of shares at ``places`` (bins,): ``scipy.stats.wasserstein_distance`` of each."""
    return np.asarray(np.abs(np.cumsum(p - q, axis=-1)[..., :-1]) @ np.diff(places))


def table(
    bins: Bins,
    samples: tuple[Sums, Sums],
    replicas: tuple[Floats, Floats],
    alike: tuple[Floats, Floats],
    order: float,
) -> dict[str, Divergence]:
    """Every measure of two samples, averaged over folds, with its error and its values without a difference.

    Args:
        bins: those of the sums; Wasserstein's distance is that of the narrow bins, the others those of the wide ones.
        samples: the sums of numerator and denominator.
        replicas: bootstrap replicas of them, (replicas, folds, N).
        alike: pairs drawn from both together, (pairs, folds, N).
        order: of Rényi's divergence.
    """
    found, varied, drawn = (
        _measures(bins, *pair, order) for pair in ((samples[0].weights, samples[1].weights), replicas, alike)
    )
    return {name: _divergence(float(value), varied[name], drawn[name]) for name, value in found.items()}


def _measures(bins: Bins, numerator: Floats, denominator: Floats, order: float) -> dict[str, Floats]:
    """The measures of sums (…, folds, N), averaged over folds; shape (…)."""
    p, q = (_shares(sums) for sums in (numerator, denominator))
    found = divergences(bins.wide(p), bins.wide(q), order)
    # A variable without spread is refused before.
    found["wasserstein"] = wasserstein(p, q, bins.centres) / bins.deviation
    return {name: value.mean(axis=-1) for name, value in found.items()}


def _shares(sums: Floats) -> Floats:
    total = sums.sum(axis=-1, keepdims=True)
    return np.asarray(sums / np.where(total > 0, total, 1))


def _divergence(value: float, varied: Floats, drawn: Floats) -> Divergence:
    if not np.isfinite(value):
        return Divergence(value=None, error=None, alike=None, alike_spread=None, p_value=None)
    known = bool(np.isfinite(drawn).all())
    return Divergence(
        value=value,
        error=float(varied.std(ddof=1)) if np.isfinite(varied).all() else None,
        alike=float(drawn.mean()) if known else None,
        alike_spread=float(drawn.std(ddof=1)) if known else None,
        p_value=float((1 + np.count_nonzero(drawn >= value)) / (1 + len(drawn))),
    )


def alike(bins: Bins, samples: tuple[Sums, Sums], number: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Pairs of samples of these sizes drawn from both together, (number, folds, N) each.

    An event of a wide bin has there the weight of the sample's events in it, so that the sums have their variances: in
    a bin with few events of large weights they fluctuate more than in one with many of small weights.
    """
    expected = together(*samples)
    drawn = []
    for sample in samples:
        scale = bins.narrow(Sums(bins.wide(sample.weights), bins.wide(sample.squares)).scale())
        drawn.append(rng.poisson(np.maximum(expected, 0) / scale, (number, *expected.shape)) * scale)
    return drawn[0], drawn[1]
