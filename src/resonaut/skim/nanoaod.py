"""NanoAOD and PFNano files: a coffea processor that keeps a region's events.

coffea (https://coffea-hep.readthedocs.io) opens the trees as virtual arrays: a branch is read when it is
first used, so candidates are only read where the file holds selected events.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot
from coffea.nanoevents import PFNanoAODSchema
from coffea.processor import ProcessorABC

from resonaut.errors import InputFileError, NotFiniteError
from resonaut.events import KEY, require_finite
from resonaut.skim import pieces
from resonaut.skim.columns import VARIATIONS, Column, schema
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.pieces import UnreadableError
from resonaut.skim.selection import constituent_columns, jet_columns, select
from resonaut.skim.settings import Branches, Region, Skim
from resonaut.skim.truth import truth_columns

TREE = "Events"
TAUS = ("tau1", "tau2", "tau3", "tau4")


class Schema(PFNanoAODSchema):  # type: ignore[misc]
    """PFNano's schema, silent about cross-references to collections that a file lacks."""

    warn_missing_crossrefs = False


@dataclass(frozen=True)
class Selection:
    """All that decides what is read from a file and kept; ``simulation``: generator weights are read."""

    region: Region
    branches: Branches
    constituents: int | None
    simulation: bool
    truth: bool
    variations: bool

    @classmethod
    def of(cls, config: Skim, region: Region, blind: bool) -> "Selection":
        """The selection for a dataset; a ``blind`` one shows no truth."""
        constituents = config.max_constituents if config.read_constituents else None
        simulation = not blind
        truth, variations = config.truth and simulation, region.variations and simulation
        return cls(region, config.branches, constituents, simulation, truth, variations)

    @property
    def shapes(self) -> tuple[str, ...]:
        """The jets' columns beside momentum and masses."""
        return (*TAUS, "b_tag") if self.branches.b_tag else TAUS

    def columns(self) -> dict[str, Column]:
        """The columns of the selected events."""
        return schema(self.region.jets, self.shapes, self.constituents is not None, self.truth, self.variations)

    def needed(self) -> dict[str, str]:
        """The branches that a file must have, each with the remedy where it lacks one."""
        names, region = self.branches, self.region
        here = "name the file's branches in skim.branches"
        fields = ["pt", "eta", "phi", "mass", names.softdrop_mass, *TAUS, *filter(None, [names.b_tag])]
        needed = dict.fromkeys(KEY, "give a NanoAOD file")
        needed |= {f"{names.jets}_{name}": here for name in fields}
        if region.jet_id is not None:
            needed[f"{names.jets}_{names.jet_id}"] = f"{here}, or set the region's jet_id to null"
        needed |= dict.fromkeys(region.trigger, "correct the region's trigger list")
        needed |= dict.fromkeys(region.met_filters, "correct the region's met_filters list")
        if self.constituents is not None:
            remedy = f"{here}, or set skim.read_constituents to false"
            fields = ["pt", "eta", "phi", "mass", "charge", "pdgId", *filter(None, [names.puppi_weight])]
            needed |= {f"{names.candidates}_{name}": remedy for name in fields}
            needed |= {f"{names.links}_{name}": remedy for name in (names.link_jet, names.link_candidate)}
        if self.simulation:
            needed["genWeight"] = "give the dataset the role data, or a file of simulated events"
        if self.truth:
            fields = ["pt", "eta", "phi", "mass", "pdgId", "genPartIdxMother"]
            needed |= {f"GenPart_{name}": "set skim.truth to false" for name in fields}
        return needed

    def branches_to_read(self) -> list[str]:
        """The needed branches, those that a file may have, and counters; coffea need not look at any other."""
        names, optional = self.branches, list(VARIATIONS.values()) if self.variations else []
        collections = [names.jets, names.candidates, names.links, "GenPart", *optional]
        return [*self.needed(), *optional, *(f"n{collection}" for collection in collections)]


@dataclass(frozen=True)
class Content:
    """Number of stored events, and number and summed weights of all generated ones where the file tells."""

    events: int
    generated: tuple[int, float] | None


def inspect(path: str, selection: Selection) -> Content:
    """Open a file, check that it has what the selection reads, and count.

    Raises:
        UnreadableError: the file cannot be opened or has no tree of events.
        InputFileError: the file lacks a branch.
    """
    try:
        with uproot.open({path: None}) as file:
            tree = file[TREE]
            names = set(tree.keys(recursive=False))
            content = Content(tree.num_entries, _generated(file) if selection.simulation else None)
    except Exception as error:
        raise UnreadableError(reason(error)) from error
    for branch, remedy in selection.needed().items():
        if branch not in names:
            raise InputFileError(path, f"no branch {branch!r}", remedy)
    return content


