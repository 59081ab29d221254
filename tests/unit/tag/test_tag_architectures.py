"""The ways to see a jet beside weaver's: the same scores whatever the batch, the padding and the library."""

import dataclasses

import numpy as np
import pytest
import torch

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.record import build
from resonaut.tag import networks
from resonaut.tag.architectures import Network, require_consistent
from resonaut.tag.architectures import networks as architectures
from resonaut.tag.architectures.boosted_trees.trees import rounded_down
from resonaut.tag.inputs import jet_inputs
from resonaut.tag.learning import Labelled, learn
from resonaut.tag.settings import NetworkConfig, NetworkTraining, RobustConfig
from resonaut.tag.tagger import load

MODULES = ("recurrent", "jet_image", "deep_sets")
LEARNERS = ("boosted_trees", "dense_network")
SIZES = {
    "boosted_trees": {"max_iterations": 8, "min_leaf_jets": 3},
    "dense_network": {"hidden": [8]},
    "recurrent": {"hidden": 6, "dense": [5]},
    "jet_image": {"pixels": 9, "channels": [3, 4], "dense": [5]},
    "deep_sets": {"constituent": [6, 5], "dense": [4]},
}
JETS = 60


@pytest.fixture(params=[*MODULES, *LEARNERS])
def name(request) -> str:
    return request.param


@pytest.fixture(params=[2, 4])
def network(request, name) -> NetworkConfig:
    """Of two and of more classes: trees have one logit or several."""
    outputs = ["qcd", "2prong", "3prong", "4prong"][: request.param]
    given = {"architecture": name, "max_constituents": 12, "outputs": outputs, name: SIZES[name]}
    return build(given, NetworkConfig, "network")


@pytest.fixture
def inputs(make_events):
    return jet_inputs(make_events(JETS, seed=5), "j1", 14)


@pytest.fixture
def tagger(network, inputs, settings, tmp_path):
    """As torch or scikit-learn run it, and as a scoring job opens it from its file."""
    torch.manual_seed(3)
    path = tmp_path / "model.npz"
    if architectures()[network.architecture].learner:
        labels = np.random.default_rng(1).integers(0, len(network.outputs), JETS)
        jets = Labelled(inputs.take(np.arange(JETS), 12), labels, np.random.default_rng(2).uniform(0.5, 1.5, JETS))
        made, state, _ = learn("x", network, settings, jets, jets)
        weights = {key: torch.from_numpy(values) for key, values in state.items()}
    else:
        module = networks.build(network)
        for values in module.parameters():
            values.data.add_(0.3 * torch.rand_like(values))
        made, weights = networks.from_module("x", network, module, "cpu"), module.state_dict()
    networks.save(path, "x", network, weights)
    return made, load(path, "cpu")


def test_graph_and_library_agree_whatever_the_batch_and_the_padding(tagger, inputs) -> None:
    module, graph = tagger
    reference = np.concatenate([module.outputs(inputs.take(np.array([i]), 12)) for i in range(JETS)])
    np.testing.assert_allclose(reference.sum(axis=1), 1, rtol=1e-5)
    assert reference.std(axis=0).min() > 1e-4  # the jets differ
    for one in (module, graph):
        for size in (1, 7, 64):
            np.testing.assert_allclose(one.scores(inputs, size), reference, atol=3e-6)
        longer = inputs.take(np.arange(JETS), 12)
        padded = dataclasses.replace(
            longer, features=np.pad(longer.features, ((0, 0), (0, 0), (0, 3)), constant_values=0.4),
            vectors=np.pad(longer.vectors, ((0, 0), (0, 0), (0, 3)), constant_values=7.0),
        )  # fmt: skip
        np.testing.assert_allclose(one.outputs(padded), reference, atol=3e-6)


def test_only_a_recurrent_network_minds_the_order(tagger, name, inputs) -> None:
    full = inputs.take(np.flatnonzero(inputs.counts >= 12), 12)
    turned = dataclasses.replace(full, features=full.features[..., ::-1], vectors=full.vectors[..., ::-1])
    for one in tagger:
        same = np.abs(one.outputs(turned) - one.outputs(full)).max() < 1e-5
        assert same == (name != "recurrent")


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_learns_by_itself_and_nothing_else(name, network, inputs) -> None:
    require_consistent("x", dataclasses.replace(network, training=NetworkTraining(mass_bins=3, max_jets=100)))
    robust = NetworkTraining(robust=RobustConfig())
    for change in ({"weights": "some.pt"}, {"training": robust}):
        with pytest.raises(ConfigError, match=r"tag\.networks\.x: \w+ learns by itself: it takes no weights"):
            require_consistent("x", dataclasses.replace(network, **change))


def test_a_learner_without_a_graph_is_refused() -> None:
    with pytest.raises(ValueError, match="a learner needs a graph"):
        Network("learn", learner=True)


@pytest.mark.parametrize("name", LEARNERS)
def test_the_arrays_of_another_learner_are_refused(name, network, tagger, tmp_path) -> None:
    other = next(one for one in LEARNERS if one != name)
    with np.load(tmp_path / "model.npz") as stored:
        state = {key.removeprefix("state/"): torch.from_numpy(stored[key]) for key in stored if key != "about"}
    networks.save(tmp_path / "other.npz", "x", dataclasses.replace(network, architecture=other), state)
    with pytest.raises(InputFileError, match=rf"other\.npz: does not fit the graph of {other}"):
        load(tmp_path / "other.npz", "cpu")


def test_an_image_has_all_momentum_and_every_constituent(inputs) -> None:
    given = {"architecture": "jet_image", "outputs": ["qcd", "2prong"], "jet_image": {"pixels": 32, "half_width": 2.0}}
    module = networks.build(build(given, NetworkConfig, "network"))
    images = module.image(*networks.tensors(inputs, "cpu"))
    assert images.shape == (JETS, 2, 32, 32)
    np.testing.assert_allclose(images[:, 0].sum(dim=(1, 2)), 1, rtol=1e-5)
    np.testing.assert_allclose(images[:, 1].sum(dim=(1, 2)), inputs.counts, rtol=1e-5)
    # The mean pixel is the mean direction, weighted by pT.
    pt = np.hypot(inputs.vectors[:, 0], inputs.vectors[:, 1]) * inputs.mask[:, 0]
    expected = (pt * inputs.features[:, 5]).sum(axis=1) / pt.sum(axis=1)
    np.testing.assert_allclose(images[:, 0].sum(dim=2) @ module.centres, expected, atol=1e-4)


def test_an_image_that_is_pooled_away_is_refused() -> None:
    given = {
        "architecture": "jet_image",
        "outputs": ["qcd", "2prong"],
        "jet_image": {"pixels": 4, "channels": [2, 2, 2]},
    }
    with pytest.raises(ConfigError, match=r"tag\.networks\.x\.jet_image: 4 pixels cannot be halved 3 times"):
        require_consistent("x", build(given, NetworkConfig, "network"))


def test_thresholds_keep_their_side_in_single_precision() -> None:
    rng = np.random.default_rng(1)
    values = np.sort(rng.normal(size=2000).astype(np.float32))
    middles = (values[1:].astype(float) + values[:-1]) / 2
    kept = rounded_down(middles)
    assert ((values[:-1] <= kept) & (kept < values[1:])).all()
