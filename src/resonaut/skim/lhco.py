"""LHC Olympics files (pandas HDF5): high-level features, or 700 particles per event that are clustered here.

G. Kasieczka et al., Rep. Prog. Phys. 84 (2021) 124201; data: Zenodo 4536377. A row is an event, a label may
stand last: it decides which events form the dataset and goes no further.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pandas as pd
from tqdm import tqdm

from resonaut.dataset import DatasetConfig, LabelledEvents
from resonaut.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.skim import cutflow, pieces
from resonaut.skim.columns import Column, schema
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.pieces import FileResult, UnreadableError
from resonaut.skim.selection import constituent_columns, jet_columns, select
from resonaut.skim.settings import Clustering, Region, Skim

PARTICLES = 700
FEATURES = ("px", "py", "pz", "m", "tau1", "tau2", "tau3")


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
        UnreadableError: the file cannot be read.
        InputFileError: the file lacks a column.
        NotFiniteError: a column holds NaN or infinity.
    """
    columns, found, flows = layout.columns(), [], []
    with _open(path) as store:
        key, rows = _check(path, store, layout)
        keep = (
            wanted_events(_labels(store, key, rows, config.batch_events), layout.labelled) if layout.labelled else None
        )
        for start, frame in _batches(store, key, rows, config.batch_events, Path(path).name):
            used = np.arange(start, start + len(frame))
            if keep is not None:
                frame, used = frame[keep[used]], used[keep[used]]
            _require_finite(frame, path)
            jets, constituents = _raw_jets(frame, layout) if layout.raw else (_feature_jets(frame), None)
            flow = Cutflow(np.ones(len(used)))
            kept = select(jets, layout.region, flow)
            # The row tells the events apart; the file's number in the dataset keeps files apart.
            ones = np.ones(len(kept), np.int64)
            section = layout.files.index(path) + 1 if path in layout.files else 1
            values: dict[str, Any] = {"run": ones, "luminosityBlock": section * ones, "event": used[flow.mask]}
            values |= {"gen_weight": ones} | jet_columns(kept, layout.region.jets, layout.shapes)
            if constituents is not None and layout.constituents is not None:
                values |= _constituents(constituents[flow.mask], kept, layout.region.jets, layout.constituents)
            found.append(pieces.save(scratch / f"{number:06d}-{start:012d}.parquet", values, columns))
            flows.append(flow.rows)
    flow_sum = cutflow.total(flows)
    count = flow_sum[0]["events"] if flow_sum else 0
    return FileResult(count, found, flow_sum, (count, float(count)))


@contextmanager
def _open(path: str) -> Iterator[pd.HDFStore]:
    """The file; whatever HDF5 says while it is read becomes ``UnreadableError``."""
    from tables import HDF5ExtError

    try:
        with pd.HDFStore(path, mode="r") as store:
            yield store
    except (OSError, HDF5ExtError) as error:
        raise UnreadableError(str(error).strip().splitlines()[-1]) from error


def _check(path: str, store: pd.HDFStore, layout: Layout) -> tuple[str, int]:
    """The key of the one table, and its number of rows; its columns are those of the layout."""
    keys = store.keys()
    if len(keys) != 1:
        raise InputFileError(path, f"holds {len(keys)} tables", "give a pandas HDF5 file with one")
    names = list(pd.DataFrame(store.select(keys[0], start=0, stop=1)).columns)
    if layout.raw:
        missing = [] if len(names) >= 3 * PARTICLES else [f"only {len(names)} of {3 * PARTICLES} columns"]
        labelled = len(names) == 3 * PARTICLES + 1
    else:
        missing = [f"no column '{name}j{j}'" for j in (1, 2) for name in FEATURES if f"{name}j{j}" not in names]
        labelled = "label" in names
    if missing:
        raise InputFileError(path, missing[0], "correct the dataset's 'format' or its file")
    if layout.labelled is not None and not labelled:
        raise InputFileError(path, "no column of labels", "set the dataset's 'labelled' to null")
    untyped: Any = store  # pandas' stubs lack get_storer
    storer = untyped.get_storer(keys[0])
    return keys[0], int(storer.nrows if storer.is_table else storer.shape[0])


def _batches(store: pd.HDFStore, key: str, rows: int, size: int, name: str) -> Iterator[tuple[int, pd.DataFrame]]:
    with tqdm(total=rows, desc=name, unit="event", disable=None) as bar:
        for start in range(0, max(rows, 1), size):
            frame = pd.DataFrame(store.select(key, start=start, stop=min(start + size, rows)))
            yield start, frame
            bar.update(len(frame))


def _labels(store: pd.HDFStore, key: str, rows: int, size: int) -> np.ndarray:
    """Which rows are labelled signal: the last column of raw events, ``label`` of features."""
    batches = _batches(store, key, rows, size, "labels")
    return np.concatenate([frame[frame.columns[-1] if "label" not in frame else "label"] for _, frame in batches]) > 0.5


def wanted_events(signal: np.ndarray, rule: LabelledEvents) -> np.ndarray:
    """Which rows form the dataset; ``signal`` marks the labelled signal rows."""
    keep = np.zeros(len(signal), dtype=np.bool_)
    for rows, wanted in ((signal, rule.signal), (~signal, rule.background)):
        order = np.random.default_rng(rule.seed).permutation(np.flatnonzero(rows))
        keep[order[slice(*wanted)]] = True
    return keep


def _require_finite(frame: pd.DataFrame, path: str) -> None:
    bad = ~np.isfinite(frame.to_numpy(np.float64))
    if bad.any():
        name = frame.columns[int(np.flatnonzero(bad.any(axis=0))[0])]
        raise NotFiniteError(
            f"{path}: {str(name)!r} has {int(bad.sum())} NaN or infinite values; mend the file or cut those events."
        )


def _feature_jets(frame: pd.DataFrame) -> ak.Array:
    """The two jets of each event; their mass stands for the soft-drop mass, which the file does not have."""
    pairs = {name: np.stack([frame[f"{name}j1"], frame[f"{name}j2"]], axis=1) for name in FEATURES}
    pt = np.hypot(pairs["px"], pairs["py"])
    jets = {"pt": pt, "eta": np.arcsinh(pairs["pz"] / pt), "phi": np.arctan2(pairs["py"], pairs["px"])}
    jets |= {"mass": pairs["m"], "softdrop_mass": pairs["m"]} | {name: pairs[name] for name in FEATURES[4:]}
    return ak.zip({name: ak.from_regular(values, axis=1) for name, values in jets.items()})


def _raw_jets(frame: pd.DataFrame, layout: Layout) -> tuple[ak.Array, ak.Array]:
    """Jets and their constituents (events * var * var) of massless particles (pT, eta, phi), zero-padded."""
    # FastJet takes half a second to load, which the feature files need not pay.
    from resonaut import jets as fast

    table = frame.to_numpy(np.float64)[:, : 3 * PARTICLES].reshape(-1, PARTICLES, 3)
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
