"""From showers to numbers of order one and back: what all models of ``emulate`` learn and make.

1. A voxel below the threshold t is empty. An empty one gets an energy of ``exp(N(-DEPTH, SPREAD²)) t`` below the
   threshold, drawn anew each time a shower is prepared, and so does a layer: an atom at 0 has no density.
2. The L layer energies E_i become, as in CaloFlow (C. Krause and D. Shih, arXiv:2106.05285, section III), the response
   ln(sum_i E_i / E) and logit u_i with u_i = E_i / sum_{j >= i} E_j for all but the last.
3. A voxel's energy e becomes ln(e / (E_i - e + t)), the logit of its part of its layer, to which the threshold gives an
   end.
4. All are standardised with means and spreads that follow ln E for layers, and ln E_i for voxels.

Back, voxels below the threshold are 0, and those above share the energy of their layer exactly. Everything is torch, so
that the way back can be a part of an exported graph.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry

# The logarithm of what stands for no energy, over the threshold: its mean is -DEPTH, and none is above EDGE. Between
# EDGE and 0 is room for what single precision does to a voxel at the threshold.
DEPTH, SPREAD, EDGE = 1.5, 0.5, -4e-4
# MeV, less than any voxel before the threshold.
TINY = 1e-30
# Values of a driver between which means and spreads are linear, and the least spread at one over that of all.
KNOTS, LEAST = 12, 0.1


class Standard(nn.Module):
    """Numbers of mean 0 and spread 1, whatever the value of what drives them.

    ``sizes``: so many of the numbers, one after the other, have the first, second, ... driver. Mean and ln spread are
    linear between KNOTS values of the driver, which divide the range of the training, and constant beyond.
    """

    low: Tensor
    high: Tensor
    mean: Tensor
    log_spread: Tensor

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.register_buffer("low", torch.zeros(len(sizes)))
        self.register_buffer("high", torch.ones(len(sizes)))
        self.register_buffer("mean", torch.zeros(KNOTS, sum(sizes)))
        self.register_buffer("log_spread", torch.zeros(KNOTS, sum(sizes)))

    def learn(self, x: Tensor, drivers: Tensor) -> None:
        """Learn from numbers (n, d) and their drivers (n, m)."""
        self.low.copy_(drivers.amin(dim=0))
        self.high.copy_(drivers.amax(dim=0))
        self.mean.copy_(self._at_knots(x, drivers, x.mean(dim=0)))
        squares = (x - self._between(self.mean.to(x), drivers)).square()
        whole = squares.mean(dim=0).clamp_min(1e-12)
        found = self._at_knots(squares, drivers, whole)
        self.log_spread.copy_(torch.maximum(found, whole * LEAST**2).log() / 2)

    def forward(self, x: Tensor, drivers: Tensor) -> Tensor:
        """The standardised numbers (n, d)."""
        return (x - self._between(self.mean, drivers)) * torch.exp(-self._between(self.log_spread, drivers))

    def inverse(self, z: Tensor, drivers: Tensor) -> Tensor:
        """What has these standardised numbers (n, d)."""
        return self._between(self.mean, drivers) + z * torch.exp(self._between(self.log_spread, drivers))

    def scaled(self, drivers: Tensor) -> Tensor:
        """The drivers (n, m) in [-1, 1]."""
        return (2 * (drivers - self.low) / (self.high - self.low).clamp_min(1e-6) - 1).clamp(-1, 1)

    def _shares(self, drivers: Tensor) -> Tensor:
        """How near each knot is, 1 on it and 0 from the next one on, (n, KNOTS, m)."""
        place = (self.scaled(drivers) + 1) * ((KNOTS - 1) / 2)
        knots = torch.arange(KNOTS, dtype=place.dtype)
        return (1 - (place[:, None, :] - knots[:, None]).abs()).clamp_min(0)

    def _between(self, table: Tensor, drivers: Tensor) -> Tensor:
        """The values (n, d) of a table (KNOTS, d)."""
        shares = self._shares(drivers).to(table.dtype)
        own = torch.split(table, self.sizes, dim=1)
        return torch.cat([shares[:, :, number] @ part for number, part in enumerate(own)], dim=1)

    def _at_knots(self, values: Tensor, drivers: Tensor, whole: Tensor) -> Tensor:
        """Means of values (n, d) near each knot (KNOTS, d), and a little of the mean of all, where there are few."""
        shares = self._shares(drivers).to(values.dtype)
        sums = [shares[:, :, number].T @ part for number, part in enumerate(torch.split(values, self.sizes, dim=1))]
        weights = shares.sum(dim=0).repeat_interleave(torch.tensor(self.sizes), dim=1)
        return (torch.cat(sums, dim=1) + whole) / (weights + 1)


@dataclass(frozen=True)
class Prepared:
    """Showers as models see them, all of order one.

    ``condition``: of the incident energy, (n, 1). ``layers``: of the layer energies, (n, L). ``context``: what the
    voxels depend on, incident and layer energies, (n, 1 + L). ``voxels``: (n, voxels).
    """

    condition: Tensor
    layers: Tensor
    context: Tensor
    voxels: Tensor

    @property
    def joined(self) -> Tensor:
        """Layers and voxels (n, L + voxels), for models that make both at once."""
        return torch.cat([self.layers, self.voxels], dim=1)


class Preprocessing(nn.Module):
    """The way from showers to ``Prepared`` and back; energies in MeV."""

    layer: Tensor

    def __init__(self, geometry: Geometry, threshold: float) -> None:
        super().__init__()
        self.layers, self.voxels, self.threshold = len(geometry.layers), geometry.voxels, threshold
        self.parts = [(part.start, part.stop) for part in geometry.slices]
        self.register_buffer("layer", torch.as_tensor(geometry.layer), persistent=False)
        self.of_layers = Standard([self.layers])
        self.of_voxels = Standard([layer.voxels for layer in geometry.layers])

    def learn(self, showers: Showers, seed: int) -> None:
        """Learn means and spreads from the training showers."""
        generator = torch.Generator().manual_seed(seed)
        energies, voxels = torch.as_tensor(showers.energies), torch.as_tensor(showers.voxels)
        filled, deposits = self._filled(voxels.double(), generator)
        self.of_layers.learn(self._ratios(energies, deposits), energies.log()[:, None])
        self.of_voxels.learn(self._logits(filled, deposits), deposits.log())

    def prepare(self, energies: Tensor, voxels: Tensor, generator: torch.Generator) -> Prepared:
        """Showers of these incident energies (n,) and voxels (n, voxels) in MeV, with new noise for what is empty."""
        filled, deposits = self._filled(voxels.double(), generator)
        layers = self.of_layers(self._ratios(energies.double(), deposits), energies.double().log()[:, None])
        z = self.of_voxels(self._logits(filled, deposits), deposits.log())
        context = self.context(energies, deposits)
        return Prepared(context[:, :1], layers.float(), context, z.float())

    def condition(self, energies: Tensor) -> Tensor:
        """The logarithm of E, scaled by the range of the training to [-1, 1], (n, 1)."""
        return self.of_layers.scaled(energies.log()[:, None]).float()

    def context(self, energies: Tensor, deposits: Tensor) -> Tensor:
        """What the voxels depend on (n, 1 + L): the logarithms of all energies, each scaled to [-1, 1]."""
        return torch.cat([self.condition(energies), self.of_voxels.scaled(deposits.log()).float()], dim=1)

    def deposits(self, energies: Tensor, layers: Tensor) -> Tensor:
        """Layer energies in MeV (n, L) of the ``layers`` of ``Prepared``; below the threshold a layer is empty."""
        ratios = self.of_layers.inverse(layers, energies.log()[:, None])
        found, rest = [], energies * ratios[:, 0].exp()
        for number in range(1, self.layers):
            share = torch.sigmoid(ratios[:, number])
            found.append(rest * share)
            rest = rest * torch.sigmoid(-ratios[:, number])
        return torch.stack([*found, rest], dim=1)

    def shower(self, deposits: Tensor, z: Tensor) -> Tensor:
        """Voxels in MeV (n, voxels), of layer energies (n, L) in MeV and the ``voxels`` of ``Prepared``."""
        odds = self.of_voxels.inverse(z, deposits.log()).clamp(-40, 40)
        voxels = self._wide(deposits + self.threshold) * torch.sigmoid(odds)
        least = self.threshold * math.exp(EDGE / 2)
        energy = torch.where(deposits >= least, deposits, 0.0)
        # A layer's share may take voxels below the threshold; the second time all grow.
        for _ in range(2):
            # A layer with energy has a voxel at least.
            kept = (voxels >= least) | (voxels >= self._wide(self._layers(voxels, "amax")))
            voxels = torch.where(kept, voxels, 0.0)
            voxels = voxels * self._wide(energy / self._layers(voxels, "sum").clamp_min(TINY))
        return voxels

    def inverse(self, energies: Tensor, layers: Tensor, z: Tensor) -> Tensor:
        """Voxels in MeV (n, voxels), of incident energies (n,) in MeV and what models make."""
        return self.shower(self.deposits(energies, layers), z)

    def _filled(self, voxels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Voxels and layers in MeV, with noise for those that are empty."""
        voxels = torch.where(voxels >= self.threshold, voxels, 0.0)
        deposits = self._layers(voxels, "sum")
        return self._noisy(voxels, generator), self._noisy(deposits, generator)

    def _noisy(self, energies: Tensor, generator: torch.Generator) -> Tensor:
        noise = SPREAD * torch.randn(energies.shape, generator=generator, dtype=torch.float64) - DEPTH
        # What is above the edge is thrown back.
        noise = EDGE - (EDGE - noise).abs()
        return torch.where(energies > 0, energies, self.threshold * noise.exp())

    def _ratios(self, energies: Tensor, deposits: Tensor) -> Tensor:
        """ln(sum_i E_i / E) and logit u_i, (n, L)."""
        rest = deposits.flip(1).cumsum(dim=1).flip(1)
        response = (rest[:, 0] / energies).log()[:, None]
        return torch.cat([response, (deposits[:, :-1] / rest[:, 1:]).log()], dim=1)

    def _logits(self, filled: Tensor, deposits: Tensor) -> Tensor:
        rest = (self._wide(deposits) - filled).clamp_min(0) + self.threshold
        return (filled / rest).log()

    def _wide(self, layers: Tensor) -> Tensor:
        """Of each voxel what belongs to its layer, (n, voxels) of (n, L)."""
        return layers[:, self.layer]

    def _layers(self, voxels: Tensor, reduction: str) -> Tensor:
        """Sum or largest of the voxels of each layer (n, L)."""
        return torch.stack([getattr(voxels[:, start:stop], reduction)(dim=1) for start, stop in self.parts], dim=1)
