"""NanoAOD and PFNano files: what a selection reads of them, and the events of a region in each batch."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.datasets import BLIND
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.events import KEY
from resonaut.core.manifest import Cut
from resonaut.physics.observables import LARGE_JET
from resonaut.skim import objects, pieces, variations
from resonaut.skim.certified import Certified
from resonaut.skim.columns import VARIATIONS, Column, schema
from resonaut.skim.corrections.prescales import Prescales
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.formats.nanoaod import collections, counters, weighted
from resonaut.skim.formats.nanoaod.collections import Collections
from resonaut.skim.formats.nanoaod.corrected import Corrected, Corrections
from resonaut.skim.formats.nanoaod.names import Names, resolve
from resonaut.skim.formats.nanoaod.tree import Batch, Tree
from resonaut.skim.own import NEEDED, OwnColumns
from resonaut.skim.pieces import UnreadableError, reason
from resonaut.skim.reading import Job
from resonaut.skim.region import Objects
from resonaut.skim.selection import broken, constituent_columns, finite, jet_columns, select, spread
from resonaut.skim.settings import Branches, Region
from resonaut.skim.truth import decay_quarks, truth_columns
from resonaut.skim.variations import Passing, Rows, declare, select_all, union, with_shifted

TAUS = ("tau1", "tau2", "tau3", "tau4")
# Charges of the kinds that particle-flow candidates have; NanoAOD v15 leaves the charge out.
CHARGES = {11: -1, 13: -1, 15: -1, 211: 1, 321: 1, 2212: 1, 3112: -1, 3222: 1, 3312: -1, 3334: -1}


@dataclass(frozen=True)
class Selection:
    """All that decides what is read from a file and kept; ``simulation``: generator weights are read.

    Events that fired one of the triggers ``others`` are left to another dataset.
    """

    region: Region
    branches: Branches
    constituents: int | None
    simulation: bool
    truth: bool
    variations: bool
    certified: Certified | None
    own: OwnColumns
    corrections: Corrections
    others: tuple[str, ...]
    prescales: Prescales | None

    @classmethod
    def of(cls, job: Job) -> "Selection":
        """The selection for a dataset; a blind one shows no truth.

        Raises:
            InputFileError: a list or table that the dataset's era names is missing, or none.
        """
        config, era, simulation = job.config, job.era, job.dataset.nature not in BLIND
        region = era.region
        corrections = Corrections(era.name, era.corrections, not simulation)
        corrections.open()
        return cls(
            region,
            config.branches,
            config.max_constituents if config.read_constituents and region.jets else None,
            simulation,
            config.truth and simulation and region.jets > 0,
            region.variations and simulation,
            None if era.certified is None else Certified.read(Path(era.certified)),
            job.own,
            corrections,
            era.others,
            None if era.prescales is None else Prescales.read(Path(era.prescales)),
        )

    @property
    def objects(self) -> Objects:
        """The objects and observables of the region."""
        return Objects(self.region, self.own.code)

    @property
    def shapes(self) -> tuple[str, ...]:
        """The jets' columns beside momentum and masses."""
        return (*TAUS, "b_tag") if self.branches.b_tag else TAUS

    def columns(self) -> dict[str, Column]:
        """The columns of the selected events."""
        found = schema(self.region.jets, self.shapes, self.constituents is not None, self.truth, self.variations)
        found |= self.objects.columns() | self.own.columns()
        weights = weighted.columns(self.corrections, self.prescales is not None)
        return declare(found, self.corrections.groups()) | weights

    def needed(self, names: Names) -> dict[str, str]:
        """The branches that a file must have, each with the remedy where it lacks one."""
        region = self.region
        here = "name the file's branches in skim.branches"
        fields = ["pt", "eta", "phi", "mass", names.softdrop_mass, *TAUS, *filter(None, [names.b_tag])]
        needed = dict.fromkeys(KEY, "give a NanoAOD file")
        needed |= {f"{names.jets}_{name}": here for name in fields if region.jets}
        needed |= collections.branches(self.objects, names, self.corrections.identifies("small_jet"))
        if region.jet_id is not None and not self.corrections.identifies("large_jet"):
            needed[f"{names.jets}_{names.jet_id}"] = f"{here}, or set the region's jet_id to null"
        if self.constituents is not None:
            remedy = f"{here}, or set skim.read_constituents to false"
            fields = ["pt", "eta", "phi", "mass", "pdgId", *filter(None, [names.puppi_weight])]
            needed |= {f"{names.candidates}_{name}": remedy for name in fields}
            needed |= {f"{names.links}_{name}": remedy for name in (names.link_jet, names.link_candidate)}
        if self.simulation:
            needed["genWeight"] = "give the dataset the nature data, or a file of simulated events"
        if self.truth:
            fields = ["pt", "eta", "phi", "mass", "pdgId", "genPartIdxMother"]
            needed |= {f"GenPart_{name}": "set skim.truth to false" for name in fields}
        needed |= self.corrections.needed(names) | weighted.needed(self.corrections)
        return dict.fromkeys(self.own.branches, NEEDED) | needed


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
    selection.corrections.require_era(tree, names)
    flags = [*selection.region.trigger, *selection.others, *selection.region.met_filters]
    notes = [*names.notes, *(pieces.not_fired(flag) for flag in flags if flag not in tree.names)]
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
    corrected = Corrected(events, names, selection.corrections, flow.mask)
    for name, vetoed in corrected.vetoed().items():
        flow.cut(name, ~vetoed)
    nominal, varied = _selected(events, selection, names, corrected, flow)
    whole, columns = union(nominal, varied), selection.columns()
    mask = whole.mask
    values: dict[str, Any] = {name: events.flat(name, mask) for name in KEY}
    values["gen_weight"] = flow.weights[mask]

    def kinematics(places: np.ndarray, kept: variations.Objects) -> dict[str, Any]:
        del places
        found = jet_columns(kept[LARGE_JET], region.jets, selection.shapes) if region.jets else {}
        return found | objects.columns(selection.objects, kept)

    values |= with_shifted(kinematics, columns, whole, varied)
    if region.jets:
        values |= _contents(events, selection, names, whole, varied, flow)
    values |= variations.flags(nominal, whole, varied)
    if selection.variations:
        for name, branch in VARIATIONS.items():
            values[name] = _variations(events, branch, mask)
            flow.doubt(branch, spread(mask, broken(values[name])))
    values |= selection.own.compute({name: events.array(name, mask) for name in selection.own.branches}, flow, mask)
    values |= _weights(events, selection, corrected, fired, mask, flow)
    flow.finish()
    return flow, flow.readable(values, mask)


