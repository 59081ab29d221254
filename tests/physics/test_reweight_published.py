"""A published network of top pairs, with a known ratio: weights, closure, and the traps of its conventions."""

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import torch
from scipy.stats import norm
from typer.testing import CliRunner

from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.core.files import write_json
from resonaut.reweight.cli import app

# As in the published network of a generator of higher order: the pair, the quark, the antiquark, standardised, by code.
CODES = {"tt": 0.0, "t": 0.6, "tbar": -0.6}
# Mean and width of the natural logarithm of pT, and of the rapidity, by particle.
STANDARD = {"tt": ((3.6, 1.0), (0.0, 1.0)), "t": ((4.6, 0.7), (0.0, 1.2)), "tbar": ((4.6, 0.7), (0.0, 1.2))}


def true_ratio(events: dict[str, np.ndarray]) -> np.ndarray:
    """Softer top quarks, more of them forward, and a pair with less recoil; not normalised."""
    return np.exp(
        -0.25 * (np.log(events["t_pt"]) - 4.6) / 0.7
        + 0.1 * (np.abs(events["tbar_y"]) - 0.9)
        - 0.2 * np.tanh((np.log(events["tt_pt"]) - 3.6) / 1.0)
    )


class Analytic(torch.nn.Module):
    """A deep set whose outputs p0 / p1 are the ratio of target to events, an order that not all codes share."""

    def forward(self, x):
        log_pt, y, code = x[:, :, 0], x[:, :, 1], x[:, :, 3]
        pair, top, anti = (code.abs() < 0.3, code > 0.3, code < -0.3)
        each = -0.25 * log_pt * top + 0.1 * ((1.2 * y).abs() - 0.9) * anti - 0.2 * torch.tanh(log_pt) * pair
        logit = each.sum(dim=1)
        return torch.stack([logit, 0 * logit], dim=1).softmax(dim=1)


