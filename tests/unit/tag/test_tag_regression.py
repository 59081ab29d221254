"""Regressions and further tasks beside the classes."""

import dataclasses
import itertools
import json
import subprocess
import sys

import awkward as ak
import numpy as np
import pytest
import torch
from scipy.stats import norm

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.record import build, plain
from resonaut.tag import ends, networks, scoring, targets, training
from resonaut.tag.architectures import require_consistent
from resonaut.tag.architectures.particle_net import graph
from resonaut.tag.closure import closure, slices
from resonaut.tag.heads import Constituents, Heads, representation
from resonaut.tag.inputs import jet_inputs
from resonaut.tag.objective import Jets, Objective
from resonaut.tag.settings import AuxiliaryConfig, NetworkConfig, RegressionConfig, TagConfig
from resonaut.tag.tagger import load

MASS = {"target": "decay_mass", "over": "softdrop_mass", "limits": [0.1, 10]}
ENDS = ("", "_q16", "_q50", "_q84")


def with_tasks(network: NetworkConfig, regression=None, auxiliary=None) -> NetworkConfig:
    keys = {name: build(one, RegressionConfig, "") for name, one in (regression or {}).items()}
    tasks = {name: build(one, AuxiliaryConfig, "") for name, one in (auxiliary or {}).items()}
    return dataclasses.replace(network, regression=keys, auxiliary=tasks)


class Plain(torch.nn.Module):
    """A network of the first features of the first constituent."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.GELU(), torch.nn.Linear(32, 32))
        self.each = torch.nn.Conv1d(7, 5, 1)
        self.constituents = Constituents(self.each, 5)
        self.last = torch.nn.Linear(32, 4)

    def forward(self, features, vectors, mask):
        self.each(features)
        return self.last(torch.nn.functional.gelu(self.hidden(features[:, :2, 0])))


def toys(n: int, seed: int) -> tuple[Jets, torch.Tensor, torch.Tensor]:
    """Jets whose ratio is normal with a mean and a width that follow from two features; both."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 7, 1)).astype("f4")
    mean, width = 1.1 + 0.2 * x[:, 0, 0], 0.06 + 0.04 * x[:, 1, 0]
    ratio = torch.from_numpy((mean + width * rng.normal(size=n)).astype("f4"))
    inputs = (torch.from_numpy(x), torch.zeros(n, 4, 1), torch.ones(n, 1, 1, dtype=torch.bool))
    labels = torch.from_numpy((x[:, 0, 0] > 0).astype(np.int64))
    return Jets(inputs, labels, torch.ones(n), torch.ones(n), {"mass": ratio}), torch.tensor(mean), torch.tensor(width)


@pytest.fixture(scope="module")
def taught():
    """A network that has learned the toys beside their classes, by the loss of every training."""
    network = with_tasks(NetworkConfig(architecture="x", outputs=["a", "b", "c", "d"], background="a"), {"mass": MASS})
    torch.manual_seed(1)
    module = Plain()
    module.add_module("heads", Heads(module, network))
    jets, *_ = toys(40_000, 1)
    objective = Objective(module, network, jets, 1000, seed=1)
    optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, 600)
    generator = torch.Generator().manual_seed(1)
    for _ in range(600):
        loss = objective(torch.randint(len(jets.labels), (2000,), generator=generator))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
    return module.eval()


def test_the_quantiles_of_a_known_distribution_are_found(taught):
    jets, mean, width = toys(40_000, 2)
    with torch.no_grad():
        taught(*jets.inputs)
        estimates = taught.heads.estimates()
    expected = torch.stack([mean, *(mean + width * norm.ppf(q) for q in (0.16, 0.5, 0.84))], dim=1)
    # In units of the width, averaged over the jets and at most.
    deviation = ((estimates - expected) / width[:, None]).abs()
    assert deviation.mean() < 0.05
    found = closure(estimates.numpy(), jets.targets["mass"].numpy(), np.ones(len(mean)))
    assert found.response == pytest.approx(1, abs=0.01)
    assert found.median_response == pytest.approx(1, abs=0.01)
    assert found.covered == pytest.approx(0.68, abs=0.02)
    resolved = ((estimates[:, 3] - estimates[:, 1]) / 2).mean().item()
    assert resolved == pytest.approx(norm.ppf(0.84) * width.mean().item(), rel=0.03)
    assert found.resolution < 0.6 * found.resolution_without


