"""Spectra that are not dijets, judged in units of their own resolution and, as before, in bins of CMS's dijets.

One JSON line for each item, a minute in all: bins of the chi2, ranges, power of the companion tests for a narrow peak,
accuracy of the integrals, and what merging very many bins costs.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.integrate import quad
from scipy.stats import norm

from resonaut.fit import background, bumphunter, scan
from resonaut.fit.bare import FINE, settings_of
from resonaut.fit.binning import quality, resolution_cuts
from resonaut.fit.family import Array, Background
from resonaut.fit.likelihood import fit
from resonaut.fit.resolution import DIJET, Resolution
from resonaut.fit.shapes import Gaussian
from resonaut.fit.spectrum import Spectrum

SQRT_S, MASS, WIDTH = 13000.0, 500.0, 0.02
FIXED = ("background.shape_parameters=[2,2]", "background.shrink={min_p_background: 0, min_p_smooth: 0}")
# The old floors and steps, GeV.
BEFORE = {"step": 100, "below": 300, "above": 500}


def dimuon(bins: int, events: float, signal: float) -> tuple[Array, Array]:
    """Edges and expected events of a falling spectrum with a peak of 2 %."""
    edges = np.linspace(392.0, 608.0, bins + 1)
    smooth = -np.diff(np.exp(-edges / 150))
    peak = np.diff(norm.cdf(edges, MASS, WIDTH * MASS))
    return edges, events * smooth / smooth.sum() + signal * peak


def resolutions() -> Iterator[tuple[str, Resolution]]:
    yield from (("before", DIJET), ("after", Resolution(WIDTH)))


def bins_and_ranges() -> Iterator[dict[str, object]]:
    edges, expected = dimuon(20, 4000, 0)
    settings = settings_of([], SQRT_S, []).background
    old = replace(settings.shrink, **{name: size / float(DIJET.at(MASS)) for name, size in BEFORE.items()})
    bins, ranges = {}, {}
    for name, resolution in resolutions():
        spectrum = Spectrum(edges, np.round(expected), resolution)
        bins[name] = len(resolution_cuts(spectrum)) - 1
        chosen = settings if name == "after" else replace(settings, shrink=old)
        ranges[name] = len(list(background.ranges(spectrum, MASS, chosen)))
    yield {"item": "bins of the chi2, of 20", **bins}
    yield {"item": "ranges that can be tried", **ranges}


def power(experiments: int = 300) -> Iterator[dict[str, object]]:
    """How often a peak of four standard deviations makes the background's chi2 and the BumpHunter's window unlikely."""
    edges, expected = dimuon(20, 4000, 120)
    function = Background("dijet", edges, SQRT_S, 2)
    counts = np.random.default_rng(1).poisson(expected, (experiments, 20)).astype(float)
    fitted = fit(function, counts).background
    poor, bump = {}, {}
    for name, resolution in resolutions():
        p, local = [], []
        for own, smooth in zip(counts, fitted, strict=True):
            spectrum = Spectrum(edges, own, resolution)
            cuts = resolution_cuts(spectrum)
            p.append(quality(spectrum, smooth, 3).p_value)
            merged = [np.add.reduceat(values, cuts[:-1])[None] for values in (own, smooth)]
            local.append(bumphunter.most_significant(*merged, bumphunter.in_bins((2, 6), spectrum, cuts)).p_local[0])
        poor[name] = float(np.mean(np.array(p, dtype=float) < 0.05))
        bump[name] = float(np.median(norm.isf(local)))
    yield {"item": "share of p(chi2) < 0.05 with a peak of 4 sigma", **poor}
    yield {"item": "BumpHunter's median local significance of it", **bump}


def integrals() -> Iterator[dict[str, object]]:
    """Largest relative error in wide bins of a function that falls as m^-9."""
    edges = np.array([1e3, 1.5e3, 3e3, 6e3, 12e3])
    function = Background("exponential_power", edges, SQRT_S, 2)
    theta = np.linalg.lstsq(function.directions.reshape(-1, 3), -9 * np.log(function._nodes.ravel()), rcond=None)[0]
    exact = np.array([quad(lambda m: m**-9.0, *ends, epsabs=0)[0] for ends in pairwise(edges)])
    points, weights = leggauss(4)
    nodes = ((edges[1:] + edges[:-1]) + points[:, None] * np.diff(edges)) / 2
    old = weights @ nodes**-9.0 * np.diff(edges) / 2
    errors = {"before": old, "after": function.expected(theta)}
    yield {"item": "error of an integral"} | {n: float(np.abs(v / exact - 1).max()) for n, v in errors.items()}


def many_bins() -> Iterator[dict[str, object]]:
    """The significance in 20,000 bins, and as they are merged beside the signal's width."""
    edges, expected = dimuon(20_000, 1e5, 600)
    counts = np.random.default_rng(2).poisson(expected).astype(float)
    cuts = Resolution(FINE * WIDTH).cuts(edges)
    merged = Spectrum(edges[cuts], np.add.reduceat(counts, cuts[:-1]))
    settings = settings_of(list(FIXED), SQRT_S, []).background
    both = {"before": Spectrum(edges, counts), "after": merged}
    models = {name: background.model(one, Gaussian(WIDTH), MASS, SQRT_S, settings, {}) for name, one in both.items()}
    yield {"item": "significance of 20,000 bins"} | {name: scan.search(one).z_local for name, one in models.items()}


if __name__ == "__main__":
    for study in (bins_and_ranges, power, integrals, many_bins):
        for line in study():
            print(json.dumps({"study": "spectra", **line}), flush=True)
