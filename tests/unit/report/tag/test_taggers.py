"""The ROC curves of the taggers."""

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report.tag import taggers

ROC = {"signal_efficiency": [0.5], "qcd_efficiency": [0.1]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], r"no summary of a tagger \(it is \[\], not a mapping\); run 'resonaut tag train' again"),
        ({}, "it has no roc"),
        ({"roc": {"2prong": ROC | {"qcd_efficiency": ["a"]}}}, r"roc\.2prong\.qcd_efficiency\[0\] is 'a'"),
        ({"roc": {"2prong": ROC}, "auc": {}, "held_out_jets": {}}, r"it has no auc\.2prong"),
        ({"roc": {"2prong": ROC}, "auc": {"2prong": 1}, "held_out_jets": {"2prong": 9}}, "jets.qcd"),
    ],
)
def test_a_wrong_file_ends_in_a_sentence(tmp_path, content, words) -> None:
    write_json(tmp_path / "x.json", content)
    with pytest.raises(InputFileError, match=words):
        taggers.draw(tmp_path / "out", [tmp_path / "x.json"], None)
    assert not (tmp_path / "out").exists()
