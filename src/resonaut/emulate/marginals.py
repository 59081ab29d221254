"""The distributions of what is empty or holds a part of something, made normal.

A voxel of a layer is hit with a probability p_hit, and has all energy of the layer with p_all. What one in between
holds has a quantile function; all are tables over the energies of layer and incident particle, and the same for all
sectors of a ring. With the part q of showers that hold more, z = -Phi^-1(q) is normal; for voxels with all energy q is
drawn evenly between 0 and p_all, for empty ones between p_hit and 1. So an untrained model, whose z are normal, gives
each voxel its own distribution, however rarely it is hit, and what is learned is how voxels depend on each other (A.
Sklar, Publ. Inst. Statist. Univ. Paris 8 (1959) 229). The same goes for the layers of a shower.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtri
from torch import Tensor, nn

from resonaut.emulate.knots import KNOTS, Floats, Grid, Knots, along, between, quantiles

# Where quantile functions have nodes, in -ln((q - p_all) / (p_hit - p_all)); at the last a voxel has all energy.
LEVELS = (0.0, 0.003, 0.015, 0.05, 0.12, 0.22, 0.36, 0.53, 0.75, 1.0, 1.35, 1.8, 2.4, 3.2, 4.2, 5.5, 7.0, 10.0, 14.0)
# The least probability of a hit, and that of all energy.
RAREST, ALL = 1e-6, 1e-9
# From here on a voxel has all energy.
WHOLE = 1 - 1e-6
# Numbers from which the quantiles of a ring are learned, at most.
MOST = 50_000
# The same of numbers that are neither hit nor empty, in standard deviations.
PLACES = (-3.0, -2.5, -2.0, -1.65, -1.3, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.3, 1.65, 2.0, 2.5, 3.0)
# So far out, in standard deviations, and more is what lies at a normal number of LAST.
LAST, OUT = 6.0, 8.0
# The least slope of the outermost lines, over the spread of all numbers.
SLOPE = 0.3
# Between hit and empty voxels is room for what single precision does to q / p_hit.
MARGIN = 1e-5
# erfc(x) = t exp(-x^2 + polynomial(t)) with t = 1 / (1 + x / 2), to 1.2e-7 of its value (W. Press et al., Numerical
# Recipes, 2nd ed., 6.2): graphs have no function of it.
ERFC = (
    *(-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806),
    *(0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277),
)


def log_tail(z: Tensor) -> Tensor:
    """The logarithm of the part of a standard normal distribution above z."""
    t = 1 / (1 + z.abs() / (2 * math.sqrt(2)))
    polynomial = torch.zeros_like(t)
    for coefficient in reversed(ERFC):
        polynomial = polynomial * t + coefficient
    above = (t / 2).log() - z.square() / 2 + polynomial
    return torch.where(z >= 0, above, torch.log1p(-above.exp()))


class Marginals(nn.Module):
    """Between ``v``, from 0 at the threshold to 1, below 0 for what is empty, and ``z``, both (n, size).

    Args:
        sizes: so many distributions, one after the other, follow the first, second, ... driver, and all a common one.
        ring: which of them each number has, (size,).
    """

    ring: Tensor
    levels: Tensor
    hit: Tensor
    all: Tensor
    quantiles: Tensor

    def __init__(self, sizes: Sequence[int], ring: NDArray[np.int64]) -> None:
        super().__init__()
        self.grid, self.rings = Grid(sizes), sum(sizes)
        self.register_buffer("ring", torch.as_tensor(ring), persistent=False)
        self.register_buffer("levels", torch.tensor(LEVELS), persistent=False)
        number = self.grid.number
        self.register_buffer("hit", torch.full((number, self.rings), 0.5))
        self.register_buffer("all", torch.zeros(number, self.rings))
        self.register_buffer("quantiles", torch.tensor(LEVELS)[:, None].expand(number, -1, self.rings).contiguous())

    def learn(self, v: Tensor, drivers: Tensor, common: Tensor) -> None:
        """Learn from numbers (n, size), their drivers (n, m) and that of all (n, 1)."""
        self.grid.learn(drivers, common)
        hit, full = self._mean(v >= 0), self._mean(v >= WHOLE)
        nodes, ones = np.array(LEVELS), np.ones(self.grid.number)
        ends = (0.0, 0 * ones), (LEVELS[-1], ones)
        last = 0
        for size, weights in zip(self.grid.own.sizes, self.grid.weights(drivers, common), strict=True):
            rings = slice(last, last := last + size)
            sums = weights.sum(dim=0)[:, None]
            self.hit[:, rings] = (weights.T @ hit[:, rings] / sums).float()
            self.all[:, rings] = (weights.T @ full[:, rings] / sums).float()
            for ring in range(rings.start, rings.stop):
                own = v[:, self.ring == ring].numpy()
                rows, sectors = np.nonzero((own >= 0) & (own < WHOLE))
                if len(rows):
                    # As many as a table has use for.
                    some = slice(None, None, -(-len(rows) // MOST))
                    values, counts = own[rows, sectors][some], weights.numpy()[rows[some]]
                    self.quantiles[:, :, ring] = quantiles(values, counts, nodes, _exponential, ends)

    def forward(self, v: Tensor, drivers: Tensor, common: Tensor, generator: torch.Generator) -> Tensor:
        """The normal numbers, in double precision, with evenly drawn ones for what is empty."""
        hit, full, nodes = self._tables(drivers, common)
        level = along(v.float(), nodes, self.levels[:, None], self._wide).double().clamp_min(0)
        drawn = torch.rand(v.shape, generator=generator, dtype=torch.float64)
        part = torch.minimum(full + (hit - full) * (-level).exp(), hit * (1 - MARGIN))
        empty = hit * (1 + MARGIN) + drawn * (1 - hit * (1 + MARGIN)).clamp_min(RAREST)
        tail = torch.where(v >= WHOLE, full * drawn, torch.where(v >= 0, part, empty))
        z: Tensor = -torch.special.ndtri(tail.clamp(1e-12, 1 - 1e-12))
        return z

    def inverse(self, z: Tensor, drivers: Tensor, common: Tensor) -> Tensor:
        """What has these normal numbers."""
        hit, full, nodes = self._tables(drivers, common)
        logarithm = log_tail(z)
        part = ((logarithm.exp() - full) / (hit - full).clamp_min(ALL)).clamp(math.exp(-LEVELS[-1]), 1)
        v = along(-part.log(), self.levels[:, None], nodes, self._wide).clamp(0, 1)
        # What is empty is the further below 0, the more certainly it is.
        below = hit.log() - logarithm
        return torch.where(below <= 0, below, torch.where(logarithm < full.log(), 1.0, v))

    def _tables(self, drivers: Tensor, common: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The probabilities p_hit and p_all of each number, (n, size); the quantiles of each ring, (n, k, rings)."""
        shares = self.grid.shares(drivers, common)
        hit, full, nodes = (self.grid.between(table, shares) for table in (self.hit, self.all, self.quantiles))
        hit = hit.clamp(RAREST, 1 - RAREST)
        return hit[:, self.ring], torch.minimum(full.clamp_min(ALL), hit * (1 - MARGIN))[:, self.ring], nodes

    def _mean(self, of_numbers: Tensor) -> Tensor:
        """Means over the numbers of each ring, (n, rings) of (n, size)."""
        found = torch.zeros(len(of_numbers), self.rings, dtype=torch.float64)
        for ring in range(self.rings):
            found[:, ring] = of_numbers[:, self.ring == ring].double().mean(dim=1)
        return found

    def _wide(self, of_rings: Tensor) -> Tensor:
        """Of each number what belongs to its ring, if it is not one number for all."""
        return of_rings[..., self.ring] if of_rings.shape[-1] > 1 else of_rings


