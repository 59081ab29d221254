"""The signal in each bin at its nuisances, compiled: its shape is moved as a whole and keeps its total.

With ``y = m / M``, the peak ``p`` and the cumulative distribution F, the share of the bin between two edges is

    T = A (F(u_high) - F(u_low)),  u = p + (y / S - p) / R,  S = 1 + sum(position eta),  R = 1 + sum(width eta).

Each nuisance may move the peak, widen it, and change its rate. F is a cubic between the nodes of a table, and so fine
that one may take it for the shape itself. Below the threshold of a selection there is no event at any eta:
``A = factor exp(sum(phi(eta))) / (1 - F(u_threshold))``.

All derivatives follow from those of F, as ``du/deta`` and ``d2u/deta2`` are linear in ``w = u - p``.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from resonaut.fit.family import Array
from resonaut.fit.vector import dot

# Value of S and R below which they fall more slowly than eta, and never to zero.
LEAST = 0.5
# Least part of the signal above the threshold, and largest exponent of a rate.
VISIBLE, STEEPEST = 1e-6, 30.0


class Signal(NamedTuple):
    """What a template hands to compiled code.

    ``shares`` (N,) at eta = 0, of which those from ``first`` to before ``last`` are not zero; ``edges`` (N + 1) in y,
    none below ``threshold``; ``table`` (C + 1, 2): F and its slope times the step, at nodes from ``low`` on, ``per_y``
    of them in a unit of y; relative changes of ``position`` (M,) and ``width`` (M,) by nuisances, and ``rate`` (M, 2):
    logarithms of the factors by which they raise the yield (up) and lower it (down); ``starts`` (S,): values of the
    nuisance of the position to begin a fit from, and ``looks`` (S, N) the shares there.
    """

    shares: Array
    first: int
    last: int
    edges: Array
    table: Array
    low: float
    per_y: float
    peak: float
    threshold: float
    factor: float
    position: Array
    width: Array
    rate: Array
    starts: Array
    looks: Array


class Room(NamedTuple):
    """Room for an evaluation with M nuisances.

    ``edges`` (4, N + 1): F, F', F'' and w at the edges; ``rates`` (M, 3): ``du/deta`` as coefficients of 1 and w, and
    ``d ln A/deta``; ``bends`` (M, M, 3): the same of the second derivatives, lower triangle.
    """

    edges: Array
    rates: Array
    bends: Array


@njit(cache=True, error_model="numpy")
def room(bins: int, nuisances: int) -> Room:
    """Room for ``bins`` and ``nuisances``."""
    return Room(np.empty((4, bins + 1)), np.zeros((nuisances, 3)), np.zeros((nuisances, nuisances, 3)))


@njit(cache=True, error_model="numpy")
def stretch(x: float) -> tuple[float, float, float]:
    """``1 + x`` and its first two derivatives; below ``LEAST`` twice differentiable towards zero."""
    if x >= LEAST - 1:
        return 1 + x, 1.0, 0.0
    t = (1 + x) / LEAST - 1
    h, slope = 1 / (1 - t + t**2), 1 - 2 * t
    return LEAST * h, slope * h**2, 2 * h**2 * (slope**2 * h - 1) / LEAST


@njit(cache=True, error_model="numpy")
def lognormal(up: float, down: float, eta: float) -> tuple[float, float, float]:
    """``ln`` of an asymmetric log-normal and its derivatives: ``up eta`` above 1/2, ``-down |eta|`` below -1/2.

    Between them a polynomial joins the two slopes, as in CMS's Combine (arXiv:2404.06614).
    """
    x = min(max(2 * eta, -1.0), 1.0)
    mean, half = (up + down) / 2, (up - down) / 2
    step, slope, bend = x * (x**2 * (3 * x**2 - 10) + 15) / 8, 15 * (x**2 - 1) ** 2 / 8, 15 * x * (x**2 - 1) / 2
    value = eta * (mean + half * step)
    if abs(value) > STEEPEST:
        return math.copysign(STEEPEST, value), 0.0, 0.0
    return value, mean + half * (step + 2 * eta * slope), half * (4 * slope + 4 * eta * bend)


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def distribution(table: Array, x: float) -> tuple[float, float, float]:
    """F and its derivatives at ``x`` steps from the first node."""
    cells = len(table) - 1
    if x <= 0:
        return 0.0, 0.0, 0.0
    if x >= cells:
        return 1.0, 0.0, 0.0
    k = int(x)
    t = x - k
    rise, begin, end = table[k + 1, 0] - table[k, 0], table[k, 1], table[k + 1, 1]
    square, cube = 3 * rise - 2 * begin - end, begin + end - 2 * rise
    value = table[k, 0] + t * (begin + t * (square + t * cube))
    return value, begin + t * (2 * square + 3 * t * cube), 2 * square + 6 * t * cube


@njit(cache=True, error_model="numpy")
def _coefficients(signal: Signal, eta: Array, rates: Array, bends: Array) -> tuple[float, float, float]:
    """Fill ``rates`` and ``bends``; S, R and A."""
    away = wider = 0.0
    for m in range(len(eta)):
        away += signal.position[m] * eta[m]
        wider += signal.width[m] * eta[m]
    scale, scale_slope, scale_bend = stretch(away)
    width, width_slope, width_bend = stretch(wider)
    shift = signal.peak / width
    for m in range(len(eta)):
        moved, widened = signal.position[m] * scale_slope / scale, signal.width[m] * width_slope / width
        rates[m, 0], rates[m, 1] = -moved * shift, -moved - widened
        for j in range(m + 1):
            also_moved, also_widened = signal.position[j] * scale_slope / scale, signal.width[j] * width_slope / width
            both = 2 * moved * also_moved - signal.position[m] * signal.position[j] * scale_bend / scale
            both += moved * also_widened + widened * also_moved
            width_alone = 2 * widened * also_widened - signal.width[m] * signal.width[j] * width_bend / width
            bends[m, j, 0], bends[m, j, 1] = both * shift, both + width_alone
    w = signal.threshold / scale / width - shift
    below, density, slope = distribution(signal.table, (w + signal.peak - signal.low) * signal.per_y)
    density, slope = density * signal.per_y, slope * signal.per_y**2
    above = max(1 - below, VISIBLE)
    exponent = 0.0
    for m in range(len(eta)):
        rate = rates[m, 0] + rates[m, 1] * w
        rates[m, 2] = density * rate / above
        for j in range(m + 1):
            other = rates[j, 0] + rates[j, 1] * w
            both = slope * rate * other + density * (bends[m, j, 0] + bends[m, j, 1] * w)
            bends[m, j, 2] = both / above + density**2 * rate * other / above**2
        value, slope_of_rate, bend_of_rate = lognormal(signal.rate[m, 0], signal.rate[m, 1], eta[m])
        exponent += value
        rates[m, 2] += slope_of_rate
        bends[m, m, 2] += bend_of_rate
    return scale, width, signal.factor * math.exp(exponent) / above


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def signal_at(signal: Signal, eta: Array, room: Room, share: Array, moved: Array) -> tuple[int, int, float]:
    """The signal's ``share`` (N,) of one event, and its derivatives ``moved`` (M, N), between the bins returned.

    Beyond these they are not written. The last of the three values is A.
    """
    if len(eta) == 0:
        for i in range(signal.first, signal.last):
            share[i] = signal.shares[i]
        return signal.first, signal.last, 1.0
    scale, width, amplitude = _coefficients(signal, eta, room.rates, room.bends)
    high = signal.low + (len(signal.table) - 1) / signal.per_y
    begin = scale * (signal.peak + (signal.low - signal.peak) * width)
    end = scale * (signal.peak + (high - signal.peak) * width)
    first = max(int(np.searchsorted(signal.edges, max(begin, signal.threshold), side="right")) - 1, 0)
    last = min(int(np.searchsorted(signal.edges, end)), len(share))
    below, density, slope, away = room.edges[0], room.edges[1], room.edges[2], room.edges[3]
    per_edge, shift = 1 / (scale * width), signal.peak / width
    for e in range(first, last + 1):
        w = signal.edges[e] * per_edge - shift
        found = distribution(signal.table, (w + signal.peak - signal.low) * signal.per_y)
        below[e], density[e], slope[e] = found[0], found[1] * signal.per_y, found[2] * signal.per_y**2
        away[e] = w
    for i in range(first, last):
        share[i] = amplitude * (below[i + 1] - below[i])
    for m in range(len(eta)):
        constant, linear, relative = amplitude * room.rates[m, 0], amplitude * room.rates[m, 1], room.rates[m, 2]
        for i in range(first, last):
            upper = density[i + 1] * (constant + linear * away[i + 1])
            moved[m, i] = upper - density[i] * (constant + linear * away[i]) + relative * share[i]
    return first, last, amplitude


@njit(cache=True, error_model="numpy")
def second_derivatives(
    room: Room, amplitude: float, pull: Array, share: Array, moved: Array, first: int, last: int, bends: Array
) -> None:
    """``sum_i pull_i d2 T_i / deta_m deta_j`` into the lower triangle of ``bends`` (M, M)."""
    density, slope, away = room.edges[1], room.edges[2], room.edges[3]
    s0 = s1 = s2 = d0 = d1 = 0.0
    # A sum over bins of differences of edges is one over edges of differences of bins.
    for e in range(first, last + 1):
        weight = (pull[e - 1] if e > first else 0.0) - (pull[e] if e < last else 0.0)
        w, by_slope, by_density = away[e], weight * slope[e], weight * density[e]
        s0 += by_slope
        s1 += by_slope * w
        s2 += by_slope * w * w
        d0 += by_density
        d1 += by_density * w
    whole = dot(pull, share, first, last)
    for m in range(len(moved)):
        a, b, relative = room.rates[m]
        one = dot(pull, moved[m], first, last)
        for j in range(m + 1):
            c, d, other = room.rates[j]
            own = s0 * a * c + s1 * (a * d + b * c) + s2 * b * d + d0 * room.bends[m, j, 0] + d1 * room.bends[m, j, 1]
            product = relative * dot(pull, moved[j], first, last) + other * one
            bends[m, j] = amplitude * own + product + (room.bends[m, j, 2] - relative * other) * whole


@njit(cache=True, error_model="numpy")
def shares(signal: Signal, eta: Array) -> Array:
    """The signal's shares (B, N) at nuisances ``eta`` (B, M)."""
    found = np.zeros((len(eta), len(signal.shares)))
    scratch, moved = room(len(signal.shares), eta.shape[1]), np.empty((eta.shape[1], len(signal.shares)))
    for b in range(len(eta)):
        signal_at(signal, eta[b], scratch, found[b], moved)
    return found
