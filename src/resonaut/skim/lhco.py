"""LHC Olympics files (HDF5): high-level features, or 700 particles per event that are clustered here.

G. Kasieczka et al., Rep. Prog. Phys. 84 (2021) 124201; data: Zenodo 4536377. A row is an event, a label may
stand last: it decides which events form the dataset and goes no further.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from tqdm import tqdm

from resonaut.core.datasets import DatasetConfig, LabelledEvents, require_part
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.skim import cutflow, hdf5, pieces
from resonaut.skim.columns import Column, schema
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.hdf5 import Name, Table
from resonaut.skim.pieces import FileResult
from resonaut.skim.selection import constituent_columns, jet_columns, select, spread
from resonaut.skim.settings import Clustering, Region, Skim

PARTICLES = 700
FEATURES = ("px", "py", "pz", "m", "tau1", "tau2", "tau3")
COLUMNS = [f"{name}j{jet}" for jet in (1, 2) for name in FEATURES]


@dataclass(frozen=True)
class Layout:
    """How to read a dataset's files: which columns and events, and what is kept of them."""

    region: Region
    raw: bool
    labelled: LabelledEvents | None
    files: list[str]
    constituents: int | None
    clustering: Clustering

    @classmethod
    def of(cls, dataset: DatasetConfig, config: Skim, region: Region) -> "Layout":
        """The layout of a dataset.

        Raises:
            ConfigError: the region asks for what the format lacks, or a slice of its events spans several files.
        """
        if region.trigger or region.met_filters or region.jet_id is not None or region.variations:
            raise ConfigError(
                f"config: skim.regions.{dataset.region} asks for triggers, filters, a jet identification or "
                "variations, which LHC Olympics files lack; use a region without them."
            )
        if dataset.labelled is not None and len(dataset.files) > 1:
            raise ConfigError("config: a dataset with 'labelled' draws its events from one file; give it just one.")
        if dataset.labelled is not None:
            require_part("config: labelled.background", *dataset.labelled.background)
            require_part("config: labelled.signal", *dataset.labelled.signal)
        raw = dataset.format == "lhco_raw"
        constituents = config.max_constituents if raw and config.read_constituents else None
        return cls(region, raw, dataset.labelled, dataset.files, constituents, config.clustering)

    @property
    def shapes(self) -> tuple[str, ...]:
        """The jets' columns beside momentum and masses."""
        return tuple(f"tau{n + 1}" for n in range(4 if self.raw else 3))

    def columns(self) -> dict[str, Column]:
        """The columns of the selected events."""
        return schema(self.region.jets, self.shapes, self.constituents is not None, truth=False, variations=False)


def read(path: str, number: int, layout: Layout, scratch: Path, config: Skim) -> FileResult:
    """Select the events of one file, in batches of rows.

    Raises:
        OSError: the file cannot be read.
        InputFileError: the file lacks a column or labelled events, or a column holds no numbers.
    """
    columns, found, results = layout.columns(), [], []
    with hdf5.opened(path) as table:
        names = _names(table, layout)
        keep = None if layout.labelled is None else _wanted(table, layout.labelled, config.batch_events)
        for start, values in _batches(table, names, config.batch_events, Path(path).name):
            used = np.arange(start, start + len(values))
            if keep is not None:
                values, used = values[keep[used]], used[keep[used]]
            undecided = _broken_particles(values) if layout.raw else np.zeros(len(values), bool)
            if undecided.any():
                values, used = values[~undecided], used[~undecided]
            flow, content = _select(values, used, layout)
            # The row tells the events apart; the file's number in the dataset keeps files apart.
            section = layout.files.index(path) + 1 if path in layout.files else 1
            content |= {"luminosityBlock": np.full(len(content["event"]), section)}
            found.append(pieces.save(scratch / f"{number:06d}-{start:012d}.parquet", content, columns))
            results.append((flow, int(undecided.sum())))
    flow_sum = cutflow.total(flow.rows for flow, _ in results)
    count = flow_sum[0].events if flow_sum else 0
    faults = pieces.add(flow.faults for flow, _ in results)
    lost = sum(undecided for _, undecided in results)
    return FileResult(count, found, flow_sum, (count, float(count)), faults, lost)


