"""The figure and the table of the bias test."""

import csv
import json

import pytest

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.fit.results.bias import SelectionBias
from resonaut.report.fit import bias


def test_figure_and_table_repeat_byte_for_byte(bare, content_of, tmp_path) -> None:
    test = json.loads((bare / "bias.json").read_text())
    named = tmp_path / "w_bias.json"
    extreme = [point | {"mass": 3600.0, "pull_mean": -1e4, "spurious": 0.0} for point in test["points"]]
    names = {"method": "cwola", "window": "w", "observable": "m_jj", "spectrum_file": ...}
    named.write_text(json.dumps(content_of(SelectionBias, **test | names | {"points": extreme})))
    for again in ("a", "b"):
        bias.draw(tmp_path / again, [bare / "bias.json", named], None)
    assert (tmp_path / "a/bias.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a/bias.png").read_bytes() == (tmp_path / "b/bias.png").read_bytes()
    with (tmp_path / "a/bias.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["selection"], row["window"], row["injected_sigma"]) for row in rows] == [
        ("cwola", "w", "0"),
        ("cwola", "w", "2"),
        ("spectrum", "", "0"),
        ("spectrum", "", "2"),
    ]
    found = next(point for point in test["points"] if point["injected_sigma"] == 2)
    assert float(rows[3]["pull_mean"]) == pytest.approx(found["pull_mean"], rel=1e-5)
    assert float(rows[3]["coverage"]) == pytest.approx(found["coverage"], rel=1e-5)


def test_wrong_and_empty_files(bare, tmp_path) -> None:
    with pytest.raises(InputFileError, match=r"scan\.json: no bias test \(unknown key 'background'\); make"):
        bias.draw(tmp_path, [bare / "scan.json"], None)
    test = json.loads((bare / "bias.json").read_text())
    (tmp_path / "empty.json").write_text(json.dumps(test | {"points": []}))
    with pytest.raises(ConfigError, match=r"no bias test has a mass; give fit\.bias\.masses"):
        bias.draw(tmp_path, [tmp_path / "empty.json"], None)


def test_drawn_pulls_and_coverages_are_those_of_the_test(bare, kept, tmp_path) -> None:
    bias.draw(tmp_path, [bare / "bias.json"], None)
    points = {point["injected_sigma"]: point for point in json.loads((bare / "bias.json").read_text())["points"]}
    pull, width, spurious, coverage = kept["bias"].axes
    for ax, key in ((pull, "pull_mean"), (width, "pull_width"), (spurious, "spurious_relative")):
        drawn = {each.get_label(): each[0].get_ydata() for each in ax.containers}
        for sigma, point in points.items():
            low, high = ax.get_ylim()
            if low < point[key] < high:
                assert drawn[f"injected {sigma:g}σ"] == pytest.approx([point[key]])
    (errors,) = coverage.containers
    assert (errors.get_label(), errors[0].get_ydata()) == ("injected 2σ", pytest.approx([points[2]["coverage"]]))
