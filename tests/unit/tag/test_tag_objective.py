"""What a network's own training adds to its loss."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.learn import store
from resonaut.learn.decorrelation import distance_correlation, moment_decomposition
from resonaut.tag import networks, training
from resonaut.tag.objective import Jets, Objective, against, on_shell
from resonaut.tag.sample import load
from resonaut.tag.settings import NetworkTraining

METHODS = ["disco", "mode0", "mode1", "mode2", "adversary"]


def with_training(network, **keys):
    return dataclasses.replace(network, training=build(keys, NetworkTraining, ""))


class Table(torch.nn.Module):
    """A network whose logits are its first features."""

    def forward(self, features, vectors, mask):
        return features[:, :4, 0]


@pytest.fixture
def jets():
    rng = np.random.default_rng(1)
    features = torch.from_numpy(rng.normal(size=(400, 7, 3)).astype("f4"))
    labels = torch.from_numpy(rng.integers(0, 4, 400))
    inputs = (features, torch.zeros(400, 4, 3), torch.ones(400, 1, 3, dtype=torch.bool))
    mass = torch.from_numpy(rng.exponential(50, 400).astype("f4"))
    return Jets(inputs, labels, torch.from_numpy(rng.uniform(size=400).astype("f4")), mass)


@pytest.mark.parametrize(
    ("method", "of"),
    [
        ("disco", distance_correlation),
        *((f"mode{i}", lambda s, m, i=i: moment_decomposition(s, m, i, 5)) for i in range(3)),
    ],
)
def test_the_penalty_is_of_discriminants_of_qcd_jets_against_their_mass(method, of, jets, settings):
    network = with_training(settings.networks["part"], decorrelation={"method": method, "strength": 7, "mass_bins": 5})
    rows = torch.arange(50, 350)
    logits = jets.inputs[0][rows, :4, 0]
    nominal = torch.nn.functional.cross_entropy(logits, jets.labels[rows], reduction="none") * jets.weights[rows]
    qcd = jets.labels[rows] == 0
    scores = logits.softmax(dim=1)[qcd]
    penalties = [of(scores[:, i] / (scores[:, i] + scores[:, 0]), jets.mass[rows][qcd]) for i in (1, 2, 3)]
    expected = nominal.mean() + 7 * sum(penalties) / 3
    torch.testing.assert_close(Objective(Table(), network, jets, 300, seed=1)(rows), expected)


@pytest.mark.parametrize("method", METHODS)
def test_a_training_with_decorrelation_gives_the_same_bytes_again_and_no_trace_of_its_helpers(
    method, settings, labelled, tmp_path
):
    plan = dataclasses.replace(settings.training, batch_size=128)
    network = with_training(settings.networks["particlenet"], decorrelation={"method": method, "strength": 5})
    settings = dataclasses.replace(settings, training=plan)
    changed = dataclasses.replace(settings, networks={"particlenet": network})
    for run, of in (("plain", settings), ("a", changed), ("b", changed)):
        training.make_model(of, "particlenet", labelled, tmp_path / f"{run}.npz", tmp_path / f"{run}.json")
    for suffix in ("npz", "json"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    models = [store.load(tmp_path / f"{run}.npz", networks.KIND, "") for run in ("plain", "a")]
    assert models[0].settings == models[1].settings
    assert models[0].state.keys() == models[1].state.keys()
    assert any((models[0].state[key] != values).any() for key, values in models[1].state.items())
    assert json.loads((tmp_path / "a.json").read_text())["sculpting"].keys() == {"2prong", "3prong", "4prong"}


@pytest.mark.parametrize(("method", "least"), [("disco", 128), ("mode0", 256)])
def test_batches_that_cannot_tell_are_refused(method, least, settings, jets):
    jets = dataclasses.replace(jets, labels=torch.arange(400) % 4)
    network = with_training(settings.networks["part"], decorrelation={"method": method, "strength": 1, "mass_bins": 16})
    with pytest.raises(ConfigError, match=rf"tag\.training\.batch_size: .* by {method}; make it at least {least}\."):
        Objective(Table(), network, jets, least - 1, seed=1)
    Objective(Table(), network, jets, least, seed=1)


def test_every_third_batch_is_shifted_and_stays_close_to_the_nominal_output(jets, settings):
    network = with_training(settings.networks["part"], robust={"size": 0.5})
    objective, rows = Objective(Table(), network, jets, 100, seed=1), torch.arange(100)
    losses = [objective(rows) for _ in range(6)]
    logits = jets.inputs[0][rows, :4, 0]
    nominal = (
        torch.nn.functional.cross_entropy(logits, jets.labels[rows], reduction="none") * jets.weights[rows]
    ).mean()
    for i in (0, 1, 3, 4):
        torch.testing.assert_close(losses[i], nominal)
    # Of these logits the gradient of a jet's loss is its probabilities less 1 at its class.
    gradient = logits.softmax(dim=1) - torch.nn.functional.one_hot(jets.labels[rows], 4)
    values = jets.inputs[0][:, :4].numpy()
    ordered = [np.sort(values[:, i].ravel()) for i in range(4)]
    spreads = torch.tensor([one[len(one) // 5 : -(len(one) // 5)].std() for one in ordered])
    moved = logits + 0.5 * spreads * gradient / gradient.norm(dim=1, keepdim=True)
    expected = (
        torch.nn.functional.cross_entropy(moved, jets.labels[rows], reduction="none") * jets.weights[rows]
    ).mean() + torch.nn.functional.kl_div(
        moved.log_softmax(dim=1), logits.log_softmax(dim=1), log_target=True, reduction="batchmean"
    )
    torch.testing.assert_close(losses[2], expected)
    torch.testing.assert_close(losses[5], expected)
    assert losses[2] > nominal


def test_padding_and_mask_are_restored(jets, settings):
    mask = torch.arange(3) < torch.tensor([[[1]], [[2]], [[3]]])[torch.arange(400) % 3]
    jets = dataclasses.replace(jets, inputs=(*jets.inputs[:2], mask))
    rows = torch.arange(30)

    class Sum(torch.nn.Module):
        def forward(self, features, vectors, mask):
            return features[:, :4].sum(dim=2) + vectors.sum(dim=2)

    _, (features, vectors, same) = against(Sum(), jets, rows, 1.0)
    assert (same == mask[rows]).all()
    for moved, before in ((features, jets.inputs[0][rows]), (vectors, jets.inputs[1][rows])):
        assert (moved == before)[~mask[rows].expand_as(moved)].all()
    # The network does not see the last features, and the vectors are all alike and have no spread.
    assert (features != jets.inputs[0][rows])[:, :4, 0].all()
    assert (features == jets.inputs[0][rows])[:, 4:].all()
    assert (vectors == jets.inputs[1][rows]).all()


def test_shifted_four_vectors_keep_their_mass():
    rng = np.random.default_rng(1)
    momenta = torch.from_numpy(rng.normal(0, 20, (50, 3, 6)))
    vectors = torch.cat([momenta, (momenta.square().sum(dim=1, keepdim=True) + 0.14**2).sqrt()], dim=1)
    moved = vectors + torch.from_numpy(rng.normal(0, 3, (50, 4, 6)))
    found = on_shell(moved.float(), vectors.float())
    assert (found[:, :3] == moved.float()[:, :3]).all()
    p2 = moved[:, :3].square().sum(dim=1)
    np.testing.assert_allclose(found[:, 3], (p2 + 0.14**2).sqrt(), rtol=2e-6)
    assert (found[:, 3] > found[:, :3].square().sum(dim=1).sqrt()).all()


def test_a_strong_attack_on_a_transformer_leaves_finite_scores(settings, labelled):
    network = settings.networks["part"]
    sample = load(labelled, settings, network, "held_out")
    torch.manual_seed(1)
    module = networks.build(network).eval()
    jets = Jets.of(sample, np.ones(len(sample)), "cpu")
    _, given = against(module, jets, torch.arange(len(sample)), 5.0)
    assert module(*given).isfinite().all()
    assert (given[1] != jets.inputs[1]).any()


@pytest.mark.parametrize("name", ["part", "particlenet"])
def test_a_robust_training_gives_the_same_bytes_again_and_measures_the_attack(name, settings, labelled, tmp_path):
    network = with_training(settings.networks[name], robust={"size": 0.1})
    settings = dataclasses.replace(settings, networks={name: network})
    for run in ("a", "b"):
        training.make_model(settings, name, labelled, tmp_path / f"{run}.npz", tmp_path / f"{run}.json")
    for suffix in ("npz", "json"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()
    summary = json.loads((tmp_path / "a.json").read_text())
    assert all(summary["under_attack"]["auc"][kind] < auc for kind, auc in summary["auc"].items())
