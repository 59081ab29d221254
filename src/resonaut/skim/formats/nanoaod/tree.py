"""The events of an open NanoAOD file, by the names of its branches, in batches of entries."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import uproot
from uproot.source.file import MultithreadedFileSource
from uproot.source.futures import TrivialExecutor

from resonaut.skim.formats.nanoaod.branches import Later, branches
from resonaut.skim.pieces import UnreadableError, reason

TREE = "Events"
# Of a file of this machine: without threads, and without mapping it, which would count as memory of the job.
LOCAL = {
    "handler": MultithreadedFileSource,
    "decompression_executor": TrivialExecutor(),
    "interpretation_executor": TrivialExecutor(),
}
MOMENTUM = ("pt", "eta", "phi", "mass")


@dataclass(frozen=True)
class Values:
    """Entries of a branch: a number each, or a list of numbers each, those of entry i from ``offsets[i]`` on."""

    numbers: np.ndarray
    offsets: np.ndarray | None

    @classmethod
    def of(cls, array: ak.Array) -> "Values":
        """From uproot's awkward array; ``TypeError`` where it holds something else."""
        layout = array.layout
        if layout.is_list and layout.content.is_numpy:
            layout = layout.to_ListOffsetArray64(False)
            return cls(np.asarray(layout.content.data), np.asarray(layout.offsets.data))
        if not layout.is_numpy:
            raise TypeError(f"it holds {array.type.content}, neither a number for each event nor a list of numbers")
        return cls(np.asarray(layout.data), None)

    def __len__(self) -> int:
        """The number of entries."""
        return len(self.numbers) if self.offsets is None else len(self.offsets) - 1

    def __getitem__(self, entries: slice) -> "Values":
        """Some entries in a row."""
        start, stop, _ = entries.indices(len(self))
        if self.offsets is None:
            return Values(self.numbers[start:stop], None)
        offsets = self.offsets[start : stop + 1]
        return Values(self.numbers[offsets[0] : offsets[-1]], offsets - offsets[0])

    def __add__(self, more: "Values") -> "Values":
        """These entries and then more."""
        numbers = np.concatenate([self.numbers, more.numbers])
        if self.offsets is None or more.offsets is None:
            return Values(numbers, None)
        return Values(numbers, np.concatenate([self.offsets, more.offsets[1:] + self.offsets[-1]]))


