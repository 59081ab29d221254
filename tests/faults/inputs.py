"""Small sound inputs of every format, for the faults to spoil. All numbers are fixed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

JETS = ("pt", "eta", "phi", "mass", "msoftdrop", "tau1", "tau2", "tau3", "tau4")
FEATURES = [f"{name}j{j}" for j in (1, 2) for name in ("px", "py", "pz", "m", "tau1", "tau2", "tau3")]

# A smooth spectrum with a peak at 4 TeV, in 60 bins of 100 GeV; the significance of this very table at 4 TeV.
EDGES = np.arange(2000.0, 8001.0, 100.0)
LUMINOSITY = 100.0
Z_4000 = 1.613


def nano(events: int = 200, first: int = 0, jets: int = 3, simulation: bool = False) -> dict[str, Any]:
    """Columns of NanoAOD: two hard jets in every event, further ones of 100 GeV that no cut keeps."""
    import awkward as ak

    rng = np.random.default_rng(7)
    shape = (events, jets)
    fields = {name: rng.uniform(0.1, 0.4, shape) for name in JETS}
    fields |= {"pt": np.sort(rng.uniform(500, 900, shape))[:, ::-1], "mass": rng.uniform(50, 200, shape)}
    fields["pt"][:, 2:] = 100.0
    fields["msoftdrop"] = fields["mass"] * 0.8
    fields["phi"] = fields["phi"] + np.pi * (np.arange(jets) % 2) - np.pi / 2
    columns: dict[str, Any] = {
        "run": np.ones(events, np.uint32),
        "luminosityBlock": (1 + np.arange(first, first + events) // 100).astype(np.uint32),
        "event": np.arange(first, first + events, dtype=np.uint64),
        "FatJet": {name: values.astype(np.float32) for name, values in fields.items()},
        "HLT_A": np.arange(events) % 2 == 0,
        "Flag_B": np.arange(events) % 4 != 0,
        "MET_pt": rng.uniform(0, 100, events).astype(np.float32),
    }
    columns["FatJet"]["jetId"] = np.full(shape, 6, np.int32)
    index = np.tile(np.repeat(np.arange(jets), 2), (events, 1))
    candidates = {n: np.take_along_axis(fields[n], index, 1).astype(np.float32) / 2 for n in ("pt", "mass")}
    candidates |= {n: np.take_along_axis(fields[n], index, 1).astype(np.float32) for n in ("eta", "phi")}
    columns["PFCands"] = candidates | {n: np.full(index.shape, v, np.int32) for n, v in (("charge", 1), ("pdgId", 211))}
    links = np.tile(np.arange(2 * jets), (events, 1))
    columns["FatJetPFCands"] = {"jetIdx": index.astype(np.int32), "pFCandsIdx": links.astype(np.int32)}
    if simulation:
        columns["genWeight"] = np.ones(events, np.float32)
        quarks = {name: np.ones((events, 2), np.float32) for name in ("pt", "eta", "phi", "mass")}
        quarks |= {"pdgId": np.ones((events, 2), np.int32), "genPartIdxMother": np.full((events, 2), -1, np.int32)}
        columns["GenPart"] = quarks
    return {
        name: {k: ak.from_regular(ak.Array(v)) for k, v in value.items()} if isinstance(value, dict) else value
        for name, value in columns.items()
    }


def spoil(columns: dict[str, Any], branch: str, change: Callable[[np.ndarray], Any]) -> dict[str, Any]:
    """``change`` the values (events, objects) of one branch, such as ``FatJet_pt``, in place."""
    import awkward as ak

    collection, _, field = branch.partition("_")
    if isinstance(columns.get(collection), dict):
        values = np.array(ak.to_regular(columns[collection][field]))
        change(values)
        columns[collection][field] = ak.from_regular(ak.Array(values))
    else:
        change(columns[branch])
    return columns


def write_nano(path: str, columns: Mapping[str, Any], runs: Mapping[str, Any] | None = None, **how: Any) -> str:
    """Write a TTree ``Events`` (``tree`` gives another name), and ``Runs``; ``compression`` as uproot takes it."""
    import awkward as ak
    import uproot

    tree = how.pop("tree", "Events")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with uproot.recreate(path, **how) as file:
        zipped = {n: ak.zip(v) if isinstance(v, dict) else v for n, v in columns.items()}
        for name, content in {tree: zipped, **({"Runs": runs} if runs else {})}.items():
            content = {k: v if isinstance(v, ak.Array) else np.asarray(v) for k, v in content.items()}
            types = {k: ak.type(v).content if isinstance(v, ak.Array) else v.dtype for k, v in content.items()}
            file.mktree(name, types).extend(content)
    return path


def runs(events: float, weights: float | None = None, suffix: str = "") -> dict[str, Any]:
    """The counters of generated events in the tree ``Runs``."""
    weights = events if weights is None else weights
    return {
        "run": np.ones(1, np.uint32),
        f"genEventCount{suffix}": np.array([events], np.int64),
        f"genEventSumw{suffix}": np.array([weights], np.float64),
    }


def lhco(events: int = 200, label: bool = True) -> Any:
    """A table of LHC Olympics features: jets of 1.5 TeV back to back, the first quarter labelled signal."""
    import pandas as pd

    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.uniform(0.1, 0.4, (events, len(FEATURES))), columns=FEATURES)
    for j, sign in ((1, 1), (2, -1)):
        frame[f"pxj{j}"], frame[f"pyj{j}"] = sign * rng.uniform(1400, 1600, events), sign * 10.0
        frame[f"pzj{j}"], frame[f"mj{j}"] = rng.uniform(-300, 300, events), rng.uniform(50, 500, events)
    if label:
        frame["label"] = (np.arange(events) < events // 4).astype(float)
    return frame


def write_lhco(path: str, frame: Any, key: str = "df", **how: Any) -> str:
    """Write with pandas, in its layout ``fixed`` unless told otherwise."""
    frame.to_hdf(path, key=key, mode="w", **how)
    return path


def counts() -> np.ndarray:
    """Events in the bins of ``EDGES``."""
    x = (EDGES[:-1] + 50) / 13000
    smooth = 2.4 * (1 - x) ** 8 / x**6
    peak = 60 * np.exp(-0.5 * ((EDGES[:-1] + 50 - 4000) / 120) ** 2) * 100 / (120 * np.sqrt(2 * np.pi))
    return np.random.default_rng(9).poisson(smooth + peak).astype(float)


def rows(values: np.ndarray | None = None, scale: float = 1.0) -> list[list[str]]:
    """Lines of a table: low edge, high edge (times ``scale``), value."""
    values = counts() if values is None else values
    return [
        [f"{a * scale:g}", f"{b * scale:g}", f"{v:.10g}"] for a, b, v in zip(EDGES, EDGES[1:], values, strict=False)
    ]


def table(lines: list[list[str]], header: str = "m_low,m_high,counts", separator: str = ",", end: str = "\n") -> str:
    """The text of a table."""
    return end.join([header.replace(",", separator), *(separator.join(line) for line in lines), ""])
