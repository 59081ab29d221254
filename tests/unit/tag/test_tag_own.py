"""A network of the user's own: trained, stored and applied as those of the package are."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from resonaut.core import configuration
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.core.provenance import command_code
from resonaut.tag import plan
from resonaut.tag.architectures import networks

OWN = str(Path(__file__).parents[2] / "data" / "my_network.py")
NETWORKS = {"pfn": {"architecture": "particle_flow"}, "part": {"architecture": "particle_transformer"}}


def resonaut(*words) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "resonaut", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_trained_and_scores(simulation, section, tmp_path) -> None:
    pytest.importorskip("torch")
    section["networks"] = {"pfn": section["networks"]["part"] | {"architecture": "particle_flow"}}
    config, model = tmp_path / "tag.json", tmp_path / "pfn.pt"
    config.write_text(json.dumps(section))
    words = (
        "tag",
        "train",
        "--config",
        config,
        "--network",
        "pfn",
        "--output",
        model,
        "--summary",
        tmp_path / "s.json",
    )
    samples = ("--background", simulation[0], "--signal", simulation[1])
    refused = resonaut(*words, *samples)
    assert refused.returncode == 2
    assert (
        "tag.networks.pfn.architecture: unknown architecture 'particle_flow'; there are boosted_trees" in refused.stderr
    )
    run = resonaut(*words, *samples, "--code", OWN)
    assert run.returncode == 0, run.stderr
    scores = tmp_path / "scores.parquet"
    words = ("--config", config, "--model", model, "--dataset", simulation[1], "--chunk", "000", "--output", scores)
    run = resonaut("tag", "score", *words, "--code", OWN)
    assert run.returncode == 0, run.stderr
    assert "j1_pfn_2prong" in pq.ParquetFile(scores).schema_arrow.names


GRAPH = """

def model(state, settings):
    import numpy as np

    from resonaut.learn.onnx import FLOAT, Graph, sizes

    graph = Graph()

    def layer(operation, x, name, **attributes):
        made = graph.node(operation, x, state[f"{name}.weight"], state[f"{name}.bias"], **attributes)
        return made if name == "jet.3" else graph.node("Relu", made)

    mask = graph.node("Cast", "mask", to=FLOAT)
    each = graph.node("Mul", layer("Conv", layer("Conv", "features", "constituent.0"), "constituent.2"), mask)
    total, number = (graph.node("ReduceSum", x, sizes(2), keepdims=0) for x in (each, mask))
    logits = layer("Gemm", layer("Gemm", graph.node("Div", total, number), "jet.0", transB=1), "jet.3", transB=1)
    probabilities = graph.node("Softmax", LOGITS, axis=1)
    inputs = {"features": (np.float32, ("n", 7, "p")), "mask": (np.bool_, ("n", 1, "p"))}
    return graph.model(inputs, {probabilities: (np.float32, ("n", len(settings.outputs)))})


