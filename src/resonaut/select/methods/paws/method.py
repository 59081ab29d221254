"""PAWS: a class of simulated signals, of which the data say which one is there (arXiv:2405.08889).

A network learns the ratio of signal and background at all parameters of the class at once. On the data only the
signal's share and its parameters are left to learn, however many features the network sees (Cheng, Singh, Nachman).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import awkward as ak
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.stats.qmc import Halton

from resonaut.core import identifier
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.learn import ratio
from resonaut.learn.ratio.crossfit import Model
from resonaut.select import template
from resonaut.select.inputs import Inputs
from resonaut.select.methods.paws import PawsSettings
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData

FloatArray = NDArray[np.float64]

# Tells the parameters that background events get from other random numbers.
PURPOSE = 70
# The least share of a signal that is tried.
LEAST = 1e-5
# Evaluations of the loss beyond those at the simulated signals, in each fold: all over the range, where signals between
# the simulated ones may be narrow, and in steps from the best.
EVERYWHERE, EVALUATIONS = 100, 60


@dataclass(frozen=True)
class Found:
    """What a fold's data say: the signal's share, its parameters, and the loss, that without a signal subtracted."""

    share: float
    parameters: FloatArray
    loss: float


class Paws:
    """p_signal / p_background at the parameters that the data of the other folds chose."""

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        own = settings.own(PawsSettings)
        self.inputs = Inputs.of(settings, "event", tuple(own.features))
        self.columns: tuple[str, ...] = self.inputs.columns
        # A tree's ratio does not change with the parameters but in steps.
        self.classifier = replace(settings.classifier, backend="network")
        self.background_efficiency = settings.background_efficiency
        self.parameters = {name: np.array(values) for name, values in own.parameters.items()}
        self.models: ratio.CrossFit | None = None
        self.found: list[Found] = []

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train on simulation, and find the parameters on data.

        Returns the means over the folds: share, parameters, and the loss, which is 0 without a signal.

        Raises:
            ConfigError: a signal of ``paws.parameters`` is missing.
        """
        self.models = self._pretrained(training)
        (values,) = self.inputs.compute(training.events, training.source)
        regions, keys = training.regions, identifier.keys(training.events)
        fold, weights = self.models.folds(keys), regions.sideband_weights()[regions.code]
        self.found = []
        for number, model in enumerate(self.models.models):
            seen = fold != number
            inside, beside = seen & regions.signal, seen & regions.sideband
            order = np.argsort(keys[inside], kind="stable"), np.argsort(keys[beside], kind="stable")
            data, reference = values[inside][order[0]], values[beside][order[1]]
            shares = weights[beside][order[1]] / weights[beside].sum()
            self.found.append(learned(model, data, reference, shares, np.array(list(self.parameters.values()))))
        means = np.mean([found.parameters for found in self.found], axis=0)
        return {
            "signal_share": float(np.mean([found.share for found in self.found])),
            "loss": float(np.mean([found.loss for found in self.found])),
            **{f"parameter_{i + 1}": float(mean) for i, mean in enumerate(means)},
        }

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The ratio by the networks and at the parameters that have not seen the event's fold."""
        assert self.models is not None, "fit first"
        keys = identifier.keys(events)
        (values,) = self.inputs.compute(events, source)
        fold, value = self.models.folds(keys), np.empty(len(keys))
        for number, (model, found) in enumerate(zip(self.models.models, self.found, strict=True)):
            rows = fold == number
            value[rows] = model.probability(joined(values[rows], found.parameters))
        return Raw.alone(value, fold, keys)

    def _pretrained(self, training: TrainingData) -> ratio.CrossFit:
        """Signals with their parameters against background with those of any signal, all as often."""
        grid = np.array(list(self.parameters.values()))
        low, high = training.window.sidebands[0][0], training.window.sidebands[1][1]
        backgrounds = [template.simulated(self.inputs, dataset, low, high)[0] for dataset in training.backgrounds]
        background = ratio.Sample.concatenate(backgrounds)
        seed = identifier.derived_seed(self.classifier.seed, PURPOSE)
        drawn = grid[(identifier.uniform(background.keys, seed) * len(grid)).astype(np.int64)]
        background = replace(background, features=joined(background.features, drawn))
        signals = []
        for name, values in self.parameters.items():
            events, _ = template.simulated(self.inputs, _named(name, training.signals))
            weights = events.weights / events.weights.sum()
            signals.append(ratio.Sample(joined(events.features, values), weights, events.keys))
        return ratio.CrossFit.fit(ratio.Sample.concatenate(signals), background, self.classifier)


