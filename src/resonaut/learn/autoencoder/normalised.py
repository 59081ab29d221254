"""Normalised autoencoders: the reconstruction error as the energy of a density (Yoon, Noh, Park, arXiv:2105.05735).

p(x) = exp(-E(x) / T) / Z. A plain autoencoder may reproduce what it never saw. The gradient of the likelihood is the
difference of the energy's gradients at data and at events drawn from p, so that the training raises the energy of
whatever the network reproduces and the data have not (for jets: Dillon et al., arXiv:2206.14225).
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

# The chains live in a box, so that they cannot escape where the energy is flat: training ranges, and so much beyond.
MARGIN = 0.5
# A chain that is not taken from the buffer starts anywhere in the box of the codes.
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

    def __call__(self, energy: Callable[[Tensor], Tensor], start: Tensor, generator: torch.Generator) -> Tensor:
        """Where the chains that ``start`` there are after all steps, shape (n, d)."""
        x = start
        for _ in range(self.steps):
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(energy(x).sum(), x)
            noise = torch.randn(x.shape, generator=generator)
            moved = x - self.size**2 / 2 * gradient / self.temperature + self.size * noise
            x = moved.clamp(self.low, self.high)
        return x.detach()


class Sampler:
    """Events drawn from p: chains of codes, whose decoded events start chains of events (on-manifold initialisation).

    The chains of codes go on where they, in a buffer, ended the last time.
    """

    def __init__(self, network: Network, x: Tensor, settings: Settings, generator: torch.Generator) -> None:
        self.network, self.generator = network, generator
        with torch.no_grad():
            codes = network.encoder(x)
        self.codes = self._box(codes, settings.latent_steps, settings.latent_step_size, settings.temperature)
        self.events = self._box(x, settings.steps, settings.step_size, settings.temperature)
        self.buffer = codes[torch.randperm(len(x), generator=generator)[: settings.buffer]]

    @staticmethod
    def _box(values: Tensor, steps: int, size: float, temperature: float) -> Chain:
        low, high = values.amin(dim=0), values.amax(dim=0)
        beyond = MARGIN * values.std(dim=0)
        return Chain(steps, size, temperature, low - beyond, high + beyond)

    def draw(self, n: int) -> Tensor:
        """``n`` events, shape (n, d), standardised."""
        rows = torch.randint(len(self.buffer), (n,), generator=self.generator)
        anywhere = torch.rand((n, self.buffer.shape[1]), generator=self.generator)
        anywhere = self.codes.low + anywhere * (self.codes.high - self.codes.low)
        fresh = torch.rand((n, 1), generator=self.generator) < FRESH
        start = torch.where(fresh, anywhere, self.buffer[rows])
        code = self.codes(lambda z: self.network.error(self.network.decoder(z)), start, self.generator)
        self.buffer[rows] = code
        with torch.no_grad():
            decoded = self.network.decoder(code).clamp(self.events.low, self.events.high)
        return self.events(self.network.error, decoded, self.generator)


@dataclass(frozen=True)
class NormalisedAutoencoder:
    """A trained network, and the ``sampler`` as it was at the end of the training."""

    network: Network
    standard: Standard
    sampler: Sampler

    @classmethod
    def fit(
        cls,
        features: Features,
        keys: Keys | None = None,
        pretraining: Pretraining = PRETRAINING,
        settings: Settings = DEFAULT,
        seed: int = 1,
    ) -> "NormalisedAutoencoder":
        """Train on features, shape (n, d); depends on the events, their ``keys`` and ``seed``, not on their order.

        Raises:
            EmptySelectionError: there are too few events.
            NotFiniteError: the training diverges.
        """
        plain = Autoencoder.fit(features, keys, pretraining, seed)
        network, standard = plain.network, plain.standard
        x = standard(in_order(features, keys))
        generator = torch.Generator().manual_seed(seed)
        sampler = Sampler(network, x, settings, generator)

        def loss_of(rows: Tensor) -> Tensor:
            seen, negative = network.error(x[rows]), network.error(sampler.draw(len(rows)))
            # The energies' squares keep them near 0: their difference alone has no smallest value.
            square = (seen.square() + negative.square()).mean()
            loss: Tensor = (seen.mean() - negative.mean()) / settings.temperature + settings.regularisation * square
            return loss

        training.fit(
            network,
            loss_of,
            training.shuffled(len(x), settings.batch_size, generator),
            torch.optim.Adam(network.parameters(), lr=settings.learning_rate),
            settings.epochs,
            what="a normalised autoencoder",
            key="nae.learning_rate",
        )
        return cls(network, standard, sampler)

    def energy(self, features: Features) -> NDArray[np.float64]:
        """Of each event, shape (n,)."""
        return evaluate(self.network.error, self.standard(features))

    def draw(self, n: int) -> NDArray[np.float64]:
        """``n`` events of the learned density, shape (n, d), in the features' units."""
        drawn: NDArray[np.float64] = self.sampler.draw(n).numpy() * self.standard.std + self.standard.mean
        return drawn
