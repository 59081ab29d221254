"""Functions of what drives a distribution, as tables between whose rows is a line, and lines between nodes."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# Values of a driver between which tables are linear.
KNOTS = 24
# Numbers of the whole sample that count at each knot, and the least growth of quantiles.
PRIOR, GROWTH = 3.0, 1e-5


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
        place = (self.scaled(drivers) + 1) * ((KNOTS - 1) / 2)
        knots = torch.arange(KNOTS, dtype=place.dtype)
        return (1 - (place[:, None, :] - knots[:, None]).abs()).clamp_min(0)

    def between(self, table: Tensor, drivers: Tensor) -> Tensor:
        """The values (n, ..., d) of a table (KNOTS, ..., d)."""
        shares = self.shares(drivers).to(table.dtype)
        own = torch.split(table, self.sizes, dim=-1)
        return torch.cat([torch.tensordot(shares[:, :, place], part, 1) for place, part in enumerate(own)], dim=-1)

    def at_knots(self, values: Tensor, drivers: Tensor) -> Tensor:
        """Means of values (n, d) near each knot (KNOTS, d), and a little of the mean of all, where there are few."""
        shares = self.shares(drivers).to(values.dtype)
        own = torch.split(values, self.sizes, dim=1)
        sums = torch.cat([shares[:, :, place].T @ part for place, part in enumerate(own)], dim=1)
        weights = shares.sum(dim=0).repeat_interleave(torch.tensor(self.sizes), dim=1)
        return (sums + values.mean(dim=0)) / (weights + 1)


def along(x: Tensor, nodes: Tensor, values: Tensor, wide: Callable[[Tensor], Tensor] = lambda column: column) -> Tensor:
    """At x (n, d) the lines between ``values`` at ``nodes``, (..., k, m) both; the first and the last have no end.

    ``wide`` makes of (..., m) what belongs to each x.
    """
    steps = nodes.diff(dim=-2)
    slopes, last = values.diff(dim=-2) / steps, nodes.shape[-2] - 2
    found = wide(values[..., 0, :])
    for number in range(last + 1):
        inside = x - wide(nodes[..., number, :])
        inside = inside.clamp_min(0) if number > 0 else inside
        inside = torch.minimum(inside, wide(steps[..., number, :])) if number < last else inside
        found = found + inside * wide(slopes[..., number, :])
    return found


def quantiles(values: NDArray[np.float64], weights: NDArray[np.float64], levels: NDArray[np.float64]) -> Tensor:
    """Where the parts ``levels`` (k,) of values (n,) are smaller, with the weights (n, KNOTS) of each knot.

    They grow. A little of all values counts at each knot, where there are few.

    Returns:
        Shape (KNOTS, k).
    """
    order = np.argsort(values)
    values, weights = values[order], weights[order] + PRIOR / len(values)
    sums = np.cumsum(weights, axis=0)
    places = (sums - weights / 2) / sums[-1]
    found = np.maximum.accumulate([np.interp(levels, place, values) for place in places.T], axis=1)
    return torch.as_tensor(found + GROWTH * np.arange(len(levels)))
