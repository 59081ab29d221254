"""CWoLa Hunting: signal region against sidebands (Collins, Howe, Nachman, arXiv:1805.02664, 1902.02634).

If background features do not depend on m_jj, the optimal classifier between two mixtures with different
signal fractions is also optimal between signal and background (Metodiev, Nachman, Thaler, arXiv:1708.02949).
"""

import awkward as ak
import numpy as np

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.select import kinematics
from resonaut.select.compared import held_out_auc
from resonaut.select.inputs import Inputs
from resonaut.select.methods.cwola import CwolaSettings
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings
from resonaut.select.training_data import TrainingData


class Cwola:
    """The ratio step between the signal region and both sidebands, which count equally.

    For the event as a whole, or for each jet by itself (``cwola.inputs: jets``), as CMS does.
    """

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        own = settings.own(CwolaSettings)
        self.inputs = Inputs.of(settings, own.inputs)
        self.columns: tuple[str, ...] = (*self.inputs.columns, *kinematics.columns(settings.pt_bins))
        self.combination = own.combination
        self.classifier = settings.classifier
        self.pt_bins = settings.pt_bins
        self.background_efficiency = settings.background_efficiency
        self.models: list[ratio.CrossFit] = []

    def fit(self, training: TrainingData) -> dict[str, float]:
        """Train on the window's events; returns the held-out AUC of the training task (0.5 without signal)."""
        events, regions = training.events, training.regions
        weights = np.where(regions.signal, 1.0, regions.sideband_weights()[regions.code])
        weights = kinematics.balanced(events, regions.signal, regions.sideband, weights, self.pt_bins)
        keys = identifier.keys(events)
        self.models, areas = [], []
        for part in self.inputs.compute(events, training.source):
            sample = ratio.Sample(part, weights, keys)
            signal, sideband = sample[regions.signal], sample[regions.sideband]
            model = ratio.CrossFit.fit(signal, sideband, self.classifier)
            self.models.append(model)
            areas.append(held_out_auc(model, signal, sideband))
        return {
            f"{name}{jet}": number
            for jet, area in zip(self.inputs.suffixes, areas, strict=True)
            for name, number in zip(("auc", "auc_error"), area, strict=True)
        }

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The mean of the ensemble that has not seen the event's fold; a column for each jet where they are apart."""
        keys = identifier.keys(events)
        parts = zip(self.models, self.inputs.compute(events, source), strict=True)
        value = np.column_stack([model.probability(part, keys) for model, part in parts])
        return Raw(value, self.models[0].folds(keys), identifier.uniform(keys, 0), self.combination)
