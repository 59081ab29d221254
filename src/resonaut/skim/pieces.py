"""Pieces of a chunk: the selected events of one batch of one input file, on disk until all are there.

Batches may be read in any order, by any number of workers. Each leaves a small Arrow file in a
scratch folder and reports its cutflow; the chunk's file is then put together in the input's order, so
that its bytes depend on the input and the configuration alone, and memory holds a batch at a time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from resonaut.core import events
from resonaut.core.errors import ResonautError
from resonaut.core.files import atomic
from resonaut.core.manifest import Cut
from resonaut.skim.columns import Column, conform, empty


class UnreadableError(Exception):
    """An input file could not be read; ``bad_files`` in the configuration says what follows.

    ``events`` is the number of events in the file, where it could be learnt.
    """

    def __init__(self, problem: str, events: int | None = None) -> None:
        super().__init__(problem)
        self.events = events


class UnwritableError(ResonautError):
    """Selected events could not be written: no fault of the input file."""


@dataclass(frozen=True)
class FileResult:
    """What one input file gave: ``events`` stored in it, its pieces in order, their summed cutflow.

    ``generated``: number and summed weights of all generated events, also those that the file no longer holds.
    ``faults``: events that pass all cuts and are left out, by the branch that is broken. ``undecided``: events too
    broken to select, not in ``events``. ``notes``: what was missing and what counts in its place.
    """

    events: int
    pieces: list[Path]
    cutflow: list[Cut]
    generated: tuple[int, float]
    faults: dict[str, int] = field(default_factory=dict)
    undecided: int = 0
    notes: list[str] = field(default_factory=list)


def add(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Numbers by name, summed."""
    found: Counter[str] = Counter()
    for count in counts:
        found.update(count)
    return dict(found)


def not_fired(flag: str) -> str:
    """What is noted of a file without a trigger's or filter's branch."""
    return f"no branch {flag!r}, which counts as not fired"


def reason(error: BaseException) -> str:
    """An error's first line: a few words for a sentence."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    lines = [line.strip(" ,.;:") for line in str(error).splitlines() if line.strip()]
    if isinstance(error, ResonautError | UnreadableError):
        return lines[0]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def save(path: Path, values: Mapping[str, Any], columns: Mapping[str, Column]) -> Path:
    """Write one piece, as it is in memory; ``UnwritableError`` where there is no room for it.

    Raises:
        NotFiniteError: a column holds NaN or infinity.
    """
    piece = events.table(conform(values, columns), path)
    try:
        with atomic(path) as partial, pa.ipc.new_file(partial, piece.schema) as file:
            file.write_table(piece)
    except OSError as error:
        raise UnwritableError(
            f"{path}: cannot be written ({reason(error)}); make room there, and run again."
        ) from error
    return path


def join(pieces: list[Path], columns: Mapping[str, Column], batch_events: int) -> Iterator[pa.Table]:
    """Yield the events of all pieces in batches of at least ``batch_events`` (the last: what is left).

    Where there is none, one empty batch tells the columns and their types. Nullable columns are those of any piece.
    """
    found = {name for piece in pieces for name in _opened(piece).schema.names}
    start = empty({name: column for name, column in columns.items() if name in found or not column.nullable})
    waiting, count, yielded = [events.table(start, "")], 0, False
    for piece in pieces:
        waiting.append(_opened(piece).read_all())
        count += len(waiting[-1])
        if count >= batch_events:
            yield _joined(waiting)
            waiting, count, yielded = waiting[:1], 0, True
    if count or not yielded:
        yield _joined(waiting)


def _opened(piece: Path) -> pa.ipc.RecordBatchFileReader:
    return pa.ipc.open_file(pa.OSFile(str(piece)))


def _joined(tables: list[pa.Table]) -> pa.Table:
    """Tables one after the other, with nulls in the columns that one lacks."""
    return pa.concat_tables(tables, promote_options="default").combine_chunks()
