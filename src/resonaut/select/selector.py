"""A trained method with its working point: what turns events into ``score_<method>`` and ``selected_<method>``."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.events import KEY, Dataset, write
from resonaut.core.variations import PASSES, differs, only_different, shifted_name
from resonaut.select.method import Method
from resonaut.select.quantile import Score
from resonaut.select.regions import Regions
from resonaut.select.settings import Window
from resonaut.select.tally import SignalTally, Tally
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
        """Score a dataset (``is_data`` as in ``score``), write its friends below ``folder``, and count its events.

        Of a signal the events and scores with shifted objects are counted and written, too.
        """
        needed = (self.window.observable, *self.method.columns)
        columns = tuple(dict.fromkeys((*needed, PASSES, *tally.columns)))
        friends = tuple(dict.fromkeys((*self.method.friends, *tally.friends)))
        variations = tuple(tally.variations) if isinstance(tally, SignalTally) else ()

        def batches(chunk: str) -> Iterator[ak.Array]:
            every = [dataset.iterate_chunk(chunk, columns, friends, one, every=True) for one in ("", *variations)]
            for events, *others in zip(*every, strict=True):
                score = self.score(events, dataset.name, is_data)
                _count(tally, events, score, self.selected(score))
                nominal = self._columns(score)
                new = {name: events[name] for name in KEY} | nominal
                for variation, shifted in zip(variations, others, strict=True):
                    own = self._rescored(score, events, shifted, needed, dataset.name)
                    _count(tally, shifted, own, self.selected(own), variation)
                    for name, values in self._columns(own).items():
                        new[shifted_name(name, variation)] = only_different(values, nominal[name])
                yield ak.zip(new, depth_limit=1)

        for chunk in dataset.manifest.chunks:
            write(dataset.path(folder, chunk), batches(chunk), {})

    def _columns(self, score: NDArray[np.float32]) -> dict[str, Any]:
        return {f"score_{self.name}": score, f"selected_{self.name}": self.selected(score)}

    def _rescored(
        self, score: NDArray[np.float32], events: ak.Array, shifted: ak.Array, columns: Sequence[str], source: str
    ) -> NDArray[np.float32]:
        """The scores of shifted events; those in which no column differs keep theirs."""
        changed = np.any([differs(shifted[name], events[name]) for name in columns], axis=0)
        found = score.copy()
        if changed.any():
            found[changed] = self.score(shifted[changed], source, is_data=False)
        return found


def _count(
    tally: Tally, events: ak.Array, score: NDArray[np.float32], selected: NDArray[np.bool_], variation: str = ""
) -> None:
    """Count the events that pass, of a signal with the shifted objects of a ``variation``."""
    passing = ak.to_numpy(events[PASSES])
    if isinstance(tally, SignalTally) and variation:
        tally.add_shifted(events[passing], selected[passing], variation)
    else:
        tally.add(events[passing], score[passing], selected[passing])
