"""Data and simulation before and after the reweighting."""

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report.reweight import reweighting

FEATURE = {key: {"axes": []} for key in ("data", "before", "after")} | {"chi2_before": 1, "chi2_after": 1, "ndof": 1}
AUC = dict.fromkeys(("auc_before", "auc_after", "auc_error_before", "auc_error_after"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "no closure of a reweighting .* run 'resonaut reweight train' again"),
        ({"roc": {}}, "it has no features"),
        ({"features": [FEATURE], **AUC}, r"features\[0\]\.data is .*, which cannot be read"),
    ],
)
def test_a_wrong_file_ends_in_a_sentence(tmp_path, content, words) -> None:
    write_json(tmp_path / "x.json", content)
    with pytest.raises(InputFileError, match=words):
        reweighting.draw(tmp_path / "out", tmp_path / "x.json", [], None)
    assert not (tmp_path / "out").exists()
