"""A network that turns with the shower: what it makes of a turned one is turned by as many sectors."""

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from resonaut.emulate import symmetry
from resonaut.emulate.networks import Residual
from resonaut.physics.showers.geometry import Geometry

# Numbers that the context becomes before blocks are told of it.
TOLD = 128
# Residual blocks of the network of layers without sectors.
WHOLE = 3


class Turning(nn.Module):
    """Of each voxel a number, of all voxels and a context; it has the same weights for each sector.

    Blocks exchange what they know between sectors: the hidden units are in as many parts as there are sectors, of which
    each comes from a sector as many places away (B. Wu et al., arXiv:1711.08141). Voxels of layers without sectors have
    a network of their own, and each of the two is told what the other is about. Untrained it gives 0.
    """

    sectored: Tensor
    whole: Tensor
    back: Tensor

    def __init__(self, geometry: Geometry, context: int, width: int, blocks: int) -> None:
        super().__init__()
        number = symmetry.sectors(geometry)
        sectored, whole = symmetry.divided(geometry)
        self.register_buffer("sectored", torch.as_tensor(sectored), persistent=False)
        self.register_buffer("whole", torch.as_tensor(whole), persistent=False)
        order = torch.cat([self.sectored.flatten(), self.whole])
        self.register_buffer("back", order.argsort(), persistent=False)
        in_sector = sectored.shape[1]
        self.first = nn.Linear(in_sector, width)
        self.context = nn.Sequential(nn.Linear(context + len(whole), TOLD), nn.SiLU(), nn.Linear(TOLD, TOLD), nn.SiLU())
        self.told = nn.Linear(TOLD, width)
        self.blocks = nn.ModuleList(Block(number, width) for _ in range(blocks))
        self.norm, self.last = nn.LayerNorm(width), nn.Linear(width, in_sector)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self.of_whole = Residual(len(whole), context + width, len(whole), TOLD, WHOLE) if len(whole) else None

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Numbers (n, voxels) of voxels (n, voxels) and context (n, context)."""
        told = self.context(torch.cat([x[:, self.whole], context], dim=1))
        hidden = self.first(x[:, self.sectored]) + self.told(told)[:, None]
        for block in self.blocks:
            hidden = block(hidden, told)
        hidden = silu(self.norm(hidden))
        made = [self.last(hidden).flatten(1)]
        if self.of_whole:
            made.append(self.of_whole(x[:, self.whole], torch.cat([hidden.mean(dim=1), context], dim=1)))
        return torch.cat(made, dim=1)[:, self.back]


class Block(nn.Module):
    """Adds to its input (n, sectors, width) a perceptron of it, of other sectors, and of what it is told."""

    source: Tensor

    def __init__(self, sectors: int, width: int) -> None:
        super().__init__()
        self.sectors, part = sectors, -(-2 * width // sectors)
        self.norm, self.told = nn.LayerNorm(width), nn.Linear(TOLD, sectors * part)
        self.inner, self.outer = nn.Linear(width, sectors * part), nn.Linear(sectors * part, width)
        place = torch.arange(sectors)
        source = (place[:, None] + place) % sectors * sectors + place
        self.register_buffer("source", source.flatten(), persistent=False)

    def forward(self, hidden: Tensor, told: Tensor) -> Tensor:
        """The sum (n, sectors, width)."""
        made = silu(self.inner(self.norm(hidden)) + self.told(told)[:, None])
        parts = made.view(made.shape[0], self.sectors**2, -1)
        added: Tensor = self.outer(parts.index_select(1, self.source).view_as(made))
        return hidden + added