def reason(error: BaseException) -> str:
    """An error's first line: a few words for a sentence."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    lines = [line.strip(" ,.;:") for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _generated(file: uproot.ReadOnlyDirectory) -> tuple[int, float] | None:
    """Number and weights of generated events in the tree ``Runs``, present before any filter or skim."""
    runs = file.get("Runs")
    if runs is None or not {"genEventCount", "genEventSumw"} <= set(runs.keys()):
        return None
    arrays = runs.arrays(["genEventCount", "genEventSumw"], library="np")
    return int(arrays["genEventCount"].sum()), float(arrays["genEventSumw"].sum())


class Processor(ProcessorABC):  # type: ignore[misc]
    """Selects one batch of a file and saves it as a piece in ``scratch``.

    ``process`` returns ``{first entry: {"piece", "cutflow"}}``; a file's fault is returned, too, under
    ``"error"``, because exceptions change their type on the way through coffea's executors.
    """

    def __init__(self, selection: Selection, scratch: Path, prefix: str) -> None:
        """Set what is kept, and where."""
        self.selection, self.scratch, self.prefix = selection, scratch, prefix

    def process(self, events: ak.Array) -> dict[int, dict[str, Any]]:
        """Run the selection on one batch."""
        start = int(events.metadata["entrystart"])
        try:
            flow, values = keep(events, self.selection)
        except UnreadableError as error:
            return {start: {"error": str(error)}}
        except NotFiniteError as error:
            return {start: {"not_finite": str(error)}}
        path = self.scratch / f"{self.prefix}-{start:012d}.parquet"
        return {start: {"piece": pieces.save(path, values, self.selection.columns()), "cutflow": flow.rows}}

    def postprocess(self, accumulator: Any) -> Any:
        """Nothing: the caller puts batches in order."""


def keep(events: ak.Array, selection: Selection) -> tuple[Cutflow, dict[str, Any]]:
    """The region's events of a batch: their cutflow, and their columns.

    Raises:
        UnreadableError: a branch cannot be read.
        NotFiniteError: a branch that decides on the selection holds NaN or infinity.
    """
    region, names = selection.region, selection.branches
    source = events.metadata["filename"]
    weights = _flat(events, "genWeight", source) if selection.simulation else np.ones(len(events))
    flow = Cutflow(weights.astype(np.float64))
    for name, flags, combine in (("trigger", region.trigger, np.any), ("met_filters", region.met_filters, np.all)):
        if flags:
            flow.cut(name, combine([_flat(events, flag, source) for flag in flags], axis=0).astype(bool))
    jets = _read_jets(events, selection, source)
    kept = select(jets, region, flow)
    values: dict[str, Any] = {name: _flat(events, name, source)[flow.mask] for name in KEY}
    values |= {"gen_weight": flow.weights[flow.mask]} | jet_columns(kept, region.jets, selection.shapes)
    if selection.variations:
        values |= {name: _variations(events, branch, flow.mask, source) for name, branch in VARIATIONS.items()}
    if selection.constituents is not None:
        found = _read(events, names.candidates, ("pt", "eta", "phi", "mass", "charge", "pdgId"), flow.mask, source)
        if names.puppi_weight is not None:
            weight = _read(events, names.candidates, (names.puppi_weight,), flow.mask, source)[names.puppi_weight]
            found = ak.with_field(ak.with_field(found, found.pt * weight, "pt"), found.mass * weight, "mass")
        links = _read(events, names.links, (names.link_jet, names.link_candidate), flow.mask, source)
        for j in range(region.jets):
            mine = links[links[names.link_jet] == kept.index[:, j]]
            values |= constituent_columns(found[mine[names.link_candidate]], f"j{j + 1}", selection.constituents)
    if selection.truth:
        fields = ("pt", "eta", "phi", "mass", "pdgId", "genPartIdxMother")
        particles = _read(events, "GenPart", fields, flow.mask, source)
        particles = ak.with_field(particles, particles.genPartIdxMother, "mother")
        values |= truth_columns(kept, particles, region.jets)
    return flow, values


def _read_jets(events: ak.Array, selection: Selection, source: str) -> ak.Array:
    """All jets under this project's names, with their ``index`` in the file."""
    names = selection.branches
    fields = {"pt": "pt", "eta": "eta", "phi": "phi", "mass": "mass", "softdrop_mass": names.softdrop_mass}
    fields |= {name: name for name in TAUS} | ({"b_tag": names.b_tag} if names.b_tag else {})
    if selection.region.jet_id is not None:
        fields["jet_id"] = names.jet_id
    found = _read(events, names.jets, tuple(fields.values()), np.ones(len(events), bool), source)
    columns = {name: found[field] for name, field in fields.items()}
    # NanoAOD writes rounding noise below zero, and -1 for jets that were not groomed.
    columns["softdrop_mass"] = np.maximum(columns["softdrop_mass"], 0)
    jets = ak.zip(columns)
    return ak.with_field(jets, ak.local_index(jets.pt), "index")


def _read(events: ak.Array, collection: str, fields: tuple[str, ...], mask: np.ndarray, source: str) -> ak.Array:
    """Fields of a collection in the events of ``mask``, without coffea's behaviours; finite or an error."""
    columns = {}
    for field in fields:
        try:
            values = ak.materialize(events[collection][field])[mask]
        except Exception as error:
            raise UnreadableError(f"branch {collection}_{field}: {reason(error)}") from error
        require_finite(values, f"{collection}_{field}", source)
        columns[field] = ak.without_parameters(values)
    return ak.zip(columns)


def _variations(events: ak.Array, branch: str, mask: np.ndarray, source: str) -> ak.Array:
    """Relative weights in the events of ``mask``: empty lists where the file has none, or NanoAOD's dummy, a lone 1."""
    if branch not in events.fields:
        return ak.unflatten(np.empty(0), np.zeros(np.count_nonzero(mask), int))
    try:
        values = ak.without_parameters(ak.materialize(events[branch])[mask])
    except Exception as error:
        raise UnreadableError(f"branch {branch}: {reason(error)}") from error
    require_finite(values, branch, source)
    return values[ak.broadcast_arrays(ak.num(values) > 1, values)[0]]


def _flat(events: ak.Array, name: str, source: str) -> np.ndarray:
    """A branch with one value per event; the part before the first underscore names coffea's collection."""
    collection, _, field = name.partition("_")
    try:
        if name in events.fields:
            values = np.asarray(ak.materialize(events[name]))
        else:
            values = np.asarray(ak.materialize(events[collection][field]))
    except Exception as error:
        raise UnreadableError(f"branch {name}: {reason(error)}") from error
    require_finite(values, name, source)
    return values
