"""Models of showers: what they learn, seeds, files, graphs, and sentences."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from resonaut.core.errors import ConfigError, EmptySelectionError, InputFileError, ResonautError
from resonaut.core.record import build
from resonaut.emulate.emulator import KIND, Emulator, load
from resonaut.emulate.export import export
from resonaut.emulate.models import architectures
from resonaut.emulate.settings import Training
from resonaut.learn import store
from resonaut.learn.onnx import session
from resonaut.physics.showers.files import Showers
from resonaut.simulate import emulated

from .toy_showers import GEOMETRY, showers

THRESHOLD = 5.0
SMALL = {"layer_couplings": 2, "layer_hidden": [8], "couplings": 2, "hidden": [16], "epochs": 1}
TINY = {"layer_width": 8, "width": 16, "blocks": 1, "epochs": 1}
SIZES = {
    "flow": SMALL,
    "vae_flow": SMALL | {"latent": 3, "code_hidden": [8]},
    "vae": TINY | {"layer_latent": 2, "latent": 3},
    "flow_matching": TINY | {"layer_blocks": 1, "layer_steps": 2, "steps": 2},
    "gan": {
        "layer_width": 8,
        "layer_blocks": 1,
        "width": 8,
        "blocks": 1,
        "critic_width": 16,
        "critic_steps": 1,
        "steps": 100,
        "batch_size": 8,
    },
}


def training(architecture: str, binning, **settings) -> Training:
    voxels = {"particle": "photon", "binning": str(binning), "threshold": THRESHOLD}
    model = {"architecture": architecture, "settings": SIZES.get(architecture, {}) | settings}
    return build({"voxels": voxels, "model": model}, Training, "test")


@pytest.fixture(scope="module")
def binning(tmp_path_factory):
    path = tmp_path_factory.mktemp("emulate") / "binning.xml"
    GEOMETRY.write(path)
    return path


@pytest.fixture(scope="module", params=list(SIZES))
def emulator(request, binning) -> Emulator:
    return Emulator.fit(showers(600, 1), training(request.param, binning))


@pytest.fixture(scope="module")
def graph(emulator, tmp_path_factory):
    """The emulator's file for ``simulate``; tracing takes many seconds."""
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    export(emulator, path)
    return path


def test_all_folders_are_found() -> None:
    assert SIZES.keys() <= architectures().keys()


def test_file_gives_the_same_showers(emulator, tmp_path) -> None:
    energies = np.array([512.0, 4096.0, 700.0])
    made = emulator.sample(energies, 3)
    emulator.save(tmp_path / "model.npz")
    back = load(tmp_path / "model.npz")
    assert (back.training, back.geometry, back.energies) == (emulator.training, GEOMETRY, (512.0, 32768.0))
    np.testing.assert_array_equal(back.sample(energies, 3).voxels, made.voxels)
    assert (back.sample(energies, 4).voxels != made.voxels).any()
    np.testing.assert_array_equal(made.energies, energies)
    assert (made.voxels[made.voxels > 0] >= THRESHOLD * (1 - 3e-4)).all()


