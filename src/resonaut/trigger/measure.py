"""What a trigger group reads of a network's scores: thresholds, rates, efficiencies, stability, dependence."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from resonaut.trigger.results import Curve, Dependence, Distribution, Efficiency, Measured, WorkingPoint

FloatArray = npt.NDArray[np.float64]

# Revolutions of the LHC in a second, kHz.
REVOLUTION = 11.2456
# Thresholds of a curve of rates.
POINTS = 60


@dataclass(frozen=True)
class Scored:
    """Scores of a sample, (n,), in integers and of floating-point numbers, None where there is no such network.

    ``missed``: the probability that no seed of the menu keeps the crossing. ``pileup`` and ``jets`` (n,) are what the
    score may depend on.
    """

    score: FloatArray
    floating: FloatArray | None
    missed: FloatArray
    pileup: FloatArray
    jets: FloatArray

    def __len__(self) -> int:
        return len(self.score)


def total_rate(bunches: int) -> float:
    """Crossings of colliding bunches, kHz."""
    return bunches * REVOLUTION


def threshold(scores: FloatArray, number: float) -> float | None:
    """The smallest score above which at most ``number`` crossings are; None for less than one of them.

    Ties are on one side: where many crossings have the same score fewer are kept.
    """
    most = int(np.floor(number + 1e-9))
    if most < 1 or most >= len(scores):
        return None
    return float(np.partition(scores, len(scores) - most - 1)[len(scores) - most - 1])


def rate(kept: npt.NDArray[np.bool_], total: float, weights: FloatArray | None = None) -> Measured:
    """The rate (kHz) of what is kept of a sample of zero bias, (n,), with weights; the error is that of the number."""
    own = kept.astype(np.float64) if weights is None else kept * weights
    scale = total / len(kept)
    return Measured(value=float(own.sum()) * scale, error=sqrt(float(np.square(own).sum())) * scale)


def working_point(zero_bias: Scored, signals: Mapping[str, Scored], target: float, total: float) -> WorkingPoint:
    """The threshold for a rate of ``target`` kHz of the ``total``, and what follows from it."""
    number = target / total * len(zero_bias)
    at = threshold(zero_bias.score, number)
    if at is None:
        nothing = dict.fromkeys(("threshold", "low", "high", "rate", "pure_rate", "halves", "drift"))
        return WorkingPoint(
            target=target,
            kept=0,
            flipped=None,
            flipped_kept=None,
            efficiencies=[],
            **nothing,
        )
    kept = zero_bias.score > at
    spread = sqrt(kept.sum())
    low = threshold(zero_bias.score, number + spread)
    high = threshold(zero_bias.score, number - spread)
    halves, drift = _stability(zero_bias.score, number, total)
    flipped, flipped_kept = _flipped(zero_bias, kept, number)
    return WorkingPoint(
        target=target,
        threshold=at,
        low=low,
        high=high,
        kept=int(kept.sum()),
        rate=rate(kept, total),
        pure_rate=rate(kept, total, zero_bias.missed),
        halves=halves,
        drift=drift,
        flipped=flipped,
        flipped_kept=flipped_kept,
        efficiencies=[
            _efficiency(name, signal, at, at if low is None else low, at if high is None else high)
            for name, signal in signals.items()
        ],
    )


def _stability(scores: FloatArray, number: float, total: float) -> tuple[list[float] | None, Measured | None]:
    """Thresholds of both halves for half the number, and the rate of the second half above that of the first."""
    middle = len(scores) // 2
    halves = [threshold(half, number * len(half) / len(scores)) for half in (scores[:middle], scores[middle:])]
    found = [one for one in halves if one is not None]
    return (found, rate(scores[middle:] > found[0], total)) if len(found) == len(halves) else (None, None)


def _flipped(zero_bias: Scored, kept: npt.NDArray[np.bool_], number: float) -> tuple[float | None, float | None]:
    if zero_bias.floating is None or (at := threshold(zero_bias.floating, number)) is None:
        return None, None
    other = zero_bias.floating > at
    different = int((kept != other).sum())
    return different / len(kept), different / max(int(other.sum()), 1)


def _efficiency(name: str, signal: Scored, at: float, low: float, high: float) -> Efficiency:
    kept = signal.score > at
    value = float(kept.mean())
    return Efficiency(
        signal=name,
        value=value,
        error=sqrt(value * (1 - value) / len(signal)),
        low=float((signal.score > high).mean()),
        high=float((signal.score > low).mean()),
        pure=float((kept * signal.missed).mean()),
    )


def curve(zero_bias: Scored, total: float) -> Curve:
    """Rates above thresholds from the middle of the scores to the second largest."""
    ordered = np.sort(zero_bias.score)
    places = len(ordered) - np.unique(np.geomspace(2, max(len(ordered) / 2, 2), POINTS).astype(int))
    thresholds = np.unique(ordered[places])
    found = [
        (rate(kept, total), rate(kept, total, zero_bias.missed)) for kept in (zero_bias.score > at for at in thresholds)
    ]
    return Curve(
        thresholds=thresholds.tolist(),
        rates=[one.value for one, _ in found],
        errors=[one.error for one, _ in found],
        pure_rates=[one.value for _, one in found],
        pure_errors=[one.error for _, one in found],
    )


def dependence(of: str, numbers: FloatArray, scores: FloatArray, at: float, bins: int) -> Dependence:
    """The score in bins of a number of each crossing with about equally many, and how many are above a threshold."""
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, bins + 1)))
    place = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, max(len(edges) - 2, 0))
    several = max(len(edges) - 1, 1)
    counts = np.bincount(place, minlength=several)
    mean = np.bincount(place, scores, several) / np.maximum(counts, 1)
    square = np.bincount(place, np.square(scores - mean[place]), several) / np.maximum(counts, 1)
    return Dependence(
        of=of,
        edges=edges.tolist(),
        crossings=counts.tolist(),
        mean=mean.tolist(),
        spread=np.sqrt(square).tolist(),
        kept=np.bincount(place[scores > at], minlength=several).tolist(),
    )


def distributions(samples: Mapping[str, Scored], zero_bias: str, bins: int) -> list[Distribution]:
    """The scores of all samples in bins of the logarithm up to the largest of zero bias."""
    top = float(np.log1p(samples[zero_bias].score.max(initial=1.0)))
    edges = np.expm1(np.linspace(0, top, bins + 1))

    def counted(scored: Scored, weights: FloatArray) -> list[float]:
        place = np.clip(np.searchsorted(edges, scored.score, side="right") - 1, 0, bins - 1)
        found: list[float] = np.bincount(place, weights, bins).tolist()
        return found

    return [
        Distribution(
            sample=name,
            crossings=len(scored),
            edges=edges.tolist(),
            all=counted(scored, np.ones(len(scored))),
            pure=counted(scored, scored.missed),
        )
        for name, scored in samples.items()
    ]


def area(background: FloatArray, signal: FloatArray) -> float:
    """The area under the ROC curve: how often a signal has the larger score, ties half."""
    ordered = np.sort(background)
    below, upto = (np.searchsorted(ordered, signal, side=side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(background))
