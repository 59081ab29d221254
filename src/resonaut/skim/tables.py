"""Tables of events in HDF5 files: a row is an event, from which a format makes the jets.

A label decides which events form the dataset and goes no further.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from tqdm import tqdm

from resonaut.core.datasets import LabelledEvents, require_part
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.physics.observables import LARGE_JET
from resonaut.skim import cutflow, hdf5, objects, pieces
from resonaut.skim.columns import Column, schema
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.hdf5 import Name, Table
from resonaut.skim.own import NEEDED
from resonaut.skim.pieces import FileResult
from resonaut.skim.reading import Job, Reader
from resonaut.skim.selection import constituent_columns, jet_columns, select, spread


class Rows:
    """What the rows of a format's tables hold: named columns of numbers, unless a format says otherwise.

    ``names``: the columns of the jets. ``shapes``: what there is of a jet beside momentum and masses.
    """

    names: tuple[str, ...]
    shapes: tuple[str, ...]

    def jets(self, values: np.ndarray) -> tuple[ak.Array, ak.Array | None]:
        """Jets of rows (n, columns), and their candidates (n * var * var) where there are any.

        The jets are n * var * {pt, eta, phi, mass, softdrop_mass, ``shapes`` and their place as ``index``}.
        """
        raise NotImplementedError

    def columns(self, table: Table) -> list[Name]:
        """The columns of ``table`` to read; ``InputFileError`` where one is not there."""
        return require_columns(table, self.names)

    def labels(self, table: Table) -> list[Name]:
        """The column of the label, where there is one."""
        return [name for name in table.names if name == "label"]

    def undecided(self, values: np.ndarray) -> np.ndarray:
        """The rows (n,) whose jets cannot be known: none where a broken number leaves the jets that it is not of."""
        return np.zeros(len(values), bool)

    def doubts(self, values: np.ndarray, kept: ak.Array) -> dict[str, np.ndarray]:
        """By column, the kept events (n,) that hold a broken number."""
        del kept
        return {name: odd for name, odd in zip(self.names, ~np.isfinite(values).T, strict=True) if odd.any()}


def require_columns(
    table: Table, names: Sequence[str], remedy: str = "correct the dataset's 'format' or its file"
) -> list[Name]:
    """The ``names``, all of them columns of the table."""
    for name in names:
        if name not in table.names:
            raise InputFileError(table.path, f"no column {name!r}", remedy)
    return [*names]


@dataclass(frozen=True)
class Layout:
    """How to read a dataset's files: which columns and events, and what is kept of them."""

    job: Job
    rows: Rows
    constituents: int | None

    @classmethod
    def of(cls, job: Job, rows: Rows, candidates: bool) -> "Layout":
        """The layout of a dataset, whose jets may have ``candidates``.

        Raises:
            ConfigError: a slice of its events spans several files.
        """
        labelled = job.dataset.labelled
        if labelled is not None and len(job.dataset.files) > 1:
            raise ConfigError("config: a dataset with 'labelled' draws its events from one file; give it just one.")
        if labelled is not None:
            require_part("config: labelled.background", *labelled.background)
            require_part("config: labelled.signal", *labelled.signal)
        constituents = job.config.max_constituents if candidates and job.config.read_constituents else None
        return cls(job, rows, constituents)

    def columns(self) -> dict[str, Column]:
        """The columns of the selected events."""
        found = schema(self.job.region.jets, self.rows.shapes, self.constituents is not None, False, False)
        return found | self.job.objects.columns() | self.job.own.columns()


@contextmanager
def opened(job: Job, rows: Rows, candidates: bool = False) -> Iterator[Reader]:
    """The reader of a format whose files are tables of ``rows``, with or without the jets' ``candidates``."""
    layout = Layout.of(job, rows, candidates)
    yield lambda file, number: read(file, number, layout), layout.columns()


