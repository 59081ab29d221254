"""How large an excess could a selection fake whose background efficiency in the signal region is not what it is beside?

The efficiency outside the signal region is interpolated smoothly, as the background function of the fit would do; what
the efficiency inside exceeds it by would be taken for a signal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from resonaut.select.results import Interpolation, Spurious
from resonaut.select.settings import Window

FloatArray = NDArray[np.float64]

# Gaussian priors of the polynomial in the log odds: its value, slope and curvature over the whole range. Wide, so that
# they do nothing but keep it finite where next to nothing (or all but nothing) passes.
PRIORS = np.array([10.0, 2.0, 2.0])
# CLs at which a larger excess counts as excluded (Read, J. Phys. G 28 (2002) 2693).
CLS = 0.05
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True)
class Inside:
    """Effective ``trials`` and ``passed`` events in the signal region, and the log odds that the others predict."""

    trials: float
    passed: float
    log_odds: float
    error: float

    def below(self, ratio: float) -> float:
        """Probability of at most ``passed`` where the efficiency is ``ratio`` times the interpolated one."""
        efficiency = np.minimum(ratio * special.expit(self.log_odds + self.error * NODES), 1)
        return float(WEIGHTS @ special.betaincc(self.passed + 1, max(self.trials - self.passed, 1e-9), efficiency))

    def p_value(self) -> float:
        """Two-sided, of the interpolated efficiency."""
        efficiency = special.expit(self.log_odds + self.error * NODES)
        above = WEIGHTS @ special.betainc(max(self.passed, 1e-9), self.trials - self.passed + 1, efficiency)
        return float(min(1.0, 2 * min(above, self.below(1))))

    def largest_ratio(self) -> float:
        """The ratio that CLs excludes: a downward fluctuation alone does not make it small."""
        most = -self.log_odds + 5 * self.error + 5

        def excess(log_ratio: float) -> float:
            return self.below(float(np.exp(log_ratio))) - CLS * self.below(1)

        return float(np.exp(optimize.brentq(excess, 0, max(most, 1)))) if excess(max(most, 1)) < 0 else np.inf


def spurious(
    mass: FloatArray,
    weight: FloatArray,
    selected: NDArray[np.bool_],
    bins: FloatArray,
    window: Window,
    expected: float,
) -> Spurious:
    """Compare the efficiency in the signal region with that outside.

    Args:
        mass: masses, in the unit of the observable, shape (n,).
        weight: weights > 0, shape (n,).
        selected: which events pass, shape (n,).
        bins: edges in GeV of the range of the interpolation, to which the window's own are added.
        window: the signal region and its sidebands.
        expected: selected background events that the data should have in the signal region.

    Returns:
        The excess in units of sqrt(``expected``); no interpolation where the sample has
        no events inside or none passes.
    """
    edges = np.unique(np.r_[bins, window.signal_region, *window.sidebands])
    low, high = window.signal_region
    edges = edges[(edges <= low) | (edges >= high)]
    place = np.digitize(mass, edges) - 1
    rows = (place >= 0) & (place < len(edges) - 1)
    place, weight = place[rows], weight[rows]
    columns = weight, weight**2, weight * selected[rows], weight * np.log(mass[rows])
    total, squared, passing, log_mass = (np.bincount(place, column, len(edges) - 1) for column in columns)
    if passing.sum() >= total.sum() > 0:
        # More than everything cannot pass.
        return Spurious(interpolation=None, spurious_excess=0.0)
    used = total > 0
    inside = (edges[:-1] == low)[used]
    total, squared, passing, log_mass = (each[used] for each in (total, squared, passing, log_mass))
    if not inside.any() or inside.all() or passing.sum() <= 0 or expected <= 0:
        return Spurious(interpolation=None, spurious_excess=None)
    trials = total**2 / squared
    passed, position = trials * passing / total, log_mass / total
    x = (position - position[inside]) / np.ptp(position)
    beta, covariance = log_odds(x[~inside], trials[~inside], passed[~inside], 2)
    error = float(np.sqrt(covariance[0, 0]))
    found = Inside(float(trials[inside][0]), float(passed[inside][0]), float(beta[0]), error)
    interpolated = float(special.expit(beta[0]))
    ratio = found.largest_ratio()
    return Spurious(
        interpolation=Interpolation(
            efficiency=found.passed / found.trials,
            interpolated=interpolated,
            error=error * interpolated * (1 - interpolated),
            p_value=found.p_value(),
        ),
        spurious_excess=(ratio - 1) * float(np.sqrt(expected)) if np.isfinite(ratio) else None,
    )


def log_odds(x: FloatArray, trials: FloatArray, passed: FloatArray, degree: int) -> tuple[FloatArray, FloatArray]:
    """Coefficients of a polynomial, lowest power first, fitted to ``passed`` of ``trials`` in bins at ``x``, (n,).

    Returns:
        The coefficients (degree + 1,) and their covariance (degree + 1, degree + 1).
    """
    design = np.vander(x, degree + 1, increasing=True)
    beta, prior = np.zeros(degree + 1), np.diag(PRIORS[: degree + 1] ** -2.0)
    beta[0] = special.logit((passed.sum() + 0.5) / (trials.sum() + 1))
    for _ in range(100):
        efficiency = special.expit(design @ beta)
        information = (design.T * (trials * efficiency * (1 - efficiency))) @ design + prior
        step = np.linalg.solve(information, design.T @ (passed - trials * efficiency) - prior @ beta)
        # Newton's step is too long where nothing or everything passes.
        beta += np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return beta, np.linalg.inv(information)
