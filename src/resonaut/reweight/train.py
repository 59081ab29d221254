"""Simulation to data in the sidebands: the ratio step, its normalisation, and the weights of all events."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier, weights
from resonaut.core.errors import EmptySelectionError, ResonautError, during
from resonaut.core.events import Dataset, require_finite, write
from resonaut.core.weights import Factor
from resonaut.learn import ratio
from resonaut.physics import features
from resonaut.reweight.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reweighter:
    """The trained ratio and the factor that normalises the simulation to data in the sidebands."""

    models: ratio.CrossFit
    features: list[str]
    clip: tuple[float, float]
    norm: float

    @classmethod
    def train(cls, data: ratio.Sample, simulation: ratio.Sample, luminosity: float, settings: Settings) -> "Reweighter":
        """Learn data over simulation from sideband samples.

        Args:
            data: the data.
            simulation: the simulation, weights in fb.
            luminosity: 1/fb.
            settings: the section ``reweight``.

        Raises:
            ResonautError: a feature has the same value in all events of a sample, or its weights no positive sum.
        """
        for which, sample in {"data": data, "simulation": simulation}.items():
            _require_usable(which, sample, settings)
        with during("reweight.sidebands"):
            models = ratio.CrossFit.fit(data, simulation, settings.classifier)
        raw = cls(models, settings.features, settings.clip, 1.0)
        expected = luminosity * float(np.sum(simulation.weights * raw.weights(simulation.features, simulation.keys)))
        norm = float(data.weights.sum()) / expected
        log.info("%d data events, %g expected after reweighting: normalised by %g", len(data.keys), expected, norm)
        return cls(models, settings.features, settings.clip, norm)

    def weights(self, values: NDArray[np.float32], keys: identifier.Keys) -> NDArray[np.float64]:
        """The factor of each event's weight, from models that have not seen it."""
        return np.clip(self.models.ratio(values, keys), *self.clip) * self.norm

    def apply(self, dataset: Dataset) -> None:
        """Write the friends ``reweight`` of a dataset: the weights of all events, sidebands or not."""

        def batches(chunk: str) -> Iterator[ak.Array]:
            for events in dataset.iterate_chunk(chunk, features.columns(self.features), every=True):
                values = features.compute(events, self.features, dataset.name)
                weights = self.weights(values, identifier.keys(events))
                yield ak.with_field(events[["run", "luminosityBlock", "event"]], weights, "reweight")

        notes = {"reweight": Factor("reweight").metadata()}
        for chunk in dataset.manifest.chunks:
            write(dataset.path("reweight", chunk), batches(chunk), {}, notes)


def _require_usable(which: str, sample: ratio.Sample, settings: Settings) -> None:
    if (total := sample.weights.sum()) <= 0:
        raise ResonautError(
            f"config: reweight.sidebands: the weights of the {which} there sum to {total:g}, and a ratio needs more "
            "than 0; widen them, or correct the weights."
        )
    for name, values in zip(settings.features, sample.features.T, strict=True):
        if values.min() == values.max():
            raise ResonautError(f"config: reweight.features: {name!r} is {values[0]:g} in all {which}; take it out.")


def read_sidebands(datasets: Iterable[Dataset], settings: Settings) -> ratio.Sample:
    """The events of datasets with a mass in one of the sidebands; weights of data, in fb for simulation.

    They include those of the datasets' own files, such as those for prescales and pile-up.

    Raises:
        EmptySelectionError: a dataset has none.
    """
    return ratio.Sample.concatenate([_sidebands(dataset, settings) for dataset in datasets])


def _sidebands(dataset: Dataset, settings: Settings) -> ratio.Sample:
    parts = []
    for batch in weights.iterate(dataset, [settings.observable, "weight", *features.columns(settings.features)]):
        mass = ak.to_numpy(batch[settings.observable])
        inside = np.any([(mass >= low) & (mass < high) for low, high in settings.sidebands], axis=0)
        events = batch[inside]
        require_finite(events.weight, "weight", dataset.name)
        values = features.compute(events, settings.features, dataset.name)
        parts.append(ratio.Sample(values, ak.to_numpy(events.weight), identifier.keys(events)))
    if not sum(len(part.keys) for part in parts):
        raise EmptySelectionError(
            f"dataset {dataset.name!r} has no event in the sidebands; widen reweight.sidebands, or give it more events."
        )
    return ratio.Sample.concatenate(parts)
