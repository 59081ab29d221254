"""The selection with shifted objects: which events are kept, and what each variation makes of their columns.

A selection runs on the nominal objects, and once more on those of all variations, one below the other as the rows of a
stack (``select_all``): the cost of an array's operation hardly depends on its length. The events that pass any of them
are kept, with their objects (``union``). A format makes its columns of these, and of each variation those values that
differ (``with_shifted``). Columns that follow from which objects are kept, such as a jet's candidates, are made again
only for the events in which a variation keeps others, or keeps them in another order (``exchanged``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.events import KEY
from resonaut.core.lists import gathered, packed, plain
from resonaut.core.variations import GROUP, PASSES, differs, shifted_name, where
from resonaut.skim.columns import Column
from resonaut.skim.cutflow import Cutflow

# By kind, such as ``jet``: events * var * record, with the objects' places in the file's event as ``index``.
Objects = Mapping[str, ak.Array]
# Columns that are the same in all variations.
FIXED = (*KEY, "gen_weight")


@dataclass(frozen=True)
class Passing:
    """Which events of a batch pass, shape (n,), and what is kept of their objects."""

    mask: np.ndarray
    kept: Objects

    def of(self, events: np.ndarray) -> "Passing":
        """Those of some ``events`` alone, shape (n,)."""
        inside = events[self.mask]
        return Passing(self.mask & events, {kind: objects[inside] for kind, objects in self.kept.items()})


@dataclass(frozen=True)
class Rows:
    """Some ``events`` of a batch, by their places, for each of the ``variations``, one variation after the other."""

    events: np.ndarray
    variations: tuple[str, ...]

    @property
    def places(self) -> np.ndarray:
        """The event of each row."""
        return np.tile(self.events, len(self.variations))

    def of(self, values: Mapping[str, Any]) -> Any:
        """Row for row what each variation makes of all events; the nominal is under "", and holds for the others."""
        parts = [values.get(variation, values[""]) for variation in self.variations]
        if len(parts) == 1 and len(self.events) == len(parts[0]):
            return parts[0]
        return _stacked(parts, [self.events] * len(parts))


@dataclass(frozen=True)
class Shifted:
    """Objects, ``counts`` of them in each event, with the fields that each variation shifts; one after the other."""

    counts: np.ndarray
    nominal: Mapping[str, np.ndarray]
    shifted: Mapping[str, Mapping[str, np.ndarray]]

    def of(self, rows: Rows) -> ak.Array:
        """Those of the rows, with what their variations make of them: rows * var * record."""
        inside = np.zeros(len(self.counts), bool)
        inside[rows.events] = True
        chosen = np.flatnonzero(np.repeat(inside, self.counts))
        made = [self.shifted.get(variation, {}) for variation in rows.variations]
        found = {
            name: np.concatenate([one.get(name, values)[chosen] for one in made])
            for name, values in self.nominal.items()
        }
        return packed(np.tile(self.counts[rows.events], len(made)), found)


# Cuts on the objects of rows: shrinks their cutflow, and returns what is kept of those that pass.
Select = Callable[[Rows, Cutflow], Objects]
# Columns of some events, by their places in the batch, of which some objects are kept.
Make = Callable[[np.ndarray, Objects], Mapping[str, Any]]


def declare(columns: Mapping[str, Column], groups: Mapping[str, str]) -> dict[str, Column]:
    """A dataset's columns with those of each variation, whose group is given, and with the column ``passes``."""
    if not groups:
        return dict(columns)
    nominal = {**columns, PASSES: Column("bool")}
    return nominal | {
        shifted_name(name, variation): Column(of.dtype, of.unit, of.listed, {GROUP: group}, nullable=True)
        for variation, group in groups.items()
        for name, of in nominal.items()
        if name not in FIXED
    }


def declared(columns: Mapping[str, Column]) -> dict[str, str]:
    """The variations that some columns are of, each with its group."""
    start = shifted_name(PASSES, "")
    return {name.removeprefix(start): of.notes[GROUP] for name, of in columns.items() if name.startswith(start)}


def select_all(
    select: Select, variations: Sequence[str], flow: Cutflow, possible: np.ndarray | None = None
) -> tuple[Passing, dict[str, Passing]]:
    """Run a selection on the nominal objects, and on those of each variation.

    The cutflow is that of the nominal selection; the variations start from what passes the cuts so far. What is broken
    in one of them puts the event in doubt.

    Args:
        select: the selection.
        variations: their names.
        flow: the cutflow so far, of all events of the batch.
        possible: the events that may pass at all with a variation; None: all.
    """
    before = flow.mask if possible is None else flow.mask & possible
    rows = Rows(np.flatnonzero(before), tuple(variations))
    kept = select(Rows(np.arange(len(before)), ("",)), flow)
    nominal = Passing(flow.mask, kept)
    if not variations:
        return nominal, {}
    stack = flow.stack(rows.places)
    found = select(rows, stack)
    flow.absorb(stack, rows.places)
    passes = stack.mask.reshape(len(rows.variations), -1)
    borders, varied = np.cumsum([0, *passes.sum(axis=1)]), {}
    for variation, mine, first, last in zip(variations, passes, borders, borders[1:], strict=False):
        mask = np.zeros(len(before), bool)
        mask[rows.events] = mine
        varied[variation] = Passing(mask, {kind: objects[first:last] for kind, objects in found.items()})
    return nominal, varied


