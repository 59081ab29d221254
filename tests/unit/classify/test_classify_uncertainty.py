"""Classifiers that are trained on the uncertainty of a model of ``fit.models``."""

import copy
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from resonaut.classify import classifier, plan
from resonaut.classify.cli import app
from resonaut.classify.results import Summary
from resonaut.classify.settings import Learning
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.core.files import write_json
from resonaut.core.provenance import command_code
from resonaut.core.record import plain
from resonaut.core.results import read as read_result

from .events_of_classes import learning

CONFIG = Path(__file__).parents[3] / "config" / "config.yaml"
NETWORK = {"bins": 4, "hidden": [16], "batch_size": 200, "learning_rate": 0.02, "epochs": 10, "warm_up": 2}
FOLDS, CUT = 2, "x > -2"
MEASURED = {
    "signals": {"mu": ["a"]},
    "scales": {"a": 0.01, "b": 0.1},
    "statistics": True,
    "nuisances": {
        "scale": {"width": 1.0, "factors": {}, "variations": {"a": "jes", "b": "jes"}},
        "yield": {"width": None, "factors": {"b": [0.9, 1.1]}, "variations": {}},
    },
}


def call(*words) -> None:
    CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


def train(folder, skimmed, measured, **uncertainty):
    settings = plain(
        learning(learner="network", loss="uncertainty", folds=FOLDS, cut=CUT, uncertainty=NETWORK | uncertainty),
        Learning,
    )
    job = {"classifier": settings, "luminosities": {"a": 10.0, "b": 10.0}, "measured": measured}
    write_json(folder / "train.json", job)
    inputs = ["--simulation", skimmed["a"], "--simulation", skimmed["b"]]
    call("train", "--config", folder / "train.json", "--name", "own", *inputs, "--output", folder / "own.npz")


@pytest.fixture(scope="module", params=["softmax", "gaussian"])
def trained(skimmed, tmp_path_factory, request):
    """The folder with a classifier ``own``, its bins of both classes beside these."""
    folder = tmp_path_factory.mktemp("uncertainty")
    train(folder, skimmed, MEASURED, histogram=request.param)
    write_json(folder / "apply.json", {"unseen": "fold"})
    for name in "ab":
        output = skimmed[name].parents[1] / "classify" / "own" / name / "000.parquet"
        words = ["--model", folder / "own.npz", "--dataset", skimmed[name], "--chunk", "000", "--output", output]
        call("apply", "--config", folder / "apply.json", *words)
    return folder


def filled(manifest, scale, variation=""):
    """The histogram of all bins of all folds, and of the squares of the weights, from the friends."""
    columns = ["x", "weight", "weight_sf", "bin_own"]
    found = ak.concatenate(list(Dataset.open(manifest).iterate(columns, ["classify/own"], variation)))
    kept = ak.to_numpy(found.x) > -2
    weights = (10 * scale * ak.to_numpy(found.weight) * ak.to_numpy(found.weight_sf))[kept]
    bins = ak.to_numpy(found.bin_own)[kept]
    return np.array([np.bincount(bins, weights**power, FOLDS * NETWORK["bins"]) for power in (1, 2)])


def test_the_uncertainty_of_the_summary_is_that_of_the_histograms_of_the_friends(trained, skimmed):
    (found,) = read_result(trained / "own.json", Summary).uncertainties
    scales = MEASURED["scales"]
    (a, a_squares), (b, b_squares) = (filled(skimmed[name], scales[name]) for name in "ab")
    up = [filled(skimmed[name], scales[name], "jes_up")[0] for name in "ab"]
    slopes = np.array([a, (up[0] - a + up[1] - b) / 2, 0.1 * b])
    # Bins with fewer than two effective events of background have the error of one.
    floor = np.where(b**2 < 2 * b_squares + 1e-12, (b_squares.sum() / b.sum()) ** 2, 0)
    variance = a + b + a_squares + np.maximum(b_squares, floor)
    seen = a + b > 0
    information = (slopes[:, seen] / variance[seen]) @ slopes[:, seen].T + np.diag([0, 1, 0])
    assert found.parameter == "mu"
    assert found.profiled == pytest.approx(np.sqrt(np.linalg.inv(information)[0, 0]), rel=1e-4)
    assert found.fixed == pytest.approx(information[0, 0] ** -0.5, rel=1e-4)
    assert found.fixed < found.profiled


