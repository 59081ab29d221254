"""Emulated showers against their targets, one JSON line each (docs/emulate.md).

After ``make study-emulate``: ``python benchmarks/emulate_results.py results/calorimeter``. The first line is the Monte
Carlo's: milliseconds a shower on one core by incident energy in MeV, measured now. Then, for the floor and each model:
``auc`` of the classifiers on voxels and on high-level features, with the spread of their seeds, and the ``target``;
``agree``, the observables whose chi2 / ndf is at most 2 at every incident energy, of which there should be ten;
``worst``, the largest value of each of the others, and where; Frechet distance x 1000; nearest training showers; and
``showers_per_second`` of batches with the threads of ``emulate time``, with the speed-up over one core of the Monte
Carlo.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core.results import read
from resonaut.emulate.evaluate import FLOOR
from resonaut.emulate.results import Evaluation, Timing
from resonaut.simulate.showers import calorimeter, transport

Line = dict[str, Any]
# Areas under the ROC curve by architecture, where there is a target; largest chi2 / ndf; seconds of the Monte Carlo.
TARGETS = {"flow": 0.6, "flow_matching": 0.6, "vae": 0.8, "gan": 0.8}
AGREES, SECONDS = 2.0, 10.0


def monte_carlo(energy: float) -> float:
    """Milliseconds of processor time for a photon's shower."""
    detector, rng = calorimeter.by_particle("photon"), np.random.default_rng(1)
    # The first one loads what is compiled.
    detector.shower(transport.PHOTON, energy, rng)
    number = max(1, int(SECONDS / (8e-6 * energy)))
    begin = time.process_time()
    for _ in range(number):
        detector.shower(transport.PHOTON, energy, rng)
    return 1000 * (time.process_time() - begin) / number


def judged(found: Evaluation, architecture: str | None) -> Line:
    """Of one model, or of the floor."""
    energies = [response.energy for response in found.responses]
    worst = {}
    for one in found.observables:
        ratios = [test.chi2 / test.ndof if test.ndof else 0.0 for test in one.tests]
        place = int(np.argmax(ratios))
        worst[one.name] = (ratios[place], energies[place])
    areas = {level: getattr(found, f"{level}_level") for level in ("low", "high")}
    target = TARGETS.get(architecture or "")
    return {
        "name": found.name,
        "showers": found.showers,
        "auc": {level: [round(area.auc, 4), round(area.spread, 4)] for level, area in areas.items()},
        "target": target,
        "met": None if target is None else all(area.auc <= target for area in areas.values()),
        "agree": [name for name, (ratio, _) in worst.items() if ratio <= AGREES],
        "worst": {name: (round(ratio, 2), energy) for name, (ratio, energy) in worst.items() if ratio > AGREES},
        "frechet_1000": [round(1000 * found.frechet.value, 3), round(1000 * found.frechet.error, 3)],
        "nearest": found.overtraining and [found.overtraining.share, found.overtraining.error],
    }


def speeds(found: Timing, simulated: dict[float, float]) -> Line:
    """Showers a second by energy and batch, and how many times as fast as the Monte Carlo the largest batch is."""
    rates: dict[str, dict[str, int]] = {}
    for one in found.times:
        rates.setdefault(f"{one.energy:g}", {})[f"{one.batch}"] = round(1000 / one.milliseconds)
    largest = {one.energy: one.milliseconds for one in sorted(found.times, key=lambda one: one.batch)}
    faster = {f"{energy:g}": round(simulated[energy] / own, 1) for energy, own in largest.items()}
    return {"threads": found.threads, "showers_per_second": rates, "speed_up": faster}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results folder of the study")
    folder = parser.parse_args().results
    models = sorted(path.parent.name for path in (folder / "emulate").glob("*/timing.json"))
    timings = {name: read(folder / f"emulate/{name}/timing.json", Timing) for name in models}
    energies = sorted({one.energy for timing in timings.values() for one in timing.times})
    simulated = {energy: monte_carlo(energy) for energy in energies}
    print(json.dumps({"monte_carlo_ms": {f"{energy:g}": round(value, 1) for energy, value in simulated.items()}}))
    for name in (FLOOR, *models):
        found = read(folder / f"emulate/{name}/evaluation.json", Evaluation)
        if name == FLOOR:
            print(json.dumps(judged(found, None)))
            continue
        frozen = json.loads((folder / f"config/emulate/train/{name}.json").read_text())
        line = judged(found, frozen["model"]["architecture"]) | speeds(timings[name], simulated)
        print(json.dumps(line))


if __name__ == "__main__":
    main()
