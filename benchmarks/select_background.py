"""p-values of pseudo-data without a signal, from ``make study-background``: are they uniform?

    python benchmarks/select_background.py results/background_only

One JSON line for each method: number of experiments, Kolmogorov-Smirnov p-value of uniform p-values, mean and standard
deviation of the significance, and how many exceed 2 standard deviations beside how many should.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy import stats


def main(results: Path) -> None:
    """Print a line for each ``<results>/fit/retrained/<method>/<window>/<signal>.json``."""
    for path in sorted(results.glob("fit/retrained/*/*/*.json")):
        content = json.loads(path.read_text())
        # Signed significances, because p-values of deficits are all 0.5.
        z = np.array([row["z_local"] for row in content["experiments"] if row["amount"] == 0])
        above = int(np.count_nonzero(z > 2))
        line = {
            "study": "background_only",
            "method": content["method"],
            "window": content["window"],
            "experiments": len(z),
            "ks_p_value": float(stats.kstest(stats.norm.sf(z), "uniform").pvalue),
            "z_mean": float(z.mean()),
            "z_std": float(z.std(ddof=1)),
            "above_2_sigma": above,
            "expected_above_2_sigma": float(len(z) * stats.norm.sf(2)),
            "above_2_sigma_p_value": float(stats.binom.sf(above - 1, len(z), stats.norm.sf(2))),
            "largest_z": float(z.max()),
            "sculpted": sum(row["sculpting"] == "sculpted" for row in content["experiments"]),
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
