"""Uncertainties of the signal's shape, and exported models, before and after; one JSON line for each item.

``before``: of commit 167cf52, the middle of what an audit found for several shapes. Two minutes, as pyhf is slow.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyhf

from resonaut.fit import background, limits, workspace
from resonaut.fit.background import Model
from resonaut.fit.bare import settings_of
from resonaut.fit.family import Array
from resonaut.fit.limits import Limits
from resonaut.fit.shapes import CrystalBalls, Gaussian
from resonaut.fit.signal import template
from resonaut.fit.sources import named
from resonaut.fit.spectrum import Spectrum

SQRT_S = 13000.0
SETTINGS = settings_of(["background.shape_parameters=[2,2]"], SQRT_S, []).background
CRYSTAL_BALL = np.array([1.0, np.log(0.03), 1.2, np.log(3.0), 1.5, np.log(3.0)])
SOURCES = named({"scale": 0.01, "resolution": 0.05, "normalisation": 0.1})


def totals() -> Iterator[dict[str, object]]:
    """How far the total of a Crystal Ball is from 1 when its scale is moved."""
    edges = np.arange(1500.0, 6000.0, 4.0)
    one = template(CrystalBalls(np.array([3500.0]), CRYSTAL_BALL[None], 0.0, ""), 3500.0, edges, named({"scale": 0.02}))
    moved = one.at(np.array([[2.0], [3.0]])).sum(axis=1) / one.shares.sum() - 1
    yield {"item": "total at 2 and 3 sigma of the scale", "before": [0.095, 0.58], "after": moved.round(4).tolist()}


def beside_a_peak(edges: Array) -> Iterator[tuple[float, Model, Limits]]:
    middle = (edges[:-1] + edges[1:]) / 2
    falling, peak = np.diff(edges) * np.exp(-middle / 500), template(Gaussian(0.04), 3500.0, edges).shares
    counts = np.random.default_rng(3).poisson(5000 * falling / falling.sum() + 220 * peak).astype(float)
    for mass in (3300.0, 3700.0, 4500.0):
        one = background.model(Spectrum(edges, counts), Gaussian(0.04), mass, SQRT_S, SETTINGS, SOURCES)
        yield mass, one, limits.upper_limits(replace(one, expected=one.background.background[0]), 0.95)


def exported() -> Iterator[dict[str, object]]:
    """Observed and expected limits of plain pyhf over ours, beside a peak of 8 sigma."""
    for mass, one, ours in beside_a_peak(np.geomspace(2500.0, 7000.0, 60)):
        unit = float(ours.expected[2])
        opened = pyhf.Workspace(workspace.build(one, unit, SOURCES, ours.observed))
        for optimizer in ("scipy", "minuit"):
            pyhf.set_backend("numpy", optimizer)
            found = opened.model()
            observed, bands = pyhf.infer.intervals.upper_limits.upper_limit(opened.data(found), found)
            ratios = [float(observed) * unit / ours.observed, float(bands[2])]
            yield {"item": f"pyhf ({optimizer}) over ours at {mass:g} GeV", "after": np.round(ratios, 3).tolist()}


if __name__ == "__main__":
    for study in (totals, exported):
        for row in study():
            print(json.dumps(row), flush=True)
