"""Raw scores to sideband quantiles: 1 - score is the background efficiency of a cut at that event."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.identifier import Keys

Combination = Literal["maximum", "product", "sum"]


@dataclass(frozen=True)
class Raw:
    """What a method says of events.

    ``value``, shape (n, parts), grows with anomaly; a part is a jet, or a method of a combination.
    ``model``, shape (n,), numbers the model that gave it (scores of different models are not comparable before they
    are quantiles); ``tie``, shape (n,), in [0, 1) ranks events of equal value.
    ``combination`` makes one number of the parts' quantiles.
    """

    value: NDArray[np.float64]
    model: NDArray[np.int64]
    tie: NDArray[np.float64]
    combination: Combination = "maximum"

    @classmethod
    def alone(cls, value: NDArray[np.float64], model: NDArray[np.int64], keys: Keys) -> "Raw":
        """Events with a single part of ``value``, shape (n,)."""
        return cls(value[:, np.newaxis], model, identifier.uniform(keys, 0))

    @property
    def rank(self) -> NDArray[np.complex128]:
        """Complex numbers, which numpy orders by value first and by tie second; of the only part."""
        rank: NDArray[np.complex128] = self.value[:, 0] + 1j * self.tie
        return rank


@dataclass(frozen=True)
class SidebandQuantile:
    """For each model, the weighted distribution of its scores in the sidebands; for one part."""

    ranks: dict[int, NDArray[np.complex128]]
    tails: dict[int, NDArray[np.float64]]
    mean_weights: dict[int, float]

    @classmethod
    def fit(cls, sideband: Raw, weights: NDArray[np.float64]) -> "SidebandQuantile":
        """Learn from sideband events and their ``weights``, shape (n,)."""
        ranks, tails, means = {}, {}, {}
        for model in map(int, np.unique(sideband.model)):
            rows = sideband.model == model
            rank = sideband.rank[rows]
            order = np.argsort(rank)
            ranks[model] = rank[order]
            # tails[i]: weight of event i and all above it; one more entry for "above all".
            tails[model] = np.append(np.cumsum(weights[rows][order][::-1])[::-1], 0.0)
            means[model] = float(weights[rows].mean())
        return cls(ranks, tails, means)

    def score(self, raw: Raw, own_weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sideband quantile of each event: 1 - (W(others above) + tie w) / (W(others) + w).

        ``own_weights`` are the weights with which the events themselves are among the sideband events (0
        elsewhere): comparing each event with the others only, and counting a random part of the mean weight w for
        itself, is what keeps a signal region without signal at exactly the sidebands' efficiency (as a smoothed
        conformal p-value, Vovk et al., arXiv:1706.03415); counting naively selects about 1 event too many in each
        model's signal region.
        """
        score = np.zeros(len(raw.value))
        for model, ranks in self.ranks.items():
            rows = raw.model == model
            tails, w, own = self.tails[model], self.mean_weights[model], own_weights[rows]
            above = tails[np.searchsorted(ranks, raw.rank[rows], side="left")] - own
            score[rows] = 1 - (above + raw.tie[rows] * w) / (tails[0] - own + w)
        clipped: NDArray[np.float64] = np.clip(score, 0, 1)
        return clipped


@dataclass(frozen=True)
class Distribution:
    """The weighted distribution of sorted ``values``; ``below[i]`` is the part below number i."""

    values: NDArray[np.float64]
    below: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64], weights: NDArray[np.float64]) -> "Distribution":
        """Learn from events, shape (n,)."""
        order = np.argsort(values, kind="stable")
        below = np.r_[0.0, np.cumsum(weights[order])]
        return cls(values[order], below / below[-1])

    def quantile(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The part of the distribution below each value, half of what equals it included."""
        places = (np.searchsorted(self.values, values, side=side) for side in ("left", "right"))
        both: NDArray[np.float64] = np.mean([self.below[place] for place in places], axis=0)
        return both


@dataclass(frozen=True)
class Score:
    """What makes one final quantile of a method's values.

    Several parts become quantiles and are combined first. The quantiles of a fold's parts are those of the *other*
    folds' sideband events: a fixed scale for signal region and sideband, which keeps the final quantile exact. With one
    model for all the parts are taken as they are: they are quantiles already.
    """

    scales: dict[int, list[Distribution]]
    final: SidebandQuantile

    @classmethod
    def fit(cls, sideband: Raw, weights: NDArray[np.float64]) -> "Score":
        """Learn from sideband events and their ``weights``, shape (n,)."""
        parts, models = range(sideband.value.shape[1]), np.unique(sideband.model)
        scales: dict[int, list[Distribution]] = {}
        if len(parts) > 1 and len(models) > 1:
            for model in map(int, models):
                others = sideband.model != model
                scales[model] = [Distribution.of(sideband.value[others, i], weights[others]) for i in parts]
        return cls(scales, SidebandQuantile.fit(_combined(sideband, scales), weights))

    def score(self, raw: Raw, own_weights: NDArray[np.float64]) -> NDArray[np.float32]:
        """The final quantile of each event; ``own_weights`` as in ``SidebandQuantile.score``."""
        return self.final.score(_combined(raw, self.scales), own_weights).astype(np.float32)


def _combined(raw: Raw, scales: dict[int, list[Distribution]]) -> Raw:
    """One part: the combination of the quantiles of all."""
    if raw.value.shape[1] == 1:
        return raw
    quantiles = raw.value.copy()
    for model, parts in scales.items():
        rows = raw.model == model
        for i, scale in enumerate(parts):
            quantiles[rows, i] = scale.quantile(raw.value[rows, i])
    if raw.combination == "maximum":
        value = quantiles.max(axis=1)
    else:
        value = quantiles.prod(axis=1) if raw.combination == "product" else quantiles.sum(axis=1)
    return Raw(value[:, np.newaxis], raw.model, raw.tie)
