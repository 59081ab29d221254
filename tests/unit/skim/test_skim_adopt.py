"""Datasets that another analysis has skimmed."""

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core import events
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.manifest import Manifest
from resonaut.core.results import read
from resonaut.skim.adopt import adopt
from resonaut.skim.cli import app


@pytest.fixture
def other(tmp_path, write_skimmed) -> Path:
    """The manifest of a signal of two chunks, of the other analysis."""
    chunks = []
    for numbers in ([1, 2], [3]):
        key = {name: np.array(numbers, np.int64) for name in events.KEY}
        chunks.append([ak.Array(key | {"m_jj": np.array(numbers, float)})])
    return write_skimmed(tmp_path / "other", "x", chunks, cross_section=2.0, mass=3500.0, weight_scale=0.5)


def analysis(**entry) -> Analysis:
    config = {
        "search": {"stages": ["skim"], "samples": {"signal": ["mine"]}},
        "datasets": {"mine": {"nature": "simulation"} | entry},
    }
    return Analysis.of(config, [])


def test_events_are_linked_and_friends_written_beside_them(other, tmp_path) -> None:
    output = tmp_path / "here" / "skim" / "mine.json"
    for _ in range(2):
        result = CliRunner().invoke(app, ["adopt", str(other), "--output", str(output)], catch_exceptions=False)
        assert result.exit_code == 0
        assert sorted(path.name for path in output.with_suffix("").iterdir()) == ["000.parquet", "001.parquet"]
    mine = events.Dataset.open(output)
    assert (mine.name, mine.manifest.weight_scale) == ("mine", 0.5)
    assert mine.read(["m_jj"]).m_jj.tolist() == [1, 2, 3]
    assert mine.path("skim", "000").samefile(other.with_suffix("") / "000.parquet")
    assert mine.path("tag", "000") == tmp_path / "here" / "tag" / "mine" / "000.parquet"
    assert read(other, Manifest).name == "x"


def test_what_is_known_of_it_is_taken_over(other) -> None:
    found = analysis(skimmed=str(other))
    assert found.chunks("mine") == ["000", "001"]
    assert (found.catalogue["mine"].cross_section, found.catalogue["mine"].mass) == (2, 3500)
    assert (found.ready(), found.skims()) == (["mine"], [])


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"mass": 3000}, r"datasets\.mine\.mass is 3000\.0, and .*x\.json has 3500\.0; take it out, or correct it"),
        ({"files": ["a.root"]}, r"datasets\.mine has 'skimmed', and 'files' as well"),
        ({"skimmed": "none.json"}, r"datasets\.mine\.skimmed: none\.json: no such file"),
    ],
)
def test_contradictions_are_one_sentence(other, entry, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        analysis(**{"skimmed": str(other)} | entry)


def test_chunks_that_are_not_there_are_named(other, tmp_path) -> None:
    content = json.loads(other.read_text()) | {"events": 5}
    other.write_text(json.dumps(content))
    with pytest.raises(InputFileError, match="has 5 events, and the files of its chunks 3"):
        adopt(other, tmp_path / "here" / "skim" / "mine.json")
    assert not (tmp_path / "here").exists()
