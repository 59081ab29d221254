"""Asymptotic CLs limits on the signal yield from the likelihood; those by toys are in ``toylimits``.

Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727, with the test statistic q-tilde (eq. 16).
"""

import logging
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import gammaincinv
from scipy.stats import norm

from resonaut.core.errors import FitError
from resonaut.fit.background import FAILURES, Model
from resonaut.fit.envelope import Profile, profile
from resonaut.fit.family import Array

log = logging.getLogger(__name__)

BANDS = (-2, -1, 0, 1, 2)
# Yields at which a curve of CLs is evaluated at once, the width of the interval in which it is then interpolated, in
# units of the limit's distance from the fitted yield, and how often the first interval is widened.
POINTS = 8
NARROW = 0.15
WIDENINGS = 40
# CLs below which its logarithm says no more than that it is small.
SMALLEST = 1e-300


@dataclass(frozen=True)
class Limits:
    """Upper limits: ``observed``, and ``expected`` (5,) without signal at -2, -1, 0, 1, 2 standard deviations."""

    observed: float
    expected: Array

    def scaled(self, factor: float) -> "Limits":
        """The same limits in another unit."""
        return Limits(self.observed * factor, self.expected * factor)


def most(events: float, confidence_level: float) -> float:
    """The limit of so many events without background, above all others (F. Garwood, Biometrika 28 (1936) 437)."""
    return float(gammaincinv(events + 1, confidence_level))


def upper_limits(model: Model, confidence_level: float) -> Limits:
    """Asymptotic limits on the yield, in events; the Asimov data are the model's ``expected`` background.

    Raises:
        FitError: CLs of one of the limits crosses the level nowhere.
    """
    both = np.stack([model.spectrum.counts, model.expected])
    free = profile(model.functions, both, model.template, start=model.background.start)
    lowest = lowest_deviance(model, both, free)
    level = np.log(1 - confidence_level)

    def rise(data: int, yields: Array) -> Array:
        """q-tilde (...) of ``yields`` (...) in data (0) or Asimov data (1)."""
        flat = yields.ravel()
        start = tuple(np.repeat(theta[data : data + 1], len(flat), axis=0) for theta in free.start)
        counts = np.repeat(both[data : data + 1], len(flat), axis=0)
        held = profile(model.functions, counts, model.template, flat, start)
        above = np.maximum(held.deviance - lowest[data], 0.0)
        return np.where(flat > free.signal[data], above, 0.0).reshape(yields.shape)

    def curves(yields: Array) -> Array:
        """Logarithms of CLs of data (first row) and of the five expectations at their own ``yields`` (6, P)."""
        q_asimov = rise(1, yields)
        found = [cls_values(rise(0, yields[0]), q_asimov[0])[0]]
        found += [cls_values(q, q)[1][n] for n, q in enumerate(q_asimov[1:])]
        return np.log(np.maximum(np.stack(found), SMALLEST))

    # At the fitted yield CLs is at least a half; each curve falls from there, and crosses the level on its own.
    fitted = np.zeros(len(BANDS) + 1)
    fitted[0] = max(float(free.signal[0]), 0.0)
    low, high = fitted, fitted + 4 * np.maximum(free.signal_error[[0, 1, 1, 1, 1, 1]], 1.0)
    for _ in range(WIDENINGS):
        above = curves(high[:, None])[:, 0] > level
        if not above.any():
            break
        low, high = np.where(above, high, low), np.where(above, fitted + 2 * (high - fitted), high)
    else:
        raise FitError(
            f"no limit is found at {model.said}: CLs stays above {1 - confidence_level:g}; change the fit range"
        )
    # The error of a yield that hardly differs from the background is no measure of its limit.
    for _ in range(WIDENINGS):
        if (high - low <= NARROW * (high - fitted)).all():
            break
        yields = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, POINTS)
        log_cls = curves(yields)
        first = np.clip((log_cls <= level).argmax(axis=1), 1, None)
        rows = np.arange(len(low))
        low, high = yields[rows, first - 1], yields[rows, first]
    yields = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, POINTS)
    limits = [crossing(y, curve, level) for y, curve in zip(yields, curves(yields), strict=True)]
    if not np.isfinite(limits).all():
        raise FitError(
            f"no limit is found at {model.said}: CLs is nowhere {1 - confidence_level:g}; change the fit range"
        )
    return Limits(limits[0], np.array(limits[1:]))


def attempted(model: Model, confidence_level: float) -> tuple[Limits | None, str | None]:
    """The limits, or why there are none."""
    try:
        return upper_limits(model, confidence_level), None
    except FAILURES as error:
        log.warning("%s.", error)
        return None, str(error)


def q_tilde(
    model: Model, counts: Array, yields: Array, start: tuple[Array, ...], observed: Array | None = None
) -> Array:
    """The test statistic (B,) of ``yields`` (B,) in spectra ``counts`` (B, N); ``observed`` as in ``fit``."""
    free = profile(model.functions, counts, model.template, None, start, observed)
    return risen(model, counts, yields, free, lowest_deviance(model, counts, free, observed), observed)


def risen(
    model: Model, counts: Array, yields: Array, free: Profile, lowest: Array, observed: Array | None = None
) -> Array:
    """q-tilde (B,) of ``yields`` (B,) above the ``lowest`` -2 ln L (B,)."""
    held = profile(model.functions, counts, model.template, yields, free.start, observed)
    return np.where(free.signal < yields, np.maximum(held.deviance - lowest, 0.0), 0.0)


def lowest_deviance(model: Model, counts: Array, free: Profile, observed: Array | None = None) -> Array:
    """-2 ln L (B,) at the best yield that is not negative (eq. 16)."""
    negative = free.signal < 0
    lowest = free.deviance.copy()
    if negative.any():
        # Without a signal the nuisances have nothing to act on, and stay at their measurements.
        starts = tuple(theta[negative] for theta in free.start)
        seen = None if observed is None else observed[negative]
        none = np.zeros(int(negative.sum()))
        lowest[negative] = profile(model.functions, counts[negative], model.template, none, starts, seen).deviance
    return lowest


def cls_values(q: Array, q_asimov: Array) -> tuple[Array, Array]:
    """Observed CLs (...) and expected CLs (5, ...) for values of q-tilde in data and in Asimov data."""
    root, asimov = np.sqrt(q), np.sqrt(q_asimov)
    far = q > q_asimov
    twice = 2 * np.where(asimov > 0, asimov, 1.0)
    # In logarithms: far in the tails both probabilities underflow, and their ratio does not.
    both = norm.logsf(np.where(far, (q + q_asimov) / twice, root))
    alone = norm.logsf(np.where(far, (q - q_asimov) / twice, root - asimov))
    bands = np.stack([norm.sf(asimov - n) / norm.cdf(n) for n in BANDS])
    return np.exp(both - alone), bands


def crossing(x: Array, log_cls: Array, level: float) -> float:
    """Where a falling curve crosses ``level``, by monotone interpolation; NaN where it does not."""
    order = np.argsort(x)
    falling = np.minimum.accumulate(log_cls[order])
    keep = np.append(True, np.diff(falling) < 0)
    x, falling = x[order][keep], falling[keep]
    if not falling[-1] <= level <= falling[0]:
        return np.nan
    return float(x[0] if len(x) == 1 else PchipInterpolator(falling[::-1], x[::-1])(level))
