"""A generator of layer energies given the incident energy, and one of voxels given both.

The critic sees showers as they are prepared for all models, but empty voxels at the threshold: it is not to judge the
noise that stands for no energy.
"""

import math

import torch
from torch import Tensor, nn

from resonaut.emulate.models.gan import Settings
from resonaut.emulate.models.gan.game import Game
from resonaut.emulate.networks import Residual
from resonaut.emulate.preprocessing import Preprocessing
from resonaut.emulate.training import KEY
from resonaut.learn import training
from resonaut.learn.progress import History
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry


class Generator(nn.Module):
    """Numbers (n, size) from noise that they have in common (n, latent) and noise of each (n, size), given a context.

    Untrained it gives the latter.
    """

    def __init__(self, latent: int, known: int, size: int, width: int, blocks: int) -> None:
        super().__init__()
        self.network = Residual(latent, known, 2 * size, width, blocks)

    def forward(self, common: Tensor, own: Tensor, context: Tensor) -> Tensor:
        """A mean and a spread of each number follow from the noise in common."""
        mean, log_spread = self.network(common, context).chunk(2, dim=1)
        made: Tensor = mean + log_spread.exp() * own
        return made


class Model(nn.Module):
    """Both generators with their preprocessing."""

    def __init__(self, geometry: Geometry, threshold: float, settings: Settings) -> None:
        super().__init__()
        self.settings, self.parts = settings, [settings.latent, len(geometry.layers), geometry.voxels]
        self.noise = sum(self.parts)
        self.preprocessing = Preprocessing(geometry, threshold)
        latent, layers, voxels = self.parts
        of_layers = Generator(latent, 1, layers, settings.layer_width, settings.blocks)
        of_voxels = Generator(latent, 1 + layers, voxels, settings.width, settings.blocks)
        self.generators = nn.ModuleList([of_layers, of_voxels])

    def learn(self, showers: Showers, held_out: Showers, seed: int) -> History:
        """Play the game of generators and critic.

        Raises:
            NotFiniteError: the training diverges.
        """
        settings, random = self.settings, torch.Generator().manual_seed(seed)
        self.preprocessing.learn(showers, seed)
        both = Showers.joined([showers, held_out])
        energies, voxels = torch.as_tensor(both.energies), torch.as_tensor(both.voxels)

        def true(rows: Tensor) -> tuple[Tensor, Tensor]:
            found = self.preprocessing.prepare(energies[rows], voxels[rows], random)
            deposits = self.preprocessing.deposits(energies[rows].float(), found.layers)
            return self._seen(deposits, found.layers, found.voxels), found.condition

        def make(rows: Tensor) -> Tensor:
            return self._seen(*self._made(torch.randn(len(rows), self.noise, generator=random), energies[rows].float()))

        game = Game(
            self.generators,
            training.untrained(lambda: Residual(sum(self.parts[1:]), 1, 1, settings.width, settings.blocks), seed),
            settings,
            true,
            make,
            training.shuffled(len(showers), settings.batch_size, random),
            torch.arange(len(showers), len(both)),
            settings.epochs * -(-len(showers) // settings.batch_size),
            random,
        )
        training.run(game, 1, settings.epochs, None, "a GAN of showers", KEY)
        self.generators.load_state_dict(game.averaged.module.state_dict())
        self.eval()
        return game.history

    def _made(self, noise: Tensor, energies: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Layer energies in MeV (n, L), and what is prepared: layers (n, L) and voxels (n, voxels)."""
        common, of_layers, of_voxels = torch.split(noise, self.parts, dim=1)
        layers = self.generators[0](common, of_layers, self.preprocessing.condition(energies))
        # The voxels are made for these layer energies; how good those are, the critic judges by the layers.
        deposits = self.preprocessing.deposits(energies, layers.detach())
        return deposits, layers, self.generators[1](common, of_voxels, self.preprocessing.context(energies, deposits))

    def _seen(self, deposits: Tensor, layers: Tensor, voxels: Tensor) -> Tensor:
        """What the critic sees, (n, L + voxels)."""
        drivers = deposits.log()
        edge = math.log(self.preprocessing.threshold) - drivers[:, self.preprocessing.layer]
        return torch.cat([layers, torch.maximum(voxels, self.preprocessing.of_voxels(edge, drivers))], dim=1)

    def forward(self, noise: Tensor, energies: Tensor) -> Tensor:
        """The voxels in MeV (n, voxels) of showers of particles of these energies in MeV (n,)."""
        deposits, _, voxels = self._made(noise, energies)
        return self.preprocessing.shower(deposits, voxels)
