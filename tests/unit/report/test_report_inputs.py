"""Figures and tables of what goes into the search."""

import csv

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report import inputs

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
    }
    write_json(tmp_path / "skim" / "qcd.json", manifest)
    inputs.cutflows([tmp_path / "skim" / "qcd.json"], "", tmp_path / "c.csv", tmp_path / "c.png")
    rows = list(csv.reader((tmp_path / "c.csv").read_text().splitlines()))
    assert rows[2] == ["qcd", "two jets", "5", "2.5", "0.25000"]
    assert rows[3] == ["qcd", "lost: x.root (truncated)", "-7", "", ""]
    assert rows[4:] == [
        ["qcd", "lost: y.root (missing)", "", "", ""],
        ["qcd", "note: 1 of 3 files: no counters", "", "", ""],
    ]
    assert (tmp_path / "c.png").read_bytes().startswith(PNG)


ROC = {"signal_efficiency": [0.5], "qcd_efficiency": [0.1]}
FEATURE = {key: {"axes": []} for key in ("data", "before", "after")} | {"chi2_before": 1, "chi2_after": 1, "ndof": 1}
AUC = dict.fromkeys(("auc_before", "auc_after", "auc_error_before", "auc_error_after"))


@pytest.mark.parametrize(
    ("draw", "content", "words"),
    [
        ("tagger_roc", [], r"no summary of a tagger \(it is \[\], not a mapping\); run 'resonaut tag train' again"),
        ("tagger_roc", {}, "it has no roc"),
        (
            "tagger_roc",
            {"roc": {"2prong": ROC | {"qcd_efficiency": ["a"]}}},
            r"roc\.2prong\.qcd_efficiency\[0\] is 'a'",
        ),
        ("tagger_roc", {"roc": {"2prong": ROC}, "auc": {}, "held_out_jets": {}}, r"it has no auc\.2prong"),
        ("tagger_roc", {"roc": {"2prong": ROC}, "auc": {"2prong": 1}, "held_out_jets": {"2prong": 9}}, "jets.qcd"),
        ("reweighting", [], "no closure of a reweighting .* run 'resonaut reweight train' again"),
        ("reweighting", {"roc": {}}, "it has no features"),
        ("reweighting", {"features": [FEATURE], **AUC}, r"features\[0\]\.data is .*, which cannot be read"),
    ],
)
def test_a_wrong_file_ends_in_a_sentence(tmp_path, draw, content, words) -> None:
    write_json(tmp_path / "x.json", content)
    given = [tmp_path / "x.json"] if draw == "tagger_roc" else tmp_path / "x.json"
    with pytest.raises(InputFileError, match=words):
        getattr(inputs, draw)(given, "", tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()
