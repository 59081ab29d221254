"""What does ``skim`` cost beside a selection by hand? One JSON line: ``python benchmarks/skim.py``.

The peer is what a user would write: uproot's branches in the same batches, an awkward selection, and the same columns
in a compressed Parquet file of the same kind. It checks nothing, counts nothing and knows one layout. ``ratio`` is
Resonaut's time over the peer's, each in a process of its own on one core, beyond the start of Python with the imports.
``one_basket`` is the ratio for a file with one basket for each branch, which both could only read as a whole: the peer
reads it once. ``memory_mb`` is the most that Resonaut takes for half and for five times the events, by default 10^5 and
10^6, and ``memory_growth`` the ratio.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from resonaut.core.datasets import DatasetConfig
from resonaut.core.record import build
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.formats.nanoaod import reader as reader  # imported before the clock starts
from resonaut.skim.settings import Skim

EVENTS, BATCH, BASKET = 200_000, 10_000, 6_000
CANDIDATES = 60
JET = ("pt", "eta", "phi", "mass", "msoftdrop", "tau1", "tau2", "tau3", "tau4")
KINEMATICS = ("pt", "eta", "phi", "mass")
KEYS: dict[str, Any] = {"truth": False, "batch_events": BATCH, "regions": {"dijet": {"pt_min": 600, "m_jj_min": None}}}


def made(events: int, seed: int) -> dict[str, Any]:
    """Two to four jets an event, and candidates, of which some belong to no jet."""
    rng = np.random.default_rng(seed)
    jets, candidates = rng.integers(2, 5, events), rng.poisson(CANDIDATES, events)

    def lists(counts: np.ndarray, **columns: np.ndarray) -> ak.Array:
        return ak.zip({name: ak.unflatten(values, counts) for name, values in columns.items()})

    n, size = int(jets.sum()), int(candidates.sum())
    jet = {name: rng.uniform(0.01, 0.5, n).astype(np.float32) for name in JET}
    jet |= {"pt": rng.exponential(250, n).astype(np.float32) + 200, "mass": rng.uniform(10, 200, n).astype(np.float32)}
    jet |= {"eta": rng.normal(0, 1.2, n).astype(np.float32), "msoftdrop": rng.uniform(5, 180, n).astype(np.float32)}
    pf = {name: rng.normal(0, 1, size).astype(np.float32) for name in ("eta", "phi", "mass")}
    pf |= {"pt": rng.exponential(10, size).astype(np.float32), "charge": rng.choice([-1, 0, 1], size).astype(np.int32)}
    owner = (rng.random(size) * np.repeat(jets + 1, candidates)).astype(np.int32) - 1
    counts = np.bincount(np.repeat(np.arange(events), candidates)[owner >= 0], minlength=events)
    index = np.arange(size) - np.repeat(np.cumsum(candidates) - candidates, candidates)
    links = {"jetIdx": owner[owner >= 0], "pFCandsIdx": index[owner >= 0].astype(np.int32)}
    return {
        "run": np.ones(events, np.uint32),
        "luminosityBlock": np.ones(events, np.uint32),
        "event": np.arange(events, dtype=np.uint64) + seed * 10**7,
        "genWeight": np.ones(events, np.float32),
        "FatJet": lists(jets, **jet),
        "PFCands": lists(candidates, **pf, pdgId=np.where(pf["charge"] != 0, 211, 22).astype(np.int32)),
        "FatJetPFCands": lists(counts, **links),
    }


def write(path: Path, events: int, basket: int, make: Callable[[int, int], dict[str, Any]] = made) -> Path:
    """A file of so many events, ``basket`` in each basket, which ``make`` gives of their number and a seed."""
    with uproot.recreate(path) as file:
        tree = None
        for seed, start in enumerate(range(0, events, basket)):
            content = make(min(basket, events - start), seed)
            if tree is None:
                types = {k: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for k, v in content.items()}
                tree = file.mktree("Events", types)
            tree.extend(content)
    return path


def resonaut(file: Path, output: Path) -> None:
    """The stage's own function."""
    fields = dict.fromkeys(("generator", "labelled", "certified", "expected", "luminosity", "mass"))
    fields |= {"nature": "simulation", "format": "nanoaod", "region": "dijet", "files": [], "files_per_chunk": 1}
    dataset = build(fields | {"cross_section": 1.0}, DatasetConfig, "dataset")
    skim_chunk(build(KEYS, Skim, "skim", merge=True), dataset, "x", 1, [str(file)], output, output.with_suffix(".json"))


