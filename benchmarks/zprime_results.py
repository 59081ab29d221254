"""The search for Z' -> q qbar in numbers, one JSON line each (docs/zprime.md).

After ``make study-zprime``: ``python benchmarks/zprime_results.py results/zprime results/zprime_injected``
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resonaut.core.record import build, plain
from resonaut.core.results import read
from resonaut.fit.results.histfactory import ModelResult
from resonaut.fit.results.masses import MassScanResult
from resonaut.fit.results.models import ChannelHistograms
from resonaut.fit.templates import build as templates
from resonaut.fit.templates.settings import Model as Settings
from resonaut.tag.results import WorkingPointSummary

Line = dict[str, Any]
MEASURED = ("mu_v", "jms", "jmr")


def working_point(results: Path) -> Line:
    """How flat the efficiency of QCD jets is, and the classes' efficiencies by mass."""
    found = read(results / "tag/working_points/two/summary.json", WorkingPointSummary)
    classes = {
        name: [[round(cell.mass_low), round(cell.mass_high), round(cell.efficiency, 3)] for cell in cells]
        for name, cells in found.classes.items()
    }
    flat = {name: plain(getattr(found, name), type(found.flatness)) for name in ("flatness", "single")}
    return {"efficiency": found.efficiency, "error": found.error, "jets": found.jets, **flat, "classes": classes}


def candle(results: Path, model: str) -> Line:
    """Scale factor, and pulls of scale and resolution."""
    found = read(results / f"fit/models/{model}/result.json", ModelResult)
    values = {one.name: (one.value, one.error) for one in found.parameters if one.name in MEASURED}
    rounded = {name: [value, error and round(error, 4)] for name, (value, error) in values.items()}
    good = found.goodness
    return {"model": model, **rounded, "deviance": [good.deviance, good.ndf, good.p_value]}


def masses(results: Path) -> Iterator[Line]:
    """Fitted cross sections and limits (fb), and limits on the coupling."""
    for one in read(results / "fit/mass_scans/zp.json", MassScanResult).points:
        fitted = {"cross_section": one.cross_section, "error": one.error, "z": one.z, "z_expected": one.z_expected}
        limits = {name: found and vars(found) for name, found in (("limits", one.limits), ("g_q", one.coupling))}
        yield {"mass": one.mass, **fitted, **limits, "goodness_p": one.goodness_p, "reason": one.reason}


def f_test(results: Path, model: str) -> Iterator[Line]:
    """Each step of the F-test for the orders of the transfer polynomial."""
    frozen = json.loads((results / f"config/fit/workspace/{model}.json").read_text())["model"]
    folder = results / f"fit/models/{model}/histograms"
    histograms = [read(folder / f"{one}.json", ChannelHistograms) for one in frozen["channels"]]
    frozen["transfer"]["qcd"]["polynomials"]["tf"]["orders"] = None
    _, described = templates.build(model, build(frozen, Settings, model), histograms)
    for step in described.transfer:
        yield {"f_test": model} | {key: getattr(step, key) for key in ("lower", "higher", "f", "p_value", "taken")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/zprime")
    parser.add_argument("injected", type=Path, nargs="?", help="results/zprime_injected")
    given = parser.parse_args()
    # What the candle should find is a run of its own, config/variants/zprime_truth.yaml.
    candles = [one for one in ("candle", "bosons") if (given.results / f"fit/models/{one}/result.json").exists()]
    lines = [working_point(given.results), *(candle(given.results, one) for one in candles)]
    lines += [*masses(given.results), *f_test(given.results, "zp_125")]
    if given.injected is not None:
        lines += [
            {"data": given.injected.name} | one for one in (candle(given.injected, "candle"), *masses(given.injected))
        ]
    for line in lines:
        print(json.dumps(json.loads(json.dumps(line), parse_float=lambda text: float(f"{float(text):.4g}"))))


if __name__ == "__main__":
    main()
