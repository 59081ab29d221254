"""The judgement by its commands."""

import json

import pytest
from typer.testing import CliRunner

from resonaut.core.errors import EmptySelectionError, InputFileError
from resonaut.core.files import write_json
from resonaut.core.results import read
from resonaut.emulate.cli import app
from resonaut.emulate.results import Evaluation, Timing
from resonaut.physics.showers.files import write

from .toy_showers import GEOMETRY, showers

pytest.importorskip("torch")

SMALL = {
    "bins": 5, "nearest": 20, "shown": [4096], "classifier": {"hidden": [8], "seeds": 1, "epochs": 2, "patience": 1}
}  # fmt: skip


def call(*words) -> None:
    CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


@pytest.fixture
def given(tmp_path):
    """Frozen keys, and files of showers."""
    GEOMETRY.write(tmp_path / "binning.xml")
    voxels = {"particle": "photon", "binning": str(tmp_path / "binning.xml"), "threshold": 1}
    write_json(tmp_path / "keys.json", {"voxels": voxels, "evaluate": SMALL})
    for seed, name in enumerate(("simulated", "training", "emulated")):
        write(tmp_path / f"{name}.h5", showers(200, seed))
    files = [f"--{name}={tmp_path / name}.h5" for name in ("simulated", "training")]
    return ["evaluate", f"--config={tmp_path / 'keys.json'}", *files, f"--output={tmp_path / 'evaluation.json'}"]


def test_evaluations_of_a_model_and_the_floor(given, tmp_path) -> None:
    call(*given)
    floor = read(tmp_path / "evaluation.json", Evaluation)
    assert (floor.name, floor.overtraining) == ("simulation", None)
    model = [f"--emulated={tmp_path / 'emulated.h5'}", "--name=flow"]
    call(*given, *model)
    found, bytes_ = read(tmp_path / "evaluation.json", Evaluation), (tmp_path / "evaluation.json").read_bytes()
    assert (found.name, found.particle, found.threshold) == ("flow", "photon", 1)
    assert found.overtraining.showers == 60
    assert [one.number for one in found.layers] == [0, 1, 2, 3]
    call(*given, *model)
    assert (tmp_path / "evaluation.json").read_bytes() == bytes_


def test_wrong_showers_end_in_a_sentence(given, tmp_path) -> None:
    write(tmp_path / "emulated.h5", showers(200, 3, energies=(512.0, 4096.0)))
    with pytest.raises(EmptySelectionError, match=r"^there are 0 emulated showers at 32768 MeV"):
        call(*given, f"--emulated={tmp_path / 'emulated.h5'}", "--name=flow")
    with pytest.raises(InputFileError, match=r"missing\.h5"):
        call(*given, f"--emulated={tmp_path / 'missing.h5'}", "--name=flow")


def test_the_time_of_a_model(tmp_path, monkeypatch) -> None:
    class Instant:
        def sample(self, energies, seed) -> None:
            pass

    monkeypatch.setattr("resonaut.emulate.emulator.load", lambda path: Instant())
    write_json(tmp_path / "keys.json", {"timing": {"energies": [4096], "batches": [1, 3], "repeats": 1}})
    words = [f"--config={tmp_path / 'keys.json'}", f"--model={tmp_path / 'model.npz'}", "--name=flow"]
    call("time", *words, f"--output={tmp_path / 'timing.json'}")
    found = read(tmp_path / "timing.json", Timing)
    assert (found.name, [one.batch for one in found.times]) == ("flow", [1, 3])
    assert json.loads((tmp_path / "timing.json").read_text())["threads"] >= 1
