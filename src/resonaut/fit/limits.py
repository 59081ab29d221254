"""CLs limits on the signal yield from the likelihood, asymptotic and by toys.

Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727, with the test statistic q-tilde (eq. 16).
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.stats import norm

from resonaut.core.errors import FitError
from resonaut.fit.background import Model
from resonaut.fit.coarse import cuts, merged
from resonaut.fit.envelope import Profile, profile
from resonaut.fit.family import Array

BANDS = (-2, -1, 0, 1, 2)
# Yields at which a curve of CLs is evaluated at once, the width of the interval in which it is then interpolated, in
# units of the limit's distance from the fitted yield, and how often the first interval is widened.
POINTS = 8
NARROW = 0.15
WIDENINGS = 40
# Yields at which toys are thrown for the observed and for the expected limits, and the toys of one batch.
TOY_POINTS = 6
# The limit of an experiment that expects nothing and sees nothing, about.
POISSON = 3.0
# Toys in a tail beyond which their share is taken as it is.
ENOUGH = 30
# Values of q-tilde this close are the same: few events have few values.
EQUAL = 1e-4
REGRESSIONS = 30
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


def upper_limits(model: Model, confidence_level: float) -> Limits:
    """Asymptotic limits on the yield, in events; the Asimov data are the model's ``expected`` background.

    Raises:
        FitError: CLs of one of the limits crosses the level nowhere.
    """
    both = np.stack([model.spectrum.counts, model.expected])
    free = profile(model.functions, both, model.template, start=model.background.start)
    lowest = _lowest(model, both, free)
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
            f"no limit is found at {model.mass:g} GeV: CLs stays above {1 - confidence_level:g}; change the fit range"
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
            f"no limit is found at {model.mass:g} GeV: CLs is nowhere {1 - confidence_level:g}; change the fit range"
        )
    return Limits(limits[0], np.array(limits[1:]))


def q_tilde(
    model: Model, counts: Array, yields: Array, start: tuple[Array, ...], observed: Array | None = None
) -> Array:
    """The test statistic (B,) of ``yields`` (B,) in spectra ``counts`` (B, N); ``observed`` as in ``fit``."""
    free = profile(model.functions, counts, model.template, None, start, observed)
    return _rise(model, counts, yields, free, _lowest(model, counts, free, observed), observed)


def _rise(
    model: Model, counts: Array, yields: Array, free: Profile, lowest: Array, observed: Array | None = None
) -> Array:
    """q-tilde (B,) of ``yields`` (B,) above the ``lowest`` -2 ln L (B,)."""
    held = profile(model.functions, counts, model.template, yields, free.start, observed)
    return np.where(free.signal < yields, np.maximum(held.deviance - lowest, 0.0), 0.0)


def _lowest(model: Model, counts: Array, free: Profile, observed: Array | None = None) -> Array:
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


def toy_limits(
    model: Model, near: Limits, confidence_level: float, toys: int, rng: np.random.Generator
) -> Limits | None:
    """Limits from the distributions of q-tilde in toys, with and without signal; None if they are not near ``near``.

    The auxiliary measurements are thrown anew in each toy (LHC-HCG, CMS NOTE-2011/005, section 2). For the observed
    limit the toys' background and nuisances are those fitted to the data at the tested yield. The expected limits are
    the quantiles of the limits of experiments without a signal, thrown from the model's ``expected`` background:
    ordered, and with few events never below that of an experiment that sees none. All is fitted in fewer bins.
    """
    level, model = np.log(1 - confidence_level), merged(model, cuts(model, float(near.expected[2])))
    yields, log_cls = _observed(model, near.observed * np.linspace(0.7, 1.8, TOY_POINTS), toys, rng)
    observed = crossing(yields, log_cls, level)
    low, high = 0.7 * near.expected[0], 1.8 * max(near.expected[-1], POISSON)
    single = _single_limits(model, np.geomspace(low, high, 2 * TOY_POINTS), level, toys, rng)
    if not np.isfinite(observed):
        return None
    # CLs is never less than exp(-s), what it is where no event at all is seen.
    least = -level / model.template.shares.sum()
    return Limits(max(observed, least), np.quantile(np.maximum(single, least), norm.cdf(BANDS)))


@dataclass(frozen=True)
class Toys:
    """Toys of one truth: ``counts`` (T, N), auxiliary measurements ``observed`` (T, M), and fits of a free yield.

    ``lowest`` (T,) is -2 ln L at the best yield that is not negative.
    """

    model: Model
    counts: Array
    observed: Array
    free: Profile
    lowest: Array

    @staticmethod
    def thrown(model: Model, expected: Array, nuisances: Array, toys: int, rng: np.random.Generator) -> "Toys":
        """So many ``toys`` of ``expected`` (N,) events and true values (M,) of the nuisances."""
        counts = rng.poisson(expected, (toys, len(expected))).astype(float)
        observed = rng.normal(nuisances, 1.0, (toys, len(nuisances)))
        free = profile(model.functions, counts, model.template, None, model.background.start, observed)
        return Toys(model, counts, observed, free, _lowest(model, counts, free, observed))

    def q_tilde(self, value: float) -> Array:
        """The test statistic (T,) of one yield."""
        yields = np.full(len(self.counts), value)
        return _rise(self.model, self.counts, yields, self.free, self.lowest, self.observed)


def _observed(model: Model, yields: Array, toys: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """The logarithm of CLs of the data at ``yields``."""
    start = tuple(np.repeat(theta, len(yields), axis=0) for theta in model.background.start)
    data = q_tilde(model, np.repeat(model.spectrum.counts[None], len(yields), axis=0), yields, start) - EQUAL
    shares = [
        [np.mean(_fitted_toys(model, truth, toys, rng).q_tilde(value) >= seen) for truth in (value, 0.0)]
        for value, seen in zip(map(float, yields), data, strict=True)
    ]
    line = np.stack([np.ones_like(yields), yields / yields[-1]], axis=-1)
    both, alone = (norm.logsf(line @ _regression(line, share, toys)) for share in np.array(shares).T)
    return yields, both - alone


def _fitted_toys(model: Model, value: float, toys: int, rng: np.random.Generator) -> Toys:
    """Toys of ``value`` signal events, and background and nuisances as they are fitted to the data with these."""
    fitted = profile(
        model.functions, model.spectrum.counts[None], model.template, np.array([value]), model.background.start
    )
    expected = fitted.background[0] + value * model.template.at(fitted.nuisances[0])
    return Toys.thrown(model, expected, fitted.nuisances[0], toys, rng)


def _single_limits(model: Model, yields: Array, level: float, toys: int, rng: np.random.Generator) -> Array:
    """The limit (T,) of each of ``toys`` experiments without signal, or the end of ``yields`` beyond which it lies."""
    nominal = np.zeros(len(model.template.nuisances))
    experiments = Toys.thrown(model, model.expected, nominal, toys, rng)
    log_cls = np.empty((len(yields), toys))
    for i, value in enumerate(map(float, yields)):
        alone = experiments.q_tilde(value)
        signal = model.expected + value * model.template.shares
        both = Toys.thrown(model, signal, nominal, toys, rng).q_tilde(value)
        asimov = q_tilde(model, model.expected[None], np.array([value]), model.background.start)[0]
        log_cls[i] = _log_tail(both, alone, asimov) - np.log(_share_above(alone, alone - EQUAL))
    return np.array([_smooth_crossing(yields, one, level, toys) for one in log_cls.T])


def _share_above(sample: Array, values: Array) -> Array:
    """Share of ``sample`` that is at least as large as each of ``values``; half an event where none is."""
    beyond = len(sample) - np.searchsorted(np.sort(sample), values)
    return np.asarray(np.maximum(beyond, 0.5) / len(sample))


def _log_tail(sample: Array, values: Array, asimov: float) -> Array:
    """``ln P(q >= value)`` from a ``sample`` of q-tilde; from where few of it are left, a line says what it is.

    Its normal quantile is a straight line against what it is in the asymptotic limit (eq. 64 and 65).
    """

    def line(q: Array) -> Array:
        root = np.sqrt(max(asimov, EQUAL))
        quantile = np.where(q > asimov, (q + asimov) / (2 * root), np.sqrt(q))
        return np.stack([np.ones_like(q), quantile], axis=-1)

    points = np.unique(np.quantile(sample, np.linspace(0.5, 1, 20)))
    solution = _regression(line(points), _share_above(sample, points - EQUAL), len(sample))
    share = _share_above(sample, values - EQUAL)
    return np.where(share * len(sample) >= ENOUGH, np.log(share), norm.logsf(line(values) @ solution))


def _smooth_crossing(yields: Array, log_cls: Array, level: float, toys: int) -> float:
    """Where a parabola through the normal quantiles of CLs crosses the level; they are straight for many events.

    Each counts for what the toys know of it, and not at all where CLs is 1, or no toy is as far away. A limit beyond
    the ``yields`` is the end of them that it lies beyond.
    """
    cls = np.exp(log_cls)
    known = (cls > 1 / toys) & (cls < 1 - 1 / toys)
    if np.count_nonzero(known) < 2:
        return _within(yields, log_cls, level)
    quantile = norm.isf(cls[known])
    weight = norm.pdf(quantile) / np.sqrt(cls[known] * (1 - cls[known]))
    degree = min(2, int(known.sum()) - 1)
    fitted = np.polynomial.Polynomial.fit(yields[known], quantile, degree, w=weight)
    fine = np.geomspace(yields[0], yields[-1], 200)
    return _within(fine, norm.logsf(fitted(fine)), level)


def _within(yields: Array, log_cls: Array, level: float) -> float:
    if log_cls[0] <= level:
        return float(yields[0])
    found = crossing(yields, log_cls, level)
    return float(yields[-1]) if np.isnan(found) else found


def _regression(columns: Array, share: Array, toys: int) -> Array:
    """Coefficients (K,) of ``columns`` (S, K) that describe the normal quantiles of shares (S,) of toys.

    Probit regression by iterated least squares: the maximum of the binomial likelihood, in which shares of 0 and 1
    count for what they are.
    """
    quantile = norm.isf(np.clip(share, 0.5 / toys, 1 - 0.5 / toys))
    solution = np.linalg.lstsq(columns, quantile, rcond=None)[0]
    for _ in range(REGRESSIONS):
        at = np.clip(columns @ solution, -5, 5)
        density, p = norm.pdf(at), norm.sf(at)
        root = density / np.sqrt(p * (1 - p))
        # Short steps: far from the solution the derivative says little.
        target = at - np.clip((share - p) / density, -0.5, 0.5)
        solution = np.linalg.lstsq(columns * root[:, None], target * root, rcond=None)[0]
    return np.asarray(solution)