@pytest.mark.parametrize("architecture", SIZES)
def test_same_seed_same_bytes(architecture, binning, tmp_path) -> None:
    made = training(architecture, binning)
    for name, one in (("first", made), ("same", made), ("other", replace(made, model=replace(made.model, seed=2)))):
        Emulator.fit(showers(300, 1), one).save(tmp_path / name)
    first, same, other = (store.load(tmp_path / name, KIND, "").state for name in ("first", "same", "other"))
    assert (tmp_path / "first").read_bytes() == (tmp_path / "same").read_bytes()
    assert all((first[name] == same[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


def test_graph_makes_the_same_showers(emulator, graph) -> None:
    noise, energies = torch.randn(7, emulator.model.noise), torch.full((7,), 900.0)
    (found,) = session(graph.read_bytes()).run(None, {"noise": noise.numpy(), "energies": energies.numpy()})
    with torch.no_grad():
        expected = emulator.model.forward(noise, energies).numpy()
    np.testing.assert_allclose(found.sum(axis=1), expected.sum(axis=1), rtol=1e-4)
    assert (np.abs(found - expected).sum(axis=1) / 900 < 0.01).all()
    # The detector of ``simulate`` reads it.
    read = emulated.load(str(graph))
    assert (read.geometry, read.energies, read.noise) == (GEOMETRY, (512.0, 32768.0), emulator.model.noise)


def test_another_graph_is_refused(emulator, graph, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("resonaut.emulate.export.traced", lambda *_: graph.read_bytes())
    monkeypatch.setattr("resonaut.emulate.export.TOLERANCE", 0)
    with pytest.raises(ResonautError, match="cannot be exported"):
        export(emulator, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize(
    ("energy", "sentence"),
    [
        (np.nan, "the incident energy nan MeV is no finite number"),
        (-5.0, "the incident energy -5 MeV is not positive"),
        (0.0, "the incident energy 0 MeV is not positive"),
        (500.0, "500 MeV is outside the range of its training, 512 to 32768 MeV"),
        (4e4, "40000 MeV is outside the range"),
    ],
)
def test_energies_that_no_model_knows(emulator, energy, sentence) -> None:
    with pytest.raises(ResonautError, match=sentence):
        emulator.sample(np.array([1000.0, energy]), 1)


def test_faults_end_in_a_sentence(binning, emulator, tmp_path) -> None:
    with pytest.raises(EmptySelectionError, match="99 showers are too few"):
        Emulator.fit(showers(99, 1), training("flow", binning))
    with pytest.raises(ConfigError, match="unknown architecture of showers 'gann'"):
        Emulator.fit(showers(200, 1), training("gann", binning))
    with pytest.raises(ConfigError, match="unknown key 'hiden'; did you mean 'hidden'"):
        Emulator.fit(showers(200, 1), training("flow", binning, hiden=[3]))
    unknown = replace(training("flow", binning).voxels, binning=None, particle="muon")
    with pytest.raises(ResonautError, match="for photon, pion, electron, not for 'muon'"):
        Emulator.fit(showers(200, 1), replace(training("flow", binning), voxels=unknown))
    emulator.save(tmp_path / "model.npz")
    held = store.load(tmp_path / "model.npz", "emulator of showers", "")
    state = dict(list(held.state.items())[:-1])
    store.save(tmp_path / "other.npz", replace(held, state=state))
    with pytest.raises(InputFileError, match="another version of its architecture"):
        load(tmp_path / "other.npz")


def test_layer_energies_are_learned(binning) -> None:
    """Mean and width of the response and of two layers are those of the showers."""
    settings = {"layer_couplings": 2, "layer_hidden": [16], "couplings": 2, "hidden": [16]}
    made = training("flow", binning, **settings, epochs=12, batch_size=128, learning_rate=0.01)
    emulator = Emulator.fit(showers(3000, 1), made)
    truth = showers(2000, 2, energies=(4096.0,))
    sample = emulator.sample(truth.energies, 1)
    for found, expected in zip(shares(sample), shares(truth), strict=True):
        assert abs(found.mean() - expected.mean()) < 0.2 * expected.std()
        assert abs(np.log(found.std() / expected.std())) < 0.2


def shares(sample: Showers) -> list[np.ndarray]:
    """Response, and the part of each layer with many voxels."""
    layers = [sample.voxels[:, part].sum(axis=1) for part in GEOMETRY.slices]
    return [sum(layers) / sample.energies, *(layers[place] / sample.energies for place in (1, 2))]


def test_commands(binning, tmp_path, monkeypatch) -> None:
    from typer.testing import CliRunner

    from resonaut.emulate.cli import app
    from resonaut.physics.showers.files import read, write

    write(tmp_path / "train.h5", showers(300, 1))
    config = {"voxels": {"binning": str(binning)}, "model": {"architecture": "flow", "settings": SMALL}}
    (tmp_path / "train.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    for words in (
        "train --config train.json --showers train.h5 --output model.npz",
        "sample --model model.npz --like train.h5 --output like.h5 --seed 4",
        "sample --model model.npz --energy 600 --energy 800 --number 3 --output six.h5",
    ):
        result = runner.invoke(app, words.split(), catch_exceptions=False)
        assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(read(tmp_path / "like.h5", GEOMETRY).energies, showers(300, 1).energies)
    assert read(tmp_path / "six.h5", GEOMETRY).energies.tolist() == [600] * 3 + [800] * 3
    with pytest.raises(ConfigError, match="by --energy, or files that have some by --like"):
        runner.invoke(app, ["sample", "--model", "model.npz", "--output", "six.h5"], catch_exceptions=False)
