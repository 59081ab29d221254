"""From showers to numbers of order one and back: what all models of ``emulate`` learn and make.

1. A voxel below the threshold t is empty, and so is a layer without other voxels.
2. The L layer energies E_i become, as in CaloFlow (C. Krause and D. Shih, arXiv:2106.05285, section III), the response
   ln(sum_i E_i / E), made normal by its distribution given ln E, and for all but the last the part that a layer has of
   sum_{j >= i} E_j. Layers with the least energy come first: whether one is empty is seen of one part.
3. A voxel becomes the part of its layer that it has. In layers without sectors, which often hold a particle or two, it
   is the part of what the voxel and those inside have: after the ring with the last particle all are empty.

A part e of W is seen in its logit ln(e / (W - e + t)), to which the threshold gives an end; that runs from 0 at the
threshold to 1 where e is W. Its distribution, in which what is empty is below all else, makes it normal
(``marginals``): that given ln W and ln E.

Back, voxels below the threshold are 0, and those above share the energy of their layer exactly. Everything is torch, so
that the way back can be a part of an exported graph.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from resonaut.emulate.marginals import Marginals, Normal
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry

Places = NDArray[np.int64]
# What stands for no energy is less than the threshold by up to so much, in its logarithm.
DEPTH = 1.5
# What a voxel at the threshold has over it, so that none is below in single precision, and what single precision may
# take from one.
ROOM, LOSS = 1 + 1e-5, 1 - 2e-4
# MeV, less than any voxel before the threshold.
TINY = 1e-30
# The least ln(W / t).
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

    @classmethod
    def joined(cls, parts: Sequence["Prepared"]) -> "Prepared":
        """The showers of several, one after the other."""
        return cls(*map(torch.cat, zip(*(vars(part).values() for part in parts), strict=True)))


def inwards(geometry: Geometry) -> list[Places]:
    """The outermost voxels of all layers without sectors, then those inside of them, and so on."""
    own = [
        np.arange(part.stop - 1, part.start - 1, -1)
        for layer, part in zip(geometry.layers, geometry.slices, strict=True)
        if layer.n_alpha == 1
    ]
    return [np.array([one[step] for one in own if step < len(one)]) for step in range(max(map(len, own), default=0))]


def rings(geometry: Geometry) -> tuple[Places, list[int], Places]:
    """Of layers with sectors the voxels; of all layers the number of rings that those have; the ring of each voxel."""
    sizes = [layer.n_r if layer.n_alpha > 1 else 0 for layer in geometry.layers]
    firsts = np.cumsum([0, *sizes[:-1]])
    places = np.flatnonzero(np.array(sizes)[geometry.layer])
    own = [np.tile(np.arange(size), layer.n_alpha) for size, layer in zip(sizes, geometry.layers, strict=True)]
    return places, sizes, np.concatenate([first + ring for first, ring in zip(firsts, own, strict=True)])


class Preprocessing(nn.Module):
    """The way from showers to ``Prepared`` and back; energies in MeV."""

    layer: Tensor
    place: Tensor
    innermost: Tensor
    sectored: Tensor
    back: Tensor

    def __init__(self, geometry: Geometry, threshold: float) -> None:
        super().__init__()
        self.geometry = geometry
        self.layers, self.voxels, self.threshold = len(geometry.layers), geometry.voxels, threshold
        self.parts = [(part.start, part.stop) for part in geometry.slices]
        self.register_buffer("layer", torch.as_tensor(geometry.layer), persistent=False)
        self.of_response = Normal(1)
        self.of_parts = [Marginals([1], np.arange(1)) for _ in range(self.layers - 1)]
        # The place of each layer from that with the least energy on average to that with the most.
        self.register_buffer("place", torch.arange(self.layers))
        sectored, sizes, ring = rings(geometry)
        self.of_sectors = Marginals(sizes, ring)
        steps = inwards(geometry)
        self.steps = [torch.as_tensor(step) for step in steps]
        self.of_layer = [torch.eye(self.layers)[self.layer[step]] for step in self.steps]
        self.of_rings = [Marginals([1] * len(step), np.arange(len(step))) for step in steps]
        self.chains = nn.ModuleList([*self.of_parts, *self.of_rings])
        innermost = torch.zeros(self.voxels, dtype=torch.bool)
        innermost[[start for start, _ in self.parts]] = True
        self.register_buffer("innermost", innermost, persistent=False)
        self.register_buffer("sectored", torch.as_tensor(sectored), persistent=False)
        self.register_buffer("back", torch.as_tensor(np.concatenate([sectored, *steps]).argsort()), persistent=False)

    def learn(self, showers: Showers, seed: int) -> None:
        """Learn all distributions from the training showers."""
        generator = torch.Generator().manual_seed(seed)
        energies, voxels = torch.as_tensor(showers.energies), torch.as_tensor(showers.voxels)
        voxels, deposits = self._above(voxels.double())
        self.place.copy_(deposits.mean(dim=0).argsort().argsort())
        driver = energies.double().log()[:, None]
        self.of_response.learn(self._response(energies, deposits, generator), driver)
        self.of_sectors.learn(self._of_layers(voxels, deposits), self._drivers(deposits), driver)
        for chain, parts in (
            (self.of_parts, self._of_rest(deposits)),
            (self.of_rings, self._of_insides(voxels, deposits)),
        ):
            for marginals, (part, rest) in zip(chain, parts, strict=True):
                marginals.learn(part, self._drivers(rest), driver)

    def prepare(self, energies: Tensor, voxels: Tensor, generator: torch.Generator) -> Prepared:
        """Showers of these incident energies (n,) and voxels (n, voxels) in MeV, with new noise for what is empty."""
        voxels, deposits = self._above(voxels.double())
        driver = energies.double().log()[:, None]
        layers = [self.of_response(self._response(energies, deposits, generator), driver)]
        z = [self.of_sectors(self._of_layers(voxels, deposits), self._drivers(deposits), driver, generator)]
        for marginals, (part, rest) in zip(self.of_parts, self._of_rest(deposits), strict=True):
            layers.append(marginals(part, self._drivers(rest), driver, generator))
        for marginals, (part, rest) in zip(self.of_rings, self._of_insides(voxels, deposits), strict=True):
            z.append(marginals(part, self._drivers(rest), driver, generator))
        context = self.context(energies, deposits)
        return Prepared(context[:, :1], torch.cat(layers, dim=1).float(), context, self._joined(z).float())

    def condition(self, energies: Tensor) -> Tensor:
        """The logarithm of E, scaled by the range of the training to [-1, 1], (n, 1)."""
        return self.of_response.knots.scaled(energies.log()[:, None]).float()

    def context(self, energies: Tensor, deposits: Tensor) -> Tensor:
        """What the voxels depend on (n, 1 + L): the logarithms of all energies, each scaled to [-1, 1]."""
        scaled = self.of_sectors.grid.own.scaled(self._drivers(deposits))
        return torch.cat([self.condition(energies), scaled.float()], dim=1)

    def deposits(self, energies: Tensor, layers: Tensor) -> Tensor:
        """Layer energies in MeV (n, L) of the ``layers`` of ``Prepared``: none, or as much as the threshold."""
        driver = energies.log()[:, None]
        rest = energies[:, None] * self.of_response.inverse(layers[:, :1], driver).exp()
        found = []
        for number, marginals in enumerate(self.of_parts, start=1):
            part = marginals.inverse(layers[:, number : number + 1], self._drivers(rest), driver)
            found.append(self._taken(part, rest))
            rest = rest - found[-1]
        found.append(torch.where(rest >= self.threshold * ROOM, rest, 0.0))
        return torch.cat(found, dim=1)[:, self.place]

    def shower(self, energies: Tensor, deposits: Tensor, z: Tensor) -> Tensor:
        """Voxels in MeV (n, voxels), of incident (n,) and layer energies (n, L) and the ``voxels`` of ``Prepared``."""
        driver = energies.log()[:, None]
        parts = self.of_sectors.inverse(z[:, self.sectored], self._drivers(deposits), driver)
        found, rest = [self._energy(parts, self._wide(deposits)[:, self.sectored])], deposits
        for marginals, step, of_layer in zip(self.of_rings, self.steps, self.of_layer, strict=True):
            inside = rest @ of_layer.T
            # The innermost voxel has what is left.
            part = marginals.inverse(z[:, step], self._drivers(inside), driver)
            part = part.masked_fill(self.innermost[step], 1)
            found.append(self._taken(part, inside))
            rest = rest - found[-1] @ of_layer
        voxels = self._joined(found)
        # A layer with energy has a voxel at least, and no more than its energy is enough for.
        floor = self.threshold * ROOM
        least = self._layers(voxels, "amax").clamp_max(self.threshold * LOSS)
        least = torch.maximum(least, self._at(voxels, deposits / floor))
        voxels = torch.where(voxels >= self._wide(least), voxels, 0.0)
        # What voxels have beyond the threshold grows or shrinks, so that none falls below.
        floors = torch.where(voxels > 0, floor, 0.0)
        above = (voxels - floors).clamp_min(0)
        factor = (deposits - self._layers(floors, "sum")).clamp_min(0) / self._layers(above, "sum").clamp_min(TINY)
        voxels = floors + above * self._wide(factor)
        return voxels * self._wide(deposits / self._layers(voxels, "sum").clamp_min(TINY))

    def inverse(self, energies: Tensor, layers: Tensor, z: Tensor) -> Tensor:
        """Voxels in MeV (n, voxels), of incident energies (n,) in MeV and what models make."""
        return self.shower(energies, self.deposits(energies, layers), z)

    def _above(self, voxels: Tensor) -> tuple[Tensor, Tensor]:
        """Voxels above the threshold, and the energies of their layers, in MeV."""
        voxels = torch.where(voxels >= self.threshold, voxels, 0.0)
        return voxels, self._layers(voxels, "sum")

    def _response(self, energies: Tensor, deposits: Tensor, generator: torch.Generator) -> Tensor:
        """ln(sum_i E_i / E), (n, 1); of a shower without energy something below the threshold."""
        total = deposits.sum(dim=1)
        drawn = torch.rand(total.shape, generator=generator, dtype=total.dtype)
        return (torch.where(total > 0, total, self.threshold * (-DEPTH * drawn).exp()) / energies).log()[:, None]

    def _of_rest(self, deposits: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Of each layer but the last its part of what it and later ones have, and that, (n, 1) both."""
        ordered = deposits[:, self.place.argsort()]
        rest = ordered.flip(1).cumsum(dim=1).flip(1)
        for number in range(self.layers - 1):
            whole = rest[:, number : number + 1]
            yield self._part(ordered[:, number : number + 1], whole), whole

    def _of_layers(self, voxels: Tensor, deposits: Tensor) -> Tensor:
        """The part of its layer that each voxel of layers with sectors has, (n, sectored)."""
        return self._part(voxels[:, self.sectored], self._wide(deposits)[:, self.sectored])

    def _of_insides(self, voxels: Tensor, deposits: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Of voxels of layers without sectors, step by step, their part of what they and all inside have, and that."""
        rest = deposits.clone()
        for step in self.steps:
            inside = rest[:, self.layer[step]]
            yield self._part(voxels[:, step], inside), inside
            rest[:, self.layer[step]] -= voxels[:, step]

    def _joined(self, parts: list[Tensor]) -> Tensor:
        """In the order of the voxels (n, voxels) what is of sectors, then of each step of those without."""
        return torch.cat(parts, dim=1)[:, self.back]

    def _drivers(self, whole: Tensor) -> Tensor:
        """The logarithms of energies; of none DEPTH below the threshold."""
        return whole.clamp_min(self.threshold * math.exp(-DEPTH)).log()

    def _part(self, energy: Tensor, whole: Tensor) -> Tensor:
        """The logit of what has this energy of the ``whole``, 0 at the threshold and 1 with all; -1 if it is empty."""
        rest = (whole - energy).clamp_min(0) + self.threshold
        logits = (energy.clamp_min(TINY) / rest).log() / self._range(whole)
        return torch.where(energy > 0, ((logits + 1) / 2).clamp(0, 1), -1.0)

    def _energy(self, part: Tensor, whole: Tensor) -> Tensor:
        """What has this part."""
        odds = self._range(whole) * (2 * part - 1)
        return (whole + self.threshold) * torch.sigmoid(odds.clamp(-40, 40))

    def _taken(self, part: Tensor, whole: Tensor) -> Tensor:
        """The same where ``whole`` goes down to 0: nothing, or from the threshold to all."""
        floor = self.threshold * ROOM
        energy = torch.minimum(self._energy(part, whole).clamp_min(floor), whole)
        return torch.where((part > 0) & (whole >= floor), energy, 0.0)

    def _range(self, whole: Tensor) -> Tensor:
        """The logit where one has all; at the threshold it is as much below 0."""
        return (whole / self.threshold).clamp_min(1).log().clamp_min(SHORTEST)

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
