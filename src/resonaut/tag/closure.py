"""Whether the regressions of a network close: response, resolution and coverage of their quantiles on held-out jets."""

import numpy as np
from numpy.typing import NDArray

from resonaut.tag.results import Closure, Regression, Slice
from resonaut.tag.sample import Sample
from resonaut.tag.settings import QUANTILES, NetworkConfig

Floats = NDArray[np.floating]

# Fewer jets than this have no quantiles worth a number.
MIN_JETS = 10
# Bins of jet pT, or fewer where they would have fewer jets.
PT_BINS = 6


def closures(estimates: Floats, held_out: Sample, network: NetworkConfig, weights: Floats) -> dict[str, Regression]:
    """The closure of each regression.

    Args:
        estimates: of the held-out jets, (n, estimates).
        held_out: these jets.
        network: the configuration.
        weights: (n,), as those of the training: a quantile is one of the mixture of jets that the network has seen.
    """
    found = {}
    for place, name in enumerate(sorted(network.regression)):
        numbers = estimates[:, place * (1 + len(QUANTILES)) :][:, : 1 + len(QUANTILES)]
        target = held_out.targets[name]
        there = np.isfinite(target)

        def of(chosen: NDArray[np.bool_], numbers: Floats = numbers, target: Floats = target) -> Closure | None:
            return closure(numbers[chosen], target[chosen], weights[chosen]) if chosen.sum() >= MIN_JETS else None

        by_class = {kind: of(there & (held_out.labels == i)) for i, kind in enumerate(network.classes)}
        found[name] = Regression(
            all=of(there),
            classes={kind: one for kind, one in by_class.items() if one},
            by_pt=slices(numbers[there], target[there], weights[there], held_out.pt[there]),
        )
    return found


def slices(estimates: Floats, target: Floats, weights: Floats, pt: Floats) -> list[Slice]:
    """The closure in bins of jet pT (n,) in GeV; the others as of ``closure``."""
    bins = min(PT_BINS, len(pt) // MIN_JETS)
    parts = np.array_split(np.argsort(pt, kind="stable"), bins) if bins else []
    return [
        Slice(
            pt_low=float(pt[part[0]]),
            pt_median=float(np.median(pt[part])),
            pt_high=float(pt[part[-1]]),
            closure=closure(estimates[part], target[part], weights[part]),
        )
        for part in parts
    ]


def closure(estimates: Floats, target: Floats, weights: Floats) -> Closure:
    """The closure of some jets, from their estimates (n, 1 + quantiles), targets (n,) and weights (n,)."""
    central, low, middle, high = estimates.astype(np.float64).T
    effective = weights.sum() ** 2 / np.square(weights).sum()
    median, below, above = _quantiles(central / target, [0.5, 0.16, 0.84], weights)
    without, without_below, without_above = _quantiles(1 / target.astype(np.float64), [0.5, 0.16, 0.84], weights)
    covered = float(np.average((target > low) & (target < high), weights=weights))
    error, error_below, error_above = (_error(central / target, at, weights, effective) for at in (0.5, 0.16, 0.84))
    # Two quantiles p < q of one sample have the covariance p (1 - q) where each has the variance p (1 - p).
    together = 2 * (0.16 * 0.16) / (0.16 * 0.84) * error_below * error_above
    return Closure(
        jets=len(target),
        response=median,
        response_error=error,
        median_response=_quantiles(middle / target, [0.5], weights)[0],
        resolution=(above - below) / 2,
        resolution_error=float(np.sqrt(error_below**2 + error_above**2 - together)) / 2,
        response_without=without,
        resolution_without=(without_above - without_below) / 2,
        covered=covered,
        covered_error=float(np.sqrt(0.68 * 0.32 / effective)),
    )


def _error(values: Floats, level: float, weights: Floats, effective: float) -> float:
    """The error of a quantile, which follows from that of the share of jets below it."""
    share = np.sqrt(level * (1 - level) / effective)
    low, high = _quantiles(values, [max(level - share, 0), min(level + share, 1)], weights)
    return (high - low) / 2


def _quantiles(values: Floats, levels: list[float], weights: Floats) -> list[float]:
    found: list[float] = np.quantile(values, levels, weights=weights, method="inverted_cdf").tolist()
    return found
