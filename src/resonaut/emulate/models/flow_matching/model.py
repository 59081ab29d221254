"""Two fields: one makes layer energies given the incident energy, the other voxels given both."""

import torch
from torch import Tensor, nn

from resonaut.emulate.models.flow_matching import Settings
from resonaut.emulate.models.flow_matching.field import TIMES, Field, shares
from resonaut.emulate.networks import Residual
from resonaut.emulate.preprocessing import Prepared, Preprocessing
from resonaut.emulate.training import fit
from resonaut.emulate.turning import Turning
from resonaut.learn.progress import History
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry


class Model(nn.Module):
    """Both fields with their preprocessing."""

    def __init__(self, geometry: Geometry, threshold: float, settings: Settings) -> None:
        super().__init__()
        self.settings, self.layers = settings, len(geometry.layers)
        self.noise = self.layers + geometry.voxels
        self.preprocessing = Preprocessing(geometry, threshold)
        self.layer_field = Field(
            Residual(self.layers, 1 + TIMES, self.layers, settings.layer_width, settings.layer_blocks)
        )
        self.voxel_field = Field(Turning(geometry, 1 + self.layers + TIMES, settings.width, settings.blocks))

    def learn(self, showers: Showers, held_out: Showers, seed: int) -> History:
        """Regress both fields at once; they share no parameters."""
        what = "a field of showers"
        return fit(self, self.preprocessing, self._loss, showers, held_out, self.settings, seed, what)

    def _loss(self, showers: Prepared, generator: torch.Generator) -> Tensor:
        """The sum of both errors, each a mean over what it is of, (n,)."""
        n = len(showers.layers)
        noise, share = torch.randn(n, self.noise, generator=generator), shares(n, generator)
        first, second = noise[:, : self.layers], noise[:, self.layers :]
        layers = self.layer_field.loss(showers.layers, showers.condition, first, share)
        return layers + self.voxel_field.loss(showers.voxels, showers.context, second, share)

    def forward(self, noise: Tensor, energies: Tensor) -> Tensor:
        """The voxels in MeV (n, voxels) of showers of particles of these energies in MeV (n,)."""
        condition = self.preprocessing.condition(energies)
        layers = self.layer_field.move(noise[:, : self.layers], condition, self.settings.layer_steps)
        deposits = self.preprocessing.deposits(energies, layers)
        context = self.preprocessing.context(energies, deposits)
        voxels = self.voxel_field.move(noise[:, self.layers :], context, self.settings.steps)
        return self.preprocessing.shower(energies, deposits, voxels)
