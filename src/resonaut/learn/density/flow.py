"""A conditional normalising flow: the density p(x | c) of event features x given a number c, mostly m_jj.

An autoregressive neural spline flow (Durkan et al., arXiv:1906.04032) after the preprocessing of CATHODE
(Hallin et al., arXiv:2109.00546): scaled to (0, 1) by the training range, logit, standardised.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import zuko
from numpy.typing import NDArray
from torch import Tensor, nn

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError, ResonautError
from resonaut.core.identifier import Keys, uniform
from resonaut.learn import training
from resonaut.learn.blocks import in_blocks
from resonaut.learn.density.settings import Settings
from resonaut.learn.training import untrained

Features = NDArray[np.float32]
Mask = NDArray[np.bool_]
Condition = NDArray[np.floating] | None

# Part of the unit interval at either end that stands for the edge of the training range and all beyond it.
MARGIN = 1e-2
# How often in a training the validation loss is looked at.
CHECKS = 20
# Below this the sample cannot be split into training and validation part.
MIN_EVENTS = 20
DEFAULT = Settings()


@dataclass(frozen=True)
class Preprocessing:
    """From features to numbers of order 1 on the whole axis; every array has the shape (d,)."""

    low: NDArray[np.float64]
    width: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def fit(cls, features: Features) -> "Preprocessing":
        """Learn ranges, means and spreads of the training events, shape (n, d)."""
        low, high = (edge.astype(np.float64) for edge in (features.min(axis=0), features.max(axis=0)))
        return cls.between(low, high, features)

    @classmethod
    def between(cls, low: NDArray[np.float64], high: NDArray[np.float64], features: Features) -> "Preprocessing":
        """Learn means and spreads alone, for ranges, shape (d,), that are known."""
        # A constant feature stays constant.
        width = np.where(high > low, high - low, 1.0)
        raw = cls(low, width, np.zeros_like(low), np.ones_like(low))
        logit = raw.forward(raw.unit(features))
        std = logit.std(axis=0)
        return cls(low, width, logit.mean(axis=0), np.where(std > 0, std, 1.0))

    def unit(self, features: Features) -> NDArray[np.float64]:
        """Features scaled into (0, 1); the edges of the training range and all beyond lie amid the margins."""
        u = MARGIN + (1 - 2 * MARGIN) * (features.astype(np.float64) - self.low) / self.width
        return np.where(u <= MARGIN, MARGIN / 2, np.where(u >= 1 - MARGIN, 1 - MARGIN / 2, u))

    def forward(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """The standardised logit of scaled features."""
        result: NDArray[np.float64] = (np.log(u) - np.log1p(-u) - self.mean) / self.std
        return result

    def log_jacobian(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of |dz/dx| of each event, shape (n,)."""
        scale = np.log((1 - 2 * MARGIN) / (self.width * self.std))
        result: NDArray[np.float64] = (scale - np.log(u) - np.log1p(-u)).sum(axis=1)
        return result

    def inverse(self, z: NDArray[np.float64]) -> Features:
        """Back to features; what falls into a margin becomes the edge of the training range."""
        u = 1 / (1 + np.exp(-np.clip(z * self.std + self.mean, -50, 50)))
        x = self.low + self.width * np.clip((u - MARGIN) / (1 - 2 * MARGIN), 0, 1)
        return x.astype(np.float32)


