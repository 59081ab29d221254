"""The performance of published networks with a card, from their scores of the simulated jets with labels."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import events
from resonaut.core.errors import EmptySelectionError
from resonaut.core.results import write
from resonaut.tag.performance import performance
from resonaut.tag.results import Loss, Network
from resonaut.tag.sample import JETS, MIN_JETS, Chosen, Known, Simulation, choose, labelled
from resonaut.tag.settings import NetworkConfig, PublishedConfig, TagConfig

log = logging.getLogger(__name__)


def measure_published(settings: TagConfig, name: str, simulation: Simulation, summary: Path) -> None:
    """Write the summary of the network ``tag.published.<name>`` from its scores, on the jets that measure our own.

    Classes of which the simulation has no jets are left out, and the scores normalised to one without them.

    Raises:
        EmptySelectionError: there are no jets of QCD, or of no other class.
    """
    entry, low, most = settings.published[name], settings.train_fraction, settings.training.held_out_jets
    _, counts = choose(simulation, settings.seed, _told(settings, entry, entry.classes), low, 1.0, most)
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
    jets, _ = choose(simulation, settings.seed, _told(settings, entry, classes), low, 1.0, most)
    read = [_scored(one, qcd, place, name, jets) for place, (one, qcd) in enumerate(simulation.labelled)]
    parts = [part for found in read for part in found]
    known = Known.concatenate([one for one, _ in parts])
    scores = _normalised(np.concatenate([one for _, one in parts]))
    unknown: dict[str, Any] = {"parameters": None, "train_jets": {}, "loss": Loss(train=[], held_out=[])}
    unknown |= {"regression": {}, "importance": {}, "under_attack": None, "domain": None}
    write(
        summary,
        Network(network=name, **unknown, **performance(scores, known, classes, entry.background, settings)),
    )


def _told(settings: TagConfig, entry: PublishedConfig, classes: Iterable[str]) -> NetworkConfig:
    """A network of these classes, of which the jets are told; nothing else is known of it."""
    decays = {name: settings.classes[name] for name in classes if name in settings.classes}
    return NetworkConfig(architecture="", outputs=list(classes), background=entry.background, decays=decays)


def _scored(
    dataset: events.Dataset, qcd: bool, place: int, network: str, chosen: Chosen
) -> Iterator[tuple[Known, NDArray[np.float32]]]:
    """The chosen jets of a dataset, and their scores (n, classes)."""
    wanted = [f"{jet}_{network}_{name}" for jet in JETS for name in chosen.network.classes]
    for batch, jet, label, rows in labelled(dataset, qcd, wanted, chosen, ("tag",)):
        jets = batch[rows]
        scores = [ak.to_numpy(jets[f"{jet}_{network}_{name}"]) for name in chosen.network.classes]
        yield Known.of(jets, jet, label[rows], place), np.stack(scores, axis=1)


def _normalised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = scores / np.maximum(scores.sum(axis=1, keepdims=True), np.finfo("f4").tiny)
    return found