def _select(values: np.ndarray, used: np.ndarray, layout: Layout) -> tuple[Cutflow, dict[str, Any]]:
    """The cutflow of a batch and the columns of its kept events; ``used`` are their rows in the file."""
    flow, number = Cutflow(np.ones(len(used))), layout.region.jets
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        jets, constituents = _raw_jets(values, layout) if layout.raw else (_feature_jets(values), None)
        kept = select(jets, layout.region, flow, {})
        chosen, ones = flow.mask, np.ones(len(kept), np.int64)
        content: dict[str, Any] = {"run": ones, "event": used[chosen], "gen_weight": ones}
        content |= jet_columns(kept, number, layout.shapes)
    if constituents is not None and layout.constituents is not None:
        content |= _constituents(constituents[chosen], kept, number, layout.constituents)
    odd = np.empty((0, 0)) if layout.raw else ~np.isfinite(values[chosen])
    for place in np.flatnonzero(odd.any(axis=0)):
        mine = ak.to_numpy(ak.any(kept.index == place // len(FEATURES), axis=1))
        flow.doubt(COLUMNS[place], spread(chosen, mine & odd[:, place]))
    flow.finish()
    return flow, flow.readable(content, chosen)


def _names(table: Table, layout: Layout) -> list[Name]:
    """The columns that the layout reads, all there and all numbers."""
    if layout.raw:
        there = len(table.names)
        missing = [] if there >= 3 * PARTICLES else [f"only {there} of {3 * PARTICLES} columns"]
        names: list[Name] = table.names[: 3 * PARTICLES]
    else:
        missing = [f"no column {name!r}" for name in COLUMNS if name not in table.names]
        names = [*COLUMNS]
    if missing:
        raise InputFileError(table.path, missing[0], "correct the dataset's 'format' or its file")
    table.require_numbers(names)
    return names


def _batches(table: Table, names: Sequence[Name], size: int, title: str) -> Iterator[tuple[int, np.ndarray]]:
    with tqdm(total=table.rows, desc=title, unit="event", disable=None) as bar:
        for start in range(0, max(table.rows, 1), size):
            values = table.read(names, start, start + size)
            yield start, values
            bar.update(len(values))


def _wanted(table: Table, rule: LabelledEvents, size: int) -> np.ndarray:
    """Which rows form the dataset, by the column ``label``, or the last one of raw events."""
    names: list[Name] = ["label"] if "label" in table.names else table.names[3 * PARTICLES :]
    if len(names) != 1:
        raise InputFileError(table.path, "no column of labels", "set the dataset's 'labelled' to null")
    table.require_numbers(names)
    labels = np.concatenate([values[:, 0] for _, values in _batches(table, names, size, "labels")])
    if not np.isfinite(labels).all():
        raise InputFileError(table.path, f"{names[0]!r} is not a number in some events", "label all events 0 or 1")
    signal = labels > 0.5
    for kind, there, (first, last) in (
        ("background", int((~signal).sum()), rule.background),
        ("signal", int(signal.sum()), rule.signal),
    ):
        if max(first, last or 0) > there:
            raise InputFileError(
                table.path,
                f"has {there} {kind} events, and the dataset's 'labelled.{kind}' is [{first}, {last or 'null'}]",
                "correct it; null as its end takes all that are left",
            )
    return wanted_events(signal, rule)


def wanted_events(signal: np.ndarray, rule: LabelledEvents) -> np.ndarray:
    """Which rows form the dataset; ``signal`` marks the labelled signal rows."""
    keep = np.zeros(len(signal), dtype=np.bool_)
    for rows, wanted in ((signal, rule.signal), (~signal, rule.background)):
        order = np.random.default_rng(rule.seed).permutation(np.flatnonzero(rows))
        keep[order[slice(*wanted)]] = True
    return keep


def _feature_jets(values: np.ndarray) -> ak.Array:
    """The two jets of each event; their mass stands for the soft-drop mass, which the file does not have."""
    pairs = {name: values[:, [place, place + len(FEATURES)]] for place, name in enumerate(FEATURES)}
    pt = np.hypot(pairs["px"], pairs["py"])
    jets = {"pt": pt, "eta": np.arcsinh(pairs["pz"] / pt), "phi": np.arctan2(pairs["py"], pairs["px"])}
    jets |= {"mass": pairs["m"], "softdrop_mass": pairs["m"]} | {name: pairs[name] for name in FEATURES[4:]}
    jets["index"] = np.tile([0, 1], (len(values), 1))
    return ak.zip({name: ak.from_regular(column, axis=1) for name, column in jets.items()})


def _broken_particles(values: np.ndarray) -> np.ndarray:
    """The raw events whose jets cannot be known: a particle is NaN or infinite."""
    if np.isfinite(values).all():
        return np.zeros(len(values), bool)
    table = values.reshape(-1, PARTICLES, 3)
    there = ~(table[:, :, 0] <= 0)
    return np.asarray((there & ~np.isfinite(table).all(axis=2)).any(axis=1))


def _raw_jets(values: np.ndarray, layout: Layout) -> tuple[ak.Array, ak.Array]:
    """Jets and their constituents (events * var * var) of massless particles (pT, eta, phi), zero-padded."""
    # FastJet takes half a second to load, which the feature files need not pay.
    from resonaut.physics import jets as fast

    table = np.asarray(values, np.float64).reshape(-1, PARTICLES, 3)
    real = table[:, :, 0] > 0
    columns = {
        name: ak.unflatten(table[:, :, n][real], real.sum(axis=1)) for n, name in enumerate(("pt", "eta", "phi"))
    }
    particles = ak.zip(columns)
    particles = ak.with_field(particles, ak.zeros_like(particles.pt), "mass")
    setting = layout.clustering
    jets, constituents = fast.cluster(particles, setting.radius, setting.pt_min)
    shapes = fast.substructure(constituents, setting.radius, setting.softdrop_zcut, setting.softdrop_beta)
    jets = ak.zip({name: jets[name] for name in jets.fields} | shapes | {"index": ak.local_index(jets.pt)})
    return jets, constituents


def _constituents(constituents: ak.Array, kept: ak.Array, number: int, limit: int) -> dict[str, Any]:
    """The lists of each kept jet; the file has neither charge nor kind of the particles: 0."""
    columns: dict[str, Any] = {}
    for j in range(number):
        mine = constituents[np.arange(len(kept)), ak.to_numpy(kept.index[:, j])]
        none = ak.zeros_like(mine.pt)
        mine = ak.with_field(ak.with_field(mine, none, "charge"), none, "pdgId")
        columns |= constituent_columns(mine, f"j{j + 1}", limit)
    return columns
