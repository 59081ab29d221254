"""Binned Poisson fits of background and background plus signal, all of a batch at once.

Newton's method: the step solves ``H step = J^T (n/mu - 1)`` with the derivatives ``J`` of the expected counts
``mu``, and is halved where it does not lower the deviance or makes a count negative. ``H`` is the second
derivative of -ln L without its negative parts, so that every step goes down. Fisher scoring, whose
``H = J^T diag(1/mu) J`` needs no counts, creeps where a negative signal drives an empty bin to zero.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from resonaut.fit.family import Array, DijetFunction

# Expected events and those of the background alone (B, N), and derivatives (B, N, P) of parameters (B, P) of the
# batch's rows (B,); the background's parameters come first.
Model = Callable[[Array, np.ndarray], tuple[Array, Array, Array]]

# Empty bins count as this many events, so that the expected count of a bin stays positive when the
# signal yield is negative: the yield then ends at its physical boundary instead of beyond it.
EMPTY = 1e-6
ITERATIONS = 200
HALVINGS = 40
# Expected gain in 2 ln L at which a fit is done, and below which rounding may hide it.
TOLERANCE = 1e-9
ROUNDING = 1e-5


@dataclass(frozen=True)
class Fit:
    """Results of B fits on N bins with K background parameters.

    ``theta`` (B, K); ``signal`` (B,) events; ``background`` (B, N) expected events without signal;
    ``deviance`` (B,): -2 ln L relative to the saturated model; ``covariance`` (B, P, P) from the Fisher
    information, P = K or, with the signal as last parameter, K + 1; ``converged`` (B,).
    """

    theta: Array
    signal: Array
    background: Array
    deviance: Array
    covariance: Array
    converged: np.ndarray

    @property
    def signal_error(self) -> Array:
        """Parabolic error of the signal yield (B,), of a fit in which it is free."""
        return np.asarray(np.sqrt(self.covariance[:, -1, -1]))


def deviance(counts: Array, expected: Array) -> Array:
    """``2 sum(mu - n + n ln(n/mu))`` over the last axis; infinite where a count is not positive."""
    safe = np.where(expected > 0, expected, 1.0)
    terms = expected - counts + xlogy(counts, np.where(counts > 0, counts, 1.0) / safe)
    return np.where((expected > 0).all(axis=-1), 2 * terms.sum(axis=-1), np.inf)


def fit(
    function: DijetFunction,
    counts: Array,
    template: Array | None = None,
    signal: Array | None = None,
    start: Array | None = None,
) -> Fit:
    """Fit the background, with a signal if there is a ``template``.

    Args:
        function: the background.
        counts: events (B, N).
        template: signal events in each bin for a yield of one, (N,) or (B, N).
        signal: yields (B,) at which the signal is held; None leaves it free, of either sign.
        start: background parameters (B, K) to begin from.
    """
    counts = np.where(counts > 0, counts, EMPTY)
    shape = np.zeros_like(counts) if template is None else np.broadcast_to(template, counts.shape)
    free = template is not None and signal is None
    level = np.zeros(len(counts)) if signal is None else np.asarray(signal, dtype=float)
    theta = _feasible(function, function.start(counts) if start is None else start, level[:, None] * shape)
    state = np.concatenate([theta, level[:, None]], axis=1) if free else theta

    def model(state: Array, rows: np.ndarray) -> tuple[Array, Array, Array]:
        background, slope = function.expected(state[:, : function.n_parameters])
        if free:
            slope = np.concatenate([slope, shape[rows, :, None]], axis=2)
        yields = state[:, -1] if free else level[rows]
        return background + yields[:, None] * shape[rows], background, slope

    state, value, converged = _minimise(model, counts, state, function.n_parameters)
    theta, signal = (state[:, :-1], state[:, -1]) if free else (state, level)
    expected, _, slope = model(state, np.arange(len(state)))
    covariance = np.asarray(np.linalg.inv(_information(slope, expected)), dtype=np.float64)
    return Fit(theta, signal, function.expected(theta)[0], value, covariance, converged)


def _feasible(function: DijetFunction, theta: Array, signal: Array) -> Array:
    """``theta``, with the background scaled up where a negative signal would exceed it in some bin."""
    background, _ = function.expected(theta)
    short = (1.1 * -signal / background).max(axis=1)
    return np.asarray(theta + np.log(np.maximum(short, 1.0))[:, None] * function.scale)


def _information(slope: Array, expected: Array) -> Array:
    """Fisher information (B, P, P)."""
    return _regular(np.swapaxes(slope / expected[:, :, None], 1, 2) @ slope)


def _curvature(counts: Array, expected: Array, background: Array, slope: Array, n_background: int) -> Array:
    """Second derivative (B, P, P) of -ln L, its negative terms left out.

    ``sum(n/mu^2 J J^T + (1 - n/mu) d2mu)``; the background's logarithm is linear in its parameters, so that
    ``d2mu = J J^T / b`` for these, and the expected count is linear in the signal yield.
    """
    curvature = np.swapaxes(slope * (counts / expected**2)[:, :, None], 1, 2) @ slope
    own = slope[:, :, :n_background]
    weight = np.maximum(1 - counts / expected, 0.0) / background
    curvature[:, :n_background, :n_background] += np.swapaxes(own * weight[:, :, None], 1, 2) @ own
    return _regular(curvature)


def _regular(matrices: Array) -> Array:
    """``matrices`` with a touch on the diagonal against exact singularity."""
    diagonal = np.einsum("bpp->bp", matrices)
    diagonal *= 1 + 1e-10
    diagonal += 1e-12
    return matrices


def _minimise(model: Model, counts: Array, state: Array, n_background: int) -> tuple[Array, Array, np.ndarray]:
    """Newton's method with step halving; only the fits that still move are computed."""
    state = state.copy()
    value = deviance(counts, model(state, np.arange(len(state)))[0])
    converged = np.zeros(len(state), dtype=bool)
    rows = np.arange(len(state))
    for _ in range(ITERATIONS):
        expected, background, slope = model(state[rows], rows)
        score = np.einsum("bnp,bn->bp", slope, counts[rows] / expected - 1)
        curvature = _curvature(counts[rows], expected, background, slope, n_background)
        step = np.linalg.solve(curvature, score[..., None])[..., 0]
        gain = np.einsum("bp,bp->b", step, score)
        done = gain < TOLERANCE
        converged[rows[done]] = True
        rows, step, gain = rows[~done], step[~done], gain[~done]
        if not len(rows):
            break
        searching = np.arange(len(rows))
        for halving in range(HALVINGS):
            trial = state[rows[searching]] + 0.5**halving * step[searching]
            lower = deviance(counts[rows[searching]], model(trial, rows[searching])[0])
            better = lower < value[rows[searching]]
            state[rows[searching[better]]], value[rows[searching[better]]] = trial[better], lower[better]
            searching = searching[~better]
            if not len(searching):
                break
        # No lower value along the step: this is the minimum if no more than rounding was to gain.
        converged[rows[searching]] = gain[searching] < ROUNDING
        rows = np.delete(rows, searching)
    return state, value, converged