def _selected(
    events: Batch, selection: Selection, names: Names, corrected: Corrected, flow: Cutflow
) -> tuple[Passing, dict[str, Passing]]:
    """What passes the cuts on objects, nominally and in each variation."""
    region = selection.region
    jets: Mapping[str, ak.Array] = {}
    branches: Mapping[str, str] = {}
    if region.jets:
        jets, branches = _read_jets(events, selection, names, corrected)

    def chosen(rows: Rows, flow: Cutflow) -> variations.Objects:
        large = select(rows.of(jets), region, flow, branches) if region.jets else None
        source = Collections(events, names, selection.objects, corrected, rows)
        return objects.select(selection.objects, source, large, flow)

    shifted = list(selection.corrections.groups())
    return select_all(chosen, shifted, flow, _possible(jets, region) if region.jets and shifted else None)


def _possible(jets: Mapping[str, ak.Array], region: Region) -> np.ndarray:
    """The events with enough jets of enough momentum in any variation."""
    counts = ak.to_numpy(ak.num(jets[""]))
    largest = np.maximum.reduce([ak.to_numpy(ak.flatten(one.pt)) for one in jets.values()])
    failed = (largest <= region.pt_min) | (np.abs(ak.to_numpy(ak.flatten(jets[""].eta))) >= region.eta_max)
    first = np.concatenate([[0], np.cumsum(~failed)])
    ends = np.cumsum(counts)
    return np.asarray(first[ends] - first[ends - counts] >= region.jets)


