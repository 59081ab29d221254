"""The table of the cutflows."""

import csv

from resonaut.core.manifest import Cut, Lost
from resonaut.report.skim import cutflow

PNG = b"\x89PNG\r\n\x1a\n"


def test_cutflow_table(tmp_path, write_skimmed) -> None:
    flow = [Cut(cut="all", events=20, sum_weights=10.0), Cut(cut="two jets", events=5, sum_weights=2.5)]
    lost = [Lost(file="x.root", reason="truncated", events=7), Lost(file="y.root", reason="missing", events=None)]
    notes = ["1 of 3 files: no counters"]
    cutflow.draw(tmp_path, [write_skimmed(tmp_path, "qcd", events=5, cutflow=flow, lost=lost, notes=notes)], None)
    rows = list(csv.reader((tmp_path / "cutflow.csv").read_text().splitlines()))
    assert rows[2] == ["qcd", "two jets", "5", "2.5", "0.25000"]
    assert rows[3] == ["qcd", "lost: x.root (truncated)", "-7", "", ""]
    assert rows[4:] == [
        ["qcd", "lost: y.root (missing)", "", "", ""],
        ["qcd", "note: 1 of 3 files: no counters", "", "", ""],
    ]
    assert (tmp_path / "cutflow.png").read_bytes().startswith(PNG)
