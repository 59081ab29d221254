"""The bins of a score that serve the measurement best, for scores that were not trained on it."""

from collections.abc import Callable

import torch
from torch import Tensor

from resonaut.core.errors import ConfigError
from resonaut.learn.blocks import in_blocks
from resonaut.learn.inference.events import Events, one_hot
from resonaut.learn.inference.likelihood import Likelihood, Templates, inverse


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


def _pairs(templates: Templates) -> Templates:
    """Histograms whose bins are each the sum of two neighbours."""
    return Templates(*(one[..., :-1] + one[..., 1:] for one in templates))
