"""Columns of numbers of the files that users have: Parquet, CSV, trees in ROOT files, and skimmed datasets."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import uproot
from numpy.typing import NDArray

from resonaut.core import identifier
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.events import Dataset
from resonaut.core.observables import axis
from resonaut.core.variations import PASSES, shifted_name
from resonaut.core.weights import Weights
from resonaut.learn.ratio import Sample

Columns = dict[str, NDArray[np.float64]]
# What tells events apart or selects them, and is nothing to be compared.
NOT_OBSERVABLES = (*identifier.KEY, PASSES, "gen_weight", "weight")
# In a name the sign of a variation.
SHIFTED = shifted_name("", "")
_ROOT = re.compile(r"(.+\.root):(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """A file of events: the ``names`` of its columns of numbers, and what reads some of them.

    ``weights``: those that its kind knows, of the events in the order of the columns; None where each counts 1.
    ``labels``: what a figure calls columns, with their units, where the file says it.
    """

    path: str
    names: list[str]
    read: Callable[[Sequence[str]], Columns]
    weights: Callable[[], NDArray[np.float64]] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def observables(self) -> list[str]:
        """The columns that may be compared."""
        return [name for name in self.names if name not in NOT_OBSERVABLES and SHIFTED not in name]

    def require(self, names: Sequence[str], option: str) -> None:
        """Stop where one of the columns is missing."""
        for name in names:
            if name not in self.names:
                raise InputFileError(
                    self.path,
                    f"has no column of numbers {name!r}",
                    f"give {option} one of {', '.join(self.observables)}",
                )

    def sample(self, names: Sequence[str], weight: str | None) -> Sample:
        """The events with some columns as features; keys from run, luminosity block and event where they are there.

        Args:
            names: columns.
            weight: the column of the weights, ``1`` for none; None to take those that the file's kind knows.
        """
        key = [name for name in identifier.KEY if name in self.names]
        known = weight is None and self.weights is not None
        wanted = [*names, *([] if weight in (None, "1") else [weight])]
        found = self.read([*wanted, *(key if len(key) == len(identifier.KEY) else ())])
        features = np.stack([found[name].astype(np.float32) for name in names], axis=1)
        weights = np.ones(len(features)) if known or weight in (None, "1") else found[weight].astype(np.float64)
        if known:
            assert self.weights is not None
            weights = self.weights()
        keys = identifier.keys(ak.Array({k: found[k] for k in key})) if len(key) == len(identifier.KEY) else None
        return Sample.of(features, weights, keys)


def open_source(text: str) -> Source:
    """Open ``file.parquet``, ``file.csv``, ``file.root:tree`` or the manifest ``<results>/skim/<dataset>.json``.

    Raises:
        InputFileError: there is no such file, or it holds no columns of numbers.
    """
    match = None if Path(text).is_file() else _ROOT.fullmatch(text)
    path, tree = (Path(match[1]), match[2]) if match else (Path(text), "")
    if not path.is_file():
        raise InputFileError(text, "no such file", "give a Parquet, CSV or ROOT file, or the manifest of a dataset")
    kinds = {".parquet": _parquet, ".csv": _csv, ".json": _skimmed}
    suffix = path.suffix.lower()
    if suffix not in (*kinds, ".root"):
        raise InputFileError(path, f"{suffix!r} is no known kind", "give .parquet, .csv, .root or a manifest .json")
    source = _root(path, tree) if suffix == ".root" else kinds[suffix](path)
    if not source.observables:
        raise InputFileError(path, "has no columns of numbers", "give a table with one event a row")
    return source


def _parquet(path: Path) -> Source:
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputFileError(path, f"not a readable Parquet file ({error})", "give another file") from None

    def read(names: Sequence[str]) -> Columns:
        return _values(pq.read_table(path, columns=list(dict.fromkeys(names))))

    return Source(str(path), _numbers(schema), read, labels=_labels(schema))


def _csv(path: Path) -> Source:
    try:
        table = pyarrow.csv.read_csv(path)
    except pa.ArrowInvalid as error:
        raise InputFileError(path, f"not a readable CSV file ({error})", "give a header and one event a row") from None
    return Source(str(path), _numbers(table.schema), lambda names: _values(table.select(list(dict.fromkeys(names)))))


def _root(path: Path, tree: str) -> Source:
    with uproot.open(path) as file:
        trees = sorted(
            {name.split(";")[0] for name, kind in file.classnames().items() if "TTree" in kind or "RNTuple" in kind}
        )
        if tree not in trees and not (not tree and len(trees) == 1):
            problem = f"has no tree {tree!r}" if tree else f"has {len(trees)} trees"
            raise InputFileError(path, problem, f"name one as {path}:name, of {', '.join(trees) or 'another file'}")
        found = file[tree or trees[0]]
        arrays = {name: str(kind) for name, kind in found.typenames().items()}
    numbers = [
        name for name, kind in arrays.items() if re.fullmatch(r"(u?int\d+_t|float|double|(std::)?u?int\d+_t)", kind)
    ]

    def read(names: Sequence[str]) -> Columns:
        with uproot.open(path) as file:
            return dict(file[tree or trees[0]].arrays(list(dict.fromkeys(names)), library="np"))

    return Source(str(path), numbers, read)


def _skimmed(path: Path) -> Source:
    """The nominal events of a dataset, with all weights of its own files; those of data are 1."""
    dataset = Dataset.open(path)
    own = Weights.of(dataset, ())

    def read(names: Sequence[str]) -> Columns:
        events = dataset.read(list(names))
        return {name: ak.to_numpy(events[name]) for name in names}

    def weights() -> NDArray[np.float64]:
        events = dataset.read(["weight", *own.columns])
        return np.asarray(ak.to_numpy(events.weight) * own.nominal(events))

    schema = pq.read_schema(dataset.path("skim", dataset.manifest.chunks[0]))
    return Source(str(path), [n for n in _numbers(schema) if n not in own.columns], read, weights, _labels(schema))


def _labels(schema: pa.Schema) -> dict[str, str]:
    """What a file that ``skim`` wrote says of its columns."""
    notes = {f.name: {k.decode(): v.decode() for k, v in (f.metadata or {}).items()} for f in schema}
    said = {name: note for name, note in notes.items() if "unit" in note}
    return {name: axis(note.get("label", name), note["unit"]) for name, note in said.items()}


def _numbers(schema: pa.Schema) -> list[str]:
    """The columns of one number an event."""
    return [f.name for f in schema if pa.types.is_integer(f.type) or pa.types.is_floating(f.type)]


def _values(table: pa.Table) -> Columns:
    """Arrays; a null is NaN."""
    return {name: table.column(name).to_numpy() for name in table.column_names}


def common(first: Source, second: Source) -> list[str]:
    """The observables that both have, in the order of the first.

    Raises:
        ConfigError: there is none.
    """
    found = [name for name in first.observables if name in second.observables]
    if not found:
        raise ConfigError(
            f"{first.path} and {second.path} have no column of numbers in common ({', '.join(first.observables)}; "
            f"{', '.join(second.observables)}); rename those that mean the same."
        )
    return found
