"""Two flows: layer energies given the incident energy, and voxels given both."""

import torch
from torch import Tensor, nn

from resonaut.emulate.models.flow import Settings
from resonaut.emulate.preprocessing import Prepared, Preprocessing
from resonaut.emulate.training import fit
from resonaut.learn.density import coupling
from resonaut.learn.progress import History
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry


class Model(nn.Module):
    """Both flows with their preprocessing."""

    def __init__(self, geometry: Geometry, threshold: float, settings: Settings) -> None:
        super().__init__()
        self.settings, self.layers = settings, len(geometry.layers)
        self.noise = self.layers + geometry.voxels
        self.preprocessing = Preprocessing(geometry, threshold)
        self.layer_flow = coupling.flow(
            self.layers, 1, settings.layer_couplings, settings.layer_hidden, settings.bins, spline_couplings=True
        )
        self.voxel_flow = coupling.flow(
            geometry.voxels, 1 + self.layers, settings.couplings, settings.hidden, settings.bins
        )

    def learn(self, showers: Showers, held_out: Showers, seed: int) -> History:
        """Maximise the likelihood of both at once; they share no parameters."""
        return fit(self, self.preprocessing, self._loss, showers, held_out, self.settings, seed, "a flow of showers")

    def _loss(self, showers: Prepared, generator: torch.Generator) -> Tensor:
        """The negative logarithm of the density of layers and voxels, (n,)."""
        # Voxels that have all energy of their layer are no density of their own without it.
        noise = self.settings.smearing * torch.randn(showers.voxels.shape, generator=generator)
        layers: Tensor = self.layer_flow(showers.condition).log_prob(showers.layers)
        voxels: Tensor = self.voxel_flow(showers.context).log_prob(showers.voxels + noise)
        return -layers - voxels

    def forward(self, noise: Tensor, energies: Tensor) -> Tensor:
        """The voxels in MeV (n, voxels) of showers of particles of these energies in MeV (n,)."""
        condition = self.preprocessing.condition(energies)
        layers = coupling.drawn(self.layer_flow, noise[:, : self.layers], condition)
        deposits = self.preprocessing.deposits(energies, layers)
        context = self.preprocessing.context(energies, deposits)
        return self.preprocessing.shower(
            energies, deposits, coupling.drawn(self.voxel_flow, noise[:, self.layers :], context)
        )
