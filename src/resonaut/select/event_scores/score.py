"""The anomaly score of whole events: how badly an autoencoder reproduces their rapidity-mass matrix.

It is trained on a small part of the data, at random, and scores all of them (ATLAS, arXiv:2307.01612). What it has been
trained on it reproduces better: so small a part of the events may be missing among the anomalous ones, at any mass.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import torch
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.collisions import Collisions
from resonaut.core.errors import EmptySelectionError
from resonaut.core.events import KEY, Dataset, write
from resonaut.core.record import build, plain
from resonaut.core.variations import only_different, shifted_name
from resonaut.learn import store
from resonaut.learn.autoencoder.plain import MIN_EVENTS, Autoencoder, Network, Standard
from resonaut.physics.rapidity_mass import Layout, matrices, zones
from resonaut.select.event_scores.settings import Training
from resonaut.select.results import EventScoring

log = logging.getLogger(__name__)

KIND = "autoencoder of events"
# What the arrays of the network are called in its file.
NETWORK = "network/"
MOMENTUM = ("pt", "eta", "phi", "mass")
# Matrices in memory at once: 10 kB each.
BATCH = 4096

Features = NDArray[np.float32]


@dataclass(frozen=True)
class Inputs:
    """What the network sees of events."""

    settings: Training

    @property
    def layout(self) -> Layout:
        """The objects of the matrix."""
        return Layout(self.settings.sqrt_s, self.settings.objects)

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read of each event."""
        places = [(kind, place) for kind, most in self.settings.objects.items() for place in range(1, most + 1)]
        return (*(f"{kind}{place}_{name}" for kind, place in places for name in MOMENTUM), "met_pt", "met_phi")

    def compute(self, events: ak.Array) -> Features:
        """The inputs of each event, shape (n, inputs)."""
        parts = [events[first : first + BATCH] for first in range(0, max(len(events), 1), BATCH)]
        return np.concatenate([self._compute(part) for part in parts])

    def _compute(self, events: ak.Array) -> Features:
        layout, settings = self.layout, self.settings
        objects = {
            kind: {
                name: np.column_stack([ak.to_numpy(events[f"{kind}{place}_{name}"]) for place in range(1, most + 1)])
                for name in MOMENTUM
            }
            for kind, most in settings.objects.items()
        }
        met = {name: ak.to_numpy(events[f"met_{name}"]) for name in ("pt", "phi")}
        cells = matrices(objects, met, layout)
        flat = cells.reshape(len(cells), layout.size**2)
        seen = layout.inputs(settings.searched)
        if settings.inputs == "matrix":
            return flat[:, seen].astype(np.float32)
        blind = np.zeros_like(flat)
        blind[:, seen] = flat[:, seen]
        return zones(blind.reshape(cells.shape), layout).astype(np.float32)


@dataclass(frozen=True)
class EventAutoencoder:
    """A trained network and what it sees."""

    inputs: Inputs
    autoencoder: Autoencoder

    def score(self, events: ak.Array) -> NDArray[np.float32]:
        """The logarithm of the mean squared error of the reconstruction, shape (n,)."""
        return _logarithm(self.autoencoder.error(self.inputs.compute(events)))

    def save(self, path: Path) -> None:
        """Write ``<results>/select/event_scores/<name>.npz``."""
        found, standard = self.autoencoder.network.state_dict(), self.autoencoder.standard
        state = {NETWORK + name: values.numpy() for name, values in found.items()}
        state |= {"mean": standard.mean, "std": standard.std}
        store.save(path, store.Model(KIND, plain(self.inputs.settings, Training), state))


def load(path: Path) -> EventAutoencoder:
    """The model that ``EventAutoencoder.save`` wrote.

    Raises:
        InputFileError: it is none, or damaged.
    """
    found = store.load(path, KIND, "make it again with 'resonaut select event-train'")
    inputs = Inputs(build(found.settings, Training, str(path)))
    standard = Standard(found.state["mean"], found.state["std"])
    network = Network(len(standard.mean), inputs.settings.network)
    network.load_state_dict(
        {
            name.removeprefix(NETWORK): torch.as_tensor(values)
            for name, values in found.state.items()
            if name.startswith(NETWORK)
        }
    )
    return EventAutoencoder(inputs, Autoencoder(network.eval(), standard))


def train(name: str, settings: Training, data: Collisions) -> tuple[EventAutoencoder, EventScoring]:
    """Train on a part of the data, and score another one of the same size.

    Raises:
        EmptySelectionError: there are too few events.
        NotFiniteError: the training diverges.
    """
    inputs, part = Inputs(settings), settings.training_part
    chosen: list[tuple[Features, NDArray[np.uint64], NDArray[np.float64]]] = []
    events = 0
    for batch in data.iterate(inputs.columns):
        keys = identifier.keys(batch)
        place = identifier.uniform(keys, settings.seed)
        mine = place < 2 * part
        chosen.append((inputs.compute(batch[mine]), keys[mine], place[mine]))
        events += len(batch)
    values, keys, place = (np.concatenate(columns) for columns in zip(*chosen, strict=True))
    training = place < part
    if training.sum() < MIN_EVENTS:
        raise EmptySelectionError(
            f"{training.sum()} of {events} events of {data.name!r} are too few to train {name!r}; raise its "
            "training_part."
        )
    standard = None if settings.standardise else Standard.unchanged(values.shape[1])
    found = Autoencoder.fit(values[training], keys[training], settings.network, settings.seed, standard)
    scores = _logarithm(found.error(values))
    log.info("%s: trained on %d of %d events", name, training.sum(), events)
    return EventAutoencoder(inputs, found), EventScoring(
        name=name,
        data=data.name,
        inputs=values.shape[1],
        events=events,
        training_events=int(training.sum()),
        score_training=float(scores[training].mean()),
        score_held_out=float(scores[~training].mean()) if not training.all() else None,
    )


def _logarithm(error: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.log(np.maximum(error, np.finfo(np.float32).tiny)).astype(np.float32)


def apply(name: str, model: Path, manifest: Path, chunk: str, output: Path) -> None:
    """Write the scores of a chunk as ``score_<name>``, and of simulation those with shifted objects.

    Raises:
        InputFileError: the model is none, or a file or column is missing.
    """
    scorer, dataset = load(model), Dataset.open(manifest)
    write(output, _scored(f"score_{name}", scorer, dataset, chunk, list(dataset.manifest.variations)), {})


def _scored(
    column: str, scorer: EventAutoencoder, dataset: Dataset, chunk: str, variations: Sequence[str]
) -> Iterator[ak.Array]:
    columns = scorer.inputs.columns
    every = [dataset.iterate_chunk(chunk, columns, (), one, every=True) for one in ("", *variations)]
    for events, *others in zip(*every, strict=True):
        nominal = scorer.score(events)
        new = {name: events[name] for name in KEY} | {column: nominal}
        for variation, shifted in zip(variations, others, strict=True):
            new[shifted_name(column, variation)] = only_different(scorer.score(shifted), nominal)
        yield ak.zip(new, depth_limit=1)
