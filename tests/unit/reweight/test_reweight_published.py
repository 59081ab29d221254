"""Published networks: declared inputs, both directions against the numerator, and refusals."""

import io
import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.events import Dataset
from resonaut.core.files import write_json
from resonaut.reweight.cli import app

# p1 / p0 is exp(TILT * z), z the input of the first particle; so is the ratio of the numerator "two" to "one".
TILT = 0.5


class Tilted(torch.nn.Module):
    """(n, 2 particles, 2 inputs), the second input its code: probabilities of two samples."""

    def __init__(self, softmax: bool = True) -> None:
        super().__init__()
        self.softmax = softmax

    def forward(self, x):
        logits = torch.stack([0 * x[:, 0, 0], (x[:, :, 0] * (x[:, :, 1] < 0.15)).sum(dim=1) * TILT], dim=1)
        return logits.softmax(dim=1) if self.softmax else logits


@pytest.fixture
def exported(tmp_path, monkeypatch):
    # Torch asks for the package onnx only to look for functions that this graph does not have.
    exporter = "torch.onnx._internal.torchscript_exporter.onnx_proto_utils._add_onnxscript_fn"
    monkeypatch.setattr(exporter, lambda graph, opsets: graph)

    def export(name: str, module: torch.nn.Module) -> Path:
        buffer = io.BytesIO()
        axes = {"x": {0: "N"}, "y": {0: "N"}}
        with pytest.warns(DeprecationWarning, match="TorchScript-based ONNX export|will be removed"):
            torch.onnx.export(
                module.eval(),
                (torch.zeros(3, 2, 2),),
                buffer,
                input_names=["x"],
                output_names=["y"],
                dynamic_axes=axes,
                dynamo=False,
                opset_version=15,
            )
        (tmp_path / name).write_bytes(buffer.getvalue())
        return tmp_path / name

    return export


def simulated(folder: Path, name: str, mean: float, seed: int) -> Path:
    """Events with ``t_pt``, whose decimal logarithm is normal with the width 1, and ``w_pt`` likewise around 0."""
    n, rng = 6000, np.random.default_rng(seed)
    columns = {"run": np.full(n, seed, np.int64), "luminosityBlock": np.zeros(n, np.int64)}
    columns |= {"event": np.arange(n, dtype=np.int64), "gen_weight": np.ones(n)}
    columns |= {"t_pt": 10 ** rng.normal(mean, 1, n), "w_pt": 10 ** rng.normal(0, 1, n)}
    events.write(folder / "skim" / name / "000.parquet", [ak.Array(columns)], {})
    content = {"name": name, "nature": "simulation", "chunks": ["000"], "events": n, "luminosity": None, "era": None}
    content |= {"cross_section": 1.0, "mass": None, "weight_scale": 1.0, "cutflow": [], "lost": [], "notes": []}
    write_json(folder / "skim" / f"{name}.json", content | {"dropped": {}, "variations": {}})
    return folder / "skim" / f"{name}.json"


def inputs(**changes: Any) -> list[list[dict[str, Any]]]:
    """(log10 pT, code) of both; ``changes`` of the first."""
    return [
        [{"column": c, "log": "decimal"} | more, {"value": code}]
        for c, code, more in (("t_pt", 0.1, changes), ("w_pt", 0.2, {}))
    ]


def run(folder: Path, published: dict[str, Any], mean: float = TILT) -> dict[str, Any]:
    paths = {name: simulated(folder, name, at, seed) for name, at, seed in (("two", mean, 2), ("one", 0.0, 1))}
    section = {"numerator": {"datasets": ["two"]}, "denominator": {"datasets": ["one"]}, "published": published}
    write_json(
        folder / "config.json",
        section | {"clip": [0.001, 1000], "comparison": {"bins": 10, "replicas": 20, "alike": 20}},
    )
    output = folder / "reweight" / "known" / "closure.json"
    command = ["ratio", "--config", folder / "config.json", "--name", "known", "--output", output]
    command += ["--numerator", paths["two"], "--denominator", paths["one"]]
    CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    return json.loads(output.read_text())


def chi2(found: dict[str, Any], when: str) -> float:
    return found[when]["variables"][0]["test"]["chi2"]


@pytest.mark.parametrize("direction", [None, "p1/p0"])
def test_the_ratio_of_a_published_network_is_applied_in_the_direction_that_closes(tmp_path, exported, direction):
    path = exported("known.onnx", Tilted())
    found = run(tmp_path, {"file": str(path), "inputs": inputs(), "direction": direction})
    assert [variable["name"] for variable in found["after"]["variables"]] == ["t_pt", "w_pt"]
    assert chi2(found, "after") < 30 < 100 < chi2(found, "before")
    made = Dataset.open(tmp_path / "skim" / "one.json").read(["t_pt", "reweight_known"], ["reweight/known"])
    true = np.exp(TILT * np.log10(ak.to_numpy(made.t_pt)))
    assert ak.to_numpy(made.reweight_known) == pytest.approx(true / true.mean(), rel=1e-4)
    # A single network has neither an ensemble nor folds.
    assert found["spread"] == {}


def test_the_other_direction_is_found_and_a_wrong_one_named(tmp_path, exported):
    path = exported("known.onnx", Tilted())
    given = {"file": str(path), "inputs": inputs()}
    found = run(tmp_path, given, mean=-TILT)
    assert chi2(found, "after") < 30
    with pytest.raises(ConfigError, match=r"look like the numerator as p0/p1, not p1/p0; correct direction\."):
        run(tmp_path, given | {"direction": "p1/p0"}, mean=-TILT)


def test_what_closes_in_neither_direction_is_refused(tmp_path, exported):
    path = exported("known.onnx", Tilted())
    # The natural logarithm in place of the decimal one, and the codes exchanged.
    with pytest.raises(ConfigError, match="look like the numerator in neither direction; correct inputs"):
        run(tmp_path, {"file": str(path), "inputs": inputs(log="natural")})
    exchanged = [[first, {"value": 0.3 - code["value"]}] for first, code in inputs()]
    with pytest.raises(ConfigError, match="in neither direction"):
        run(tmp_path, {"file": str(path), "inputs": exchanged})


def test_a_numerator_that_does_not_tell_the_directions_apart_is_refused(tmp_path, exported):
    path = exported("flat.onnx", Tilted())
    flat = inputs(scale=1e6)
    with pytest.raises(ConfigError, match="in both directions; set the direction that its authors name"):
        run(tmp_path, {"file": str(path), "inputs": flat}, mean=0.0)
    assert run(tmp_path, {"file": str(path), "inputs": flat, "direction": "p0/p1"}, mean=0.0)["spread"] == {}


def test_files_that_are_no_such_networks_are_refused(tmp_path, exported):
    (tmp_path / "text.onnx").write_text("no graph")
    for name, words in (("absent.onnx", "no such file"), ("text.onnx", "not a readable ONNX model")):
        with pytest.raises(InputFileError, match=words):
            run(tmp_path, {"file": str(tmp_path / name), "inputs": inputs()})
    logits = exported("logits.onnx", Tilted(softmax=False))
    with pytest.raises(InputFileError, match="its outputs are no probabilities of two samples"):
        run(tmp_path, {"file": str(logits), "inputs": inputs()})
    path = exported("known.onnx", Tilted())
    with pytest.raises(InputFileError, match=r"refuses inputs of shape \(6000, 2\)"):
        run(tmp_path, {"file": str(path), "inputs": inputs()[:1]})
