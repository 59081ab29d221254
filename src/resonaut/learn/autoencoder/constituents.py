"""A variational autoencoder of a jet's constituents, as a set: neither encoder nor loss know an order of them.

As CMS's VAE-QR (EXO-22-026): the loss is the Chamfer distance between the constituents and the decoded ones, and the
divergence of the code.
"""

from dataclasses import dataclass

import awkward as ak
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from resonaut.core.errors import EmptySelectionError
from resonaut.core.identifier import Keys
from resonaut.learn.autoencoder.plain import Features, evaluate, in_order, minimise, perceptron
from resonaut.learn.autoencoder.settings import Constituents as Settings
from resonaut.learn.autoencoder.variational import Code
from resonaut.learn.losses import chamfer
from resonaut.learn.training import untrained

# Units of a constituent's part of pT and of its angles; with an angle as large as the jet's the loss is that of the
# momenta alone, and sees few prongs.
FRACTION, ANGLE = 0.1, 0.3
# Fewer jets determine no network.
MIN_JETS = 100
DEFAULT = Settings()


def columns(jet: str) -> tuple[str, ...]:
    """The stored columns that ``cloud`` needs."""
    return tuple(f"{jet}_{of}{name}" for of in ("", "pf_") for name in ("pt", "eta", "phi"))


def cloud(events: ak.Array, jet: str, size: int) -> Features:
    """The leading constituents of a jet relative to it, shape (n, size, 3): sqrt(z) (1, Delta eta, Delta phi).

    z is the part of the jet's pT in units of ``FRACTION``, and the angles are in units of ``ANGLE``. A squared distance
    of two such points counts an angle with the momentum, and a soft particle is close to none at all, which are the
    zeros at the end of a short list.
    """
    result = np.zeros((len(events), size, 3), dtype=np.float32)
    for i, name in enumerate(("pt", "eta", "phi")):
        padded = ak.fill_none(ak.pad_none(events[f"{jet}_pf_{name}"], size, clip=True), 0)
        result[:, :, i] = ak.to_numpy(padded)
        if name != "pt":
            result[:, :, i] -= ak.to_numpy(events[f"{jet}_{name}"])[:, np.newaxis]
    result[:, :, 2] = (result[:, :, 2] + np.pi) % (2 * np.pi) - np.pi
    result[:, :, 0] = np.sqrt(result[:, :, 0] / FRACTION / ak.to_numpy(events[f"{jet}_pt"])[:, np.newaxis])
    result[:, :, 1:] *= result[:, :, :1] / ANGLE
    return result


class Network(nn.Module):
    """A network for each particle, mean and maximum of its outputs, the code, and a decoder of all particles."""

    def __init__(self, size: int, settings: Settings) -> None:
        super().__init__()
        width, self.divergence_weight = settings.width, settings.divergence_weight
        self.particle = nn.Sequential(perceptron([3, width, width], nn.ReLU), nn.ReLU())
        self.encoder = perceptron([2 * width, width, 2 * settings.latent], nn.ReLU)
        self.decoder = perceptron([settings.latent, width, 2 * width, 3 * size], nn.ReLU)

    def loss(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Of each jet, shape (n,); at the mean of the code if there is no generator."""
        particles = self.particle(x)
        code = Code.of(self.encoder(torch.cat([particles.mean(dim=1), particles.amax(dim=1)], dim=1)))
        z = code.mean if generator is None else code.draw(generator)
        return chamfer(x, self.decoder(z).view(x.shape)) + self.divergence_weight * code.divergence()


@dataclass(frozen=True)
class ConstituentAutoencoder:
    """A trained network."""

    network: Network

    @classmethod
    def fit(
        cls, clouds: Features, keys: Keys | None = None, settings: Settings = DEFAULT, seed: int = 1
    ) -> "ConstituentAutoencoder":
        """Train on jets, shape (n, size, 3), with the ``keys`` of their events, shape (n,), which fix their order.

        Raises:
            EmptySelectionError: there are too few jets.
            NotFiniteError: the training diverges.
        """
        if len(clouds) < MIN_JETS:
            raise EmptySelectionError(
                f"{len(clouds)} jets are too few to train an autoencoder of constituents; use more data."
            )
        x = torch.as_tensor(in_order(clouds, keys))
        network = untrained(lambda: Network(clouds.shape[1], settings), seed)
        generator = torch.Generator().manual_seed(seed)
        minimise(network, lambda rows: network.loss(x[rows], generator).mean(), len(x), settings, seed)
        return cls(network)

    def loss(self, clouds: Features) -> NDArray[np.float64]:
        """Of each jet, shape (n,)."""
        return evaluate(lambda x: self.network.loss(x, None), torch.as_tensor(clouds))