def test_a_wrong_estimate_does_not_close():
    rng = np.random.default_rng(1)
    target = rng.normal(1, 0.1, 5000)
    right = np.tile([1, *(1 + 0.1 * norm.ppf([0.16, 0.5, 0.84]))], (5000, 1))
    found = closure(right, target, np.ones(5000))
    assert found.response == pytest.approx(np.median(1 / target), abs=2e-4)
    assert found.covered == pytest.approx(0.68, abs=4 * found.covered_error)
    assert found.response_error == pytest.approx(0.1 * 1.2533 / np.sqrt(5000), rel=0.2)
    assert closure(1.03 * right, target, np.ones(5000)).response == pytest.approx(1.03 * found.response)
    narrow = right + (right[:, [2]] - right) / 2
    assert closure(narrow, target, np.ones(5000)).covered < 0.45
    # Weights count jets: as if half of them were not there.
    half = closure(right, target, np.repeat([1.0, 0.0], 2500))
    alone = closure(right[:2500], target[:2500], np.ones(2500))
    assert half == dataclasses.replace(alone, jets=5000)


def test_the_error_of_the_resolution_is_its_spread():
    rng = np.random.default_rng(4)
    ones = np.ones((2000, 4))
    found = [closure(ones, 1 / rng.normal(1, 0.1, 2000), np.ones(2000)) for _ in range(200)]
    spread, errors = (
        f([getattr(one, name) for one in found]) for f, name in ((np.std, "resolution"), (np.mean, "resolution_error"))
    )
    # The spread is known to 5 %.
    assert errors == pytest.approx(spread, rel=0.2)
    assert errors == pytest.approx(0.1 / norm.pdf(norm.ppf(0.84)) * np.sqrt(0.16 * 0.68 / 2 / 2000), rel=0.05)


def test_the_closure_follows_the_momentum_of_the_jets():
    rng = np.random.default_rng(5)
    pt = rng.uniform(200, 800, 600)
    # The estimate is too high by a part that grows, and the jet was reconstructed too low.
    target = np.full(600, 1.25)
    estimates = np.stack([1.25 * (1 + pt / 10_000), *(np.full(600, q) for q in (1.0, 1.25, 1.5))], axis=1)
    found = slices(estimates, target, np.ones(600), pt)
    assert [one.closure.jets for one in found] == [100] * 6
    assert (found[0].pt_low, found[-1].pt_high) == (pt.min(), pt.max())
    assert all(one.pt_low < one.pt_median < one.pt_high for one in found)
    assert all(one.pt_high < other.pt_low for one, other in itertools.pairwise(found))
    for one in found:
        assert 1 + one.pt_low / 10_000 < one.closure.response < 1 + one.pt_high / 10_000
        assert (one.closure.response_without, one.closure.covered) == (0.8, 1)
    assert [one.closure.jets for one in slices(estimates[:25], target[:25], np.ones(25), pt[:25])] == [13, 12]
    assert slices(estimates[:9], target[:9], np.ones(9), pt[:9]) == []


def test_jets_without_a_target_teach_nothing():
    network = with_tasks(NetworkConfig(architecture="x", outputs=["a", "b", "c", "d"]), {"mass": MASS})
    module = Plain()
    heads = Heads(module, network)
    jets, *_ = toys(20, 3)
    module(*jets.inputs)
    ratio = jets.targets["mass"].clone()
    some, weights = torch.arange(20) % 2 == 0, torch.rand(20)
    ratio[~some] = torch.nan
    heads.loss({"mass": ratio}, weights).backward()
    gradient = heads.regression.weight.grad.clone()
    heads.zero_grad()
    module(*(one[some] for one in jets.inputs))
    heads.loss({"mass": ratio[some]}, weights[some]).backward()
    torch.testing.assert_close(heads.regression.weight.grad, gradient)
    assert gradient.abs().sum() > 0
    module(*jets.inputs)
    assert heads.loss({"mass": torch.full((20,), torch.nan)}, weights) == 0


def test_ratios_are_in_single_precision_in_a_training_in_half():
    """Half precision has 1 and 1.0078, and nothing between them."""
    module = Plain()
    heads = Heads(module, with_tasks(NetworkConfig(architecture="x", outputs=["a", "b", "c", "d"]), {"mass": MASS}))
    torch.nn.init.constant_(heads.regression.bias, 1.001)
    jets, *_ = toys(20, 3)
    with torch.autocast("cpu", torch.bfloat16):
        module(*jets.inputs)
        torch.testing.assert_close(heads.estimates(), torch.full((20, 4), 1.001))


