"""Simulated events of all samples, their variations, and the histograms that they fill."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from resonaut.core.errors import ConfigError, EmptySelectionError, NotFiniteError
from resonaut.learn.inference.likelihood import Templates
from resonaut.learn.inference.measurement import Measurement

# Events whose variations are computed at once where no gradient is needed.
BLOCK = 20_000
Moved = Callable[[Tensor, Tensor, float], Tensor]


@dataclass(frozen=True)
class Copies:
    """The features of all events as they are with a nuisance at -1 and +1, both (n, d)."""

    down: Tensor
    up: Tensor

    def at(self, alpha: float, rows: Tensor, features: Tensor, sample: Tensor) -> Tensor:
        """Those of some rows."""
        del features, sample
        return (self.up if alpha > 0 else self.down)[rows]

    def rows(self, rows: Tensor) -> "Copies":
        """For some events."""
        return Copies(self.down[rows], self.up[rows])


@dataclass(frozen=True)
class Shift:
    """The features as a function of themselves (n, d), of the samples' numbers (n,), and of α."""

    function: Moved

    def at(self, alpha: float, rows: Tensor, features: Tensor, sample: Tensor) -> Tensor:
        """Those of some rows, whose features are given."""
        del rows
        return self.function(features, sample, alpha)

    def rows(self, rows: Tensor) -> "Shift":
        """For some events: it is the same."""
        del rows
        return self


@dataclass(frozen=True)
class Variation:
    """What a nuisance does to events: to their features, to their weights, down and up (n,), or to both."""

    features: Copies | Shift | None = None
    weights: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True)
class Events:
    """Events of all samples: features (n, d), weights (n,), numbers of the samples (n,), variations by nuisance.

    The weights of a sample sum to its expected yield. ``share``: of all simulated events that the fit will have, which
    have so much less statistical uncertainty.
    """

    features: Tensor
    weights: Tensor
    sample: Tensor
    variations: Mapping[str, Variation] = field(default_factory=dict)
    share: float = 1

    @classmethod
    def of(
        cls,
        measurement: Measurement,
        features: ArrayLike,
        weights: ArrayLike,
        sample: ArrayLike,
        shifted: Mapping[str, tuple[ArrayLike, ArrayLike] | Moved] | None = None,
        reweighted: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    ) -> "Events":
        """Events of arrays.

        Args:
            measurement: whose samples and nuisances they have.
            features: (n, d).
            weights: (n,).
            sample: their names, or their numbers in the measurement, (n,).
            shifted: of nuisances the features at -1 and +1, (n, d) each, or a function of features, sample numbers
                and α.
            reweighted: of nuisances the weights at -1 and +1, (n,) each.

        Raises:
            ConfigError: a nuisance or sample is unknown, or an array has another shape.
            EmptySelectionError: a signal has no events, or no positive yield.
            NotFiniteError: a feature or weight is NaN or infinite.
        """
        table = _finite("features", features, None, torch.float32)
        nominal = _finite("weights", weights, table.shape[:1], torch.float64)
        numbers = _numbers(measurement, sample)
        if numbers.shape != nominal.shape:
            raise ConfigError(f"sample: has the shape {tuple(numbers.shape)}, not {tuple(nominal.shape)}.")
        for name, scaled in measurement.signals.items():
            places = torch.tensor([list(measurement.samples).index(one) for one in scaled])
            if not nominal[torch.isin(numbers, places)].sum() > 0:
                raise EmptySelectionError(
                    f"the samples of {name}, {', '.join(scaled)}, have no positive yield; widen the cuts."
                )
        moved: dict[str, Copies | Shift] = {}
        for name, given in (shifted or {}).items():
            if callable(given):
                moved[name] = Shift(given)
            else:
                moved[name] = Copies(*(_finite(name, values, table.shape, torch.float32) for values in given))
        other = {
            name: tuple(_finite(name, values, nominal.shape, torch.float64) for values in pair)
            for name, pair in (reweighted or {}).items()
        }
        for name in (moved.keys() | other.keys()) - measurement.nuisances.keys():
            raise ConfigError(f"{name} varies events and is no nuisance of the measurement; add it, or leave it out.")
        variations = {
            name: Variation(moved.get(name), (other[name][0], other[name][1]) if name in other else None)
            for name in measurement.nuisances
            if name in moved or name in other
        }
        return cls(table, nominal, numbers, variations)

    def __len__(self) -> int:
        return len(self.features)

    def rows(self, rows: Tensor, factor: float = 1) -> "Events":
        """Some events, by numbers or a mask, with ``factor`` times their weights, the inverse of their share."""
        numbers = rows.nonzero().squeeze(1) if rows.dtype == torch.bool else rows
        variations = {
            name: Variation(
                one.features and one.features.rows(numbers),
                one.weights and (factor * one.weights[0][numbers], factor * one.weights[1][numbers]),
            )
            for name, one in self.variations.items()
        }
        return Events(
            self.features[numbers],
            factor * self.weights[numbers],
            self.sample[numbers],
            variations,
            self.share / factor,
        )

    def fill(self, shares: Callable[[Tensor], Tensor], samples: int, rows: Tensor | None = None) -> Templates:
        """The histograms of all samples, with a gradient if ``shares`` have one.

        Args:
            shares: of features (n, d) in the bins, (n, bins).
            samples: their number.
            rows: of the events, all by default. Weights are scaled to the yields of all events of each sample.
        """
        chosen = torch.arange(len(self)) if rows is None else rows
        features, sample = self.features[chosen], self.sample[chosen]
        factor = torch.ones(len(chosen), dtype=torch.float64)
        if rows is not None:
            count = [torch.bincount(one, minlength=samples).double() for one in (self.sample, sample)]
            factor = (count[0] / count[1].clamp(min=1))[sample]

        def spread(weights: Tensor) -> Tensor:
            table = torch.zeros(samples, len(chosen), dtype=torch.float64)
            table[sample, torch.arange(len(chosen))] = weights
            return table

        held = shares(features).double()
        nominal = spread(factor * self.weights[chosen])
        variance = spread(factor * self.weights[chosen].square()) @ held
        varied: tuple[list[Tensor], list[Tensor]] = [], []
        for one in self.variations.values():
            for side, alpha in enumerate((-1.0, 1.0)):
                weights = spread(factor * one.weights[side][chosen]) if one.weights is not None else nominal
                filled = weights @ held
                if one.features is not None:
                    there = one.features.at(alpha, chosen, features, sample)
                    # Most variations leave many events as they are.
                    changed = (there != features).any(dim=1).nonzero().squeeze(1)
                    filled = filled + weights[:, changed] @ (shares(there[changed]).double() - held[changed])
                varied[side].append(filled)
        empty = held.new_zeros(0, samples, held.shape[1])
        down, up = (torch.stack(side) if side else empty for side in varied)
        return Templates(nominal @ held, variance, down, up)

    def filled(self, shares: Callable[[Tensor], Tensor], samples: int) -> Templates:
        """``fill`` without a gradient, in blocks: memory does not grow with the number of events."""
        with torch.no_grad():
            blocks = [self.rows(rows).fill(shares, samples) for rows in torch.split(torch.arange(len(self)), BLOCK)]
        whole = blocks[0]
        for block in blocks[1:]:
            whole = whole.plus(block)
        return whole