def _contents(
    events: Batch, selection: Selection, names: Names, whole: Passing, varied: Mapping[str, Passing], flow: Cutflow
) -> dict[str, Any]:
    """What the kept jets are made of: their candidates, and the quarks near them."""

    def jets(passing: Passing) -> Passing:
        return Passing(passing.mask, {LARGE_JET: passing.kept[LARGE_JET]})

    def made(places: np.ndarray, kept: variations.Objects) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if selection.constituents is not None:
            values |= _constituents(events, selection, names, places, kept[LARGE_JET], flow)
        if selection.truth:
            particles = _record(events, places, flow)
            values |= truth_columns(kept[LARGE_JET], particles, selection.region.jets)
        return values

    alone, columns = jets(whole), selection.columns()
    others = variations.exchanged(alone, {variation: jets(one) for variation, one in varied.items()})
    # What a jet is made of differs where the jet is another.
    unlike = {}
    for variation, one in others.items():
        if one.mask.any():
            moved = variations.moved(one, alone, LARGE_JET)
            mine = {f"j{j + 1}": moved[:, j] for j in range(selection.region.jets)}
            unlike[variation] = {name: mine[name[:2]] for name in columns if name[:2] in mine}
    return with_shifted(made, columns, alone, others, unlike)


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
    return found


def _read_jets(
    events: Batch, selection: Selection, names: Names, corrected: Corrected
) -> tuple[Mapping[str, ak.Array], dict[str, str]]:
    """All jets under this project's names, with their ``index`` in the file; and the branches of the fields.

    The jets are the nominal ones under "", and those of each variation.
    """
    fields = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "softdrop_mass": names.softdrop_mass}
    fields |= {name: name for name in TAUS} | ({"b_tag": names.b_tag} if names.b_tag else {})
    if selection.region.jet_id is not None and not selection.corrections.identifies("large_jet"):
        fields["jet_id"] = names.jet_id
    jets = events.collection(names.jets, fields | corrected.extra("large_jet"))
    # NanoAOD writes rounding noise below zero, and -1 for jets that were not groomed.
    groomed = jets.softdrop_mass
    groomed = groomed if finite(groomed) else ak.where(np.isinf(groomed), np.nan, groomed)
    jets = ak.with_field(jets, np.maximum(groomed, 0), "softdrop_mass")
    branches = {name: f"{names.jets}_{field}" for name, field in fields.items()}
    corrections = corrected.large(ak.with_field(jets, ak.local_index(jets.pt), "index"))
    # What was read for the corrections alone would be carried through the whole selection.
    wanted = [name for name in corrections[""].fields if name in (*fields, "jet_id", "index")]
    return {variation: one[wanted] for variation, one in corrections.items()}, branches


def _at(events: Batch, collection: str, fields: Sequence[str], places: np.ndarray) -> ak.Array:
    """A collection in the events at some places of the batch, of which one may be there several times."""
    mask = np.zeros(len(events), bool)
    mask[places] = True
    found = events.collection(collection, fields, mask)
    return found if len(found) == len(places) else found[(np.cumsum(mask) - 1)[places]]


