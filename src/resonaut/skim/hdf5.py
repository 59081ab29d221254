"""Tables of numbers in HDF5 files, read without running anything that is in them.

pandas' own reader unpickles attributes, indexes and object columns, and a pickle runs code. Here h5py reads the
numeric datasets of pandas' two layouts, ``fixed`` and ``table``, and of plain files with one dataset a column or
one for all; a column of anything else (text, objects) is known by name and refused when it is asked for.
"""

import pickletools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  registers the compression filters that PyTables has and h5py lacks
import numpy as np

from resonaut.core.errors import InputFileError

Name = str | int

# What pickles of lists and tuples of plain texts and numbers consist of, beside these themselves.
_CONTAINERS = {"MARK", "LIST", "EMPTY_LIST", "APPEND", "APPENDS", "TUPLE", "TUPLE1", "TUPLE2", "PROTO", "FRAME", "STOP"}
_CONTAINERS |= {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_ATOMS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING"}
_ATOMS |= {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"}


@dataclass(frozen=True)
class Block:
    """Columns that stand side by side in one dataset, or in one ``field`` of a compound dataset."""

    names: list[Name]
    data: h5py.Dataset
    field: str | None = None
    category: bool = False

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the columns in the file."""
        dtype: np.dtype[Any] = self.data.dtype[self.field].base if self.field else self.data.dtype
        return dtype

    @property
    def complete(self) -> bool:
        """Whether there is a name for each column."""
        shape = self.data.dtype[self.field].shape if self.field else self.data.shape[1:]
        return int(np.prod(shape)) == len(self.names)

    @property
    def numeric(self) -> bool:
        """Whether the columns hold numbers; the codes of categories stand for texts."""
        return self.dtype.kind in "biuf" and not self.category

    def read(self, start: int, stop: int) -> np.ndarray:
        """The rows ``start`` to ``stop`` (excluded), shape (rows, columns)."""
        values = self.data.fields(self.field)[start:stop] if self.field else self.data[start:stop]
        return np.asarray(values).reshape(-1, len(self.names))


@dataclass(frozen=True)
class Table:
    """The one table of a file: its columns in order, read in slices of rows."""

    path: str
    names: list[Name]
    blocks: list[Block]
    rows: int

    def read(self, names: Sequence[Name], start: int, stop: int) -> np.ndarray:
        """Some columns of the rows ``start`` to ``stop`` (excluded), shape (rows, len(names)), in their common type."""
        places = {name: place for place, name in enumerate(names)}
        used = [block for block in self.blocks if not places.keys().isdisjoint(block.names)]
        stop = min(stop, self.rows)
        table = np.empty((stop - start, len(names)), np.result_type(*(block.dtype for block in used)))
        for block in used if stop > start else []:
            columns = [(column, places[name]) for column, name in enumerate(block.names) if name in places]
            here, there = np.transpose(columns)
            table[:, there] = block.read(start, stop)[:, here]
        return table

    def require_numbers(self, names: Sequence[Name]) -> None:
        """Stop where one of the columns does not hold numbers; ``InputFileError`` names it."""
        for block in self.blocks:
            for name in names:
                if name in block.names and not block.numeric:
                    remedy = "write it as numbers, without pickled objects"
                    raise InputFileError(self.path, f"{name!r} is not a column of numbers", remedy)
                if block.names.count(name) > 1:
                    raise InputFileError(self.path, f"has two columns {name!r}", "leave one")


@contextmanager
def opened(path: str) -> Iterator[Table]:
    """The table of a file.

    Raises:
        OSError: the file cannot be opened.
        InputFileError: it holds no table or several, or one whose columns cannot be known without running code.
    """
    with h5py.File(path, "r") as file:
        frames = _frames(file)
        if len(frames) > 1:
            raise InputFileError(path, f"holds {len(frames)} tables", "give an HDF5 file with one")
        blocks, names = _pandas(path, frames[0]) if frames else _plain(path, file)
        numeric = [block for block in blocks if block.numeric]
        # pandas writes an array without elements as a single zero, and its shape beside it.
        rows = {0 if "shape" in block.data.attrs else len(block.data) for block in numeric}
        if len(rows) != 1 or not all(block.complete for block in numeric):
            raise InputFileError(path, "has no columns of numbers, or not all of one length", "give a table of numbers")
        for block in numeric:
            _require_filters(path, block.data)
        yield Table(path, names, blocks, rows.pop())


def _frames(file: h5py.File) -> list[h5py.Group]:
    """The groups in which pandas stored something, without those that are a part of it; links are not followed."""
    found: list[h5py.Group] = []

    def look(_: str, item: Any) -> None:
        inside = any(item.name.startswith(f"{frame.name}/") for frame in found)
        if isinstance(item, h5py.Group) and "pandas_type" in item.attrs and not inside:
            found.append(item)

    file.visititems(look)
    return found


def _plain(path: str, file: h5py.File) -> tuple[list[Block], list[Name]]:
    """Datasets at the top of a file: one of two dimensions, or columns by name."""
    data = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset)}
    if len(data) == 1 and (only := next(iter(data.values()))).ndim == 2:
        blocks = [Block(list(range(only.shape[1])), only)]
    else:
        blocks = [Block([name], item) for name, item in data.items() if item.ndim == 1]
    if not blocks:
        raise InputFileError(
            path, "holds no table", "give an HDF5 file of pandas, or one with a dataset for each column"
        )
    return blocks, [name for block in blocks for name in block.names]


def _pandas(path: str, group: h5py.Group) -> tuple[list[Block], list[Name]]:
    kind = _text(group.attrs["pandas_type"])
    if kind == "frame_table":
        blocks = _table_blocks(path, group["table"])
        # One axis of the rest: (its number, the names).
        order = _atoms(path, group.attrs.get("non_index_axes", b""))[1:]
    elif kind == "frame":
        blocks = list(_fixed_blocks(path, group))
        order = _items(path, group["axis0"])
    else:
        raise InputFileError(path, f"holds a pandas {kind}", "give a DataFrame of numbers")
    stored = [name for block in blocks for name in block.names]
    return blocks, order if sorted(map(str, order)) == sorted(map(str, stored)) else stored


def _table_blocks(path: str, table: h5py.Dataset) -> list[Block]:
    blocks = []
    for field in table.dtype.names or ():
        if field != "index":
            names = _atoms(path, table.attrs.get(f"{field}_kind", b""))
            category = _text(table.attrs.get(f"{field}_meta")) == "category"
            blocks.append(Block(names, table, field, category))
    return blocks


def _fixed_blocks(path: str, group: h5py.Group) -> Iterator[Block]:
    for number in range(int(group.attrs["nblocks"])):
        yield Block(_items(path, group[f"block{number}_items"]), group[f"block{number}_values"])


def _items(path: str, data: h5py.Dataset) -> list[Name]:
    """The names of columns in a dataset of texts or whole numbers."""
    if data.dtype.kind == "S":
        return [name.decode() for name in data[:]]
    if data.dtype.kind in "iu":
        return [int(name) for name in data[:]]
    raise InputFileError(path, "the names of its columns are objects", "name the columns by text and write it again")


def _atoms(path: str, pickled: bytes) -> list[Name]:
    """The texts and whole numbers in the pickle of a list: its instructions are read, none is carried out."""
    atoms: list[Name] = []
    try:
        for code, value, _ in pickletools.genops(bytes(pickled)):
            if code.name in _ATOMS and isinstance(value, str | int):
                atoms.append(value)
            elif code.name not in _CONTAINERS:
                raise ValueError(code.name)
    except Exception:
        remedy = "write the table again with texts or numbers as names"
        raise InputFileError(path, "the names of its columns are not a plain list", remedy) from None
    return atoms


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _require_filters(path: str, data: h5py.Dataset) -> None:
    """Stop where the data are compressed by a filter that is not installed."""
    properties = data.id.get_create_plist()
    for number in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            problem = f"is compressed with {_text(name) or 'a filter'} (HDF5 filter {code}), which is not installed"
            raise InputFileError(path, problem, "write it again with zlib or blosc")
