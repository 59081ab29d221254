"""Samples of events that no ratio can be learned from: constant features, no events, weights without a sum, NaN."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from commands import fine
from fault import Check, Kind, Try

kind = Kind("samples")
fault = kind.fault

Columns = dict[str, np.ndarray]
COUNT = 400
TREES = {"validation_parts": 2, "max_iterations": 10, "min_leaf_events": 20}
CLASSIFIER = {"folds": 2, "trees": TREES, "network": {"hidden": [8], "epochs": 2}}


def events(seed: int, n: int = COUNT) -> Columns:
    """Events at both levels, with two features ``x`` and ``y`` and what the search's vocabulary needs."""
    rng = np.random.default_rng(seed)
    columns: Columns = dict.fromkeys(("run", "luminosityBlock", "event"), np.arange(n))
    columns |= {"gen_weight": np.ones(n), "passes": np.ones(n, bool), "fiducial": np.ones(n, bool)}
    columns |= {"m_jj": rng.uniform(2000, 3000, n), "j1_softdrop_mass": rng.uniform(50, 150, n)}
    columns |= {"x": rng.normal(0.1 * seed, 1, n), "y": rng.normal(0, 1, n)}
    return columns | {f"gen_{name}": columns[name] + rng.normal(0, 0.3, n) for name in "xy"}


