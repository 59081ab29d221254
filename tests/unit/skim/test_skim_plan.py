"""Datasets that ask for what their files cannot have, or name lists that are not there."""

import pytest

from resonaut.core import configuration
from resonaut.core.analysis import Analysis
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.skim.plan import before, check


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


def test_events_count_in_the_first_dataset_of_an_era(tmp_path) -> None:
    (tmp_path / "a.root").touch()
    entry = {"nature": "data", "era": "2018", "luminosity": 60, "files": [str(tmp_path / "a.root")]}
    generated = {"nature": "data", "era": "2018", "luminosity": 60, "generator": {"components": [{"process": "qcd"}]}}
    datasets = {
        "jets": entry,
        "old": entry | {"era": "2017", "region": "other"},
        "muons": entry | {"region": "other"},
        "generated": generated,
        "photons": entry | {"region": "third"},
        "apart": entry,
    }
    regions = {"other": {}, "third": {}}
    config = configuration.validate(
        {
            "search": {"stages": ["skim"], "samples": {"data": ["jets", "old", "muons", "generated", "photons"]}},
            "datasets": datasets,
            "skim": {"regions": regions},
        }
    )
    catalogue = {
        name: build(one, DatasetConfig, f"config: datasets.{name}") for name, one in config["datasets"].items()
    }
    analysis = Analysis(config, catalogue)
    assert {name: before(analysis, name) for name in datasets} == {
        "jets": [],
        "old": [],
        "muons": ["jets"],
        "generated": [],
        "photons": ["jets", "muons"],
        "apart": [],
    }
