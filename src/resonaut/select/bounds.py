"""What no search can have, as upper bounds for those it can: the idealised and the supervised classifier."""

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut import identifier, ratio
from resonaut.errors import ConfigError
from resonaut.events import Dataset
from resonaut.select.compared import Compared, held_out_auc
from resonaut.select.inputs import Inputs
from resonaut.select.settings import Window
from resonaut.select.training import Training


class Bound(Compared):
    """A classifier that has simulated background of the signal region to learn from."""

    def learn(self, numerator: ratio.Sample, denominator: ratio.Sample) -> dict[str, float]:
        """Train; returns the held-out AUC."""
        self.models = ratio.CrossFit.fit(numerator, denominator, self.classifier)
        area, error = held_out_auc(self.models, numerator, denominator)
        return {"auc": area, "auc_error": error}

    def simulated(self, datasets: list[Dataset], window: Window, kind: str) -> ratio.Sample:
        """The signal region's events of simulated datasets, by their cross sections.

        Raises:
            ConfigError: there are no datasets of this kind.
        """
        if not datasets:
            raise ConfigError(f"search.datasets has no {kind}, which this method learns from; add one, or drop it.")
        return ratio.Sample.concatenate([signal_region(self.inputs, dataset, window) for dataset in datasets])


class Ideal(Bound):
    """Data against pure background, both of the signal region: CATHODE with a perfect template (arXiv:2109.00546)."""

    def fit(self, training: Training) -> dict[str, float]:
        """Train on the data and on the datasets of the role ``background``."""
        rows = training.regions.signal
        events = training.events[rows]
        (values,) = self.inputs.compute(events, training.source)
        data = ratio.Sample(values, np.ones(len(events)), identifier.keys(events))
        return self.learn(data, self.simulated(training.backgrounds, training.window, "background"))


class Supervised(Bound):
    """Signal against background with labels, both of the signal region."""

    def fit(self, training: Training) -> dict[str, float]:
        """Train on the simulated signals, or the injected one, and on the datasets of the role ``background``."""
        signals = [s for s in training.signals if training.injected in (None, s.name)]
        signal = self.simulated(signals, training.window, "signal")
        return self.learn(signal, self.simulated(training.backgrounds, training.window, "background"))


def signal_region(inputs: Inputs, dataset: Dataset, window: Window) -> ratio.Sample:
    """The weighted events of a simulated dataset in a window's signal region."""
    low, high = window.signal_region
    events = dataset.read(("m_jj", "weight", *inputs.columns))
    m_jj = ak.to_numpy(events.m_jj)
    rows: NDArray[np.bool_] = (m_jj >= low) & (m_jj < high)
    (values,) = inputs.compute(events[rows], dataset.name)
    return ratio.Sample(values, ak.to_numpy(events.weight)[rows].astype(np.float64), identifier.keys(events[rows]))
