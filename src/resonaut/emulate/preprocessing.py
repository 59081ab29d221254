"""From showers to numbers of order one and back: what all models of ``emulate`` learn and make.

1. A voxel below the threshold t is empty. A layer without energy gets one of ``exp(N(-DEPTH, SPREAD²)) t`` below the
   threshold, drawn anew each time a shower is prepared: an atom at 0 has no density.
2. The L layer energies E_i become, as in CaloFlow (C. Krause and D. Shih, arXiv:2106.05285, section III), the response
   ln(sum_i E_i / E) and logit u_i with u_i = E_i / sum_{j >= i} E_j for all but the last, each made normal by its
   distribution given ln E. Layers with the least energy come first: whether one is empty is then seen of one u_i.
3. A voxel's energy e becomes ln(e / (E_i - e + t)), the logit of its part of its layer, to which the threshold gives an
   end; that runs from 0 at the threshold to 1 with all energy of the layer, and the voxel's distribution given ln E_i
   (``marginals``), in which empty ones are below the others, makes it normal.

Back, voxels below the threshold are 0, and those above share the energy of their layer exactly. Everything is torch, so
that the way back can be a part of an exported graph.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resonaut.emulate.marginals import Marginals, Normal
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry

# The logarithm of what stands for no energy, over the threshold: its mean is -DEPTH, and none is above EDGE. Between
# EDGE and 0 is room for what single precision does to a layer at the threshold.
DEPTH, SPREAD, EDGE = 1.5, 0.5, -4e-4
# What a voxel at the threshold has over it, so that none is below in single precision.
ROOM = 1 + 1e-5
# MeV, less than any voxel before the threshold.
TINY = 1e-30
# The least ln(E_i / t) of a layer.
SHORTEST = 1e-3


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
    place: Tensor

    def __init__(self, geometry: Geometry, threshold: float) -> None:
        super().__init__()
        self.geometry = geometry
        self.layers, self.voxels, self.threshold = len(geometry.layers), geometry.voxels, threshold
        self.parts = [(part.start, part.stop) for part in geometry.slices]
        self.register_buffer("layer", torch.as_tensor(geometry.layer), persistent=False)
        self.of_layers = Normal(self.layers)
        # The place of each layer from that with the least energy on average to that with the most.
        self.register_buffer("place", torch.arange(self.layers))
        self.of_voxels = Marginals(geometry)

    def learn(self, showers: Showers, seed: int) -> None:
        """Learn means and spreads from the training showers."""
        generator = torch.Generator().manual_seed(seed)
        energies, voxels = torch.as_tensor(showers.energies), torch.as_tensor(showers.voxels)
        voxels, deposits = self._filled(voxels.double(), generator)
        self.place.copy_(deposits.mean(dim=0).argsort().argsort())
        self.of_layers.learn(self._ratios(energies, deposits), energies.log()[:, None])
        self.of_voxels.learn(self._places(voxels, deposits), deposits.log())

    def prepare(self, energies: Tensor, voxels: Tensor, generator: torch.Generator) -> Prepared:
        """Showers of these incident energies (n,) and voxels (n, voxels) in MeV, with new noise for what is empty."""
        voxels, deposits = self._filled(voxels.double(), generator)
        layers = self.of_layers(self._ratios(energies.double(), deposits), energies.double().log()[:, None])
        z = self.of_voxels(self._places(voxels, deposits), deposits.log(), generator)
        context = self.context(energies, deposits)
        return Prepared(context[:, :1], layers.float(), context, z.float())

    def condition(self, energies: Tensor) -> Tensor:
        """The logarithm of E, scaled by the range of the training to [-1, 1], (n, 1)."""
        return self.of_layers.knots.scaled(energies.log()[:, None]).float()

    def context(self, energies: Tensor, deposits: Tensor) -> Tensor:
        """What the voxels depend on (n, 1 + L): the logarithms of all energies, each scaled to [-1, 1]."""
        return torch.cat([self.condition(energies), self.of_voxels.knots.scaled(deposits.log()).float()], dim=1)

    def deposits(self, energies: Tensor, layers: Tensor) -> Tensor:
        """Layer energies in MeV (n, L) of the ``layers`` of ``Prepared``; below the threshold a layer is empty."""
        ratios = self.of_layers.inverse(layers, energies.log()[:, None])
        found, rest = [], energies * ratios[:, 0].exp()
        for number in range(1, self.layers):
            found.append(rest * torch.sigmoid(ratios[:, number]))
            rest = rest * torch.sigmoid(-ratios[:, number])
        return torch.stack([*found, rest], dim=1)[:, self.place]

    def shower(self, deposits: Tensor, z: Tensor) -> Tensor:
        """Voxels in MeV (n, voxels), of layer energies (n, L) in MeV and the ``voxels`` of ``Prepared``."""
        v = self.of_voxels.inverse(z, deposits.log())
        odds = self._wide(self._range(deposits)) * (2 * v - 1)
        voxels = self._wide(deposits + self.threshold) * torch.sigmoid(odds.clamp(-40, 40))
        just, floor = self.threshold * math.exp(EDGE / 2), self.threshold * ROOM
        energy = torch.where(deposits >= just, deposits, 0.0)
        # A layer with energy has a voxel at least, and no more than its energy is enough for.
        least = self._layers(voxels, "amax").clamp_max(just)
        voxels = torch.where(voxels >= self._wide(torch.maximum(least, self._at(voxels, energy / floor))), voxels, 0.0)
        # What voxels have beyond the threshold grows or shrinks, so that none falls below.
        floors = torch.where(voxels > 0, floor, 0.0)
        above = (voxels - floors).clamp_min(0)
        factor = (energy - self._layers(floors, "sum")).clamp_min(0) / self._layers(above, "sum").clamp_min(TINY)
        voxels = floors + above * self._wide(factor)
        return voxels * self._wide(energy / self._layers(voxels, "sum").clamp_min(TINY))

    def inverse(self, energies: Tensor, layers: Tensor, z: Tensor) -> Tensor:
        """Voxels in MeV (n, voxels), of incident energies (n,) in MeV and what models make."""
        return self.shower(self.deposits(energies, layers), z)

    def _filled(self, voxels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Voxels above the threshold, and layers, in MeV, with noise for those that are empty."""
        voxels = torch.where(voxels >= self.threshold, voxels, 0.0)
        deposits = self._layers(voxels, "sum")
        noise = SPREAD * torch.randn(deposits.shape, generator=generator, dtype=torch.float64) - DEPTH
        # What is above the edge is thrown back.
        noise = EDGE - (EDGE - noise).abs()
        return voxels, torch.where(deposits > 0, deposits, self.threshold * noise.exp())

    def _ratios(self, energies: Tensor, deposits: Tensor) -> Tensor:
        """ln(sum_i E_i / E) and logit u_i, (n, L)."""
        ordered = deposits[:, self.place.argsort()]
        rest = ordered.flip(1).cumsum(dim=1).flip(1)
        response = (rest[:, 0] / energies).log()[:, None]
        return torch.cat([response, (ordered[:, :-1] / rest[:, 1:]).log()], dim=1)

    def _places(self, voxels: Tensor, deposits: Tensor) -> Tensor:
        """The logits of voxels, 0 at the threshold and 1 with all energy of the layer; -1 of empty ones."""
        rest = (self._wide(deposits) - voxels).clamp_min(0) + self.threshold
        logits = (voxels.clamp_min(TINY) / rest).log() / self._wide(self._range(deposits))
        return torch.where(voxels > 0, ((logits + 1) / 2).clamp(0, 1), -1.0)

    def _range(self, deposits: Tensor) -> Tensor:
        """The logit where a voxel has all energy of its layer; at the threshold it is as much below 0."""
        return (deposits / self.threshold).log().clamp_min(SHORTEST)

    def _wide(self, layers: Tensor) -> Tensor:
        """Of each voxel what belongs to its layer, (n, voxels) of (n, L)."""
        return layers[:, self.layer]

    def _at(self, voxels: Tensor, number: Tensor) -> Tensor:
        """The last of so many of the largest voxels of each layer, (n, L) both."""
        found = []
        for layer, (start, stop) in enumerate(self.parts):
            place = number[:, layer : layer + 1].clamp(1, stop - start).long() - 1
            found.append(voxels[:, start:stop].sort(dim=1, descending=True).values.gather(1, place))
        return torch.cat(found, dim=1)

    def _layers(self, voxels: Tensor, reduction: str) -> Tensor:
        """Sum or largest of the voxels of each layer (n, L)."""
        return torch.stack([getattr(voxels[:, start:stop], reduction)(dim=1) for start, stop in self.parts], dim=1)
