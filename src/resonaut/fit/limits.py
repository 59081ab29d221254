"""Asymptotic CLs limits on the signal yield from the direct likelihood.

Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727, with the test statistic q-tilde (eq. 16). A normalisation
uncertainty shared by all bins needs no fit of its own: the likelihood depends on the yield times
``exp(size * eta)`` alone, so ``eta`` is profiled on the curve of the deviance against the yield.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.stats import norm

from resonaut.fit.family import Array, DijetFunction
from resonaut.fit.likelihood import Fit, fit

BANDS = (-2, -1, 0, 1, 2)
POINTS = 48


@dataclass(frozen=True)
class Limits:
    """Upper limits: ``observed``, and ``expected`` (5,) without signal at -2, -1, 0, 1, 2 standard deviations."""

    observed: float
    expected: Array

    def scaled(self, factor: float) -> "Limits":
        """The same limits in another unit."""
        return Limits(self.observed * factor, self.expected * factor)


def upper_limits(
    function: DijetFunction,
    counts: Array,
    background: Fit,
    template: Array,
    uncertainty: float,
    confidence_level: float,
) -> Limits:
    """Limits on the yield, in events.

    Args:
        function: the background function.
        counts: events (N,).
        background: the background-only fit of these counts (a batch of one), which is the Asimov data too.
        template: share of the signal in each bin (N,).
        uncertainty: log-normal uncertainty of the yield.
        confidence_level: of the limit, mostly 0.95.
    """
    asimov = background.background[0]
    scale = max(float(fit(function, asimov[None], template).signal_error[0]), 1.0)
    best = max(float(fit(function, counts[None], template).signal[0]), 0.0)
    reach = best + 4 * scale
    while True:
        yields = reach * np.linspace(0, 1, POINTS) ** 1.5
        q = _test_statistic(_profiled(function, counts, template, yields, uncertainty, background.theta), yields)
        q_asimov = _test_statistic(_profiled(function, asimov, template, yields, uncertainty, background.theta), yields)
        observed, bands = cls_values(q[1:], q_asimov[1:])
        curves = np.log(np.maximum(np.stack([observed, *bands]), 1e-300))
        if (curves[:, -1] < np.log(1 - confidence_level)).all():
            break
        reach *= 2
    crossings = [crossing(yields[1:], curve, np.log(1 - confidence_level)) for curve in curves]
    return Limits(crossings[0], np.array(crossings[1:]))


def cls_values(q: Array, q_asimov: Array) -> tuple[Array, Array]:
    """Observed CLs (...) and expected CLs (5, ...) for values of q-tilde in data and in Asimov data."""
    root, asimov = np.sqrt(q), np.sqrt(q_asimov)
    far = q > q_asimov
    twice = 2 * np.where(asimov > 0, asimov, 1.0)
    both = np.where(far, norm.sf((q + q_asimov) / twice), norm.sf(root))
    alone = np.where(far, norm.sf((q - q_asimov) / twice), norm.sf(root - asimov))
    bands = np.stack([norm.sf(asimov - n) / norm.cdf(n) for n in BANDS])
    return both / alone, bands


def crossing(x: Array, log_cls: Array, level: float) -> float:
    """Where a falling curve crosses ``level``, by monotone interpolation."""
    order = np.argsort(x)
    falling = np.minimum.accumulate(log_cls[order])
    keep = np.append(True, np.diff(falling) < 0)
    x, falling = x[order][keep], falling[keep]
    return float(PchipInterpolator(falling[::-1], x[::-1])(level))


def _profiled(
    function: DijetFunction, counts: Array, template: Array, yields: Array, uncertainty: float, theta: Array
) -> Array:
    """Deviance at each yield, with background and normalisation profiled."""
    many = np.broadcast_to(counts, (len(yields), len(counts)))
    held = fit(function, many, template, yields, start=np.repeat(theta, len(yields), axis=0))
    if uncertainty == 0:
        return held.deviance
    curve = CubicSpline(yields, held.deviance)
    eta = np.linspace(-6, 6, 1201)
    moved = yields[:, None] * np.exp(uncertainty * eta)
    inside = np.where(moved <= yields[-1], curve(np.minimum(moved, yields[-1])), np.inf)
    return np.asarray((inside + eta**2).min(axis=1))


def _test_statistic(profile: Array, yields: Array) -> Array:
    """q-tilde at each yield: the rise above the lowest point, 0 below the fitted yield."""
    lowest = int(np.argmin(profile))
    if lowest in (0, len(yields) - 1):
        value, at = profile[lowest], yields[lowest]
    else:
        near = slice(max(lowest - 2, 0), lowest + 3)
        spline = CubicSpline(yields[near], profile[near])
        fine = np.linspace(yields[lowest - 1], yields[lowest + 1], 401)
        at = fine[np.argmin(spline(fine))]
        value = min(float(spline(at)), profile[lowest])
    return np.where(yields > at, np.maximum(profile - value, 0.0), 0.0)
