"""Events and their friends: the one module that opens, joins and writes per-event files.

``skim`` writes ``<results>/skim/<dataset>/<chunk>.parquet`` and the manifest
``<results>/skim/<dataset>.json``; each later stage writes ``<results>/<verb>/<dataset>/<chunk>.parquet``
with the event identifier and its own new columns, row for row the same events. Files are read one row
group at a time, so memory does not grow with the dataset. Those of simulation may hold shifted values, too, and events
that pass the selection only with them (``core.variations``), or only at particle level; a column ``passes`` then tells
them apart, and who reads sees the nominal ones, unless told otherwise.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resonaut.core import arrow
from resonaut.core.errors import InputFileError, MisalignedFriendsError, NotFiniteError
from resonaut.core.files import atomic
from resonaut.core.identifier import KEY as KEY
from resonaut.core.manifest import Manifest
from resonaut.core.results import read
from resonaut.core.variations import PASSES, shifted_name

# What may stand for a folder or file of a dataset.
NAME = re.compile(r"[\w-][\w.-]*")
RUN_SKIM = "run 'skim' again"


@dataclass(frozen=True)
class Dataset:
    """A skimmed dataset and its friends, opened through its manifest."""

    manifest: Manifest
    results: Path

    @classmethod
    def open(cls, manifest: Path) -> "Dataset":
        """Open ``<results>/skim/<dataset>.json``.

        Raises:
            InputFileError: the manifest is another dataset's, or its chunks do not hold its events.
        """
        dataset = cls(read(manifest, Manifest), manifest.parent.parent)
        named = (dataset.name, *dataset.manifest.chunks)
        if dataset.name != manifest.stem or not all(NAME.fullmatch(name) for name in named):
            raise InputFileError(manifest, f"is of {dataset.name!r}, chunks {dataset.manifest.chunks}", RUN_SKIM)
        stored, dropped = dataset._stored(), sum(map(len, dataset.manifest.dropped.values()))
        if stored != dataset.manifest.events:
            expected, found = dataset.manifest.events + dropped, stored + dropped
            raise InputFileError(manifest, f"has {expected} events, and the files of its chunks {found}", RUN_SKIM)
        return dataset

    def _stored(self) -> int:
        """The number of nominal events in the files, without copies."""
        if any(PASSES in columns(self.path("skim", chunk)) for chunk in self.manifest.chunks):
            return sum(map(len, self.iterate(())))
        rows = sum(count(self.path("skim", chunk)) for chunk in self.manifest.chunks)
        return rows - sum(map(len, self.manifest.dropped.values()))

    @property
    def name(self) -> str:
        """The dataset's name in the configuration."""
        return self.manifest.name

    def path(self, folder: str, chunk: str) -> Path:
        """The file of one chunk in ``<results>/<folder>/<dataset>/``; ``folder`` is mostly a verb."""
        return self.results / folder / self.name / f"{chunk}.parquet"

    def described(self, column: str) -> Mapping[str, str]:
        """What ``skim`` says of a column: ``unit`` (``1`` for a number) and ``label``, its name where there is none.

        Raises:
            InputFileError: there is no such column.
        """
        path = self.path("skim", self.manifest.chunks[0])
        found = metadata(path)
        if column not in found:
            raise InputFileError(path, f"no column {column!r}", "keep it in the dataset's region")
        return {"unit": "1", "label": column} | found[column]

    def iterate(
        self, columns: Sequence[str], friends: Sequence[str] = (), variation: str = "", *, every: bool = False
    ) -> Iterator[ak.Array]:
        """Yield the whole dataset in batches (row groups) with the named columns; see ``iterate_chunk``."""
        for chunk in self.manifest.chunks:
            yield from self.iterate_chunk(chunk, columns, friends, variation, every=every)

    def iterate_chunk(
        self,
        chunk: str,
        columns: Sequence[str],
        friends: Sequence[str] = (),
        variation: str = "",
        *,
        every: bool = False,
        groups: Sequence[int] | None = None,
    ) -> Iterator[ak.Array]:
        """Yield one chunk in batches, joined with its ``friends`` (folders such as ``"tag"``).

        The column ``weight`` is made here: generator weight times ``weight_scale``, in fb for
        simulation, 1 for data.

        Args:
            chunk: one of ``manifest.chunks``.
            columns: what is read beside the KEY.
            friends: folders to join.
            variation: one of ``manifest.variations``, whose events and values are given; else the nominal ones.
            every: give all rows, as who writes friends must; ``passes`` then tells the events of the variation.
            groups: numbers of the row groups that are read; None for all.
        """
        shifted = self.manifest.variations
        if variation and variation not in shifted:
            raise ValueError(f"{self.name!r} has no variation {variation!r}, only {list(shifted)}")
        marked = PASSES in _open(self.path("skim", chunk)).schema_arrow.names
        stored = ["gen_weight" if c == "weight" else c for c in columns if marked or c != PASSES]
        paths = [self.path(folder, chunk) for folder in ("skim", *friends)]
        dropped = self.manifest.dropped.get(chunk, ())
        for batch in iterate(paths, stored, dropped, variation, passing=marked and not every, groups=groups):
            if "weight" in columns:
                batch = ak.with_field(batch, batch.gen_weight * self.manifest.weight_scale, "weight")
            if PASSES in columns and not marked:
                batch = ak.with_field(batch, np.ones(len(batch), bool), PASSES)
            yield batch

    def parts(self) -> "list[Part]":
        """The row groups, each to be read on its own."""
        sizes = {chunk: _open(self.path("skim", chunk)).num_row_groups for chunk in self.manifest.chunks}
        return [Part(self, chunk, group) for chunk, size in sizes.items() for group in range(size)]

    def read(self, columns: Sequence[str], friends: Sequence[str] = ()) -> ak.Array:
        """All nominal events at once, for columns that fit in memory; at least the event identifier's types."""
        return ak.concatenate(list(self.iterate(columns, friends)))