def one_hot(bins: int, number: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The shares of events that lie each in one bin, whose ``number`` (n,) is a function of features (n, d)."""
    return lambda features: torch.nn.functional.one_hot(number(features), bins).double()


def _numbers(measurement: Measurement, sample: ArrayLike) -> Tensor:
    values = np.asarray(sample)
    if values.dtype.kind in "iu":
        if values.size and not 0 <= values.min() <= values.max() < len(measurement.samples):
            raise ConfigError(f"sample: its numbers are not from 0 to {len(measurement.samples) - 1}.")
        return torch.as_tensor(values.astype(np.int64))
    place = {name: number for number, name in enumerate(measurement.samples)}
    names, inverse = np.unique(values, return_inverse=True)
    for name in set(names.tolist()) - place.keys():
        raise ConfigError(f"sample: there is no {name!r} in the measurement; there are {', '.join(place)}.")
    return torch.as_tensor(np.array([place[name] for name in names.tolist()], dtype=np.int64)[inverse])


def _finite(name: str, values: ArrayLike, shape: Sequence[int] | None, kind: torch.dtype) -> Tensor:
    made = torch.as_tensor(np.asarray(values), dtype=kind)
    if made.shape != torch.Size(shape) if shape is not None else made.ndim != 2:
        wanted = "(n, d)" if shape is None else str(tuple(shape))
        raise ConfigError(f"{name}: has the shape {tuple(made.shape)}, not {wanted}.")
    if not made.isfinite().all():
        raise NotFiniteError(f"{name}: has NaN or infinities; cut these events, or give them a value.")
    return made
