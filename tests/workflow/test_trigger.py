"""Crossings of a tiny pool, an autoencoder, its integers, their measurement and figures; and what reruns of it."""

import json
import shutil
from pathlib import Path

import pytest

CONFIG = "tests/workflow/trigger.yaml"
ROOT = Path(__file__).parents[2]
COMPILED = "src/resonaut/simulate/level1"


@pytest.fixture(scope="module")
def clone(copied):
    """A clone after a run, with what numba has compiled of the same files already."""
    copied.configuration = (CONFIG,)
    own = copied.path / COMPILED
    (own / "__pycache__").mkdir(exist_ok=True)
    for source in (ROOT / COMPILED).glob("*.py"):
        shutil.copystat(source, own / source.name)
    for cached in (ROOT / COMPILED).glob("__pycache__/*.nb?"):
        shutil.copy(cached, own / "__pycache__")
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
