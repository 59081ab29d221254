"""Published networks: declared inputs, both directions against the numerator, and refusals."""

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch
from scipy.stats import norm
from typer.testing import CliRunner

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.core.events import Dataset
from resonaut.core.files import write_json
from resonaut.core.record import build
from resonaut.core.weights import Weights
from resonaut.reweight.cli import app
from resonaut.reweight.network import Graph
from resonaut.reweight.settings import Published

# p1 / p0 is exp(TILT * z), z the input of the first particle; so is the ratio of the numerator "two" to "one".
TILT = 0.5


class Tilted(torch.nn.Module):
    """(n, 2 particles, 2 inputs), the second input its code: probabilities of two samples."""

    def __init__(self, form: str = "softmax", shift: float = 0.0) -> None:
        super().__init__()
        self.form, self.shift = form, shift

    def forward(self, x):
        tilt = (x[:, :, 0] * (x[:, :, 1] < 0.15)).sum(dim=1) * TILT + self.shift
        if self.form == "sigmoid":
            return tilt.sigmoid()
        logits = torch.stack([0 * tilt, tilt, tilt] if self.form == "three" else [0 * tilt, tilt], dim=1)
        return logits if self.form == "logits" else logits.softmax(dim=1)


class Split(Tilted):
    """The same of two arrays, momenta (n, 2) and codes (n, 2), with a second output."""

    def forward(self, x, codes):
        return super().forward(torch.stack([x, codes], dim=2)), x.sum(dim=1)


@pytest.fixture
def exported(export_onnx):
    def export(name: str, module: torch.nn.Module) -> Path:
        if isinstance(module, Split):
            return export_onnx(name, module, ("y", "other"), x=torch.zeros(3, 2), codes=torch.zeros(3, 2))
        return export_onnx(name, module, x=torch.zeros(3, 2, 2))

    return export


def simulated(folder: Path, name: str, mean: float, seed: int) -> Path:
    """Events with ``t_pt``, whose decimal logarithm is normal with the width 1, and ``w_pt`` likewise around 0."""
    n, rng = 6000, np.random.default_rng(seed)
    columns = {"run": np.full(n, seed, np.int64), "luminosityBlock": np.zeros(n, np.int64)}
    columns |= {"event": np.arange(n, dtype=np.int64), "gen_weight": np.ones(n)}
    columns |= {"t_pt": 10 ** rng.normal(mean, 1, n), "w_pt": 10 ** rng.normal(0, 1, n)}
    columns["tilted"] = np.exp(TILT * np.log10(columns["t_pt"]))
    events.write(folder / "skim" / name / "000.parquet", [ak.Array(columns)], {})
    content = {"name": name, "nature": "simulation", "chunks": ["000"], "events": n, "luminosity": None, "era": None}
    content |= {"cross_section": 1.0, "mass": None, "weight_scale": 1.0, "cutflow": [], "lost": [], "notes": []}
    write_json(folder / "skim" / f"{name}.json", content | {"dropped": {}, "variations": {}})
    return folder / "skim" / f"{name}.json"


def inputs(codes: tuple[Any, Any] = (0.1, 0.2), **changes: Any) -> dict[str, list[list[dict[str, Any]]]]:
    """(log10 pT, code) of both; ``changes`` of the first."""
    values = [code if isinstance(code, dict) else {"value": code} for code in codes]
    columns = [{"column": "t_pt", "log": "decimal"} | changes, {"column": "w_pt", "log": "decimal"}]
    return {"x": [list(row) for row in zip(columns, values, strict=True)]}


def run(folder: Path, published: dict[str, Any], mean: float = TILT, **section: Any) -> dict[str, Any]:
    paths = {name: simulated(folder, name, at, seed) for name, at, seed in (("two", mean, 2), ("one", 0.0, 1))}
    section = {"numerator": {"datasets": ["two"]}} | section
    section |= {"denominator": {"datasets": ["one"]}, "published": published}
    write_json(
        folder / "config.json",
        {"clip": [0.001, 1000], "comparison": {"bins": 10, "replicas": 20, "alike": 20}} | section,
    )
    output = folder / "reweight" / "known" / "closure.json"
    command = ["published", "--config", folder / "config.json", "--name", "known", "--output", output]
    above = section["numerator"]["datasets"] if section["numerator"] else []
    command += ["--denominator", paths["one"], *(part for name in above for part in ("--numerator", paths[name]))]
    CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    return json.loads(output.read_text())


