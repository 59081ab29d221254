"""NanoAOD and PFNano files: what a selection reads of them, and the events of a region in each batch."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.events import KEY
from resonaut.core.manifest import Cut
from resonaut.physics.observables import LARGE_JET
from resonaut.skim import objects, particle_level, pieces, variations
from resonaut.skim.columns import VARIATIONS
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.formats.nanoaod import counters, weighted
from resonaut.skim.formats.nanoaod.collections import Collections
from resonaut.skim.formats.nanoaod.contents import contents, of_objects
from resonaut.skim.formats.nanoaod.corrected import Corrected
from resonaut.skim.formats.nanoaod.jets import possible, read_jets
from resonaut.skim.formats.nanoaod.names import Names, generated, resolve
from resonaut.skim.formats.nanoaod.selection import Selection
from resonaut.skim.formats.nanoaod.tree import Batch, Tree
from resonaut.skim.pieces import UnreadableError, reason
from resonaut.skim.region import Objects
from resonaut.skim.selection import broken, jet_columns, select, spread
from resonaut.skim.variations import Passing, Rows, select_all, union, with_shifted


@dataclass(frozen=True)
class Content:
    """Number of stored events, number and summed weights of all generated ones where the file tells, and fallbacks."""

    events: int
    generated: tuple[int, float] | None
    notes: list[str]


def inspect(tree: Tree, selection: Selection) -> Content:
    """Check that a file has what the selection reads, and count.

    Raises:
        UnreadableError: the counters of generated events cannot be read.
        InputFileError: the file lacks a branch, or its counters of generated events are wrong.
    """
    try:
        generated = counters.generated(tree.file) if selection.simulation else None
    except Exception as error:
        raise UnreadableError(reason(error)) from error
    names = resolve(selection.branches, tree.names)
    for branch, remedy in selection.needed(names).items():
        if branch not in tree.names:
            raise InputFileError(tree.path, f"no branch {branch!r}", remedy)
    unknown = selection.corrections.require_era(tree, names)
    flags = [*selection.region.trigger, *selection.others, *selection.region.met_filters]
    notes = [*names.notes, *(pieces.not_fired(flag) for flag in flags if flag not in tree.names)]
    notes += [*unknown, *selection.corrections.without(names, tree.names)]
    notes += weighted.without(selection.corrections, tree.names)
    if selection.simulation and generated is None:
        notes.append(counters.NONE)
    if generated is not None:
        counters.require_all(tree.path, tree.events, generated)
    return Content(tree.events, generated, notes)


@dataclass(frozen=True)
class Selected:
    """What was kept of a batch: a piece in the scratch folder, and the counts.

    ``extremes``: the least and the greatest weight. ``unknown``: the events whose weight is NaN or infinite.
    """

    piece: Path
    cutflow: list[Cut]
    faults: dict[str, int]
    extremes: tuple[float, float]
    unknown: int


def process(batch: Batch, selection: Selection, piece: Path) -> Selected:
    """Run the selection on one batch and save what it keeps.

    Raises:
        ConfigError: a column of the user's own cannot be computed.
        UnreadableError: a branch cannot be read, or holds what nothing can be made of.
        UnwritableError: there is no room for the piece.
    """
    try:
        with np.errstate(invalid="ignore", over="ignore"):
            flow, values = keep(batch, selection)
    except (ConfigError, InputFileError):
        raise
    except Exception as error:
        raise UnreadableError(reason(error)) from error
    pieces.save(piece, values, selection.columns())
    extremes = (float(flow.weights.min()), float(flow.weights.max()))
    return Selected(piece, flow.rows, flow.faults, extremes, int((~flow.known).sum()))


@dataclass(frozen=True)
class Batches:
    """The work on a file: batches of about ``batch_events``, whose pieces' names begin with ``prefix``."""

    selection: Selection
    batch_events: int
    prefix: Path

    def size(self, tree: Tree) -> int:
        """Entries of a batch: all are of one size, but the last."""
        return math.ceil(tree.events / max(round(tree.events / self.batch_events), 1))

    def select(self, tree: Tree, start: int, stop: int) -> Iterator[Selected]:
        """Select in some entries of the file."""
        for batch in tree.batches(start, stop, self.size(tree)):
            piece = self.prefix.with_name(f"{self.prefix.name}-{batch.start:012d}.arrow")
            yield process(batch, self.selection, piece)


