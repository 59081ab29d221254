"""Fits of a HistFactory model: of one experiment with exact errors, and of many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.histfactory import fallback, likelihood, reference
from resonaut.fit.histfactory.curvature import information
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.likelihood import Data
from resonaut.fit.histfactory.minimise import Minimum, chunks, minimise
from resonaut.fit.histfactory.model import Model

Mask = NDArray[np.bool_]
Fixed = Mapping[str, float | Sequence[float] | Array]
# Where fits with couplings start beside their nominal values, in units of their ranges: their yields are parabolas,
# and the likelihood has a minimum on each side of them.
STARTS = (0.35, 0.45, 0.55, 0.65)
MOST_STARTS = 16
# Step of the numerical second derivatives, standard deviations.
SHIFT = 1e-3


@dataclass(frozen=True)
class Fit:
    """The fit of one experiment: P ``values``, their ``errors`` and ``covariance`` (P, P).

    ``errors`` are those of the observed information, and 0 for what is ``fixed`` (P,); NaN where a parameter is
    ``without_effect`` (P,) or stands ``at_bound`` (P,), where a parabola says nothing of it. ``minimum``: -2 ln L, as
    pyhf has it; ``deviance``: over that of the saturated model; ``distance``: what a further step promises of -ln L.
    """

    names: tuple[str, ...]
    values: Array
    errors: Array
    covariance: Array
    minimum: float
    deviance: float
    converged: bool
    distance: float
    fixed: Mask
    at_bound: Mask
    without_effect: Mask

    def value(self, name: str) -> float:
        """Of a parameter."""
        return float(self.values[self.names.index(name)])

    def error(self, name: str) -> float:
        """Of a parameter, one standard deviation."""
        return float(self.errors[self.names.index(name)])

    @property
    def correlation(self) -> Array:
        """Correlation matrix (P, P); 0 for what has no error."""
        root = np.sqrt(np.diag(self.covariance))
        scale = np.divide(1.0, root, out=np.zeros_like(root), where=root > 0)
        return self.covariance * scale * scale[:, None]


@dataclass(frozen=True)
class Fits:
    """Fits of B experiments: ``values`` (B, P), -2 ln L ``minimum`` (B,), and the rest as in ``Fit``.

    What has not ``converged`` (B,) is a point where no step went down and not a minimum: judge it or leave it out.
    """

    names: tuple[str, ...]
    values: Array
    minimum: Array
    deviance: Array
    converged: Mask
    distance: Array
    free: Mask
    data: Data

    def value(self, name: str) -> Array:
        """Of a parameter (B,)."""
        return np.asarray(self.values[:, self.names.index(name)])

    def errors(self, model: Model) -> Array:
        """Standard deviations (B, P) of the information matrix of ``minimise``; 0 where fixed, NaN where unknown."""
        return np.concatenate(
            [
                _errors(model, self.values[rows], self.data[rows], self.free[rows])
                for rows in chunks(model, len(self.free))
            ]
        )


def fit(
    model: Model, data: Array | None = None, fixed: Mapping[str, float] | None = None, start: Array | None = None
) -> Fit:
    """The fit of one experiment, with the covariance of its observed information.

    Args:
        model: of N bins, P parameters and M auxiliary measurements.
        data: counts (N,), or counts and auxiliary measurements (N + M,); those of the workspace by default.
        fixed: values of parameters that do not float, beside those that the measurement fixes.
        start: of all parameters (P,).

    Raises:
        WorkspaceError: an unknown parameter, or data of a wrong length.
    """
    many = fit_many(model, model.data if data is None else data, fixed, start)
    free = many.free[0]
    at_bound = free & ((many.values[0] <= model.lower) | (many.values[0] >= model.upper))
    used = free & ~at_bound
    matrix = observed_information(model, many.values[0], many.data, used)
    without = used & (np.diag(matrix) <= 0)
    used &= ~without
    covariance = np.zeros_like(matrix)
    where = np.ix_(used, used)
    covariance[where] = _inverse(matrix[where])
    with np.errstate(invalid="ignore"):
        errors = np.where(at_bound | without, np.nan, np.sqrt(np.diag(covariance)))
    return Fit(
        model.names,
        many.values[0],
        errors,
        covariance,
        float(many.minimum[0]),
        float(many.deviance[0]),
        bool(many.converged[0]),
        float(many.distance[0]),
        ~free,
        at_bound,
        without,
    )


def fit_many(model: Model, data: Array, fixed: Fixed | None = None, start: Array | None = None) -> Fits:
    """Fits of B experiments at once.

    Args:
        model: of N bins, P parameters and M auxiliary measurements.
        data: (B, N) or (B, N + M); one experiment (1, N) is fitted B times where ``fixed`` or ``start`` differ.
        fixed: values of parameters that do not float, each a number or (B,).
        start: (P,) or (B, P).

    Raises:
        WorkspaceError: an unknown parameter, or data of a wrong length.
    """
    given = Data.of(model, data)
    values = {model.place(name): np.asarray(value, float) for name, value in (fixed or {}).items()}
    begin = np.atleast_2d(model.start if start is None else start)
    count = max(len(given), len(begin), *(value.size for value in values.values()), 1)
    rows = np.arange(count) if len(given) == count else np.zeros(count, int)
    given, theta = given[rows], np.repeat(begin, count if len(begin) == 1 else 1, axis=0).astype(float)
    free = np.repeat(~model.fixed[None], count, axis=0)
    for place, value in values.items():
        theta[:, place], free[:, place] = value, False
    return minimised(model, given, theta, free)


def minimised(model: Model, data: Data, theta: Array, free: Mask) -> Fits:
    """The lowest of the minima from several starts, or where the fast search fails that of iminuit.

    All are by pyhf and minuit where the model's ``backend`` says so.

    Args:
        model: of P parameters.
        data: B experiments.
        theta: starts (B, P), and values of what is not ``free`` (B, P).
        free: what floats.
    """
    search = minimise if model.backend == "batched" else reference.minimise
    best = search(model, data, theta, free)
    for places, other in _other_starts(model, theta):
        # Those whose parameters are fixed stay as they are.
        if free[:, places].any():
            best = _lower(best, search(model, data, np.where(free, other, theta), free))
    lost = np.isinf(best.deviance)
    if lost.any():
        # With these starts contents are negative.
        best = _lower(best, search(model, data, np.where(free & lost[:, None], model.start, best.theta), free))
    if model.backend == "batched":
        fallback.rescue(model, data, best, free)
    minimum = best.deviance + likelihood.saturated(model, data)
    return Fits(model.names, best.theta, minimum, best.deviance, best.converged, best.distance, free, data)


def _other_starts(model: Model, theta: Array) -> list[tuple[list[int], Array]]:
    """Places of the couplings, and starts (B, P) with other values of these."""
    places = sorted({int(place) for one in model.factors.polynomials for place in one.places})
    found = []
    for shares in list(product(STARTS, repeat=len(places)))[:MOST_STARTS] if places else []:
        other = theta.copy()
        lower, upper = model.lower[places], model.upper[places]
        other[:, places] = lower + np.array(shares) * (upper - lower)
        found.append((places, other))
    return found


def _lower(one: Minimum, other: Minimum) -> Minimum:
    """For each experiment the lower minimum; one that was found goes before one that was not."""
    better = (other.converged & ~one.converged) | (
        (other.converged == one.converged) & (other.deviance < one.deviance - 1e-9)
    )
    return Minimum(
        np.where(better[:, None], other.theta, one.theta),
        *(
            np.where(better, getattr(other, name), getattr(one, name))
            for name in ("deviance", "converged", "steps", "distance")
        ),
    )


def observed_information(model: Model, theta: Array, data: Data, free: Mask) -> Array:
    """Second derivatives (P, P) of -ln L at parameters (P,), by differences of the analytic gradient; 0 where fixed."""
    scale = _errors(model, theta[None], data, free[None])[0]
    places = np.flatnonzero(free)
    step = SHIFT * np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)[places]
    # Never beyond 0 with what has to stay above: parameters of bins, for instance.
    step = np.where(model.lower[places] > 0, np.minimum(step, 0.5 * theta[places]), step)
    matrix = np.zeros((len(theta), len(theta)))
    for rows in chunks(model, len(places)):
        shift = np.zeros((len(places[rows]), len(theta)))
        shift[np.arange(len(shift)), places[rows]] = step[rows]
        both = data.repeated(len(shift))
        up, down = (likelihood.gradient(model, theta + side * shift, both) for side in (1.0, -1.0))
        matrix[places[rows]] = (up - down) / (2 * step[rows, None])
    matrix[:, ~free] = 0.0
    return (matrix + matrix.T) / 2


def _inverse(matrix: Array) -> Array:
    """Of a matrix of second derivatives at a minimum; NaN where it is none."""
    scale = 1 / np.sqrt(np.where(np.diag(matrix) > 0, np.diag(matrix), 1.0))
    try:
        root = np.linalg.inv(np.linalg.cholesky(matrix * scale * scale[:, None])) * scale
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)
    return np.asarray(root.T @ root)


def _errors(model: Model, theta: Array, data: Data, free: Mask) -> Array:
    """Standard deviations (B, P) of the matrix that the steps use."""
    found = model.derivatives(theta)
    curvature = likelihood.constraint_slope(model, theta, data.aux)[1]
    moves = free & (theta > model.lower) & (theta < model.upper)
    expected = np.where(found.expected > 0, found.expected, np.inf)
    parts = information(model, found, data.counts / expected**2, curvature, moves, np.zeros(len(theta)))
    inverse = np.linalg.inv(parts.shared)
    variance = np.zeros_like(theta)
    variance[:, model.shared] = np.diagonal(inverse, axis1=1, axis2=2)
    jacobian = np.where(moves[:, None, model.shared], found.shared, 0.0)
    across = np.einsum("bng,bgh,bnh->bn", jacobian, inverse, jacobian, optimize=True)
    own = 1 / parts.own + np.square(parts.mixed / parts.own) * across
    bins = np.flatnonzero(model.own >= 0)
    variance[:, model.own[bins]] = own[:, bins]
    effect = curvature > 0
    effect[:, model.shared] |= (found.shared != 0).any(axis=1)
    effect[:, model.own[bins]] |= found.own[:, bins] != 0
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(variance)
    return np.where(~free, 0.0, np.where(moves & effect, errors, np.nan))


def toys(model: Model, values: Array, n: int, seed: int) -> Array:
    """Experiments (n, N + M) of a hypothesis: counts, and auxiliary measurements around the true parameters.

    Args:
        model: of N bins and M auxiliary measurements.
        values: the true parameters (P,).
        n: how many.
        seed: the same seed gives the same experiments.
    """
    rng = np.random.default_rng(seed)
    expected = model.expected_data(np.asarray(values, float))
    bins, gaussian = len(model.observed), model.constraints.gaussian
    made = np.empty((n, len(expected)))
    made[:, :bins] = rng.poisson(np.maximum(expected[:bins], 0.0), (n, bins))
    aux = expected[bins:]
    normal = rng.normal(aux[gaussian], model.constraints.sigma[gaussian], (n, int(gaussian.sum())))
    made[:, bins:][:, gaussian] = normal
    made[:, bins:][:, ~gaussian] = rng.poisson(aux[~gaussian], (n, int((~gaussian).sum())))
    # A parameter that no fit moves, as that of a bin without simulation, would add its fluctuation to each deviance.
    held = model.fixed[model.constraints.place]
    made[:, bins:][:, held] = aux[held]
    return made