class Tree:
    """The tree of events of one file, TTree or RNTuple.

    Files store a branch in baskets (an RNTuple: in clusters) of any number of entries, which are only decompressed as
    a whole. What was read of a branch beyond a batch is kept for the next one, so that no basket is decompressed twice
    where batches are read in order.
    """

    def __init__(self, path: str) -> None:
        """Open a file; whatever is wrong with it raises ``UnreadableError``."""
        self.path = path
        try:
            self.file = uproot.open({path: None}, **({} if "://" in path else LOCAL))
        except Exception as error:
            raise UnreadableError(reason(error)) from error
        try:
            self._tree, self._branches = branches(self.file, TREE)
            self.names = frozenset(self._branches)
            self.events = int(self._tree.num_entries)
        except Exception as error:
            self.file.close()
            raise UnreadableError(reason(error)) from error
        # Of each branch the first entry that is kept, and the values from there on.
        self._kept: dict[str, tuple[int, Values]] = {}

    def __enter__(self) -> "Tree":
        """The tree itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self.file.close()

    def batches(self, start: int, stop: int, size: int) -> Iterator["Batch"]:
        """The entries [start, stop) in batches of ``size``."""
        for first in range(start, stop, size):
            yield Batch(self, first, min(first + size, stop))

    def title(self, name: str) -> str:
        """What the file says of a branch."""
        branch = self._branch(name)
        return str(branch.title if isinstance(branch, uproot.TBranch) else branch.description)

    def read(self, name: str, start: int, stop: int) -> Values:
        """The entries [start, stop) of a branch; ``UnreadableError`` names it where that fails."""
        try:
            return self._read(name, start, stop)
        except Exception as error:
            raise UnreadableError(f"branch {name}: {reason(error)}") from error

    def _read(self, name: str, start: int, stop: int) -> Values:
        branch = self._branch(name)
        options = {"array_cache": None} if isinstance(branch, uproot.TBranch) else {}
        if start == stop and name not in self._kept:
            self._kept[name] = (
                start,
                Values.of(branch.array(entry_start=self.events, entry_stop=self.events, **options)),
            )
        first, values = self._kept.get(name, (start, Values(np.empty(0), None)))
        if start == stop:
            return values[:0]
        end = first + len(values)
        following = first <= start < end
        if not following or stop > end:
            borders = self._borders(branch)
            begin = end if following else int(borders[np.searchsorted(borders, start, side="right") - 1])
            beyond = int(borders[np.searchsorted(borders, stop)])
            more = Values.of(branch.array(entry_start=begin, entry_stop=beyond, **options))
            first, values = (start, values[start - first :] + more) if following else (begin, more)
            self._kept[name] = first, values
        return values[start - first : stop - first]

    def _branch(self, name: str) -> Any:
        branch = self._branches[name]
        return branch.read() if isinstance(branch, Later) else branch

    def _borders(self, branch: Any) -> np.ndarray:
        """The entries at which baskets or clusters begin, and the number of all entries."""
        if isinstance(branch, uproot.TBranch):
            return np.asarray(branch.entry_offsets)
        return np.array([c.num_first_entry for c in self._tree.ntuple.cluster_summaries] + [self.events])


@dataclass(frozen=True)
class Batch:
    """The entries [start, stop) of a tree. A ``mask`` (one boolean per entry) chooses some: no others are needed."""

    tree: Tree
    start: int
    stop: int

    def __len__(self) -> int:
        """The number of entries."""
        return self.stop - self.start

    def has(self, name: str) -> bool:
        """Whether the file has a branch."""
        return name in self.tree.names

    def array(self, name: str, mask: np.ndarray | None = None) -> ak.Array:
        """A branch with numbers, or lists of numbers.

        Raises:
            UnreadableError: it is missing, its data are damaged, or it holds something else.
        """
        values = self._values(name, mask)
        content = ak.contents.NumpyArray(values.numbers)
        if values.offsets is not None:
            content = ak.contents.ListOffsetArray(ak.index.Index64(values.offsets), content)
        return _chosen(ak.Array(content), mask)

    def flat(self, name: str, mask: np.ndarray | None = None) -> np.ndarray:
        """A branch with one number for each event, shape (events,); raises as ``array`` does."""
        values = self._values(name, mask)
        if values.offsets is not None:
            raise UnreadableError(f"branch {name} holds no single number for each event")
        return np.asarray(_chosen(values.numbers, mask))

    def collection(
        self, name: str, fields: Sequence[str] | Mapping[str, str], mask: np.ndarray | None = None
    ) -> ak.Array:
        """The branches ``<name>_<field>``, lists of one length: events * var * {field, ...}.

        Args:
            name: the collection's name.
            fields: the fields; where they are to have other names, by these names.
            mask: the events to read.

        Raises:
            UnreadableError: a branch is missing, its data are damaged, or it does not hold what its name says.
        """
        branches = {key: f"{name}_{fields[key] if isinstance(fields, Mapping) else key}" for key in fields}
        found = {key: self._values(branch, mask) for key, branch in branches.items()}
        offsets = next(iter(found.values())).offsets
        for key, values in found.items():
            kind = values.numbers.dtype
            if values.offsets is None or offsets is None or not np.array_equal(values.offsets, offsets):
                raise UnreadableError(f"branch {branches[key]} holds lists of other lengths than those beside it")
            if key in MOMENTUM and kind.kind != "f":
                raise UnreadableError(f"branch {branches[key]} holds {kind}, not what its name says")
        contents = [ak.contents.NumpyArray(values.numbers) for values in found.values()]
        record = ak.contents.RecordArray(contents, list(found))
        return _chosen(ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), record)), mask)

    def at(self, places: np.ndarray, name: str, fields: Sequence[str]) -> ak.Array:
        """A collection in the entries at some places, in any order, each of them any number of times."""
        mask = np.zeros(len(self), bool)
        mask[places] = True
        found = self.collection(name, fields, mask)
        return found if np.array_equal(np.flatnonzero(mask), places) else found[(np.cumsum(mask) - 1)[places]]

    def _values(self, name: str, mask: np.ndarray | None) -> Values:
        """The entries from the first one of the ``mask`` to the last one."""
        span = _span(mask, len(self))
        return self.tree.read(name, self.start + span.start, self.start + span.stop)


def _span(mask: np.ndarray | None, entries: int) -> slice:
    """The range of the entries that a mask chooses."""
    if mask is None:
        return slice(0, entries)
    chosen = np.flatnonzero(mask)
    return slice(int(chosen[0]), int(chosen[-1]) + 1) if len(chosen) else slice(0, 0)


def _chosen(values: Any, mask: np.ndarray | None) -> Any:
    """The entries of a mask, from those in its range."""
    return values if mask is None else values[mask[_span(mask, len(mask))]]
