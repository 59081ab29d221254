"""ANODE: the ratio of two densities, data in the signal region over data beside it (arXiv:2001.04990).

Both are learned directly, p(x | m_jj) inside, and outside and interpolated; their ratio needs no classifier and no
samples, and features may depend on m_jj. The price is that the signal has to be learned as a density.
"""

import awkward as ak
import numpy as np

from resonaut import identifier, ratio
from resonaut.density.flow import Density
from resonaut.select import template
from resonaut.select.inputs import Inputs
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training import Training


class Anode:
    """log p(x | m_jj, signal region) - log p(x | m_jj, beside it), each flow held out by folds.

    Events outside the signal region are taken at its nearest edge, where both densities mean something, so that
    the sidebands say how often background passes.
    """

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.inputs = Inputs.of(settings, "event")
        self.columns: tuple[str, ...] = self.inputs.columns
        self.classifier = settings.classifier
        self.density = settings.density
        self.background_efficiency = settings.background_efficiency
        self.range = (0.0, 0.0)
        self.inside: list[Density] = []
        self.outside: list[Density] = []

    def fit(self, training: Training) -> dict[str, float]:
        """Train both flows of each fold; returns their mean validation losses."""
        (values,) = self.inputs.compute(training.events, training.source)
        data = ratio.Sample(values, np.ones(len(values)), identifier.keys(training.events))
        m_jj = ak.to_numpy(training.events.m_jj)
        self.range = training.window.signal_region
        self.inside, self.outside = (
            template.densities(data[rows], m_jj[rows], self.classifier, self.density, purpose)
            for purpose, rows in enumerate((training.regions.signal, training.regions.beside))
        )
        losses = {"signal_region": self.inside, "beside": self.outside}
        return {f"density_loss_{name}": float(np.mean([flow.loss for flow in flows])) for name, flows in losses.items()}

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The log-ratio of the two flows that have not seen the event's fold."""
        assert self.inside, "fit first"
        keys = identifier.keys(events)
        fold = identifier.folds(keys, self.classifier.folds, self.classifier.seed)
        (values,) = self.inputs.compute(events, source)
        m_jj = template.clipped(events, *self.range)
        value = np.empty(len(keys))
        for number, (inside, outside) in enumerate(zip(self.inside, self.outside, strict=True)):
            rows = fold == number
            value[rows] = inside.log_prob(values[rows], m_jj[rows]) - outside.log_prob(values[rows], m_jj[rows])
        return Raw.alone(value, fold, keys)