def _constituents(
    events: Batch, selection: Selection, names: Names, places: np.ndarray, kept: ak.Array, flow: Cutflow
) -> dict[str, Any]:
    """The candidates of the kept jets; a link of -1 is none, and one to nowhere puts the event in doubt."""
    columns: dict[str, Any] = {}
    charged = events.has(f"{names.candidates}_charge")
    optional = [*(["charge"] if charged else []), *filter(None, [names.puppi_weight])]
    fields = ("pt", "eta", "phi", "mass", "pdgId", *optional)
    found = _at(events, names.candidates, fields, places)
    if not charged:
        found = ak.with_field(found, charges(found.pdgId), "charge")
    links = _at(events, names.links, (names.link_jet, names.link_candidate), places)
    for j in range(selection.region.jets):
        index = links[links[names.link_jet] == kept.index[:, j]][names.link_candidate]
        index = _inside(index, ak.num(found), f"{names.links}_{names.link_candidate}", places, flow)
        mine = found[index[index >= 0] if ak.any(index < 0) else index]
        for field in fields:
            flow.doubt(f"{names.candidates}_{field}", _there(flow, places, broken(mine[field])))
        if names.puppi_weight is not None:
            weight = mine[names.puppi_weight]
            mine = ak.with_field(ak.with_field(mine, mine.pt * weight, "pt"), mine.mass * weight, "mass")
        columns |= constituent_columns(mine, f"j{j + 1}", selection.constituents or 0)
    return columns


def charges(kinds: ak.Array) -> ak.Array:
    """The charges that belong to particle kinds (PDG numbers), 0 for neutral and unknown ones."""
    charge = ak.zeros_like(kinds)
    for kind, value in CHARGES.items():
        charge = ak.where(kinds == kind, value, ak.where(kinds == -kind, -value, charge))
    return charge


def _there(flow: Cutflow, places: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The events at the places that are ``found``."""
    mask = np.zeros(len(flow.mask), bool)
    mask[places[found]] = True
    return mask


def _inside(index: ak.Array, sizes: ak.Array, branch: str, places: np.ndarray, flow: Cutflow) -> ak.Array:
    """An index into lists of ``sizes`` in some events; where it points nowhere -1, and the event is in doubt."""
    flat, counts = ak.to_numpy(ak.flatten(index)), ak.to_numpy(ak.num(index))
    outside = (flat < -1) | (flat >= np.repeat(ak.to_numpy(sizes), counts))
    if not outside.any():
        return index
    flow.doubt(branch, _there(flow, places, ak.to_numpy(ak.any(ak.unflatten(outside, counts), axis=1))))
    return ak.unflatten(np.where(outside, -1, flat), counts)


def _record(events: Batch, places: np.ndarray, flow: Cutflow) -> ak.Array:
    """The generator record of some events; they are in doubt where a quark or its mother is broken."""
    fields = ("pt", "eta", "phi", "mass", "pdgId", "genPartIdxMother")
    particles = _at(events, "GenPart", fields, places)
    mother = _inside(particles.genPartIdxMother, ak.num(particles), "GenPart_genPartIdxMother", places, flow)
    particles = ak.with_field(particles, mother, "mother")
    if not all(finite(particles[name]) for name in fields):
        quarks = decay_quarks(particles)
        for name in ("pt", "eta", "phi"):
            flow.doubt(f"GenPart_{name}", _there(flow, places, broken(quarks[name])))
        flow.doubt("GenPart_mass", _there(flow, places, broken(particles[quarks.mother].mass)))
    return particles


def _variations(events: Batch, branch: str, mask: np.ndarray) -> ak.Array:
    """Relative weights in the events of ``mask``: empty lists where the file has none, or NanoAOD's dummy, a lone 1."""
    if not events.has(branch):
        return ak.unflatten(np.empty(0), np.zeros(np.count_nonzero(mask), int))
    values = events.array(branch, mask)
    return values[ak.broadcast_arrays(ak.num(values) > 1, values)[0]]


def _flag(events: Batch, name: str, flow: Cutflow) -> np.ndarray:
    """Whether a trigger fired or a filter passed: nowhere in a file without it, as where ROOT files are merged."""
    if not events.has(name):
        return np.zeros(len(events), bool)
    values = events.flat(name)
    flow.doubt(name, ~np.isfinite(values))
    return values.astype(bool)
