"""SALAD: data against simulation that was corrected in the sidebands (arXiv:2001.05001).

The ratio data / simulation as a function of the features and of m_jj is learned in the sidebands and interpolated:
m_jj is an input of this first step, and not of the second, data against corrected simulation of the signal region.
"""

import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.errors import ConfigError
from resonaut.learn import ratio
from resonaut.select import template
from resonaut.select.compared import Compared, held_out_auc
from resonaut.select.regions import Regions
from resonaut.select.training_data import TrainingData


class Salad(Compared):
    """Two ratio steps; in both the models of a fold know neither data nor simulation of the fold."""

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train both steps.

        Returns the held-out AUC of data against corrected simulation, and the one of the first step in the sidebands.

        Raises:
            ConfigError: there is no simulated background.
        """
        if not training.backgrounds:
            raise ConfigError(
                "config: the method 'salad' corrects simulated background, and there is none; name datasets "
                "in search.samples.background, or drop 'salad' from select.methods."
            )
        (values,) = self.inputs.compute(training.events, training.source)
        data = ratio.Sample(values, np.ones(len(values)), identifier.keys(training.events))
        low, high = training.window.sidebands[0][0], training.window.sidebands[1][1]
        parts = [template.simulated(self.inputs, dataset, low, high) for dataset in training.backgrounds]
        simulation, mass = ratio.Sample.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        there, here = Regions.of(mass, training.window), training.regions
        wide, wide_data = _with_mass(simulation, mass), _with_mass(data, training.mass)
        sidebands = wide_data[here.sideband], wide[there.sideband]
        correction = ratio.CrossFit.fit(*sidebands, self.classifier)

        signal, inside, wide = data[here.signal], simulation[there.signal], wide[there.signal]
        pairs = []
        for number, model in enumerate(correction.models):
            f = np.clip(model.probability(wide.features), 1e-6, 1 - 1e-6)
            corrected = ratio.Sample(inside.features, inside.weights * f / (1 - f), inside.keys)
            seen = [s[correction.folds(s.keys) != number] for s in (signal, corrected)]
            pairs.append((seen[0], seen[1]))
        self.models = ratio.CrossFit.fit_pairs(pairs, self.classifier)
        weights = inside.weights * correction.ratio(wide.features, wide.keys)
        area, error = held_out_auc(self.models, signal, ratio.Sample(inside.features, weights, inside.keys))
        return {"auc": area, "auc_error": error, "sideband_auc": held_out_auc(correction, *sidebands)[0]}


def _with_mass(sample: ratio.Sample, mass: NDArray[np.floating]) -> ratio.Sample:
    """The same events with the mass as their last feature."""
    return ratio.Sample(np.column_stack([sample.features, mass]).astype(np.float32), sample.weights, sample.keys)
