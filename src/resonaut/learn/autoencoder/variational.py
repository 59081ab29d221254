"""Variational autoencoders (Kingma, Welling, arXiv:1312.6114): how unlikely is an event, in nats.

Where an event has no more features than the bottleneck has numbers, a plain autoencoder reproduces everything. The loss
of a variational one bounds -log p(x) from above, whatever the size of its bottleneck.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from resonaut.core.identifier import Keys
from resonaut.learn.autoencoder.plain import Features, Standard, evaluate, in_order, minimise, perceptron
from resonaut.learn.autoencoder.settings import Settings
from resonaut.learn.losses import divergence
from resonaut.learn.training import untrained

DEFAULT = Settings()


@dataclass(frozen=True)
class Code:
    """Where the encoder puts events: Gaussians in the bottleneck, both numbers of shape (n, latent)."""

    mean: Tensor
    log_variance: Tensor

    @classmethod
    def of(cls, output: Tensor) -> "Code":
        """The two halves of an encoder's output, shape (n, 2 latent)."""
        mean, log_variance = output.chunk(2, dim=1)
        return cls(mean, log_variance)

    def draw(self, generator: torch.Generator) -> Tensor:
        """A point of each Gaussian."""
        return self.mean + (self.log_variance / 2).exp() * torch.randn(self.mean.shape, generator=generator)

    def divergence(self) -> Tensor:
        """The Kullback-Leibler divergence from the standard normal, shape (n,)."""
        return divergence(self.mean, self.log_variance)


class Network(nn.Module):
    """Encoder to a mean and a log variance of each number in the bottleneck, and decoder."""

    def __init__(self, features: int, settings: Settings) -> None:
        super().__init__()
        self.encoder = perceptron([features, *settings.hidden, 2 * settings.latent], nn.Tanh)
        self.decoder = perceptron([settings.latent, *settings.hidden[::-1], features], nn.Tanh)
        self.resolution = settings.resolution

    def loss(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """The bound without its constant, shape (n,); at the mean of the code if there is no generator."""
        code = Code.of(self.encoder(x))
        z = code.mean if generator is None else code.draw(generator)
        error = (self.decoder(z) - x).square().sum(dim=1) / (2 * self.resolution**2)
        loss: Tensor = error + code.divergence()
        return loss


@dataclass(frozen=True)
class Variational:
    """A trained network."""

    network: Network
    standard: Standard

    @classmethod
    def fit(
        cls, features: Features, keys: Keys | None = None, settings: Settings = DEFAULT, seed: int = 1
    ) -> "Variational":
        """Train on features, shape (n, d); depends on the events, their ``keys`` and ``seed``, not on their order.

        Without ``keys`` row numbers take their place, and the order matters.

        Raises:
            EmptySelectionError: there are too few events.
            NotFiniteError: the training diverges.
        """
        features = in_order(features, keys)
        standard = Standard.fit(features)
        network = untrained(lambda: Network(features.shape[1], settings), seed)
        x, generator = standard(features), torch.Generator().manual_seed(seed)
        minimise(network, lambda rows: network.loss(x[rows], generator).mean(), len(x), settings, seed)
        return cls(network, standard)

    def loss(self, features: Features) -> NDArray[np.float64]:
        """How unlikely each event is, shape (n,)."""
        return evaluate(lambda x: self.network.loss(x, None), self.standard(features))
