"""ANODE: the ratio of two densities, data in the signal region over data beside it (arXiv:2001.04990).

Both are learned directly, p(x | m_jj) inside, and outside and interpolated; their ratio needs no classifier and no
samples, and features may depend on m_jj. The price is that the signal has to be learned as a density.
"""

import awkward as ak
import numpy as np

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.learn.density.flow import Density
from resonaut.select import template
from resonaut.select.inputs import Inputs
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData


class Anode:
    """log p(x | m_jj, signal region) - log p(x | m_jj, beside it), each flow held out by folds.

    All events, those of the signal region included, are taken at one mass of their fold, the signal region's median,
    so that the sidebands say how often background passes: the inner density is learned from few events, and at the
    edges, where it is least certain, the ratio has longer tails than in the middle.
    """

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.inputs = Inputs.of(settings, "event")
        self.columns: tuple[str, ...] = self.inputs.columns
        self.classifier = settings.classifier
        self.density = settings.density
        self.background_efficiency = settings.background_efficiency
        self.masses: list[float] = []
        self.inside: list[Density] = []
        self.outside: list[Density] = []

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train both flows of each fold; returns their mean validation losses."""
        (values,) = self.inputs.compute(training.events, training.source)
        data = ratio.Sample(values, np.ones(len(values)), identifier.keys(training.events))
        mass = training.mass
        inside = training.regions.signal
        fold = identifier.folds(data.keys, self.classifier.folds, self.classifier.seed)
        self.masses = [float(np.median(mass[inside & (fold != n)])) for n in range(self.classifier.folds)]
        self.inside, self.outside = (
            template.densities(data[rows], mass[rows], self.classifier, self.density, purpose)
            for purpose, rows in enumerate((inside, training.regions.beside))
        )
        losses = {"signal_region": self.inside, "beside": self.outside}
        return {f"density_loss_{name}": float(np.mean([flow.loss for flow in flows])) for name, flows in losses.items()}

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The log-ratio of the two flows that have not seen the event's fold."""
        assert self.inside, "fit first"
        keys = identifier.keys(events)
        fold = identifier.folds(keys, self.classifier.folds, self.classifier.seed)
        (values,) = self.inputs.compute(events, source)
        value = np.empty(len(keys))
        for number, (inside, outside, mass) in enumerate(zip(self.inside, self.outside, self.masses, strict=True)):
            rows = fold == number
            at = np.full(int(np.sum(rows)), mass)
            value[rows] = inside.log_prob(values[rows], at) - outside.log_prob(values[rows], at)
        return Raw.alone(value, fold, keys)
