"""Known answers from a ratio's weights to the nuisances: constant ratios of 1.1 and 0.9 are an uncertainty of 10 %.

Through the commands of four stages: ``reweight ratio``, ``select train``, ``fit selection``, ``report uncertainties``.
"""

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut import cli
from resonaut.core import events, results
from resonaut.core.files import write_json
from resonaut.fit.bare import settings_of
from resonaut.fit.results.points import Point
from resonaut.fit.results.scans import SelectionScan
from resonaut.select.results import Signal, Trained

COUNT, SOURCE = 3000, "fragmentation"
WINDOW = {"signal_region": [3250, 3750], "sidebands": [[3000, 3250], [3750, 4250]]}
RATIOS = {"up": 1.1, "down": 0.9}
TREES = {"validation_parts": 2, "max_iterations": 20, "min_leaf_events": 30}


def resonaut(*words: Any) -> None:
    found = CliRunner().invoke(cli.app, list(map(str, words)), catch_exceptions=False)
    assert found.exit_code == 0, found.output


def each(option: str, paths: list[Path]) -> list[Any]:
    return [word for path in paths for word in (option, path)]


def dataset(write_skimmed, folder: Path, name: str, m_jj: np.ndarray, **known: Any) -> Path:
    columns = dict.fromkeys(events.KEY, np.arange(len(m_jj))) | {"gen_weight": np.ones(len(m_jj))}
    columns |= {"m_jj": m_jj.astype(np.float32), "x": np.random.default_rng(3).uniform(-1, 1, len(m_jj))}
    columns |= {f"by_{way}": np.full(len(m_jj), factor) for way, factor in RATIOS.items()}
    return write_skimmed(folder, name, [[ak.Array(columns)]], {"m_jj": "GeV"}, **known)


@pytest.fixture
def samples(tmp_path, write_skimmed) -> dict[str, Path]:
    """A falling spectrum, and a resonance of 1 fb in its window."""
    rng = np.random.default_rng(1)
    falling, peak = 2000 + rng.exponential(600, 20_000), rng.normal(3500, 100, COUNT)
    known = {"nature": "data", "luminosity": 10.0, "cross_section": None}
    signal = {"weight_scale": 1 / COUNT, "mass": 3500.0}
    return {
        "data": dataset(write_skimmed, tmp_path, "data", falling, **known),
        "signal": dataset(write_skimmed, tmp_path, "signal", peak, **signal),
    }


def ratio(folder: Path, name: str, signal: Path, **section: Any) -> None:
    """The ratio of the signal to itself with a column of weights that is the same number in all events."""
    given = {"denominator": {"datasets": ["signal"]}, "features": ["x"], "keep_sums": False} | section
    given |= {"classifier": {"folds": 2, "trees": TREES}, "comparison": {"bins": 5, "replicas": 10, "alike": 10}}
    frozen, output = folder / f"{name}.json", folder / "reweight" / name / "closure.json"
    write_json(frozen, given | {"numerator": {"datasets": ["signal"], "weight": f"by_{name}"}})
    sides = [*each("--numerator", [signal]), *each("--denominator", [signal])]
    resonaut("reweight", "ratio", "--config", frozen, "--name", name, *sides, "--output", output)


def searched(folder: Path, samples: dict[str, Path], friends: list[str]) -> tuple[Signal, Point, list[dict[str, str]]]:
    """The signal as it is selected, the fit at its mass, and the rows of the report's table."""
    selected, fitted = folder / "select" / "inclusive" / "w.json", folder / "fit" / "w.json"
    write_json(folder / "select.json", {"windows": {"w": WINDOW}})
    given = [*each("--data", [samples["data"]]), "--signal", samples["signal"]]
    given += [word for friend in friends for word in ("--weights", f"signal={friend}")]
    names = ["--method", "inclusive", "--window", "w"]
    resonaut("select", "train", "--config", folder / "select.json", *names, *given, "--output", selected)
    settings = asdict(settings_of(["toys=0"], 13000.0, [3500.0]))
    settings |= {"signals": ["signal"], "range": [2100, 6000], "bin_width": 60}
    write_json(folder / "fit.json", settings | {"limit_checks": {"masses": [], "few_events": 0, "toys": 500}})
    given = ["--selection", selected, "--data", samples["data"], "--workspaces", folder / "fit" / "w"]
    resonaut("fit", "selection", "--config", folder / "fit.json", *given, "--output", fitted)
    resonaut("report", "uncertainties", selected, "--output", folder / "report")
    table = (folder / "report" / "selections" / "uncertainties.csv").read_text()
    (signal,) = results.read(selected, Trained).signals
    (point,) = results.read(fitted, SelectionScan).points
    return signal, point, list(csv.DictReader(table.splitlines()))


def test_ratios_of_both_ways_are_one_nuisance(tmp_path, samples) -> None:
    for way in RATIOS:
        ratio(tmp_path, way, samples["signal"], role=way, source=SOURCE)
    plain, *_ = searched(tmp_path / "plain", samples, [])
    signal, point, rows = searched(tmp_path, samples, [f"reweight/{way}" for way in RATIOS])
    assert signal.efficiency == plain.efficiency, "an uncertainty changes no nominal value"
    assert signal.uncertainties[SOURCE] == pytest.approx((0.1, -0.1), abs=1e-6)
    assert point.efficiency_uncertainties[SOURCE] == pytest.approx((0.1, -0.1), abs=1e-6)
    assert point.nuisances[SOURCE].size == pytest.approx(0.1, abs=1e-6)
    workspace = json.loads((tmp_path / "fit" / "w" / point.workspace).read_text())
    assert SOURCE in json.dumps(workspace)
    (row,) = rows
    assert (row["group"], row["source"]) == (SOURCE, SOURCE)
    assert [float(row[f"rate_{way}_percent"]) for way in RATIOS] == pytest.approx([10, -10], abs=1e-4)


def test_a_nominal_ratio_multiplies_the_rate(tmp_path, samples) -> None:
    ratio(tmp_path, "up", samples["signal"], role="nominal")
    plain, *_ = searched(tmp_path / "plain", samples, [])
    signal, point, rows = searched(tmp_path, samples, ["reweight/up"])
    assert signal.efficiency == pytest.approx(1.1 * plain.efficiency, rel=1e-6)
    assert signal.spectrum.sum().value == pytest.approx(1.1 * plain.spectrum.sum().value, rel=1e-6)
    assert signal.weights["reweight_up"].scale_factor == pytest.approx(1.1, rel=1e-6)
    assert point.efficiency == pytest.approx(signal.efficiency)
    # What the ratio does not know of itself: its folds and ensembles agree on a constant.
    assert {row["source"] for row in rows} == {"ensemble", "folds"}
    assert all(abs(float(row["rate_up_percent"])) < 0.1 for row in rows)
