"""Two samples in quantiles of both together: all that the comparison of one variable needs, as sums in narrow bins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Values = NDArray[Any]
# At most so many narrow bins, and in each without a difference at least so many effective events of each sample.
MOST, FEWEST_EVENTS = 1000, 20


@dataclass(frozen=True)
class Bins:
    """Narrow bins of one variable, and the wide ones that they make up.

    ``edges`` (N + 1,) from the smallest value to above the largest; ``starts`` (n,): the narrow bin in which each wide
    one begins; ``centres`` (N,): the mean of both samples in each narrow bin; ``deviation``: their standard deviation.
    """

    edges: Values
    starts: NDArray[np.int64]
    centres: Floats
    deviation: float

    @classmethod
    def of(cls, samples: Sequence[tuple[Values, Floats]], wide: int, effective: float) -> "Bins":
        """Bins of two samples of values (n,) and weights (n,).

        Args:
            samples: each counts the same.
            wide: number of wide bins; fewer where many events share a value.
            effective: effective number of events of the smaller sample.
        """
        values = np.concatenate([sample[0] for sample in samples])
        weights = np.concatenate([np.abs(w) / np.abs(w).sum() for _, w in samples])
        order = np.argsort(values, kind="stable")
        values, summed = values[order], np.cumsum(weights[order])
        least = min(FEWEST_EVENTS / effective, 0.25 / wide)
        coarse = _without_light(_inner_edges(values, summed, wide), values, summed, least)
        # Each wide bin is made of so many narrow ones.
        times = int(np.clip(effective / FEWEST_EVENTS, wide, MOST)) // wide
        fine = np.union1d(coarse, _inner_edges(values, summed, wide * times))
        last = fine[-1] if len(fine) else values[0]
        # Above a value that has a bin of its own the last bin is as wide as the one before.
        width = values[-1] - (fine[-2] if len(fine) > 1 else values[0])
        above = np.nextafter(values[-1], np.inf, dtype=values.dtype)
        edges = np.r_[values[0], fine, max(above, values[-1] + width) if last == values[-1] else above]
        first = np.searchsorted(values, edges[:-1])
        total = np.add.reduceat(weights[order], first)
        centres = np.add.reduceat(weights[order] * values, first) / np.where(total > 0, total, 1)
        centres = np.where(total > 0, centres, edges[:-1])
        mean = np.average(values, weights=weights[order])
        deviation = float(np.sqrt(np.average((values - mean) ** 2, weights=weights[order])))
        return cls(edges, np.r_[0, np.searchsorted(edges, coarse)], centres, deviation)

    def number(self, values: Values) -> NDArray[np.int64]:
        """The narrow bin of each value, shape (n,)."""
        return np.searchsorted(self.edges[1:-1], values, side="right")

    @property
    def wide_edges(self) -> Floats:
        """The edges of the wide bins, shape (n + 1,)."""
        return np.append(self.edges[self.starts], self.edges[-1]).astype(np.float64)

    def wide(self, sums: Floats) -> Floats:
        """Sums in the wide bins, shape (…, n), of those in the narrow ones, (…, N)."""
        return np.asarray(np.add.reduceat(sums, self.starts, axis=-1))

    def narrow(self, of_wide: Floats) -> Floats:
        """What holds for wide bins, (…, n), in each narrow one, (…, N)."""
        return np.repeat(of_wide, np.diff(np.append(self.starts, len(self.edges) - 1)), axis=-1)


def _inner_edges(values: Values, summed: Floats, number: int) -> Values:
    """Edges between ``number`` quantiles of ordered values, the smallest one left out.

    A value with more than half of a quantile's weight has a bin of its own: the next value is an edge, too.
    """
    places = np.searchsorted(summed, summed[-1] * np.arange(1, number) / number)
    found = np.unique(values[np.minimum(places, len(values) - 1)])
    left, right = (np.searchsorted(values, found, side=side) for side in ("left", "right"))
    weight = summed[right - 1] - np.where(left > 0, summed[left - 1], 0)
    often = (weight > 0.5 * summed[-1] / number) & (right < len(values))
    edges = np.union1d(found, values[right[often]])
    above: Values = edges[edges > values[0]]
    return above


def _without_light(edges: Values, values: Values, summed: Floats, least: float) -> Values:
    """Inner edges without those of bins of less than a share of the weight: each such bin joins its lighter neighbour.

    A value with a bin of its own may leave few events beside it.
    """
    while len(edges):
        before = np.r_[0, np.searchsorted(values, edges), len(values)]
        weight = np.diff(np.r_[0, summed][before]) / summed[-1]
        light = int(np.argmin(weight))
        if weight[light] >= least:
            break
        right = light == 0 or (light < len(edges) and weight[light + 1] < weight[light - 1])
        edges = np.delete(edges, light if right else light - 1)
    return edges


@dataclass(frozen=True)
class Sums:
    """Of one sample and variable: ``weights`` and ``squares`` summed in narrow bins, by fold; shapes (folds, N).

    The weights of each fold sum to 1.
    """

    weights: Floats
    squares: Floats

    @classmethod
    def of(cls, numbers: NDArray[np.int64], weights: Floats, fold: NDArray[np.int64], shape: tuple[int, int]) -> "Sums":
        """Fill (n,) events, with the numbers of their bins and folds; ``shape``: numbers of folds and of bins."""
        sums, squares = (filled(numbers, w, fold, shape) for w in (weights, weights**2))
        total = sums.sum(axis=1, keepdims=True)
        return cls(sums / total, squares / total**2)

    @property
    def effective(self) -> Floats:
        """The effective number of events of each fold, (folds, 1)."""
        return np.asarray(1 / self.squares.sum(axis=1, keepdims=True))

    def scale(self) -> Floats:
        """The weight of an event in each bin, sum w^2 / sum w; where there is none, that of the whole fold."""
        whole = 1 / self.effective
        return np.where(self.weights > 0, self.squares / np.where(self.weights > 0, self.weights, 1), whole)


def filled(numbers: NDArray[np.int64], weights: Floats, fold: NDArray[np.int64], shape: tuple[int, int]) -> Floats:
    """Sums of weights (n,) in each fold and bin, shape (folds, N)."""
    folds, bins = shape
    sums: Floats = np.bincount(fold * bins + numbers, weights, folds * bins).reshape(shape).astype(np.float64)
    return sums


def together(numerator: Sums, denominator: Sums) -> Floats:
    """The shares of the bins of both samples together, each as its effective number of events; (folds, N)."""
    n, m = numerator.effective, denominator.effective
    return (n * numerator.weights + m * denominator.weights) / (n + m)
