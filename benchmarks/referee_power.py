"""What the verdicts of ``select`` and ``reweight`` can see: ``python benchmarks/referee_power.py``, three minutes.

One JSON line for each known answer, ``before`` being what commit 1418c34 gave.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import json
from typing import Any

import numpy as np

from resonaut.core import identifier
from resonaut.learn import ratio
from resonaut.reweight.closure import closure
from resonaut.reweight.settings import Settings as Reweighting
from resonaut.reweight.train import Reweighter
from resonaut.select.sculpting import Sculpted
from resonaut.select.settings import Sculpting, Window

WINDOW = Window(signal_region=(3250, 3750), sidebands=((3000, 3250), (3750, 4000)))
# Of the demo: simulated events in the bins, and selected background events of the data in the signal region.
SIMULATED, EXPECTED = 6_000, 52.0
# Parts called sculpted before, and what they were called otherwise.
BEFORE = {1.0: {"flat": 0.999}, 1.5: {"flat": 0.984, "sculpted": 0.016}, 2.0: {"flat": 0.81, "sculpted": 0.19}}
LUMINOSITY, TOYS = 5.0, 12


def sculpting(ratio_inside: float, simulated: int, experiments: int) -> dict[str, Any]:
    """Verdicts on 1 % efficiency that is ``ratio_inside`` times as large in the signal region."""
    settings = Sculpting()
    found = []
    for seed in range(experiments):
        rng = np.random.default_rng((seed, simulated))
        m_jj = 2900 + rng.exponential(600, simulated)
        efficiency = np.where((m_jj >= 3250) & (m_jj < 3750), 0.01 * ratio_inside, 0.01)
        check = Sculpted("toy")
        check.add(m_jj, np.ones(simulated), rng.random(simulated) < efficiency)
        found.append(check.summary(settings, WINDOW, EXPECTED))
    verdicts = [one.verdict for one in found]
    return {
        "item": "sculpting",
        "efficiency_inside_over_outside": ratio_inside,
        "simulated": simulated,
        "fake_sigma": round((ratio_inside - 1) * EXPECTED**0.5, 2),
        **({"before": BEFORE[ratio_inside]} if simulated == SIMULATED else {}),
        "after": {verdict: verdicts.count(verdict) / experiments for verdict in sorted(set(verdicts))},
        "not_excluded_sigma": round(float(np.median([one.spurious_excess for one in found])), 2),
    }


def sample(seed: int, weight: float) -> ratio.Sample:
    """6,000 events of two exponential masses."""
    rng = np.random.default_rng(seed)
    features = rng.exponential([100, 80], (6_000, 2)).astype(np.float32)
    keys = identifier.mix(np.arange(6_000, dtype=np.uint64) + np.uint64(seed << 32))
    return ratio.Sample(features, np.full(6_000, weight), keys)


def no_difference() -> dict[str, Any]:
    """The closure test of ``reweight`` where data and simulation are alike."""
    settings = Reweighting(features=["m_j1", "delta_m"])
    found, areas = [], []
    for toy in range(TOYS):
        data, simulation = sample(2 * toy + 1, 1.0), sample(2 * toy + 2, 1 / LUMINOSITY)
        reweighter = Reweighter.train(data, simulation, LUMINOSITY, settings)
        result = closure(data, simulation, reweighter, LUMINOSITY, settings)
        found += [feature.chi2_after / feature.ndof for feature in result.features]
        areas.append((result.auc_after - 0.5) / result.auc_error_after)
    return {
        "item": "closure",
        "before": {"chi2_ndf": 0.72, "auc_pull": -2.7},
        "after": {
            "chi2_ndf": round(float(np.mean(found)), 3),
            "error": round(float(np.std(found) / len(found) ** 0.5), 3),
            "auc_pull": round(float(np.mean(areas)), 2),
        },
    }


def main() -> None:
    for inside in (1.0, 1.5, 2.0):
        print(json.dumps(sculpting(inside, SIMULATED, 200)), flush=True)
    for inside in (1.0, 1.5):
        print(json.dumps(sculpting(inside, 50 * SIMULATED, 30)), flush=True)
    print(json.dumps(no_difference()), flush=True)


if __name__ == "__main__":
    main()
