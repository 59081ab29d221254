"""Events that are in a dataset more than once: a file and its copy, or primary datasets that overlap."""

from collections.abc import Sequence
from pathlib import Path

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core import events
from resonaut.core.datasets import BLIND, DatasetConfig
from resonaut.core.events import KEY
from resonaut.core.identifier import mix
from resonaut.skim.columns import generated
from resonaut.skim.settings import ParticleLevel, Region

# Events compared at a time, so that memory does not grow with the dataset: about 60 bytes each.
BLOCK = 500_000

Bits = NDArray[np.uint64]

# An event that was there before: its file and row, the file of the first one, and its number.
REPEATED = np.dtype([("file", np.int64), ("row", np.int64), ("first", np.int64), ("event", np.int64)])


def identity(dataset: DatasetConfig, sections: bool, region: Region) -> tuple[str, ...]:
    """The columns that tell a dataset's events apart; ``sections``: its format tells their luminosity sections.

    Productions of simulation may number their events alike, and some formats have only rows: there two events are one
    if their jets, objects and observables are the same as well.
    """
    key = KEY if sections else ("event",)
    if sections and dataset.nature == "data":
        return key
    found = [*(["m_jj"] if region.jets == 2 else []), *(["j1_pt"] if region.jets else []), *_kinematics(region)]
    if region.particle_level is not None and dataset.nature not in BLIND:
        # Events that pass there alone have nothing at detector level.
        found += map(generated, _kinematics(region.particle_level))
    return tuple(dict.fromkeys([*key, *found]))


def _kinematics(level: Region | ParticleLevel) -> list[str]:
    """Columns of objects and observables that hardly two events have in common."""
    return [*(f"{name}1_pt" for name, cuts in level.objects.items() if cuts.keep), *level.observables]


def find(paths: Sequence[Path], columns: Sequence[str], before: Sequence[Path] = ()) -> np.ndarray:
    """The events whose ``columns`` equal those of an earlier one, of type ``REPEATED``, in the order of the files.

    Files of other datasets may come ``before``: of their events none is told, and as ``first`` they count from below 0.

    Each pass over the files compares the events whose hash falls into one class: the same events are in the same.
    """
    whole = [*before, *paths]
    passes = max(1, -(-sum(map(events.count, whole)) // BLOCK))
    found = np.concatenate([_compare(*_read(whole, columns, number, passes)) for number in range(passes)])
    for place in ("file", "first"):
        found[place] -= len(before)
    return np.sort(found[found["file"] >= 0], order=("file", "row"))


def _read(paths: Sequence[Path], columns: Sequence[str], number: int, passes: int) -> tuple[Bits, NDArray[np.int64]]:
    """The events of one class: hash and ``columns`` (n, 1 + columns) as bits; file, row and number (n, 3)."""
    bits, places = [np.empty((0, 1 + len(columns)), np.uint64)], [np.empty((0, 3), np.int64)]
    for file, path in enumerate(paths):
        row = 0
        for batch in events.iterate([path], columns):
            values = [_bits(batch[name]) for name in columns]
            state = np.zeros(len(batch), np.uint64)
            for column in values:
                state = mix(state ^ column)
            mine = np.flatnonzero(state % np.uint64(passes) == number)
            bits.append(np.stack([state, *values], axis=1)[mine])
            places.append(np.stack([np.full(len(mine), file), row + mine, ak.to_numpy(batch.event)[mine]], axis=1))
            row += len(batch)
    return np.concatenate(bits), np.concatenate(places)


def _bits(column: ak.Array) -> NDArray[np.uint64]:
    values = ak.to_numpy(column)
    return np.asarray(values.view(f"u{values.itemsize}"), np.uint64)


def _compare(bits: Bits, places: NDArray[np.int64]) -> np.ndarray:
    """The events of one class that were there before; those with the same hash are compared themselves."""
    order = np.argsort(bits[:, 0], kind="stable")
    equal = bits[order[1:], 0] == bits[order[:-1], 0]
    suspects = np.sort(order[np.append(equal, False) | np.insert(equal, 0, False)]) if equal.any() else order[:0]
    _, first, group = np.unique(bits[suspects], axis=0, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[group.ravel()] != np.arange(len(suspects)))
    found = np.empty(len(again), REPEATED)
    file, row, event = places[suspects[again]].T
    found["file"], found["row"], found["event"] = file, row, event
    found["first"] = places[suspects[first[group.ravel()[again]]], 0]
    return found
