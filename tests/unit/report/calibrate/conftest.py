"""Summaries of the calibration of two signals."""

import hist
import numpy as np
import pytest

from resonaut.core.files import write_json
from resonaut.core.histograms import to_json

PRONGS = {"jets": 100, "uncalibrated": 1, "unclustered": 2}


@pytest.fixture
def pair():
    """Give a function that fills an observable before and after jets get their weights."""
    return filled


def filled(values, weights, scale=1.0):
    """An observable before and after jets get their weights."""
    both = [hist.Hist(hist.axis.Regular(4, 0, 1, name="x"), storage=hist.storage.Weight()) for _ in range(2)]
    for histogram, each in zip(both, (np.ones_like(weights), weights), strict=True):
        histogram.fill(values, weight=scale * each)
    return both


@pytest.fixture
def summaries(tmp_path):
    """Two signals: one with six observables and all rows, one with a single observable and a null row."""
    rng = np.random.default_rng(5)
    before, after = filled(rng.random(500), rng.uniform(0.5, 2.5, 500))
    observable = {"before": to_json(before), "after": to_json(after)}
    row = {"cuts": {"tau21": [None, 0.4]}, "efficiency": 0.25, "scale_factor": 0.9, "total": 0.13}
    null = {"cuts": {}, "efficiency": 0.0, "scale_factor": None, "uncertainties": None, "total": None}
    sources = {"statistical": [0.05, -0.05], "b_quark": [0.12, -0.02], "distortion": [0.0, 0.0]}
    names = ("tau21", "tau32", "tau43", "softdrop_mass", "n_constituents", "part_qcd", "part_2prong")
    contents = [
        {
            "dataset": "two",
            "selections": {"tau21": row | {"uncertainties": sources}, "never": null},
            "histograms": dict.fromkeys(names, observable),
            "prongs": {
                "10": PRONGS | {"bad_fraction": 0.1, "doubtful": False},
                "2": PRONGS | {"bad_fraction": 0.25, "doubtful": True},
            },
        },
        {
            "dataset": "one",
            "selections": {"never": null, "tau32": row | {"uncertainties": {"b_quark": [0.0, 0.01]}}},
            "histograms": {"tau21": observable},
            "prongs": {"1": PRONGS | {"bad_fraction": 0.0, "doubtful": False}},
        },
    ]
    for content in contents:
        write_json(tmp_path / content["dataset"] / "summary.json", content)
    return [tmp_path / content["dataset"] / "summary.json" for content in contents]