@dataclass(frozen=True)
class Part:
    """A row group of a dataset."""

    dataset: Dataset
    chunk: str
    group: int

    def iterate(self, columns: Sequence[str], friends: Sequence[str] = ()) -> Iterator[ak.Array]:
        """Yield its nominal events with the named columns, as ``Dataset.iterate`` does."""
        return self.dataset.iterate_chunk(self.chunk, columns, friends, groups=[self.group])


def columns(path: Path) -> list[str]:
    """The names of a file's columns."""
    names: list[str] = _open(path).schema_arrow.names
    return names


def metadata(path: Path) -> dict[str, dict[str, str]]:
    """What a file says of each of its columns: the unit, and what else ``write`` was given."""
    schema = _open(path).schema_arrow
    found = {name: schema.field(name).metadata or {} for name in schema.names}
    return {name: {key.decode(): text.decode() for key, text in notes.items()} for name, notes in found.items()}


def count(path: Path) -> int:
    """The number of a file's events, from its footer."""
    with _open(path) as file:
        return int(file.metadata.num_rows)


def iterate(
    paths: Sequence[Path],
    columns: Sequence[str],
    dropped: Sequence[int] = (),
    variation: str = "",
    *,
    passing: bool = False,
    groups: Sequence[int] | None = None,
) -> Iterator[ak.Array]:
    """Join files row by row and yield one record array per row group, all or ``groups``, with ``columns`` and the KEY.

    Rows ``dropped`` of the first file are left out; its friends do not have them. Columns have the values of a
    ``variation`` where a file holds them; ``passing``: only its events are yielded, by the column ``passes``.

    Raises:
        InputFileError: a file is missing or unreadable, no file has one of the columns, or a friend repeats one.
        MisalignedFriendsError: the files do not hold the same events in the same order.
    """
    files = [_open(path) for path in paths]
    wanted = list(dict.fromkeys((*KEY, *columns)))
    owner = _owners(paths, files)
    read = [*wanted, *([PASSES] if passing and PASSES not in wanted else [])]
    for name in read:
        if name not in owner:
            raise InputFileError(
                " + ".join(map(str, paths)),
                f"no column {name!r}",
                "run the stage that writes it again",
            )
    shifted = {name: twin for name in read if variation and (twin := shifted_name(name, variation)) in owner}
    for path, file in zip(paths[1:], files[1:], strict=True):
        if file.num_row_groups != files[0].num_row_groups:
            raise _misaligned(path, paths[0])
    sizes = [files[0].metadata.row_group(group).num_rows for group in range(files[0].num_row_groups)]
    for group in range(len(sizes)) if groups is None else groups:
        tables = [
            file.read_row_group(
                group,
                columns=[*KEY, *(n for n in (*read, *shifted.values()) if n not in KEY and owner[n] == path)],
                use_threads=False,
            )
            for path, file in zip(paths, files, strict=True)
        ]
        if dropped:
            rows = sum(sizes[:group]) + np.arange(sizes[group])
            tables[0] = tables[0].filter(arrow.numbers(~np.isin(rows, dropped)))
        for path, table in zip(paths[1:], tables[1:], strict=True):
            if not table.select(KEY).equals(tables[0].select(KEY)):
                raise _misaligned(path, paths[0])
        joined = {name: table for table in reversed(tables) for name in table.column_names}
        values = {name: joined[name].column(name) for name in read}
        for name, twin in shifted.items():
            # Where nothing is shifted, the import would be for nothing.
            from pyarrow import compute

            values[name] = compute.coalesce(joined[twin].column(twin), values[name])
        schema = pa.schema([joined[name].schema.field(name) for name in wanted])
        found = pa.table([values[name] for name in wanted], schema=schema)
        yield ak.from_arrow(found.filter(values[PASSES]) if passing else found)


