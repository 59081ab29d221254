"""Two autoencoders: one makes layer energies given the incident energy, the other voxels given both.

A decoder gives a density, and numbers are drawn from it: its means alone would lack the fluctuations of single voxels.
"""

import torch
from torch import Tensor, nn

from resonaut.emulate.models.vae import Settings
from resonaut.emulate.models.vae.mixture import OUTPUTS, Mixture
from resonaut.emulate.networks import Residual
from resonaut.emulate.preprocessing import Prepared, Preprocessing
from resonaut.emulate.training import fit
from resonaut.learn.autoencoder.variational import Code
from resonaut.learn.progress import History
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry


class Autoencoder(nn.Module):
    """Of ``size`` numbers given a context of ``known`` numbers; independent of each other given the code."""

    def __init__(self, size: int, known: int, latent: int, width: int, blocks: int) -> None:
        super().__init__()
        self.latent, self.noise = latent, latent + 2 * size
        self.encoder = Residual(size, known, 2 * latent, width, blocks)
        self.decoder = Residual(latent, known, OUTPUTS * size, width, blocks)

    def loss(self, x: Tensor, context: Tensor, generator: torch.Generator) -> Tensor:
        """A bound on -log p(x) of numbers (n, size) in the context (n, known), with a code that is drawn: (n,)."""
        code = Code.of(self.encoder(x, context))
        return code.divergence() - Mixture.of(self.decoder(code.draw(generator), context)).log_prob(x)

    def draw(self, noise: Tensor, context: Tensor) -> Tensor:
        """Numbers (n, size) from noise (n, self.noise)."""
        return Mixture.of(self.decoder(noise[:, : self.latent], context)).draw(noise[:, self.latent :])


class Model(nn.Module):
    """Both autoencoders with their preprocessing."""

    def __init__(self, geometry: Geometry, threshold: float, settings: Settings) -> None:
        super().__init__()
        self.settings, layers, blocks = settings, len(geometry.layers), settings.blocks
        self.preprocessing = Preprocessing(geometry, threshold)
        self.of_layers = Autoencoder(layers, 1, settings.layer_latent, settings.layer_width, blocks)
        self.of_voxels = Autoencoder(geometry.voxels, 1 + layers, settings.latent, settings.width, blocks)
        self.noise = self.of_layers.noise + self.of_voxels.noise

    def learn(self, showers: Showers, held_out: Showers, seed: int) -> History:
        """Minimise both bounds at once; the autoencoders share no parameters."""
        what = "an autoencoder of showers"
        return fit(self, self.preprocessing, self._loss, showers, held_out, self.settings, seed, what)

    def _loss(self, showers: Prepared, generator: torch.Generator) -> Tensor:
        """The bound on -log p of layers and voxels, (n,)."""
        layers = self.of_layers.loss(showers.layers, showers.condition, generator)
        return layers + self.of_voxels.loss(showers.voxels, showers.context, generator)

    def forward(self, noise: Tensor, energies: Tensor) -> Tensor:
        """The voxels in MeV (n, voxels) of showers of particles of these energies in MeV (n,)."""
        first, second = torch.split(noise, [self.of_layers.noise, self.of_voxels.noise], dim=1)
        layers = self.of_layers.draw(first, self.preprocessing.condition(energies))
        deposits = self.preprocessing.deposits(energies, layers)
        context = self.preprocessing.context(energies, deposits)
        return self.preprocessing.shower(deposits, self.of_voxels.draw(second, context))
