"""Normalised autoencoders: the reconstruction error as the energy of a density (Yoon, Noh, Park, arXiv:2105.05735).

p(x) = exp(-E(x) / T) / Z. A plain autoencoder may reproduce what it never saw. The gradient of the likelihood is the
difference of the energy's gradients at data and at events drawn from p, so that the training raises the energy of
whatever the network reproduces and the data have not (for jets: Dillon et al., arXiv:2206.14225). The difference of the
energies has no smallest value, and the training may diverge. The distance of optimal transport between data and drawn
events has one; its gradient goes through the chains that draw them (CMS, arXiv:2510.02168).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from resonaut.core.identifier import Keys
from resonaut.learn import training
from resonaut.learn.autoencoder.plain import Autoencoder, Features, Network, Standard, evaluate, in_order
from resonaut.learn.autoencoder.settings import Normalised as Settings
from resonaut.learn.autoencoder.settings import Settings as Pretraining
from resonaut.learn.losses import wasserstein

# The chains live in a box, so that they cannot escape where the energy is flat: training ranges, and so much beyond.
MARGIN = 0.5
# A chain that is not taken from the buffer starts anywhere in the box.
FRESH = 0.05
DEFAULT, PRETRAINING = Settings(), Pretraining()


@dataclass(frozen=True)
class Chain:
    """Langevin steps of a size and number in a box, at a temperature (arXiv:2105.05735, eq. 8)."""

    steps: int
    size: float
    temperature: float
    low: Tensor
    high: Tensor

    @torch.enable_grad()
    def __call__(
        self, energy: Callable[[Tensor], Tensor], start: Tensor, generator: torch.Generator, through: bool = False
    ) -> Tensor:
        """Where the chains that ``start`` there are after all steps, shape (n, d).

        ``through``: it depends on the energy's parameters, by every step.
        """
        x = start.detach().requires_grad_()
        for _ in range(self.steps):
            (gradient,) = torch.autograd.grad(energy(x).sum(), x, create_graph=through)
            noise = torch.randn(x.shape, generator=generator)
            moved = x - self.size**2 / 2 * gradient / self.temperature + self.size * noise
            x = moved.clamp(self.low, self.high)
            if not through:
                x = x.detach().requires_grad_()
        return x if through else x.detach()


class Sampler:
    """Events drawn from p by chains that go on where they, in a buffer, ended the last time.

    Those of codes, whose decoded events start chains of events (on-manifold initialisation, arXiv:2105.05735), or
    without latent steps those of events themselves (persistent contrastive divergence, T. Tieleman, ICML 2008, 1064).
    """

    def __init__(self, network: Network, x: Tensor, settings: Settings, generator: torch.Generator) -> None:
        self.network, self.generator = network, generator
        with torch.no_grad():
            codes = network.encoder(x)
        self.codes = self._box(codes, settings.latent_steps, settings.latent_step_size, settings.temperature)
        self.events = self._box(x, settings.steps, settings.step_size, settings.temperature)
        first = torch.randperm(len(x), generator=generator)[: settings.buffer]
        self.buffer = (codes if settings.latent_steps else x)[first]

    @staticmethod
    def _box(values: Tensor, steps: int, size: float, temperature: float) -> Chain:
        low, high = values.amin(dim=0), values.amax(dim=0)
        beyond = MARGIN * values.std(dim=0)
        return Chain(steps, size, temperature, low - beyond, high + beyond)

    def draw(self, n: int, through: bool = False) -> Tensor:
        """``n`` events, shape (n, d), standardised; ``through``: the chains of events have a gradient."""
        persistent = self.codes if self.codes.steps else self.events
        rows = torch.randint(len(self.buffer), (n,), generator=self.generator)
        anywhere = torch.rand((n, self.buffer.shape[1]), generator=self.generator)
        anywhere = persistent.low + anywhere * (persistent.high - persistent.low)
        fresh = torch.rand((n, 1), generator=self.generator) < FRESH
        start = torch.where(fresh, anywhere, self.buffer[rows])
        if self.codes.steps:
            code = self.codes(lambda z: self.network.error(self.network.decoder(z)), start, self.generator)
            self.buffer[rows] = code
            with torch.no_grad():
                start = self.network.decoder(code).clamp(self.events.low, self.events.high)
        events = self.events(self.network.error, start, self.generator, through)
        if not self.codes.steps:
            self.buffer[rows] = events.detach()
        return events


class Objective:
    """The loss of a batch, and the mean distance between events and drawn ones in an epoch, by which it is judged."""

    def __init__(self, x: Tensor, sampler: Sampler, settings: Settings) -> None:
        self.x, self.sampler, self.settings = x, sampler, settings
        self.distances: list[tuple[float, int]] = []

    def __call__(self, rows: Tensor) -> Tensor:
        """The loss of the events of these rows, and of as many drawn ones."""
        settings, error = self.settings, self.sampler.network.error
        transported = settings.loss == "wasserstein"
        events, drawn = self.x[rows], self.sampler.draw(len(rows), through=transported)
        distance = wasserstein(events, drawn)
        self.distances.append((distance.item(), len(rows)))
        if transported:
            return distance
        seen, negative = error(events), error(drawn)
        # The energies' squares keep them near 0: their difference alone has no smallest value.
        square = (seen.square() + negative.square()).mean()
        loss: Tensor = (seen.mean() - negative.mean()) / settings.temperature + settings.regularisation * square
        return loss

    def distance(self) -> float:
        """The mean since the last one was asked for."""
        distances, events = zip(*self.distances, strict=True)
        self.distances = []
        return float(np.average(distances, weights=events))


@dataclass(frozen=True)
class NormalisedAutoencoder:
    """A network as it was after the epoch with the smallest of the ``distances`` between events and drawn ones.

    The chains of the ``sampler`` go on where they were at the end of the training.
    """

    network: Network
    standard: Standard
    sampler: Sampler
    distances: list[float]

    @classmethod
    def fit(
        cls,
        features: Features,
        keys: Keys | None = None,
        pretraining: Pretraining = PRETRAINING,
        settings: Settings = DEFAULT,
        seed: int = 1,
        objective: type[Objective] = Objective,
    ) -> "NormalisedAutoencoder":
        """Train on features, shape (n, d); depends on the events, their ``keys`` and ``seed``, not on their order.

        ``objective`` may judge the epochs by another distance.

        Raises:
            EmptySelectionError: there are too few events.
            NotFiniteError: the training diverges.
        """
        plain = Autoencoder.fit(features, keys, pretraining, seed)
        network, standard = plain.network, plain.standard
        x = standard(in_order(features, keys))
        generator = torch.Generator().manual_seed(seed)
        sampler = Sampler(network, x, settings, generator)
        judged = objective(x, sampler, settings)
        optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        rate = None
        if settings.loss == "wasserstein":
            # With gradients through chains a training at a constant rate may leave its minimum again.
            steps = settings.epochs * -(-len(x) // settings.batch_size)
            rate = training.warm_up_cosine(optimizer, settings.learning_rate, steps, rising=0)
        history = training.fit(
            network,
            judged,
            training.shuffled(len(x), settings.batch_size, generator),
            optimizer,
            settings.epochs,
            rate=rate,
            held_out=judged.distance,
            keep_best=True,
            what="a normalised autoencoder",
            key="nae.learning_rate",
        )
        return cls(network, standard, sampler, history.held_out)

    def energy(self, features: Features) -> NDArray[np.float64]:
        """Of each event, shape (n,)."""
        return evaluate(self.network.error, self.standard(features))

    def draw(self, n: int) -> NDArray[np.float64]:
        """``n`` events of the learned density, shape (n, d), in the features' units."""
        drawn: NDArray[np.float64] = self.sampler.draw(n).numpy() * self.standard.std + self.standard.mean
        return drawn
