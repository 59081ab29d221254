"""The benchmark of docs/htautau.md, on three Gaussian processes of 600 events."""

import importlib.util
import json
from pathlib import Path

import awkward as ak
import pytest

from resonaut.classify.settings import Learning
from resonaut.core.files import write_json
from resonaut.core.record import plain

from .events_of_classes import learning, skim, table

BENCHMARK = Path(__file__).parents[3] / "benchmarks" / "classify_tautau.py"
# Means of both inputs, and expected events in 10/fb.
PROCESSES = {"ggh": (0.8, 200), "z_tau_tau": (0.0, 2000), "w_jets": (-0.8, 1000)}
NETWORK = {
    "bins": 4,
    "hidden": [8],
    "batch_size": 200,
    "learning_rate": 0.02,
    "epochs": 3,
    "warm_up": 1,
    "start": "cross_entropy",
}


@pytest.fixture
def results(tmp_path):
    """A folder as the workflow leaves it."""
    for number, (name, (mean, expected)) in enumerate(PROCESSES.items(), start=1):
        made = table(600, number, mean, run=number)
        columns = {one.replace("x", "m_vis") if one.startswith("x") else one: made[one] for one in made.fields}
        # A generator weight of 2 and a scale factor of 0.5, and 540 events that pass.
        skim(tmp_path, name, ak.Array(columns), weight_scale=expected / 10 / 540)
    classes = {"signal": ["ggh"], "background": ["z_tau_tau", "w_jets"]}
    asked = {"learner": "network", "loss": "uncertainty", "inputs": ["m_vis", "y"], "classes": classes}
    scale = {"width": 1.0, "factors": {}, "variations": dict.fromkeys(PROCESSES, "jes")}
    cross_section = {"width": 1.0, "factors": {"z_tau_tau": [0.9, 1.1]}, "variations": {}}
    job = {
        "classifier": plain(learning(**asked, uncertainty=NETWORK), Learning),
        "luminosities": dict.fromkeys(PROCESSES, 10.0),
        "measured": {
            "signals": {"mu": ["ggh"]},
            "scales": dict.fromkeys(PROCESSES, 1.0),
            "statistics": True,
            "nuisances": {"jes": scale, "z": cross_section},
        },
    }
    folder = tmp_path / "config/classify/train"
    folder.mkdir(parents=True)
    write_json(folder / "uncertainty.json", job)
    return tmp_path


def test_all_methods_measure_the_same_events(results, capsys, monkeypatch):
    specification = importlib.util.spec_from_file_location("classify_tautau", BENCHMARK)
    benchmark = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(benchmark)
    monkeypatch.setattr("sys.argv", ["classify_tautau", "--results", str(results), "--seeds", "1", "--toys", "50"])
    benchmark.main()
    found = json.loads(capsys.readouterr().out)
    assert found["expected"] == pytest.approx({name: events for name, (_, events) in PROCESSES.items()})
    assert list(found["methods"]) == [
        "visible_mass",
        "binary",
        "binary_held_out",
        "binary_equal",
        "multiclass",
        "multiclass_held_out",
        "uncertainty",
        "fixed",
    ]
    for name, one in found["methods"].items():
        (fit,), (profiled,), (fixed,), (pull,) = (one[key] for key in ("fit", "profiled", "fixed", "no_signal"))
        assert fit == pytest.approx(profiled, rel=0.02), name
        # Without nuisances and with simulation for ever √3200 / 200; with one bin and both of them a whole signal.
        assert 0.15 < fixed < profiled < 1.5, name
        assert abs(pull) < 5, name
    (best,), (other,) = (found["methods"][name]["fit"] for name in ("uncertainty", "binary"))
    assert found["gain"]["fit"]["binary"]["mean"] == pytest.approx(1 - best / other)
    assert found["gain"]["fit"]["binary"]["spread"] is None
