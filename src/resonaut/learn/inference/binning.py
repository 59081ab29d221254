"""The bins of a score that serve the measurement best, for scores that were not trained on it."""

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from resonaut.core.errors import ConfigError
from resonaut.learn.blocks import in_blocks
from resonaut.learn.inference.events import Events, one_hot
from resonaut.learn.inference.likelihood import Likelihood, Templates, inverse
from resonaut.learn.inference.measurement import Measurement

# Fine bins that are merged, and the simulated background events that each of them has at least.
FINE, LEAST = 100, 20
Values = Callable[[Tensor], Tensor]
Bin = Callable[[Tensor], Tensor]


def merged(likelihood: Likelihood, templates: Templates, bins: int) -> list[int]:
    """Merge neighbouring fine bins, each time the two whose merger costs least uncertainty, until ``bins`` are left.

    Args:
        likelihood: of the measurement.
        templates: histograms in many bins along the score, of events that do not judge the result.
        bins: how many.

    Returns:
        The fine bins at which the wide ones begin, the first 0.

    Raises:
        ConfigError: there are fewer fine bins.
    """
    starts = list(range(templates.nominal.shape[1]))
    if not 1 <= bins <= len(starts):
        raise ConfigError(f"{len(starts)} fine bins cannot become {bins}; use more fine ones, or fewer.")
    while len(starts) > bins:
        now = templates.merged(starts)
        slopes, variances = likelihood.slopes(now), likelihood.variances(now)
        together = _pairs(now)
        pairs, wide = likelihood.slopes(together), likelihood.variances(together)
        # Rank-one terms of the information: without both bins, and with their merger.
        each = torch.einsum("pb,qb,b->bpq", slopes, slopes, 1 / variances)
        joint = torch.einsum("pb,qb,b->bpq", pairs, pairs, 1 / wide)
        candidates = likelihood.information(now) - each[:-1] - each[1:] + joint
        cost = inverse(candidates).diagonal(dim1=-2, dim2=-1)[:, : likelihood.of_interest].sum(dim=1)
        del starts[int(cost.argmin()) + 1]
    return starts


def best_edges(
    likelihood: Likelihood, events: Events, score: Callable[[Tensor], Tensor], samples: int, bins: int, fine: int = 100
) -> Tensor:
    """Inner edges (bins - 1,) of the best bins of a score, among quantiles.

    Args:
        likelihood: of the measurement, for these events.
        events: of ``samples`` samples, which do not judge the result.
        score: of features (n, d), shape (n,).
        samples: their number.
        bins: how many.
        fine: quantiles of all events, each class counting as it does among them.
    """
    shares = torch.arange(1, fine, dtype=torch.float64) / fine
    quantiles = torch.quantile(in_blocks(score, events.features).double(), shares)
    edges: Tensor = torch.unique(quantiles)
    place = one_hot(len(edges) + 1, lambda x: torch.bucketize(score(x).double(), edges))
    starts = merged(likelihood, events.filled(place, samples), min(bins, len(edges) + 1))
    chosen: Tensor = edges[torch.tensor(starts[1:], dtype=torch.int64) - 1]
    return chosen


def best_bins(measurement: Measurement, values: Values, parts: Sequence[Events], bins: int) -> Bin:
    """The best bins of one number an event, or of the probabilities of classes, as a function of features (n, d).

    Fine bins are merged where it costs the least uncertainty.

    Args:
        measurement: for which they are the best.
        values: of features, (n,) or (n, classes).
        parts: events that choose, each with weights that sum to the expected yields; together they are all of these.
        bins: how many, or fewer if there are not so many events.
    """
    share = sum(one.share for one in parts)
    together = [one.rows(torch.arange(len(one)), one.share / share) for one in parts]
    bin_of, number = fine_bins(measurement, values, together)
    filled = [one.filled(one_hot(number, bin_of), len(measurement.samples)) for one in together]
    templates = filled[0]
    for more in filled[1:]:
        templates = templates.plus(more)
    likelihood = Likelihood(measurement, list(together[0].variations), share)
    starts = torch.tensor(merged(likelihood, templates, min(bins, number)))
    return lambda features: torch.bucketize(bin_of(features), starts[1:], right=True)


def fine_bins(measurement: Measurement, values: Values, parts: Sequence[Events]) -> tuple[Bin, int]:
    """Fine bins of one number an event, or of the probability of the likeliest class, one class after the other.

    They are quantiles of the simulated background, so that none is without it. Also how many there are.
    """
    background = torch.tensor(measurement.background)
    known = torch.cat([in_blocks(values, one.features[background[one.sample]]) for one in parts])
    if known.ndim == 2 and known.shape[1] == 2:
        # Two classes are one score.
        return fine_bins(measurement, lambda features: values(features)[:, 1], parts)
    number = 1 if known.ndim == 1 else known.shape[1]
    best, which = _likeliest(known)
    edges = []
    for k in range(number):
        own = best[which == k]
        each = max(min(FINE // number, len(own) // LEAST), 1)
        edges.append(torch.unique(torch.quantile(own, torch.arange(1, each) / each)) if each > 1 else torch.empty(0))
    first = list(accumulate((len(one) + 1 for one in edges), initial=0))

    def bin_of(features: Tensor) -> Tensor:
        top, own = _likeliest(values(features))
        place = torch.zeros(len(top), dtype=torch.long)
        for k, one in enumerate(edges):
            place[own == k] = first[k] + torch.bucketize(top[own == k], one)
        return place

    return bin_of, first[-1]


def _likeliest(values: Tensor) -> tuple[Tensor, Tensor]:
    """The probability of the likeliest class and its number, of (n, classes); of one number an event itself and 0."""
    if values.ndim == 1:
        return values, torch.zeros(len(values), dtype=torch.long)
    best = values.max(dim=1)
    return best.values, best.indices


def _pairs(templates: Templates) -> Templates:
    """Histograms whose bins are each the sum of two neighbours."""
    return Templates(*(one[..., :-1] + one[..., 1:] for one in templates))
