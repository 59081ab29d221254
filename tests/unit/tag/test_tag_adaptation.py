"""Networks that are adapted to jets of another domain."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core import configuration
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.learn import store
from resonaut.tag import networks, plan
from resonaut.tag.adaptation import shares
from resonaut.tag.cli import app
from resonaut.tag.sample import Simulation, load
from resonaut.tag.settings import TagConfig

runner = CliRunner()


def test_weights_give_jets_the_class_shares_of_the_other_domain():
    labels, other = np.repeat([0, 1, 2], [60, 30, 10]), np.repeat([0, 1], [10, 30])
    weights = shares(labels, other)
    sums = np.bincount(labels, weights)
    np.testing.assert_allclose(sums / sums.sum(), [0.25, 0.75, 0])
    np.testing.assert_allclose(shares(labels, np.zeros(5, int)), np.where(labels == 0, 100 / 60, 0))


@pytest.fixture
def train(section, simulation, other, tmp_path):
    """A function: train ``particlenet`` with a domain; its summary and its model file."""

    def run(name, domain, samples):
        section["networks"]["particlenet"]["training"]["domain"] = domain
        (tmp_path / "tag.json").write_text(json.dumps(section))
        words = ["train", "--config", "tag.json", "--network", "particlenet"]
        words += ["--output", f"{name}.npz", "--summary", f"{name}.json"]
        words += ["--background", simulation[0], "--signal", simulation[1], *samples]
        words = [str(tmp_path / word) if str(word).endswith((".json", ".npz")) else str(word) for word in words]
        assert runner.invoke(app, words, catch_exceptions=False).exit_code == 0
        return json.loads((tmp_path / f"{name}.json").read_text()), tmp_path / f"{name}.npz"

    return run


def test_another_simulation_is_learnt_without_labels_and_measured_with_them(train, other):
    samples = ["--other-background", other[0], "--other-signal", other[1]]
    wanted = {"other": "simulation", "strength": 1.0}
    summary, model = train("a", wanted, samples)
    _, again = train("b", wanted, samples)
    assert model.read_bytes() == again.read_bytes()
    found = summary["domain"]
    assert found["jets"].keys() == found["held_out_jets"].keys() == {"qcd", "2prong", "3prong", "4prong"}
    assert 0 < found["measured"]["accuracy"] < 1
    assert abs(found["auc"] - 0.5) < 5 * found["auc_error"]
    # With a strength of 0 the training knows nothing of the other jets, and they are measured.
    plain, nominal = train("nominal", None, [])
    silent, same = train("silent", wanted | {"strength": 0.0}, samples)
    assert plain["domain"] is None
    assert silent["domain"]["measured"]["accuracy"] > 0
    assert same.read_bytes() == nominal.read_bytes() != model.read_bytes()
    state = store.load(model, networks.KIND, "").state
    assert state.keys() == store.load(nominal, networks.KIND, "").state.keys()


def test_data_count_as_qcd_and_have_no_accuracy(train, other):
    summary, _ = train("data", {"other": "data", "strength": 1.0}, ["--data", other[2]])
    found = summary["domain"]
    assert found["measured"] is None
    assert found["jets"]["qcd"] > 0
    assert found["jets"]["2prong"] == 0


def test_a_domain_without_jets_is_named(train):
    with pytest.raises(ConfigError, match=r"no jets of the other domain; name datasets in tag\.samples\.data"):
        train("x", {"other": "data", "strength": 1.0}, [])


def test_adapted_and_held_out_jets_are_of_different_events(other, settings):
    simulated = Simulation.open(other[:1], other[1:2])
    parts = [load(simulated, settings, settings.networks["part"], part) for part in ("train", "held_out")]
    both = np.concatenate([part.inputs.vectors.reshape(len(part), -1) for part in parts])
    assert len(np.unique(both, axis=0)) == len(both)


@pytest.fixture
def analysis():
    def make(domain, **samples):
        nature = {"nature": "simulation", "cross_section": 1.0, "format": "nanoaod"}
        datasets = dict.fromkeys(["qcd", "qcd_other", "signal_other"], nature)
        datasets["data"] = {"nature": "data", "format": "nanoaod", "luminosity": 1.0}
        search = {"stages": ["skim", "tag"], "samples": {"background": ["qcd"]}}
        entries = {"plain": {"architecture": "particle_net"}}
        entries["adapted"] = {"architecture": "particle_net", "training": {"domain": domain}}
        tag = {"networks": entries, "samples": samples}
        given = {"search": search, "datasets": datasets, "tag": tag, "skim": {"read_constituents": True}}
        return Analysis(configuration.validate(given), {})

    return make


def test_only_an_adapted_network_reads_the_other_domain(analysis):
    others = {"other_background": ["qcd_other"], "other_signal": ["signal_other"]}
    made = analysis({"other": "simulation"}, **others, data=["data"])
    plan.check(made)
    assert plan.others(made, "plain") == {}
    assert plan.others(made, "adapted") == others
    assert plan.read(made, "plain") == ["qcd"]
    assert plan.read(made, "adapted") == plan.trained(made) == ["qcd", "qcd_other", "signal_other"]
    data = analysis({"other": "data"}, **others, data=["data"])
    assert plan.read(data, "adapted") == ["qcd", "data"]
    # Data are never marked.
    assert plan.trained(data) == ["qcd"]


@pytest.mark.parametrize(
    ("other", "samples", "lacking"),
    [("simulation", {"other_background": ["qcd_other"]}, "other_signal"), ("data", {}, "data")],
)
def test_a_domain_without_datasets_is_named_before_the_first_job(analysis, other, samples, lacking):
    with pytest.raises(ConfigError, match=rf"tag\.networks\.adapted\.training\.domain wants .*samples\.{lacking},"):
        plan.check(analysis({"other": other}, **samples))


def test_scoring_does_not_depend_on_the_training(analysis):
    one, other = (analysis({"other": "data", "strength": s}, data=["data"]) for s in (0.5, 1.0))
    assert plan.keys(one, "score") == plan.keys(other, "score")
    assert plan.keys(one, "train", "adapted") != plan.keys(other, "train", "adapted")
    assert plan.keys(one, "train", "plain") == plan.keys(other, "train", "plain")
    build(plan.keys(one, "score"), TagConfig, "tag")
