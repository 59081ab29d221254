"""Memory and speed of the reading of training jets (docs/tag.md), of toys: as many jets as the words say, one by one.

    python benchmarks/tag_streaming.py 100000 1000000

Each number is tried in a process of its own, which chooses the jets, reads the fair sample, and then all of one epoch.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core import events, results
from resonaut.core.manifest import Manifest
from resonaut.core.record import build
from resonaut.tag.sample import Simulation, choose
from resonaut.tag.settings import TagConfig
from resonaut.tag.stream import Stream


def toys(n: int, seed: int) -> ak.Array:
    """Events with two jets of 20 to 60 constituents."""
    rng = np.random.default_rng(seed)
    columns = {"run": np.ones(n, np.int64), "luminosityBlock": np.full(n, seed), "event": np.arange(n)}
    for jet in ("j1", "j2"):
        lengths = rng.integers(20, 61, n)
        total = lengths.sum()
        columns |= {f"{jet}_pt": rng.uniform(500, 1500, n), f"{jet}_eta": rng.normal(0, 1, n)}
        columns |= {f"{jet}_phi": rng.uniform(-3, 3, n), f"{jet}_mass": rng.uniform(20, 300, n)}
        quarks = rng.integers(2, 5, n)
        columns[f"{jet}_softdrop_mass"] = rng.uniform(0, 250, n)
        columns[f"{jet}_decay_pdgid"] = ak.unflatten(np.ones(quarks.sum(), np.int8), quarks)
        parts = {"pt": rng.exponential(30, total) + 1, "eta": rng.normal(0, 0.2, total)}
        parts |= {"phi": rng.normal(0, 0.2, total), "mass": np.full(total, 0.14)}
        columns |= {f"{jet}_pf_{name}": ak.unflatten(values.astype("f4"), lengths) for name, values in parts.items()}
        columns[f"{jet}_pf_pt"] = ak.sort(columns[f"{jet}_pf_pt"], ascending=False)
    return ak.zip(columns, depth_limit=1)


def write(folder: Path, name: str, n_events: int, size: int, seed: int) -> None:
    """A dataset: the same toys in all row groups, under other numbers."""
    batch = toys(size, seed)
    path, groups = folder / "skim" / f"{name}.json", n_events // size
    batches = (ak.with_field(batch, size * i + batch.event, "event") for i in range(groups))
    events.write(path.with_suffix("") / "000.parquet", batches, {})
    known = {"nature": "simulation", "era": None, "luminosity": None, "cross_section": 1.0, "mass": None}
    nothing = {"cutflow": [], "lost": [], "notes": [], "dropped": {}, "variations": {}}
    made = {"name": name, "weight_scale": 1.0, "chunks": ["000"], "events": groups * size}
    results.write(path, Manifest(**made, **known, **nothing))


def measure(folder: Path, in_memory: int) -> dict[str, float]:
    """Peak memory in MB, and training jets read in a second, of an epoch."""
    plan = {"max_jets": 10**9, "jets_in_memory": in_memory}
    settings = build({"training": plan}, TagConfig, "tag")
    simulation = Simulation.open([folder / "skim" / "qcd.json"], [folder / "skim" / "signal.json"])
    seen = choose(simulation, settings, settings.networks["part"], "train")
    stream = Stream(seen, settings.training, 1, settings.seed, "cpu")
    stream.begin()
    begin = time.process_time()
    batches = sum(1 for _ in next(stream.passes(1, 0, lambda _: None)))
    rate = len(seen) / (time.process_time() - begin)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"training_jets": len(seen), "shards": stream.shards, "batches": batches}
    return found | {"jets_per_second": round(rate), "megabytes": round(memory)}


def main() -> None:
    """A line of JSON for each number of jets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jets", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--in-memory", type=int, default=10_000, help="tag.training.jets_in_memory")
    parser.add_argument("--group", type=int, default=2000, help="events of a row group")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.in_memory)))
        return
    for jets in given.jets:
        with tempfile.TemporaryDirectory() as folder:
            for seed, name in enumerate(("qcd", "signal")):
                write(Path(folder), name, jets // 4, given.group, seed)
            words = [sys.executable, __file__, "--measure", folder, "--in-memory", str(given.in_memory)]
            subprocess.run(words, check=True)


if __name__ == "__main__":
    main()
