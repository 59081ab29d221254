"""An autoencoder of event or jet features: what it reproduces badly is unlike what it was trained on.

(Heimel et al., arXiv:1808.08979; Farina, Nakai, Shih, arXiv:1808.08992.)
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from resonaut.core.errors import EmptySelectionError, ResonautError
from resonaut.core.identifier import Keys
from resonaut.learn.autoencoder.settings import Settings

log = logging.getLogger(__name__)

Features = NDArray[np.float32]

N = TypeVar("N", bound=nn.Module)

# Rows are evaluated in blocks of one size: a row's last bits must not depend on its neighbours' number.
BLOCK = 4096
# Fewer events determine no network.
MIN_EVENTS = 20


class Schedule(Protocol):
    """What a training needs to know of its settings."""

    @property
    def epochs(self) -> int:
        """Passes over the events."""

    @property
    def batch_size(self) -> int:
        """Events in a step."""

    @property
    def learning_rate(self) -> float:
        """Largest step size of Adam."""


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

    def __call__(self, features: Features) -> Tensor:
        """Features of mean 0 and spread 1 among the training events, shape (n, d)."""
        return torch.as_tensor((features - self.mean) / self.std, dtype=torch.float32)


class Network(nn.Module):
    """Encoder and decoder, mirror images of each other.

    The hidden layers saturate (tanh), so that the network does not extrapolate: it reproduces no event that lies far
    beyond those it was trained on.
    """

    def __init__(self, features: int, settings: Settings) -> None:
        super().__init__()
        widths = [features, *settings.hidden, settings.latent]
        self.encoder = perceptron(widths, nn.Tanh)
        self.decoder = perceptron(widths[::-1], nn.Tanh)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction, shape (n, d)."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction


@dataclass(frozen=True)
class Autoencoder:
    """A trained network."""

    network: Network
    standard: Standard

    @classmethod
    def fit(cls, features: Features, keys: Keys, settings: Settings, seed: int) -> "Autoencoder":
        """Train on features, shape (n, d); depends on the events, their ``keys`` and ``seed``, not on their order.

        Raises:
            EmptySelectionError: there are too few events.
            ResonautError: the training diverges.
        """
        features = features[np.argsort(keys, kind="stable")]
        standard = Standard.fit(features)
        network = untrained(lambda: Network(features.shape[1], settings), seed)
        x = standard(features)
        minimise(network, lambda rows: squared_error(network, x[rows]).mean(), len(x), settings, seed)
        return cls(network, standard)

    def error(self, features: Features) -> NDArray[np.float64]:
        """Mean squared error of the standardised features, shape (n,)."""
        return in_blocks(lambda x: squared_error(self.network, x), self.standard(features))


def squared_error(network: nn.Module, x: Tensor) -> Tensor:
    """Of the reconstruction of each event, mean over its features, shape (n,)."""
    error: Tensor = (network(x) - x).square().mean(dim=1)
    return error


def perceptron(widths: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers of the given widths, with the activation between them."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


def untrained(make: Callable[[], N], seed: int) -> N:
    """A network whose first weights follow from ``seed``; the global generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def batches(n: int, settings: Schedule, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers of all batches of all epochs, in random order."""
    for _ in range(settings.epochs):
        yield from torch.split(torch.randperm(n, generator=generator), settings.batch_size)


def minimise(network: nn.Module, loss_of: Callable[[Tensor], Tensor], n: int, settings: Schedule, seed: int) -> None:
    """Train with Adam and the one-cycle rate; ``loss_of`` the row numbers of a batch.

    Raises:
        ResonautError: the loss is not finite.
    """
    generator = torch.Generator().manual_seed(seed)
    steps = settings.epochs * -(-n // settings.batch_size)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.learning_rate, max(steps, 2))
    network.train()
    loss = torch.zeros(())
    for rows in batches(n, settings, generator):
        loss = loss_of(rows)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        cycle.step()
    if not torch.isfinite(loss):
        raise ResonautError("the training of an autoencoder diverged; lower its learning_rate.")
    network.eval()
    log.info("autoencoder of %d events: last loss %.4f", n, loss.item())


@torch.no_grad()
def in_blocks(function: Callable[[Tensor], Tensor], x: Tensor) -> NDArray[np.float64]:
    """``function`` of each row, shape (n,)."""
    n = len(x)
    if not n:
        return np.empty(0)
    parts = torch.split(torch.arange(-(-n // BLOCK) * BLOCK) % n, BLOCK)
    result: NDArray[np.float64] = torch.cat([function(x[rows]) for rows in parts])[:n].double().numpy()
    return result
