"""Workspaces with every type of modifier."""

import copy
from typing import Any

import numpy as np
import pytest

LUMI = {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "bounds": [[0.5, 1.5]], "inits": [1.0]}


def modifier(name: str, kind: str, data: Any = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "data": data}


def everything(seed: int, bins: tuple[int, ...], events: float) -> dict[str, Any]:
    """Two channels, out of order, with all modifiers; data fluctuate around the nominal expectation."""
    rng = np.random.default_rng(seed)

    def histogram(size: int, height: float, low: float = 0.7, high: float = 1.3) -> list[float]:
        return (height * rng.uniform(low, high, size)).tolist()

    def shape(contents: list[float], size: float) -> dict[str, list[float]]:
        high, low = (np.array(contents) * rng.uniform(1 - size, 1 + 2 * size, len(contents)) for _ in range(2))
        return {"hi_data": high.tolist(), "lo_data": low.tolist()}

    channels, observations = [], []
    for name, size in zip(("signal_region", "control_region"), bins, strict=True):
        signal = histogram(size, 0.3 * events if name == "signal_region" else 0.01 * events)
        background, other = histogram(size, events), histogram(size, 0.3 * events)
        samples = [
            {
                "name": "signal",
                "data": signal,
                "modifiers": [
                    modifier("mu", "normfactor"),
                    modifier("lumi", "lumi"),
                    modifier("theory", "normsys", {"hi": 1.1, "lo": 0.93}),
                    modifier("jes", "histosys", shape(signal, 0.05)),
                ],
            },
            {
                "name": "background",
                "data": background,
                "modifiers": [
                    modifier("norm", "normfactor"),
                    modifier("jes", "histosys", shape(background, 0.03)),
                    modifier("jes", "normsys", {"hi": 1.02, "lo": 0.97}),
                    modifier(f"mc_{name}", "staterror", (0.3 * np.sqrt(background)).tolist()),
                ],
            },
            {
                "name": "other",
                "data": other,
                "modifiers": [
                    modifier("lumi", "lumi"),
                    modifier("rate", "normsys", {"hi": 1.2, "lo": 0.85}),
                    modifier(f"fakes_{name}", "shapesys", (0.1 * np.array(other)).tolist()),
                    modifier(f"mc_{name}", "staterror", (0.3 * np.sqrt(other)).tolist()),
                ],
            },
        ]
        if name == "control_region":
            samples.append(
                {
                    "name": "free",
                    "data": [0.2 * events, *(size - 1) * [0.0]],
                    "modifiers": [modifier("shape", "shapefactor")],
                }
            )
        counts = rng.poisson(np.sum([sample["data"] for sample in samples], axis=0))
        channels.append({"name": name, "samples": samples})
        observations.append({"name": name, "data": counts.tolist()})
    measured = {"poi": "mu", "parameters": [LUMI, {"name": "mu", "bounds": [[0.0, 20.0]]}]}
    return {
        "version": "1.0.0",
        "channels": channels,
        "observations": observations,
        "measurements": [{"name": "measured", "config": measured}],
    }


def one_bin(observed: float, signal: float, background: float, **more: Any) -> dict[str, Any]:
    """A counting experiment."""
    samples = [
        {"name": "signal", "data": [signal], "modifiers": [modifier("mu", "normfactor")]},
        {"name": "background", "data": [background], "modifiers": more.get("modifiers", [])},
    ]
    return {
        "version": "1.0.0",
        "channels": [{"name": "bin", "samples": samples}],
        "observations": [{"name": "bin", "data": [observed]}],
        "measurements": [
            {"name": "counting", "config": {"poi": "mu", "parameters": [{"name": "mu", "bounds": [[-50, 50]]}]}}
        ],
    }


@pytest.fixture(scope="session")
def all_modifiers():
    """A workspace with every modifier of pyhf."""
    return everything(3, (6, 5), 300.0)


@pytest.fixture(scope="session")
def few_bins():
    """The same with so few bins that pyhf is quick."""
    return everything(4, (2, 2), 300.0)


@pytest.fixture
def workspace(all_modifiers):
    """One that a test may change."""
    return copy.deepcopy(all_modifiers)


@pytest.fixture(scope="session")
def counting():
    """Makes counting experiments."""
    return one_bin