def generated(n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    found = {}
    for name, (log_pt, y) in STANDARD.items():
        found |= {f"{name}_pt": np.exp(rng.normal(*log_pt, n)), f"{name}_y": rng.normal(*y, n)}
        found[f"{name}_phi"] = rng.uniform(-np.pi, np.pi, n)
    return found


def declared(codes: dict[str, Any] = CODES, log: str = "natural") -> dict[str, Any]:
    rows = []
    for name, ((shift, scale), (mean, width)) in STANDARD.items():
        rows.append(
            [
                {"column": f"{name}_pt", "log": log, "least": 1e-6, "shift": shift, "scale": scale},
                {"column": f"{name}_y", "shift": mean, "scale": width},
                {"column": f"{name}_phi", "scale": 1.8},
                codes[name] if isinstance(codes[name], dict) else {"value": codes[name]},
            ]
        )
    return {"input": rows}


@pytest.fixture
def samples(tmp_path, write_skimmed):
    """Manifests of events, and of a target that is drawn from others by the true ratio."""
    rng = np.random.default_rng(7)
    nominal, pool = generated(30_000, rng), generated(90_000, rng)
    ratio = true_ratio(pool)
    drawn = np.flatnonzero(rng.random(len(ratio)) < ratio / np.quantile(ratio, 0.9999))[:30_000]
    paths = {}
    for run, (name, columns) in enumerate({"tt": nominal, "nnlo": {k: v[drawn] for k, v in pool.items()}}.items()):
        n = len(columns["t_pt"])
        own = {"run": np.full(n, run), "luminosityBlock": np.zeros(n, np.int64), "event": np.arange(n)}
        batch = ak.Array(own | {"gen_weight": np.ones(n)} | columns)
        paths[name] = write_skimmed(tmp_path, name, [[batch]], weight_scale=1 / n)
    return paths


def applied(samples: dict[str, Path], folder: Path, graph: Path, **published: Any) -> dict[str, Any]:
    section = {
        "numerator": {"datasets": ["nnlo"]},
        "denominator": {"datasets": ["tt"]},
        "published": {"files": [str(graph)], "inputs": declared()} | published,
        "clip": [0.01, 100],
        "comparison": {"replicas": 10, "alike": 10, "classifier": {"folds": 2}},
    }
    write_json(folder / "config.json", section)
    output = folder / "reweight" / "nnlo" / "closure.json"
    command = ["published", "--config", folder / "config.json", "--name", "nnlo", "--output", output]
    command += ["--numerator", samples["nnlo"], "--denominator", samples["tt"]]
    CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    return json.loads(output.read_text())


def test_a_published_network_makes_the_events_those_of_the_target(tmp_path, samples, export_onnx):
    graph = export_onnx("nnlo.onnx", Analytic(), input=torch.zeros(3, 3, 4))
    found = applied(samples, tmp_path, graph)
    assert [(one["direction"], one["closes"]) for one in found["published"]] == [("p1/p0", False), ("p0/p1", True)]
    made = Dataset.open(samples["tt"]).read(["t_pt", "tbar_y", "tt_pt", "reweight_nnlo"], ["reweight/nnlo"])
    true = true_ratio({name: ak.to_numpy(made[name]) for name in ("t_pt", "tbar_y", "tt_pt")})
    assert ak.to_numpy(made.reweight_nnlo) == pytest.approx(true / true.mean(), rel=1e-4)
    before, after = (found[when]["classifier"] for when in ("before", "after"))
    assert abs(after["auc"] - 0.5) < 3 * after["auc_error"] < 0.03 < before["auc"] - 0.5
    p_values = [one["test"]["p_value"] for one in found["after"]["variables"]]
    assert min(p_values) > 1e-3 > min(one["test"]["p_value"] for one in found["before"]["variables"])


def test_other_conventions_of_the_same_network_are_refused(tmp_path, samples, export_onnx):
    graph = export_onnx("nnlo.onnx", Analytic(), input=torch.zeros(3, 3, 4))
    with pytest.raises(ConfigError, match="like the target as p0/p1, not as declared"):
        applied(samples, tmp_path, graph, direction="p1/p0")
    # Codes of another network of the same authors; those of this one are the alternative.
    other = {"tt": 0.0, "t": 0.1, "tbar": 0.2}
    codes = {name: {"value": other[name], "alternatives": [CODES[name]]} for name in CODES}
    with pytest.raises(ConfigError, match="as p0/p1 with alternative 1 of the values, not as declared"):
        applied(samples, tmp_path, graph, inputs=declared(codes))
    with pytest.raises(ConfigError, match="in neither direction"):
        applied(samples, tmp_path, graph, inputs=declared(log="decimal"))


def test_what_is_nearly_right_gives_way_to_what_is_right(tmp_path, samples, export_onnx):
    graph = export_onnx("nnlo.onnx", Analytic(), input=torch.zeros(3, 3, 4))
    # The antiquark has a code that the network does not know: the smallest of the three effects is missing.
    found = applied(samples, tmp_path, graph, inputs=declared(CODES | {"tbar": 0.3}))
    assert [one["closes"] for one in found["published"]] == [False, True]
    assert found["published"][1]["worst_after"]["p_value"] < 1e-6
    codes = CODES | {"tbar": {"value": 0.3, "alternatives": [-0.6]}}
    with pytest.raises(ConfigError, match="as p0/p1 with alternative 1 of the values, not as declared"):
        applied(samples, tmp_path, graph, inputs=declared(codes))


def test_a_published_distribution_tells_the_direction_as_well(tmp_path, samples, export_onnx):
    graph = export_onnx("nnlo.onnx", Analytic(), input=torch.zeros(3, 3, 4))
    # exp(-0.25 z) moves a normal distribution of z by -0.25.
    edges = np.linspace(-3, 3, 13)
    shares = np.diff(norm.cdf(edges, -0.25))
    histogram = {"variable": "t_pt", "edges": list(np.exp(4.6 + 0.7 * edges)), "values": list(shares)}
    found = applied(samples, tmp_path, graph, histograms=[histogram | {"errors": list(0.01 * shares)}])
    assert [one["closes"] for one in found["published"]] == [False, True]
