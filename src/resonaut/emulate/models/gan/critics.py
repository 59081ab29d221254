"""Critics: functions of slope 1 at most, whose means of two samples differ by their distance.

(M. Arjovsky et al., arXiv:1701.07875; the penalty of other slopes is that of I. Gulrajani et al., arXiv:1704.00028.)
"""

import torch
from torch import Tensor, nn

from resonaut.emulate.models.gan import Settings
from resonaut.emulate.networks import Residual
from resonaut.emulate.preprocessing import Prepared
from resonaut.physics.showers.geometry import Geometry


class Critics(nn.Module):
    """One of layer energies given the incident energy, and one of voxels given both."""

    def __init__(self, geometry: Geometry, settings: Settings) -> None:
        super().__init__()
        layers = len(geometry.layers)
        self.of_layers = Residual(layers, 1, 1, settings.layer_width, settings.layer_blocks)
        self.of_voxels = Residual(geometry.voxels, 1 + layers, 1, settings.critic_width, settings.critic_blocks)
        self.penalty = settings.penalty

    def seen(self, batch: Prepared, layers: Tensor, voxels: Tensor) -> Tensor:
        """The mean of both critics for layers and voxels in the contexts of showers."""
        mean: Tensor = self.of_layers(layers, batch.condition).mean() + self.of_voxels(voxels, batch.context).mean()
        return mean

    def loss(self, batch: Prepared, layers: Tensor, voxels: Tensor, generator: torch.Generator) -> Tensor:
        """The negative distance, with the penalty (arXiv:1704.00028, eq. 3)."""
        share = torch.rand(len(layers), 1, generator=generator)
        slopes = [
            _slope(critic, share * real + (1 - share) * made, context)
            for critic, real, made, context in (
                (self.of_layers, batch.layers, layers, batch.condition),
                (self.of_voxels, batch.voxels, voxels, batch.context),
            )
        ]
        penalty = torch.stack([(slope - 1).square().mean() for slope in slopes]).sum()
        return self.seen(batch, layers, voxels) - self.seen(batch, batch.layers, batch.voxels) + self.penalty * penalty


def _slope(critic: nn.Module, x: Tensor, context: Tensor) -> Tensor:
    """The length of the critic's gradient at x (n, d), (n,)."""
    x = x.requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x, context).sum(), x, create_graph=True)
    length: Tensor = gradient.norm(dim=1)
    return length
