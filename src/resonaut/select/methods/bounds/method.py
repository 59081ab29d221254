"""What no search can have, to compare with what it can: the idealised and the supervised classifier."""

from dataclasses import replace

import numpy as np

from resonaut.core import identifier
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.learn import ratio
from resonaut.select import template
from resonaut.select.compared import Compared, held_out_auc
from resonaut.select.settings import Window
from resonaut.select.training_data import TrainingData

# scikit-learn's default. Chance clusters of events in so small leaves would spoil a significance; bounds claim none.
MIN_LEAF_EVENTS = 20


class Bound(Compared):
    """A classifier that has simulated background to learn from."""

    def learn(self, numerator: ratio.Sample, denominator: ratio.Sample) -> dict[str, float]:
        """Train; returns the held-out AUC."""
        trees = self.classifier.trees
        fine = replace(trees, min_leaf_events=min(trees.min_leaf_events, MIN_LEAF_EVENTS))
        self.models = ratio.CrossFit.fit(numerator, denominator, replace(self.classifier, trees=fine))
        area, error = held_out_auc(self.models, numerator, denominator)
        return {"auc": area, "auc_error": error}

    def simulated(self, datasets: list[Dataset], window: Window | None, kind: str) -> ratio.Sample:
        """The events of simulated datasets, by their cross sections: those of a window's signal region, or all.

        Raises:
            ConfigError: there are no datasets of this kind.
        """
        if not datasets:
            raise ConfigError(
                f"the search has no simulated {kind}, which this method learns from; name it in search.samples, or "
                "drop it."
            )
        ends = window.signal_region if window else (-np.inf, np.inf)
        return ratio.Sample.concatenate([template.simulated(self.inputs, one, *ends)[0] for one in datasets])


class Ideal(Bound):
    """Data against pure background, both of the signal region: CATHODE with a perfect template (arXiv:2109.00546)."""

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train on the data and on the simulated backgrounds."""
        rows = training.regions.signal
        events = training.events[rows]
        (values,) = self.inputs.compute(events, training.source)
        data = ratio.Sample(values, np.ones(len(events)), identifier.keys(events))
        return self.learn(data, self.simulated(training.backgrounds, training.window, "background"))


class Supervised(Bound):
    """Signal against background with labels, at all masses: the more events, the better the bound."""

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train on the simulated signals, or the injected one, and on the simulated backgrounds."""
        signals = [s for s in training.signals if training.injected in (None, s.name)]
        signal = self.simulated(signals, None, "signal")
        return self.learn(signal, self.simulated(training.backgrounds, None, "background"))
