"""Ratios of simulated samples: files, sums by dataset, true ratios, closure; and what a configuration must say."""

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core import events
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.events import Dataset
from resonaut.core.files import write_json
from resonaut.core.weights import Factor, Weights
from resonaut.reweight.cli import app
from resonaut.reweight.known import by_parts

TREES = {"validation_parts": 2, "max_iterations": 60, "learning_rate": 0.1, "min_leaf_events": 30}


def simulated(folder: Path, name: str, n: int, seed: int, low: float = 0.0) -> Path:
    """Events with ``x`` and ``y``, a true ratio (1 + x) in ``shift``, and a list with it in its second place."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-0.5, 0.5, (2, n)) + low
    columns = {"run": np.full(n, seed, np.int64), "luminosityBlock": np.zeros(n, np.int64)}
    columns |= {"event": np.arange(n, dtype=np.int64), "gen_weight": np.ones(n), "x": x, "y": y, "shift": 1 + x}
    made = ak.with_field(ak.Array(columns), ak.from_regular(np.stack([np.ones(n), 1 + x], axis=1)), "shower_weight")
    events.write(folder / "skim" / name / "000.parquet", [made[:700], made[700:]], {})
    content = {"name": name, "nature": "simulation", "chunks": ["000"], "events": n, "luminosity": None, "era": None}
    content |= {"cross_section": 1.0, "mass": None, "weight_scale": 0.5, "cutflow": [], "lost": [], "notes": []}
    write_json(folder / "skim" / f"{name}.json", content | {"dropped": {}, "variations": {}})
    return folder / "skim" / f"{name}.json"


def run(folder: Path, section: dict[str, Any], numerator: list[Path], denominator: list[Path]) -> dict[str, Any]:
    given = {
        "classifier": {"folds": 2, "trees": TREES},
        "comparison": {"bins": 5, "replicas": 20, "alike": 20},
    } | section
    write_json(folder / "config.json", given)
    output = folder / "reweight" / "up" / "closure.json"
    command = ["ratio", "--config", folder / "config.json", "--name", "up", "--output", output]
    command += [word for path in numerator for word in ("--numerator", path)]
    command += [word for path in denominator for word in ("--denominator", path)]
    result = CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(output.read_text())


@pytest.fixture
def one(tmp_path) -> Path:
    return simulated(tmp_path, "one", 3000, 1)


@pytest.fixture
def weighted(tmp_path, one) -> dict[str, Any]:
    """The dataset against itself with weights of known ratio, which differ from 1 by more than 10 %."""
    side = {"datasets": ["one"], "weight": "shower_weight", "place": 1}
    section = {"numerator": side, "denominator": {"datasets": ["one"]}, "features": ["x"], "watched": ["y"]}
    return run(tmp_path, section | {"bootstraps": 2}, [one], [one])


def test_weights_are_the_true_ratio(tmp_path, one, weighted):
    found = Dataset.open(one).read(["x", "reweight_up"], ["reweight/up"])
    true = 1 + ak.to_numpy(found.x)
    learned = ak.to_numpy(found.reweight_up)
    assert np.sqrt(np.mean((learned / true - 1) ** 2)) < 0.05 < np.sqrt(np.mean((1 / true - 1) ** 2)) / 4
    assert learned.mean() == pytest.approx(1)
    by_weight, by_x, by_y = weighted["truth"]
    assert [truth["variable"] for truth in (by_weight, by_x, by_y)] == ["weight", "x", "y"]
    assert len(by_x["closure"]) == 10
    for truth in (by_weight, by_x, by_y):
        assert np.abs(truth["closure"]).max() < 0.05
    spread = np.array(by_x["error"])
    assert np.all((spread > 0) & (spread < 0.01))


def test_the_report_says_how_unequal_and_how_certain_the_weights_are(weighted):
    # Weights 1 + x of x uniform within 1/2: (sum w)^2 / (n sum w^2) = 1 / (1 + 1/12).
    assert weighted["exact"]["effective"] == pytest.approx(12 / 13, abs=0.005)
    assert weighted["learned"]["effective"] == pytest.approx(weighted["exact"]["effective"], abs=0.01)
    assert weighted["learned"]["largest"] == pytest.approx(1.5, abs=0.1)
    assert weighted["clipping"] == {"events": 3000, "below": 0, "above": 0, "share": 0.0}
    assert set(weighted["spread"]) == {"ensemble", "bootstrap", "folds"}
    assert 0.005 < weighted["spread"]["bootstrap"] < 0.2
    (kept,) = weighted["sums"]
    assert kept["before"] == kept["expected"] == pytest.approx(1500)
    assert kept["learned"] == pytest.approx(1500, rel=0.02)
    before, after = weighted["before"], weighted["after"]
    # One half of the events against the other.
    assert sum(after["events"]) == 3000
    assert after["classifier"]["p_value"] > 1e-3
    assert [variable["name"] for variable in after["variables"]] == ["x", "y"]
    for variable in after["variables"]:
        assert variable["test"]["p_value"] > 1e-3
    assert before["variables"][0]["test"]["p_value"] < 1e-3


def test_later_stages_find_the_weights_and_their_uncertainties(one, weighted):
    found = Weights.of(Dataset.open(one), ["reweight/up"])
    ways = {factor.source: (factor.way, names) for factor, names in found.factors.items()}
    assert ways == {
        "": ("", ("reweight_up",)),
        **{source: ("toys", (f"reweight_up_{source}",)) for source in ("ensemble", "bootstrap", "folds")},
    }
    assert {factor.group for factor in found.factors} == {Factor("reweight_up").group}
    batch = Dataset.open(one).read(found.columns, found.friends)
    for variation in found.variations:
        products = found.product(batch, variation)
        assert products.mean(axis=0) == pytest.approx(np.ones(products.shape[1]))


def test_each_dataset_keeps_its_sum_or_gets_that_of_the_numerator(tmp_path, one):
    two = simulated(tmp_path, "two", 2000, 2, low=0.3)
    sides = {"datasets": ["one", "two"]}
    section = {"numerator": sides | {"weight": "shift"}, "denominator": sides, "features": ["x", "y"]}
    for keep, totals in ((True, (1500, 1000)), (False, (1500, 1300))):
        found = run(tmp_path, section | {"keep_sums": keep}, [one, two], [one, two])
        for kept, path, total in zip(found["sums"], (one, two), totals, strict=True):
            assert kept["expected"] == pytest.approx(total, rel=0.02)
            weight = Dataset.open(path).read(["weight", "reweight_up"], ["reweight/up"])
            assert ak.sum(weight.weight * weight.reweight_up) == pytest.approx(kept["expected"], rel=1e-9)


def test_samples_of_other_events_have_no_true_ratio(tmp_path, one):
    two = simulated(tmp_path, "two", 3000, 2, low=0.1)
    section = {"numerator": {"datasets": ["two"]}, "denominator": {"datasets": ["one"]}, "features": ["x"]}
    found = run(tmp_path, section, [two], [one])
    # Where only one of the samples lies the trees are too sure.
    assert 0.7 < found["calibration"]["slope"] < 1
    assert found["truth"] == []
    assert found["exact"] is None
    before, after = (found[when]["variables"][0]["test"]["chi2"] for when in ("before", "after"))
    assert after < before


def test_calibration_mends_what_is_trained_too_little(tmp_path, one):
    side = {"datasets": ["one"], "weight": "shift"}
    section = {"numerator": side, "denominator": {"datasets": ["one"]}, "features": ["x"]}
    found = {}
    for kind in ("none", "logistic"):
        classifier = {"folds": 2, "trees": TREES | {"max_iterations": 3}, "calibration": kind}
        found[kind] = run(tmp_path, section | {"classifier": classifier}, [one], [one])
    worst = {kind: np.abs(one["truth"][0]["closure"]).max() for kind, one in found.items()}
    # Of three trees a straight line in the logit leaves something.
    assert worst["logistic"] < 0.5 * worst["none"]
    slopes = {kind: one["calibration"]["slope"] for kind, one in found.items()}
    assert slopes["none"] > 2
    assert slopes["logistic"] == pytest.approx(1, abs=0.02)
    differences = {kind: one["calibration"]["difference"] for kind, one in found.items()}
    assert differences["logistic"] < 0.2 * differences["none"]


def test_sets_of_particles(tmp_path, one):
    side = {"datasets": ["one"], "weight": "shift"}
    classifier = {"backend": "sets", "folds": 2}
    classifier["sets"] = {"particle": [16], "hidden": [16], "epochs": 8, "validation_parts": 2, "learning_rate": 0.01}
    section = {"numerator": side, "denominator": {"datasets": ["one"]}, "particles": [["x"], ["y"]]}
    found = run(tmp_path, section | {"classifier": classifier}, [one], [one])
    assert [truth["variable"] for truth in found["truth"]] == ["weight", "x", "y"]
    # What is x and what y is told by the kind alone.
    assert np.abs(found["truth"][1]["closure"]).max() < 0.25 < 1 / 0.55 - 1


def test_equal_input_gives_equal_bytes(tmp_path, one, weighted):
    path = Dataset.open(one).path("reweight/up", "000")
    before = path.read_bytes()
    side = {"datasets": ["one"], "weight": "shower_weight", "place": 1}
    section = {"numerator": side, "denominator": {"datasets": ["one"]}, "features": ["x"], "watched": ["y"]}
    assert run(tmp_path, section | {"bootstraps": 2}, [one], [one]) == weighted
    assert path.read_bytes() == before


def test_closure_in_parts_of_known_weights():
    values, exact = np.arange(100.0), np.linspace(0.5, 1.5, 100)
    learned = np.where(values < 10, 1.1 * exact, exact)
    found = by_parts("x", values, np.ones(100), learned, exact)
    assert found.closure == pytest.approx([0.1] + 9 * [0.0])
    assert found.error == pytest.approx(np.zeros(10), abs=1e-12)
    noisy = exact * np.tile([0.9, 1.1], 50)
    error = by_parts("x", values, np.ones(100), noisy, exact).error
    assert error == pytest.approx(np.full(10, 0.1 / np.sqrt(10)), rel=0.05)


@pytest.mark.parametrize(
    ("weight", "says"),
    [
        ({"weight": "shower_weight"}, "'shower_weight' of 'one' is a list, give its place"),
        ({"weight": "shower_weight", "place": 2}, "place 2 of 'shower_weight' is beyond the lists of 'one'"),
        ({"weight": "shift", "place": 0}, "'shift' of 'one' is no list, take place out"),
    ],
)
def test_a_weight_is_a_number_or_a_place_in_a_list(tmp_path, one, weight, says):
    section = {"numerator": {"datasets": ["one"]} | weight, "denominator": {"datasets": ["one"]}, "features": ["x"]}
    with pytest.raises(ConfigError, match=says):
        run(tmp_path, section, [one], [one])


def test_every_dataset_of_a_side_has_events(tmp_path, one):
    none = simulated(tmp_path, "none", 0, 2)
    section = {"numerator": {"datasets": ["one"], "weight": "shift"}, "features": ["x"]}
    with pytest.raises(EmptySelectionError, match="dataset 'none' has no events"):
        run(tmp_path, section | {"denominator": {"datasets": ["one", "none"]}}, [one], [one, none])
