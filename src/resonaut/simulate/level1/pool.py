"""The pool: single collisions, digitised once, of which crossings are mixed again and again.

The hard collisions that trigger are rare among all. Parts of the pool with a hard process from some momentum on hold as
many of them as are wanted; each collision of a crossing is of a part with the probability of its cross section.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from resonaut.core.datasets import Component
from resonaut.core.errors import ConfigError
from resonaut.learn import store
from resonaut.simulate.generator import MAX_SEED, Pythia
from resonaut.simulate.level1.seeding import seed_of
from resonaut.simulate.level1.settings import PoolPart
from resonaut.simulate.level1.towers import Deposits, digitise
from resonaut.simulate.settings import Simulate

logger = logging.getLogger(__name__)

KIND = "pool of collisions"
FIELDS = ("towers", "cell", "em", "had", "muons", "muon")


@dataclass(frozen=True)
class Pool:
    """Collisions of several parts, one part after the other.

    ``sizes``: collisions of each part; ``shares``: the probability that a collision is of it, both (parts,).
    """

    deposits: Deposits
    sizes: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]


def generated(
    config: Simulate, component: Component, events: int, pt_hat_max: float | None, seed: int
) -> tuple[Deposits, float]:
    """Digitised collisions of a process, as many as pass of ``events``, and the cross section of those in fb."""
    pythia = Pythia(config, component, "simulation", 1 + seed % MAX_SEED, tracks=True)
    rng = np.random.default_rng(seed)
    parts, passed = [], 0
    for batch in pythia.batches(events, config.batch):
        kept = np.ones(len(batch), bool) if pt_hat_max is None else batch.pt_hat <= pt_hat_max
        passed += int(kept.sum())
        assert batch.origins is not None
        position = batch.origins.position[kept[batch.visible.event]]
        parts.append(digitise(batch.visible.of(kept), position, rng))
    return Deposits.joined(parts), pythia.cross_section()[0] * passed / events


def make(config: Simulate, part: PoolPart, name: str, chunk: int, output: Path) -> None:
    """Write chunk number ``chunk`` of the part ``name`` of the pool to ``output``.

    Raises:
        ConfigError: there is no such chunk, or Pythia refuses its settings.
    """
    if not 0 <= chunk < part.n_chunks:
        raise ConfigError(f"config: simulate.level1.pool.{name} has {part.n_chunks} chunks from 0, not number {chunk}.")
    events = min(part.events_per_chunk, part.events - chunk * part.events_per_chunk)
    seed = seed_of(name, part.seed, chunk)
    deposits, cross_section = generated(config, Component(process=part.process), events, part.pt_hat_max, seed)
    logger.info("%s: %d of %d collisions kept, %.6g fb", name, len(deposits), events, cross_section)
    about = {"part": name, "generated": events, "cross_section": cross_section}
    store.save(output, store.Model(KIND, about, {field: getattr(deposits, field) for field in FIELDS}))


def read(paths: Sequence[Path]) -> Pool:
    """The pool of the files of all chunks of its parts.

    Raises:
        InputFileError: a file is missing or no pool.
        ConfigError: there are none, or a part has no collision.
    """
    chunks: dict[str, list[store.Model]] = {}
    for path in paths:
        found = store.load(path, KIND, "make it with 'resonaut simulate level1-pool'")
        chunks.setdefault(str(found.settings["part"]), []).append(found)
    if not chunks:
        raise ConfigError("config: simulate.level1.pool is empty, and a sample has pile-up; add parts.")
    deposits, sizes, sections = [], [], []
    for name, several in chunks.items():
        deposits += [Deposits(*(one.state[field] for field in FIELDS)) for one in several]
        sizes.append(sum(len(one) for one in deposits[-len(several) :]))
        if not sizes[-1]:
            raise ConfigError(f"config: simulate.level1.pool.{name}: no collision is left; raise pt_hat_max.")
        weights = [float(one.settings["generated"]) for one in several]
        sections.append(np.average([float(one.settings["cross_section"]) for one in several], weights=weights))
    return Pool(Deposits.joined(deposits), np.asarray(sizes), np.asarray(sections) / sum(sections))
