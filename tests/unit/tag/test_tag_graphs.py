"""Networks as onnxruntime runs them: the scores of their modules, whatever else is in the batch, and without torch."""

import json
import subprocess
import sys

import awkward as ak
import numpy as np
import pytest
import torch

from resonaut.core.errors import InputFileError
from resonaut.learn import store
from resonaut.tag import networks, training
from resonaut.tag.inputs import Inputs, jet_inputs
from resonaut.tag.tagger import load

NAMES = ("part", "particlenet")
JETS = 64


@pytest.fixture(params=[False, True], ids=["apart", "tied"])
def inputs(request, make_events):
    """Jets whose constituents' directions all differ, or lie on a grid, so that many are equally near or the same."""
    events = make_events(JETS, seed=5)
    if request.param:
        for name in ("j1_pf_eta", "j1_pf_phi"):
            axis = events[name.replace("_pf", "")]
            events[name] = ak.values_astype(axis + np.round((events[name] - axis) * 8) / 8, "f4")
        for name in ("j1_eta", "j1_phi"):
            events[name.replace("j1_", "j1_pf_")] = events[name.replace("j1_", "j1_pf_")] - events[name]
            events[name] = ak.zeros_like(events[name])
    return jet_inputs(events, "j1", 14)


@pytest.fixture
def module(settings):
    """A function: a network as if it had been trained, its normalisations too."""

    def make(name):
        torch.manual_seed(3)
        made = networks.build(settings.networks[name]).eval()
        for key, values in made.state_dict().items():
            if key.endswith(("running_mean", "running_var", ".bias", "c_attn", "w_resid")):
                values.add_(torch.rand_like(values))
        return made

    return make


def scored(tagger, inputs: Inputs, size: int, places: int | None = None) -> np.ndarray:
    """The outputs in batches of so many jets, as long as needed or of so many places."""
    found = []
    for first in range(0, len(inputs), size):
        jets = np.arange(first, min(first + size, len(inputs)))
        longest = max(int(inputs.counts[jets].max()), tagger.shortest)
        found.append(tagger.outputs(inputs.take(jets, longest if places is None else places)))
    return np.concatenate(found)


@pytest.fixture(params=["module", "graph"])
def backend(request, module, settings, tmp_path):
    """A function: a network as torch or onnxruntime runs it."""

    def make(name):
        network = settings.networks[name]
        if request.param == "module":
            return networks.from_module(name, network, module(name), "cpu")
        networks.save(tmp_path / f"{name}.npz", name, network, module(name).state_dict())
        return load(tmp_path / f"{name}.npz", "cpu")

    return make


@pytest.mark.parametrize("name", NAMES)
def test_scores_depend_on_the_jet_alone(name, backend, module, settings, inputs) -> None:
    """Nor on the library: the first of the batch sizes in torch is the reference."""
    reference = scored(networks.from_module(name, settings.networks[name], module(name), "cpu"), inputs, 1)
    assert reference.std(axis=0).min() > 1e-3  # the jets differ
    tagger = backend(name)
    for size, places in ((1, None), (7, None), (64, None), (1, 14), (7, 14)):
        np.testing.assert_allclose(scored(tagger, inputs, size, places), reference, atol=2e-6)
    order = np.random.default_rng(1).permutation(JETS)
    np.testing.assert_allclose(scored(tagger, inputs.take(order), 7), reference[order], atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("inputs", [False], indirect=True)
def test_without_ties_they_are_those_of_weaver(name, module, settings, inputs, weaver) -> None:
    own = module(name)
    with torch.inference_mode():
        expected = weaver(name, own)(*networks.tensors(inputs, "cpu")).softmax(dim=1).numpy()
    tagger = networks.from_module(name, settings.networks[name], own, "cpu")
    np.testing.assert_allclose(scored(tagger, inputs, JETS, 14), expected, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("inputs", [False], indirect=True)
def test_a_trained_network_is_the_same_in_both_libraries(name, settings, labelled, inputs, tmp_path) -> None:
    training.make_model(settings, name, labelled, tmp_path / "m.npz", tmp_path / "m.json")
    state = store.load(tmp_path / "m.npz", networks.KIND, "").state
    own = networks.from_arrays(tmp_path / "m.npz", name, settings.networks[name], state, "cpu")
    found = load(tmp_path / "m.npz", "cpu").scores(inputs, 7)
    assert found.std(axis=0).min() > 1e-3
    np.testing.assert_allclose(found, own.scores(inputs, 7), rtol=0, atol=1e-4)


def test_jets_are_scored_without_torch(module, settings, section, simulation, tmp_path) -> None:
    words = ["tag", "score", "--config", tmp_path / "tag.json", "--dataset", simulation[1], "--chunk", "000"]
    for name, network in settings.networks.items():
        networks.save(tmp_path / f"{name}.npz", name, network, module(name).state_dict())
        words += ["--model", tmp_path / f"{name}.npz"]
    (tmp_path / "tag.json").write_text(json.dumps(section))
    words = [str(word) for word in [*words, "--output", tmp_path / "scores.parquet"]]
    program = f"""
import sys
sys.modules |= dict.fromkeys(["torch", "weaver"])  # to import them is an error
from resonaut.cli import main
sys.argv[1:] = {words!r}
main()
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "scores.parquet").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_the_weights_of_another_network_is_named(name, module, settings, tmp_path) -> None:
    other = next(other for other in NAMES if other != name)
    networks.save(tmp_path / "m.npz", name, settings.networks[name], module(other).state_dict())
    with pytest.raises(InputFileError, match=r"m\.npz: does not fit the graph of \w+ \('.*'\); make it again with"):
        load(tmp_path / "m.npz", "cpu")
    wide = {
        key: values.repeat(2, *[1] * (values.dim() - 1))
        for key, values in module(name).state_dict().items()
        if values.dim()
    }
    networks.save(tmp_path / "m.npz", name, settings.networks[name], wide)
    with pytest.raises(InputFileError, match=r"m\.npz: does not fit the graph of "):
        load(tmp_path / "m.npz", "cpu").scores(Inputs(*(np.ones((1, n, 5), "f4") for n in (7, 4)), np.array([5])), 1)
