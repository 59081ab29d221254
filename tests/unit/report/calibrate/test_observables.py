"""Figures and tables of the calibration: the error of a mean weight, null rows, doubtful prongs."""

import csv
import json

import hist
import numpy as np
import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.core.histograms import from_json, to_json
from resonaut.report.calibrate import observables as calibration

PNG = b"\x89PNG\r\n\x1a\n"
PRONGS = {"jets": 100, "uncalibrated": 1, "unclustered": 2}


def pair(values, weights, scale=1.0):
    """An observable before and after jets get their weights."""
    filled = [hist.Hist(hist.axis.Regular(4, 0, 1, name="x"), storage=hist.storage.Weight()) for _ in range(2)]
    for histogram, each in zip(filled, (np.ones_like(weights), weights), strict=True):
        histogram.fill(values, weight=scale * each)
    return filled


@pytest.fixture
def summaries(tmp_path):
    """Two signals: one with six observables and all rows, one with a single observable and a null row."""
    rng = np.random.default_rng(5)
    before, after = pair(rng.random(500), rng.uniform(0.5, 2.5, 500))
    observable = {"before": to_json(before), "after": to_json(after)}
    row = {"cuts": {"tau21": [None, 0.4]}, "efficiency": 0.25, "scale_factor": 0.9, "total": 0.13}
    null = {"cuts": {}, "efficiency": 0.0, "scale_factor": None, "uncertainties": None, "total": None}
    sources = {"statistical": [0.05, -0.05], "b_quark": [0.12, -0.02], "distortion": [0.0, 0.0]}
    names = ("tau21", "tau32", "tau43", "softdrop_mass", "n_constituents", "part_qcd", "part_2prong")
    contents = [
        {
            "dataset": "two",
            "selections": {"tau21": row | {"uncertainties": sources}, "never": null},
            "histograms": dict.fromkeys(names, observable),
            "prongs": {
                "10": PRONGS | {"bad_fraction": 0.1, "doubtful": False},
                "2": PRONGS | {"bad_fraction": 0.25, "doubtful": True},
            },
        },
        {
            "dataset": "one",
            "selections": {"never": null, "tau32": row | {"uncertainties": {"b_quark": [0.0, 0.01]}}},
            "histograms": {"tau21": observable},
            "prongs": {"1": PRONGS | {"bad_fraction": 0.0, "doubtful": False}},
        },
    ]
    for content in contents:
        write_json(tmp_path / content["dataset"] / "summary.json", content)
    return [tmp_path / content["dataset"] / "summary.json" for content in contents]


def test_tables_have_every_number_and_empty_fields_for_none(summaries, tmp_path) -> None:
    calibration.calibration(summaries, "", tmp_path / "out")
    with (tmp_path / "out/scale_factors.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["dataset"], row["selection"]) for row in rows] == [
        ("two", "never"),
        ("two", "tau21"),
        ("one", "never"),
        ("one", "tau32"),
    ]
    assert rows[1] == {
        "dataset": "two",
        "selection": "tau21",
        "efficiency": "0.25",
        "scale_factor": "0.9",
        "total_percent": "13",
        "b_quark_up_percent": "12",
        "b_quark_down_percent": "-2",
        "distortion_up_percent": "0",
        "distortion_down_percent": "0",
        "statistical_up_percent": "5",
        "statistical_down_percent": "-5",
    }
    assert rows[0]["efficiency"] == "0"
    assert set(list(rows[0].values())[3:]) == {""}
    # A source that another dataset has.
    assert (rows[3]["b_quark_down_percent"], rows[3]["statistical_up_percent"]) == ("1", "")
    with (tmp_path / "out/prongs.csv").open() as file:
        prongs = list(csv.DictReader(file))
    assert [(row["dataset"], row["prongs"], row["bad_fraction"], row["doubtful"]) for row in prongs] == [
        ("two", "2", "0.25", "True"),
        ("two", "10", "0.1", "False"),
        ("one", "1", "0", "False"),
    ]


def test_figures_repeat_byte_for_byte(summaries, tmp_path) -> None:
    for again in ("a", "b"):
        calibration.calibration(summaries, "", tmp_path / again)
    made = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "b").iterdir()}
    figures = {name for name, content in made.items() if content.startswith(PNG)}
    assert figures == {"one.png", "two.png"}
    # Seven observables in three columns, one in one.
    assert len(made["two.png"]) > 2 * len(made["one.png"])


def test_signals_of_which_nothing_is_selected_or_drawn(summaries, tmp_path) -> None:
    content = {"dataset": "none", "selections": {}, "histograms": {}, "prongs": {}}
    write_json(tmp_path / "summary.json", content)
    calibration.calibration([tmp_path / "summary.json"], "", tmp_path / "out")
    assert "Scale factors" in (tmp_path / "out/scale_factors.html").read_text()
    assert len((tmp_path / "out/scale_factors.csv").read_text().splitlines()) == 1


def test_mean_weight_and_its_error() -> None:
    # 400 jets of the same event weight in a bin: the error is that of the mean of their calibration weights.
    weights = np.random.default_rng(1).uniform(0.5, 1.5, 400)
    ratio, error = calibration.mean_weight(*pair(np.full(400, 0.1), weights, scale=0.02))
    assert ratio[0] == pytest.approx(weights.mean())
    assert error[0] == pytest.approx(weights.std(ddof=1) / np.sqrt(400))
    # Empty bins have neither, nor those with four jets.
    assert np.all(np.isnan(ratio[1:]))
    few, _ = calibration.mean_weight(*pair(np.full(4, 0.1), np.ones(4)))
    enough, _ = calibration.mean_weight(*pair(np.full(5, 0.1), np.ones(5)))
    assert np.isnan(few[0])
    assert enough[0] == 1


def test_equal_weights_have_no_error() -> None:
    ratio, error = calibration.mean_weight(*pair(np.full(50, 0.1), np.full(50, 1.3)))
    assert ratio[0] == pytest.approx(1.3)
    assert error[0] == pytest.approx(0, abs=1e-6)


def test_something_else_ends_in_a_sentence(tmp_path) -> None:
    write_json(tmp_path / "other.json", {"dataset": "x"})
    with pytest.raises(InputFileError, match=r"other\.json: no summary of a calibration \(KeyError\('selections'\)\)"):
        calibration.calibration([tmp_path / "other.json"], "", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_drawn_values_are_fractions_and_mean_weights(summaries, kept, tmp_path) -> None:
    calibration.calibration(summaries[1:], "", tmp_path / "out")
    content = json.loads(summaries[1].read_text())["histograms"]["tau21"]
    before, after = from_json(content["before"]), from_json(content["after"])
    upper, lower = kept["one"].axes
    drawn = {patch.get_label(): patch.get_data().values for patch in upper.patches}
    assert drawn["before"] == pytest.approx(before.values() / 500)
    assert drawn["after calibration"] == pytest.approx(after.values() / 500)
    assert lower.containers[0][0].get_ydata() == pytest.approx(after.values() / before.values())
