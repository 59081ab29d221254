"""Pseudo-data without a signal: simulated events that are drawn with the probability of their expected number.

An event is drawn at most once. Simulated events whose weights are accepted as probabilities are a Poisson process of
the weighted density: independent events, as collisions are. Copies would share the fluctuations of the simulation, and
stand in the training and in the test of a method that deals events into folds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import events, identifier, manifest, weights
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset, metadata, require_finite
from resonaut.core.manifest import Cut
from resonaut.core.results import write
from resonaut.core.variations import PASSES
from resonaut.core.weights import Weights
from resonaut.skim.columns import FIDUCIAL, TRUTH, generated

# Part of the expected events that may be lacking, because an event counts more than once or less than nothing.
MOST_MISSING = 0.01
# Tells the numbers with which events are drawn from all others.
DRAW = 0xD7A3


@dataclass(frozen=True)
class Pool:
    """A simulated dataset, the weights that its events have, and the luminosity in 1/fb that it stands for."""

    dataset: Dataset
    weights: Weights
    luminosity: float

    def expected(self, batch: ak.Array) -> NDArray[np.float64]:
        """How many of each event are expected."""
        require_finite(batch.weight, "weight", self.dataset.name)
        found: NDArray[np.float64] = self.luminosity * ak.to_numpy(batch.weight) * self.weights.nominal(batch)
        return found

    def iterate(self, chunk: str, columns: Sequence[str]) -> Iterator[ak.Array]:
        """The nominal events of a chunk, with what ``expected`` reads."""
        wanted = tuple(dict.fromkeys([*columns, "weight", *self.weights.columns]))
        return self.dataset.iterate_chunk(chunk, wanted, self.weights.friends)


def draw(
    parts: Sequence[Path],
    data: Sequence[Path],
    weighted: Mapping[str, Sequence[str]],
    luminosity: float,
    seed: int,
    output: Path,
) -> None:
    """Write the drawn events of simulated datasets as chunks ``<part>-<chunk>`` of one, and its manifest.

    Args:
        parts: manifests of the simulation.
        data: manifests of data of several eras, of whose luminosity each part may stand for one.
        weighted: by dataset, the friends with weights that it has.
        luminosity: 1/fb.
        seed: of the draw, which follows from the identifiers of the events.
        output: the manifest to write.

    Raises:
        InputFileError: a manifest is none, or its chunks do not hold its events.
        ConfigError: the events of the simulation count too often to be drawn once.
    """
    opened, collisions = [Dataset.open(path) for path in parts], manifest.read(data)
    pools = [
        Pool(one, Weights.of(one, weighted.get(one.name, ())), luminosity * manifest.share(one.manifest, collisions))
        for one in opened
    ]
    lacking = _require_enough(pools, output.stem, luminosity)
    number = 0
    for pool in pools:
        for chunk in pool.dataset.manifest.chunks:
            path = output.with_suffix("") / f"{pool.dataset.name}-{chunk}.parquet"
            kept = _columns(pool.dataset, chunk)
            notes = {name: note for name, note in kept.items() if name not in events.KEY}
            units = {name: note.get("unit", "1") for name, note in kept.items()}
            events.write(path, _drawn(pool, chunk, list(kept), seed), units, notes)
            number += events.count(path)
    names, friends = (" + ".join(one.name for one in opened)), sorted({f for p in pools for f in p.weights.friends})
    drawn = manifest.Manifest(
        name=output.stem,
        nature="pseudo_data",
        era=None,
        chunks=[f"{one.name}-{chunk}" for one in opened for chunk in one.manifest.chunks],
        events=number,
        luminosity=luminosity,
        cross_section=None,
        mass=None,
        weight_scale=1.0,
        cutflow=[Cut(cut="drawn", events=number, sum_weights=float(number))],
        lost=[],
        notes=[f"drawn from {names} with the weights of {', '.join(['skim', *friends])}; {lacking:.2%} lack"],
        dropped={},
        variations={},
    )
    write(output, drawn)


def _require_enough(pools: Sequence[Pool], name: str, luminosity: float) -> float:
    """The part of the expected events that lack, as they count more than once or have a negative sign.

    Raises:
        ConfigError: more of them than ``MOST_MISSING``.
    """
    batches = (pool.expected(b) for pool in pools for c in pool.dataset.manifest.chunks for b in pool.iterate(c, ()))
    expected = np.concatenate(list(batches))
    lacking = float(np.abs(expected - np.clip(expected, 0, 1)).sum() / max(np.abs(expected).sum(), 1e-300))
    if lacking > MOST_MISSING:
        names = " + ".join(pool.dataset.name for pool in pools)
        raise ConfigError(
            f"config: datasets.{name}: {luminosity:g}/fb cannot be drawn from the {len(expected)} events of {names}, "
            f"each at most once: {lacking:.1%} of the {expected.sum():.0f} expected ones would lack, as weights are "
            f"negative or count more than one event (up to {luminosity / expected.max():.3g}/fb none does); lower the "
            "luminosity, or give more events."
        )
    return lacking


def _columns(dataset: Dataset, chunk: str) -> dict[str, dict[str, str]]:
    """What is stored of the columns that data have: neither weights nor shifted values, nor the truth."""
    stored = metadata(dataset.path("skim", chunk))
    simulated = {*TRUTH, FIDUCIAL, PASSES}
    return {
        name: notes
        for name, notes in stored.items()
        if weights.KEY not in notes
        and name not in simulated
        and "__" not in name
        and (name == "gen_weight" or not name.startswith(generated("")))
    }


def _drawn(pool: Pool, chunk: str, kept: Sequence[str], seed: int) -> Iterator[ak.Array]:
    """The batches of a chunk, in the order of their columns, each with the events that are drawn of it."""
    for batch in pool.iterate(chunk, kept):
        chance = identifier.uniform(identifier.keys(batch), identifier.derived_seed(DRAW, seed))
        found = batch[chance < pool.expected(batch)][list(kept)]
        found["gen_weight"] = np.ones(len(found))
        yield found