def write(name: str, columns: Columns, nature: str = "simulation") -> str:
    """The files of a skimmed dataset, whatever they hold; the manifest's path."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    Path("skim", name).mkdir(parents=True)
    table = pa.table(columns)
    schema = pa.schema([field.with_nullable(False) for field in table.schema])
    pq.write_table(table.cast(schema), f"skim/{name}/000.parquet")
    known = {"nature": nature, "era": None, "luminosity": 1.0, "cross_section": None}
    if nature == "simulation":
        known |= {"luminosity": None, "cross_section": 1.0}
    nothing: dict[str, Any] = {"mass": None, "cutflow": [], "lost": [], "notes": [], "dropped": {}, "variations": {}}
    passing = int(np.count_nonzero(columns["passes"]))
    content = {"name": name, "chunks": ["000"], "events": passing, "weight_scale": 1.0} | known | nothing
    Path(f"skim/{name}.json").write_text(json.dumps(content))
    return f"skim/{name}.json"


def constant(columns: Columns) -> Columns:
    return columns | {name: np.ones(len(columns["x"])) for name in ("x", "gen_x", "j1_softdrop_mass")}


def changed(column: str, value: float) -> Callable[[Columns], Columns]:
    """One event has another value."""

    def change(columns: Columns) -> Columns:
        values = columns[column].astype(float)
        values[3] = value
        return columns | {column: values}

    return change


def first(n: int) -> Callable[[Columns], Columns]:
    return lambda columns: {name: values[:n] for name, values in columns.items()}


def weighted(weights: Callable[[int], np.ndarray]) -> Callable[[Columns], Columns]:
    return lambda columns: columns | {"gen_weight": weights(len(columns["x"]))}


SPOILT = {
    "no events": first(0),
    "ten events": first(10),
    "weights 0": weighted(np.zeros),
    "weights that cancel": weighted(lambda n: np.where(np.arange(n) % 2, 1.0, -1.0)),
    "negative weights": weighted(lambda n: -np.ones(n)),
    "NaN in weights": changed("gen_weight", np.nan),
    "infinite weight": changed("gen_weight", np.inf),
    "NaN in a feature": lambda columns: changed("x", np.nan)(changed("j1_softdrop_mass", np.nan)(columns)),
    "infinite feature": lambda columns: changed("x", np.inf)(changed("j1_softdrop_mass", np.inf)(columns)),
    "constant feature": constant,
}
SIDES = {"one": ("one",), "other": ("other",), "both": ("one", "other")}


def samples(spoil: Callable[[Columns], Columns], side: tuple[str, ...], data: bool = False) -> None:
    """Datasets ``one``, maybe of data, and ``other``, of which those of the side are spoilt."""
    for seed, name in enumerate(("one", "other"), 1):
        columns = events(seed)
        write(name, spoil(columns) if name in side else columns, "data" if data and name == "one" else "simulation")


def learned(command: str, section: dict[str, Any], *options: str, key: str, right: Check | None = None) -> Try:
    """A training, of whose sections or datasets the sentence must name one."""
    Path("frozen.json").write_text(json.dumps(section))
    given = ["resonaut", *command.split(), "--config", "frozen.json", *options]
    blamed = (key, "'one'", "'other'", "one:", "other:", "'x'", "'m_j1'")
    return Try([given], right, blamed, writes=("out/*", "reweight/*"))


@fault(fast=16, spoil=SPOILT, side=SIDES)
def reweighting_to_data(spoil: Callable[[Columns], Columns], side: tuple[str, ...]) -> Try:
    samples(spoil, side, data=True)
    section = {"features": ["m_j1"], "sidebands": [[0, 5000]], "classifier": CLASSIFIER}
    options = ("--data", "skim/one.json", "--simulation", "skim/other.json", "--output", "out/closure.json")
    return learned("reweight train", section, *options, key="reweight.sidebands")


RATIO_SECTION = {
    "numerator": {"datasets": ["one"]},
    "denominator": {"datasets": ["other"]},
    "features": ["x"],
    "watched": ["y"],
    "classifier": CLASSIFIER,
    "comparison": {"bins": 5, "replicas": 5, "alike": 5},
}
SAMPLES = ("--numerator", "skim/one.json", "--denominator", "skim/other.json", "--output", "out/closure.json")


@fault(fast=11, spoil=SPOILT, side=SIDES)
def ratio(spoil: Callable[[Columns], Columns], side: tuple[str, ...]) -> Try:
    samples(spoil, side)
    return learned("reweight ratio", RATIO_SECTION, "--name", "r", *SAMPLES, key="reweight.ratios")


@fault(spoil=SPOILT)
def ratio_of_the_same_events(spoil: Callable[[Columns], Columns]) -> Try:
    write("one", spoil(events(1) | {"w": np.linspace(0.5, 1.5, COUNT)}))
    sides = {"numerator": {"datasets": ["one"], "weight": "w"}, "denominator": {"datasets": ["one"]}}
    options = ("--name", "r", "--numerator", "skim/one.json", "--denominator", "skim/one.json", *SAMPLES[-2:])
    return learned("reweight ratio", RATIO_SECTION | sides, *options, key="reweight.ratios")


@fault(spoil=SPOILT, side=SIDES)
def published_network(spoil: Callable[[Columns], Columns], side: tuple[str, ...]) -> Try:
    samples(spoil, side)
    network("n.onnx")
    given = {"files": ["n.onnx"], "inputs": {"x": [[{"column": "x"}]]}, "direction": "p1/p0"}
    section = RATIO_SECTION | {"features": [], "published": given}
    # A few events look like anything.
    right = fine if spoil is SPOILT["ten events"] else None
    return learned("reweight published", section, "--name", "r", *SAMPLES, key="reweight.ratios", right=right)


def network(path: str) -> None:
    """The ratio of the two samples, (n, 1) to two probabilities, which is exp(0.15 - 0.1 x) for p1/p0."""
    import io
    import warnings

    import torch
    from torch.onnx._internal.torchscript_exporter import onnx_proto_utils

    class Ratio(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            logit = 0.15 - 0.1 * x
            return torch.softmax(torch.cat([torch.zeros_like(logit), logit], dim=1), dim=1)

    # Torch asks for the package onnx only to look for functions that these graphs do not have.
    onnx_proto_utils._add_onnxscript_fn = lambda graph, opsets: graph
    buffer, axes = io.BytesIO(), {"x": {0: "N"}, "y": {0: "N"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Ratio(), (torch.zeros(2, 1),), buffer, dynamo=False, opset_version=15,
            input_names=["x"], output_names=["y"], dynamic_axes=axes,
        )  # fmt: skip
    Path(path).write_bytes(buffer.getvalue())


@fault(fast=24, spoil=SPOILT, side=SIDES, how={"all": [], "two": ["--columns", "x,y", "--weight", "gen_weight"]})
def comparison(spoil: Callable[[Columns], Columns], side: tuple[str, ...], how: list[str]) -> Try:
    samples(spoil, side)
    paths = [f"skim/{name}/000.parquet" if how else f"skim/{name}.json" for name in ("one", "other")]
    # Of few events little is known, and what is constant in one sample differs from the other.
    right = fine if spoil in (SPOILT["ten events"], constant) else None
    return Try([["resonaut", "reweight", "compare", *paths, *how, "--output", "out"]], right, ("one", "other", "'x'"))


@fault(fast=17, spoil=SPOILT, side=SIDES, learner=("trees", "network"))
def classifier(spoil: Callable[[Columns], Columns], side: tuple[str, ...], learner: str) -> Try:
    samples(spoil, side)
    own = {"learner": learner, "inputs": ["x", "x + y"], "classes": {"a": ["one"], "b": ["other"]}, "folds": 2}
    own |= {"trees": {"max_iterations": 5, "min_leaf_events": 20}, "network": {"hidden": [8], "epochs": 2}}
    own |= {"binning": {"signal": "a", "bins": 3}}
    section = {"classifier": own, "luminosities": {"one": 100.0, "other": 100.0}}
    options = ["--name", "it", "--simulation", "skim/one.json", "--simulation", "skim/other.json"]
    # Other inputs tell the classes apart where one is constant.
    right = fine if spoil is constant else None
    return learned("classify train", section, *options, "--output", "out/it.npz", key="class '", right=right)


@fault(fast=14, spoil=SPOILT, side={**SIDES, "background": ("background",)})
def unfolding(spoil: Callable[[Columns], Columns], side: tuple[str, ...]) -> Try:
    samples(spoil, side, data=True)
    write("background", spoil(events(3, 100)) if "background" in side else events(3, 100))
    section = {"observables": {"x": {"detector": "x"}, "y": {"detector": "y"}}, "iterations": 1}
    section |= {"classifier": {"folds": 2, "network": {"hidden": [8], "epochs": 2}}}
    options = ["--data", "skim/one.json", "--simulation", "skim/other.json", "--background", "skim/background.json"]
    options += ["--run", "ensemble_0", "--output", "out/run.parquet"]
    # What is subtracted may be little, and the same in all events.
    right = fine if side == ("background",) and spoil in (SPOILT["ten events"], constant) else None
    return learned("unfold train", section, *options, key="unfold: ", right=right)
