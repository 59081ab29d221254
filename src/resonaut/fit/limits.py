"""CLs limits on the signal yield from the likelihood, asymptotic and by toys.

Cowan, Cranmer, Gross, Vitells, arXiv:1007.1727, with the test statistic q-tilde (eq. 16).
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.stats import norm

from resonaut.errors import ResonautError
from resonaut.fit.background import Model
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
# Values of q-tilde this close are the same: few events have few values.
EQUAL = 1e-4
REGRESSIONS = 30
BATCH = 2000
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
        ResonautError: CLs of one of the limits crosses the level nowhere.
    """
    both = np.stack([model.spectrum.counts, model.expected])
    free = profile(model.functions, both, model.template, start=model.background.start)
    lowest = _lowest(model, both, free)
    level = np.log(1 - confidence_level)

    def rise(data: int, yields: Array) -> Array:
        """q-tilde (...) of ``yields`` (...) in data (0) or Asimov data (1)."""
        flat = yields.ravel()
        start = tuple(np.repeat(theta[data : data + 1], len(flat), axis=0) for theta in free.start)
        held = profile(
            model.functions, np.repeat(both[data : data + 1], len(flat), axis=0), model.template, flat, start
        )
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
        raise ResonautError(f"no limit is found at {model.mass:g} GeV: CLs stays above {1 - confidence_level:g}")
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
        raise ResonautError(f"no limit is found at {model.mass:g} GeV: CLs does not cross {1 - confidence_level:g}")
    return Limits(limits[0], np.array(limits[1:]))


def q_tilde(
    model: Model, counts: Array, yields: Array, start: tuple[Array, ...], observed: Array | None = None
) -> Array:
    """The test statistic (B,) of ``yields`` (B,) in spectra ``counts`` (B, N); ``observed`` as in ``fit``."""
    free = profile(model.functions, counts, model.template, None, start, observed)
    held = profile(model.functions, counts, model.template, yields, free.start, observed)
    rise = held.deviance - _lowest(model, counts, free, observed)
    return np.where(free.signal < yields, np.maximum(rise, 0.0), 0.0)


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

    Background and nuisances of the toys are those fitted to the data, at the tested yield for the observed limit and
    without signal for the expected ones; the auxiliary measurements are thrown anew in each toy (LHC-HCG, CMS
    NOTE-2011/005, section 2). Tail probabilities are smoothed in their normal quantiles, which are straight lines
    against the yield in the asymptotic limit.
    """
    level = np.log(1 - confidence_level)
    curves = [_observed(model, near.observed * np.linspace(0.7, 1.8, TOY_POINTS), toys, rng)]
    low, high = 0.7 * near.expected[0], 1.3 * near.expected[-1]
    curves += _expected(model, np.geomspace(low, high, TOY_POINTS), toys, rng)
    if any(log_cls.max() < level or log_cls.min() > level for _, log_cls in curves):
        return None
    found = [crossing(yields, log_cls, level) for yields, log_cls in curves]
    return Limits(found[0], np.array(found[1:]))


def _observed(model: Model, yields: Array, toys: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """The logarithm of CLs of the data at ``yields``."""
    shares = []
    for value in map(float, yields):
        data = q_tilde(model, model.spectrum.counts[None], np.array([value]), model.background.start) - EQUAL
        both, alone = (_toy_statistics(model, truth, truth, value, toys, rng) for truth in (value, 0.0))
        shares.append([np.mean(both >= data), np.mean(alone >= data)])
    line = np.stack([np.ones_like(yields), yields / yields[-1]], axis=-1)
    both, alone = (norm.logsf(line @ _regression(line, share, toys)) for share in np.array(shares).T)
    return yields, both - alone


def _expected(model: Model, yields: Array, toys: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """The logarithm of CLs, for data at -2, ..., 2 standard deviations, against yields between ``yields``.

    All five come from one surface in yield and standard deviations, so that the toys of all support the outer two.
    """
    n = np.array(BANDS, dtype=float)
    both, alone, inside = [], [], []
    for value in map(float, yields):
        with_signal, without = (_toy_statistics(model, 0.0, truth, value, toys, rng) for truth in (value, 0.0))
        # Without signal large q is common and small q is rare: an upward fluctuation has a small one.
        tested = np.quantile(without, norm.sf(n)) - EQUAL
        both.append([np.mean(with_signal >= t) for t in tested])
        alone.append([np.mean(without >= t) for t in tested])
        # A yield below the fitted one has q = 0 in every toy that is beyond: no point of the surface.
        inside.append(tested > 0)

    def surface(at: Array) -> Array:
        y, m = np.broadcast_arrays(at[:, None] / yields[-1], n)
        return np.stack([y**0, y, y**2, m, m * y], axis=-1)

    used = np.array(inside)
    solution = _regression(surface(yields)[used], np.array(both)[used], toys)
    fine = np.geomspace(yields[0], yields[-1], 50)
    without_signal = np.average(alone, axis=0, weights=used + 1e-9)
    curves = norm.logsf(surface(fine) @ solution) - np.log(without_signal)
    return [(fine, curve) for curve in curves.T]


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


def _toy_statistics(
    model: Model, held: float, injected: float, value: float, toys: int, rng: np.random.Generator
) -> Array:
    """q-tilde of ``value`` in toys of ``injected`` events over the background of the data's fit at ``held`` ones."""
    fitted = profile(
        model.functions, model.spectrum.counts[None], model.template, np.array([held]), model.background.start
    )
    expected = fitted.background[0] + injected * model.template.at(fitted.nuisances[0])
    found = []
    for first in range(0, toys, BATCH):
        size = min(BATCH, toys - first)
        counts = rng.poisson(expected, (size, len(expected))).astype(float)
        observed = rng.normal(fitted.nuisances[0], 1.0, (size, len(model.template.nuisances)))
        found.append(q_tilde(model, counts, np.full(size, value), fitted.start, observed))
    return np.concatenate(found)
