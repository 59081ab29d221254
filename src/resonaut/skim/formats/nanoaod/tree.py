"""The events of an open NanoAOD file, by the names of its branches, in batches of entries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import uproot

from resonaut.skim.pieces import UnreadableError, reason

TREE = "Events"
MOMENTUM = ("pt", "eta", "phi", "mass")


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
            self.file = uproot.open({path: None})
        except Exception as error:
            raise UnreadableError(reason(error)) from error
        try:
            self._tree = self.file[TREE]
            self.names = frozenset(self._tree.keys(recursive=False))
            self.events = int(self._tree.num_entries)
        except Exception as error:
            self.file.close()
            raise UnreadableError(reason(error)) from error
        # Of each branch the first entry that is kept, and the values from there on.
        self._kept: dict[str, tuple[int, ak.Array]] = {}

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

    def read(self, name: str, start: int, stop: int) -> ak.Array:
        """The entries [start, stop) of a branch; ``UnreadableError`` names it where that fails."""
        try:
            return self._read(name, start, stop)
        except Exception as error:
            raise UnreadableError(f"branch {name}: {reason(error)}") from error

    def _read(self, name: str, start: int, stop: int) -> ak.Array:
        branch = self._tree[name]
        options = {"array_cache": None} if isinstance(branch, uproot.TBranch) else {}
        if start == stop:
            return branch.array(entry_start=0, entry_stop=0, **options)
        first, values = self._kept.get(name, (0, ()))
        end = first + len(values)
        if not first <= start < end:
            end = 0
        if stop > end:
            borders = self._borders(branch)
            begin = end or int(borders[np.searchsorted(borders, start, side="right") - 1])
            beyond = int(borders[np.searchsorted(borders, stop)])
            more = branch.array(entry_start=begin, entry_stop=beyond, **options)
            first, values = (start, ak.concatenate([values[start - first :], more])) if end else (begin, more)
            self._kept[name] = first, values
        return values[start - first : stop - first]

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
        """A branch of any type.

        Raises:
            UnreadableError: it is missing, or its data are damaged.
        """
        if mask is None:
            return self.tree.read(name, self.start, self.stop)
        chosen = np.flatnonzero(mask)
        low, high = (int(chosen[0]), int(chosen[-1]) + 1) if len(chosen) else (0, 0)
        return self.tree.read(name, self.start + low, self.start + high)[mask[low:high]]

    def flat(self, name: str, mask: np.ndarray | None = None) -> np.ndarray:
        """A branch with one number for each event, shape (events,); raises as ``array`` does."""
        values = np.asarray(self.array(name, mask))
        if values.ndim != 1:
            raise UnreadableError(f"branch {name} holds no single number for each event")
        return values

    def collection(self, name: str, fields: Sequence[str], mask: np.ndarray | None = None) -> ak.Array:
        """The branches ``<name>_<field>``, lists of one length: events * var * {field, ...}.

        Raises:
            UnreadableError: a branch is missing, its data are damaged, or it does not hold what its name says.
        """
        counts: np.ndarray | None = None
        contents = []
        for field in fields:
            branch = f"{name}_{field}"
            values = self.array(branch, mask)
            if values.ndim != 2:
                raise UnreadableError(f"branch {branch} holds no list of numbers for each event")
            layout = ak.to_packed(values).layout.to_ListOffsetArray64(True)
            kind = layout.content.dtype
            if kind.kind == "b" or (field in MOMENTUM and kind.kind != "f"):
                raise UnreadableError(f"branch {branch} holds {kind}, not what its name says")
            offsets = np.asarray(layout.offsets)
            if counts is not None and not np.array_equal(counts, offsets):
                raise UnreadableError(f"branch {branch} has another number of values than {name}_{fields[0]}")
            counts = offsets
            contents.append(layout.content)
        record = ak.contents.RecordArray(contents, list(fields))
        return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(counts), record))
