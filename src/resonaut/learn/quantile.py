"""A quantile of a number that depends smoothly on two variables, such as a classifier's score on mass and momentum.

Quantile regression minimises the pinball loss (R. Koenker, G. Bassett, Econometrica 46 (1978) 33), by boosted trees or
by a polynomial; the nearest neighbours of a point give the quantile of the number among themselves, as in CMS's map of
thresholds for N2 (arXiv:1710.00159). Of trees and neighbours only what a quadratic trend of the mean leaves is asked
for, so that within a leaf or a neighbourhood little changes. A polynomial has few parameters, so that the statistics of
the events bends it smoothly, and makes no steps.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Method = Literal["trees", "neighbours", "polynomial"]
# Shallow trees in small steps: what is to be learned is smooth.
TREES, LEAVES, STEP = 100, 8, 0.05
# A leaf, or a neighbourhood, has at most this part of the events.
LARGEST = 0.1
# Of the polynomial in both variables.
ORDER = 3
# Steps of the maps from variables to ranks.
RANKS = 1000
TINY = np.finfo(float).tiny


def conditional_quantile(
    points: Floats,
    variables: Floats,
    values: Floats,
    level: float,
    *,
    method: Method = "trees",
    events: int = 1000,
    weights: Floats | None = None,
) -> Floats:
    """The quantile ``level`` of the values at ``points``, shape (m,).

    Args:
        points: where it is wanted, (m, 2).
        variables: those of n events, (n, 2).
        values: of which the quantile is meant, (n,).
        level: between 0 and 1.
        method: ``trees``, ``neighbours`` or ``polynomial``, which is of third order in the ranks of the variables.
        events: in each neighbourhood, or at least in each leaf; a tenth of all where that is fewer. A fraction p beyond
            the quantile is known there with a relative error of 1 / sqrt(p * events), and what changes within is lost.
        weights: of the events, (n,), not negative; None for equal ones.
    """
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    grids = [np.quantile(column, np.linspace(0, 1, RANKS + 1)) for column in variables.T]
    ranks, wanted = (_ranks(given, grids) for given in (variables, points))
    if method == "polynomial":
        return _of_polynomial(wanted, ranks, values, weights, level)
    mean, spread = variables.mean(axis=0), variables.std(axis=0)
    terms, there = (_quadratic((given - mean) / np.maximum(spread, TINY)) for given in (variables, points))
    root = np.sqrt(weights)
    trend = np.linalg.lstsq(terms * root[:, None], values * root, rcond=None)[0]
    values, base = values - terms @ trend, there @ trend
    least = max(1, min(events, int(LARGEST * len(values))))
    if method == "neighbours":
        return base + _of_neighbours(wanted, ranks, values, weights, level, least)
    # The import takes a second, and neighbours do without.
    from sklearn.ensemble import HistGradientBoostingRegressor

    shape = {"max_iter": TREES, "max_leaf_nodes": LEAVES, "learning_rate": STEP, "min_samples_leaf": least}
    trees = HistGradientBoostingRegressor(loss="quantile", quantile=level, early_stopping=False, **shape)
    found: Floats = base + trees.fit(ranks, values, sample_weight=weights).predict(wanted)
    return found


def _of_polynomial(points: Floats, ranks: Floats, values: Floats, weights: Floats, level: float) -> Floats:
    """The powers of both ranks up to ``ORDER`` with the smallest pinball loss.

    As the dual of Koenker and Bassett's linear programme (their section 3): it has a bounded number for each event, and
    a condition for each coefficient, whose multiplier is the coefficient.
    """
    from scipy.optimize import linprog

    terms, there = (_powers(2 * given - 1) for given in (ranks, points))
    bounds = np.stack([np.zeros_like(weights), weights], axis=1)
    wanted = (1 - level) * weights @ terms
    solved = linprog(-values, A_eq=terms.T, b_eq=wanted, bounds=bounds, method="highs")
    found: Floats = there @ -solved.eqlin.marginals
    return found


def _powers(variables: Floats) -> Floats:
    """Products of Legendre polynomials of x and y between -1 and 1, up to the total ``ORDER``, (n, terms)."""
    x, y = (np.polynomial.legendre.legvander(column, ORDER) for column in variables.T)
    return np.stack([x[:, i] * y[:, j] for i in range(ORDER + 1) for j in range(ORDER + 1 - i)], axis=1)


def _quadratic(variables: Floats) -> Floats:
    """1, x, y, x^2, xy and y^2 of each event, (n, 6)."""
    x, y = variables.T
    return np.stack([np.ones_like(x), x, y, x**2, x * y, y**2], axis=1)


def _ranks(variables: Floats, grids: list[Floats]) -> Floats:
    """In which quantile each variable lies, between 0 and 1, so that distances count alike everywhere."""
    levels = np.linspace(0, 1, RANKS + 1)
    return np.stack([np.interp(column, grid, levels) for column, grid in zip(variables.T, grids, strict=True)], axis=1)


def _of_neighbours(points: Floats, ranks: Floats, values: Floats, weights: Floats, level: float, events: int) -> Floats:
    from scipy.spatial import KDTree

    _, near = KDTree(ranks).query(points, np.arange(1, events + 1))
    order = np.argsort(values[near], axis=1, kind="stable")
    near = np.take_along_axis(near, order, axis=1)
    total = np.cumsum(weights[near], axis=1)
    place = (total < level * total[:, -1:]).sum(axis=1, keepdims=True)
    found: Floats = np.take_along_axis(values[near], np.minimum(place, events - 1), axis=1)[:, 0]
    return found
