"""The bins of a score that serve the measurement best, for scores that were not trained on it."""

import torch

from resonaut.core.errors import ConfigError
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


def _pairs(templates: Templates) -> Templates:
    """Histograms whose bins are each the sum of two neighbours."""
    return Templates(*(one[..., :-1] + one[..., 1:] for one in templates))
