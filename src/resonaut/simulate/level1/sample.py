"""One chunk of a sample of bunch crossings: which collisions, mixed, and what the trigger makes of them."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from resonaut.core.datasets import Component
from resonaut.core.errors import ConfigError
from resonaut.physics.level1 import files
from resonaut.physics.level1.crossings import Crossings, Objects
from resonaut.physics.level1.scales import COLLECTIONS, DIRECTIONS, SUM_SATURATED, SUMS
from resonaut.simulate.level1 import objects, pool
from resonaut.simulate.level1.pool import Pool
from resonaut.simulate.level1.seeding import seed_of
from resonaut.simulate.level1.settings import Sample
from resonaut.simulate.level1.towers import PHI_TOWERS, WIDTH, Deposits
from resonaut.simulate.settings import Simulate

logger = logging.getLogger(__name__)

# Crossings that are mixed at once.
BATCH = 2000
# How often a muon has hits enough for each quality.
QUALITIES, OFTEN = (12, 8, 4), (0.85, 0.10, 0.05)


def simulate(config: Simulate, sample: Sample, name: str, chunk: int, pools: Sequence[Path], output: Path) -> None:
    """Write the crossings of chunk number ``chunk`` of the sample ``name`` to ``output``.

    Raises:
        ConfigError: there is no such chunk, the pool is empty, or Pythia refuses its settings.
        InputFileError: a file of the pool is missing or none.
    """
    if not 0 <= chunk < sample.n_chunks:
        raise ConfigError(
            f"config: simulate.level1.samples.{name} has {sample.n_chunks} chunks from 0, not number {chunk}."
        )
    first = chunk * sample.events_per_chunk
    events = min(sample.events_per_chunk, sample.events - first)
    seed = seed_of(name, sample.seed, chunk)
    rng = np.random.default_rng(seed)
    mixed = Mixer(sample.pileup, pool.read(pools) if sample.pileup else None)
    hard = None
    if sample.process is not None:
        component = Component(process=sample.process, mass=sample.mass)
        hard, _ = pool.generated(config, component, events, None, seed_of(name, sample.seed, chunk, "hard"))
    began = time.perf_counter()
    found = mixed.crossings(events, hard, rng, f"{name} {chunk}")
    logger.info("%d crossings mixed in %.1f s", events, time.perf_counter() - began)
    files.write(output, found, {"event": first + np.arange(events)})


class Mixer:
    """Puts collisions of a pool on one another, ``pileup`` in the mean."""

    def __init__(self, pileup: float, found: Pool | None) -> None:
        self.pileup, self.pool = pileup, found

    def crossings(self, events: int, hard: Deposits | None, rng: np.random.Generator, what: str) -> Crossings:
        """``events`` crossings, each with the collision of its number of ``hard``, if there are such."""
        pooled = [] if self.pool is None else [self.pool.deposits]
        everything = Deposits.joined(pooled if hard is None else [*pooled, hard])
        of_pool = sum(map(len, pooled))
        parts = []
        with tqdm(total=events, desc=what, unit="crossing", disable=None) as progress:
            for begin in range(0, events, BATCH):
                rows = np.arange(begin, min(begin + BATCH, events))
                crossing, chosen = self._drawn(len(rows), rng)
                pileup = np.bincount(crossing, minlength=len(rows))
                turn = rng.integers(0, PHI_TOWERS, len(chosen))
                flip = rng.random(len(chosen)) < 0.5
                if hard is not None:
                    # The hard collisions stay as they are.
                    crossing = np.concatenate([crossing, rows - begin])
                    chosen = np.concatenate([chosen, of_pool + rows])
                    turn, flip = np.append(turn, 0 * rows), np.append(flip, np.zeros(len(rows), bool))
                order = np.argsort(crossing, kind="stable")
                parts.append(_seen(everything, pileup, crossing[order], chosen[order], turn[order], flip[order], rng))
                progress.update(len(rows))
        return Crossings.joined(parts)

    def _drawn(self, n: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The crossing of each collision, and which of the pool it is."""
        if self.pool is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        counts = rng.poisson(self.pileup * self.pool.shares, (n, len(self.pool.shares)))
        before = np.cumsum(self.pool.sizes) - self.pool.sizes
        part = np.repeat(np.tile(np.arange(len(before)), n), counts.ravel())
        crossing = np.repeat(np.arange(n), counts.sum(axis=1))
        return crossing, before[part] + rng.integers(0, self.pool.sizes[part])


def _seen(
    deposits: Deposits,
    pileup: npt.NDArray[np.int64],
    crossing: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
    turn: npt.NDArray[np.int64],
    flip: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> Crossings:
    """The objects of n crossings, of which each collision is ``chosen`` for one; crossings rise."""
    n = len(pileup)
    first = np.searchsorted(crossing, np.arange(n + 1))
    arrays = deposits.towers, deposits.cell, deposits.em, deposits.had
    *calorimeter, sums = objects.crossings(first, chosen, turn, flip, *arrays)
    found = {"muons": _muons(deposits, n, crossing, chosen, turn, flip, rng)}
    for name, one in zip(("jets", "egammas", "taus"), calorimeter, strict=True):
        one[..., 0] = np.minimum(one[..., 0], COLLECTIONS[name].saturated)
        found[name] = Objects(*(one[..., k].astype(np.int16) for k in range(4)))
    sums[:, : len(SUMS)] = np.minimum(sums[:, : len(SUMS)], SUM_SATURATED)
    names = (*SUMS, *DIRECTIONS)
    return Crossings(
        {name: found[name] for name in COLLECTIONS},
        {name: sums[:, column].astype(np.int16) for column, name in enumerate(names)},
        pileup.astype(np.float32),
    )


def _muons(
    deposits: Deposits,
    n: int,
    crossing: npt.NDArray[np.int64],
    chosen: npt.NDArray[np.int64],
    turn: npt.NDArray[np.int64],
    flip: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> Objects:
    """The hardest eight muons of each crossing."""
    scale = COLLECTIONS["muons"]
    counts = deposits.muons[chosen + 1] - deposits.muons[chosen]
    collision = np.repeat(np.arange(len(chosen)), counts)
    within = np.arange(len(collision)) - np.repeat(np.cumsum(counts) - counts, counts)
    pt, eta, phi, _ = deposits.muon[deposits.muons[chosen][collision] + within].T.astype(np.float64)
    eta, phi = np.where(flip[collision], -eta, eta), phi + turn[collision] * WIDTH
    quality = rng.choice(QUALITIES, len(pt), p=OFTEN)
    columns = (
        scale.units(pt),
        np.rint(eta / scale.eta_step),
        np.floor(phi / scale.phi_step) % scale.phi_units,
        quality,
    )
    where = crossing[collision]
    order = np.lexsort((-pt, where))
    where = where[order]
    place = np.arange(len(where)) - np.searchsorted(where, where)
    there = place < scale.capacity
    found = [np.zeros((n, scale.capacity), np.int16) for _ in columns]
    for padded, column in zip(found, columns, strict=True):
        padded[where[there], place[there]] = column[order][there]
    return Objects(*found)
