"""Classifiers, categories and a template model of them, from events; and what reruns of it."""

import json
import re

import awkward as ak
import numpy as np
import pytest
import yaml
from scipy.stats import norm

CONFIG = "tests/workflow/classify.yaml"
MEAN = 0.9


def sample(seed: int, n: int, mean: float, simulated: bool) -> ak.Array:
    """Normal ``x`` and ``y`` about a mean; a scale moves ``x`` of simulation."""
    x, y = np.random.default_rng(seed).normal(mean, 1, (2, n))
    found = {"run": np.ones(n, "int64"), "luminosityBlock": np.ones(n, "int64"), "event": np.arange(n)}
    found |= {"gen_weight": np.ones(n), "x": x, "y": y}
    return ak.zip(found | ({"x__scale_up": x + 0.2, "x__scale_down": x - 0.2} if simulated else {}))


@pytest.fixture(scope="module")
def clone(copied, write_skimmed):
    """A clone with skimmed events, 2,000 a class, after a run."""
    copied.configuration = (CONFIG,)
    for seed, name, mean, fb in ((1, "background", 0.0, 50.0), (2, "signal", MEAN, 5.0)):
        more = {
            "weight_scale": fb / 2000,
            "cross_section": fb,
            "variations": dict.fromkeys(["scale_up", "scale_down"], "scale"),
        }
        write_skimmed(copied.path / "events", name, [[sample(seed, 2000, mean, True)]], {}, {}, **more)
    data = ak.concatenate([sample(3, 2000, 0.0, False), sample(4, 200, MEAN, False)])
    data["event"] = np.arange(len(data))
    more = {"nature": "data", "luminosity": 40.0, "cross_section": None}
    write_skimmed(copied.path / "events", "collisions", [[data]], {}, {}, **more)
    run = copied.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return copied


def test_scores_reach_the_summary_and_the_template_model_with_their_shifts(clone) -> None:
    results = clone.path / "results/classified"
    (area,) = json.loads((results / "classify/bdt.json").read_text())["areas"]
    assert area["auc"] == pytest.approx(norm.cdf(MEAN), abs=0.01 + 4 * area["error"])
    filled = [
        json.loads((results / f"fit/models/counting/histograms/{name}.json").read_text()) for name in ("pure", "rest")
    ]
    for name, fb in (("signal", 5.0), ("background", 50.0)):
        parts = [one["samples"][name][0] for one in filled]
        # Every event is in one of the two categories.
        assert sum(sum(one["values"]) for one in parts) == pytest.approx(fb)
        # More of them are in the pure one if the scale is up.
        pure = [sum(parts[0]["varied"]["scale"][way]) for way in ("down", "up")]
        assert pure[0] < sum(parts[0]["values"]) < pure[1]
    assert sum(sum(one["data"]) for one in filled) == 2200


def test_the_uncertainty_that_a_network_was_trained_on_is_that_of_the_fit(clone) -> None:
    results = clone.path / "results/classified"
    (trained,) = json.loads((results / "classify/net.json").read_text())["uncertainties"]
    (fitted,) = json.loads((results / "fit/models/profiled/result.json").read_text())["interests"]
    assert fitted["value"] == pytest.approx(1, abs=1e-3)
    assert fitted["error"] == pytest.approx(trained["profiled"], rel=1e-4)
    assert trained["fixed"] < trained["profiled"]


def planned(clone, **changes) -> set[str]:
    """What the jobs of ``classify`` say that would run with other keys, by their dotted path with ``__``."""
    path = clone.path / CONFIG
    before = path.read_text()
    content = yaml.safe_load(before)
    for name, value in changes.items():
        *places, last = name.split("__")
        at = content["classify"]
        for place in places:
            at = at[place]
        at[last] = value
    path.write_text(yaml.safe_dump(content))
    try:
        run = clone.snakemake("--dry-run")
    finally:
        path.write_text(before)
    assert run.returncode == 0, run.stdout + run.stderr
    return set(re.findall(r"classify: (train \w+|\w+ (?:on|of) \w+)", run.stdout))


def test_a_key_of_a_classifier_trains_this_one_alone(clone) -> None:
    assert planned(clone) == set()
    datasets = ("collisions", "background", "signal")
    categories = {f"regions of {name}" for name in datasets}
    scores = {f"other on {name}" for name in datasets}
    assert planned(clone, classifiers__other__seed=2) == {"train other"} | scores | categories
    assert planned(clone, classifiers__other__unseen="mean") == scores | categories
    cuts = [{"name": "pure", "cut": "class_bdt_signal > 0.7"}]
    assert planned(clone, categories__regions=cuts) == categories
