"""Prints one JSON line for each ratio that a network estimates: ``python benchmarks/tag_regression.py RESULTS/tag``.

Response, resolution and coverage on held-out jets, of all and by class, and the areas under the network's ROC curves.
"""

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from resonaut.core.results import read
from resonaut.tag.results import Network


def lines(summary: Network) -> Iterator[dict[str, object]]:
    areas = {f"auc_{name}": round(area, 4) for name, area in summary.auc.items()}
    if not summary.regression:
        yield {"network": summary.network, **areas}
    for name, found in summary.regression.items():
        for kind, closure in {"all": found.all, **found.classes}.items():
            if closure is not None:
                numbers = {key: round(value, 4) for key, value in dataclasses.asdict(closure).items()}
                yield {"network": summary.network, "ratio": name, "jets_of": kind, **numbers, **areas}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="the folder with the networks' summaries")
    for path in sorted(parser.parse_args().results.glob("*.json")):
        for line in lines(read(path, Network)):
            print(json.dumps(line))
