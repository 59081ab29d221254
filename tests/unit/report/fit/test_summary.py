"""The final numbers as JSON, as CSV and on the terminal."""

import csv
import json
from dataclasses import replace

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.core.record import keys
from resonaut.core.results import write
from resonaut.fit.results.scans import Excesses, Global
from resonaut.report.fit import numbers, summary
from resonaut.report.results import Line, Summary


def test_summary_as_json_csv_and_text(windows, tmp_path) -> None:
    fits = windows[0].parents[1] / "summary.json"
    summary.draw(tmp_path, fits)
    found, final = json.loads(fits.read_text()), json.loads((tmp_path / "summary.json").read_text())
    assert final["global"] == found["global"]
    assert [set(row) for row in final["points"]] == [set(keys(Line))] * 6
    with (tmp_path / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["mass"] for row in rows] == ["3000", "3500", "4000"] * 2
    assert float(rows[1]["z_local"]) == pytest.approx(found["points"][1]["z_local"], rel=1e-5)
    lines = numbers.terminal_table(tmp_path / "summary.json").splitlines()
    assert [line.split()[:2] for line in lines[3:5]] == [["cwola", "3500"], ["tagger", "3500"]]
    assert f"{found['global']['selections']['cwola']['z_global']:.1f}" in lines[3]
    assert lines[-2].endswith("sigma global (all masses of all selections, 50 toys).")
    excess = found["global"]["all"]
    assert f" {excess['trials']:.3g} trials" in lines[-1]
    assert lines[-1].endswith(f"{excess['z_local_needed']:.2f} sigma local.")


def test_limits_and_global_significances_may_be_absent(example, tmp_path) -> None:
    row = replace(example(Line), selection="x", mass=3500.0, unit="GeV", limit_observed=None)
    doubtful = replace(row, mass=4000.0, z_local=5.0, fit_good=False)
    only_doubtful = replace(doubtful, selection="y")
    excess = replace(example(Global), mass=3500.0, z_local=1.25, z_global=None, toys=0)
    points = [doubtful, row, only_doubtful]
    write(tmp_path / "s.json", Summary(points=points, global_=Excesses(selections={"x": excess}, all=excess)))
    lines = numbers.terminal_table(tmp_path / "s.json").splitlines()
    assert lines[3].split() == ["x", "3500", "0.5", "-", "-", "0.5"]
    assert lines[4].split() == ["y", "4000", "5.0", "-", "-", "0.5"]
    assert lines[-1] == "Largest excess: 1.2 sigma local at 3500 GeV."
    write(tmp_path / "s.json", Summary(points=[], global_=Excesses(selections={}, all=None)))
    assert len(numbers.terminal_table(tmp_path / "s.json").splitlines()) == 3


def test_masses_have_the_unit_of_their_observable(example, tmp_path) -> None:
    ratio = replace(example(Line), selection="x", mass=0.35, unit="1")
    energy = replace(ratio, selection="y", mass=3500.0, unit="GeV")
    excess = replace(example(Global), mass=0.35, z_local=1.25, z_global=None)
    excesses = Excesses(selections={"x": excess}, all=excess)
    for points in ([ratio], [ratio, energy]):
        write(tmp_path / "s.json", Summary(points=points, global_=excesses))
        text = numbers.terminal_table(tmp_path / "s.json")
        assert "GeV" not in text
        assert text.splitlines()[3].split()[:2] == ["x", "0.35"]
        assert text.endswith("Largest excess: 1.2 sigma local at 0.35.")


def test_no_summary(tmp_path) -> None:
    write_json(tmp_path / "s.json", [])
    with pytest.raises(InputFileError, match=r"s\.json: no summary of fits .* make it with 'resonaut fit summary'"):
        summary.draw(tmp_path, tmp_path / "s.json")
    write_json(tmp_path / "s.json", {"points": [{"selection": None}], "global": None})
    with pytest.raises(InputFileError, match=r"no summary of the report \(it has no 'points\[0\]\.mass'"):
        numbers.terminal_table(tmp_path / "s.json")
