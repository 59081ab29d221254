"""The performance of published networks with a card, from their scores of the simulated jets with labels."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import EmptySelectionError
from resonaut.core.results import write
from resonaut.tag.performance import performance
from resonaut.tag.results import Loss, Network
from resonaut.tag.sample import MIN_JETS, Known, Simulation, Skimmed
from resonaut.tag.selection import select
from resonaut.tag.settings import NetworkConfig, TagConfig

log = logging.getLogger(__name__)


def measure_published(settings: TagConfig, name: str, simulation: Simulation, summary: Path) -> None:
    """Write the summary of the network ``tag.published.<name>`` from its scores, on the jets that measure our own.

    Classes of which the simulation has no jets are left out, and the scores normalised to one without them.

    Raises:
        EmptySelectionError: there are no jets of QCD, or of no other class.
    """
    entry, low, most = settings.published[name], settings.train_fraction, settings.training.held_out_jets
    known = list(entry.classes)
    parts = _parts(simulation, settings, name, known)
    counts = dict(zip(known, select(parts, len(known), low, 1.0, most).counts.sum(axis=0).tolist(), strict=True))
    classes = [one for one, count in counts.items() if count >= MIN_JETS]
    if entry.background not in classes or len(classes) < 2:
        found = ", ".join(f"{count} of {one}" for one, count in counts.items())
        raise EmptySelectionError(
            f"tag.published.{name}.classes: the simulation has {found} as held-out jets, and the network is measured "
            f"with {MIN_JETS} of {entry.background} and of another class; add simulated events, or set "
            "tag.samples.signal to []."
        )
    if few := [f"{count} of {one}" for one, count in counts.items() if one not in classes]:
        log.warning("%s: too few jets to measure, %s", name, ", ".join(few))
    parts = _parts(simulation, settings, name, classes)
    chosen = select(parts, len(classes), low, 1.0, most)
    read = [jets for part in parts for jets in part.read(chosen.low, chosen.ends)]
    jets, scores = Known.concatenate([one for one, _ in read]), _normalised(np.concatenate([one for _, one in read]))
    unknown: dict[str, Any] = {"parameters": None, "train_jets": {}, "loss": Loss(train=[], held_out=[])}
    unknown |= {"regression": {}, "importance": {}, "under_attack": None, "domain": None}
    write(
        summary,
        Network(network=name, **unknown, **performance(scores, jets, classes, entry.background, settings)),
    )


@dataclass(frozen=True)
class Scored:
    """A row group of a skimmed dataset, whose jets have scores of a published network of this ``name``."""

    jets: Skimmed
    name: str

    @property
    def path(self) -> Path:
        """Its file."""
        return self.jets.path

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Hash and class index of every jet that has a class."""
        return self.jets.labels()

    def read(self, low: float, ends: np.ndarray) -> Iterator[tuple[Known, NDArray[np.float32]]]:
        """The jets whose hash lies between ``low`` and the end of their class, and their scores (n, classes)."""
        columns = [f"{self.name}_{one}" for one in self.jets.network.classes]
        wanted = [f"{jet}_{column}" for jet in self.jets.jets for column in columns]
        for batch, jet, known in self.jets.chosen(low, ends, wanted, ("tag",)):
            yield known, np.stack([ak.to_numpy(batch[f"{jet}_{column}"]) for column in columns], axis=1)


def _parts(simulation: Simulation, settings: TagConfig, name: str, classes: list[str]) -> list[Scored]:
    """The row groups of the simulation, whose jets are told by some classes of the network."""
    held = {one: settings.classes[one] for one in classes if one in settings.classes}
    background = settings.published[name].background
    # Of the network itself nothing is needed.
    told = NetworkConfig(architecture="", outputs=classes, background=background, decays=held)
    return [Scored(part, name) for part in simulation.skimmed(settings.seed, told)]


def _normalised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = scores / np.maximum(scores.sum(axis=1, keepdims=True), np.finfo("f4").tiny)
    return found
