"""A trained method with its working point: what turns events into ``score_<method>`` and ``selected_<method>``."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.events import KEY, Dataset, write
from resonaut.core.variations import PASSES
from resonaut.select.method import Method
from resonaut.select.quantile import Score
from resonaut.select.regions import Regions
from resonaut.select.settings import Window
from resonaut.select.tally import Tally
from resonaut.select.training_data import TrainingData

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Selector:
    """A method that has learned from the data of a window."""

    name: str
    method: Method
    window: Window
    quantile: Score
    sideband_weights: NDArray[np.float64]
    training: dict[str, float]

    @classmethod
    def train(cls, name: str, method: Method, training: TrainingData) -> "Selector":
        """Train ``method``, called ``name``, and fix the working point in the sidebands."""
        regions = training.regions
        numbers = method.fit(training)
        log.info("%s: events by region %s, training %s", training.source, regions.counts().tolist(), numbers)
        weights, sideband = regions.sideband_weights(), regions.sideband
        raw = method.raw(training.events[sideband], training.source)
        quantile = Score.fit(raw, weights[regions.code[sideband]])
        return cls(name, method, training.window, quantile, weights, numbers)

    def score(self, events: ak.Array, source: str, is_data: bool) -> NDArray[np.float32]:
        """The sideband quantile of each event; ``is_data``: the working point was fixed with these events."""
        own = np.zeros(len(events))
        if is_data:
            own = self.sideband_weights[Regions.among(events, self.window).code]
        return self.quantile.score(self.method.raw(events, source), own)

    def selected(self, score: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which scores pass the working point."""
        passing: NDArray[np.bool_] = score >= np.float32(1 - self.method.background_efficiency)
        return passing

    def apply(self, dataset: Dataset, folder: str, tally: Tally, *, is_data: bool) -> None:
        """Score a dataset (``is_data`` as in ``score``), write its friends below ``folder``, and count its events."""
        columns = tuple(dict.fromkeys((self.window.observable, PASSES, *self.method.columns, *tally.columns)))
        friends = tuple(dict.fromkeys((*self.method.friends, *tally.friends)))

        def batches(chunk: str) -> Iterator[ak.Array]:
            for events in dataset.iterate_chunk(chunk, columns, friends, every=True):
                score = self.score(events, dataset.name, is_data)
                selected = self.selected(score)
                nominal = ak.to_numpy(events[PASSES])
                tally.add(events[nominal], score[nominal], selected[nominal])
                new = {f"score_{self.name}": score, f"selected_{self.name}": selected}
                yield ak.zip({name: events[name] for name in KEY} | new)

        for chunk in dataset.manifest.chunks:
            write(dataset.path(folder, chunk), batches(chunk), {})