def chi2(found: dict[str, Any], when: str) -> float:
    return found[when]["variables"][0]["test"]["chi2"]


@pytest.mark.parametrize("direction", [None, "p1/p0"])
def test_the_ratio_of_a_published_network_is_applied_in_the_direction_that_closes(tmp_path, exported, direction):
    path = exported("known.onnx", Tilted())
    found = run(tmp_path, {"files": [str(path)], "inputs": inputs(), "direction": direction})
    assert [variable["name"] for variable in found["after"]["variables"]] == ["t_pt", "w_pt"]
    assert chi2(found, "after") < 30 < 100 < chi2(found, "before")
    made = Dataset.open(tmp_path / "skim" / "one.json").read(["t_pt", "reweight_known"], ["reweight/known"])
    true = np.exp(TILT * np.log10(ak.to_numpy(made.t_pt)))
    assert ak.to_numpy(made.reweight_known) == pytest.approx(true / true.mean(), rel=1e-4)
    # A single network has neither an ensemble nor folds.
    assert found["spread"] == {}


def test_the_other_direction_is_found_and_a_wrong_one_named(tmp_path, exported):
    path = exported("known.onnx", Tilted())
    given = {"files": [str(path)], "inputs": inputs()}
    found = run(tmp_path, given, mean=-TILT)
    assert chi2(found, "after") < 30
    assert [(one["direction"], one["closes"]) for one in found["published"]] == [("p1/p0", False), ("p0/p1", True)]
    with pytest.raises(ConfigError) as caught:
        run(tmp_path, given | {"direction": "p1/p0"}, mean=-TILT)
    assert "look like the target as p0/p1, not as declared (as p1/p0 chi2/ndf of t_pt goes from " in str(caught.value)
    assert not (tmp_path / "reweight" / "known" / "two").exists()


def test_what_closes_in_neither_direction_is_refused(tmp_path, exported):
    path = exported("known.onnx", Tilted())
    # The natural logarithm in place of the decimal one, and the codes exchanged.
    for wrong in (inputs(log="natural"), inputs((0.2, 0.1))):
        with pytest.raises(
            ConfigError, match=r"target in neither direction \(as p1/p0 .*; as p0/p1 .*\); correct inputs"
        ):
            run(tmp_path, {"files": [str(path)], "inputs": wrong})


def test_other_codes_that_close_are_named_and_not_taken(tmp_path, exported):
    path = exported("known.onnx", Tilted())
    codes = tuple({"value": value, "alternatives": [0.6, other]} for value, other in ((0.2, 0.1), (0.1, 0.2)))
    with pytest.raises(ConfigError, match="as p1/p0 with alternative 2 of the values, not as declared"):
        run(tmp_path, {"files": [str(path)], "inputs": inputs(codes), "direction": "p1/p0"})


def test_a_numerator_that_does_not_tell_the_directions_apart_is_refused(tmp_path, exported):
    path = exported("flat.onnx", Tilted())
    flat = inputs(scale=1e6)
    with pytest.raises(ConfigError, match="in both directions; set the direction that its authors name"):
        run(tmp_path, {"files": [str(path)], "inputs": flat}, mean=0.0)
    assert run(tmp_path, {"files": [str(path)], "inputs": flat, "direction": "p0/p1"}, mean=0.0)["spread"] == {}


def histogram(mean: float) -> dict[str, Any]:
    """``t_pt`` of the target, as a publication has it, and in other units."""
    edges = np.linspace(-2.5, 3, 12)
    shares = np.diff(norm.cdf(edges, mean))
    return {"variable": "t_pt", "edges": list(10**edges), "values": list(7 * shares), "errors": list(0.1 * shares)}


def test_a_histogram_is_a_target(tmp_path, exported):
    path = exported("known.onnx", Tilted())
    given = {"files": [str(path)], "inputs": inputs(), "histograms": [histogram(TILT)]}
    found = run(tmp_path, given, numerator=None)
    assert found["before"] is found["after"] is None
    assert [one["closes"] for one in found["published"]] == [True, False]
    assert found["published"][1]["worst"] == "t_pt (histogram)"
    with pytest.raises(ConfigError, match="in neither direction"):
        run(tmp_path, given | {"histograms": [histogram(3 * TILT)]}, numerator=None)
    # What the numerator allows, another distribution may not.
    with pytest.raises(ConfigError, match=r"chi2/ndf of t_pt \(histogram\)"):
        run(tmp_path, given | {"histograms": [histogram(-3 * TILT)], "direction": "p1/p0"})


