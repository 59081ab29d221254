"""Two autoencoders: one makes layer energies given the incident energy, the other voxels given both.

A decoder gives a density, and numbers are drawn from it: its means alone would lack the fluctuations of single voxels.
"""

from itertools import count

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

# The weight of the codes' divergence rises to 1 in this share of all steps (S. Bowman et al., arXiv:1511.06349, section
# 3.1). Without that, codes of some energies stay noise to which the decoder does not listen.
RISING = 0.3


class Autoencoder(nn.Module):
    """Of ``size`` numbers given a context of ``known`` numbers; independent of each other given the code."""

    def __init__(self, size: int, known: int, latent: int, width: int, blocks: int) -> None:
        super().__init__()
        self.latent, self.noise = latent, latent + 2 * size
        self.encoder = Residual(size, known, 2 * latent, width, blocks)
        self.decoder = Residual(latent, known, OUTPUTS * size, width, blocks)

    def loss(self, x: Tensor, context: Tensor, generator: torch.Generator, weight: float) -> Tensor:
        """A bound on -log p(x) of numbers (n, size) in the context (n, known), with a code that is drawn: (n,).

        It is none where the ``weight`` of the divergence is below 1.
        """
        code = Code.of(self.encoder(x, context))
        return weight * code.divergence() - Mixture.of(self.decoder(code.draw(generator), context)).log_prob(x)

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
        rising = RISING * self.settings.epochs * len(showers) / self.settings.batch_size
        steps = count(1)

        def loss(batch: Prepared, generator: torch.Generator) -> Tensor:
            # Held-out showers, which need no gradient, have the bound itself: so epochs can be compared.
            weight = min(1.0, next(steps) / rising) if torch.is_grad_enabled() else 1.0
            layers = self.of_layers.loss(batch.layers, batch.condition, generator, weight)
            return layers + self.of_voxels.loss(batch.voxels, batch.context, generator, weight)

        what = "an autoencoder of showers"
        return fit(self, self.preprocessing, loss, showers, held_out, self.settings, seed, what)

    def forward(self, noise: Tensor, energies: Tensor) -> Tensor:
        """The voxels in MeV (n, voxels) of showers of particles of these energies in MeV (n,)."""
        first, second = torch.split(noise, [self.of_layers.noise, self.of_voxels.noise], dim=1)
        layers = self.of_layers.draw(first, self.preprocessing.condition(energies))
        deposits = self.preprocessing.deposits(energies, layers)
        context = self.preprocessing.context(energies, deposits)
        return self.preprocessing.shower(energies, deposits, self.of_voxels.draw(second, context))
