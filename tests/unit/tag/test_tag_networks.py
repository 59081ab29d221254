import dataclasses
import io

import numpy as np
import pytest
import torch

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.learn import store
from resonaut.tag import networks
from resonaut.tag.architectures import require_consistent
from resonaut.tag.inputs import jet_inputs
from resonaut.tag.settings import NetworkTraining
from resonaut.tag.tagger import load

NAMES = ("part", "particlenet")


@pytest.fixture
def inputs(make_events):
    return jet_inputs(make_events(50, seed=5), "j1", 12)


@pytest.fixture
def module(settings):
    def make(name):
        torch.manual_seed(1)
        return networks.build(settings.networks[name]).eval()

    return make


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_probabilities_that_do_not_depend_on_the_batches(name, module, settings, inputs):
    tagger = networks.from_module(name, settings.networks[name], module(name), "cpu")
    scores = tagger.scores(inputs, batch_size=7)
    assert scores.shape == (50, 4)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    assert scores.std(axis=0).min() > 1e-4  # the jets differ
    np.testing.assert_allclose(scores, tagger.scores(inputs, batch_size=50), atol=1e-5)
    np.testing.assert_allclose(scores[3:4], tagger.scores(inputs.take(np.array([3])), batch_size=7), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_padding_is_hidden_from_the_network(name, module, settings, inputs):
    tagger = networks.from_module(name, settings.networks[name], module(name), "cpu")
    padded = ~inputs.mask.repeat(7, axis=1)
    other = dataclasses.replace(inputs, features=np.where(padded, 3.0, inputs.features).astype("f4"))
    np.testing.assert_allclose(tagger.scores(other, 16), tagger.scores(inputs, 16), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_comes_back_and_equal_models_have_equal_bytes(name, module, settings, inputs, tmp_path):
    network = settings.networks[name]
    for file in ("first.npz", "second.npz"):
        networks.save(tmp_path / file, name, network, module(name).state_dict())
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()
    tagger = load(tmp_path / "first.npz", "cpu")
    assert (tagger.name, tagger.settings) == (name, network)
    expected = networks.from_module(name, network, module(name), "cpu").scores(inputs, 16)
    np.testing.assert_allclose(tagger.scores(inputs, 16), expected, atol=1e-5)


def test_a_model_that_was_changed_is_refused(module, settings, tmp_path):
    """Rows of the last layer exchanged: the classes' scores would be, too."""
    path, network = tmp_path / "pn.npz", settings.networks["particlenet"]
    networks.save(path, "pn", network, module("particlenet").state_dict())
    with np.load(path) as stored:
        entries = dict(stored)
    last = list(entries)[-1]
    entries[last] = entries[last][::-1]
    np.savez(path, **entries)
    with pytest.raises(InputFileError, match=r"pn\.npz: was changed after it was made; make it with `resonaut tag tr"):
        load(path, "cpu")


def test_published_outputs_of_one_class_add_up_and_others_are_ignored(module, settings, inputs):
    network = settings.networks["part"]
    mapped = dataclasses.replace(network, outputs=["2prong", "qcd", "2prong", "ignore"])
    scores = networks.from_module("part", mapped, module("part"), "cpu").scores(inputs, 16)
    raw = networks.from_module("part", network, module("part"), "cpu").scores(inputs, 16)
    assert mapped.classes == ["2prong", "qcd"]
    np.testing.assert_allclose(scores[:, 1], raw[:, 1] / raw[:, :3].sum(axis=1), rtol=1e-4)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("prefix", ["", "mod."])
def test_published_state_dictionaries_load_with_and_without_prefix(prefix, module, settings, inputs, tmp_path):
    network = module("particlenet")
    state = {prefix + k: v for k, v in network.mod.state_dict().items()}
    torch.save(state | {k: v.double() for k, v in state.items() if v.is_floating_point()}, tmp_path / "weights.pt")
    tagger, weights = networks.published(tmp_path / "weights.pt", "pn", settings.networks["particlenet"], "cpu")
    expected = networks.from_module("pn", settings.networks["particlenet"], network, "cpu").scores(inputs, 16)
    np.testing.assert_array_equal(tagger.scores(inputs, 16), expected)
    assert {k: v.dtype for k, v in weights.items()} == {k: v.dtype for k, v in network.state_dict().items()}


def test_files_that_are_no_model_are_named(module, settings, tmp_path):
    network = settings.networks["part"]
    with pytest.raises(InputFileError, match=r"absent\.npz: no such model file; make it with `resonaut tag train`"):
        load(tmp_path / "absent.npz", "cpu")
    torch.save(module("part").state_dict(), tmp_path / "bare.pt")
    with pytest.raises(
        InputFileError, match=r"bare\.pt: not a model file.*which adopts tag\.networks\.<name>\.weights"
    ):
        load(tmp_path / "bare.pt", "cpu")
    store.save(tmp_path / "other.npz", store.Model("tagger", {}, {}))
    with pytest.raises(ConfigError, match=r"other\.npz: "):
        load(tmp_path / "other.npz", "cpu")
    with pytest.raises(InputFileError, match=r"absent\.pt: no such file of weights; correct tag\.networks"):
        networks.published(tmp_path / "absent.pt", "part", network, "cpu")
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(InputFileError, match=r"text\.pt: not a file of torch weights"):
        networks.published(tmp_path / "text.pt", "part", network, "cpu")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(InputFileError, match="not a readable ONNX model"):
        networks.published(tmp_path / "text.onnx", "part", network, "cpu")


def test_weights_of_another_network_are_refused(module, settings, tmp_path):
    network = settings.networks["part"]
    torch.save(module("part").state_dict(), tmp_path / "weights.pt")
    three = dataclasses.replace(network, outputs=["qcd", "2prong", "3prong"])
    with pytest.raises(InputFileError, match=r"has 4 outputs, not 3; set the outputs and sizes of tag\.networks\.x"):
        networks.published(tmp_path / "weights.pt", "x", three, "cpu")
    with pytest.raises(InputFileError, match="does not fit"):
        networks.published(tmp_path / "weights.pt", "x", settings.networks["particlenet"], "cpu")


def test_sizes_that_contradict_each_other_are_named(settings):
    part, particlenet = (settings.networks[name] for name in NAMES)
    three_heads = dataclasses.replace(part.transformer, heads=3)
    with pytest.raises(ConfigError, match=r"tag\.networks\.x\.transformer: 3 heads do not divide"):
        require_consistent("x", dataclasses.replace(part, transformer=three_heads))
    with pytest.raises(ConfigError, match=r"tag\.networks\.x\.edge_conv\.neighbours is \d+, not below"):
        require_consistent("x", dataclasses.replace(particlenet, max_constituents=3))


def test_a_training_of_published_weights_is_refused(settings):
    network = dataclasses.replace(settings.networks["part"], weights="some.pt")
    require_consistent("x", network)
    trained = dataclasses.replace(network, training=NetworkTraining(mass_bins=4))
    with pytest.raises(ConfigError, match=r"tag\.networks\.x: weights are given, and nothing is trained"):
        require_consistent("x", trained)


class _Export(torch.nn.Module):
    """As weaver exports: the softmax inside, the four inputs by name."""

    def __init__(self, network, softmax=True):
        super().__init__()
        self.network, self.softmax = network, softmax

    def forward(self, pf_points, pf_features, pf_mask):
        logits = self.network.mod(pf_points, pf_features, pf_mask > 0.5)
        return logits.softmax(dim=1) if self.softmax else logits


@pytest.fixture(params=[True])
def onnx_file(request, module, weaver, inputs, tmp_path, monkeypatch):
    # Torch asks for the package onnx only to look for functions that this graph does not have.
    exporter = "torch.onnx._internal.torchscript_exporter.onnx_proto_utils._add_onnxscript_fn"
    monkeypatch.setattr(exporter, lambda graph, opsets: graph)
    names = ["pf_points", "pf_features", "pf_mask"]
    given = (inputs.features[:, 5:7], inputs.features, inputs.mask.astype("f4"))
    buffer = io.BytesIO()
    with pytest.warns(DeprecationWarning, match="TorchScript-based ONNX export|will be removed"):
        torch.onnx.export(
            _Export(weaver("particlenet", module("particlenet")), request.param).eval(),
            tuple(torch.from_numpy(np.ascontiguousarray(array[:4])) for array in given),
            buffer,
            input_names=names,
            output_names=["softmax"],
            dynamic_axes={name: {0: "N", 2: "P"} for name in names} | {"softmax": {0: "N"}},
            dynamo=False,
            opset_version=15,
        )
    path = tmp_path / "network.onnx"
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize("onnx_file", [False], indirect=True)
def test_an_onnx_export_without_softmax_is_refused(onnx_file, settings, inputs):
    tagger, _ = networks.published(onnx_file, "pn", settings.networks["particlenet"], "cpu")
    with pytest.raises(
        InputFileError, match=r"network\.onnx: its outputs are no probabilities; export it with its softmax"
    ):
        tagger.scores(inputs, 16)


def test_an_onnx_export_scores_as_its_network(onnx_file, module, settings, inputs, tmp_path):
    network = settings.networks["particlenet"]
    _, weights = networks.published(onnx_file, "pn", network, "cpu")
    networks.save(tmp_path / "pn.npz", "pn", network, weights)
    scores = load(tmp_path / "pn.npz", "cpu").scores(inputs, 16)
    expected = networks.from_module("pn", network, module("particlenet"), "cpu").scores(inputs, 16)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    two = dataclasses.replace(network, outputs=["qcd", "2prong"])
    with pytest.raises(InputFileError, match="has 4 outputs, not 2"):
        networks.published(onnx_file, "pn", two, "cpu")
