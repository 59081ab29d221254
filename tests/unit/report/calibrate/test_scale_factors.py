"""Tables of the calibration: null rows, doubtful prongs."""

import csv

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report.calibrate import scale_factors


def test_tables_have_every_number_and_empty_fields_for_none(summaries, tmp_path) -> None:
    scale_factors.draw(tmp_path, summaries, None)
    with (tmp_path / "calibration/scale_factors.csv").open() as file:
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
    with (tmp_path / "calibration/prongs.csv").open() as file:
        prongs = list(csv.DictReader(file))
    assert [(row["dataset"], row["prongs"], row["bad_fraction"], row["doubtful"]) for row in prongs] == [
        ("two", "2", "0.25", "True"),
        ("two", "10", "0.1", "False"),
        ("one", "1", "0", "False"),
    ]


def test_signals_of_which_nothing_is_selected_or_drawn(summaries, tmp_path) -> None:
    content = {"dataset": "none", "selections": {}, "histograms": {}, "prongs": {}}
    write_json(tmp_path / "summary.json", content)
    scale_factors.draw(tmp_path, [tmp_path / "summary.json"], None)
    assert "Scale factors" in (tmp_path / "calibration/scale_factors.html").read_text()
    assert len((tmp_path / "calibration/scale_factors.csv").read_text().splitlines()) == 1


def test_something_else_ends_in_a_sentence(tmp_path) -> None:
    write_json(tmp_path / "other.json", {"dataset": "x"})
    with pytest.raises(InputFileError, match=r"other\.json: no summary of a calibration \(it has no 'selections'\)"):
        scale_factors.draw(tmp_path / "out", [tmp_path / "other.json"], None)
    assert not (tmp_path / "out").exists()
