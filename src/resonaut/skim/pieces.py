"""Pieces of a chunk: the selected events of one batch of one input file, on disk until all are there.

Batches may be read in any order, by any number of workers. Each leaves a small Parquet file in a
scratch folder and reports its cutflow; the chunk's file is then put together in the input's order, so
that its bytes depend on the input and the configuration alone, and memory holds a batch at a time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak

from resonaut import events
from resonaut.skim.columns import Column, conform, empty, units


class UnreadableError(Exception):
    """An input file could not be read; ``bad_files`` in the configuration says what follows.

    ``events`` is the number of events in the file, where it could be learnt.
    """

    def __init__(self, problem: str, events: int | None = None) -> None:
        super().__init__(problem)
        self.events = events


@dataclass(frozen=True)
class FileResult:
    """What one input file gave: ``events`` stored in it, its pieces in order, their summed cutflow.

    ``generated``: number and summed weights of all generated events, also those that the file no longer holds.
    """

    events: int
    pieces: list[Path]
    cutflow: list[dict[str, Any]]
    generated: tuple[int, float]


def save(path: Path, values: Mapping[str, Any], columns: Mapping[str, Column]) -> Path:
    """Write one piece."""
    events.write(path, [conform(values, columns)], units(columns))
    return path


def join(pieces: list[Path], columns: Mapping[str, Column], batch_events: int) -> Iterator[ak.Array]:
    """Yield the events of all pieces in batches of at least ``batch_events`` (the last: what is left).

    Where there is none, one empty batch tells the columns and their types.
    """
    nothing = empty(columns)
    waiting, count, yielded = [nothing], 0, False
    for piece in pieces:
        for batch in events.iterate([piece], list(columns)):
            waiting.append(batch)
            count += len(batch)
        if count >= batch_events:
            yield ak.concatenate(waiting)
            waiting, count, yielded = [nothing], 0, True
    if count or not yielded:
        yield ak.concatenate(waiting)
