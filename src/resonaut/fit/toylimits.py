"""CLs limits on the signal yield by toys, with the test statistic of ``limits``."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from resonaut.fit.background import Model
from resonaut.fit.coarse import cuts, merged
from resonaut.fit.envelope import Profile, profile
from resonaut.fit.family import Array
from resonaut.fit.limits import BANDS, Limits, crossing, lowest_deviance, q_tilde, risen

# Yields at which toys are thrown for the observed and for the expected limits.
TOY_POINTS = 6
# The limit of an experiment that expects nothing and sees nothing, about.
POISSON = 3.0
# Toys in a tail beyond which their share is taken as it is.
ENOUGH = 30
# Values of q-tilde this close are the same: few events have few values.
EQUAL = 1e-4
REGRESSIONS = 30


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
        return Toys(model, counts, observed, free, lowest_deviance(model, counts, free, observed))

    def q_tilde(self, value: float) -> Array:
        """The test statistic (T,) of one yield."""
        yields = np.full(len(self.counts), value)
        return risen(self.model, self.counts, yields, self.free, self.lowest, self.observed)


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
