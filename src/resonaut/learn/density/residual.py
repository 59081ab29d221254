"""What a sample has beside a known density: a mixture of which one part is learned, and its share (R-ANODE).

p(x, c) = w p_S(x, c) + (1 - w) p_B(x | c) p_B(c), with p_B as it is (Das, Kasieczka, Shih, arXiv:2312.11629). A
flow of the signal alone need not learn the background again, in which ANODE loses a weak one. The odds are determined
where the signal is; w is from below alone, as a p_S that holds some background, with a larger w, is the same mixture.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import zuko
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from resonaut.core.identifier import Keys
from resonaut.learn.blocks import in_blocks
from resonaut.learn.density.flow import Density, Features, Preprocessing, spline_flow, split, spread, train
from resonaut.learn.density.settings import Settings
from resonaut.learn.training import untrained

# The logit of the share moves so much faster than the weights of the flow, or the signal would outgrow it.
SPEED = 10.0

LogDensity = Callable[[NDArray[np.floating]], NDArray[np.float64]]


@dataclass(frozen=True)
class Known:
    """The background: p(x | c) of a flow, and log p(c), between ``low`` and ``high``."""

    flow: Density
    log_spectrum: LogDensity
    low: float
    high: float


@dataclass(frozen=True)
class Mixed:
    """The mixture at events whose background density is known: the logarithm of it, shape (n, 1)."""

    signal: zuko.distributions.NormalizingFlow
    logit: Tensor
    background: Tensor

    def log_prob(self, z: Tensor) -> Tensor:
        """Of each event, shape (n,)."""
        signal = logsigmoid(self.logit) + self.signal.log_prob(z)
        return torch.logaddexp(signal, logsigmoid(-self.logit) + self.background[:, 0])


class Mixture(nn.Module):
    """The flow of the signal and its share; a function of the background's densities."""

    def __init__(self, features: int, share: float, settings: Settings) -> None:
        super().__init__()
        self.signal = spline_flow(features, False, settings)
        self.slow = nn.Parameter(torch.tensor(share).logit() / SPEED)

    @property
    def logit(self) -> Tensor:
        """The logarithm of the share over that of the background."""
        return SPEED * self.slow

    def forward(self, background: Tensor) -> Mixed:
        """The mixture at these events."""
        return Mixed(self.signal(), self.logit, background)


class Whole(nn.Module):
    """The signal's flow as the density of all events: of the mixture with a share of 1."""

    def __init__(self, mixture: Mixture) -> None:
        super().__init__()
        self.signal = mixture.signal

    def forward(self, background: Tensor) -> zuko.distributions.NormalizingFlow:
        """The same whatever the background."""
        del background
        return self.signal()


@dataclass(frozen=True)
class Residual:
    """A trained mixture; ``loss`` is that of the validation part in the flow's units."""

    known: Known
    mixture: Mixture
    condition: Preprocessing
    loss: float

    @classmethod
    def fit(
        cls,
        features: Features,
        condition: NDArray[np.floating],
        known: Known,
        share: float,
        keys: Keys,
        settings: Settings,
        seed: int,
    ) -> "Residual":
        """Train the signal's flow and share; depends on the events and ``seed``, not on the order of the events.

        The flow begins as the density of all events, whose odds against the background are the largest where the signal
        is. From untrained weights it finds a weak signal in some trainings only.

        Args:
            features: shape (n, d), finite; those of the background's flow.
            condition: shape (n,), in the background's range.
            known: the background.
            share: of the signal, where the training begins.
            keys: shape (n,), the events' hashes: they decide which events validate.
            settings: the section ``density``.
            seed: of the first weights, the batches and the validation part.

        Raises:
            EmptySelectionError: too few events.
            NotFiniteError: the training diverges.
        """
        order = np.argsort(keys, kind="stable")
        features, condition, keys = features[order], condition[order], keys[order]
        weights, generator = np.ones(len(keys)), torch.Generator().manual_seed(seed)
        edges = np.array([known.low]), np.array([known.high])
        preprocessing = Preprocessing.between(*edges, _column(condition))
        mixture = untrained(lambda: Mixture(features.shape[1] + 1, share, settings), seed)
        residual = cls(known, mixture, preprocessing, np.nan)
        z, background = residual._prepared(features, condition, generator)
        tables = []
        for mask in split(weights, keys, settings.validation_fraction, seed):
            rows = torch.as_tensor(mask)
            tables.append((z[rows], background[rows], torch.ones(len(z))[rows]))
        seen, validation = tables
        train(Whole(mixture), seen, validation, settings, generator)
        return cls(known, mixture, preprocessing, train(mixture, seen, validation, settings, generator))

    @property
    def share(self) -> float:
        """The part of the events that is of the signal's flow."""
        return self.mixture.logit.detach().sigmoid().item()

    def log_odds(self, features: Features, condition: NDArray[np.floating]) -> NDArray[np.float64]:
        """Logarithm of w p_S(x, c) / ((1 - w) p_B(x, c)) of each event, shape (n,)."""
        z, background = self._prepared(features, condition)
        signal = in_blocks(lambda z: self.mixture.signal().log_prob(z), z)
        odds: NDArray[np.float64] = (self.mixture.logit.detach() + signal - background[:, 0]).double().numpy()
        return odds

    def _prepared(
        self, features: Features, condition: NDArray[np.floating], generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """What the signal's flow sees, and log p_B in its units, shape (n, 1); edges are spread with a generator.

        The features are preprocessed as for the background's flow: both densities then have the same Jacobian.
        """
        parts = (self.known.flow.preprocessing, features), (self.condition, _column(condition))
        u, of_condition = (preprocessing.unit(values) for preprocessing, values in parts)
        if generator is not None:
            u, of_condition = spread(u, generator), spread(of_condition, generator)
        x, c = self.known.flow.preprocessing.forward(u), self.condition.forward(of_condition)
        background = self.known.flow.inner(x, condition) + self.known.log_spectrum(condition)
        background -= self.condition.log_jacobian(of_condition)
        z = torch.as_tensor(np.hstack([x, c]), dtype=torch.float32)
        return z, torch.as_tensor(background[:, np.newaxis], dtype=torch.float32)


def _column(values: NDArray[np.floating]) -> Features:
    return values[:, np.newaxis].astype(np.float32)
