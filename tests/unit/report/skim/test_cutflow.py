"""The table of the cutflows."""

import csv

from resonaut.core.files import write_json
from resonaut.report.skim import cutflow

PNG = b"\x89PNG\r\n\x1a\n"


def test_cutflow_table(tmp_path) -> None:
    manifest = {
        "name": "qcd",
        "nature": "simulation",
        "chunks": [],
        "events": 5,
        "luminosity": None,
        "cross_section": 1.0,
        "mass": None,
        "weight_scale": 1.0,
        "era": None,
        "cutflow": [
            {"cut": "all", "events": 20, "sum_weights": 10.0},
            {"cut": "two jets", "events": 5, "sum_weights": 2.5},
        ],
        "lost": [
            {"file": "x.root", "reason": "truncated", "events": 7},
            {"file": "y.root", "reason": "missing", "events": None},
        ],
        "notes": ["1 of 3 files: no counters"],
        "dropped": {},
        "variations": {},
    }
    write_json(tmp_path / "skim" / "qcd.json", manifest)
    cutflow.draw(tmp_path, [tmp_path / "skim" / "qcd.json"], None)
    rows = list(csv.reader((tmp_path / "cutflow.csv").read_text().splitlines()))
    assert rows[2] == ["qcd", "two jets", "5", "2.5", "0.25000"]
    assert rows[3] == ["qcd", "lost: x.root (truncated)", "-7", "", ""]
    assert rows[4:] == [
        ["qcd", "lost: y.root (missing)", "", "", ""],
        ["qcd", "note: 1 of 3 files: no counters", "", "", ""],
    ]
    assert (tmp_path / "cutflow.png").read_bytes().startswith(PNG)
