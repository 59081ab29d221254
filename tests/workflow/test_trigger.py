"""Crossings of a tiny pool, an autoencoder, its integers, their measurement and figures; and what reruns of it."""

import json

import pytest

CONFIG = "tests/workflow/trigger.yaml"


@pytest.fixture(scope="module")
def clone(copied):
    """A clone after a run."""
    copied.configuration = (CONFIG,)
    run = copied.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return copied


def test_an_autoencoder_is_trained_quantised_and_measured(clone) -> None:
    results = clone.path / "results/trigger"
    found = json.loads((results / "trigger/autoencoder/measurement.json").read_text())
    assert (found["name"], found["crossings"] + found["saturated"]) == ("autoencoder", 1000)
    assert found["total_rate"] == pytest.approx(2544 * 11.2456)
    few, many = found["points"]
    # One kHz is less than a crossing; 1,000 kHz are 34.95 of them.
    assert few["threshold"] is None
    assert 1 <= many["kept"] <= 34
    assert [one["signal"] for one in many["efficiencies"]] == ["tt"]
    assert found["areas"]["tt"] > 0.5
    assert (found["menu"]["seeds"], found["menu"]["evaluated"]) == (22, 22)
    assert {path.name for path in (results / "report/trigger").iterdir()} >= {
        "rates.png",
        "efficiencies.png",
        "scores.png",
        "dependences.png",
    }


def test_only_what_reads_a_key_runs_again(clone) -> None:
    assert clone.planned() == set()
    rules = clone.planned_after(lambda content: content["trigger"]["measure"].update(bins=5))
    assert {rule for rule in rules if rule.startswith(("simulate", "trigger"))} == {"trigger_measure"}
