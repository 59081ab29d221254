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

    shrinkage: float = key("Part of the features' covariances that is left out.", default=0.0, ge=0, lt=1)


class Distance:
    friends = ()

    def __init__(self, settings):
        self.inputs = Inputs.of(settings, "event")
        self.columns = self.inputs.columns
        self.background_efficiency = settings.background_efficiency
        self.shrinkage = settings.own(DistanceSettings).shrinkage

    def fit(self, training):
        (values,) = self.inputs.compute(training.events, training.source)
        beside = values[training.regions.sideband]
        covariance = np.cov(beside.T)
        covariance += self.shrinkage * (np.diag(np.diag(covariance)) - covariance)
        self.mean, self.inverse = beside.mean(axis=0), np.linalg.inv(covariance)
        return {"events": len(beside)}

    def raw(self, events, source):
        (values,) = self.inputs.compute(events, source)
        away = values - self.mean
        n = len(events)
        return Raw.alone(np.einsum("ni,ij,nj->n", away, self.inverse, away), np.zeros(n, int), identifier.keys(events))


METHODS = {"distance": Entry("Distance", keys=("features", "mass_shift"), settings=DistanceSettings)}
