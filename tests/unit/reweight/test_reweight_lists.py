"""Particles in list columns: sets of any number of them, a known ratio, and what cannot be a set."""

import json
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.core import events
from resonaut.core.errors import ConfigError, EmptySelectionError, NotFiniteError
from resonaut.core.events import Dataset
from resonaut.core.files import write_json
from resonaut.core.record import build
from resonaut.learn.ratio import Sample
from resonaut.reweight import lists
from resonaut.reweight.cli import app
from resonaut.reweight.ratios import evaluated
from resonaut.reweight.settings import RatioSettings

# What a particle of x multiplies the weight of its event with: exp(TILT x), over its mean for x uniform within 1.
TILT = 0.5
SETS = {"particle": [24, 24], "hidden": [16], "epochs": 12, "batch_size": 256, "learning_rate": 0.01}
CLASSIFIER = {
    "backend": "sets",
    "folds": 2,
    "sets": SETS | {"annealing": True, "restarts": 1, "validation_parts": 1},
}


def simulated(folder: Path, name: str, n: int, seed: int, mean: float = 2.0, **changes: Any) -> Path:
    """Events with lists ``x`` and ``y`` of a Poisson number of particles, and a true ratio in ``shift``."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean, n)
    x, y = rng.uniform(-1, 1, (2, counts.sum()))
    columns = {"run": np.full(n, seed, np.int64), "luminosityBlock": np.zeros(n, np.int64)}
    columns |= {"event": np.arange(n, dtype=np.int64), "gen_weight": np.ones(n), "z": rng.uniform(0, 1, n)}
    made = ak.Array(columns)
    for key, values in {"x": x, "y": y}.items():
        made = ak.with_field(made, ak.values_astype(ak.unflatten(values, counts), np.float32), key)
    shift = np.exp(TILT * ak.to_numpy(ak.sum(made.x, axis=1)) - counts * np.log(np.sinh(TILT) / TILT))
    made = ak.with_field(made, shift, "shift")
    for key, values in changes.items():
        made = ak.with_field(made, values(made), key)
    # Chunks of different longest lists.
    events.write(folder / "skim" / name / "000.parquet", [made[: n // 3], made[n // 3 :]], {})
    content = {"name": name, "nature": "simulation", "chunks": ["000"], "events": n, "luminosity": None, "era": None}
    content |= {"cross_section": 1.0, "mass": None, "weight_scale": 0.5, "cutflow": [], "lost": [], "notes": []}
    write_json(folder / "skim" / f"{name}.json", content | {"dropped": {}, "variations": {}})
    return folder / "skim" / f"{name}.json"


def run(folder: Path, given: dict[str, Any], numerator: Path, denominator: Path) -> dict[str, Any]:
    """The closure of the ratio ``up``."""
    write_json(folder / "config.json", given | {"comparison": {"bins": 5, "replicas": 20, "alike": 20}})
    output = folder / "reweight/up/closure.json"
    command = ["ratio", "--config", folder / "config.json", "--name", "up", "--output", output]
    command += ["--numerator", numerator, "--denominator", denominator]
    CliRunner().invoke(app, list(map(str, command)), catch_exceptions=False)
    return json.loads(output.read_text())


def section(**changes: Any) -> dict[str, Any]:
    side = {"datasets": ["one"], "weight": "shift"}
    given = {"numerator": side, "denominator": {"datasets": ["one"]}, "lists": [["x", "y"]], "classifier": CLASSIFIER}
    return given | changes


def test_a_ratio_of_sets_is_learned(tmp_path):
    one = simulated(tmp_path, "one", 4000, 1)
    found = run(tmp_path, section(), one, one)
    truth = {part["variable"]: np.array(part["closure"]) for part in found["truth"]}
    assert list(truth) == ["weight", "length of x", "mean of x", "mean of y"]
    for closure in truth.values():
        assert np.abs(closure).max() < 0.04
    stored = Dataset.open(one).read(["x", "shift", "reweight_up"], ["reweight/up"])
    learned, true, empty = (ak.to_numpy(part) for part in (stored.reweight_up, stored.shift, ak.num(stored.x) == 0))
    assert np.sqrt(np.mean((learned / true - 1) ** 2)) < 0.08 < np.sqrt(np.mean((1 / true - 1) ** 2)) / 6
    # Sets without a particle are one point.
    assert 400 < empty.sum() < 700
    own = learned[empty]
    assert np.ptp(own) < 0.1
    np.testing.assert_allclose(own, 1, atol=0.1)
    after = [variable["name"] for variable in found["after"]["variables"]]
    assert after == ["length of x", "mean of x", "mean of y"]


def test_other_events_may_have_longer_lists(tmp_path):
    one, two = simulated(tmp_path, "one", 3000, 1), simulated(tmp_path, "two", 3000, 2, mean=4.0)
    longest = [int(ak.max(ak.num(Dataset.open(path).read(["x"]).x))) for path in (one, two)]
    assert longest[0] < longest[1]
    found = run(tmp_path, section(numerator={"datasets": ["two"]}), two, one)
    before, after = (found[when]["variables"][0]["test"]["chi2"] for when in ("before", "after"))
    assert after < 0.1 * before


def settings(**changes: Any) -> RatioSettings:
    return build(section(**changes), RatioSettings, "test")


def test_sets_have_kinds_and_places_without_a_particle():
    jets = ak.Array({"x": [[1.0, 2.0], [], [3.0]], "y": [[4.0, 5.0], [], [6.0]], "z": [7.0, 8.0, 9.0]})
    for name, column in (("u", jets.x), ("v", jets.y), ("w", -jets.z)):
        jets = ak.with_field(jets, column, name)
    given = settings(lists=[["x", "y"], ["v", "u"]], particles=[["z", "w"]])
    compared, seen = evaluated(jets, given, "test")
    nan = [np.nan] * 5
    np.testing.assert_array_equal(
        seen,
        [
            [[7, -7, 1, 0, 0], [1, 4, 0, 1, 0], [2, 5, 0, 1, 0], [4, 1, 0, 0, 1], [5, 2, 0, 0, 1]],
            [[8, -8, 1, 0, 0], nan, nan, nan, nan],
            [[9, -9, 1, 0, 0], [3, 6, 0, 1, 0], nan, [6, 3, 0, 0, 1], nan],
        ],
    )
    means = [f"mean of {name}" for name in "xyvu"]
    assert given.compared == ["z", "w", "length of x", *means[:2], "length of v", *means[2:]]
    np.testing.assert_allclose(compared[:, 2:5], [[2, 1.5, 4.5], [0, 0, 0], [1, 3, 6]])
    _, first = evaluated(jets, settings(longest=1), "test")
    np.testing.assert_array_equal(first, [[[1, 4, 1]], [[np.nan] * 3], [[3, 6, 1]]])
    (none,) = lists.particles(jets[1:2], settings(), "test")
    assert none.shape == (1, 1, 2)
    assert np.isnan(none).all()


def test_sets_of_several_sizes_are_one_sample():
    small, large = (Sample.of(np.ones((2, places, 3))) for places in (1, 4))
    both = Sample.concatenate([small, large])
    assert both.features.shape == (4, 4, 3)
    assert np.isnan(both.features[:2, 1:]).all()
    assert not np.isnan(both.features[2:]).any()
    both.require_finite()


@pytest.mark.parametrize(
    ("changes", "given", "error", "says"),
    [
        ({"y": lambda e: e.y[:, 1:]}, {}, ConfigError, r"'x' and 'y' of 'one' have different lengths in \d+ of"),
        ({"y": lambda e: e.z}, {}, ConfigError, "lists has 'y', which is one number an event; name it in particles"),
        ({"y": lambda e: ak.unflatten(e.x, 1)}, {}, ConfigError, "lists has 'y', which is a list of lists in 'one'"),
        ({"x": lambda e: e.x[:, :0], "y": lambda e: e.y[:, :0]}, {}, EmptySelectionError, "'x' and 'y' are empty in"),
        ({}, {"lists": [["x", "none"]]}, Exception, "'none'"),
    ],
)
def test_what_is_no_set_ends_in_a_sentence(tmp_path, changes, given, error, says):
    one = simulated(tmp_path, "one", 200, 1, **changes)
    with pytest.raises(error, match=says):
        run(tmp_path, section(**given), one, one)


def test_a_particle_that_is_no_number_ends_in_a_sentence():
    jets = ak.Array({"x": [[1.0, np.nan], []], "y": [[4.0, 5.0], []]})
    with pytest.raises(NotFiniteError, match="test: 'x' has 1 NaN or infinite values of 2"):
        evaluated(jets, settings(), "test")
