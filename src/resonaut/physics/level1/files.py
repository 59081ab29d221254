"""Parquet files of Level-1 objects in the layout of CMS's public record (doi:10.5281/zenodo.21787779).

One row is a bunch crossing. A column with a collection's name before it is a list, also that of a sum, which has one
element; all others are plain values. Decisions of seeds are booleans ``L1_<name>``, which the record keeps in files of
their own, row for row the same crossings. The layout is the one of the record's mirror with a row for each event.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from resonaut.core import arrow
from resonaut.core.errors import InputFileError
from resonaut.core.files import atomic
from resonaut.physics.level1.crossings import FIELDS, Crossings, Int16, Objects
from resonaut.physics.level1.scales import COLLECTIONS, DIRECTIONS, SUMS

SEED = "L1_"
# The number of collisions, of simulation the true one.
PILEUP = "nPV_True"
_REMEDY = "give a file in the layout of docs/trigger.md#level-1-objects"


def columns() -> list[str]:
    """The columns that are read of every file, in the record's order."""
    found = [f"{name}_{getattr(one, each)}" for name, one in COLLECTIONS.items() for each in FIELDS]
    return [*found, *SUMS, *DIRECTIONS]


def read(path: Path, seeds: Path | None = None) -> Crossings:
    """The crossings of a file, and the decisions of seeds that it has, or those in a file of seeds of its own.

    Raises:
        InputFileError: a file is missing or no Parquet, lacks a column, or a column is not what it should be; there
            are more objects than the trigger sends, or rows of seeds than crossings.
    """
    table = _table(path, columns(), PILEUP)
    objects = {name: _objects(path, table, name) for name in COLLECTIONS}
    sums = {name: _padded(path, table, name, 1)[:, 0] for name in (*SUMS, *DIRECTIONS)}
    found = _numbers(path, table, PILEUP) if PILEUP in table.column_names else np.full(len(table), np.nan)
    decided = table if seeds is None else _table(seeds, [])
    if len(decided) != len(table):
        problem = f"has {len(decided)} rows of seeds for {len(table)} crossings of {path}"
        raise InputFileError(seeds or path, problem, "give the seeds of the same crossings")
    return Crossings(objects, sums, found.astype(np.float32), _decisions(seeds or path, decided))


def write(path: Path, crossings: Crossings, facts: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write crossings, and further plain columns such as ``event``; the whole file or none, equal ones equal bytes."""
    found: dict[str, pa.Array] = {}
    for name, one in COLLECTIONS.items():
        objects = crossings.objects[name]
        there = objects.et > 0
        counts = there.sum(axis=1)
        for each in FIELDS:
            found[f"{name}_{getattr(one, each)}"] = _lists(getattr(objects, each)[there], counts)
    ones = np.ones(len(crossings), np.int64)
    found |= {name: _lists(crossings.sums[name], ones) for name in (*SUMS, *DIRECTIONS)}
    found |= {name: arrow.numbers(values) for name, values in facts.items()}
    found |= {PILEUP: arrow.numbers(crossings.pileup)}
    found |= {name: arrow.numbers(values) for name, values in crossings.seeds.items()}
    with atomic(path) as partial:
        pq.write_table(pa.table(found), partial, compression="zstd")


def _table(path: Path, wanted: list[str], *optional: str) -> pa.Table:
    if not path.is_file():
        raise InputFileError(path, "no such file", "give its right path")
    try:
        names = pq.read_schema(path).names
        if missing := [name for name in wanted if name not in names]:
            raise InputFileError(path, f"lacks the column {missing[0]!r}", _REMEDY)
        chosen = [name for name in names if name in (*wanted, *optional) or name.startswith(SEED)]
        return pq.read_table(path, columns=chosen)
    except pa.ArrowException as error:
        raise InputFileError(path, f"is no Parquet file that can be read ({error})", _REMEDY) from error


def _objects(path: Path, table: pa.Table, name: str) -> Objects:
    scale = COLLECTIONS[name]
    names = [f"{name}_{getattr(scale, each)}" for each in FIELDS]
    found = Objects(*(_padded(path, table, each, scale.capacity) for each in names))
    # Muons are in the order of the hardware's links, and not of their momenta.
    return found.kept(found.et > 0)


def _padded(path: Path, table: pa.Table, name: str, capacity: int) -> Int16:
    """A column of lists as (n, ``capacity``), 0 where there is nothing."""
    column = table[name].combine_chunks()
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        raise InputFileError(path, f"{name!r} is a column of {column.type}, not of lists of integers", _REMEDY)
    items = column.flatten()
    if not pa.types.is_integer(items.type) or column.null_count or items.null_count:
        raise InputFileError(path, f"{name!r} does not hold lists of integers alone", _REMEDY)
    counts = np.diff(column.offsets.to_numpy())
    if (capacity == 1 and (counts != 1).any()) or counts.max(initial=0) > capacity:
        row = int(np.flatnonzero((counts > capacity) | ((capacity == 1) & (counts != 1)))[0])
        raise InputFileError(path, f"{name!r} has {counts[row]} elements in row {row}, not {capacity}", _REMEDY)
    values = items.to_numpy()
    if len(values) and not (np.iinfo(np.int16).min <= values.min() and values.max() <= np.iinfo(np.int16).max):
        raise InputFileError(path, f"{name!r} has values that are no hardware integers of 16 bits", _REMEDY)
    padded = np.zeros((len(counts), capacity), np.int16)
    padded[np.arange(capacity) < counts[:, None]] = values
    return padded


def _numbers(path: Path, table: pa.Table, name: str) -> npt.NDArray[Any]:
    column = table[name].combine_chunks()
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)) or column.null_count:
        raise InputFileError(path, f"{name!r} does not hold numbers alone", _REMEDY)
    found: npt.NDArray[Any] = column.to_numpy()
    return found


def _decisions(path: Path, table: pa.Table) -> dict[str, npt.NDArray[np.bool_]]:
    found = {}
    for name in (name for name in table.column_names if name.startswith(SEED)):
        column = table[name].combine_chunks()
        if not pa.types.is_boolean(column.type) or column.null_count:
            raise InputFileError(path, f"{name!r} does not hold decisions", _REMEDY)
        found[name] = column.to_numpy(zero_copy_only=False)
    return found


def _lists(values: Int16, counts: npt.NDArray[np.int64]) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(arrow.numbers(offsets), arrow.numbers(values))
