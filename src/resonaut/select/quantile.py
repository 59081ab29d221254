"""Raw scores to sideband quantiles: 1 - score is the background efficiency of a cut at that event."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Raw:
    """What a method says of events, shape (n,) each.

    ``value`` grows with anomaly; ``model`` numbers the model that gave it (scores of different models
    are not comparable before they are quantiles); ``tie`` in [0, 1) ranks events of equal value.
    """

    value: NDArray[np.float64]
    model: NDArray[np.int64]
    tie: NDArray[np.float64]

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Raw":
        """The events of a mask."""
        return Raw(self.value[rows], self.model[rows], self.tie[rows])

    @property
    def rank(self) -> NDArray[np.complex128]:
        """Complex numbers, which numpy orders by value first and by tie second."""
        return self.value + 1j * self.tie


@dataclass(frozen=True)
class SidebandQuantile:
    """For each model, the weighted distribution of its scores in the sidebands."""

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

    def score(self, raw: Raw, own_weights: NDArray[np.float64]) -> NDArray[np.float32]:
        """The sideband quantile of each event: 1 - (W(others above) + w) / (W(others) + w).

        ``own_weights`` are the weights with which the events themselves are among the sideband events (0
        elsewhere): comparing each event with the others only, and counting it with the mean weight w, is what
        keeps a signal region without signal at exactly the sidebands' efficiency (as a conformal p-value, Vovk
        et al., arXiv:1706.03415); counting naively selects about 1 event too many in each model's signal region.
        """
        score = np.zeros(len(raw.value))
        for model, ranks in self.ranks.items():
            rows = raw.model == model
            tails, w, own = self.tails[model], self.mean_weights[model], own_weights[rows]
            above = tails[np.searchsorted(ranks, raw.rank[rows], side="left")] - own
            score[rows] = 1 - (above + w) / (tails[0] - own + w)
        return np.clip(score, 0, 1).astype(np.float32)