def test_another_weight_of_the_same_events_is_a_target(tmp_path, exported):
    path = exported("known.onnx", Tilted())
    found = run(
        tmp_path,
        {"files": [str(path)], "inputs": inputs()},
        numerator={"datasets": ["one"], "weight": "tilted"},
    )
    assert [one["closes"] for one in found["published"]] == [True, False]
    # The true ratio of each event is known then.
    assert found["learned"]["largest"] == pytest.approx(found["exact"]["largest"], rel=1e-3)
    assert np.abs(found["truth"][0]["closure"]).max() < 1e-5


@pytest.mark.parametrize("mean", ["ratios", "outputs"])
def test_copies_are_averaged_and_their_spread_is_a_variation(tmp_path, exported, mean):
    paths = [exported(f"{i}.onnx", Tilted(shift=shift)) for i, shift in enumerate((-0.3, 0.3))]
    section = {"role": "nominal"}
    run(tmp_path, {"files": list(map(str, paths)), "inputs": inputs(), "mean": mean}, **section)
    names = ["t_pt", "reweight_known", "reweight_known_ensemble"]
    made = Dataset.open(tmp_path / "skim" / "one.json").read(names, ["reweight/known"])
    z = TILT * np.log10(ak.to_numpy(made.t_pt))
    members = np.stack([np.exp(z + shift) for shift in (-0.3, 0.3)])
    output = (members / (1 + members)).mean(axis=0)
    true = members.mean(axis=0) if mean == "ratios" else output / (1 - output)
    assert ak.to_numpy(made.reweight_known) == pytest.approx(true / true.mean(), rel=1e-4)
    toys = ak.to_numpy(ak.to_regular(made.reweight_known_ensemble))
    assert toys[:, 0] == pytest.approx(members[0] / members[0].mean(), rel=1e-4)


def test_one_way_of_an_uncertainty_is_a_weight_of_later_stages(tmp_path, exported):
    # The spread of two copies is no uncertainty of what is one itself.
    paths = [str(exported(name, Tilted())) for name in ("one.onnx", "two.onnx")]
    run(tmp_path, {"files": paths, "inputs": inputs()}, role="up", source="h_damp")
    dataset = Dataset.open(tmp_path / "skim" / "one.json")
    weights = Weights.of(dataset, ["reweight/known"])
    assert [one.name for one in weights.variations] == ["__", "h_damp__without", "h_damp_h_damp_up"]
    batch = next(dataset.iterate(["t_pt", *weights.columns], ["reweight/known"]))
    true = np.exp(TILT * np.log10(ak.to_numpy(batch.t_pt)))
    assert weights.nominal(batch) == pytest.approx(1)
    assert weights.product(batch, weights.variations[2])[:, 0] == pytest.approx(true / true.mean(), rel=1e-3)


@pytest.mark.parametrize("form", ["sigmoid", "logits"])
def test_outputs_of_any_form_are_the_same_weights(tmp_path, exported, form):
    path = exported("known.onnx", Tilted(form))
    declared = {"files": [str(path)], "inputs": inputs(), "form": "logits" if form == "logits" else "probabilities"}
    found = run(tmp_path, declared)
    assert [one["closes"] for one in found["published"]] == [True, False]


def test_a_network_of_one_event_at_a_time_gives_the_same(tmp_path, export_onnx):
    path = export_onnx("single.onnx", Tilted(), fixed=True, x=torch.zeros(1, 2, 2))
    settings = build({"files": [str(path)], "inputs": inputs()}, Published, "published")
    values = np.random.default_rng(1).normal(size=(7, 2, 2))
    logits = TILT * (values[:, :, 0] * (values[:, :, 1] < 0.15)).sum(axis=1)
    found = Graph.open(path, settings).probabilities({"x": values})
    assert found[:, 1] == pytest.approx(1 / (1 + np.exp(-logits)), rel=1e-5)
    assert len(Graph.open(path, settings).probabilities({"x": values[:0]})) == 0


