"""The jets of skimmed events with their score of a working point."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import identifier, weights
from resonaut.core.events import Dataset
from resonaut.tag import decays
from resonaut.tag.sample import decay_index, kept
from resonaut.tag.working_points import thresholds
from resonaut.tag.working_points.settings import PointJob

Floats = NDArray[np.floating]
TINY = np.finfo("f4").tiny


def score(events: ak.Array, jet: str, job: PointJob) -> Floats:
    """The score s / (s + b) of one jet of each event, (n,)."""
    *wanted, background = (ak.to_numpy(events[f"{jet}_{name}"]).astype(np.float64) for name in job.scores)
    signal: Floats = np.sum(wanted, axis=0)
    found: Floats = signal / np.maximum(signal + background, TINY)
    return found


def fold(events: ak.Array, job: PointJob) -> NDArray[np.int64]:
    """The fold of each event, (n,)."""
    return identifier.folds(identifier.keys(events), job.point.folds, job.point.seed)


@dataclass(frozen=True)
class Jets:
    """Soft-drop mass and pT (GeV), score, weight, fold of the event, and place of the class (-1: none) of n jets."""

    mass: Floats
    pt: Floats
    score: Floats
    weight: Floats
    fold: NDArray[np.int64]
    label: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.mass)

    def __getitem__(self, rows: NDArray[np.bool_]) -> "Jets":
        return Jets(*(getattr(self, name)[rows] for name in self.__annotations__))

    @property
    def rho(self) -> Floats:
        """Of the soft-drop mass, (n,)."""
        return thresholds.rho(self.mass, self.pt)

    @classmethod
    def read(cls, job: PointJob, datasets: Sequence[Dataset], told: bool) -> "Jets":
        """The scored jets of datasets, but for events that trained the network; ``told``: of which class they are."""
        none = np.empty(0)
        parts = [cls(none, none, none, none, none.astype(int), none.astype(int))]
        parts += [part for dataset in datasets for part in _read(job, dataset, told)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__annotations__))


def _read(job: PointJob, dataset: Dataset, told: bool) -> Iterator[Jets]:
    held, jets = list(job.decays.values()), kept(dataset, dataset.manifest.chunks[0])
    named = ["pt", "softdrop_mass", *job.scores, *(decays.columns(held) if told else ())]
    wanted = [f"{jet}_{name}" for jet in jets for name in named]
    for batch in weights.iterate(dataset, [*wanted, "weight", "tag_train"], ["tag"]):
        events = batch[~ak.to_numpy(batch.tag_train)]
        for jet in jets:
            mass, pt = (ak.to_numpy(events[f"{jet}_{name}"]).astype(np.float64) for name in ("softdrop_mass", "pt"))
            label = decay_index(events, jet, held) if told else np.full(len(events), -1)
            weight = ak.to_numpy(events.weight).astype(np.float64)
            yield Jets(mass, pt, score(events, jet, job), weight, fold(events, job), label)
