"""An autoencoder of event or jet features: what it reproduces badly is unlike what it was trained on.

(Heimel et al., arXiv:1808.08979; Farina, Nakai, Shih, arXiv:1808.08992.)
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from resonaut.core.errors import EmptySelectionError
from resonaut.core.identifier import Keys
from resonaut.learn import training
from resonaut.learn.autoencoder.settings import Plain
from resonaut.learn.blocks import in_blocks
from resonaut.learn.losses import squared_error
from resonaut.learn.training import untrained

Features = NDArray[np.float32]

# Fewer events determine no network.
MIN_EVENTS = 20
DEFAULT = Plain()


@dataclass(frozen=True)
class Standard:
    """Mean and spread of each feature among the training events, shape (d,)."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def fit(cls, features: Features) -> "Standard":
        """Learn from features, shape (n, d); a constant one stays constant.

        Raises:
            EmptySelectionError: there are too few events to learn from.
        """
        if len(features) < MIN_EVENTS:
            raise EmptySelectionError(
                f"{len(features)} events are too few to train an autoencoder; widen the mass ranges, or use more data."
            )
        std = features.std(axis=0, dtype=np.float64)
        return cls(features.mean(axis=0, dtype=np.float64), np.where(std > 0, std, 1.0))

    @classmethod
    def unchanged(cls, features: int) -> "Standard":
        """Leaves features of one size already as they are."""
        return cls(np.zeros(features), np.ones(features))

    def __call__(self, features: Features) -> Tensor:
        """Features of mean 0 and spread 1 among the training events, shape (n, d)."""
        return torch.as_tensor((features - self.mean) / self.std, dtype=torch.float32)


class Network(nn.Module):
    """Encoder and decoder, mirror images of each other.

    The hidden layers saturate (tanh), so that the network does not extrapolate: it reproduces no event that lies far
    beyond those it was trained on.
    """

    def __init__(self, features: int, settings: Plain) -> None:
        super().__init__()
        widths = [features, *settings.hidden, settings.latent]
        self.encoder = perceptron(widths, nn.Tanh)
        self.decoder = perceptron(widths[::-1], nn.Tanh)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction, shape (n, d)."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction

    def error(self, x: Tensor) -> Tensor:
        """Squared error of the reconstruction of each event, mean over its features, shape (n,)."""
        return squared_error(self(x), x)


@dataclass(frozen=True)
class Autoencoder:
    """A trained network."""

    network: Network
    standard: Standard

    @classmethod
    def fit(
        cls,
        features: Features,
        keys: Keys | None = None,
        settings: Plain = DEFAULT,
        seed: int = 1,
        standard: Standard | None = None,
    ) -> "Autoencoder":
        """Train on features, shape (n, d); depends on the events, their ``keys`` and ``seed``, not on their order.

        Without ``keys`` row numbers take their place, and the order matters; without a ``standard`` that of these
        events.

        Raises:
            EmptySelectionError: there are too few events.
            NotFiniteError: the training diverges.
        """
        features = in_order(features, keys)
        standard = standard or Standard.fit(features)
        network = untrained(lambda: Network(features.shape[1], settings), seed)
        x = standard(features)
        minimise(network, lambda rows: network.error(x[rows]).mean(), len(x), settings, seed)
        return cls(network, standard)

    def error(self, features: Features) -> NDArray[np.float64]:
        """Mean squared error of the standardised features, shape (n,)."""
        return evaluate(self.network.error, self.standard(features))


def perceptron(widths: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers of the given widths, with the activation between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


def minimise(
    network: nn.Module, loss_of: Callable[[Tensor], Tensor], n: int, settings: training.Schedule, seed: int
) -> None:
    """Train with Adam and the one-cycle rate; ``loss_of`` the row numbers of a batch.

    Raises:
        NotFiniteError: the loss is not finite.
    """
    batches = training.shuffled(n, settings.batch_size, torch.Generator().manual_seed(seed))
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    rate = training.one_cycle(optimizer, settings.learning_rate, settings.epochs * -(-n // settings.batch_size))
    training.fit(
        network, loss_of, batches, optimizer, settings.epochs, rate=rate, what="an autoencoder", key="its learning_rate"
    )


def in_order(values: Features, keys: Keys | None) -> Features:
    """Values in the order of the events' keys, whatever that of rows and files; as they are without keys."""
    return values if keys is None else values[np.argsort(keys, kind="stable")]


def evaluate(function: Callable[[Tensor], Tensor], x: Tensor) -> NDArray[np.float64]:
    """``function`` of each row, shape (n,)."""
    result: NDArray[np.float64] = in_blocks(function, x).double().numpy()
    return result
