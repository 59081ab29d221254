"""QUAK: events by how unlike background and how like a signal prior they are (Park et al., arXiv:2011.03550).

One density learns background, another one a mixture of simulated signals; the losses -log p under both span a plane.
A signal that resembles the prior only roughly still lies apart from background in the plane.
"""

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.learn import ratio
from resonaut.learn.density.flow import Density
from resonaut.select import template
from resonaut.select.inputs import Inputs
from resonaut.select.methods.quak import QuakSettings
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData


class Quak:
    """The ratio step in the plane of losses, between the signal prior and the data's sidebands.

    Background's density comes from simulation if there is any, otherwise from the sidebands; neither densities nor
    the step of a fold know an event of the fold.
    """

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        own = settings.own(QuakSettings)
        self.inputs = Inputs.of(settings, "event", tuple(own.features))
        self.columns: tuple[str, ...] = self.inputs.columns
        self.classifier = settings.classifier
        self.density = settings.density
        self.prior = own.prior
        self.background_efficiency = settings.background_efficiency
        self.flows: list[tuple[Density, Density]] = []
        self.models: ratio.CrossFit | None = None

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train both densities and the step; returns their validation losses and the held-out AUC in the plane.

        Raises:
            ConfigError: a dataset of the prior is missing, or there is no simulated signal.
        """
        (values,) = self.inputs.compute(training.events, training.source)
        data = ratio.Sample(values, np.ones(len(values)), identifier.keys(training.events))
        sideband = data[training.regions.sideband]
        low, high = training.window.sidebands[0][0], training.window.sidebands[1][1]
        simulation = [template.simulated(self.inputs, dataset, low, high)[0] for dataset in training.backgrounds]
        background = ratio.Sample.concatenate(simulation) if simulation else sideband
        # Everything the prior knows, at any mass: it is a mixture of different resonances.
        signals = [template.simulated(self.inputs, dataset)[0] for dataset in self._prior(training.signals)]
        prior = ratio.Sample.concatenate(
            [ratio.Sample(s.features, s.weights / s.weights.sum(), s.keys) for s in signals]
        )
        flows = [
            template.densities(sample, None, self.classifier, self.density, purpose)
            for purpose, sample in enumerate((background, prior))
        ]
        self.flows = list(zip(*flows, strict=True))
        pairs = []
        for number in range(self.classifier.folds):
            seen = [self._plane(s[self._fold(s.keys) != number], number) for s in (prior, sideband)]
            pairs.append((seen[0], seen[1]))
        self.models = ratio.CrossFit.fit_pairs(pairs, self.classifier)
        scores = [self._probability(s.features, s.keys) for s in (prior, sideband)]
        area, error = ratio.auc(scores[0], scores[1], prior.weights, sideband.weights, learned=1)
        losses = [float(np.mean([flow.loss for flow in kind])) for kind in flows]
        return {"auc": area, "auc_error": error, "density_loss_background": losses[0], "density_loss_signal": losses[1]}

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The output of the models of the event's fold, in the plane of its fold's densities."""
        keys = identifier.keys(events)
        (values,) = self.inputs.compute(events, source)
        return Raw.alone(self._probability(values, keys), self._fold(keys), keys)

    def _prior(self, signals: list[Dataset]) -> list[Dataset]:
        """The datasets named in ``quak.prior``, or all: each counts the same."""
        names = [signal.name for signal in signals]
        missing = sorted(set(self.prior) - set(names))
        if missing or not signals:
            raise ConfigError(
                f"config: the method 'quak' learns its prior from {', '.join(missing) or 'simulated signals'}, and the "
                f"signals in search.samples.signal are {', '.join(names) or 'none'}; add the dataset, or correct "
                "select.quak.prior."
            )
        return [signal for signal in signals if not self.prior or signal.name in self.prior]

    def _fold(self, keys: identifier.Keys) -> NDArray[np.int64]:
        return identifier.folds(keys, self.classifier.folds, self.classifier.seed)

    def _plane(self, sample: ratio.Sample, number: int) -> ratio.Sample:
        """The sample with its losses under the two densities of a fold as features."""
        losses = np.column_stack([-flow.log_prob(sample.features) for flow in self.flows[number]])
        return ratio.Sample(losses.astype(np.float32), sample.weights, sample.keys)

    def _probability(self, values: NDArray[np.float32], keys: identifier.Keys) -> NDArray[np.float64]:
        assert self.models is not None, "fit first"
        result = np.empty(len(keys))
        fold = self._fold(keys)
        for number, model in enumerate(self.models.models):
            rows = fold == number
            if rows.any():
                sample = self._plane(ratio.Sample(values[rows], np.ones(int(rows.sum())), keys[rows]), number)
                result[rows] = model.probability(sample.features)
        return result
