"""Which jets train the networks and which measure them: chosen by a hash of the event's identifier.

The hash, not the file's order, decides, so the choice is the same whatever the chunks and whichever
network; an event that may have been trained on is marked ``tag_train`` and later stages leave it out.
"""

import logging
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import awkward as ak
import numpy as np

from resonaut.core import events, identifier
from resonaut.core.errors import EmptySelectionError
from resonaut.tag import decays, targets
from resonaut.tag.inputs import Inputs, columns, jet_inputs
from resonaut.tag.selection import Part, Selection, select
from resonaut.tag.settings import NetworkConfig, TagConfig

log = logging.getLogger(__name__)

JETS = ("j1", "j2")
# Fewer jets than this of one class train nothing.
MIN_JETS = 10
# The part of the training side whose jets say when a training ends.
VALIDATION = 0.1


@dataclass(frozen=True)
class Known:
    """What is known of n jets: index of the class, pT and soft-drop mass in GeV, a number of the event; each (n,)."""

    labels: np.ndarray
    pt: np.ndarray
    softdrop_mass: np.ndarray
    events: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, batch: ak.Array, jet: str, labels: np.ndarray, dataset: str) -> "Known":
        """One jet of each event of a dataset; two of them may have events of one identifier."""
        pt, mass = (ak.to_numpy(batch[f"{jet}_{name}"]) for name in ("pt", "softdrop_mass"))
        return cls(labels, pt, mass, identifier.uniform(identifier.keys(batch), zlib.crc32(dataset.encode())))

    @classmethod
    def concatenate(cls, parts: Sequence["Known"]) -> "Known":
        """The jets of all parts."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__annotations__))


@dataclass(frozen=True)
class Sample:
    """Labelled jets: inputs, index in the network's classes (n,), pT (n,) and soft-drop mass (n,) in GeV.

    ``targets`` are those of the network's further tasks (see ``tag.targets``). ``events`` (n,) is the same for jets of
    one event; None where each jet is of another one.
    """

    inputs: Inputs
    labels: np.ndarray
    pt: np.ndarray
    softdrop_mass: np.ndarray
    targets: dict[str, np.ndarray] = field(default_factory=dict)
    events: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def known(self) -> Known:
        """The same without the inputs."""
        events = np.arange(len(self)) if self.events is None else self.events
        return Known(self.labels, self.pt, self.softdrop_mass, events)

    @classmethod
    def concatenate(cls, parts: Sequence["Sample"]) -> "Sample":
        """The jets of all parts."""
        labels, pt, mass = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("labels", "pt", "softdrop_mass")
        )
        events = [part.events for part in parts if part.events is not None]
        together = np.concatenate(events) if len(events) == len(parts) else None
        targets = {name: np.concatenate([part.targets[name] for part in parts]) for name in parts[0].targets}
        return cls(Inputs.concatenate([part.inputs for part in parts]), labels, pt, mass, targets, together)


def kept(dataset: events.Dataset, chunk: str) -> list[str]:
    """The large-radius jets that a chunk's region keeps: both, or ``j1``."""
    present = events.columns(dataset.path("skim", chunk))
    return [jet for jet in JETS if f"{jet}_pt" in present]


def in_training(batch: ak.Array, settings: TagConfig) -> np.ndarray:
    """Whether each event of a dataset that trains may be trained on; none is where all weights are published."""
    if all(network.weights for network in settings.networks.values()):
        return np.zeros(len(batch), bool)
    return identifier.uniform(identifier.keys(batch), settings.seed) < settings.train_fraction


class Source(Protocol):
    """Files with labelled jets."""

    @property
    def files(self) -> list[Path]:
        """All files."""

    def parts(self, seed: int, network: NetworkConfig) -> list[Part[Sample]]:
        """What is read of them at once; ``seed`` is that of the hashes."""


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
    def files(self) -> list[Path]:
        """All files."""
        return [one.path("skim", chunk) for one in (*self.background, *self.signal) for chunk in one.manifest.chunks]

    def parts(self, seed: int, network: NetworkConfig) -> list[Part[Sample]]:
        """The row groups of all datasets; the background's jets are QCD."""
        return [*self.skimmed(seed, network)]

    def skimmed(self, seed: int, network: NetworkConfig) -> list["Skimmed"]:
        """The same, by what they are."""
        labelled = [*((dataset, True) for dataset in self.background), *((dataset, False) for dataset in self.signal)]
        return [Skimmed(part, qcd, seed, network) for dataset, qcd in labelled for part in dataset.parts()]


