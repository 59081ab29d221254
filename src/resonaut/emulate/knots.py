"""Functions of what drives a distribution, as tables between whose rows is a line, and lines between nodes."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float64]
# Values of a driver between which tables are linear.
KNOTS = 24
# What a knot away counts where a table is learned, and how fast that falls with the distance.
FAR, STEEP = 1e-3, 2.0
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

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
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
        """How near each knot is, 1 on it and 0 from the next one on, (n, KNOTS, m)."""
        return (1 - self._distance(drivers)).clamp_min(0)

    def weights(self, drivers: Tensor) -> Tensor:
        """What drivers (n, m) count at each knot, (n, KNOTS, m): a little at all, for knots that have none near."""
        return self.shares(drivers) + FAR * torch.exp(-STEEP * self._distance(drivers))

    def _distance(self, drivers: Tensor) -> Tensor:
        place = (self.scaled(drivers) + 1) * ((KNOTS - 1) / 2)
        return (place[:, None, :] - torch.arange(KNOTS, dtype=place.dtype)[:, None]).abs()

    def between(self, table: Tensor, drivers: Tensor) -> Tensor:
        """The values (n, ..., d) of a table (KNOTS, ..., d)."""
        shares = self.shares(drivers).to(table.dtype)
        own = enumerate(torch.split(table, self.sizes, dim=-1))
        found = [torch.tensordot(shares[:, :, place], part, 1) for place, part in own if part.shape[-1]]
        return torch.cat(found, dim=-1) if found else shares.new_zeros(len(drivers), *table.shape[1:])

    def at_knots(self, values: Tensor, drivers: Tensor) -> Tensor:
        """Means of values (n, d) near each knot, (KNOTS, d)."""
        weights = self.weights(drivers)
        weights = weights / weights.sum(dim=0)
        own = torch.split(values, self.sizes, dim=1)
        return torch.cat([weights[:, :, place].T @ part for place, part in enumerate(own)], dim=1)


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
    """Lines through values (n,) at their places in the samples that the weights (n, KNOTS) of each knot make.

    Args:
        values: numbers.
        weights: what each counts at a knot.
        nodes: where the lines are asked for, (k,), in the ``coordinate`` of the part of a sample that is smaller.
        coordinate: a growing function of that part.
        ends: the first and the last point of the lines, beyond the values: a coordinate, and a value (KNOTS,).

    Returns:
        Shape (KNOTS, k); they grow.
    """
    order = np.argsort(values)
    values, weights = values[order], weights[order]
    sums = np.cumsum(weights, axis=0)
    (first, low), (last, high) = ends
    parts = np.clip((sums - weights / 2) / sums[-1], TINY, 1 - TINY)
    places = np.clip(coordinate(parts), first, last).T
    lines = [
        np.interp(nodes, [first, *place, last], [below, *values, above])
        for place, below, above in zip(places, low, high, strict=True)
    ]
    return torch.as_tensor(np.maximum.accumulate(lines, axis=1) + GROWTH * np.arange(len(nodes)))