def _named(name: str, signals: list[Dataset]) -> Dataset:
    for signal in signals:
        if signal.name == name:
            return signal
    raise ConfigError(
        f"config: select.paws.parameters names {name!r}, and there is no such simulated signal; add it, or take it out."
    )


def joined(features: NDArray[np.float32], parameters: FloatArray) -> NDArray[np.float32]:
    """Features and the parameters, those of each event or the same for all, shape (n, d + parameters)."""
    every = np.broadcast_to(parameters, (len(features), parameters.shape[-1]))
    return np.column_stack([features, every]).astype(np.float32)


def learned(
    model: Model, data: NDArray[np.float32], reference: NDArray[np.float32], weights: FloatArray, grid: FloatArray
) -> Found:
    """Share and parameters that tell data (n, d) best from a reference (m, d) with ``weights`` that sum to 1.

    The classifier between them is r / (1 + r), where r = 1 + w (f / (1 - f) - 1) is the ratio of data with a share w of
    signal to background (arXiv:2405.08889). The search begins at the best of the ``grid``, shape (points, parameters),
    and of points between, and stays in its range.
    """
    low, high = grid.min(axis=0), grid.max(axis=0)
    width = np.where(high > low, high - low, 1.0)

    def at(parameters: FloatArray) -> Found:
        signal, background = (_ratios(model, joined(events, parameters)) for events in (data, reference))
        loss = _cross_entropy(signal, background, weights)
        best = minimize_scalar(lambda log_share: loss(np.exp(log_share)), bounds=(np.log(LEAST), 0.0), method="bounded")
        return Found(float(np.exp(best.x)), parameters, float(best.fun))

    between = low + Halton(len(low), scramble=False).random(EVERYWHERE) * (high - low)
    start = min((at(point) for point in (*grid, *between)), key=lambda found: found.loss)
    every = [start]

    def loss_at(place: FloatArray) -> float:
        every.append(at(low + np.clip(place, 0, 1) * width))
        return every[-1].loss

    first = (start.parameters - low) / width
    corners = np.where(first < 0.5, first + 0.25, first - 0.25)
    simplex = np.vstack([first, np.where(np.eye(len(first), dtype=bool), corners, first)])
    options = {"initial_simplex": simplex, "maxfev": EVALUATIONS, "xatol": 0.005, "fatol": 1e-7}
    minimize(loss_at, first, method="Nelder-Mead", options=options)
    return min(every, key=lambda found: found.loss)


def _ratios(model: Model, events: NDArray[np.float32]) -> FloatArray:
    """Signal over background of each event, shape (n,)."""
    probability = np.clip(model.probability(events), 1e-12, 1 - 1e-12)
    found: FloatArray = probability / (1 - probability)
    return found


def _cross_entropy(data: FloatArray, reference: FloatArray, weights: FloatArray) -> Callable[[float], float]:
    """The mean loss at a share, from the signal's ratios of both samples; 0 without a signal."""

    def loss(share: float) -> float:
        first, second = (1 + share * (ratios - 1) for ratios in (data, reference))
        return float(np.mean(np.log1p(1 / first)) + weights @ np.log1p(second)) / 2 - math.log(2)

    return loss
