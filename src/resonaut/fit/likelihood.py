"""Binned Poisson fits of background and background plus signal, all of a batch at once.

The signal's energy scale, resolution and normalisation are nuisance parameters ``eta``, normal variables whose
auxiliary measurement is ``observed``. The minimiser is in ``kernel``.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import xlogy

from resonaut.fit import kernel
from resonaut.fit.family import Array, Background
from resonaut.fit.motion import Signal
from resonaut.fit.signal import Template

# Change of ln L to which a yield below none may add up, and still be none.
NO_ROOM = 1e-5
# Events expected in a bin that has some: no fit.
NOTHING = 1e-9


@dataclass(frozen=True)
class Fit:
    """Results of B fits with K background parameters and M nuisances.

    ``theta`` (B, K); ``signal`` (B,) events; ``nuisances`` (B, M); ``deviance`` (B,): -2 ln L relative to the
    saturated model; ``information`` (B, K + 1 + M, K + 1 + M): Fisher information, in the order background,
    signal, nuisances (1 for a signal that is held); ``converged`` (B,).
    """

    function: Background
    theta: Array
    signal: Array
    nuisances: Array
    deviance: Array
    information: Array
    converged: np.ndarray

    @cached_property
    def background(self) -> Array:
        """Expected events without signal (B, N)."""
        return self.function.expected(self.theta)

    @cached_property
    def covariance(self) -> Array:
        """Inverse of the information."""
        return np.asarray(np.linalg.inv(self.information), dtype=np.float64)

    @property
    def signal_error(self) -> Array:
        """Parabolic error of the signal yield (B,), of a fit in which it is free."""
        k = self.function.n_parameters
        return np.asarray(np.sqrt(self.covariance[:, k, k]))

    @property
    def background_covariance(self) -> Array:
        """Covariance (B, K, K) of the background's parameters."""
        k = self.function.n_parameters
        return self.covariance[:, :k, :k]


def deviance(counts: Array, expected: Array) -> Array:
    """``2 sum(mu - n + n ln(n/mu))`` over the last axis; infinite where a count is not positive."""
    safe = np.where(expected > 0, expected, 1.0)
    terms = expected - counts + xlogy(counts, np.where(counts > 0, counts, 1.0) / safe)
    return np.where((expected > 0).all(axis=-1), 2 * terms.sum(axis=-1), np.inf)


def fit(
    function: Background,
    counts: Array,
    template: Template | None = None,
    signal: Array | None = None,
    start: Array | None = None,
    observed: Array | None = None,
    nuisances: Array | None = None,
) -> Fit:
    """Fit the background, with a signal if there is a ``template``.

    Args:
        function: the background.
        counts: events (B, N).
        template: the signal's share in each bin, and how it moves with the nuisances.
        signal: yields (B,) at which the signal is held; None leaves it free, of either sign.
        start: background parameters (B, K) to begin from.
        observed: auxiliary measurements (B, M) of the nuisances; None is 0.
        nuisances: values (B, M) to begin from; None is ``observed``, and of the scale the most promising one.
    """
    counts = np.ascontiguousarray(counts, dtype=float)
    rows = len(counts)
    template = Template.none(counts.shape[1]) if template is None else template
    shape = template.signal
    size = len(template.nuisances)
    level = np.zeros(rows) if signal is None else np.asarray(signal, dtype=float)
    centre = np.zeros((rows, size)) if observed is None else np.ascontiguousarray(observed, dtype=float)
    theta = function.start(counts) if start is None else np.broadcast_to(start, (rows, function.n_parameters))
    theta = _feasible(function, theta, level, template)
    begin = centre if nuisances is None else nuisances
    states = np.ascontiguousarray(np.concatenate([theta, level[:, None], begin], axis=1))
    free = signal is None and bool(template.shares.any())
    value, converged, information = kernel.minimise(
        function.directions,
        function.widths,
        function.resonances,
        counts,
        shape,
        free,
        states,
        centre,
        nuisances is None,
    )
    left = np.flatnonzero(~converged)
    if free and len(left):
        none = fit(function, counts[left], template, np.zeros(len(left)), theta[left], centre[left])
        still = none.converged & _pressed(none, counts[left], template)
        at = left[still]
        states[at] = np.hstack([none.theta, none.signal[:, None], none.nuisances])[still]
        value[at], converged[at], information[at] = none.deviance[still], True, none.information[still]
    for b in np.flatnonzero(~converged):
        states[b], value[b], converged[b] = _by_minuit(function, counts[b], shape, free, states[b], centre[b])
    k = function.n_parameters
    for b in left:
        if _empty(function, counts[b], template, states[b, :k], states[b, k], states[b, k + 1 :]):
            converged[b] = False
            if start is not None:
                row = slice(b, b + 1)
                own, place = (None if one is None else one[row] for one in (signal, nuisances))
                again = fit(function, counts[row], template, own, None, centre[row], place)
                states[b] = np.hstack([again.theta[0], again.signal, again.nuisances[0]])
                value[b], converged[b], information[b] = again.deviance[0], again.converged[0], again.information[0]
    information = np.tril(information) + np.swapaxes(np.tril(information, -1), 1, 2)
    return Fit(function, states[:, :k], states[:, k], states[:, k + 1 :], value, information, converged)


