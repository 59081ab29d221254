"""The stage in a configuration: which files its jobs read, and which contradictions stop it."""

from pathlib import Path

import pytest
import yaml

from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.simulate import plan as simulate_plan
from resonaut.trigger import plan

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(monkeypatch):
    monkeypatch.chdir(ROOT)
    return yaml.safe_load((ROOT / "tests/workflow/trigger.yaml").read_text())


def test_files_of_samples_and_networks(config):
    config["trigger"]["files"] = {
        "data": {"crossings": ["a.parquet", "b.parquet"], "seeds": ["c.parquet", "d.parquet"]}
    }
    config["trigger"]["crossings"]["zero_bias"] = ["zero_bias", "data"]
    config["trigger"]["networks"] = {"published": "published.json"}
    analysis = Analysis.of(config, [])
    own = "<results>/simulate/level1"
    assert plan.training(analysis) == [f"{own}/train/000.parquet"]
    made = [f"{own}/zero_bias/000.parquet", f"{own}/zero_bias/001.parquet"]
    given = ["a.parquet", "b.parquet", "c.parquet", "d.parquet"]
    menu = "config/trigger_menu.csv"
    assert plan.tested(analysis) == [*made, *given, f"{own}/tt/000.parquet", menu]
    assert plan.options(analysis, lambda path: path.replace("<results>", "R")) == [
        *(f"--zero-bias=zero_bias={path.replace('<results>', 'R')}" for path in made),
        "--zero-bias=data=a.parquet",
        "--zero-bias=data=b.parquet",
        "--seeds=data=c.parquet",
        "--seeds=data=d.parquet",
        "--signal=tt=R/simulate/level1/tt/000.parquet",
    ]
    assert plan.network(analysis, "published") == "published.json"
    assert (plan.model(analysis, "published"), len(plan.model(analysis, "autoencoder"))) == ([], 1)
    assert plan.made(analysis) == [
        f"<results>/trigger/{name}/measurement.json" for name in ("autoencoder", "published")
    ]


def test_jobs_read_their_own_keys(config):
    analysis = Analysis.of(config, [])
    assert analysis.keys("trigger/train/autoencoder")["model"]["hidden"] == [16]
    assert set(analysis.keys("trigger/quantise/autoencoder")) == {"quantisation"}
    assert analysis.keys("trigger/measure/autoencoder")["measure"]["rates"] == [1, 1000]
    sample = analysis.keys("simulate/level1/tt")
    assert (sample["sample"]["pileup"], list(sample["simulate"]["processes"])) == (20, ["tt"])
    part = analysis.keys("simulate/level1_pool/soft")
    assert (part["part"]["pt_hat_max"], list(part["simulate"]["processes"])) == (20, ["inelastic"])


def test_files_of_the_pool_and_of_samples(config):
    config["simulate"]["level1"]["samples"]["tt"]["pileup"] = 0
    analysis = Analysis.of(config, [])
    folder = "<results>/simulate/level1_pool"
    assert simulate_plan.pool(analysis, "zero_bias") == [
        f"{folder}/soft/000.npz",
        f"{folder}/soft/001.npz",
        f"{folder}/jets_20/000.npz",
    ]
    assert simulate_plan.pool(analysis, "tt") == []
    assert len(simulate_plan.crossings(analysis)) == 4


def _nothing(config):
    config["trigger"]["models"] = {}


def _unknown(config):
    config["trigger"]["crossings"]["signals"] = ["ww"]


def _twice(config):
    config["trigger"]["crossings"]["train"] = ["zero_bias"]


def _none(config):
    config["trigger"]["crossings"]["zero_bias"] = []


def _untrained(config):
    config["trigger"]["crossings"]["train"] = []


def _same(config):
    config["trigger"]["networks"] = {"autoencoder": "x.json"}


def _seeds(config):
    config["trigger"]["files"] = {"data": {"crossings": ["a", "b"], "seeds": ["c"]}}


def _shadowed(config):
    config["trigger"]["files"] = {"tt": {"crossings": ["a"]}}


def _format(config):
    config["trigger"]["models"]["autoencoder"]["quantisation"] = {"weight": "ap_fixed<99,3>"}


def _process(config):
    config["simulate"]["level1"]["samples"]["tt"]["process"] = "ttt"


def _mass(config):
    config["simulate"]["level1"]["samples"]["tt"]["process"] = "x_to_yy"


def _pool(config):
    config["simulate"]["level1"]["pool"] = {}


def _empty(config):
    config["simulate"]["level1"]["samples"]["train"]["pileup"] = 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_nothing, "trigger: search.stages has it, and there are neither models nor networks"),
        (_unknown, "trigger.crossings.signals names 'ww', which is neither in trigger.files nor"),
        (_twice, "trigger.crossings has 'zero_bias' in train and in zero_bias"),
        (_none, "trigger.crossings.zero_bias is empty"),
        (_untrained, "trigger.crossings.train is empty"),
        (_same, "trigger.networks.autoencoder: a model has this name, too"),
        (_seeds, "trigger.files.data has not as many seeds as crossings"),
        (_shadowed, "trigger.files.tt: simulate.level1.samples has this name, too"),
        (_format, "ap_fixed<99,3>' has too many bits"),
        (_process, "simulate.level1.samples.tt.process: 'ttt' is not in simulate.processes"),
        (_mass, "simulate.level1.samples.tt: the process 'x_to_yy' needs a mass"),
        (_pool, "simulate.level1.samples.train has pile-up, and the pool is empty"),
        (_empty, "simulate.level1.samples.train has neither a process nor pile-up"),
    ],
)
def test_a_contradiction_stops_it(config, change, sentence):
    change(config)
    with pytest.raises(ConfigError, match=sentence):
        Analysis.of(config, [])