def keep(events: Batch, selection: Selection) -> tuple[Cutflow, dict[str, Any]]:
    """The region's events of a batch: their cutflow, and their columns.

    Raises:
        UnreadableError: a branch cannot be read.
    """
    region, names = selection.region, resolve(selection.branches, events.tree.names)
    weights = events.flat("genWeight") if selection.simulation else np.ones(len(events))
    flow = Cutflow(weights)
    flow.doubt("genWeight", ~flow.known)
    if selection.certified is not None:
        flow.cut("certified", selection.certified.holds(events.flat("run"), events.flat("luminosityBlock")))
    fired = {name: _flag(events, name, flow) for name in region.trigger}
    if fired:
        flow.cut("trigger", np.any([*fired.values()], axis=0))
    if selection.others:
        flow.cut("other_trigger", ~np.any([_flag(events, name, flow) for name in selection.others], axis=0))
    if region.met_filters:
        flow.cut("met_filters", np.all([_flag(events, name, flow) for name in region.met_filters], axis=0))
    corrected = Corrected(events, names, selection.corrections)
    corrected.require_runs(flow.mask)
    nominal, varied = _selected(events, selection, names, corrected, flow)
    whole, columns = union(nominal, varied), selection.columns()
    if selection.particles is not None:
        fiducial = _fiducial(events, selection.particles, generated(names), flow)
        whole = particle_level.with_empty(whole, fiducial.mask)
    mask = whole.mask
    values: dict[str, Any] = {name: events.flat(name, mask) for name in KEY}
    values["gen_weight"] = flow.weights[mask]

    def kinematics(places: np.ndarray, kept: variations.Objects) -> dict[str, Any]:
        del places
        found = jet_columns(kept[LARGE_JET], region.jets, selection.shapes) if region.jets else {}
        return found | objects.columns(selection.objects, kept)

    values |= with_shifted(kinematics, columns, whole, varied)
    if region.jets and (selection.constituents is not None or selection.truth):
        values |= contents(events, selection, names, whole, varied, flow)
    values |= of_objects(events, selection, names, whole, varied, flow)
    values |= variations.flags(nominal, whole, varied)
    if selection.particles is not None:
        values |= particle_level.values(selection.particles, fiducial, mask)
    if selection.variations:
        for name, branch in VARIATIONS.items():
            values[name] = _variations(events, branch, mask)
            flow.doubt(branch, spread(mask, broken(values[name])))
    values |= selection.own.compute({name: events.array(name, mask) for name in selection.own.branches}, flow, mask)
    values |= _weights(events, selection, corrected, fired, mask, flow)
    flow.finish(mask)
    return flow, flow.readable(values, mask)


def _selected(
    events: Batch, selection: Selection, names: Names, corrected: Corrected, flow: Cutflow
) -> tuple[Passing, dict[str, Passing]]:
    """What passes the cuts on objects, nominally and in each variation."""
    region = selection.region
    jets, branches = read_jets(events, selection, names, corrected) if region.jets else (None, {})

    vetoed = corrected.vetoed()

    def chosen(rows: Rows, flow: Cutflow) -> variations.Objects:
        for name, found in vetoed.items():
            flow.cut(name, ~np.asarray(rows.of(found)))
        large = None if jets is None else select(jets.of(rows), region, flow, branches)
        source = Collections(events, names, selection.objects, corrected, rows)
        return objects.select(selection.objects, source, large, flow)

    shifted = list(selection.corrections.groups())
    return select_all(chosen, shifted, flow, possible(jets, region) if jets and shifted else None)


def _fiducial(events: Batch, particles: Objects, names: Names, flow: Cutflow) -> Passing:
    """What passes at particle level; what is broken there puts the event in doubt."""
    every = np.arange(len(events))
    level = flow.stack(every)
    source = Collections(events, names, particles, None, Rows(every, ("",)))
    kept = objects.select(particles, source, None, level)
    flow.absorb(level, every)
    return Passing(level.mask, kept)


def _weights(
    events: Batch,
    selection: Selection,
    corrected: Corrected,
    fired: Mapping[str, np.ndarray],
    mask: np.ndarray,
    flow: Cutflow,
) -> dict[str, Any]:
    """The weights of the kept events."""
    found = weighted.simulated(corrected, mask)
    if selection.prescales is not None:
        there = {name: passes[mask] for name, passes in fired.items()}
        run, section = (events.flat(name, mask) for name in ("run", "luminosityBlock"))
        found[weighted.column(weighted.PRESCALE, "")] = selection.prescales.weights(there, run, section)
    for name, values in found.items():
        flow.doubt(name, spread(mask, broken(ak.Array(values))))
    return found | weighted.shifted(corrected, mask)


def _variations(events: Batch, branch: str, mask: np.ndarray) -> ak.Array:
    """Relative weights in the events of ``mask``: empty lists where the file has none, or NanoAOD's dummy, a lone 1."""
    if not events.has(branch):
        return ak.unflatten(np.empty(0), np.zeros(np.count_nonzero(mask), int))
    values = events.array(branch, mask)
    return values[ak.broadcast_arrays(ak.num(values) > 1, values)[0]]


def _flag(events: Batch, name: str, flow: Cutflow) -> np.ndarray:
    """Whether a trigger fired or a filter passed: nowhere in a file without it, as where ROOT files are merged.

    Raises:
        InputFileError: the branch is no flag.
    """
    if not events.has(name):
        return np.zeros(len(events), bool)
    values = events.flat(name)
    unknown = ~np.isfinite(values)
    other = values[~unknown & (values != values.astype(bool))]
    if len(other):
        problem = f"{name!r} is {other[0]:g} in an event, and a trigger or filter is 0 or 1"
        raise InputFileError(events.tree.path, problem, "correct the trigger and met_filters of the region or era")
    flow.doubt(name, unknown)
    return values.astype(bool)
