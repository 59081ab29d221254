"""How many Level-1 crossings a core makes and scores in a second: ``python benchmarks/level1.py``.

One JSON line, in processor time of one core: collisions of each part of a small pool generated and digitised, crossings
with a pile-up of 50 mixed from it (after numba has compiled), crossings written and read as Parquet, menu decisions,
and scores of a network in integers of 57-32-16-8 with the formats of ``trigger.models``. ``sizes``: what is measured.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[library] = "1"

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import numpy as np

from resonaut.core.datasets import Component
from resonaut.core.record import build
from resonaut.physics.level1 import files, menu
from resonaut.simulate.level1.pool import Pool, generated
from resonaut.simulate.level1.sample import Mixer
from resonaut.simulate.level1.towers import Deposits
from resonaut.simulate.settings import Simulate
from resonaut.trigger import emulator
from resonaut.trigger.autoencoder import Autoencoder
from resonaut.trigger.inputs import integers, names
from resonaut.trigger.quantise import quantise
from resonaut.trigger.settings import Model

ROOT = Path(__file__).parents[1]
SETTINGS = {
    "sqrt_s": 13600,
    "mpi": True,
    "processes": {
        "soft": {"settings": ["SoftQCD:inelastic = on"]},
        "jets_20": {"settings": ["HardQCD:all = on", "PhaseSpace:pTHatMin = 20."]},
    },
}
T = TypeVar("T")


def timed(what: Callable[[], T]) -> tuple[T, float]:
    began = time.process_time()
    found = what()
    return found, time.process_time() - began


def main(size: float) -> None:
    """Measure everything once."""
    config = build(SETTINGS, Simulate, "benchmark")
    collisions, crossings = round(1000 * size), round(10000 * size)
    rates: dict[str, float] = {}
    parts, sections = [], []
    for part, limit in (("soft", 20.0), ("jets_20", None)):

        def generate(part: str = part, limit: float | None = limit) -> tuple[Deposits, float]:
            return generated(config, Component(process=part), collisions, limit, 1)

        (deposits, section), seconds = timed(generate)
        parts.append(deposits)
        sections.append(section)
        rates[f"collisions_{part}"] = collisions / seconds
    sizes = np.array([len(one) for one in parts])
    mixer = Mixer(50, Pool(Deposits.joined(parts), sizes, np.array(sections) / sum(sections)))
    mixer.crossings(10, None, np.random.default_rng(1), "compile")
    found, seconds = timed(lambda: mixer.crossings(crossings, None, np.random.default_rng(2), "mix"))
    rates["mixed"] = crossings / seconds
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crossings.parquet"
        _, seconds = timed(lambda: files.write(path, found, {}))
        rates["written"] = crossings / seconds
        _, seconds = timed(lambda: files.read(path))
        rates["read"] = crossings / seconds
    own = menu.read(ROOT / "config/trigger_menu.csv", "all")
    _, seconds = timed(lambda: menu.decide(own, found))
    rates["decided"] = crossings / seconds
    model = build({"epochs": 1}, Model, "benchmark")
    raw = integers(found, names(asdict(model.objects)))
    network = quantise(Autoencoder.fit(raw, model, "benchmark"), model.quantisation)
    _, seconds = timed(lambda: emulator.score(network, raw))
    rates["scored"] = crossings / seconds
    line = {"per_second": {name: float(f"{rate:.3g}") for name, rate in rates.items()}}
    print(json.dumps(line | {"sizes": {"collisions": collisions, "crossings": crossings, "pileup": 50}}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=1, help="of everything, 1 being about a minute")
    main(parser.parse_args().size)