@dataclass(frozen=True)
class Density:
    """A trained flow. ``center`` and ``scale`` standardise the condition; ``loss`` is that of the validation part.

    Features outside the training range count as its edge, which is dealt with as an interval: the density there is
    finite, and an edge at which many events pile up (a ratio tau_n / tau_(n-1) of 0) is learned and sampled as such.
    """

    flow: zuko.lazy.Flow
    preprocessing: Preprocessing
    center: float
    scale: float
    loss: float

    @classmethod
    def fit(
        cls,
        features: Features,
        condition: Condition = None,
        weights: NDArray[np.float64] | None = None,
        keys: Keys | None = None,
        settings: Settings = DEFAULT,
        seed: int = 1,
    ) -> "Density":
        """Train a flow; what it learns depends on the events and ``seed``, and not on the order of the events.

        Args:
            features: shape (n, d), finite.
            condition: shape (n,), or None for a density without a condition.
            weights: shape (n,), of any scale; events are drawn for the batches in proportion to them; all 1 by default.
            keys: shape (n,), the events' hashes: they decide which events validate; row numbers by default.
            settings: the section ``density``.
            seed: of the first weights, the batches and the validation part.

        Raises:
            EmptySelectionError: too few events.
            ResonautError: a weight is negative.
            NotFiniteError: the training diverges.
        """
        weights = np.ones(len(features)) if weights is None else weights
        keys = identifier.rows(len(features)) if keys is None else keys
        order = np.argsort(keys, kind="stable")
        features, weights, keys = features[order], weights[order], keys[order]
        parts = split(weights, keys, settings.validation_fraction, seed)
        preprocessing = Preprocessing.fit(features[parts[0]])
        center, scale = 0.0, 1.0
        if condition is not None:
            condition = condition[order]
            center, scale = float(condition.mean()), float(condition.std()) or 1.0
        generator = torch.Generator().manual_seed(seed)
        z = torch.as_tensor(preprocessing.forward(spread(preprocessing.unit(features), generator)), dtype=torch.float32)
        flow = untrained(lambda: spline_flow(features.shape[1], condition is not None, settings), seed)
        tables = []
        for rows in parts:
            c = None if condition is None else _column((condition[rows] - center) / scale)
            tables.append((z[torch.as_tensor(rows)], c, torch.as_tensor(weights[rows], dtype=torch.float32)))
        loss = train(flow, tables[0], tables[1], settings, generator)
        return cls(flow, preprocessing, center, scale, loss)

    def log_prob(self, features: Features, condition: Condition = None) -> NDArray[np.float64]:
        """Logarithm of p(x | c) of each event, shape (n,), in the features' units."""
        u = self.preprocessing.unit(features)
        return self.inner(self.preprocessing.forward(u), condition) + self.preprocessing.log_jacobian(u)

    def inner(self, z: NDArray[np.float64], condition: Condition = None) -> NDArray[np.float64]:
        """Logarithm of p(z | c) of preprocessed events, shape (n,), in the flow's units."""
        return self._blocks(lambda flow, z: flow.log_prob(z), z, condition).astype(np.float64)

    def latent(self, features: Features, condition: Condition = None) -> Features:
        """Where the flow puts each event, shape (n, d): standard normal if it learned its density well."""
        z = self.preprocessing.forward(self.preprocessing.unit(features))
        return self._blocks(lambda flow, z: flow.transform(z), z, condition)

    def sample(self, condition: NDArray[np.floating], seed: int) -> Features:
        """One event for each value of the condition, shape (n, d)."""
        shape = (len(condition), len(self.preprocessing.low))
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).numpy()
        z = self._blocks(lambda flow, noise: flow.transform.inv(noise), noise, condition)
        return self.preprocessing.inverse(z.astype(np.float64))

    def _blocks(
        self,
        function: Callable[[zuko.distributions.NormalizingFlow, Tensor], Tensor],
        values: NDArray[np.floating],
        condition: Condition,
    ) -> Features:
        """``function`` of the flow at the condition, and of the values, shape (n, d)."""
        columns = [torch.as_tensor(values, dtype=torch.float32)]
        if condition is not None:
            columns.append(_column((condition - self.center) / self.scale))
        result: Features = in_blocks(lambda x, *c: function(self.flow(*c), x), *columns).numpy()
        return result


def split(weights: NDArray[np.float64], keys: Keys, fraction: float, seed: int) -> tuple[Mask, Mask]:
    """Which events train and which validate."""
    if np.any(weights < 0):
        raise ResonautError(
            f"{np.count_nonzero(weights < 0)} events have negative weights, from which no density can be "
            "learned; train on a sample with positive weights."
        )
    validating = uniform(keys, seed) < fraction
    parts = ~validating, validating
    if min(np.count_nonzero(weights[rows] > 0) for rows in parts) < MIN_EVENTS:
        raise EmptySelectionError(
            f"{len(keys)} events are too few to learn a density from; widen the mass ranges, or use larger samples."
        )
    return parts


def _column(values: NDArray[np.floating]) -> Tensor:
    return torch.as_tensor(values[:, np.newaxis], dtype=torch.float32)


def spread(u: NDArray[np.float64], generator: torch.Generator) -> NDArray[np.float64]:
    """Scaled features, of which those at an edge are spread over its margin: an atom has no density."""
    inside = MARGIN * (0.01 + 0.99 * torch.rand(u.shape, generator=generator, dtype=torch.float64).numpy())
    return np.where(np.minimum(u, 1 - u) < MARGIN, np.where(u < 0.5, inside, 1 - inside), u)


def spline_flow(features: int, conditional: bool, settings: Settings) -> zuko.lazy.Flow:
    """An untrained flow of so many features, given a number or none."""
    return zuko.flows.NSF(
        features,
        int(conditional),
        bins=settings.bins,
        transforms=settings.transforms,
        hidden_features=settings.hidden,
        activation=torch.nn.SiLU,
    )


Table = tuple[Tensor, Tensor | None, Tensor]


def train(flow: nn.Module, seen: Table, validation: Table, settings: Settings, generator: torch.Generator) -> float:
    """Maximise the likelihood with Adam and the one-cycle rate, and keep the best state; returns its loss.

    ``flow`` of the tables' second column, or of None, is a distribution of the first; the third one are weights.
    """
    z, c, weights = seen
    optimizer = torch.optim.Adam(flow.parameters(), lr=settings.learning_rate)
    draws = torch.multinomial(weights, settings.steps * settings.batch_size, replacement=True, generator=generator)
    epochs = torch.split(draws.view(settings.steps, -1), max(settings.steps // CHECKS, 1))
    history = training.fit(
        flow,
        lambda rows: -flow(None if c is None else c[rows]).log_prob(z[rows]).mean(),
        epochs,
        optimizer,
        len(epochs),
        rate=training.one_cycle(optimizer, settings.learning_rate, settings.steps, rising=0.2),
        held_out=lambda: validation[2] @ -flow(validation[1]).log_prob(validation[0]) / validation[2].sum(),
        keep_best=True,
        what="a density",
        key="density.learning_rate",
    )
    return min(history.held_out)
