"""A TTree whose branches are read when they are asked for.

uproot makes a dozen objects of each branch when it opens a tree: a quarter of a second for the 1,600 of a NanoAOD
file, of which a selection wants 50. Here it gets the names alone, and makes the objects of a branch when that is used,
or when those of another one refer to them, as a list's branch does to that of its length.
"""

import struct
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import uproot
from uproot.const import kMapOffset
from uproot.deserialization import DeserializationError
from uproot.source.cursor import Cursor

# A branch begins with two lengths and versions, and the version, number and bits of a TObject; then comes its name.
_BITS, _NAME, _REFERENCED = 18, 22, 1 << 4


@dataclass
class Later:
    """A branch of which the name and the place among the others are known, and what it takes to read it."""

    name: str
    place: int
    cursor: Cursor
    stop: int
    arguments: tuple[Any, ...]
    found: Any = None

    def member(self, name: str) -> str:
        """The name, for which uproot asks as ``fName``."""
        del name
        return self.name

    def read(self) -> Any:
        """The branch as uproot has it."""
        if self.found is None:
            chunk, context, file, *rest = self.arguments
            self.found = file.class_named("TBranch").read(chunk, self.cursor.copy(), context, file, *rest)
            # uproot would look for it in its list, which holds this one.
            self.found._index = self.place
        return self.found


class References(dict[int, Any]):
    """The objects of a tree by their places, at which others refer to them: all are there, and read when needed."""

    def __init__(self) -> None:
        super().__init__()
        self.branches: list[Later] = []
        self.complete = False

    def __contains__(self, place: object) -> bool:
        if super().__contains__(place) or not self.complete or not isinstance(place, int):
            return super().__contains__(place)
        index = bisect_right(self.branches, place - kMapOffset, key=lambda one: one.cursor.displacement()) - 1
        if index >= 0 and place - kMapOffset < self.branches[index].stop:
            self.branches[index].read()
        return super().__contains__(place)


class _Postponing:
    """A file for uproot to read a tree of, which leaves the branches for later."""

    def __init__(self, file: Any, references: References) -> None:
        self._file, self._references = file, references

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def class_named(self, name: str, version: Any = None) -> Any:
        """The class that uproot has, or what reads a branch in its place."""
        return self if name == "TBranch" and version is None else self._file.class_named(name, version)

    def read(self, chunk: Any, cursor: Cursor, context: Any, file: Any, *rest: Any) -> Later:
        """The branch at the cursor, which moves on to its end."""
        del file
        begin, at = cursor.copy(), cursor.copy()
        at.skip(_BITS)
        bits = at.field(chunk, struct.Struct(">I"), context)
        at.move_to(begin.index + _NAME + 2 * bool(bits & _REFERENCED))
        if not cursor.skip_over(chunk, context):
            raise DeserializationError("a branch of unknown length", chunk, cursor, context, self._file.file_path)
        arguments, others = (chunk, dict(context), self._file, *rest), self._references.branches
        found = Later(at.string(chunk, context), len(others), begin, cursor.displacement(), arguments)
        others.append(found)
        return found


def branches(directory: Any, name: str) -> tuple[Any, dict[str, Any]]:
    """A tree of an open file and its branches by name: uproot's, or ``Later`` ones; of an RNTuple, its fields."""
    key = directory.key(name)
    if key.fClassName == "TTree":
        references = References()
        try:
            tree = _read(directory.file, key, references)
        except DeserializationError:
            # Branches of objects refer to each other while they are read.
            pass
        else:
            references.complete = True
            return tree, {branch.member("fName"): branch for branch in reversed(tree.member("fBranches"))}
    tree = directory[name]
    return tree, {field: tree[field] for field in tree.keys(recursive=False)}


def _read(file: Any, key: Any, references: References) -> Any:
    chunk, start = key.get_uncompressed_chunk_cursor()
    cursor = Cursor(start.index, origin=start.origin, refs=references)
    context = {"breadcrumbs": (), "TKey": key}
    tree = file.class_named("TTree").read(chunk, cursor, context, _Postponing(file, references), file, key)
    assert isinstance(tree, uproot.TTree)
    return tree
