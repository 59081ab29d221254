"""Two coupling flows: layer energies given the incident energy, and voxels given both."""

import torch
from torch import Tensor, nn

from resonaut.emulate.models.flow import Settings
from resonaut.emulate.preprocessing import Preprocessing
from resonaut.learn import training
from resonaut.learn.density import coupling
from resonaut.learn.progress import History
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry


class Model(nn.Module):
    """Both flows with their preprocessing."""

    def __init__(self, geometry: Geometry, threshold: float, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.preprocessing = Preprocessing(geometry, threshold)
        self.layers, self.noise = len(geometry.layers), len(geometry.layers) + geometry.voxels
        self.layer_flow = coupling.flow(self.layers, 1, settings.layer_transforms, settings.layer_hidden, settings.bins)
        self.voxel_flow = coupling.flow(
            geometry.voxels, 1 + self.layers, settings.transforms, settings.hidden, settings.bins
        )

    def learn(self, showers: Showers, held_out: Showers, seed: int) -> History:
        """Maximise the likelihood of both at once; they share no parameters."""
        settings, generator = self.settings, torch.Generator().manual_seed(seed)
        self.preprocessing.learn(showers, seed)
        energies, voxels = torch.as_tensor(showers.energies), torch.as_tensor(showers.voxels)
        seen = self.preprocessing.prepare(
            torch.as_tensor(held_out.energies), torch.as_tensor(held_out.voxels), generator
        )

        def loss(layers: Tensor, z: Tensor, condition: Tensor, context: Tensor) -> Tensor:
            steps = self.layer_flow(condition).log_prob(layers) + self.voxel_flow(context).log_prob(z)
            return -steps.mean()

        def loss_of(rows: Tensor) -> Tensor:
            batch = self.preprocessing.prepare(energies[rows], voxels[rows], generator)
            smeared = batch.voxels + settings.smearing * torch.randn(batch.voxels.shape, generator=generator)
            return loss(batch.layers, smeared, batch.condition, batch.context)

        optimizer = torch.optim.Adam(self.parameters(), lr=settings.learning_rate)
        steps = settings.epochs * -(-len(showers) // settings.batch_size)
        return training.fit(
            self,
            loss_of,
            training.shuffled(len(showers), settings.batch_size, generator),
            optimizer,
            settings.epochs,
            rate=training.one_cycle(optimizer, settings.learning_rate, steps),
            held_out=lambda: loss(seen.layers, seen.voxels, seen.condition, seen.context),
            keep_best=True,
            what="a flow of showers",
            key="emulate.models.<name>.settings.learning_rate",
        )

    def forward(self, noise: Tensor, energies: Tensor) -> Tensor:
        """The voxels in MeV (n, voxels) of showers of particles of these energies in MeV (n,)."""
        condition = self.preprocessing.condition(energies)
        layers = self.layer_flow(condition).transform.inv(noise[:, : self.layers])
        deposits = self.preprocessing.deposits(energies, layers)
        context = self.preprocessing.context(energies, deposits)
        voxels: Tensor = self.voxel_flow(context).transform.inv(noise[:, self.layers :])
        return self.preprocessing.shower(deposits, voxels)
