"""One chunk of a generated dataset: generate, reconstruct, filter, mix, write."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from tqdm import tqdm

from resonaut.core.datasets import BLIND, DatasetConfig, Generator
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.physics import jets
from resonaut.simulate import detector, levels, nanoaod
from resonaut.simulate.generator import MAX_SEED, Batch, Pythia
from resonaut.simulate.objects import Event, collections
from resonaut.simulate.settings import Simulate
from resonaut.simulate.trigger import passes

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chunk:
    """What the events of one chunk share.

    ``blind``: the events stand for real collisions and carry no truth. ``objects``: leptons etc. are stored
    too; ``track_jets``: those of charged particles; ``tracks``: impact parameters, of large and small jets;
    ``fake_taus``: how many times as often jets pass for taus.
    """

    number: int
    region: str
    blind: bool
    objects: bool
    track_jets: bool
    tracks: bool
    fake_taus: float


def simulate(config: Simulate, dataset: DatasetConfig, name: str, chunk: int, output: Path) -> None:
    """Write chunk number ``chunk`` of the dataset ``name`` to ``output``.

    Raises:
        ConfigError: the dataset is not generated, has no such chunk, stands for collisions yet asks for
            variations, or Pythia refuses its settings.
        EmptySelectionError: the dataset has no events, or none of the chunk has what its process's
            ``particle_level`` asks for.
    """
    if dataset.generator is None:
        raise ConfigError(f"config: datasets.{name} has no 'generator'; simulate makes only generated datasets.")
    if not 0 <= chunk < dataset.n_chunks():
        raise ConfigError(f"config: datasets.{name} has chunks 0 to {dataset.n_chunks() - 1}, not {chunk}.")
    blind = dataset.nature in BLIND
    if blind and dataset.generator.shower_variations:
        raise ConfigError(
            f"config: datasets.{name} stands for collisions, which exist in one variation; "
            "set its generator.shower_variations to false."
        )
    components = slots(dataset, name, chunk)
    if not len(components):
        raise EmptySelectionError(
            f"config: datasets.{name} has no events; give its components events or cross sections."
        )

    first = chunk * dataset.generator.events_per_chunk
    stored = (getattr(dataset.generator, name) for name in ("objects", "track_jets", "tracks", "fake_taus"))
    described = Chunk(chunk, dataset.region, blind, *stored)
    parts, weights = [], []
    with tqdm(total=len(components), desc=f"{name} {chunk}", unit="event", disable=None) as progress:
        for numbers, batch, rng, others in _generate(config, dataset.generator, name, chunk, components):
            weights.append(others)
            if len(batch):
                part, weight = _branches(batch, first + numbers, config, described, rng)
                parts.append(part)
                weights.append(weight)
            progress.update(len(numbers))
    if not parts:
        raise EmptySelectionError(
            f"config: datasets.{name}: none of the {len(components)} events of chunk {chunk} has what particle_level "
            "of its simulate.processes asks for; raise generator.events_per_chunk."
        )
    events = {key: ak.concatenate([part[key] for part in parts]) for key in parts[0]}
    order = np.argsort(events["event"])
    logger.info("%d of %d events pass the filter", len(order), len(components))
    nanoaod.write(
        output,
        {key: values[order] for key, values in events.items()},
        nanoaod.runs(None if blind else np.concatenate(weights)),
    )


def slots(dataset: DatasetConfig, name: str, chunk: int) -> np.ndarray:
    """For each event of the chunk the number of its component.

    The components of the whole dataset are shuffled like collisions of a run, and the chunks are slices
    of that order: neither the place of an event nor its number tells where it comes from.
    """
    assert dataset.generator is not None
    totals = dataset.component_events()
    order = np.repeat(np.arange(len(totals)), totals)
    np.random.default_rng(_seed(name, dataset.generator.seed, "order")).shuffle(order)
    size = dataset.generator.events_per_chunk
    return order[chunk * size : (chunk + 1) * size]


def _seed(*facts: object) -> int:
    """A stable seed from everything that must make a difference."""
    digest = hashlib.sha256("/".join(map(str, facts)).encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _generate(
    config: Simulate, generator: Generator, name: str, chunk: int, components: np.ndarray
) -> Iterator[tuple[np.ndarray, Batch, np.random.Generator, np.ndarray]]:
    """Yield batches of one component after the other, each with its events' places in the chunk.

    They are those that pass at particle level; a batch may have none. Last come the weights of the
    others.
    """
    for number, component in enumerate(generator.components):
        places = np.flatnonzero(components == number)
        if not len(places):
            continue
        seed = _seed(name, generator.seed, chunk, number)
        pythia = Pythia(
            config, component, generator.tune, 1 + seed % MAX_SEED, generator.shower_variations, generator.tracks
        )
        rng = np.random.default_rng(seed)
        wanted = config.processes[component.process].particle_level
        done, weights = 0, list[np.ndarray]()
        for batch in pythia.batches(len(places), config.batch):
            kept = batch.passes(wanted, config.objects.small_jet.radius)
            chosen = batch if kept.all() else batch.of(kept)
            others = np.concatenate([batch.weight[~kept], np.ones(pythia.rejected())])
            yield places[done : done + len(batch)][kept], chosen, rng, others
            done += len(batch)
            if batch.pairs is not None:
                weights.append(batch.pairs)
        cross_section, error = pythia.cross_section()
        logger.info("%s: %d events, %.6g +- %.2g fb", component.process, len(places), cross_section, error)
        if weights:
            pairs = ", ".join(f"{cross_section * mean:.4g}" for mean in np.concatenate(weights).mean(axis=0))
            logger.info("%s: %s fb of pairs at the points of the couplings", component.process, pairs)


def _branches(
    batch: Batch, numbers: np.ndarray, config: Simulate, chunk: Chunk, rng: np.random.Generator
) -> tuple[dict[str, Any], np.ndarray]:
    """The branches of those events of a batch that pass the region's filter, and the weights of all of them."""
    candidates = detector.reconstruct(batch.visible, config.detector, rng)
    if chunk.tracks:
        candidates = ak.with_field(candidates, ak.local_index(candidates, axis=1), "place")
    found, constituents = jets.cluster(candidates, config.jets.radius, config.jets.pt_min)
    keep = np.ones(len(batch), bool)
    if chunk.region in config.filters:
        keep = passes(found, config.filters[chunk.region])
    found, constituents = found[keep], constituents[keep]
    shapes, subjets = jets.substructure(
        constituents, config.jets.radius, config.jets.softdrop_zcut, config.jets.softdrop_beta
    )
    # A stream of its own: what is drawn for it must not change the rest of the detector.
    (own,) = rng.spawn(1)
    shapes["btagDeepB"] = detector.b_tag(
        found, batch.b_hadrons[keep], config.jets.radius, config.detector.b_tag_separation, own
    )
    events: dict[str, Any] = nanoaod.identifiers(chunk.number, numbers[keep])
    events |= nanoaod.event_quantities(candidates[keep], found)
    events |= nanoaod.collections(found, constituents, shapes)
    weight = batch.weight
    if chunk.objects:
        made_of = Event(
            ak.to_packed(candidates[keep]), batch, keep, found, constituents, subjets, not chunk.blind, chunk.fake_taus
        )
        more = collections(made_of, config, own.spawn(1)[0])
        weight[keep] *= more.pop("genWeight", 1.0)
        fat_jets: list[ak.Array] = [events["FatJet"], more.pop("FatJet")]
        events |= more | {"FatJet": ak.zip({name: jet[name] for jet in fat_jets for name in jet.fields})}
    if chunk.track_jets:
        events |= levels.collections(candidates[keep], batch, keep, config, told=not chunk.blind)
    if not chunk.blind:
        events |= {"GenPart": batch.hard[keep]} | nanoaod.weights(batch.pairs, weight, keep)
    if batch.shower_weight is not None:
        events["PSWeight"] = ak.from_regular(batch.shower_weight[keep].astype(np.float32))
    return events, weight
