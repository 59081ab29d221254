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
POINTS = 24
# Ranges of yields tried for the crossing.
SEARCHES = 40
# Yields at which toys are thrown for the observed and for the expected limits, and the toys of one batch.
TOY_POINTS = 6
# Values of q-tilde this close are the same: few events have few values.
EQUAL = 1e-4
REGRESSIONS = 30
BATCH = 2000


@dataclass(frozen=True)
class Limits:
    """Upper limits: ``observed``, and ``expected`` (5,) without signal at -2, -1, 0, 1, 2 standard deviations."""

    observed: float
    expected: Array

    def scaled(self, factor: float) -> "Limits":
        """The same limits in another unit."""
        return Limits(self.observed * factor, self.expected * factor)


def upper_limits(model: Model, confidence_level: float) -> Limits:
    """Asymptotic limits on the yield, in events; the Asimov data are the background-only fit.

    Raises:
        ResonautError: CLs crosses the level nowhere.
    """
    both = np.stack([model.spectrum.counts, model.background.background[0]])
    free = profile(model.functions, both, model.template, start=model.background.start)
    lowest = _lowest(model, both, free)
    start = tuple(np.repeat(theta, POINTS, axis=0) for theta in free.start)
    level = np.log(1 - confidence_level)

    def curves(yields: Array) -> Array:
        """Logarithms of CLs (6, POINTS) of data and of the five expectations."""
        held = profile(model.functions, np.repeat(both, POINTS, axis=0), model.template, np.tile(yields, 2), start)
        rise = held.deviance.reshape(2, POINTS) - lowest[:, None]
        q, q_asimov = np.where(yields > free.signal[:, None], np.maximum(rise, 0.0), 0.0)
        observed, bands = cls_values(q, q_asimov)
        return np.asarray(np.log(np.maximum(np.stack([observed, *bands]), 1e-300)))

    high = max(float(free.signal[0]), 0.0) + 4 * max(float(free.signal_error[1]), 1.0)
    low = high / POINTS**1.5
    for _ in range(SEARCHES):
        yields = low + (high - low) * np.linspace(0, 1, POINTS) ** 1.5
        log_cls = curves(yields)
        # The error of a yield that hardly differs from the background is no measure of its limit.
        too_high, too_low = (log_cls[:, 0] < level).any(), (log_cls[:, -1] > level).any()
        if not (too_high or too_low):
            break
        low, high = (low / 4, high / 2) if too_high and not too_low else (low / 2, high * 2)
    else:
        raise ResonautError(f"no limit is found at {model.mass:g} GeV; change the fit range or the masses.")
    rough = [crossing(yields, curve, level) for curve in log_cls]
    yields = np.geomspace(0.8 * min(rough), 1.2 * max(rough), POINTS)
    limits = [crossing(yields, curve, level) for curve in curves(yields)]
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
