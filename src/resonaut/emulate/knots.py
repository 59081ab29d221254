"""Functions of what drives a distribution, as tables between whose rows is a line, and lines between nodes."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float64]
# Values of a driver between which tables are linear, and of one that is common to all columns of a table.
KNOTS, COMMON = 24, 12
# What a knot away counts where a table is learned, and how fast that falls with the distance.
FAR, STEEP = 1e-3, 2.0
# A knot with so many numbers near learns of those alone, which count at least so much of the most that one counts.
ENOUGH, NEAR = 30, 2e-3
# The least growth of quantiles.
GROWTH = 1e-5
# A part of a sample is no nearer to 0 and 1.
TINY = 1e-12


class Knots(nn.Module):
    """Values of several drivers that divide the range of each in the training evenly.

    ``sizes``: so many columns of a table, one after the other, follow the first, second, ... driver. Beyond the range
    tables are constant.
    """

    low: Tensor
    high: Tensor

    def __init__(self, sizes: Sequence[int], number: int = KNOTS) -> None:
        super().__init__()
        self.sizes, self.number = list(sizes), number
        self.register_buffer("low", torch.zeros(len(sizes)))
        self.register_buffer("high", torch.ones(len(sizes)))

    def learn(self, drivers: Tensor) -> None:
        """Take the range of drivers (n, m)."""
        self.low.copy_(drivers.amin(dim=0))
        self.high.copy_(drivers.amax(dim=0))

    def scaled(self, drivers: Tensor) -> Tensor:
        """The drivers (n, m) in [-1, 1]."""
        return (2 * (drivers - self.low) / (self.high - self.low).clamp_min(1e-6) - 1).clamp(-1, 1)

    def shares(self, drivers: Tensor) -> Tensor:
        """How near each knot is, 1 on it and 0 from the next one on, (n, number, m)."""
        return (1 - self._distance(drivers)).clamp_min(0)

    def weights(self, drivers: Tensor) -> Tensor:
        """What drivers (n, m) count at each knot, (n, number, m): a little at all, for knots that have none near."""
        return self.shares(drivers) + FAR * torch.exp(-STEEP * self._distance(drivers))

    def _distance(self, drivers: Tensor) -> Tensor:
        place = (self.scaled(drivers) + 1) * ((self.number - 1) / 2)
        return (place[:, None, :] - torch.arange(self.number, dtype=place.dtype)[:, None]).abs()


class Grid(nn.Module):
    """Each knot of several drivers together with each of a driver that is common to all, row by row of a table.

    ``sizes``: as of ``Knots``.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.own, self.common, self.number = Knots(sizes), Knots([sum(sizes)], COMMON), KNOTS * COMMON

    def learn(self, drivers: Tensor, common: Tensor) -> None:
        """Take the range of drivers (n, m) and of that of all (n, 1)."""
        self.own.learn(drivers)
        self.common.learn(common)

    def shares(self, drivers: Tensor, common: Tensor) -> Tensor:
        """How near each pair of knots is, (n, number, m)."""
        return _pairs(self.own.shares(drivers), self.common.shares(common))

    def weights(self, drivers: Tensor, common: Tensor) -> Iterator[Tensor]:
        """What each driver counts at each pair of knots, (n, number), one driver after the other for less memory."""
        own, second = self.own.weights(drivers), self.common.weights(common)
        return (_pairs(one, second)[:, :, 0] for one in own.split(1, dim=2))  # type: ignore[no-untyped-call]

    def between(self, table: Tensor, shares: Tensor) -> Tensor:
        """The values (n, ..., d) of a table (number, ..., d) for shares (n, number, m)."""
        return between(table, shares, self.own.sizes)


def _pairs(first: Tensor, second: Tensor) -> Tensor:
    """Products (n, a b, m) of (n, a, m) and (n, b, 1)."""
    return (first[:, :, None] * second[:, None]).flatten(1, 2)


def between(table: Tensor, shares: Tensor, sizes: list[int]) -> Tensor:
    """The values (n, ..., d) of a table (knots, ..., d), of whose columns so many each have shares (n, knots, m)."""
    own = enumerate(torch.split(table, sizes, dim=-1))
    found = [torch.tensordot(shares[:, :, place].to(table.dtype), part, 1) for place, part in own if part.shape[-1]]
    return torch.cat(found, dim=-1) if found else table.new_zeros(len(shares), *table.shape[1:])


def along(x: Tensor, nodes: Tensor, values: Tensor, wide: Callable[[Tensor], Tensor] = lambda column: column) -> Tensor:
    """At x (n, d) the lines between ``values`` at ``nodes``, (..., k, m) both; the first and the last have no end.

    ``wide`` makes of (..., m) what belongs to each x.
    """
    steps, growth = (table[..., 1:, :] - table[..., :-1, :] for table in (nodes, values))
    slopes, last = growth / steps, nodes.shape[-2] - 2
    found = wide(values[..., 0, :])
    for number in range(last + 1):
        inside = x - wide(nodes[..., number, :])
        inside = inside.clamp_min(0) if number > 0 else inside
        inside = torch.minimum(inside, wide(steps[..., number, :])) if number < last else inside
        found = found + inside * wide(slopes[..., number, :])
    return found


def quantiles(
    values: Floats,
    weights: Floats,
    nodes: Floats,
    coordinate: Callable[[Floats], Floats],
    ends: tuple[tuple[float, Floats], tuple[float, Floats]],
) -> Tensor:
    """Lines through values (n,) at their places in the samples that the weights (n, number) of each knot make.

    Args:
        values: numbers.
        weights: what each counts at a knot.
        nodes: where the lines are asked for, (k,), in the ``coordinate`` of the part of a sample that is smaller.
        coordinate: a growing function of that part.
        ends: the first and the last point of the lines, beyond the values: a coordinate, and a value (number,).

    Returns:
        Shape (number, k); they grow.
    """
    (first, low), (last, high) = ends
    lines = []
    for (own, counts), below, above in zip(_samples(values, weights), low, high, strict=True):
        sums = np.cumsum(counts)
        parts = np.clip((sums - counts / 2) / sums[-1], TINY, 1 - TINY)
        places = np.clip(coordinate(parts), first, last)
        lines.append(np.interp(nodes, [first, *places, last], [below, *own, above]))
    return torch.as_tensor(np.maximum.accumulate(lines, axis=1) + GROWTH * np.arange(len(nodes)))


def _samples(values: Floats, weights: Floats) -> Iterator[tuple[Floats, Floats]]:
    """For each knot the values near it, or all where these are few, in their order, and their weights."""
    order = np.argsort(values)
    values, weights = values[order], weights[order].T
    for counts in weights:
        near = np.flatnonzero(counts > NEAR * counts.max())
        yield (values[near], counts[near]) if len(near) >= ENOUGH else (values, counts)
