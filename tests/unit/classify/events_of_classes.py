"""Events of Gaussian classes, in arrays and as skimmed datasets with weights and a shifted input."""

from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.classify.read import Events
from resonaut.classify.settings import Learning
from resonaut.core import events, identifier
from resonaut.core.files import write_json
from resonaut.core.record import build
from resonaut.core.weights import Factor

TREES = {"max_leaf_nodes": 6, "min_leaf_events": 50, "learning_rate": 0.15, "patience": 5}
NETWORK = {"hidden": [16], "epochs": 30, "learning_rate": 0.01, "patience": 5}


def learning(**changed) -> Learning:
    """Settings of a small classifier of two inputs and the classes ``a`` and ``b``."""
    content = {"inputs": ["x", "y"], "classes": {"a": ["a"], "b": ["b"]}, "folds": 3}
    return build(content | {"trees": TREES, "network": NETWORK} | changed, Learning, "test")


def gaussians(counts, means, seed: int, weights=None) -> Events:
    """Classes of events with normal inputs of spread 1 around ``means``, an entry for each class."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.normal(mean, 1, (n, len(mean))) for n, mean in zip(counts, means, strict=True)])
    n = len(values)
    return Events(
        values=values.astype(np.float32),
        labels=np.repeat(np.arange(len(counts)), counts),
        weights=np.ones(n) if weights is None else weights,
        keys=identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed * 1_000_003)),
    )


def table(n: int, seed: int, mean: float, *, run: int) -> ak.Array:
    """``x`` and ``y`` around a mean, ``x`` 0.3 larger with ``jes_up``; a tenth of the events pass with it alone."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(mean, 1, (2, n)).astype(np.float32)
    passes = np.arange(n) % 10 > 0
    columns = {"run": np.full(n, run, np.int64), "luminosityBlock": np.zeros(n, np.int64)}
    columns |= {"event": np.arange(n, dtype=np.int64), "gen_weight": np.full(n, 2.0), "x": x, "y": y, "passes": passes}
    columns |= {"weight_sf": np.full(n, 0.5), "pf": ak.from_regular(rng.normal(size=(n, 2)))}
    columns |= {"x__jes_up": (x + np.float32(0.3)), "passes__jes_up": np.ones(n, bool)}
    return ak.Array(columns)


def skim(folder: Path, name: str, found: ak.Array, **manifest) -> Path:
    """Write a dataset in two row groups; a cross section of 1 fb for each event of generator weight 1."""
    half = len(found) // 2
    notes = {"weight_sf": Factor("sf").metadata()}
    events.write(folder / "skim" / name / "000.parquet", [found[:half], found[half:]], {}, notes)
    content = {"name": name, "nature": "simulation", "chunks": ["000"], "events": int(ak.sum(found.passes))}
    content |= {"luminosity": None, "cross_section": 1.0, "mass": None, "weight_scale": 1.0, "era": None}
    content |= {"cutflow": [], "lost": [], "notes": [], "dropped": {}, "variations": {"jes_up": "jes"}}
    write_json(folder / "skim" / f"{name}.json", content | manifest)
    return folder / "skim" / f"{name}.json"