def _exponential(part: Floats) -> Floats:
    """Below which number lies this part of an exponential distribution."""
    return np.asarray(-np.log1p(-part))


class Normal(nn.Module):
    """Numbers made normal, each by its own distribution for the value of what drives it."""

    levels: Tensor
    quantiles: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.knots = Knots([size])
        self.register_buffer("levels", torch.tensor(PLACES)[:, None], persistent=False)
        self.register_buffer("quantiles", torch.tensor(PLACES)[:, None].expand(KNOTS, -1, size).contiguous())

    def learn(self, x: Tensor, driver: Tensor) -> None:
        """Learn from numbers (n, size) and their driver (n, 1)."""
        self.knots.learn(driver)
        weights, nodes = self.knots.weights(driver)[:, :, 0].numpy(), np.array(PLACES)
        shares = weights / weights.sum(axis=0)
        for number, values in enumerate(x.numpy().T):
            mean = values @ shares
            spread = np.sqrt(values**2 @ shares - mean**2)
            low, high = np.minimum(mean - OUT * spread, values.min()), np.maximum(mean + OUT * spread, values.max())
            ends = (-LAST, low), (LAST, high)
            table = quantiles(values, weights, nodes, ndtri, ends)
            # Where a knot has few numbers, the lines that have no end are not to be flat.
            least = torch.as_tensor(SLOPE * spread) * (nodes[-1] - nodes[-2])
            table[:, 0] = torch.minimum(table[:, 0], table[:, 1] - least)
            table[:, -1] = torch.maximum(table[:, -1], table[:, -2] + least)
            self.quantiles[:, :, number] = table

    def forward(self, x: Tensor, driver: Tensor) -> Tensor:
        """The normal numbers (n, size)."""
        return along(x, self._table(driver).to(x), self.levels.to(x))

    def inverse(self, z: Tensor, driver: Tensor) -> Tensor:
        """What has these normal numbers (n, size)."""
        return along(z, self.levels, self._table(driver))

    def _table(self, driver: Tensor) -> Tensor:
        return between(self.quantiles, self.knots.shares(driver), self.knots.sizes)