def by_hand(file: Path, output: Path) -> None:
    """The same selection and columns, written straight down."""
    writer = None
    names = ["run", "luminosityBlock", "event", "genWeight"]
    names += [f"FatJet_{name}" for name in JET]
    names += [f"PFCands_{name}" for name in (*KINEMATICS, "charge", "pdgId")]
    names += ["FatJetPFCands_jetIdx", "FatJetPFCands_pFCandsIdx"]
    with uproot.open(file) as opened:
        tree = opened["Events"]
        whole = tree.num_entries if tree["FatJet_pt"].num_baskets == 1 else BATCH
        for events in tree.iterate(names, step_size=whole):
            for start in range(0, len(events), BATCH):
                rows = chosen(events[start : start + BATCH])
                writer = writer or pq.ParquetWriter(output, rows.schema, compression="zstd")
                writer.write_table(rows)
    assert writer is not None
    writer.close()


def chosen(events: ak.Array) -> pa.Table:
    """The columns of the selected events of a batch."""
    jets = ak.zip({name: events[f"FatJet_{name}"] for name in JET})
    jets["index"] = ak.local_index(jets.pt)
    jets = jets[(jets.pt > 600) & (abs(jets.eta) < 2.5)]
    enough = ak.num(jets) >= 2
    jets, events = jets[enough], events[enough]
    jets = jets[ak.argsort(jets.pt, ascending=False)][:, :2]
    close = abs(jets.eta[:, 0] - jets.eta[:, 1]) < 1.3
    jets, events = jets[close], events[close]
    jets = jets[ak.argsort(jets.msoftdrop, ascending=False)]
    pt, eta, phi, mass = (ak.to_numpy(jets[name]).astype(np.float64) for name in KINEMATICS)
    px, py, pz, energy = (
        v.sum(axis=1)
        for v in (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.hypot(pt * np.cosh(eta), mass))
    )
    columns = {name: events[name] for name in ("run", "luminosityBlock", "event", "genWeight")}
    columns["m_jj"] = np.sqrt(energy**2 - px**2 - py**2 - pz**2).astype(np.float32)
    columns["delta_eta_jj"] = abs(jets.eta[:, 0] - jets.eta[:, 1])
    candidates = ak.zip({name: events[f"PFCands_{name}"] for name in (*KINEMATICS, "charge", "pdgId")})
    for j in (0, 1):
        columns |= {f"j{j + 1}_{name}": jets[name][:, j] for name in JET}
        mine = candidates[events.FatJetPFCands_pFCandsIdx[events.FatJetPFCands_jetIdx == jets.index[:, j]]]
        columns[f"j{j + 1}_n_constituents"] = ak.num(mine)
        mine = mine[ak.argsort(mine.pt, ascending=False)][:, :100]
        columns |= {f"j{j + 1}_pf_{name}": mine[name] for name in mine.fields}
    return pa.table({name: ak.to_arrow(ak.to_packed(values), extensionarray=False) for name, values in columns.items()})


def measured(which: str, file: Path) -> dict[str, float]:
    """Seconds and memory in MB of one of both, in a process of its own."""
    command = [sys.executable, __file__, "--one", which, "--file", str(file)]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def one(which: str, file: Path) -> None:
    """Run one of both, and print what it took."""
    begin = time.process_time()
    {"resonaut": resonaut, "by_hand": by_hand}[which](file, file.with_name(f"{which}.parquet"))
    seconds = time.process_time() - begin
    # Linux's peak of this program: `ru_maxrss` would be that of the larger process which has started it, if anything.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"seconds": seconds, "mb": int(peak.split()[1]) / 1024}))


def compare(folder: Path, events: int) -> dict[str, object]:
    """Both on both files, and the memory for more events."""
    several = write(folder / "several.root", events, BASKET)
    single = write(folder / "single.root", events, events)
    sizes = {number: write(folder / f"{number}.root", number, BASKET) for number in (events // 2, 5 * events)}
    best = {
        (which, file): min((measured(which, file) for _ in range(2)), key=lambda found: found["seconds"])
        for file in (several, single)
        for which in ("by_hand", "resonaut")
    }
    ours, peer = (pq.read_table(folder / f"{which}.parquet") for which in ("resonaut", "by_hand"))
    assert ours["event"].to_pylist() == peer["event"].to_pylist()
    ratio = {file: best["resonaut", file]["seconds"] / best["by_hand", file]["seconds"] for file in (several, single)}
    memory = {number: measured("resonaut", file)["mb"] for number, file in sizes.items()}
    return {
        "benchmark": "skim",
        "ratio": round(ratio[several], 3),
        "target_ratio": 1.3,
        "one_basket": round(ratio[single], 3),
        "events": events,
        "selected": len(ours),
        "us_per_event": {
            which: [round(1e6 * best[which, file]["seconds"] / events, 1) for file in (several, single)]
            for which in ("resonaut", "by_hand")
        },
        "memory_mb": {number: round(most) for number, most in memory.items()},
        "memory_growth": round(memory[5 * events] / memory[events // 2], 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--one", choices=["resonaut", "by_hand"], help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        one(args.one, args.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(compare(Path(folder), args.events)))


if __name__ == "__main__":
    main()