@dataclass(frozen=True)
class Skimmed:
    """A row group of a skimmed dataset, whose jets train networks."""

    events: events.Part
    qcd: bool
    seed: int
    network: NetworkConfig

    @property
    def path(self) -> Path:
        """Its file."""
        return self.events.dataset.path("skim", self.events.chunk)

    @property
    def jets(self) -> list[str]:
        """The jets of each event."""
        return kept(self.events.dataset, self.events.chunk)

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Hash and class index of every jet that has a class."""
        return _labels(self.events, self.qcd, self.seed, self.network)

    def read(self, low: float, ends: np.ndarray) -> Iterator[Sample]:
        """The jets whose hash lies between ``low`` and the end of their class."""
        wanted = [
            column
            for jet in self.jets
            for column in (*columns(jet, self.network.inputs), *targets.columns(jet, self.network))
        ]
        for jets, jet, known in self.chosen(low, ends, wanted):
            inputs = jet_inputs(jets, jet, self.network.max_constituents, self.network.inputs)
            learnt = targets.targets(jets, jet, self.network)
            yield Sample(inputs, known.labels, known.pt, known.softdrop_mass, learnt, known.events)

    def chosen(
        self, low: float, ends: np.ndarray, wanted: Sequence[str], friends: Sequence[str] = ()
    ) -> Iterator[tuple[ak.Array, str, Known]]:
        """Events with the columns ``wanted`` whose jet of this name is such a one, and what is known of these jets."""
        known = ("pt", "softdrop_mass", *_told(self.qcd, self.network))
        wanted = [*wanted, *(f"{jet}_{name}" for jet in self.jets for name in known)]
        for batch in self.events.iterate(wanted, friends):
            number = identifier.uniform(identifier.keys(batch), self.seed)
            for jet in self.jets:
                label = class_index(batch, jet, self.qcd, self.network)
                # The appended end serves label -1: no jet.
                rows = (number >= low) & (number < np.append(ends, 0.0)[label])
                if rows.any():
                    yield batch[rows], jet, Known.of(batch[rows], jet, label[rows], self.events.dataset.name)


Which = Literal["train", "validation", "held_out"]


@dataclass(frozen=True)
class Stored:
    """Jets in files, of which a selection is read, ``parts`` at a time."""

    parts: list[Part[Sample]]
    selection: Selection

    def __len__(self) -> int:
        return int(self.selection.counts.sum())

    @property
    def files(self) -> list[Path]:
        """The files, in order."""
        return list(dict.fromkeys(part.path for part in self.parts))

    def count(self, network: NetworkConfig) -> dict[str, int]:
        """The jets of each class."""
        return dict(zip(network.classes, self.selection.counts.sum(axis=0).tolist(), strict=True))

    def read(self, parts: Sequence[int] | None = None, share: float = 1) -> Sample:
        """The jets of some parts, or of all; of each class the ``share`` with the smallest hashes."""
        low = self.selection.low
        ends = low + share * (self.selection.ends - low) if share < 1 else self.selection.ends
        chosen = self.parts if parts is None else [self.parts[i] for i in parts]
        return Sample.concatenate([jets for part in chosen for jets in part.read(low, ends)])


def load(
    source: Source,
    settings: TagConfig,
    network: NetworkConfig,
    which: Which,
    required: Sequence[str] | None = None,
) -> Sample:
    """The jets of ``choose``, all at once."""
    return choose(source, settings, network, which, required).read()


def choose(
    source: Source,
    settings: TagConfig,
    network: NetworkConfig,
    which: Which,
    required: Sequence[str] | None = None,
) -> Stored:
    """The jets that train a network, that end its training, or that measure it.

    ``required`` are the classes that must be there, by default all.

    Raises:
        EmptySelectionError: a class has too few jets.
    """
    training, fraction = settings.training, settings.train_fraction
    # Jets that say when a training ends must neither train nor measure.
    seen = fraction if training.patience is None else (1 - VALIDATION) * fraction
    low, high, most = {
        "train": (0.0, seen, network.training.max_jets or training.max_jets),
        "validation": (seen, fraction, training.held_out_jets),
        "held_out": (fraction, 1.0, training.held_out_jets),
    }[which]
    parts = source.parts(settings.seed, network)
    selection = select(parts, len(network.classes), low, high, most)
    for name, count in zip(network.classes, selection.counts.sum(axis=0), strict=True):
        log.info("%s: %d jets of class %s", which, count, name)
        if count < MIN_JETS and (required is None or name in required):
            raise EmptySelectionError(
                f"tag: only {count} jets of class {name!r} ({which}), fewer than {MIN_JETS}; add simulated events "
                f"with such jets, or take {name!r} out of tag.networks.<name>.outputs."
            )
    return Stored(parts, selection)


def count(sample: Sample, network: NetworkConfig) -> dict[str, int]:
    """The jets of each class."""
    return {name: int((sample.labels == i).sum()) for i, name in enumerate(network.classes)}


def _labels(dataset: events.Part, qcd: bool, seed: int, network: NetworkConfig) -> tuple[np.ndarray, np.ndarray]:
    """Hash and class index of every jet of a dataset that has a class."""
    hashes, labels, jets = [], [], kept(dataset.dataset, dataset.chunk)
    # Data do not know their decays.
    for batch in dataset.iterate([f"{jet}_{name}" for jet in jets for name in _told(qcd, network)]):
        number = identifier.uniform(identifier.keys(batch), seed)
        for jet in jets:
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
    return decay_index(batch, jet, held)


def decay_index(batch: ak.Array, jet: str, held: Sequence[Sequence[str]]) -> np.ndarray:
    """Index of the class whose decays ``held`` each event's jet has, -1 for a jet of none."""
    label = np.full(len(batch), -1)
    for name in decays.columns(held):
        found = batch[f"{jet}_{name}"]
        known = decays.labels(found, held) if name == decays.DECAY else decays.flavours(ak.to_numpy(found), held)
        label = np.where(label < 0, known, label)
    return label


def _told(qcd: bool, network: NetworkConfig) -> list[str]:
    """The columns, without the jet's name, that tell the class of a jet."""
    return [] if qcd else decays.columns(decays.of(network.classes, network.decays))
