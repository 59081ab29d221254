"""Which jets train the networks and which measure them: chosen by a hash of the event's identifier.

The hash, not the file's order, decides, so the choice is the same whatever the chunks and whichever
network; an event that may have been trained on is marked ``tag_train`` and later stages leave it out.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import awkward as ak
import numpy as np

from resonaut.core import events, identifier
from resonaut.core.errors import EmptySelectionError
from resonaut.tag import decays, targets
from resonaut.tag.inputs import Inputs, columns, jet_inputs
from resonaut.tag.settings import NetworkConfig, TagConfig

log = logging.getLogger(__name__)

JETS = ("j1", "j2")
# Fewer jets than this of one class train nothing.
MIN_JETS = 10


@dataclass(frozen=True)
class Sample:
    """Labelled jets: inputs, index in the network's classes (n,), pT (n,) and soft-drop mass (n,) in GeV.

    ``targets`` are those of the network's further tasks (see ``tag.targets``).
    """

    inputs: Inputs
    labels: np.ndarray
    pt: np.ndarray
    softdrop_mass: np.ndarray
    targets: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def concatenate(cls, parts: Sequence["Sample"]) -> "Sample":
        """The jets of all parts."""
        labels, pt, mass = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("labels", "pt", "softdrop_mass")
        )
        targets = {name: np.concatenate([part.targets[name] for part in parts]) for name in parts[0].targets}
        return cls(Inputs.concatenate([part.inputs for part in parts]), labels, pt, mass, targets)


def in_training(batch: ak.Array, settings: TagConfig) -> np.ndarray:
    """Whether each event of a dataset that trains may be trained on; none is where all weights are published."""
    if all(network.weights for network in settings.networks.values()):
        return np.zeros(len(batch), bool)
    return identifier.uniform(identifier.keys(batch), settings.seed) < settings.train_fraction


@dataclass(frozen=True)
class Simulation:
    """What jets are drawn from: QCD jets, and those of particles that are told apart by their decays."""

    background: list[events.Dataset]
    signal: list[events.Dataset]

    @classmethod
    def open(cls, background: Sequence[Path], signal: Sequence[Path]) -> "Simulation":
        """The same of the datasets' manifests."""
        return cls([events.Dataset.open(path) for path in background], [events.Dataset.open(path) for path in signal])

    @property
    def labelled(self) -> list[tuple[events.Dataset, bool]]:
        """Each dataset, and whether its jets are QCD."""
        return [*((dataset, True) for dataset in self.background), *((dataset, False) for dataset in self.signal)]


def load(
    simulation: Simulation,
    settings: TagConfig,
    network: NetworkConfig,
    part: Literal["train", "held_out"],
    required: Sequence[str] | None = None,
) -> Sample:
    """The jets that train a network, or those that measure it, streamed from the datasets in two passes.

    The first pass finds, per class, the value of the hash below which enough jets lie; the second
    reads the constituents of those jets alone. ``required`` are the classes that must be there, by default all.

    Raises:
        EmptySelectionError: a class has too few jets.
    """
    training, fraction = settings.training, settings.train_fraction
    low, high, most = (0.0, fraction, training.max_jets) if part == "train" else (fraction, 1.0, training.held_out_jets)
    labelled = simulation.labelled
    found = [_labels(dataset, qcd, settings.seed, network) for dataset, qcd in labelled]
    hashes, labels = (np.concatenate(values) for values in zip(*found, strict=True))
    inside = (hashes >= low) & (hashes < high)
    ends = [_end(hashes[inside & (labels == i)], most, high) for i in range(len(network.classes))]
    for i, name in enumerate(network.classes):
        count = int(np.sum(inside & (labels == i) & (hashes < ends[i])))
        log.info("%s: %d jets of class %s", part, count, name)
        if count < MIN_JETS and (required is None or name in required):
            raise EmptySelectionError(
                f"tag: only {count} jets of class {name!r} ({part}), fewer than {MIN_JETS}; add simulated events "
                f"with such jets, or take {name!r} out of tag.networks.<name>.outputs."
            )
    read = [_read(dataset, qcd, settings.seed, network, low, np.array(ends)) for dataset, qcd in labelled]
    return Sample.concatenate([jets for found in read for jets in found])


def count(sample: Sample, network: NetworkConfig) -> dict[str, int]:
    """The jets of each class."""
    return {name: int((sample.labels == i).sum()) for i, name in enumerate(network.classes)}


def _labels(dataset: events.Dataset, qcd: bool, seed: int, network: NetworkConfig) -> tuple[np.ndarray, np.ndarray]:
    """Hash and class index of every jet of a dataset that has a class."""
    hashes, labels = [], []
    # Data do not know their decays.
    for batch in dataset.iterate([f"{jet}_{name}" for jet in JETS for name in _told(qcd, network)]):
        number = identifier.uniform(identifier.keys(batch), seed)
        for jet in JETS:
            label = class_index(batch, jet, qcd, network)
            hashes.append(number[label >= 0])
            labels.append(label[label >= 0])
    return np.concatenate(hashes), np.concatenate(labels)


def class_index(batch: ak.Array, jet: str, qcd: bool, network: NetworkConfig) -> np.ndarray:
    """Index in the network's classes of each event's jet, -1 for a jet of no class.

    Background jets are QCD. A signal jet counts by the decay that it holds; one that holds none of them is of no
    class, since it is not QCD either.

    Raises:
        ConfigError: the network has an output of no class.
    """
    held = decays.of(network.classes, network.decays)
    if qcd:
        return np.full(len(batch), next((i for i, several in enumerate(held) if decays.QCD in several), -1))
    label = np.full(len(batch), -1)
    for name in decays.columns(held):
        found = batch[f"{jet}_{name}"]
        known = decays.labels(found, held) if name == decays.DECAY else decays.flavours(ak.to_numpy(found), held)
        label = np.where(label < 0, known, label)
    return label


def _told(qcd: bool, network: NetworkConfig) -> list[str]:
    """The columns, without the jet's name, that tell the class of a jet."""
    return [] if qcd else decays.columns(decays.of(network.classes, network.decays))


def _end(hashes: np.ndarray, most: int, high: float) -> float:
    """The end of the hash's range that holds at most ``most`` of these jets."""
    return high if len(hashes) <= most else float(np.partition(hashes, most)[most])


def _read(
    dataset: events.Dataset, qcd: bool, seed: int, network: NetworkConfig, low: float, ends: np.ndarray
) -> Iterator[Sample]:
    known = ("softdrop_mass", *_told(qcd, network))
    wanted = [
        column for jet in JETS for column in (*columns(jet, network.inputs), *(f"{jet}_{name}" for name in known))
    ]
    wanted += [column for jet in JETS for column in targets.columns(jet, network)]
    for batch in dataset.iterate(wanted):
        number = identifier.uniform(identifier.keys(batch), seed)
        for jet in JETS:
            label = class_index(batch, jet, qcd, network)
            # The appended end serves label -1: no jet.
            chosen = (number >= low) & (number < np.append(ends, 0.0)[label])
            if chosen.any():
                jets = batch[chosen]
                pt, mass = (ak.to_numpy(jets[f"{jet}_{name}"]) for name in ("pt", "softdrop_mass"))
                inputs = jet_inputs(jets, jet, network.max_constituents, network.inputs)
                yield Sample(inputs, label[chosen], pt, mass, targets.targets(jets, jet, network))