def test_several_arrays_and_outputs_go_by_their_names(tmp_path, exported):
    path = exported("split.onnx", Split())
    rows = inputs()["x"]
    arrays = {"codes": [[row[1] for row in rows]], "x": [[row[0] for row in rows]]}
    given = {"files": [str(path)], "inputs": arrays}
    with pytest.raises(InputFileError, match="it has the outputs y, other; name one in"):
        run(tmp_path, given)
    assert [one["closes"] for one in run(tmp_path, given | {"output": "y"})["published"]] == [True, False]


def test_inputs_have_a_least_value_and_outside_of_its_range_the_ratio_is_one(tmp_path, exported):
    path = exported("known.onnx", Tilted())
    run(tmp_path, {"files": [str(path)], "inputs": inputs(least=0.01), "within": {"t_pt": [None, 1000]}})
    made = Dataset.open(tmp_path / "skim" / "one.json").read(["t_pt", "reweight_known"], ["reweight/known"])
    pt, weight = ak.to_numpy(made.t_pt), ak.to_numpy(made.reweight_known)
    true = np.where(pt <= 1000, np.exp(TILT * np.log10(np.maximum(pt, 0.01))), 1)
    assert weight == pytest.approx(true / true.mean(), rel=1e-4)


def test_files_that_are_no_such_networks_are_refused(tmp_path, exported):
    known = exported("known.onnx", Tilted())
    (tmp_path / "text.onnx").write_text("no graph")
    (tmp_path / "custom.onnx").write_bytes(known.read_bytes().replace(b"Softmax", b"Sofxmax"))
    exported("logits.onnx", Tilted("logits"))
    exported("three.onnx", Tilted("three"))
    (tmp_path / "external.onnx").write_bytes(external())
    (tmp_path / "w.bin").write_bytes(bytes(8))
    for name, words in (
        ("absent.onnx", "no such file"),
        ("text.onnx", "not a readable ONNX model"),
        ("custom.onnx", "not a readable ONNX model .*Sofxmax"),
        ("three.onnx", "it has 3 outputs, not p0 and p1"),
        ("external.onnx", "its weights are in another file; save it as one file"),
        ("logits.onnx", "its outputs are no probabilities of two samples; set .*form to logits"),
    ):
        with pytest.raises(InputFileError, match=words):
            run(tmp_path, {"files": [str(tmp_path / name)], "inputs": inputs()})


def external() -> bytes:
    """x (N, 2) times w, a graph whose two numbers w are in the file w.bin; in the encoding of protocol buffers."""

    def number(field: int, value: int) -> bytes:
        return bytes([field << 3, value])

    def nested(field: int, *parts: bytes | str) -> bytes:
        content = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
        size = len(content)
        return bytes([field << 3 | 2, *((size % 128 | 128, size // 128) if size > 127 else (size,))]) + content

    def array(field: int, name: str) -> bytes:
        shape = nested(2, nested(1, nested(2, "N")), nested(1, number(1, 2)))
        return nested(field, nested(1, name), nested(2, nested(1, number(1, 1), shape)))

    place = [nested(13, nested(1, key), nested(2, value)) for key, value in (("location", "w.bin"), ("length", "8"))]
    weights = nested(5, number(1, 2), number(2, 1), nested(8, "w"), *place, number(14, 1))
    node = nested(1, nested(1, "x"), nested(1, "w"), nested(2, "y"), nested(4, "Mul"))
    graph = nested(7, node, nested(2, "g"), weights, array(11, "x"), array(12, "y"))
    return number(1, 8) + graph + nested(8, number(2, 15))


def test_inputs_that_a_network_does_not_take_are_refused(tmp_path, exported):
    known = {"files": [str(exported("known.onnx", Tilted()))]}
    with pytest.raises(InputFileError, match=r"its input x has the shape \['N', 2, 2\], and \[1, 2\] numbers an event"):
        run(tmp_path, known | {"inputs": {"x": inputs()["x"][:1]}})
    with pytest.raises(InputFileError, match="it takes the inputs x, not particles"):
        run(tmp_path, known | {"inputs": {"particles": inputs()["x"]}})
    with pytest.raises(
        NotFiniteError, match="t_pt gives 6000 inputs of 6000 that are NaN or infinite; give it `least`"
    ):
        run(tmp_path, known | {"inputs": inputs(shift=1e300, scale=1e-300)})
