"""LaCATHODE: CATHODE in the latent space of its flow (Hallin et al., arXiv:2210.14924).

The flow of the data beside the signal region makes a standard normal of background at every m_jj. A classifier that
only sees where the flow puts an event cannot learn m_jj, and does not sculpt, however much features depend on m_jj.
"""

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.learn.density.flow import Density
from resonaut.select import template
from resonaut.select.inputs import Inputs
from resonaut.select.methods.cathode import CathodeSettings
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData


class Lacathode:
    """The ratio step between the signal region, in the latent space of each fold's flow, and a standard normal."""

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.inputs = Inputs.of(settings, "event")
        self.columns: tuple[str, ...] = self.inputs.columns
        self.classifier = settings.classifier
        self.density = settings.density
        self.oversampling = settings.own(CathodeSettings).oversampling
        self.background_efficiency = settings.background_efficiency
        self.range = (0.0, 0.0)
        self.flows: list[Density] = []
        self.models: ratio.CrossFit | None = None

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train both steps; returns the flows' mean validation loss and the held-out AUC of data against normal."""
        (values,) = self.inputs.compute(training.events, training.source)
        data = ratio.Sample(values, np.ones(len(values)), identifier.keys(training.events))
        mass = training.mass
        beside, inside = training.regions.beside, training.regions.signal
        self.range = (float(mass.min()), float(mass.max()))
        self.flows = template.densities(data[beside], mass[beside], self.classifier, self.density)
        signal, m_signal = data[inside], mass[inside]
        fold = identifier.folds(signal.keys, self.classifier.folds, self.classifier.seed)

        def normal(number: int, n: int, purpose: int) -> ratio.Sample:
            seed = identifier.derived_seed(self.classifier.seed, purpose, number)
            shape = (n, values.shape[1])
            return template.artificial(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32), seed)

        pairs = []
        for number, flow in enumerate(self.flows):
            seen = signal[fold != number]
            latent = ratio.Sample(flow.latent(seen.features, m_signal[fold != number]), seen.weights, seen.keys)
            pairs.append((latent, normal(number, round(self.oversampling * len(seen.keys)), 10)))
        self.models = ratio.CrossFit.fit_pairs(pairs, self.classifier)
        background = [
            model.probability(normal(number, int(np.sum(fold == number)), 20).features)
            for number, model in enumerate(self.models.models)
        ]
        held_out = self._probability(signal.features, m_signal, signal.keys)
        # No model learned from the artificial events, half of the variance.
        area, error = ratio.auc(held_out, np.concatenate(background), signal.weights, signal.weights, learned=0.5)
        loss = float(np.mean([flow.loss for flow in self.flows]))
        return {"auc": area, "auc_error": error, "density_loss": loss}

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The output of the models of the event's fold, in the latent space of the flow of its fold."""
        assert self.models is not None, "fit first"
        keys = identifier.keys(events)
        (values,) = self.inputs.compute(events, source)
        # The flow knows nothing about masses beyond those of the data.
        mass = np.clip(self.inputs.mass(events).astype(np.float64), *self.range)
        value = self._probability(values, mass, keys)
        return Raw.alone(value, self.models.folds(keys), keys)

    def _probability(
        self, values: NDArray[np.float32], mass: NDArray[np.floating], keys: identifier.Keys
    ) -> NDArray[np.float64]:
        assert self.models is not None, "fit first"
        latent = np.empty_like(values)
        fold = self.models.folds(keys)
        for number, flow in enumerate(self.flows):
            rows = fold == number
            latent[rows] = flow.latent(values[rows], mass[rows])
        return self.models.probability(latent, keys)
