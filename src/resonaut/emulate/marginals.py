"""The distribution of each voxel's energy, given that of its layer, made normal.

A voxel is hit with a probability p. What a hit one holds has a quantile function; both are tables over the layer's
energy, and the same for all sectors of a ring. With the part q of showers that hold more, -ln(q / p) is exponential for
hit voxels, and z = -Phi^-1(q) normal; for empty ones q is drawn evenly between p and 1. So an untrained model, whose z
are normal, gives each voxel its own distribution, however rarely it is hit, and what is learned is how voxels depend on
each other (A. Sklar, Publ. Inst. Statist. Univ. Paris 8 (1959) 229).
"""

import math

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor, nn

from resonaut.emulate.knots import KNOTS, Floats, Knots, along, quantiles
from resonaut.physics.showers.geometry import Geometry

# Where quantile functions have nodes, in -ln(q / p); at the last a voxel has all energy.
LEVELS = (0.0, 0.003, 0.015, 0.05, 0.12, 0.22, 0.36, 0.53, 0.75, 1.0, 1.35, 1.8, 2.4, 3.2, 4.2, 5.5, 7.0, 10.0, 14.0)
# The least probability of a hit.
RAREST = 1e-6
# The same of numbers that are neither hit nor empty, in standard deviations.
PLACES = (-3.0, -2.5, -2.0, -1.65, -1.3, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.3, 1.65, 2.0, 2.5, 3.0)
# So far out, in standard deviations, and more is what lies at a normal number of LAST.
LAST, OUT = 6.0, 8.0
# The least slope of the outermost lines, over the spread of all numbers.
SLOPE = 0.3
# Between hit and empty voxels is room for what single precision does to -ln(q / p).
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
    """Between ``v``, from 0 at the threshold to 1, below 0 for empty voxels, and ``z``, both (n, voxels)."""

    ring: Tensor
    levels: Tensor
    log_hit: Tensor
    quantiles: Tensor

    def __init__(self, geometry: Geometry) -> None:
        super().__init__()
        sizes = [layer.n_r for layer in geometry.layers]
        firsts = np.cumsum([0, *sizes[:-1]])
        ring = [
            np.tile(first + np.arange(layer.n_r), layer.n_alpha)
            for first, layer in zip(firsts, geometry.layers, strict=True)
        ]
        self.knots, self.rings = Knots(sizes), sum(sizes)
        self.register_buffer("ring", torch.as_tensor(np.concatenate(ring)), persistent=False)
        self.register_buffer("levels", torch.tensor(LEVELS), persistent=False)
        self.register_buffer("log_hit", torch.full((KNOTS, self.rings), math.log(0.5)))
        self.register_buffer("quantiles", torch.tensor(LEVELS)[:, None].expand(KNOTS, -1, self.rings).contiguous())

    def learn(self, v: Tensor, drivers: Tensor) -> None:
        """Learn from voxels (n, voxels) and the drivers of their layers (n, L)."""
        self.knots.learn(drivers)
        hit = torch.stack([(v[:, self.ring == ring] >= 0).double().mean(dim=1) for ring in range(self.rings)], dim=1)
        self.log_hit.copy_(self.knots.at_knots(hit, drivers).clamp(RAREST, 1 - RAREST).log())
        weights = self.knots.weights(drivers).numpy()
        layer = np.repeat(np.arange(len(self.knots.sizes)), self.knots.sizes)
        nodes, ones = np.array(LEVELS), np.ones(KNOTS)
        ends = (0.0, 0 * ones), (LEVELS[-1], ones)
        for ring in range(self.rings):
            own = v[:, self.ring == ring].numpy()
            rows, sectors = np.nonzero(own >= 0)
            if len(rows):
                self.quantiles[:, :, ring] = quantiles(
                    own[rows, sectors], weights[rows, :, layer[ring]], nodes, _exponential, ends
                )

    def forward(self, v: Tensor, drivers: Tensor, generator: torch.Generator) -> Tensor:
        """The normal numbers of voxels, in double precision, with evenly drawn ones for those that are empty."""
        log_hit, nodes = (self.knots.between(table, drivers) for table in (self.log_hit, self.quantiles))
        log_hit = log_hit[:, self.ring].double()
        level = along(v.float(), nodes, self.levels[:, None], self._wide).double().clamp_min(MARGIN)
        drawn = torch.rand(v.shape, generator=generator, dtype=torch.float64)
        # A voxel with all energy of its layer may be anywhere above.
        level = torch.where(v >= 1 - 1e-6, level - drawn.clamp_min(1e-12).log(), level)
        hit = log_hit.exp()
        empty = hit * math.exp(MARGIN) + drawn * (1 - hit * math.exp(MARGIN)).clamp_min(RAREST)
        tail = torch.where(v >= 0, (log_hit - level).exp(), empty)
        z: Tensor = -torch.special.ndtri(tail.clamp(1e-12, 1 - 1e-12))
        return z

    def inverse(self, z: Tensor, drivers: Tensor) -> Tensor:
        """The voxels that have these normal numbers."""
        log_hit, nodes = (self.knots.between(table, drivers) for table in (self.log_hit, self.quantiles))
        level = log_hit[:, self.ring] - log_tail(z)
        v = along(level, self.levels[:, None], nodes, self._wide)
        return torch.where(level > 0, v.clamp_max(1), level)

    def _wide(self, of_rings: Tensor) -> Tensor:
        """Of each voxel what belongs to its ring, if it is not one number for all."""
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
        return along(x, self.knots.between(self.quantiles, driver).to(x), self.levels.to(x))

    def inverse(self, z: Tensor, driver: Tensor) -> Tensor:
        """What has these normal numbers (n, size)."""
        return along(z, self.levels, self.knots.between(self.quantiles, driver))
