"""p-values of pseudo-data without a signal, from ``make study-background``: are they uniform?

    python benchmarks/select_background.py results/background_only

One JSON line for each method: number of experiments, mean and standard deviation of the significance, how many exceed 2
standard deviations beside how many should, and the Kolmogorov-Smirnov p-value of uniform p-values. The first
``independent`` experiments share no events; later ones deal the same pool out afresh. ``*_p_value`` take all as
independent, ``*_p_value_pool`` as dependent as event counts are, the mean of each deal being that of the pool; a method
that trains afresh lies between the two.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

SIMULATED = 20000


def main(results: Path) -> None:
    """Print a line for each ``<results>/fit/retrained/<method>/<window>/<signal>.json``."""
    whole = json.loads((results / "skim" / "pool.json").read_text())["luminosity"]
    for path in sorted(results.glob("fit/retrained/*/*/*.json")):
        content = json.loads(path.read_text())
        experiments = sorted((row["seed"], row["z_local"]) for row in content["experiments"] if row["amount"] == 0)
        # Signed significances, because p-values of deficits are all 0.5.
        z = np.array([significance for _, significance in experiments])
        files = (results / "select" / "inject" / content["method"] / content["window"] / content["signal"]).glob("0_*")
        independent = round(whole / json.loads(next(files).read_text())["luminosity"])
        above, ks = count_above(z), distance(z)
        alike = [null(len(z), size, np.random.default_rng(1)) for size in (len(z), independent)]
        line = {
            "study": "background_only",
            "method": content["method"],
            "window": content["window"],
            "experiments": len(z),
            "independent": min(independent, len(z)),
            "z_mean": float(z.mean()),
            "z_mean_error": [float(sample.mean(axis=1).std()) for sample in alike],
            "z_std": float(z.std(ddof=1)),
            "largest_z": float(z.max()),
            "above_2_sigma": int(above),
            "expected_above_2_sigma": float(len(z) * stats.norm.sf(2)),
            "sculpted": sum(row["sculpting"] == "sculpted" for row in content["experiments"]),
        }
        for suffix, sample in zip(("p_value", "p_value_pool"), alike, strict=True):
            line[f"ks_{suffix}"] = float(np.mean(distance(sample) >= ks))
            line[f"above_2_sigma_{suffix}"] = float(np.mean(count_above(sample) >= above))
        print(json.dumps(line))


def null(experiments: int, independent: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Significances without a signal, shape (SIMULATED, experiments), of a pool that is enough for ``independent``."""
    deals = -(-experiments // independent)
    z = rng.standard_normal((SIMULATED, deals, independent))
    pool = rng.standard_normal((SIMULATED, 1, 1)) / np.sqrt(independent)
    z += pool - z.mean(axis=2, keepdims=True)
    return z.reshape(SIMULATED, -1)[:, :experiments]


def distance(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kolmogorov-Smirnov distance of the p-values of ``z`` from uniform ones, along the last axis."""
    p = np.sort(stats.norm.sf(z), axis=-1)
    steps = np.arange(p.shape[-1] + 1) / p.shape[-1]
    largest: NDArray[np.float64] = np.maximum(steps[1:] - p, p - steps[:-1]).max(axis=-1)
    return largest


def count_above(z: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many exceed 2 standard deviations, along the last axis."""
    above: NDArray[np.int64] = np.count_nonzero(z > 2, axis=-1)
    return above


if __name__ == "__main__":
    main(Path(sys.argv[1]))