def _owners(paths: Sequence[Path], files: Sequence[pq.ParquetFile]) -> dict[str, Path]:
    """The file that each column is of; the KEY is of the last one."""
    owner: dict[str, Path] = {}
    for path, file in zip(paths, files, strict=True):
        for name in file.schema_arrow.names:
            if name not in KEY and owner.get(name, path) != path:
                raise InputFileError(path, f"has the column {name!r} of {owner[name]}, too", "run its stage again")
            owner[name] = path
    return owner


def write(
    path: Path,
    batches: Iterable[ak.Array | pa.Table],
    units: Mapping[str, str],
    notes: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> None:
    """Write record arrays or tables as Parquet, one row group per batch, and move the file into place at the end.

    ``units`` names the unit of each column that has one, ``notes`` what else is to be known of a column; both are
    stored in the file's schema. Every batch must hold the KEY, and an empty dataset is one empty batch with its types.
    Columns of an option type, such as shifted ones, may hold null.

    Raises:
        NotFiniteError: a column holds NaN or infinity.
    """
    with atomic(path) as partial:
        writer = None
        for batch in batches:
            rows = batch if isinstance(batch, pa.Table) else table(batch, path)
            fields = [
                rows.schema.field(name).with_metadata({"unit": units.get(name, "1"), **notes.get(name, {})})
                for name in rows.column_names
            ]
            rows = pa.table(rows.columns, schema=pa.schema(fields))
            writer = writer or pq.ParquetWriter(partial, rows.schema, compression="zstd", **_encodings(rows.schema))
            writer.write_table(rows, row_group_size=max(len(rows), 1))
        if writer is None:
            raise ValueError(f"{path}: no batch to write, not even an empty one")
        writer.close()


def table(batch: ak.Array | Mapping[str, ak.Array | np.ndarray], source: Path | str) -> pa.Table:
    """A record array, or columns by name, as an Arrow table.

    Raises:
        NotFiniteError: a column, of ``source``, holds NaN or infinity.
    """
    columns = {name: batch[name] for name in batch.fields} if isinstance(batch, ak.Array) else batch
    arrays = {name: arrow.column(values) for name, values in columns.items()}
    for name, values in arrays.items():
        numbers = arrow.content(values)
        if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
            require_finite(columns[name], name, source)
    fields = [pa.field(name, values.type, arrow.may_be_null(columns[name])) for name, values in arrays.items()]
    return pa.table(list(arrays.values()), schema=pa.schema(fields))


def _encodings(schema: pa.Schema) -> dict[str, list[str]]:
    """Numbers with a fraction hardly repeat: byte by byte they take a third less room and time than in a dictionary."""
    found: dict[bool, list[str]] = {True: [], False: []}
    for field in schema:
        name, kind = field.name, field.type
        while pa.types.is_nested(kind):
            name, kind = f"{name}.list.element", kind.value_type
        found[pa.types.is_floating(kind)].append(name)
    return {"use_dictionary": found[False], "use_byte_stream_split": found[True]}


def require_finite(values: ak.Array | np.ndarray, name: str, source: Path | str) -> None:
    """Stop where a weight, score or feature is NaN or infinite."""
    flat = ak.to_numpy(ak.flatten(values, axis=None))
    bad = 0 if flat.dtype.kind not in "fc" else int(np.count_nonzero(~np.isfinite(flat)))
    if bad:
        raise NotFiniteError(
            f"{source}: {name!r} has {bad} NaN or infinite values of {flat.size}; mend its input or cut those events."
        )


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise InputFileError(path, "no such file", "run the stage that makes it") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise InputFileError(
            path, f"not a readable Parquet file ({error})", "delete it and run its stage again"
        ) from None


def _misaligned(path: Path, events: Path) -> MisalignedFriendsError:
    return MisalignedFriendsError(path, f"does not hold the events of {events} row for row", "run its stage again")
