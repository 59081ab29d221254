"""Datasets that ask for what their files cannot have, or name lists that are not there."""

import json

import pytest

from resonaut.core import configuration
from resonaut.core.analysis import Analysis
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError, ResonautError
from resonaut.core.record import build
from resonaut.skim.plan import before, check, tables


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


def preprocess(*names: str, length: int = 50) -> str:
    """A file ``preprocess.json`` of some variables of candidates."""
    group = {"var_names": [*names], "var_infos": {name: {} for name in names}, "var_length": length}
    return json.dumps({"input_names": ["pf"], "pf": group})


@pytest.mark.parametrize(
    ("skim", "dataset", "sentence"),
    [
        ({}, {}, None),
        ({"networks": ["none.json"]}, {}, r"regions\.dijet\.networks: no file 'none\.json'"),
        ({"networks": ["wrong.json"]}, {}, "unknown variable 'pfcand_x'"),
        ({"networks": ["long.json"]}, {}, "sees 101 candidates"),
        ({"branches": {"puppi_weight": ""}}, {}, "need PUPPI weights"),
        ({"read_constituents": False}, {}, "in files of PFNano"),
        ({}, {"format": "lhco_raw"}, r"has the format lhco_raw"),
    ],
)
def test_networks_of_a_region(tmp_path, monkeypatch, skim, dataset, sentence) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "good": preprocess("pfcand_dz"),
        "wrong": preprocess("pfcand_x"),
        "long": preprocess("pfcand_dz", length=101),
    }.items():
        (tmp_path / f"{name}.json").write_text(text)
    region = {"networks": skim.pop("networks", ["good.json"])}
    given = {
        "search": {"stages": ["skim"], "samples": {"background": ["x"]}},
        "datasets": {"x": {"nature": "simulation"} | dataset},
        "skim": {"regions": {"dijet": region}} | skim,
    }
    analysis = Analysis(configuration.validate(given), {})
    if sentence is None:
        check(analysis)
        assert tables(analysis, "x") == ["good.json"]
        return
    with pytest.raises(ResonautError, match=sentence):
        check(analysis)


@pytest.mark.parametrize("asked", [{"tracks": True}, {"flavours": ["jets"]}])
def test_tracks_and_flavours_are_in_nanoaod_alone(asked) -> None:
    given = {
        "search": {"stages": ["skim"], "samples": {"background": ["x"]}},
        "datasets": {"x": {"nature": "simulation", "format": "lhco_raw"}},
        "skim": {"regions": {"dijet": asked}},
    }
    with pytest.raises(ConfigError, match=rf"regions\.dijet\.{next(iter(asked))}: .* format lhco_raw"):
        check(Analysis(configuration.validate(given), {}))