NETWORKS = {"particle_flow": Network("ParticleFlow", graph="model")}
"""


@pytest.mark.parametrize(
    ("logits", "refusal"),
    [
        ("logits", None),
        ('graph.node("Neg", logits)', "the graph of particle_flow gives other scores than its module, by"),
    ],
)
def test_its_graph_scores_in_place_of_torch(simulation, section, tmp_path, logits, refusal) -> None:
    pytest.importorskip("torch")
    section["networks"] = {"pfn": section["networks"]["part"] | {"architecture": "particle_flow"}}
    config, model, code = tmp_path / "tag.json", tmp_path / "pfn.npz", tmp_path / "with_graph.py"
    config.write_text(json.dumps(section))
    code.write_text(Path(OWN).read_text().split("NETWORKS")[0] + GRAPH.replace("LOGITS", logits))
    words = ("--config", config, "--network", "pfn", "--output", model, "--summary", tmp_path / "s.json")
    samples = ("--background", simulation[0], "--signal", simulation[1])
    run = resonaut("tag", "train", *words, *samples, "--code", code)
    assert run.returncode == (2 if refusal else 0), run.stderr
    assert (refusal or "") in run.stderr
    assert model.is_file() == (refusal is None)


def test_a_graph_that_is_not_in_the_file_is_named(tmp_path) -> None:
    pytest.importorskip("torch")
    code = tmp_path / "without_graph.py"
    code.write_text(Path(OWN).read_text().replace('Network("ParticleFlow")', 'Network("ParticleFlow", graph="model")'))
    with pytest.raises(ConfigError, match=r"NETWORKS\['particle_flow'\]: the file has no 'model'; correct its name"):
        networks().joined([str(code)])


@pytest.fixture
def analysis():
    def make(code: list[str], networks: dict = NETWORKS, layout: str = "nanoaod", keep: bool = True) -> Analysis:
        datasets = {"x": {"nature": "simulation", "cross_section": 1.0, "format": layout}}
        search = {"stages": ["skim", "tag"], "samples": {"background": ["x"]}}
        given = {"search": search, "datasets": datasets, "code": code, "tag": {"networks": networks}}
        given["skim"] = {"read_constituents": keep}
        return Analysis(configuration.validate(given), {})

    return make


def test_an_architecture_that_is_nowhere_is_named_before_the_first_job(analysis) -> None:
    plan.check(analysis([OWN]))
    with pytest.raises(ConfigError, match=r"tag\.networks\.pfn\.architecture: unknown architecture 'particle_flow'"):
        plan.check(analysis([]))


@pytest.mark.parametrize("kept", [{"layout": "lhco_features"}, {"keep": False}])
def test_jets_without_candidates_cannot_be_tagged(analysis, kept) -> None:
    with pytest.raises(ConfigError, match=r"'tag', which sees the jets' candidates, and 'x' keeps none \(format"):
        plan.check(analysis([OWN], **kept))


def test_a_training_depends_on_its_own_network_only(analysis) -> None:
    pytest.importorskip("torch")
    one = analysis([OWN])
    assert [plan.own_code(one, name) for name in (None, "pfn", "part")] == [[OWN], [OWN], []]
    code = {name: set(command_code("tag", "train", *plan.modules(one, name))) for name in NETWORKS}
    parts = {name: {path for path in found if "architectures/" in path} for name, found in code.items()}
    assert parts["pfn"] == {"tag/architectures/__init__.py"}
    assert parts["part"] - parts["pfn"] == {
        "tag/architectures/particle_transformer/__init__.py",
        "tag/architectures/particle_transformer/graph.py",
        "tag/architectures/particle_transformer/network.py",
    }
    assert OWN in code["pfn"]
    assert OWN not in code["part"]
    assert code["part"] < set(command_code("tag", "score", *plan.modules(one))) | code["part"]
    assert OWN in command_code("tag", "score", *plan.modules(one))


def test_jets_of_files_take_the_place_of_datasets(analysis, tmp_path) -> None:
    pytest.importorskip("torch")
    classes = ("qcd", "2prong", "3prong", "4prong")
    own = analysis([OWN])
    assert plan.manifests(own, "background") == ["<results>/skim/x.json"]
    files = {"files": [str(tmp_path / "*.root")], "labels": {name: [f"label_{name}"] for name in classes}}
    own.config["tag"]["jet_files"] = files
    with pytest.raises(ConfigError, match=r"tag\.jet_files\.files: no file '.*\*\.root'; correct it \(relative to"):
        plan.check(own)
    (tmp_path / "a.root").touch()
    plan.check(own)
    assert plan.jet_files(own) == [str(tmp_path / "a.root")]
    assert plan.manifests(own, "background") == plan.manifests(own, "signal") == plan.trained(own) == []
    assert plan.scored(own) == ["x"]
    assert plan.keys(own, "score") == plan.keys(analysis([OWN]), "score")
    assert plan.keys(own, "train", "pfn")["jet_files"] == files
    # Whatever the datasets keep that the network does not learn from.
    for tasks in (
        {"regression": {"task": {"target": "genjet_mass", "over": "mass"}}},
        {"auxiliary": {"task": {"target": "pf_origin", "classes": 8}}},
    ):
        other = analysis([OWN], {"pfn": NETWORKS["pfn"] | tasks})
        other.config["tag"]["jet_files"] = files
        with pytest.raises(
            ConfigError, match=r"tag\.jet_files: files of JetClass have no targets for 'task'; take the"
        ):
            plan.check(other)
    del files["labels"]["3prong"]
    with pytest.raises(ConfigError, match=r"tag\.jet_files\.labels: none for the class '3prong'"):
        plan.check(own)