def union(nominal: Passing, varied: Mapping[str, Passing]) -> Passing:
    """All events that pass at all; those that fail nominally with the objects of the first variation that they pass."""
    parts, mask = [nominal], nominal.mask
    for one in varied.values():
        if (one.mask & ~mask).any():
            parts.append(one.of(~mask))
            mask = mask | one.mask
    if len(parts) == 1:
        return nominal
    events = [np.flatnonzero(one.mask) for one in parts]
    order, rows = np.argsort(np.concatenate(events)), [np.arange(len(found)) for found in events]
    joined = {kind: _stacked([one.kept[kind] for one in parts], rows) for kind in nominal.kept}
    return Passing(mask, {kind: _stacked([objects], [order]) for kind, objects in joined.items()})


def exchanged(whole: Passing, varied: Mapping[str, Passing]) -> dict[str, Passing]:
    """Of each variation the events in which it keeps other objects than ``whole``, or keeps them in another order."""
    found = {}
    for variation, one in varied.items():
        others = [moved(one, whole, kind) for kind in one.kept]
        chosen = np.zeros(len(one.mask), bool)
        chosen[one.mask] = np.any([differ.any(axis=1) for differ in others], axis=0)
        found[variation] = one.of(chosen)
    return found


def moved(one: Passing, whole: Passing, kind: str) -> np.ndarray:
    """Which objects of ``one``, the same number in each event, are others than in ``whole``: (events, objects)."""
    mine, beside = (ak.to_numpy(kept[kind].index) for kept in (one.kept, whole.of(one.mask).kept))
    return np.asarray(mine != beside)


def with_shifted(
    make: Make,
    columns: Mapping[str, Column],
    whole: Passing,
    varied: Mapping[str, Passing],
    unlike: Mapping[str, Mapping[str, np.ndarray]] = MappingProxyType({}),
) -> dict[str, Any]:
    """The columns that ``make`` gives of ``whole``, and those of each variation: null where a value is the same.

    Values are compared as they are stored, by ``columns``. A column of a variation that differs nowhere is left out.

    Args:
        make: gives some of the columns, for any events; it is asked once.
        columns: types of all columns; see ``declare``.
        whole: the events that are kept; see ``union``.
        varied: of each variation the events that pass, or of these all in which a value of ``make`` may differ.
        unlike: of each variation and column the events of ``varied`` in which it differs, where that is known; other
            columns are compared, value by value.
    """
    parts = {"": whole} | {variation: one for variation, one in varied.items() if one.mask.any()}
    events = [np.flatnonzero(one.mask) for one in parts.values()]
    rows = [np.arange(len(found)) for found in events]
    kept = {kind: _stacked([one.kept[kind] for one in parts.values()], rows) for kind in whole.kept}
    values = _stored(make(np.concatenate(events), kept), columns)
    borders = np.cumsum([0, *map(len, events)])
    found: dict[str, Any] = {name: column[: borders[1]] for name, column in values.items()}
    for place, (variation, one) in enumerate(parts.items()):
        inside = one.mask[whole.mask]
        for name, column in values.items() if variation else ():
            odd = unlike.get(variation, {}).get(name)
            if odd is None:
                odd = differs(column[borders[place] : borders[place + 1]], found[name][inside])
            if odd.any():
                places = np.zeros(len(inside), bool)
                places[inside] = odd
                at = borders[place] + np.flatnonzero(odd)
                found[shifted_name(name, variation)] = where(places, _coarse(column), at)
    return found


def _stacked(parts: Sequence[Any], chosen: Sequence[np.ndarray]) -> Any:
    """The ``chosen`` places of each part, one part after the other."""
    layouts = [part.layout for part in parts if isinstance(part, ak.Array) and part.layout.is_list]
    if len(layouts) < len(parts):
        return ak.concatenate([part[places] for part, places in zip(parts, chosen, strict=True)])
    found = [gathered(layout, places) for layout, places in zip(layouts, chosen, strict=True)]

    def joined(name: str | None) -> ak.contents.Content:
        values = [plain(content if name is None else content[name])[places] for _, places, content in found]
        return ak.contents.NumpyArray(np.concatenate(values))

    names = found[0][2].fields
    content = ak.contents.RecordArray([joined(name) for name in names], names) if names else joined(None)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(offsets) for offsets, _, _ in found]))])
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), content))


def _coarse(values: ak.Array | np.ndarray) -> ak.Array | np.ndarray:
    """Shifted numbers with 18 significant bits, 4e-6: they take three quarters of the room."""
    if values.ndim > 1 or values.dtype != np.float32:
        return values
    bits = np.asarray(values).view(np.uint32) + np.uint32(0x20)
    coarse: np.ndarray = (bits & ~np.uint32(0x3F)).view(np.float32)
    return coarse


def _stored(values: Mapping[str, Any], columns: Mapping[str, Column]) -> dict[str, ak.Array | np.ndarray]:
    """Values as they are stored; numbers in NumPy's arrays, which compare faster."""
    found: dict[str, ak.Array | np.ndarray] = {}
    for name, column in values.items():
        dtype = columns[name].dtype
        found[name] = ak.values_astype(column, dtype) if columns[name].listed else np.asarray(column).astype(dtype)
    return found


def flags(nominal: Passing, whole: Passing, varied: Mapping[str, Passing]) -> dict[str, Any]:
    """The column ``passes`` of the kept events, and that of each variation in which other events pass."""
    passes = nominal.mask[whole.mask]
    found: dict[str, Any] = {PASSES: passes}
    for variation, one in varied.items():
        other = one.mask[whole.mask]
        if (unlike := other != passes).any():
            found[shifted_name(PASSES, variation)] = where(unlike, other[unlike])
    return found
