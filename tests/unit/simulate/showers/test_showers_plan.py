"""Samples of showers in a configuration: their files, and which jobs read their keys."""

from pathlib import Path

import pytest
import yaml

from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.simulate import plan

ROOT = Path(__file__).parents[4]


@pytest.fixture
def config(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    found.setdefault("simulate", {})["showers"] = {
        "train": {"energies": [256, 512], "events": [30, 20], "events_per_chunk": 20},
        "test": {"particle": "electron", "events": 1},
    }
    return found


def test_files_and_keys_of_samples(config):
    analysis = Analysis.of(config, [])
    train = [f"<results>/simulate/showers/train/{chunk}.h5" for chunk in ("000", "001", "002")]
    assert plan.showers(analysis, "train") == train
    assert plan.showers(analysis) == [*train, "<results>/simulate/showers/test/000.h5"]
    assert analysis.keys("simulate/showers/train") == {"sample": analysis.config["simulate"]["showers"]["train"]}


def test_showers_rerun_no_collisions(config):
    analysis = Analysis.of(config, [])
    for name in analysis.datasets():
        if analysis.catalogue[name].generator is not None:
            assert "showers" not in analysis.keys(f"simulate/{name}")["simulate"]


def test_a_wrong_sample_is_named(config):
    config["simulate"]["showers"]["train"]["energies"] = [1, 2]
    with pytest.raises(ConfigError, match="an energy is 1 MeV"):
        Analysis.of(config, [])
