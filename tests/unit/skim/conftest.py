"""Small NanoAOD files with known content, and the stage's configuration from the defaults."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from resonaut.core.datasets import DatasetConfig
from resonaut.core.record import build
from resonaut.skim.settings import Skim


@pytest.fixture
def settings() -> Callable[..., Skim]:
    """The stage's settings: the defaults with some keys replaced."""

    def make(**keys: Any) -> Skim:
        keys = {"bad_files": {"retry_wait": 0}, "regions": {"dijet": {}}} | keys
        return build(keys, Skim, "skim", merge=True)

    return make


@pytest.fixture
def dataset() -> Callable[..., DatasetConfig]:
    """A dataset of simulated background unless told otherwise."""

    def make(**keys: Any) -> DatasetConfig:
        standard = {"nature": "simulation", "format": "nanoaod", "region": "dijet", "files": [], "files_per_chunk": 1}
        standard |= {
            "generator": None,
            "labelled": None,
            "certified": None,
            "expected": None,
            "luminosity": None,
            "cross_section": 10.0,
            "mass": None,
        }
        return build(standard | keys, DatasetConfig, "dataset")

    return make


def nanoaod(events: int, seed: int = 1) -> dict[str, Any]:
    """Events with two to four jets of three candidates, a W' record, weights of both signs."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 5, events)
    total = int(counts.sum())

    def jagged(values: np.ndarray, lengths: np.ndarray = counts, dtype: Any = np.float32) -> ak.Array:
        return ak.unflatten(values.astype(dtype), lengths)

    jets = {
        "pt": rng.uniform(200, 900, total),
        "eta": rng.uniform(-2.7, 2.7, total),
        "phi": rng.uniform(-np.pi, np.pi, total),
        "mass": rng.uniform(10, 200, total),
        "msoftdrop": rng.uniform(5, 180, total),
    } | {f"tau{n}": rng.uniform(0, 0.5, total) for n in (1, 2, 3, 4)}
    fat_jet = {name: jagged(values) for name, values in jets.items()}
    fat_jet["jetId"] = jagged(rng.choice([0, 2, 6], total), dtype=np.int32)
    size = 3 * total
    candidates = {"pt": rng.uniform(1, 300, size), "mass": np.full(size, 0.14)}
    candidates |= {name: np.repeat(jets[name], 3) + rng.normal(0, 0.1, size) for name in ("eta", "phi")}
    pf = {name: jagged(values, 3 * counts) for name, values in candidates.items()}
    pf["charge"] = jagged(rng.choice([-1, 0, 1], size), 3 * counts, np.int32)
    pf["pdgId"] = jagged(np.full(size, 211), 3 * counts, np.int32)
    pf["weight"] = jagged(rng.choice([0.0, 0.5, 1.0], size), 3 * counts)
    # The candidates' order in the file is not that of the links.
    shuffled = [rng.permutation(3 * n) for n in counts]
    links = {"jetIdx": ak.Array([p // 3 for p in shuffled]), "pFCandsIdx": ak.Array(shuffled)}
    four = np.full(events, 4)
    record = {name: jagged(rng.uniform(50, 400, 4 * events), four) for name in ("pt",)}
    record |= {"eta": jagged(np.zeros(4 * events), four), "phi": jagged(np.zeros(4 * events), four)}
    record["mass"] = jagged(np.tile([80.4, 0, 0, 0], events), four)
    record["pdgId"] = jagged(np.tile([24, 1, -2, 21], events), four, np.int32)
    record["genPartIdxMother"] = jagged(np.tile([-1, 0, 0, 1], events), four, np.int32)
    return {
        "FatJet": ak.zip(fat_jet),
        "PFCands": ak.zip(pf),
        "FatJetPFCands": ak.zip({name: ak.values_astype(values, np.int32) for name, values in links.items()}),
        "GenPart": ak.zip(record),
        "run": np.ones(events, np.uint32),
        "luminosityBlock": np.ones(events, np.uint32),
        "event": np.arange(events, dtype=np.uint64),
        "genWeight": rng.choice([-1.0, 2.0], events).astype(np.float32),
        "HLT_A": rng.random(events) < 0.5,
        "HLT_B": rng.random(events) < 0.5,
        "Flag_C": rng.random(events) < 0.9,
    }


def write_tree(path: Path, content: dict[str, Any], generated: tuple[int, float] | None = None) -> Path:
    """Write a TTree ``Events`` and, if told, ``Runs``."""
    with uproot.recreate(path) as file:
        trees = {"Events": content}
        if generated is not None:
            runs = {"genEventCount": np.array([generated[0]]), "genEventSumw": np.array([generated[1]])}
            trees["Runs"] = {"run": np.ones(1, np.uint32)} | runs
        for name, columns in trees.items():
            types = {k: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for k, v in columns.items()}
            file.mktree(name, types).extend(columns)
    return path


@pytest.fixture
def content() -> dict[str, Any]:
    """200 events."""
    return nanoaod(200)


@pytest.fixture
def write() -> Callable[..., Path]:
    """The function that writes a file."""
    return write_tree


@pytest.fixture
def make_events() -> Callable[..., dict[str, Any]]:
    """The function that makes events."""
    return nanoaod