def test_ratios_beyond_the_limits_and_of_nothing_are_no_targets():
    jets = {"j1_decay_mass": [80.0, 0, 80, 80, 80], "j1_softdrop_mass": [100.0, 100, 0, 10, 500]}
    found = targets.ratio(ak.Array(jets), "j1", build(MASS | {"limits": [0.2, 5]}, RegressionConfig, ""))
    np.testing.assert_allclose(found, [0.8, np.nan, np.nan, np.nan, np.nan])


def test_targets_of_constituents_stand_where_the_network_sees_them():
    pt = [[30.0, 20, 0, 10], [5.0], [3.0, 2, 1]]
    jets = ak.Array({"j1_pf_pt": pt, "j1_pf_origin": [[0, 1, 2, 3], [2], [1, -1, 7]], "j1_n": [3, 0, -2]})
    network = dataclasses.replace(
        with_tasks(
            NetworkConfig(architecture="x", max_constituents=3),
            auxiliary={"origin": {"target": "pf_origin", "classes": 4}, "number": {"target": "n", "classes": 4}},
        )
    )
    found = targets.targets(jets, "j1", network)
    assert found["origin"].tolist() == [[0, 1, 3], [2, -1, -1], [1, -1, -1]]
    assert found["number"].tolist() == [3, 0, -1]
    jets["j1_pf_origin"] = ak.Array([[0, 1, 2], [2], [1, -1, 7]])
    with pytest.raises(InputFileError, match="has other lengths than the jets' constituents"):
        targets.targets(jets, "j1", network)


def test_a_task_of_constituents_is_learned_from_their_own_features():
    network = with_tasks(
        NetworkConfig(architecture="x", outputs=["a", "b", "c", "d"], max_constituents=6),
        auxiliary={"origin": {"target": "pf_origin", "classes": 3, "weight": 1.0}},
    )
    torch.manual_seed(1)
    module = Plain()
    heads = Heads(module, network)
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(200, 7, 6, generator=generator)
    origin = features[:, :3].argmax(dim=1).float()
    # The last place is padding, and would teach what is wrong.
    origin[:, 5], features[:, :, 5] = -1, 0
    optimizer = torch.optim.Adam([*module.parameters(), *heads.parameters()], lr=0.05)
    losses = []
    for _ in range(150):
        module(features, torch.zeros(200, 4, 6), torch.ones(200, 1, 6, dtype=torch.bool))
        loss = heads.loss({"origin": origin}, torch.ones(200))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 0.8
    assert losses[-1] < 0.2


@pytest.fixture
def taught_small(settings, labelled, tmp_path):
    """A function: the settings with one network that has tasks, trained on the small sample."""

    def make(name, regression=None, auxiliary=None, run="a"):
        network = with_tasks(settings.networks[name], regression, auxiliary)
        changed = dataclasses.replace(settings, networks={name: network})
        training.make_model(changed, name, labelled, tmp_path / f"{run}.npz", tmp_path / f"{run}.json")
        return changed, tmp_path / f"{run}.npz", json.loads((tmp_path / f"{run}.json").read_text())

    return make


@pytest.mark.parametrize("name", ["part", "particlenet"])
def test_a_training_writes_the_closure_and_its_graph_the_estimates_of_torch(name, taught_small, make_events):
    _, model, summary = taught_small(name, {"mass": MASS, "again": MASS})
    _, second, _ = taught_small(name, {"mass": MASS, "again": MASS}, run="b")
    assert model.read_bytes() == second.read_bytes()
    found = summary["regression"]["mass"]
    assert found.keys() == {"all", "classes", "by_pt"}
    assert sum(one["closure"]["jets"] for one in found["by_pt"]) == found["all"]["jets"]
    # The targets of the events are 1.1 times the soft-drop mass, which is 0 for one jet of a batch.
    assert 0.7 < found["all"]["response"] < 1.3
    assert sum(one["jets"] for one in found["classes"].values()) == found["all"]["jets"]
    assert set(found["classes"]) <= set(summary["classes"])
    inputs = jet_inputs(make_events(40, 9), "j1", 14)
    graph, torched = load(model, "cpu"), load(model, "auto")
    assert graph.settings.estimates == [f"{one}{end}" for one in ("again", "mass") for end in ENDS]
    for one, other in zip(graph.evaluated(inputs, 16), torched.evaluated(inputs, 40), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=1e-4)
        assert np.ptp(one, axis=0).min() > 1e-4