def _feasible(function: Background, theta: Array, level: Array, template: Template) -> Array:
    """``theta``, where a bin would expect no events without resonances or with more background under the signal.

    Negative yields of resonances are those of a fit in which something else filled the hole, and begin from none.
    """
    if len(function.resonances):
        hollow = (function.expected(theta) <= 0).any(axis=-1)
        theta = theta.copy()
        theta[hollow, function.n_smooth :] = 0.0
    negative = level < 0
    if not negative.any():
        return theta
    background = function.expected(theta[negative])
    short = (1.1 * -level[negative, None] * template.shares / background).max(axis=1)
    theta = theta.copy()
    theta[negative] += np.log(np.maximum(short, 1.0))[:, None] * function.scale
    return theta


def _empty(
    function: Background, counts: Array, template: Template, theta: Array, level: Array, nuisances: Array
) -> bool:
    """Whether nothing is expected where there are events: a function that is a spike in one bin.

    Beside the spike it is constant, where its logarithm is cut off, and a fit that begins there ends there.
    """
    expected = function.expected(theta) + level * template.at(nuisances)
    return bool(((counts > 0) & (expected < NOTHING)).any())


def _pressed(none: Fit, counts: Array, template: Template) -> np.ndarray:
    """Which (B,) of the fits with ``none`` of the signal are those of a free yield, too.

    Where hardly anything is expected and nothing seen under it, a yield below none has no room, and Newton's step into
    it no measure.
    """
    shares, background = template.at(none.nuisances), none.background
    relative = shares / background
    score = (relative * counts - shares).sum(axis=-1)
    return np.asarray((score < 0) & (-score / relative.max(axis=-1) < NO_ROOM))


def _by_minuit(
    function: Background, counts: Array, shape: Signal, free: bool, state: Array, centre: Array
) -> tuple[Array, float, bool]:
    """One fit by iminuit, for what Newton's method does not finish."""
    from iminuit import Minuit

    gradient, curvature = np.empty(len(state)), np.empty((len(state), len(state)))
    terms = kernel.terms(function.directions, function.widths, function.resonances, len(centre))

    def value(point: Array) -> float:
        found = kernel.evaluate(terms, counts, shape, point, centre, kernel.EXACT, gradient, curvature)
        return float(min(found, 1e30))

    def slope(point: Array) -> Array:
        value(point)
        return 2 * gradient

    minuit = Minuit(value, state, grad=slope)
    minuit.errordef = Minuit.LEAST_SQUARES
    minuit.fixed[function.n_parameters] = not free
    minuit.migrad()
    return np.array(minuit.values), float(minuit.fval), bool(minuit.valid)
