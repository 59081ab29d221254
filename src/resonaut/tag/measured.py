"""The performance of published networks with a card, from their scores of the simulated jets with labels."""

import logging
from collections.abc import Iterator
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
from resonaut.tag.sample import JETS, MIN_JETS, Chosen, Labelled, Simulation, choose, labelled
from resonaut.tag.settings import TagConfig

log = logging.getLogger(__name__)


def measure_published(settings: TagConfig, name: str, simulation: Simulation, summary: Path) -> None:
    """Write the summary of the network ``tag.published.<name>`` from its scores, on the jets that measure our own.

    Classes of which the simulation has no jets are left out, and the scores normalised to one without them.

    Raises:
        EmptySelectionError: there are no jets of QCD, or of no other class.
    """
    known = list(settings.published[name].classes)
    low, most = settings.train_fraction, settings.training.held_out_jets
    jets, counts = choose(simulation, settings.seed, known, low, 1.0, most)
    classes = [one for one in known if counts[one] >= MIN_JETS]
    if "qcd" not in classes or len(classes) < 2:
        found = ", ".join(f"{count} of {one}" for one, count in counts.items())
        raise EmptySelectionError(
            f"tag.published.{name}.classes: the simulation has {found} as held-out jets, and the network is measured "
            f"with {MIN_JETS} of qcd and of another class; add simulated events, or set tag.samples.signal to []."
        )
    if few := [f"{counts[one]} of {one}" for one in known if one not in classes]:
        log.warning("%s: too few jets to measure, %s", name, ", ".join(few))
    jets, counts = choose(simulation, settings.seed, classes, low, 1.0, most)
    read = [_scored(one, qcd, place, name, jets) for place, (one, qcd) in enumerate(simulation.labelled)]
    parts = [part for found in read for part in found]
    known_jets = Labelled.concatenate([one for one, _ in parts])
    scores = _normalised(np.concatenate([one for _, one in parts]))
    unknown: dict[str, Any] = {"parameters": None, "train_jets": {}, "loss": Loss(train=[], held_out=[])}
    unknown |= {"importance": {}, "under_attack": None, "domain": None}
    write(
        summary,
        Network(network=name, **unknown, **performance(scores, known_jets, classes, settings)),
    )


def _scored(
    dataset: events.Dataset, qcd: bool, place: int, network: str, chosen: Chosen
) -> Iterator[tuple[Labelled, NDArray[np.float32]]]:
    """The chosen jets of a dataset, and their scores (n, classes)."""
    wanted = [f"{jet}_{network}_{name}" for jet in JETS for name in chosen.classes]
    for batch, jet, label, rows in labelled(dataset, qcd, wanted, chosen, ("tag",)):
        jets = batch[rows]
        scores = [ak.to_numpy(jets[f"{jet}_{network}_{name}"]) for name in chosen.classes]
        yield Labelled.of(jets, jet, label[rows], place), np.stack(scores, axis=1)


def _normalised(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = scores / np.maximum(scores.sum(axis=1, keepdims=True), np.finfo("f4").tiny)
    return found