def test_estimates_are_columns_of_the_friend_and_need_no_torch(taught_small, make_events, write_dataset, tmp_path):
    settings, model, _ = taught_small("particlenet", {"mass": MASS})
    manifest = write_dataset("more", [make_events(30, 8)])
    output = tmp_path / "tag" / "more" / "000.parquet"
    code = (
        "import sys, json; from pathlib import Path; from resonaut.core.record import build;"
        "from resonaut.tag.scoring import score_chunk; from resonaut.tag.settings import TagConfig;"
        "settings = build(json.loads(sys.argv[1]), TagConfig, '');"
        "score_chunk(settings, [Path(sys.argv[2])], Path(sys.argv[3]), '000', Path(sys.argv[4]), True);"
        "assert not {'torch', 'weaver'} & sys.modules.keys()"
    )
    words = [json.dumps(plain(settings, TagConfig)), str(model), str(manifest), str(output)]
    subprocess.run([sys.executable, "-c", code, *words], check=True)
    names = [f"j1_particlenet_mass{end}" for end in (*ENDS, "_resolution")]
    found = events.Dataset.open(manifest).read([*names, "j1_particlenet_qcd"], friends=("tag",))
    values = {name: ak.to_numpy(found[name]) for name in names}
    low, high = (values[f"j1_particlenet_mass_{q}"] for q in ("q16", "q84"))
    np.testing.assert_allclose(values["j1_particlenet_mass_resolution"], (high - low) / 2, rtol=1e-5)
    scoring.score_chunk(settings, [model], manifest, "000", output, True)


def test_a_graph_of_classes_alone_leaves_the_rest_to_torch(taught_small, make_events, monkeypatch):
    _, model, _ = taught_small("particlenet", {"mass": MASS})
    inputs = jet_inputs(make_events(20, 9), "j1", 14)
    expected = load(model, "cpu").evaluated(inputs, 16)

    def bare(network, x, last, state, settings):
        return ends.ends(network, x, last, state, dataclasses.replace(settings, regression={}))

    monkeypatch.setattr(graph, "ends", bare)
    for one, other in zip(load(model, "cpu").evaluated(inputs, 16), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_a_further_task_changes_the_training_and_gives_no_output(taught_small, make_events):
    tasks = {"mass": {"target": "softdrop_mass", "weight": 0.01}, "hard": {"target": "pf_mass"}}
    for name in ("part", "particlenet"):
        _, plain, _ = taught_small(name, run="plain")
        _, model, summary = taught_small(name, None, tasks)
        assert summary["regression"] == {}
        inputs = jet_inputs(make_events(20, 9), "j1", 14)
        scores = [load(path, "cpu").evaluated(inputs, 16) for path in (plain, model)]
        assert scores[1][1].shape == (20, 0)
        assert np.abs(scores[0][0] - scores[1][0]).max() > 1e-4


@pytest.mark.parametrize("name", ["part", "particlenet"])
def test_features_of_constituents_are_by_jet_and_place(name, settings, make_events):
    module = networks.build(settings.networks[name]).eval()
    given = networks.tensors(jet_inputs(make_events(9, 1), "j1", 8), "cpu")
    module(*given)
    values = module.constituents.values
    assert values.shape == (9, module.constituents.width, 8)
    # Of each jet alone, with its first two constituents exchanged.
    order = torch.tensor([1, 0, *range(2, 8)])
    module(*(one[4:5, :, order] for one in given))
    real = given[2][4, 0]
    torch.testing.assert_close(module.constituents.values[0][:, real], values[4][:, order][:, real])
    assert (values[4, :, 0] - values[4, :, 1]).abs().max() > 1e-3


def test_a_head_is_not_taken_for_the_last_layer(settings):
    # A regression has as many numbers as there are classes.
    network = with_tasks(settings.networks["part"], {"mass": MASS})
    module = networks.build(network)
    inputs = (torch.randn(3, 7, 10), torch.rand(3, 4, 10) + torch.tensor([0, 0, 0, 5.0])[:, None])
    logits = module(*inputs, torch.ones(3, 1, 10, dtype=torch.bool))
    seen = representation(module, network)
    torch.testing.assert_close(module.mod.fc[-1](seen.values), logits)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"regression": {"qcd": MASS}}, "'qcd' is two of classes, regression and auxiliary"),
        ({"regression": {"m": MASS}, "auxiliary": {"m": {"target": "pt"}}}, "'m' is two of classes"),
        ({"regression": {"m": MASS}, "weights": "a.pt"}, "regression and auxiliary need training"),
        ({"regression": {"m": MASS | {"limits": [2, 1]}}}, "limits .* do not grow"),
        ({"regression": {"m_q16": MASS}}, "a name of letters and digits"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, words, section):
    section["networks"]["part"] |= changes
    with pytest.raises(ConfigError, match=words):
        require_consistent("part", build(section, TagConfig, "config: tag").networks["part"])
