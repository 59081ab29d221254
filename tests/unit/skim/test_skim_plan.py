"""Datasets that ask for what their files cannot have, or name lists that are not there."""

import pytest

from resonaut.core import configuration
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.skim.plan import check


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, None),
        ({"certified": "golden.json", "expected": "files.json"}, None),
        ({"certified": "none.json"}, r"datasets\.x\.certified: no file 'none\.json'"),
        ({"expected": "."}, r"datasets\.x\.expected: no file '\.'"),
        ({"certified": "golden.json", "nature": "simulation"}, r"datasets\.x\.certified: only data"),
        ({"certified": "golden.json", "format": "lhco_raw"}, r"datasets\.x\.certified: only data"),
    ],
)
def test_lists_of_a_dataset(tmp_path, monkeypatch, fields, sentence) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("golden.json", "files.json"):
        (tmp_path / name).write_text("{}")
    entry = {"nature": "data"} | fields
    datasets = {"x": entry, "unused": {"nature": "data", "certified": "none.json"}}
    sample = "data" if entry["nature"] == "data" else "background"
    given = {"search": {"stages": ["skim"], "samples": {sample: ["x"]}}, "datasets": datasets}
    config = configuration.validate(given)
    if sentence is None:
        check(Analysis(config, {}))
        return
    with pytest.raises(ConfigError, match=sentence):
        check(Analysis(config, {}))
