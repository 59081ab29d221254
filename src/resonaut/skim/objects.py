"""The selection of a region's objects and the cuts on observables, over plain arrays of any source."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.physics.observables import GROUPS, LARGE_JET, MET, Need, Observable, delta_phi
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.region import Objects, needed
from resonaut.skim.selection import broken, spread
from resonaut.skim.settings import Limits, ObjectCuts

Mask = NDArray[np.bool_]

# The field of objects of which a broken value leaves open whether they are there at all.
DOUBTFUL = "doubtful"
OBSERVED = "observed"


class Source(Protocol):
    """A batch of events of which only what is asked for is read."""

    def objects(self, name: str, fields: Sequence[str], mask: Mask) -> ak.Array:
        """Fields of all objects of a kind of the region, in the events of ``mask``: events * var * record."""
        ...

    def met(self, field: str, mask: Mask) -> NDArray[np.floating[Any]]:
        """The pt or phi of the missing momentum in the events of ``mask``."""
        ...

    def branch(self, name: str, field: str) -> str:
        """The file's name of a field, for messages."""
        ...


def select(objects: Objects, source: Source | None, jets: ak.Array | None, flow: Cutflow) -> dict[str, ak.Array]:
    """Apply the cuts on objects and observables; the objects of the events that are left, by name.

    Their observables are among them as ``observed``: one record an event.

    A broken value passes every cut, and puts the event in doubt if it decides on an object that is selected, or is kept
    or used of it. A region without objects and observables beside its large-radius jets has no ``source``.

    Args:
        objects: what the region selects.
        source: the events of ``flow``, all of them.
        jets: the kept large-radius jets of the events that pass so far: events * ``region.jets``.
        flow: the cutflow so far.
    """
    base, found = flow.mask, {} if jets is None else {LARGE_JET: jets}
    for name in objects.order():
        assert source is not None
        found[name] = _selected(name, objects, source, found, base)
        _cut_number(name, objects, source, found[name], base, flow)
    found = _left(found, base, flow)
    observed: dict[str, Any] = {}
    # The numbers of objects first: other observables need enough of them.
    for wanted in (objects.counts(), objects.observables()):
        before = flow.mask
        given = _given(wanted, objects, source, found, flow)
        for name in wanted:
            observed[name] = np.asarray(wanted[name].formula(given))
            flow.doubt(name, spread(before, ~np.isfinite(observed[name])) & ~flow.doubtful)
        for name, limits in objects.region.cuts.items():
            if name in wanted:
                flow.cut(name, spread(before, _within(observed[name], limits)))
        found, observed = _left(found, before, flow), _left(observed, before, flow)
    for name, cuts in objects.region.objects.items():
        assert source is not None
        for field in objects.stored(name):
            flow.doubt(source.branch(name, field), spread(flow.mask, broken(found[name][field][:, : cuts.keep])))
        if DOUBTFUL in found[name].fields:
            # Of one type, whichever events there are.
            found[name] = ak.without_field(found[name], DOUBTFUL)
    return found | ({OBSERVED: ak.zip(observed)} if observed else {})


def columns(objects: Objects, kept: Mapping[str, ak.Array]) -> dict[str, Any]:
    """The columns of what ``select`` has kept."""
    values: dict[str, Any] = {}
    for name, cuts in objects.region.objects.items():
        values |= leading(name, kept[name], cuts.keep, objects.stored(name))
    return values | {name: ak.to_numpy(kept[OBSERVED][name]) for name in objects.columns() if name not in values}


def _left(values: Mapping[str, Any], before: Mask, flow: Cutflow) -> dict[str, Any]:
    """What was found of the events of ``before``, of those that are left of them."""
    still = flow.mask[before]
    return dict(values) if still.all() else {name: found[still] for name, found in values.items()}


def _selected(name: str, objects: Objects, source: Source, found: Mapping[str, ak.Array], base: Mask) -> ak.Array:
    """The objects of one name in the events of ``base``, by falling pT."""
    (parent,) = objects.parent(name) or [""]
    records = found[parent] if parent else _massless(source, name, objects, base)
    others = {other: found[other] for other in objects.others(name)}
    return choose(records, objects.region.objects[name], objects.decisive(name), _distances(name, objects, others))


def _massless(source: Source, name: str, objects: Objects, base: Mask) -> ak.Array:
    """What is read of a collection, with the masses that it does not have."""
    fields = objects.read(name)
    records = source.objects(name, fields, base)
    without = "mass" in objects.fields(name) and "mass" not in fields
    return ak.with_field(records, ak.zeros_like(records.pt), "mass") if without else records


def _distances(name: str, objects: Objects, others: Mapping[str, ak.Array]) -> list[tuple[ak.Array, float]]:
    apart = objects.region.objects[name].apart
    return [(others[one], radius) for other, radius in apart.items() for one in objects.members(other)]


