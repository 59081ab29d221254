"""Showers by the Monte Carlo, a flow that learns them, its judgement and its figures; and what reruns of it."""

import json

import pytest

CONFIG = "tests/workflow/emulate.yaml"
NAMES = ("simulation", "flow")


@pytest.fixture(scope="module")
def clone(copied):
    """A clone after a run."""
    copied.configuration = (CONFIG,)
    run = copied.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return copied


def test_a_flow_is_trained_judged_and_shown(clone) -> None:
    results = clone.path / "results/emulated"
    found = {name: json.loads((results / f"emulate/{name}/evaluation.json").read_text()) for name in NAMES}
    for name, one in found.items():
        assert (one["name"], one["showers"]) == (name, 120)
        assert [response["energy"] for response in one["responses"]] == [256, 1024]
    # Both are compared with the same showers.
    first, second = (
        [response["simulated"]["mean"] for response in one["responses"]] for one in (found["simulation"], found["flow"])
    )
    assert first == second
    assert (results / "emulate/flow/model.onnx").stat().st_size > 0
    assert {path.name for path in (results / "report/showers").iterdir()} >= {
        "models.png",
        "response.png",
        "shapes.png",
        "times.png",
        "flow_mean.png",
        "simulation_agreement.png",
    }


def test_only_what_reads_a_key_runs_again(clone) -> None:
    assert clone.planned() == set()
    rules = clone.planned_after(lambda content: content["emulate"]["evaluate"].update(bins=10))
    assert {rule for rule in rules if rule.startswith(("simulate", "emulate"))} == {"emulate_evaluate"}
