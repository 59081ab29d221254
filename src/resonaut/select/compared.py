"""What methods have in common whose score is one classifier of the whole event between two samples."""

import awkward as ak

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.select.inputs import Inputs
from resonaut.select.quantile import Raw
from resonaut.select.settings import Settings


class Compared:
    """The ratio step between the samples that ``fit`` puts together; ``extra`` features join the section's."""

    friends: tuple[str, ...] = ()

    def __init__(self, settings: Settings, extra: tuple[str, ...] = ()) -> None:
        self.inputs = Inputs.of(settings, "event", extra)
        self.columns: tuple[str, ...] = self.inputs.columns
        self.classifier = settings.classifier
        self.background_efficiency = settings.background_efficiency
        self.models: ratio.CrossFit | None = None

    def raw(self, events: ak.Array, source: str) -> Raw:
        """The mean of the ensemble that has not seen the event's fold."""
        assert self.models is not None, "fit first"
        keys = identifier.keys(events)
        (values,) = self.inputs.compute(events, source)
        return Raw.alone(self.models.probability(values, keys), self.models.folds(keys), keys)


def held_out_auc(models: ratio.CrossFit, numerator: ratio.Sample, denominator: ratio.Sample) -> tuple[float, float]:
    """Area under the ROC curve of events that the models have not seen, and its error if both samples were alike."""
    scores = [models.probability(s.features, s.keys) for s in (numerator, denominator)]
    return ratio.auc(scores[0], scores[1], numerator.weights, denominator.weights, learned=1)
