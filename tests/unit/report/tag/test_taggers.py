"""The ROC curves of the taggers."""

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report.tag import taggers
from resonaut.tag.results import Network

ROC = {"signal_efficiency": [0.5], "qcd_efficiency": [0.1]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"roc": ...}, r"no summary of a tagger \(it has no 'roc'\); make it with 'resonaut tag train'"),
        ({"roc": {"2prong": ROC | {"qcd_efficiency": ["a"]}}}, r"roc\.2prong\.qcd_efficiency\[0\] is 'a'"),
        ({"roc": {"2prong": ROC}, "auc": {}}, "auc and roc are of other classes"),
        ({"roc": {"2prong": ROC}, "auc": {"2prong": 1}, "held_out_jets": {"2prong": 9}}, "held_out_jets has no qcd"),
    ],
)
def test_a_wrong_file_ends_in_a_sentence(tmp_path, change, words, content_of) -> None:
    jets = {"background": "qcd", "held_out_jets": {"qcd": 9, "2prong": 9}}
    write_json(tmp_path / "x.json", content_of(Network, **jets | change))
    with pytest.raises(InputFileError, match=words):
        taggers.draw(tmp_path / "out", [tmp_path / "x.json"], None)
    assert not (tmp_path / "out").exists()
