"""A region of the most anomalous events, by its rate, and what it selects in the spectrum of a window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.core.record import Name, Positive, key, record
from resonaut.core.weights import Weighted
from resonaut.select.counting import Counting
from resonaut.select.results import Trained
from resonaut.select.settings import Settings
from resonaut.select.tally import Tally

# Inverse picobarns in an inverse femtobarn.
PB = 1000


@record
class RegionSettings(Settings):
    """What the job of a region in one window reads: the keys of the engine, and which score it cuts on."""

    score: Name = key("Name of the score.")
    rate: Positive[float] = key("Cross section of data in the region.", unit="pb")


@dataclass(frozen=True)
class Cut:
    """The cut on a score: the sorted scores of the data, and the least one of those that are selected."""

    scores: NDArray[np.float32]
    threshold: np.float32

    @classmethod
    def of(cls, scores: NDArray[np.float32], events: int, region: str) -> "Cut":
        """The cut that keeps so many ``events`` of the data.

        Raises:
            ConfigError: it would keep none, or all.
        """
        if not 0 < events < len(scores):
            raise ConfigError(
                f"config: the region {region!r} of select.event_scores would have {events} of {len(scores)} events of "
                "the data; change its rate."
            )
        ordered = np.sort(scores)
        return cls(ordered, ordered[-events])

    @property
    def efficiency(self) -> float:
        """The part of the data that is selected."""
        return float(np.mean(self.scores >= self.threshold))

    def selected(self, scores: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which events are in the region."""
        return np.asarray(scores >= self.threshold)

    def quantile(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """The part of the data whose score is not above that of each event."""
        return (np.searchsorted(self.scores, scores, side="right") / len(self.scores)).astype(np.float32)


def selection(
    settings: RegionSettings,
    region: str,
    window_name: str,
    data: Collisions,
    backgrounds: Sequence[Dataset],
    signals: Sequence[Dataset],
    weighted: Weighted,
) -> Trained:
    """What a region selects of all datasets in a window; the arguments are those of ``select.train.selection``.

    Raises:
        ConfigError: no such window, a region with no or all data, or data without luminosity.
    """
    counting = Counting.of(settings, window_name, data, backgrounds, signals, weighted, held_out=False)
    column, friend = f"score_{settings.score}", f"select/event_scores/{settings.score}"
    scores = np.concatenate([ak.to_numpy(batch[column]) for batch in data.iterate([column], [friend])])
    cut = Cut.of(scores, round(settings.rate * PB * data.luminosity), region)

    def batches(dataset: Dataset, tally: Tally, variation: str = "") -> Iterator[tuple[ak.Array, NDArray[np.float32]]]:
        for events in dataset.iterate([*tally.columns, column], [friend, *tally.friends], variation):
            yield events, ak.to_numpy(events[column])

    for dataset in data.datasets:
        for events, found in batches(dataset, counting.data):
            counting.data.add(events, cut.quantile(found), cut.selected(found))
    for tally in counting.simulation:
        for events, found in batches(tally.dataset, tally):
            tally.add(events, cut.quantile(found), cut.selected(found))
    for signal in counting.signals:
        for variation in signal.variations:
            for events, found in batches(signal.dataset, signal, variation):
                signal.add_shifted(events, cut.selected(found), variation)
    selected = float(cut.selected(scores).sum())
    training = {"rate": settings.rate, "threshold": float(cut.threshold), "events": selected}
    return counting.summary(region, cut.efficiency, training, importance={})