def choose(
    records: ak.Array, cuts: ObjectCuts, decisive: Sequence[str], others: Iterable[tuple[ak.Array, float]] = ()
) -> ak.Array:
    """The objects that pass their cuts, by falling pT.

    Args:
        records: events * var * {pt, ...}, with the ``decisive`` fields.
        cuts: the cuts, of which that on the number is none of an object.
        decisive: the fields that the cuts read. A selected object of which one is NaN or infinite, or which may be near
            another whose place is, gets the field ``doubtful``; there is no such field where all is well.
        others: other objects of the same events, and the distance Delta R that these keep from them.
    """
    counts = ak.to_numpy(ak.num(records))
    flat = ak.flatten(records)
    fields = {field: ak.to_numpy(flat[field]) for field in decisive}
    passes, doubtful = np.ones(len(flat), bool), np.zeros(len(flat), bool)
    if DOUBTFUL in records.fields:
        doubtful |= ak.to_numpy(flat[DOUBTFUL])
    for values in fields.values():
        doubtful |= ~np.isfinite(values)
    if cuts.pt_min is not None:
        passes &= ~(fields["pt"] <= cuts.pt_min)
    if cuts.eta_max is not None:
        passes &= ~(np.abs(fields["eta"]) >= cuts.eta_max)
    for field, limits in cuts.where.items():
        passes &= _within(fields[field], limits)
    for other, radius in others:
        close, unknown = near(fields, counts, other, radius)
        passes &= ~close
        doubtful |= unknown
    event = np.repeat(np.arange(len(counts)), counts)
    rank = np.nan_to_num(np.asarray(fields["pt"], np.float64), nan=np.inf, posinf=np.inf)
    order = np.lexsort((-rank, event))
    order = order[passes[order]]
    chosen = flat[order]
    if doubtful[order].any():
        chosen = ak.with_field(chosen, doubtful[order], DOUBTFUL)
    elif DOUBTFUL in records.fields:
        chosen = ak.without_field(chosen, DOUBTFUL)
    return ak.unflatten(chosen, np.bincount(event[passes], minlength=len(counts)))


def _within(values: Any, limits: Limits) -> Mask:
    """Which values lie in a range; NaN does in each."""
    low, high = limits
    outside = np.zeros(len(values), bool)
    if low is not None:
        outside |= np.asarray(values < low)
    if high is not None:
        outside |= np.asarray(values > high)
    return ~outside


def near(fields: Mapping[str, Any], counts: NDArray[Any], other: ak.Array, radius: float) -> tuple[Mask, Mask]:
    """The objects (flat) within ``radius`` of an other one of their event, and those of which it cannot be known."""
    size = ak.to_numpy(ak.num(other))
    # All pairs of an object and an other one of the same event.
    pairs = np.repeat(size, counts)
    one = np.repeat(np.arange(len(pairs)), pairs)
    place = np.arange(len(one)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    two = np.repeat(np.repeat(np.cumsum(size) - size, counts), pairs) + place
    eta, phi = (np.asarray(ak.to_numpy(ak.flatten(other[name])), np.float64)[two] for name in ("eta", "phi"))
    away = np.hypot(np.asarray(fields["eta"], np.float64)[one] - eta, delta_phi(fields["phi"][one], phi))
    close, unknown = np.zeros(len(pairs), bool), np.zeros(len(pairs), bool)
    close[one[away < radius]] = True
    unknown[one[~np.isfinite(away)]] = True
    return close, unknown & ~close


def _cut_number(name: str, objects: Objects, source: Source, chosen: ak.Array, base: Mask, flow: Cutflow) -> None:
    """Require the number of an object: one that may be there, or not, is neither missed nor one too many."""
    most = ak.to_numpy(ak.num(chosen))
    least = most
    if DOUBTFUL in chosen.fields:
        least = most - ak.to_numpy(ak.sum(chosen[DOUBTFUL], axis=1))
        for field in objects.decisive(name):
            flow.doubt(source.branch(name, field), spread(base, broken(chosen[field])))
        flow.doubt(name, spread(base, ak.to_numpy(ak.any(chosen[DOUBTFUL], axis=1))) & ~flow.doubtful)
    low, high = objects.region.objects[name].number
    if low or high is not None:
        flow.cut(name, spread(base, (most >= low) & (least <= (np.inf if high is None else high))))


def _given(
    wanted: Mapping[str, Observable],
    objects: Objects,
    source: Source | None,
    found: Mapping[str, ak.Array],
    flow: Cutflow,
) -> dict[str, ak.Array]:
    """What the formulas of observables get, of the events that are left; a broken value puts an event in doubt."""
    given = dict(found)
    for name, need in needed(wanted).items():
        for one in objects.members(name) if name in GROUPS or name in objects.region.objects else ():
            assert source is not None
            for field in need.fields if need.number else ():
                odd = broken(found[one][field][:, : need.number])
                flow.doubt(source.branch(one, field), spread(flow.mask, odd))
        if name in GROUPS:
            given[name] = together([found[one] for one in objects.members(name)], need)
        elif name == MET:
            assert source is not None
            given[MET] = ak.zip({field: source.met(field, flow.mask) for field in need.fields})
            for field in need.fields:
                flow.doubt(source.branch(MET, field), spread(flow.mask, broken(given[MET][field])))
    return given


def together(parts: Sequence[ak.Array], need: Need) -> ak.Array:
    """Objects of several kinds as those of one, by falling pT, with the fields that are needed of them."""
    fields = dict.fromkeys(("pt", *need.fields))
    joined = ak.concatenate([ak.zip({field: part[field] for field in fields}) for part in parts], axis=1)
    return joined if len(parts) == 1 else joined[ak.argsort(joined.pt, axis=1, ascending=False, stable=True)]


def leading(name: str, chosen: ak.Array, keep: int, fields: Sequence[str]) -> dict[str, Any]:
    """``<name>1_pt`` and so on of the first ``keep`` objects: 0 where an event has fewer."""
    counts = ak.to_numpy(ak.num(chosen))
    first, found = np.cumsum(counts) - counts, {}
    for field in fields if keep else ():
        flat = ak.to_numpy(ak.flatten(chosen[field]))
        for place in range(keep):
            there = counts > place
            found[f"{name}{place + 1}_{field}"] = column = np.zeros(len(counts), flat.dtype)
            column[there] = flat[first[there] + place]
    return found
