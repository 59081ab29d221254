"""A variational autoencoder of voxels whose decoder gives each its own density, and a flow of the codes."""

import torch
from torch import Tensor, nn

from resonaut.emulate.models.vae_flow import Settings
from resonaut.emulate.preprocessing import Prepared, Preprocessing
from resonaut.emulate.training import fit
from resonaut.learn.autoencoder.plain import perceptron
from resonaut.learn.autoencoder.variational import Code
from resonaut.learn.density import coupling
from resonaut.learn.progress import History
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry


class Model(nn.Module):
    """Flows of layer energies and of codes, encoder and decoder, with their preprocessing.

    Given code and layer energies, voxels are independent, each with a density by splines: what is not smooth, as
    voxels that are empty or not, is drawn and not blurred.
    """

    def __init__(self, geometry: Geometry, threshold: float, settings: Settings) -> None:
        super().__init__()
        self.settings, layers, voxels = settings, len(geometry.layers), geometry.voxels
        self.parts = [layers, settings.latent, voxels]
        self.noise, context = sum(self.parts), 1 + layers
        self.preprocessing = Preprocessing(geometry, threshold)
        self.layer_flow = coupling.flow(
            layers, 1, settings.layer_couplings, settings.layer_hidden, settings.bins, spline_couplings=True
        )
        self.encoder = perceptron([voxels + context, *settings.hidden, 2 * settings.latent], nn.SiLU)
        self.decoder = coupling.flow(voxels, settings.latent + context, 0, settings.hidden[::-1], settings.bins)
        self.code_flow = coupling.flow(
            settings.latent, context, settings.couplings, settings.code_hidden, settings.bins, spline_couplings=True
        )

    def learn(self, showers: Showers, held_out: Showers, seed: int) -> History:
        """First the bound of the autoencoder and the likelihood of layer energies, then the likelihood of codes."""
        shared = showers, held_out, self.settings, seed
        history = fit(self, self.preprocessing, self._loss, *shared, "an autoencoder of showers")
        fit(self.code_flow, self.preprocessing, self._code_loss, *shared, "a flow of codes")
        return history

    def _loss(self, showers: Prepared, generator: torch.Generator) -> Tensor:
        """The bound of the negative logarithm of the density of layers and voxels, (n,)."""
        noise = self.settings.smearing * torch.randn(showers.voxels.shape, generator=generator)
        code = self._code(showers)
        given = torch.cat([code.draw(generator), showers.context], dim=1)
        voxels: Tensor = self.decoder(given).log_prob(showers.voxels + noise)
        layers: Tensor = self.layer_flow(showers.condition).log_prob(showers.layers)
        return code.divergence() - voxels - layers

    def _code_loss(self, showers: Prepared, generator: torch.Generator) -> Tensor:
        """The negative logarithm of the density of codes, (n,)."""
        with torch.no_grad():
            code = self._code(showers).draw(generator)
        density: Tensor = self.code_flow(showers.context).log_prob(code)
        return -density

    def _code(self, showers: Prepared) -> Code:
        return Code.of(self.encoder(torch.cat([showers.voxels, showers.context], dim=1)))

    def forward(self, noise: Tensor, energies: Tensor) -> Tensor:
        """The voxels in MeV (n, voxels) of showers of particles of these energies in MeV (n,)."""
        layers, code, voxels = torch.split(noise, self.parts, dim=1)
        deposits = self.preprocessing.deposits(
            energies, coupling.drawn(self.layer_flow, layers, self.preprocessing.condition(energies))
        )
        context = self.preprocessing.context(energies, deposits)
        code = torch.cat([coupling.drawn(self.code_flow, code, context), context], dim=1)
        return self.preprocessing.shower(energies, deposits, coupling.drawn(self.decoder, voxels, code))
