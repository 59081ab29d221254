"""Fewer bins that leave a limit as it is: for toys and exported models, whose cost grows with the bins.

Data move inside a wide bin, and what is fitted with them. So each bin ends where what they say, summed up to there, is
the closest to what it is in narrow bins: a random walk over all bins becomes the step of one.
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.background import Model
from resonaut.fit.binning import merge
from resonaut.fit.envelope import profile
from resonaut.fit.family import Array

# The widest bin, relative to its mass, and how much the logarithm of the likelihood ratio of an event changes in one,
# relative to its largest value.
WIDEST, STEP = 0.015, 0.05
# The widest block of bins in which the background changes by one factor.
BLOCK = 0.05
# Least part of its possible length that a bin has.
LEAST = 0.5
# Standard deviations of the scale to either side of which this is looked at.
ASIDE = 1.5
# Variance below which what events say is known from the rest.
KNOWN = 1e-6


def cuts(model: Model, events: float) -> NDArray[np.intp]:
    """Indices of the ``edges`` of the model's bins between which they may be merged, for so many signal ``events``."""
    background = model.background.background[0]
    aside = np.outer((-ASIDE, 0.0, ASIDE), [name == "scale" for name in model.template.nuisances])
    yields = model.background.best.theta[0, model.background.best.function.n_smooth :]
    others = [number * one.shares for one, number in zip(model.resonances, yields, strict=True)]
    signals = [*(events * np.atleast_2d(model.template.at(aside))), *others]
    # The logarithm of the likelihood ratio of an event in each bin, without and with the signal or the resonance.
    ratio = np.log1p(np.abs(signals) / background)
    ratio /= np.maximum(ratio.max(axis=1, keepdims=True), np.finfo(float).tiny)
    said = np.vstack([ratio, _slopes(model) / background])
    return _cuts(model.spectrum.edges, model.spectrum.counts, background, said, ratio, WIDEST)


def blocks(model: Model, between: NDArray[np.intp]) -> NDArray[np.intp]:
    """Indices of the edges ``between`` which the bins are: of blocks in which the background changes by one factor."""
    edges, counts = model.spectrum.edges[between], merge(model.spectrum.counts, between)
    background = merge(model.background.background[0], between)
    said = merge(_slopes(model), between) / background
    return _cuts(edges, counts, background, said, np.zeros((1, len(counts))), BLOCK)


def _slopes(model: Model) -> Array:
    """Derivatives (K, N) of the fitted background."""
    fitted = model.background.best
    return fitted.function.slope(fitted.theta[0]).T


def _cuts(edges: Array, counts: Array, background: Array, said: Array, ratio: Array, widest: float) -> NDArray[np.intp]:
    """Cuts of ``edges`` (N + 1) for what an event says in each bin (R, N), and ``ratio`` (S, N) for ``STEP``."""
    said = _independent(said, background)
    sums = np.vstack([counts * said, background * said, counts, background])
    below = np.pad(np.cumsum(sums, axis=1), ((0, 0), (1, 0)))
    kept, moved = [0], np.zeros((len(said), 1))
    while (first := kept[-1]) < len(counts):
        last = max(int(np.searchsorted(edges, edges[first] * (1 + widest + 1e-9), side="right")) - 1, first + 1)
        inside = ratio[:, first:last]
        changes = np.maximum.accumulate(inside, axis=1) - np.minimum.accumulate(inside, axis=1)
        longest = int(np.count_nonzero((changes <= STEP).all(axis=0)))
        ends = first + np.arange(longest, math.ceil(LEAST * longest) - 1, -1)
        in_bin = below[:, ends] - below[:, first, None]
        exact, expected, number, whole = np.split(in_bin, [len(said), 2 * len(said), 2 * len(said) + 1])
        away = moved + exact - number * expected / whole
        best = int(np.argmin((away**2).sum(axis=0)))
        moved = away[:, best, None]
        kept.append(int(ends[best]))
    return np.array(kept)


def _independent(said: Array, background: Array) -> Array:
    """The same (R, N) in independent combinations of which the sum over all events has the variance 1."""
    said = said / np.maximum(np.sqrt((said**2 * background).sum(axis=1, keepdims=True)), np.finfo(float).tiny)
    variance, directions = np.linalg.eigh((said * background) @ said.T)
    some = variance > KNOWN
    return np.asarray((directions[:, some] / np.sqrt(variance[some])).T @ said)


def merged(model: Model, between: NDArray[np.intp]) -> Model:
    """The model with its range and functions as they are, fitted to its data in the bins ``between`` these edges.

    ``bins`` and what was judged remain those of the model's own bins.
    """
    spectrum, functions = model.spectrum, tuple(one.merged(between) for one in model.functions)
    counts = merge(spectrum.counts, between)
    return replace(
        model,
        spectrum=replace(spectrum, edges=spectrum.edges[between], counts=counts),
        functions=functions,
        template=model.template.merged(between),
        background=profile(functions, counts[None]),
        expected=merge(model.expected, between),
        resonances=tuple(replace(one, shares=merge(one.shares, between)) for one in model.resonances),
    )
