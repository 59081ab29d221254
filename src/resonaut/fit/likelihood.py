"""Binned Poisson fits of background and background plus signal, all of a batch at once.

Fisher scoring: the step solves ``J^T diag(1/mu) J step = J^T (n/mu - 1)`` with the derivatives ``J`` of the
expected counts ``mu``, and is halved where it does not lower the deviance or makes a count negative.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from resonaut.fit.family import Array, DijetFunction

# Expected events (B, N) and derivatives (B, N, P) of parameters (B, P) of the batch's rows (B,).
Model = Callable[[Array, np.ndarray], tuple[Array, Array]]

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

    def model(state: Array, rows: np.ndarray) -> tuple[Array, Array]:
        expected, slope = function.expected(state[:, : function.n_parameters])
        if free:
            slope = np.concatenate([slope, shape[rows, :, None]], axis=2)
        yields = state[:, -1] if free else level[rows]
        return expected + yields[:, None] * shape[rows], slope

    state, value, converged = _minimise(model, counts, state)
    theta, signal = (state[:, :-1], state[:, -1]) if free else (state, level)
    expected, slope = model(state, np.arange(len(state)))
    covariance = np.asarray(np.linalg.inv(_information(slope, expected)), dtype=np.float64)
    return Fit(theta, signal, function.expected(theta)[0], value, covariance, converged)


def _feasible(function: DijetFunction, theta: Array, signal: Array) -> Array:
    """``theta``, with the background scaled up where a negative signal would exceed it in some bin."""
    background, _ = function.expected(theta)
    short = (1.1 * -signal / background).max(axis=1)
    return np.asarray(theta + np.log(np.maximum(short, 1.0))[:, None] * function.scale)


def _information(slope: Array, expected: Array) -> Array:
    """Fisher information (B, P, P), with a touch on the diagonal against exact singularity."""
    information = np.asarray(np.swapaxes(slope / expected[:, :, None], 1, 2) @ slope)
    diagonal = np.einsum("bpp->bp", information)
    diagonal *= 1 + 1e-10
    diagonal += 1e-12
    return information


def _minimise(model: Model, counts: Array, state: Array) -> tuple[Array, Array, np.ndarray]:
    """Fisher scoring with step halving; only the fits that still move are computed."""
    state = state.copy()
    value = deviance(counts, model(state, np.arange(len(state)))[0])
    converged = np.zeros(len(state), dtype=bool)
    rows = np.arange(len(state))
    for _ in range(ITERATIONS):
        expected, slope = model(state[rows], rows)
        score = np.einsum("bnp,bn->bp", slope, counts[rows] / expected - 1)
        step = np.linalg.solve(_information(slope, expected), score[..., None])[..., 0]
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
