"""Unfolded observables against the truth, one JSON line each: ``benchmarks/unfold_summary.py results/zjets/unfold``."""

import json
import sys
from pathlib import Path

from resonaut.core.results import read
from resonaut.unfold.results import Summary


def main(folder: Path) -> None:
    found = read(folder / "summary.json", Summary)
    for name, one in found.observables.items():
        shown = {"prior": one.triangular_prior, "omnifold": one.triangular_omnifold, "bayes": one.triangular_bayes}
        print(json.dumps({"observable": name, "triangular_x_1000": {k: v and round(v, 3) for k, v in shown.items()}}))
    for run in found.runs:
        last = run.iterations[-1]
        kept = {
            "auc_after": last.auc_after,
            "auc_error": last.auc_error,
            "change": last.change,
            "largest": last.largest,
        }
        print(
            json.dumps(
                {"run": run.run, "effective": round(last.effective), **{k: round(v, 4) for k, v in kept.items()}}
            )
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
