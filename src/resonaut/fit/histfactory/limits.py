"""CLs limits and significances of one parameter of interest, asymptotic or by toys.

G. Cowan, K. Cranmer, E. Gross, O. Vitells, Eur. Phys. J. C 71 (2011) 1554 (arXiv:1007.1727); the test statistic of
limits is q-tilde (eq. 16), with eq. 64 to 66 in the form that pyhf uses.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from resonaut.core.errors import FitError
from resonaut.fit.histfactory.fits import Fits, fit_many, toys
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.model import Model

# Standard deviations of the bands of expected limits, lowest limit first.
BANDS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
# The first look goes so many standard deviations up from the fit, at so many points; it is widened so many times.
REACH, POINTS, WIDER = 4.0, 13, 8
# Relative accuracy of a crossing, and how many rounds it may take.
CLOSE, ROUNDS = 1e-8, 30
# Values of the parameter at which toys are thrown, between these parts of the asymptotic limits.
TOY_POINTS, TOY_RANGE = 9, (0.5, 1.8)


@dataclass(frozen=True)
class Limits:
    """Upper limits: ``observed``, and ``expected`` (5,) without signal at -2 to 2 standard deviations."""

    observed: float
    expected: Array


@dataclass(frozen=True)
class Significance:
    """Of a signal against none: ``q0``, the p-value and its standard deviations; ``z_expected`` for a value of 1.

    Infinite where nothing but the signal is expected in a bin with events.
    """

    q0: float
    p_value: float
    z: float
    z_expected: float


def _physical(model: Model, name: str) -> Model:
    """The model with a parameter of interest that is not negative; its upper bound does not hold."""
    place = model.place(name)
    lower, upper = model.lower.copy(), model.upper.copy()
    lower[place], upper[place] = 0.0, np.inf
    start = model.start.copy()
    start[place] = max(start[place], 0.0)
    return replace(model, lower=lower, upper=upper, start=start)


def _known(fits: Fits, what: str) -> Fits:
    """Fits that converge, or cannot: in a bin with events nothing is expected, whatever floats."""
    known = fits.converged | np.isinf(fits.deviance)
    if not known.all():
        raise FitError(f"{int((~known).sum())} of {len(known)} fits {what} do not converge.")
    return fits


def _converged(fits: Fits, what: str) -> Fits:
    if np.isinf(_known(fits, what).deviance).any():
        raise FitError(f"nothing is expected {what} in a bin with events, which no background explains.")
    if not fits.converged.all():
        raise FitError(f"{int((~fits.converged).sum())} of {len(fits.converged)} fits {what} do not converge.")
    return fits


@dataclass(frozen=True)
class Asymptotics:
    """What limits on the parameter ``name`` need: free fits of the data and of Asimov data without signal."""

    model: Model
    name: str
    data: Array
    asimov: Array
    free: Fits
    free_asimov: Fits

    @staticmethod
    def of(model: Model, name: str, data: Array | None = None) -> "Asymptotics":
        """For data (N,) or (N + M,); those of the workspace by default.

        Raises:
            FitError: a fit does not converge.
        """
        model = _physical(model, name)
        given = model.data if data is None else np.asarray(data, float)
        without = _converged(fit_many(model, given, {name: 0.0}), f"with {name} = 0")
        asimov = model.expected_data(without.values[0])
        free = _converged(fit_many(model, given), "of the data")
        free_asimov = _converged(fit_many(model, asimov, start=without.values[0]), "of Asimov data")
        return Asymptotics(model, name, given, asimov, free, free_asimov)

    def q(self, values: Array) -> tuple[Array, Array]:
        """q-tilde (B,) of the data and of Asimov data at values (B,) of the parameter."""
        return q_tilde(self.model, self.name, values, self.data, self.free), q_tilde(
            self.model, self.name, values, self.asimov, self.free_asimov
        )

    def cls(self, values: Array) -> Array:
        """CLs (6, B) at values (B,): observed, and expected at -2 to 2 standard deviations."""
        return np.asarray(np.exp(self.log_cls(values)))

    def log_cls(self, values: Array) -> Array:
        """The logarithm (6, B) of CLs, which is finite also where CLs is too small for a number."""
        q, asimov = self.q(values)
        root = np.sqrt(asimov)
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.where(np.sqrt(q) > root, (q - asimov) / (2 * root), np.sqrt(q) - root)
        far = np.where(root > 0, far, 0.0)
        observed = norm.logcdf(-(far + root)) - norm.logcdf(-far)
        expected = norm.logcdf(BANDS[:, None] - root) - norm.logcdf(BANDS[:, None])
        return np.concatenate([observed[None], expected])


def q_tilde(model: Model, name: str, values: Array, data: Array, free: Fits) -> Array:
    """The test statistic (B,) of values (B,), or of one value for data (B, N + M), whose free fits are given."""
    start = free.values if len(free.values) > 1 else free.values[0]
    fits = _converged(fit_many(model, data, {name: values}, start), f"with {name} fixed")
    risen = np.maximum(fits.deviance - free.deviance, 0.0)
    return np.where(free.value(name) > values, 0.0, risen)


def limits(model: Model, name: str, data: Array | None = None, confidence_level: float = 0.95) -> Limits:
    """Asymptotic CLs limits on a parameter of interest that is not negative.

    Args:
        model: of N bins and M auxiliary measurements.
        name: the parameter; its bounds do not hold.
        data: counts (N,), or with auxiliary measurements (N + M,); those of the workspace by default.
        confidence_level: of the limits.

    Raises:
        FitError: a fit does not converge, or nothing is excluded because nothing depends on the parameter.
    """
    asymptotics = Asymptotics.of(model, name, data)
    return Limits(*_crossed(asymptotics, 1 - confidence_level))


def _scale(asymptotics: Asymptotics) -> float:
    """One standard deviation of the parameter without a signal."""
    place = asymptotics.model.place(asymptotics.name)
    value = max(float(asymptotics.free_asimov.values[0, place]), 0.0)
    test = max(1.0, value)
    for _ in range(60):
        q = asymptotics.q(np.array([test]))[1][0]
        if 0.1 < q < 100:
            return float(test / np.sqrt(q))
        test *= 4.0 if q <= 0.1 else 0.25
    raise FitError(f"the expectation does not depend on {asymptotics.name}, so that there is no limit on it.")


def _crossed(asymptotics: Asymptotics, alpha: float) -> tuple[float, Array]:
    best = float(asymptotics.free.value(asymptotics.name)[0])
    top = max(best, 0.0) + REACH * _scale(asymptotics)
    points = np.linspace(0.0, top, POINTS)[1:]
    heights = asymptotics.log_cls(points) - np.log(alpha)
    for _ in range(WIDER):
        if (heights[:, -1] < 0).all():
            break
        more = points[-1] * np.array([1.25, 1.5, 2.0])
        points = np.append(points, more)
        heights = np.append(heights, asymptotics.log_cls(more) - np.log(alpha), axis=1)
    points, heights = np.append(0.0, points), np.append(np.full((len(heights), 1), -np.log(alpha)), heights, axis=1)
    found = _roots(lambda values: asymptotics.log_cls(values) - np.log(alpha), points, heights)
    return float(found[0]), found[1:]


def _roots(function: Callable[[Array], Array], points: Array, heights: Array) -> Array:
    """Where each of C falling curves (C, B) is 0: all are evaluated at the guesses for all, until these stand still."""
    guesses = np.full(len(heights), np.nan)
    for _ in range(ROUNDS):
        last, guesses = guesses, np.array([_root(points, one) for one in heights])
        if np.isnan(guesses).any():
            raise FitError(
                "CLs does not fall to the level of the limit as far as was looked; the signal is too small, or "
                "nuisances make up for it."
            )
        if (np.abs(guesses - last) <= CLOSE * guesses).all():
            break
        new = np.setdiff1d(guesses, points)
        if not len(new):
            break
        points, heights = np.append(points, new), np.append(heights, function(new), axis=1)
        order = np.argsort(points)
        points, heights = points[order], heights[:, order]
    return guesses


def _root(points: Array, heights: Array) -> float:
    """Of the last fall through 0: of the parabola through the bracket and its nearer neighbour, or of the line."""
    falls = np.flatnonzero((heights[:-1] > 0) & (heights[1:] <= 0))
    if not len(falls):
        return float("nan")
    left = int(falls[-1])
    a, b, above, below = points[left], points[left + 1], heights[left], heights[left + 1]
    line = a + above * (b - a) / (above - below)
    neighbours = [n for n in (left - 1, left + 2) if 0 <= n < len(points)]
    if neighbours:
        third = min(neighbours, key=lambda n: abs(points[n] - line))
        # Inverse quadratic interpolation.
        x, y = np.array([a, b, points[third]]), np.array([above, below, heights[third]])
        if len(np.unique(y)) == len(y):
            weights = [np.prod([y[j] / (y[j] - y[i]) for j in range(3) if j != i]) for i in range(3)]
            guess = float(np.dot(weights, x))
            if a < guess < b:
                return guess
    return float(line)


def significance(model: Model, name: str, data: Array | None = None) -> Significance:
    """The discovery significance of a parameter of interest (eq. 12 and 52 of arXiv:1007.1727).

    Raises:
        FitError: a fit does not converge.
    """
    model = _physical(model, name)
    given = model.data if data is None else np.asarray(data, float)

    def q0(values: Array) -> float:
        free = _converged(fit_many(model, values), "of the data")
        without = _known(fit_many(model, values, {name: 0.0}, free.values[0]), f"with {name} = 0")
        return float(max(without.deviance[0] - free.deviance[0], 0.0))

    observed = q0(given)
    signal = _converged(fit_many(model, given, {name: 1.0}), f"with {name} = 1")
    expected = q0(model.expected_data(signal.values[0]))
    z = float(np.sqrt(observed))
    return Significance(observed, float(norm.sf(z)), z, float(np.sqrt(expected)))


def toy_limits(
    model: Model, name: str, n_toys: int, seed: int, data: Array | None = None, confidence_level: float = 0.95
) -> Limits:
    """CLs limits by toys of the fitted nuisances, with randomised auxiliary measurements.

    Expected limits are those of the quantiles of CLs in experiments without signal.

    Args:
        model: of N bins and M auxiliary measurements.
        name: the parameter of interest.
        n_toys: with and without signal, for each tested value.
        seed: of the toys.
        data: as in ``limits``.
        confidence_level: of the limits.

    Raises:
        FitError: fits of the data do not converge, or CLs does not cross its level where it was looked for.
    """
    asymptotics = Asymptotics.of(model, name, data)
    near = Limits(*_crossed(asymptotics, 1 - confidence_level))
    low, high = min(near.observed, near.expected[0]), max(near.observed, near.expected[-1])
    values = np.geomspace(TOY_RANGE[0] * low, TOY_RANGE[1] * high, TOY_POINTS)
    found = toy_cls(asymptotics, values, n_toys, seed)
    with np.errstate(divide="ignore"):
        heights = np.log(np.maximum(found, 0.5 / n_toys)) - np.log(1 - confidence_level)
    roots = [_root(np.append(0.0, values), np.append(-np.log(1 - confidence_level), one)) for one in heights]
    if np.isnan(roots).any():
        raise FitError("CLs of the toys does not fall to the level of the limit; throw more of them.")
    return Limits(roots[0], np.array(roots[1:]))


def toy_cls(asymptotics: Asymptotics, values: Array, n_toys: int, seed: int) -> Array:
    """CLs (6, B) by toys, as ``Asymptotics.cls``."""
    model, name = asymptotics.model, asymptotics.name
    q, _ = asymptotics.q(values)
    null = fit_many(model, asymptotics.data, {name: 0.0})
    conditional = fit_many(model, asymptotics.data, {name: values})
    alone = _Toys.thrown(model, null.values[0], n_toys, seed)
    found = np.empty((1 + len(BANDS), len(values)))
    for number, value in enumerate(map(float, values)):
        with_signal = _Toys.thrown(model, conditional.values[number], n_toys, seed + 1 + number).q(name, value)
        without = alone.q(name, value)

        def cls(seen: Array, signal: Array = with_signal, background: Array = without) -> Array:
            return _share_above(signal, seen) / np.maximum(_share_above(background, seen), 0.5 / len(background))

        found[0, number] = cls(q[number : number + 1])[0]
        found[1:, number] = np.quantile(cls(without), norm.cdf(BANDS))
    return found


def _share_above(sample: Array, values: Array) -> Array:
    """Share of ``sample`` at least as large as each of ``values``."""
    return np.asarray(1 - np.searchsorted(np.sort(sample), values - 1e-9) / len(sample))


@dataclass(frozen=True)
class _Toys:
    """Experiments whose free fits converge."""

    model: Model
    data: Array
    free: Fits

    @staticmethod
    def thrown(model: Model, values: Array, n_toys: int, seed: int) -> "_Toys":
        data = toys(model, values, n_toys, seed)
        free = fit_many(model, data, start=values)
        if free.converged.mean() < 0.99:
            raise FitError(f"{int((~free.converged).sum())} of {n_toys} fits of toys do not converge.")
        kept = free.converged
        return _Toys(model, data[kept], fit_many(model, data[kept], start=free.values[kept]))

    def q(self, name: str, value: float) -> Array:
        """q-tilde of the toys."""
        fits = fit_many(self.model, self.data, {name: value}, self.free.values)
        risen = np.maximum(fits.deviance - self.free.deviance, 0.0)
        return np.where(self.free.value(name) > value, 0.0, risen)[fits.converged]
