"""The BumpHunter: the most significant excess over a smooth background, wherever it is and however wide.

G. Choudalakis, arXiv:1101.0390. Every window of neighbouring bins is a counting experiment; the smallest of their
p-values is a test statistic, whose distribution without signal comes from toys (the look-elsewhere effect). The
background is refitted in each toy as in the data: otherwise the toys' background would fit worse than the data's,
and the global p-value would be too large.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from resonaut.core.errors import ConfigError, ResonautError
from resonaut.fit.binning import merge
from resonaut.fit.family import Array, Background
from resonaut.fit.likelihood import fit
from resonaut.fit.results.scans import BumpResult
from resonaut.fit.spectrum import Spectrum

Index = NDArray[np.int64]

# Toys fitted and scanned at once, which bounds the memory for spectra of a thousand bins.
BATCH = 2000
# Smallest p-value whose logarithm is taken: where gammainc underflows, the statistic ends at 708.
SMALLEST = float(np.finfo(float).tiny)


@dataclass(frozen=True)
class Bump:
    """The most significant window of each spectrum: all (B,).

    ``first`` bin and ``width`` in bins; ``statistic`` is ``-ln p_local`` (eq. 15); ``p_local`` is 1 and ``statistic``
    0 where no window has an excess.
    """

    first: Index
    width: Index
    p_local: Array
    statistic: Array


def in_bins(widths: tuple[int, int], spectrum: Spectrum, cuts: Index) -> tuple[int, int]:
    """Fewest and most bins between the ``cuts`` of ``spectrum`` that are ``widths`` in units of its resolution.

    A bin counts as so many units as it holds in full.
    """
    edges = spectrum.edges[cuts]
    size = float(np.median(np.diff(edges) / spectrum.resolution.at((edges[1:] + edges[:-1]) / 2)))
    low, high = (max(1, round(width / max(1, int(size)))) for width in widths)
    return low, high


def windows(n_bins: int, widths: tuple[int, int]) -> tuple[Index, Index]:
    """First bins (W,) and widths (W,) of all windows of ``widths[0]`` to ``widths[1]`` bins, the narrow ones first.

    Raises:
        ConfigError: there is no such window.
    """
    low, high = widths
    if not 1 <= low <= min(high, n_bins):
        raise ConfigError(f"no window of {low} to {high} bins fits into {n_bins} bins; change the windows' widths.")
    width = np.arange(low, min(high, n_bins) + 1)
    positions = n_bins - width + 1
    return np.concatenate([np.arange(n) for n in positions]), np.repeat(width, positions)


def local_p(counts: Array, background: Array, widths: tuple[int, int]) -> Array:
    """p-values (B, W) of an excess in each of ``windows``: ``P(N >= n | b)``, and 1 where ``n <= b`` or ``b <= 0``.

    Args:
        counts: events (B, N).
        background: expected events, (B, N) or (N,) for all spectra the same.
        widths: fewest and most bins of a window.
    """
    first, width = windows(counts.shape[-1], widths)
    n, b = _inside(counts, first, width), _inside(background, first, width)
    n, b = np.broadcast_arrays(n, b)
    excess = (n > b) & (b > 0)
    p = np.ones(n.shape)
    p[excess] = gammainc(n[excess], b[excess])
    return p


def most_significant(counts: Array, background: Array, widths: tuple[int, int]) -> Bump:
    """The window with the smallest p-value in each spectrum; see ``local_p`` for the arguments."""
    p = local_p(counts, background, widths)
    best = p.argmin(axis=1)
    first, width = windows(counts.shape[-1], widths)
    p_local = p[np.arange(len(p)), best]
    # abs: -ln 1 is -0.
    return Bump(first[best], width[best], p_local, np.abs(np.log(np.maximum(p_local, SMALLEST))))


def search(
    function: Background,
    counts: Array,
    cuts: Index,
    widths: tuple[int, int],
    toys: int,
    rng: np.random.Generator,
    expected: Array | None = None,
) -> BumpResult:
    """Fit the background, find the bump, and how often a spectrum without signal shows one as significant.

    Args:
        function: the background, over fine bins.
        counts: events (N,) in the fine bins.
        cuts: rising indices (n + 1,) into the fine bins' edges: those of the bins in which a bump is looked for. Fine
            bins beyond the first and the last are fitted, but not scanned.
        widths: fewest and most bins of a window, as pyBumpHunter's ``width_min`` and ``width_max``.
        toys: number of spectra thrown from the fitted background, each with a fit of its own.
        rng: throws them.
        expected: background (N,) of the data, and of the toys; None is the one fitted to the data.

    Raises:
        ConfigError: no window fits into the bins.
        ResonautError: the background fit does not converge.
    """
    found = fit(function, counts[None])
    if not found.converged[0]:
        raise ResonautError("the background fit does not converge; change the fit range or the shape parameters.")
    expected = found.background[0] if expected is None else expected
    merged, smooth = merge(counts, cuts), merge(expected, cuts)
    bump = most_significant(merged[None], smooth, widths)
    first, end = int(bump.first[0]), int(bump.first[0] + bump.width[0])
    above = 0
    for done in range(0, toys, BATCH):
        thrown = rng.poisson(expected, (min(BATCH, toys - done), len(expected))).astype(float)
        refitted = fit(function, thrown, start=found.theta)
        toy = most_significant(merge(thrown, cuts), merge(refitted.background, cuts), widths)
        above += int(np.count_nonzero(toy.statistic >= bump.statistic[0]))
    p_global = above / toys if toys else None
    return BumpResult(
        low=float(function.edges[cuts[first]]),
        high=float(function.edges[cuts[end]]),
        events=float(merged[first:end].sum()),
        expected=float(smooth[first:end].sum()),
        p_local=float(bump.p_local[0]),
        statistic=float(bump.statistic[0]),
        p_global=p_global,
        p_global_error=None if p_global is None else float(np.sqrt(p_global * (1 - p_global) / toys)),
        toys=toys,
    )


def _inside(contents: Array, first: Index, width: Index) -> Array:
    """Sums (..., W) of ``contents`` (..., N) over windows.

    The cumulative sum begins at the high end, where a falling spectrum has next to nothing: begun at the low end, its
    rounding would exceed the contents of the last bins.
    """
    above = np.zeros((*contents.shape[:-1], contents.shape[-1] + 1))
    above[..., :-1] = contents[..., ::-1].cumsum(axis=-1)[..., ::-1]
    return np.asarray(above[..., first] - above[..., first + width])
