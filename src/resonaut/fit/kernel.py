"""Newton's method for binned Poisson fits, compiled: one spectrum after the other, without temporary arrays.

Expected events of bin i: ``mu_i = b_i(theta) + sum_j r_j R_ji + s T_i(eta)``, with ``b_i`` the integral of
``exp(D theta)``, resonances of the shares R_j whose yields r_j are free, and ``T_i(eta)`` that of ``motion``. Minimised
is ``2 sum(mu - n + n ln(n / mu)) + sum((eta - eta_observed)^2)``. A state holds theta, r (together K), s, and eta (M).

Objective and minimiser are one module on purpose: apart, the objective's loops are compiled worse, and a fit takes
twice as long.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from resonaut.fit.family import Array
from resonaut.fit.motion import Room, Signal, room, second_derivatives, signal_at
from resonaut.fit.vector import copy, dot, exponential, logarithm, total, weighted_squares

# Height of the barrier that keeps the expected count of an empty bin positive where the signal yield is negative: the
# yield then ends at its physical boundary instead of beyond it. A bin with this many events would be as high.
EMPTY = 1e-4
# Numpy's integers: for each literal one Numba would compile the objective again.
EXACT, POSITIVE, FISHER = np.int64(0), np.int64(1), np.int64(2)


class Terms(NamedTuple):
    """The background, and room for what an evaluation computes.

    ``columns`` (S, P N) and ``widths`` (P N,) of the function, ``resonances`` (J, N); S + J = K. The P points of all N
    bins stand one after the other: all bins at the first point, then all at the second. ``points`` (3, P N) is scratch;
    ``slopes`` (K + 1 + M, N): derivatives of the expected events; ``moved`` (M, N): dT / deta; ``bends`` (M, M): second
    derivatives; ``bins`` (8, N): values in each bin; ``room``: the signal's.
    """

    columns: Array
    widths: Array
    resonances: Array
    points: Array
    slopes: Array
    moved: Array
    bends: Array
    bins: Array
    room: Room


@njit(cache=True, error_model="numpy")
def terms(directions: Array, widths: Array, resonances: Array, nuisances: int) -> Terms:
    """Room for the evaluation of a background with ``directions`` (N, P, S), ``widths`` (N, P), and ``resonances``."""
    n_bins, n_points, n_smooth = directions.shape
    held = n_smooth + len(resonances)
    bins, slopes = np.empty((8, n_bins)), np.zeros((held + 1 + nuisances, n_bins))
    columns, all_widths = np.empty((n_smooth, n_points * n_bins)), np.empty(n_points * n_bins)
    for p in range(n_points):
        for i in range(n_bins):
            all_widths[p * n_bins + i] = widths[i, p]
            for k in range(n_smooth):
                columns[k, p * n_bins + i] = directions[i, p, k]
    copy(resonances, slopes[n_smooth:held])
    return Terms(
        columns,
        all_widths,
        resonances,
        np.empty((3, max(n_points * n_bins, held + 1 + nuisances))),
        slopes,
        np.zeros((nuisances, n_bins)),
        np.zeros((nuisances, nuisances)),
        bins,
        room(n_bins, nuisances),
    )


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def smooth(columns: Array, widths: Array, points: Array, background: Array, slopes: Array, state: Array) -> None:
    """The function and its derivatives."""
    n_background, n_nodes = columns.shape
    n_bins = len(background)
    density = points[0]
    for j in range(n_nodes):
        density[j] = columns[0, j] * state[0]
    for k in range(1, n_background):
        theta = state[k]
        for j in range(n_nodes):
            density[j] += columns[k, j] * theta
    for j in range(n_nodes):
        density[j] = min(max(density[j], -300.0), 300.0)
    exponential(density, points[1:3], n_nodes)
    for j in range(n_nodes):
        density[j] *= widths[j]
    for i in range(n_bins):
        background[i] = density[i]
    for begin in range(n_bins, n_nodes, n_bins):
        for i in range(n_bins):
            background[i] += density[begin + i]
    for k in range(n_background):
        for i in range(n_bins):
            slopes[k, i] = density[i] * columns[k, i]
        for begin in range(n_bins, n_nodes, n_bins):
            for i in range(n_bins):
                slopes[k, i] += density[begin + i] * columns[k, begin + i]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def evaluate(
    t: Terms,
    counts: Array,
    signal: Signal,
    state: Array,
    observed: Array,
    kind: np.int64,
    gradient: Array,
    curvature: Array,
) -> float:
    """The objective (infinite where a bin is negative); half its gradient and curvature are written into the arguments.

    The curvature (lower triangle) is one of these kinds, with ``J = dmu`` and ``d2b = db db^T / b``:

    - ``EXACT``: ``sum(n/mu^2 J J^T + (1 - n/mu) (d2b + d2(s T)))``, the Fisher information for background alone;
    - ``POSITIVE``: the same with ``(1 - n/mu)_+ d2b`` only, so that a step always goes down;
    - ``FISHER``: ``sum(J J^T / mu)``.
    """
    columns, widths, resonances, points, slopes, moved, bends, bins, signal_room = t
    background, expected, share, ratio = bins[0], bins[1], bins[2], bins[3]
    pull, weight, weight_background, row = bins[4], bins[5], bins[6], bins[7]
    n_smooth, n_bins = len(columns), len(counts)
    held = n_smooth + len(resonances)
    yields, eta, lowest = state[held], state[held + 1 :], 0.0
    first, last, amplitude = 0, 0, 1.0
    smooth(columns, widths, points, background, slopes, state)
    for i in range(n_bins):
        expected[i] = background[i]
    for j in range(n_smooth, held):
        lowest = min(lowest, state[j])
        for i in range(n_bins):
            expected[i] += state[j] * slopes[j, i]
    if signal.last > signal.first:
        first, last, amplitude = signal_at(signal, eta, signal_room, share, moved)
        lowest = min(lowest, yields)
        for i in range(first, last):
            slopes[held, i] = share[i]
            expected[i] += yields * share[i]
        for m in range(len(eta)):
            for i in range(first, last):
                slopes[held + 1 + m, i] = yields * moved[m, i]
    if lowest < 0:
        for i in range(n_bins):
            if not expected[i] > 0:
                return math.inf
    for i in range(n_bins):
        ratio[i] = counts[i] / expected[i]
        row[i] = ratio[i] if counts[i] > 0 else 1.0
    logarithm(row, points[1:3], n_bins)
    value = total(expected) - total(counts) + dot(counts, row, 0, n_bins)
    # 1 - n / mu, and the weights of J J^T for signal and background; d2b is of that form too.
    for i in range(n_bins):
        pull[i] = 1 - ratio[i]
    if kind == FISHER:
        for i in range(n_bins):
            weight[i] = weight_background[i] = 1 / expected[i]
    elif kind == EXACT:
        for i in range(n_bins):
            weight[i] = ratio[i] / expected[i]
            weight_background[i] = weight[i] + pull[i] / background[i]
    else:
        for i in range(n_bins):
            weight[i] = ratio[i] / expected[i]
            weight_background[i] = weight[i] + max(pull[i], 0.0) / background[i]
    weighted_squares(slopes, pull, weight_background, n_smooth, gradient, curvature)
    for k in range(n_smooth, len(state)):
        # Only background reaches beyond the signal's bins.
        begin, end = (0, n_bins) if k < held else (first, last)
        gradient[k] = dot(pull, slopes[k], begin, end)
        for i in range(begin, end):
            row[i] = weight[i] * slopes[k, i]
        for j in range(k + 1):
            curvature[k, j] = dot(row, slopes[j], begin, end)
    if lowest < 0:
        # What was there at other nuisances.
        slopes[held:, :first] = 0.0
        slopes[held:, last:] = 0.0
        value += _barrier(counts, background, expected, slopes, points[2], n_smooth, gradient, curvature)
    if kind == EXACT and last > first:
        second_derivatives(signal_room, amplitude, pull, share, moved, first, last, bends)
        for m in range(len(moved)):
            k = held + 1 + m
            curvature[k, held] += dot(pull, moved[m], first, last)
            for j in range(m + 1):
                curvature[k, held + 1 + j] += yields * bends[m, j]
    for m in range(len(moved)):
        k = held + 1 + m
        away = eta[m] - observed[m]
        value += away**2 / 2
        gradient[k] += away
        curvature[k, k] += 1.0
    return 2 * value


@njit(cache=True, error_model="numpy")
def _barrier(
    counts: Array,
    background: Array,
    expected: Array,
    slopes: Array,
    row: Array,
    n_smooth: int,
    gradient: Array,
    curvature: Array,
) -> float:
    """The barrier ``-EMPTY (ln r - (r - 1))`` of empty bins with ``r = mu / b``: flat where there is no signal."""
    value = 0.0
    for i in range(len(counts)):
        if counts[i] > 0 or expected[i] >= background[i]:
            continue
        left = expected[i] / background[i]
        value -= EMPTY * (math.log(left) - left + 1)
        for k in range(len(gradient)):
            change = slopes[k, i] * (1 - left) if k < n_smooth else slopes[k, i]
            row[k] = change / background[i]
            gradient[k] += EMPTY * (1 - 1 / left) * row[k]
            for j in range(k + 1):
                curvature[k, j] += EMPTY / left**2 * row[k] * row[j]
    return value


ITERATIONS = 200
HALVINGS = 40
# Expected gain in -2 ln L at which a fit is done, and below which rounding may hide it; beyond so many events in all
# the rounding of their sums is larger, and both are in proportion.
TOLERANCE = 1e-7
ROUNDING = 1e-5
MANY = 1e9
# Expected gain at which the last step of a fit of background alone is taken without looking: the steps converge
# quadratically, and what is left is below the tolerance.
LAST = 1e-4


@njit(cache=True, error_model="numpy")
def solve(matrix: Array, right: Array, step: Array) -> bool:
    """``matrix step = right`` by Cholesky, in place of the lower triangle; False if it is not positive."""
    size = len(right)
    for k in range(size):
        for j in range(k):
            total = matrix[k, j]
            for i in range(j):
                total -= matrix[k, i] * matrix[j, i]
            matrix[k, j] = total / matrix[j, j]
        # A touch on the diagonal against exact singularity.
        diagonal = matrix[k, k] * (1 + 1e-10) + 1e-12
        for i in range(k):
            diagonal -= matrix[k, i] ** 2
        if not diagonal > 0:
            return False
        matrix[k, k] = math.sqrt(diagonal)
    for k in range(size):
        total = right[k]
        for i in range(k):
            total -= matrix[k, i] * step[i]
        step[k] = total / matrix[k, k]
    for k in range(size - 1, -1, -1):
        total = step[k]
        for i in range(k + 1, size):
            total -= matrix[i, k] * step[i]
        step[k] = total / matrix[k, k]
    return True


@njit(cache=True, error_model="numpy")
def hold(matrix: Array, k: int) -> None:
    """Make ``matrix`` that of the other parameters, with 1 for parameter ``k``."""
    matrix[k, :] = 0.0
    matrix[:, k] = 0.0
    matrix[k, k] = 1.0


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def seek(t: Terms, counts: Array, signal: Signal, free: bool, state: Array, observed: Array) -> bool:
    """Move the scale, and with it a free yield, to where the likelihood is the highest.

    A peak beside the nominal one, or a dip under it, makes another minimum: from one Newton's method does not see the
    other. Yield and background are those of one step (Rao's score) from the evaluated background without a signal:
    held, it would keep what it has absorbed of a peak. In the bins without a signal the likelihood is taken as the
    parabola of that step. Returns whether the scale is moved.
    """
    held, scale = len(t.columns) + len(t.resonances), int(np.argmax(signal.position))
    background, relative, shift, work = t.bins[1], t.bins[2], t.bins[3], t.bins[4]
    for i in range(len(background)):
        background[i] = t.bins[0, i]
        for j in range(len(t.columns), held):
            background[i] += state[j] * t.slopes[j, i]
    changes, steps, along = _independent(t.slopes[:held], background), np.empty(held), np.empty(held)
    for j in range(held):
        steps[j] = dot(changes[j], counts, 0, len(counts)) - dot(changes[j], background, 0, len(counts))
    near = int(np.argmin(np.abs(signal.starts - observed[scale])))
    best, lowest, yields = near, math.inf, state[held]
    for k in range(len(signal.starts)):
        share, events, first, last = signal.looks[k], state[held], 0, len(counts)
        while first < last and share[first] == 0:
            first += 1
        while first < last and share[last - 1] == 0:
            last -= 1
        score, information, most, absorbed = 0.0, 0.0, 0.0, 0.0
        for i in range(first, last):
            relative[i] = share[i] / background[i]
            score += relative[i] * (counts[i] - background[i])
            information += relative[i] * share[i]
            most = max(most, relative[i])
            shift[i] = 0.0
        for j in range(held):
            along[j] = dot(changes[j], share, first, last)
            score -= along[j] * steps[j]
            absorbed += along[j] ** 2
        if free:
            events = max(score / max(information - absorbed, 1e-300), -0.5 / max(most, 1e-300))
        for j in range(held):
            step = steps[j] - events * along[j]
            for i in range(first, last):
                shift[i] += step * changes[j, i]
        value = (signal.starts[k] - observed[scale]) ** 2 / 2 + events**2 * absorbed / 2
        possible = events * most > -1
        for i in range(first, last):
            value += counts[i] * shift[i] - background[i] * shift[i] ** 2 / 2 + events * share[i]
            work[i - first] = 1 + events * relative[i] + shift[i]
            possible = possible and work[i - first] > 0
        if not possible:
            continue
        logarithm(work, t.points[1:3], last - first)
        for i in range(first, last):
            value -= counts[i] * work[i - first]
        if value < lowest:
            best, lowest, yields = k, value, events
    if best == near:
        return False
    state[held] = yields
    state[held + 1 + scale] = signal.starts[best]
    return True


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _independent(slopes: Array, background: Array) -> Array:
    """Relative changes (K, N) of the ``background`` (N,) by its ``slopes`` (K, N), such that their information is 1."""
    size, n_bins = slopes.shape
    changes, weighted = np.empty((size, n_bins)), np.empty(n_bins)
    for k in range(size):
        for i in range(n_bins):
            changes[k, i] = slopes[k, i] / background[i]
            weighted[i] = slopes[k, i]
        for j in range(k):
            part = dot(changes[j], weighted, 0, n_bins)
            for i in range(n_bins):
                changes[k, i] -= part * changes[j, i]
        for i in range(n_bins):
            weighted[i] = changes[k, i] * background[i]
        factor = 1 / math.sqrt(max(dot(changes[k], weighted, 0, n_bins), 1e-300))
        for i in range(n_bins):
            changes[k, i] *= factor
    return changes


@njit(cache=True, error_model="numpy")
def downhill(
    t: Terms,
    counts: Array,
    signal: Signal,
    free: bool,
    state: Array,
    observed: Array,
    gradient: Array,
    curvature: Array,
    step: Array,
) -> float:
    """Newton's step from where ``gradient`` and ``curvature`` were evaluated, and the gain that it promises."""
    held = len(t.columns) + len(t.resonances)
    for kind in (EXACT, POSITIVE):
        if kind == POSITIVE:
            evaluate(t, counts, signal, state, observed, kind, gradient, curvature)
        if not free:
            gradient[held] = 0.0
            hold(curvature, held)
        if solve(curvature, gradient, step):
            break
    gain = 0.0
    for k in range(len(step)):
        gain += step[k] * gradient[k]
    return gain


@njit(cache=True, error_model="numpy")
def minimise(
    directions: Array,
    widths: Array,
    resonances: Array,
    counts: Array,
    signal: Signal,
    free: bool,
    states: Array,
    observed: Array,
    everywhere: bool,
) -> tuple[Array, NDArray[np.bool_], Array]:
    """Fit every row of ``counts`` (B, N), from and into ``states`` (B, P), ``everywhere`` from the best scale.

    Returns -2 ln L (B,), whether it converged (B,), and the lower triangles of the Fisher information (B, P, P).
    """
    rows, size = states.shape
    held = directions.shape[2] + len(resonances)
    smooth_only = signal.last == 0 and len(resonances) == 0
    t = terms(directions, widths, resonances, size - held - 1)
    value, converged = np.empty(rows), np.zeros(rows, dtype=np.bool_)
    information = np.empty((rows, size, size))
    gradient, curvature = np.empty(size), np.zeros((size, size))
    step, trial = np.empty(size), np.empty(size)
    for b in range(rows):
        state = states[b]
        scale = max(1.0, total(counts[b]) / MANY)
        value[b] = evaluate(t, counts[b], signal, state, observed[b], EXACT, gradient, curvature)
        if everywhere and len(signal.starts) > 1 and seek(t, counts[b], signal, free, state, observed[b]):
            value[b] = evaluate(t, counts[b], signal, state, observed[b], EXACT, gradient, curvature)
        for _ in range(ITERATIONS):
            copy(curvature, information[b])
            gain = downhill(t, counts[b], signal, free, state, observed[b], gradient, curvature, step)
            if gain < TOLERANCE * scale:
                converged[b] = True
                break
            if gain < LAST and smooth_only:
                for k in range(size):
                    state[k] -= step[k]
                value[b] -= gain
                converged[b] = True
                break
            shrink = 1.0
            for _ in range(HALVINGS):
                for k in range(size):
                    trial[k] = state[k] - shrink * step[k]
                new = evaluate(t, counts[b], signal, trial, observed[b], EXACT, gradient, curvature)
                if new < value[b]:
                    break
                shrink /= 2
            if not new < value[b]:
                # No lower value along the step: this is the minimum if no more than rounding was to gain.
                converged[b] = gain < ROUNDING * scale
                break
            value[b] = new
            for k in range(size):
                state[k] = trial[k]
        if not smooth_only:
            evaluate(t, counts[b], signal, state, observed[b], FISHER, gradient, information[b])
        if not free:
            hold(information[b], held)
    return value, converged, information
