"""SALAD: data against simulation that was corrected in the sidebands (arXiv:2001.05001).

The ratio data / simulation as a function of the features and of m_jj is learned in the sidebands and interpolated:
m_jj is an input of this first step, and not of the second, data against corrected simulation of the signal region.
"""

import numpy as np

from resonaut.core import identifier
from resonaut.core.errors import ConfigError
from resonaut.learn import ratio
from resonaut.learn.ratio.conditional import Observed
from resonaut.learn.ratio.weights import UNCLIPPED, Weigher
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
        sample = ratio.Sample(values, np.ones(len(values)), identifier.keys(training.events))
        data = Observed(sample, training.mass)
        low, high = training.window.sidebands[0][0], training.window.sidebands[1][1]
        parts = [Observed(*template.simulated(self.inputs, one, low, high)) for one in training.backgrounds]
        simulation = Observed.concatenate(parts)
        here, there = training.regions, Regions.of(simulation.values, training.window)
        sidebands = data[here.sideband].joined, simulation[there.sideband].joined
        correction = Weigher.fit(*sidebands, self.classifier, UNCLIPPED)

        signal, inside = data[here.signal].sample, simulation[there.signal]
        factors = correction.factors(inside.joined.features, inside.sample.keys)
        pairs = []
        for number, factor in enumerate(factors["folds"].T):
            both = signal, inside.weighted(factor).sample
            seen = [s[correction.nominal.folds(s.keys) != number] for s in both]
            pairs.append((seen[0], seen[1]))
        self.models = ratio.CrossFit.fit_pairs(pairs, self.classifier)
        area, error = held_out_auc(self.models, signal, inside.weighted(factors[""][:, 0]).sample)
        return {"auc": area, "auc_error": error, "sideband_auc": held_out_auc(correction.nominal, *sidebands)[0]}