def test_scores_are_the_shares_of_classes_in_the_bin_and_the_model_comes_back(trained, skimmed):
    model = classifier.load(trained / "own.npz")
    assert len(model.models) == FOLDS
    for name in "ab":
        events = Dataset.open(skimmed[name]).read(["x", "y", "bin_own", "class_own_a", "class_own_b"], ["classify/own"])
        bins = ak.to_numpy(events.bin_own)
        shares = np.concatenate([one.shares for one in model.models])
        np.testing.assert_allclose(shares[bins], ak.to_numpy(ak.unzip(events[["class_own_a", "class_own_b"]])).T)
        assert set(bins // NETWORK["bins"]) == {0, 1}
    summary = read_result(trained / "own.json", Summary)
    # Cross entropy has 0.79; the bins serve the measurement instead.
    assert 0.58 < summary.areas[0].auc < 0.8
    assert len(summary.losses) == FOLDS


def test_a_dataset_without_the_variation_is_named(skimmed, tmp_path):
    measured = copy.deepcopy(MEASURED)
    measured["nuisances"]["scale"]["variations"]["b"] = "jer"
    with pytest.raises(ConfigError, match="dataset 'b' has no variation 'jer' up or down, which the nuisance scale"):
        train(tmp_path, skimmed, measured)


MODEL = {
    "channels": {
        "own": {"observable": "bin_net", "edges": [0, 4, 8]},
        "other": {"observable": "m_jj", "edges": [0, 1]},
    },
    "samples": {
        "signal": {"datasets": ["signal_3500", "signal_4000"], "signal": True},
        "qcd": {"normalisation": "free", "scale": 1.5},
    },
    "nuisances": {
        "lumi": {"size": 1.02, "samples": ["signal"]},
        "scale": {"variation": "jes", "channels": ["own"], "also": [{"size": [0.9, 1.2], "samples": ["qcd"]}]},
        "elsewhere": {"size": 1.5, "channels": ["other"]},
    },
}
NET = {
    "learner": "network", "loss": "uncertainty", "model": "model", "inputs": ["j1_tau1"],
    "classes": {"x": ["signal_3500", "signal_4000"], "qcd": ["qcd"]},
}  # fmt: skip


def analysis(net=None, model=None) -> Analysis:
    """The demo with a network that is trained on a model."""
    config = yaml.safe_load(CONFIG.read_text())
    config["search"]["stages"] = ["simulate", "skim", "tag", "calibrate", "reweight", "classify", "fit"]
    config["classify"] = {"classifiers": {"net": NET | (net or {})}}
    config["fit"] = {"models": {"model": MODEL | (model or {})}}
    return Analysis.of(config, [])


def test_a_job_reads_what_its_model_measures():
    found = analysis().keys("classify/train/net")["measured"]
    assert found["signals"] == {"mu": ["signal_3500", "signal_4000"]}
    assert found["scales"] == {"signal_3500": 1, "signal_4000": 1, "qcd": 1.5}
    nuisances = found["nuisances"]
    assert set(nuisances) == {"norm_qcd", "lumi", "scale"}
    assert nuisances["norm_qcd"]["width"] is None
    assert nuisances["lumi"]["factors"]["signal_4000"] == pytest.approx([1 / 1.02, 1.02])
    assert nuisances["scale"]["variations"] == dict.fromkeys(("signal_3500", "signal_4000", "qcd"), "jes")
    assert nuisances["scale"]["factors"] == {"qcd": [0.9, 1.2]}
    assert plan.columns(analysis())["classify/net"][-1] == "bin_net"
    assert plan.modules(analysis(), "net") == ["classify/learners/uncertainty.py"]
    assert plan.training_modules(analysis(), "net") == ["classify/learners/uncertainty.py", "classify/profiled.py"]


def test_a_classifier_on_cross_entropy_does_not_read_the_model():
    one, other = (
        analysis({"loss": "cross_entropy", "model": None}, changed) for changed in (None, {"statistics": False})
    )
    assert one.keys("classify/train/net") == other.keys("classify/train/net")
    assert analysis().keys("classify/train/net") == analysis(model={"prune": {"shape": 0.1}}).keys("classify/train/net")


@pytest.mark.parametrize(
    ("net", "model", "sentence"),
    [
        ({"model": "other"}, {}, r"\.model is 'other', which is no model in fit.models; one of model"),
        ({"loss": "cross_entropy"}, {}, r"\.model is for loss: uncertainty"),
        ({"learner": "trees"}, {}, "which trains networks alone; set learner: network"),
        ({"unseen": "mean"}, {}, r"\.unseen is mean"),
        ({"binning": {"signal": "x"}}, {}, r"\.binning is for scores"),
        (
            {},
            {"samples": MODEL["samples"] | {"qcd": {"datasets": ["ttbar"]}}},
            r"\.classes has not the dataset 'ttbar'",
        ),
        (
            {},
            {"samples": {"signal": {"datasets": ["qcd"], "signal": True}}},
            r"\.classes has 'signal_3500', which is in",
        ),
        ({}, {"parameters_of_interest": ["mu", "nu"]}, r"its parameter of interest nu scales no sample"),
    ],
)
def test_what_does_not_fit_together_is_said_at_once(net, model, sentence):
    with pytest.raises(ConfigError, match=rf"classify\.classifiers\.net.*{sentence}"):
        analysis(net, model)


def test_each_job_reruns_for_its_own_code():
    def code(command, *modules):
        return set(command_code("classify", command, *modules))

    ratio, own = "classify/learners/network.py", "classify/learners/uncertainty.py"
    assert not {"classify/profiled.py", "classify/varied.py", "learn/inference/events.py"} & code("train", ratio)
    assert {"classify/profiled.py", "classify/varied.py"} <= code("train", own, "classify/profiled.py")
    assert not {"classify/profiled.py", "classify/varied.py", "classify/crossfit.py"} & code("apply", own)
