"""Distributions of observables in two samples: response, tests in bins, separation power."""

import numpy as np
from numpy.typing import NDArray

from resonaut.emulate.results import Histogram, Moments
from resonaut.learn.twosample.agreement import chi2
from resonaut.learn.twosample.quantiles import Bins, Sums
from resonaut.learn.twosample.results import Chi2

Floats = NDArray[np.float64]
# Showers of a sample in a bin: twice those of which chi2 takes bins together (learn.twosample.agreement).
FEWEST = 10
# Most bins of a histogram for a figure, and the share of simulated showers that its range leaves out on each side.
DRAWN, OUTSIDE = 30, 0.002


def moments(values: Floats) -> Moments:
    """Mean and standard deviation of values (n,).

    The variance of the standard deviation s is (m4 - s^4) / (4 n s^2), with the fourth central moment m4: the width of
    no distribution is assumed (M. Kendall, A. Stuart, The Advanced Theory of Statistics 1, 10.8).
    """
    n, mean, width = len(values), float(values.mean()), float(values.std(ddof=1))
    fourth = float(np.mean((values - mean) ** 4))
    error = np.sqrt(max(fourth - width**4, 0) / n) / (2 * width) if width > 0 else 0.0
    return Moments(mean=mean, mean_error=width / np.sqrt(n), width=width, width_error=float(error))


def counted(simulated: Floats, emulated: Floats, bins: int) -> tuple[Sums, Sums]:
    """Shares of two samples (n,) and (m,) in bins that hold equal shares of both together.

    A value that many showers share, as no energy in a layer, has a bin of its own. There are fewer than ``bins`` where
    a bin would have fewer than ``FEWEST`` showers of the smaller sample.
    """
    bins = max(2, min(bins, min(len(simulated), len(emulated)) // FEWEST))
    samples = [(values, np.ones(len(values))) for values in (simulated, emulated)]
    inner = Bins.of(samples, bins, min(len(simulated), len(emulated))).wide_edges[1:-1]
    first, second = (
        Sums.of(np.searchsorted(inner, values, side="right"), ones, np.zeros(len(values), int), (1, len(inner) + 1))
        for values, ones in samples
    )
    return first, second


def agreement(simulated: Floats, emulated: Floats, bins: int) -> Chi2:
    """Pearson's chi2 of both samples in ``bins``, with the errors of both."""
    return chi2(*counted(simulated, emulated, bins))


def separation(simulated: Floats, emulated: Floats, bins: int) -> float:
    """The separation power, 1/2 sum (p - q)^2 / (p + q): 0 for equal shares p and q of the bins, 1 without overlap.

    (arXiv:2009.03796, eq. 15; the measure of the CaloChallenge, arXiv:2410.21611.)
    """
    p, q = (sums.weights[0] for sums in counted(simulated, emulated, bins))
    filled = p + q > 0
    return float(0.5 * np.sum((p - q)[filled] ** 2 / (p + q)[filled]))


def histogram(simulated: Floats, emulated: Floats) -> Histogram:
    """For a figure: bins of one width in the range of nearly all simulated showers, 2 n^(1/3) of n (Rice's rule)."""
    bins = min(DRAWN, max(2, round(2 * len(simulated) ** (1 / 3))))
    low, high = np.quantile(simulated, [OUTSIDE, 1 - OUTSIDE])
    if high <= low:
        low, high = low - 0.5, low + 0.5
    margin = (high - low) / bins
    edges = np.linspace(low - margin, high + margin, bins + 1)
    counts = [np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] for values in (simulated, emulated)]
    return Histogram(
        low=float(edges[0]), high=float(edges[-1]), simulated=counts[0].tolist(), emulated=counts[1].tolist()
    )
