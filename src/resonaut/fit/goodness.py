"""Does a smooth distortion of a fit describe the data better? A test that sees what chi2 cannot.

Chi2 spreads its power over every bin. What goes wrong with a background function, a turn-on, a step, a second slope,
is smooth, and a handful of directions holds all of it: Rao's score test of the fit against the fit times
``1 + sum_l c_l P_l(u)``, Legendre polynomials of the expected cumulative share u of events (Neyman, Skand. Aktuar. 20
(1937) 149). What the fitted parameters could absorb is projected out, so its distribution without distortion is a chi2
of as many degrees of freedom as directions are left, also with few events.
"""

import numpy as np
from numpy.polynomial.legendre import legvander
from scipy import stats

from resonaut.fit.family import Array

# Highest polynomial. A step or turn-on needs about twice as many as the background has parameters.
DEGREE = 8
# Share of a direction that the parameters may absorb: what is left of a nearly absorbed one is rounding.
ABSORBED = 1e-6


def smooth_p_value(counts: Array, expected: Array, slopes: Array) -> float:
    """The p-value of ``counts`` (N,), of which ``expected`` (N,) were fitted with derivatives ``slopes`` (N, K)."""
    root = np.sqrt(expected)
    share = np.cumsum(expected) / expected.sum()
    middle = share - expected / expected.sum() / 2
    directions = legvander(2 * middle - 1, DEGREE)[:, 1:] * root[:, None]
    fitted, _ = np.linalg.qr(slopes / root[:, None])
    left = directions - fitted @ (fitted.T @ directions)
    basis, sizes, _ = np.linalg.svd(left, full_matrices=False)
    basis = basis[:, sizes > ABSORBED * np.linalg.norm(directions)]
    score = basis.T @ ((counts - expected) / root)
    return float(stats.chi2.sf(score @ score, len(score))) if len(score) else 1.0
