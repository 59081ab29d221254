"""The selection with shifted objects: which events are kept, and what each variation makes of their columns.

A selection runs on the nominal objects and on those of each variation (``select_all``). The events that pass any of
them are kept, with their objects (``union``). A format makes its columns of these, and of each variation those values
that differ (``with_shifted``). Columns that follow from which objects are kept, such as a jet's candidates, are made
again only for the events in which a variation keeps others, or keeps them in another order (``exchanged``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.events import KEY
from resonaut.core.variations import GROUP, PASSES, differs, shifted_name, where
from resonaut.skim.columns import Column
from resonaut.skim.cutflow import Cutflow

# By kind, such as ``jet``: events * var * record, with the objects' places in the file's event as ``index``.
Objects = Mapping[str, ak.Array]
# Cuts on objects: takes those of all events, shrinks the cutflow, and returns what is kept of the events that pass.
Select = Callable[[Objects, Cutflow], Objects]
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


# Columns of the events that pass, row for row.
Make = Callable[[Passing], Mapping[str, Any]]


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
    select: Select, objects: Objects, shifts: Mapping[str, Objects], flow: Cutflow
) -> tuple[Passing, dict[str, Passing]]:
    """Run a selection on the nominal ``objects``, and with those of each variation in their place.

    The cutflow is that of the nominal selection; the variations start from what passes the cuts so far.
    """
    forks = {variation: flow.fork() for variation in shifts}
    kept = select(objects, flow)
    varied = {}
    for variation, fork in forks.items():
        of_variation = select({**objects, **shifts[variation]}, fork)
        varied[variation] = Passing(fork.mask, of_variation)
    return Passing(flow.mask, kept), varied


def union(nominal: Passing, varied: Mapping[str, Passing]) -> Passing:
    """All events that pass at all; those that fail nominally with the objects of the first variation that they pass."""
    parts, mask = [nominal], nominal.mask
    for one in varied.values():
        if (one.mask & ~mask).any():
            parts.append(one.of(~mask))
            mask = mask | one.mask
    if len(parts) == 1:
        return nominal
    order = np.argsort(np.concatenate([np.flatnonzero(one.mask) for one in parts]))
    return Passing(mask, {kind: ak.concatenate([one.kept[kind] for one in parts])[order] for kind in nominal.kept})


def exchanged(whole: Passing, varied: Mapping[str, Passing]) -> dict[str, Passing]:
    """Of each variation the events in which it keeps other objects than ``whole``, or keeps them in another order."""
    found = {}
    for variation, one in varied.items():
        beside = whole.of(one.mask).kept
        others = [differs(objects.index, beside[kind].index) for kind, objects in one.kept.items()]
        chosen = np.zeros(len(one.mask), bool)
        chosen[one.mask] = np.any(others, axis=0)
        found[variation] = one.of(chosen)
    return found


def with_shifted(
    make: Make, columns: Mapping[str, Column], whole: Passing, varied: Mapping[str, Passing]
) -> dict[str, Any]:
    """The columns that ``make`` gives of ``whole``, and those of each variation: null where a value is the same.

    Values are compared as they are stored, by ``columns``. A column of a variation that differs nowhere is left out.

    Args:
        make: gives some of the columns, for any events that pass.
        columns: types of all columns; see ``declare``.
        whole: the events that are kept; see ``union``.
        varied: of each variation the events that pass, or of these all in which a value of ``make`` may differ.
    """
    nominal = _stored(make(whole), columns)
    found = dict(nominal)
    for variation, one in varied.items():
        if not one.mask.any():
            continue
        inside = one.mask[whole.mask]
        for name, values in _stored(make(one), columns).items():
            unlike = differs(values, nominal[name][inside])
            if unlike.any():
                places = np.zeros(len(inside), bool)
                places[inside] = unlike
                found[shifted_name(name, variation)] = where(places, values[unlike])
    return found


def _stored(values: Mapping[str, Any], columns: Mapping[str, Column]) -> dict[str, ak.Array | np.ndarray]:
    """Values as they are stored; numbers in NumPy's arrays, which compare faster."""
    found: dict[str, ak.Array | np.ndarray] = {}
    for name, column in values.items():
        dtype = columns[name].dtype
        found[name] = ak.values_astype(column, dtype) if columns[name].listed else np.asarray(column).astype(dtype)
    return found


def flags(nominal: Passing, whole: Passing, varied: Mapping[str, Passing]) -> dict[str, Any]:
    """The column ``passes`` of the kept events, and that of each variation in which other events pass."""
    if not varied:
        return {}
    passes = nominal.mask[whole.mask]
    found: dict[str, Any] = {PASSES: passes}
    for variation, one in varied.items():
        other = one.mask[whole.mask]
        if (unlike := other != passes).any():
            found[shifted_name(PASSES, variation)] = where(unlike, ak.Array(other[unlike]))
    return found
