"""Selections to the fits of two methods in two windows."""

import hist
import numpy as np
import pytest

from resonaut.core.files import write_json
from resonaut.core.histograms import to_json
from resonaut.select.results import Signal, Trained


def counts(low, region, high):
    """(events, selected) of each region."""
    names = ("lower_sideband", "signal_region", "upper_sideband", "outside")
    pairs = (low, region, high, (500, 5))
    return {name: {"events": e, "selected": s} for name, (e, s) in zip(names, pairs, strict=True)}


@pytest.fixture
def summary(content_of):
    """Give a function that makes a summary of the stage select, in which nothing is wrong."""
    return lambda method, window, **changed: summarised(content_of, method, window, **changed)


def summarised(content_of, method, window, **changed):
    spectrum = hist.Hist(hist.axis.Regular(250, 2000, 7000), storage=hist.storage.Int64())
    spectrum.fill(np.random.default_rng(1).exponential(400, 800) + 3000)
    sculpting = {
        "sample": "data outside the signal region",
        "verdict": "flat",
        "interpolation": {"efficiency": 0.011, "interpolated": 0.01, "error": 0.001, "p_value": 0.4},
        "spurious_excess": 1.7,
        "efficiency": 0.01,
        "bins": [
            {"range": [3000 + x, 3250 + x], "efficiency": 0.01, "expected": 0.01, "error": 0.002} for x in (0, 250, 750)
        ],
        "chi2": 1.5,
        "ndof": 2,
        "p_value": 0.47,
        "jsd": 0.004,
        "jsd_random": 0.005,
        "jsd_p_value": 0.61,
    }
    signals = [content_of(Signal, dataset=f"s{mass:g}", mass=mass, efficiency=mass / 1e5) for mass in (3500.0, 4000.0)]
    known = {
        "method": method,
        "window": window,
        "observable": "m_jj",
        "label": "m_jj",
        "unit": "GeV",
        "signal_region": [2900, 3700] if window == "low" else [3700, 4100],
        "efficiency_target": 0.01,
        "training": {"auc": 0.51},
        "counts": counts((4000, 60), (1000, 33), (1000, 5)),
        "spectra": dict.fromkeys(("0.25", "0.01"), to_json(spectrum)),
        "sculpting": sculpting | changed.pop("sculpting", {}),
        "importance": {"m_j1": 0.5, "tau21_j1": 0.9},
        "further": {},
        "signals": [*signals, content_of(Signal, dataset="no_mass", mass=None)],
    }
    return content_of(Trained, **known | changed)


@pytest.fixture
def selected(windows, summary, tmp_path):
    """Fits of ``cwola`` and ``tagger`` in two windows, and selections to them: one carves, one has no features."""
    changes = {
        ("cwola", "low"): {"sculpting": {"verdict": "sculpted", "p_value": 1e-7}},
        ("tagger", "high"): {
            "importance": {},
            "training": {},
            "sculpting": {
                "verdict": "not excluded",
                "interpolation": None,
                "spurious_excess": None,
                "jsd": None,
                "jsd_random": None,
                "jsd_p_value": 1.0,
                "bins": [],
            },
        },
    }
    paths = []
    for fit in windows:
        name = fit.parent.name, fit.stem
        paths.append(tmp_path / "select" / name[0] / f"{name[1]}.json")
        write_json(paths[-1], summary(*name, **changes.get(name, {})))
    return paths
