"""CATHODE: data of the signal region against events sampled from an interpolated density (arXiv:2109.00546).

A flow p(x | m_jj) learns all data beside the signal region; sampled at the masses of the signal region it is the
background there, as far as the features are smooth in m_jj. They may depend on m_jj, which CWoLa does not stand.
"""

import numpy as np

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.select import template
from resonaut.select.compared import Compared
from resonaut.select.methods.cathode import CathodeSettings
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData


class Cathode(Compared):
    """The ratio step between signal region and samples, with the flow and the classifiers of each fold apart."""

    def __init__(self, settings: Settings, extra: tuple[str, ...] = ()) -> None:
        super().__init__(settings, extra)
        self.density = settings.density
        self.oversampling = settings.own(CathodeSettings).oversampling

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train both steps.

        Returns the flows' mean validation loss and the held-out AUC of data against samples that no classifier saw.
        """
        (values,) = self.inputs.compute(training.events, training.source)
        data = ratio.Sample(values, np.ones(len(values)), identifier.keys(training.events))
        mass = training.mass
        beside, inside = training.regions.beside, training.regions.signal
        flows = template.densities(data[beside], mass[beside], self.classifier, self.density)
        signal, m_signal = data[inside], mass[inside]
        fold = identifier.folds(signal.keys, self.classifier.folds, self.classifier.seed)

        def sampled(number: int, n: int, purpose: int) -> ratio.Sample:
            """``n`` events of the fold's flow."""
            seeds = [identifier.derived_seed(self.classifier.seed, purpose + i, number) for i in range(3)]
            masses = template.masses(m_signal[fold != number], n, training.window, seeds[0])
            return template.artificial(flows[number].sample(masses, seeds[1]), seeds[2])

        pairs = []
        for number in range(self.classifier.folds):
            seen = signal[fold != number]
            pairs.append((seen, sampled(number, round(self.oversampling * len(seen.keys)), 10)))
        self.models = ratio.CrossFit.fit_pairs(pairs, self.classifier)
        fresh = [sampled(number, int(np.sum(fold == number)), 20) for number in range(self.classifier.folds)]
        background = np.concatenate(
            [model.probability(sample.features) for model, sample in zip(self.models.models, fresh, strict=True)]
        )
        held_out = self.models.probability(signal.features, signal.keys)
        # No model learned from the artificial events, half of the variance.
        area, error = ratio.auc(held_out, background, signal.weights, signal.weights, learned=0.5)
        loss = float(np.mean([flow.loss for flow in flows]))
        return {"auc": area, "auc_error": error, "density_loss": loss}


class CathodeB(Cathode):
    """CATHODE that knows about b jets too."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, tuple(settings.own(CathodeSettings).b_features))
