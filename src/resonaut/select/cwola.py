"""CWoLa Hunting: signal region against sidebands (Collins, Howe, Nachman, arXiv:1805.02664, 1902.02634).

If background features do not depend on m_jj, the optimal classifier between two mixtures with different
signal fractions is also optimal between signal and background (Metodiev, Nachman, Thaler, arXiv:1708.02949).
"""

import awkward as ak
import numpy as np

from resonaut import features, identifier, ratio
from resonaut.select.quantile import Raw
from resonaut.select.regions import Regions
from resonaut.select.settings import Settings


class Cwola:
    """The ratio step between the signal region and both sidebands, which count equally."""

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.features = settings.features
        self.columns: tuple[str, ...] = features.columns(settings.features)
        self.classifier = settings.classifier
        self.background_efficiency = settings.background_efficiency
        self.models: ratio.CrossFit | None = None

    def fit(self, events: ak.Array, regions: Regions, source: str) -> dict[str, float]:
        """Train on the window's events; returns the held-out AUC of the training task (0.5 without signal)."""
        sample = ratio.Sample(
            features.compute(events, self.features, source),
            np.where(regions.signal, 1.0, regions.sideband_weights()[regions.code]),
            identifier.keys(events),
        )
        signal, sideband = sample[regions.signal], sample[regions.sideband]
        self.models = ratio.CrossFit.fit(signal, sideband, self.classifier)
        f_signal, f_sideband = (self.models.probability(s.features, s.keys) for s in (signal, sideband))
        area, error = ratio.auc(f_signal, f_sideband, signal.weights, sideband.weights)
        return {"auc": area, "auc_error": error}

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The mean of the ensemble that has not seen the event's fold."""
        assert self.models is not None, "fit first"
        keys = identifier.keys(events)
        value = self.models.probability(features.compute(events, self.features, source), keys)
        return Raw(value, self.models.folds(keys), identifier.uniform(keys, 0))