def read(path: str, number: int, layout: Layout) -> FileResult:
    """Select the events of one file, in batches of rows.

    Raises:
        OSError: the file cannot be read.
        InputFileError: the file lacks a column or labelled events, or a column holds no numbers.
    """
    columns, found, results = layout.columns(), [], []
    job, rows, size = layout.job, layout.rows, layout.job.config.batch_events
    with hdf5.opened(path) as table:
        names, own = rows.columns(table), require_columns(table, job.own.branches, NEEDED)
        table.require_numbers([*names, *own])
        keep = None if job.dataset.labelled is None else _wanted(table, rows, job.dataset.labelled, size)
        for start, values in _batches(table, names, size, Path(path).name):
            used = np.arange(start, start + len(values))
            if keep is not None:
                values, used = values[keep[used]], used[keep[used]]
            undecided = rows.undecided(values)
            if undecided.any():
                values, used = values[~undecided], used[~undecided]
            extra = {name: table.read([name], start, start + size)[used - start, 0] for name in own}
            flow, content = _select(values, used, extra, layout)
            # The row tells the events apart; the file's number in the dataset keeps files apart.
            section = job.dataset.files.index(path) + 1 if path in job.dataset.files else 1
            content |= {"luminosityBlock": np.full(len(content["event"]), section)}
            found.append(pieces.save(job.scratch / f"{number:06d}-{start:012d}.parquet", content, columns))
            results.append((flow, int(undecided.sum())))
    flow_sum = cutflow.total(flow.rows for flow, _ in results)
    count = flow_sum[0].events if flow_sum else 0
    faults = pieces.add(flow.faults for flow, _ in results)
    lost = sum(undecided for _, undecided in results)
    return FileResult(count, found, flow_sum, (count, float(count)), faults, lost)


def _select(
    values: np.ndarray, used: np.ndarray, extra: Mapping[Name, np.ndarray], layout: Layout
) -> tuple[Cutflow, dict[str, Any]]:
    """The cutflow of a batch and the columns of its kept events.

    ``used`` are their rows in the file, ``extra`` the columns of the table that the user's own are made of.
    """
    flow, number, own = Cutflow(np.ones(len(used))), layout.job.region.jets, layout.job.own
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        jets, constituents = layout.rows.jets(values)
        kept = select(jets, layout.job.region, flow, {})
        found = objects.select(layout.job.objects, None, kept, flow)
        kept = found[LARGE_JET]
        chosen, ones = flow.mask, np.ones(len(kept), np.int64)
        content: dict[str, Any] = {"run": ones, "event": used[chosen], "gen_weight": ones}
        content |= jet_columns(kept, number, layout.rows.shapes) | objects.columns(layout.job.objects, found)
        content |= own.compute({str(name): ak.Array(column[chosen]) for name, column in extra.items()}, flow)
    if constituents is not None and layout.constituents is not None:
        content |= _constituents(constituents[chosen], kept, number, layout.constituents)
    for name, broken in layout.rows.doubts(values[chosen], kept).items():
        flow.doubt(name, spread(chosen, broken))
    flow.finish()
    return flow, flow.readable(content, chosen)


def _batches(table: Table, names: Sequence[Name], size: int, title: str) -> Iterator[tuple[int, np.ndarray]]:
    with tqdm(total=table.rows, desc=title, unit="event", disable=None) as bar:
        for start in range(0, max(table.rows, 1), size):
            values = table.read(names, start, start + size)
            yield start, values
            bar.update(len(values))


def _wanted(table: Table, rows: Rows, rule: LabelledEvents, size: int) -> np.ndarray:
    """Which rows form the dataset, by their label."""
    names = rows.labels(table)
    if len(names) != 1:
        raise InputFileError(table.path, "no column of labels", "set the dataset's 'labelled' to null")
    table.require_numbers(names)
    labels = np.concatenate([values[:, 0] for _, values in _batches(table, names, size, "labels")])
    if not np.isfinite(labels).all():
        raise InputFileError(table.path, f"{names[0]!r} is not a number in some events", "label all events 0 or 1")
    signal = labels > 0.5
    for kind, there, (first, last) in (
        ("background", int((~signal).sum()), rule.background),
        ("signal", int(signal.sum()), rule.signal),
    ):
        if max(first, last or 0) > there:
            raise InputFileError(
                table.path,
                f"has {there} {kind} events, and the dataset's 'labelled.{kind}' is [{first}, {last or 'null'}]",
                "correct it; null as its end takes all that are left",
            )
    return wanted_events(signal, rule)


def wanted_events(signal: np.ndarray, rule: LabelledEvents) -> np.ndarray:
    """Which rows form the dataset; ``signal`` marks the labelled signal rows."""
    keep = np.zeros(len(signal), dtype=np.bool_)
    for rows, wanted in ((signal, rule.signal), (~signal, rule.background)):
        order = np.random.default_rng(rule.seed).permutation(np.flatnonzero(rows))
        keep[order[slice(*wanted)]] = True
    return keep


def _constituents(constituents: ak.Array, kept: ak.Array, number: int, limit: int) -> dict[str, Any]:
    """The lists of each kept jet; the file has neither charge nor kind of the particles: 0."""
    columns: dict[str, Any] = {}
    for j in range(number):
        mine = constituents[np.arange(len(kept)), ak.to_numpy(kept.index[:, j])]
        none = ak.zeros_like(mine.pt)
        mine = ak.with_field(ak.with_field(mine, none, "charge"), none, "pdgId")
        columns |= constituent_columns(mine, f"j{j + 1}", limit)
    return columns
