"""What do leptons, photons and small-radius jets cost ``simulate``? One JSON line: ``python benchmarks/simulate.py``.

``ratio``: CPU time of QCD events with ``generator.objects`` over that without, in turn in one process, the median of
the rounds; the start of Python and the loading of compiled code are left out. ``data`` is the same without truth.
``tracks``: the same of ``generator.tracks``, over objects without them.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from resonaut.core.datasets import DatasetConfig
from resonaut.core.record import build
from resonaut.simulate.chunk import simulate
from resonaut.simulate.settings import Simulate

EVENTS, PAIRS = 1500, 3
STORED = {"tracks": {"tracks": True}, "objects": {}, "neither": {"objects": False}}


def seconds(nature: str, stored: str, events: int, folder: Path) -> float:
    """CPU time of one chunk."""
    component = {"process": "qcd", "events": events}
    generator = {"events_per_chunk": events, "components": [component], **STORED[stored]}
    entry = {"nature": nature, "region": "dijet", "luminosity": 1, "generator": generator}
    dataset = build(entry, DatasetConfig, "datasets.benchmark")
    begin = time.process_time()
    simulate(Simulate(), dataset, "benchmark", 0, folder / f"{nature}_{stored}.root")
    return time.process_time() - begin


def compare(folder: Path, events: int, pairs: int) -> dict[str, object]:
    """With and without, alternating, for simulation and for data."""
    ratio, tracks, times = {}, {}, {}
    for nature in ("simulation", "data"):
        # The first calls load what is compiled.
        for stored in STORED:
            seconds(nature, stored, 20, folder)
        taken = [[seconds(nature, stored, events, folder) for stored in STORED] for _ in range(pairs)]
        ratio[nature] = statistics.median(on / off for _, on, off in taken)
        tracks[nature] = round(statistics.median(more / on for more, on, _ in taken), 3)
        times[nature] = [round(1e3 * min(column) / events, 2) for column in zip(*taken, strict=True)]
    return {
        "benchmark": "simulate",
        "ratio": round(ratio["simulation"], 3),
        "target_ratio": 1.2,
        "data": round(ratio["data"], 3),
        "tracks": tracks,
        "events": events,
        "ms_per_event": times,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    args = parser.parse_args()
    # FastJet writes its banner to standard output, past Python: what follows goes to standard error.
    with os.fdopen(os.dup(1), "w") as output, tempfile.TemporaryDirectory() as folder:
        os.dup2(2, 1)
        print(json.dumps(compare(Path(folder), args.events, args.pairs)), file=output)


if __name__ == "__main__":
    main()
