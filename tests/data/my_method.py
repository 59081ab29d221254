"""How far an event is from those of the sidebands, in units of their spread."""

import numpy as np

from resonaut.core import identifier
from resonaut.core.record import key, record
from resonaut.select.catalogue import Entry
from resonaut.select.inputs import Inputs
from resonaut.select.quantile import Raw


@record
class DistanceSettings:
    """The method `distance`."""

    diagonal: bool = key("Leave the features' covariances out of the spread.", default=False)


class Distance:
    friends = ()

    def __init__(self, settings):
        self.inputs, self.own = Inputs.of(settings, "event"), settings.own(DistanceSettings)
        self.columns, self.background_efficiency = self.inputs.columns, settings.background_efficiency

    def fit(self, training):
        (values,) = self.inputs.compute(training.events, training.source)
        beside = values[training.regions.sideband]
        spread = np.diag(beside.var(axis=0)) if self.own.diagonal else np.cov(beside.T)
        self.mean, self.inverse = beside.mean(axis=0), np.linalg.inv(spread)
        return {"events": len(beside)}

    def raw(self, events, source):
        (values,) = self.inputs.compute(events, source)
        away, model = values - self.mean, np.zeros(len(events), int)
        return Raw.alone(np.einsum("ni,ij,nj->n", away, self.inverse, away), model, identifier.keys(events))


METHODS = {"distance": Entry("Distance", keys=("features", "mass_shift"), settings=DistanceSettings)}
