"""Data and simulation before and after the reweighting."""

import pytest

from resonaut.core.errors import InputFileError
from resonaut.core.files import write_json
from resonaut.report.reweight import reweighting
from resonaut.reweight.results import Closure


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"features": ...},
            "no closure of a reweighting .it has no 'features'.; make it with 'resonaut reweight train'",
        ),
        ({"features": [{"axes": []}]}, r"unknown key 'features\[0\]\.axes'"),
        ({"auc_after": "0.5"}, "auc_after is '0.5', and should be a valid number"),
    ],
)
def test_a_wrong_file_ends_in_a_sentence(tmp_path, change, words, content_of) -> None:
    write_json(tmp_path / "x.json", content_of(Closure, **change))
    with pytest.raises(InputFileError, match=words):
        reweighting.draw(tmp_path / "out", tmp_path / "x.json", [], None)
    assert not (tmp_path / "out").exists()
