"""Minima of -ln L for many experiments at once: Newton steps with damping inside bounds.

The matrix of second derivatives is that of the expected contents' first ones, sum_n (counts / expected^2) J_n J_n^T,
plus the constraints': exact where contents are linear in the parameters. A parameter that changes one bin alone is
eliminated from it (block elimination), which leaves that bin with less weight, so that statistical uncertainties of
simulation cost next to nothing. Where a step does not go down it is damped (D. Marquardt, J. SIAM 11 (1963) 431).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.histfactory import likelihood
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.likelihood import Data
from resonaut.fit.histfactory.model import Derivatives, Model

Mask = NDArray[np.bool_]
# The minimum is found where a step promises less than this of -ln L; in rounding errors of -2 ln L, what is no rise.
CLOSE, ROUNDING = 1e-11, 1e-13
STEPS = 100
# Damping after a step that did not go down, and how it changes from there.
DAMPED, MORE, LESS, MOST = 1e-3, 10.0, 0.1, 1e12
# Part of the Fisher information that keeps the matrix regular where data say nothing.
RIDGE = 1e-12
# Numbers of derivatives that are in memory at once (8 bytes each).
NUMBERS = 8_000_000


@dataclass(frozen=True)
class Minimum:
    """For each experiment the parameters (B, P) of the minimum, the saturated ``deviance`` there, and how it was found.

    ``distance`` (B,): what a further step promises of -ln L.
    """

    theta: Array
    deviance: Array
    converged: Mask
    steps: NDArray[np.intp]
    distance: Array


@dataclass(frozen=True)
class Step:
    """A step (B, P), what it promises of -ln L (B,), and the parameters (B, P) that it moves."""

    direction: Array
    promise: Array
    moves: Mask


def chunks(model: Model, count: int, numbers: int = NUMBERS) -> Iterator[slice]:
    """Slices of experiments whose derivatives fit into memory."""
    size = max(1, numbers // (len(model.observed) * max(1, len(model.shared))))
    yield from (slice(first, min(first + size, count)) for first in range(0, count, size))


def minimise(model: Model, data: Data, start: Array, free: Mask) -> Minimum:
    """The minimum of each experiment.

    Args:
        model: of N bins and P parameters.
        data: B experiments.
        start: parameters (B, P); those that are not ``free`` (B, P) stay as they are.
        free: what the fits determine.
    """
    parts = [_minimise(model, data[rows], start[rows], free[rows]) for rows in chunks(model, len(data))]
    return Minimum(*(np.concatenate([getattr(part, name) for part in parts]) for name in Minimum.__annotations__))


def _minimise(model: Model, data: Data, start: Array, free: Mask) -> Minimum:
    theta = np.where(free, np.clip(start, model.lower, model.upper), start)
    lowest = likelihood.deviance(model, theta, data)
    damping, distance = np.zeros(len(theta)), np.full(len(theta), np.inf)
    done, steps = np.zeros(len(theta), bool), np.zeros(len(theta), np.intp)
    for _ in range(STEPS):
        rows = np.flatnonzero(~done & (damping < MOST))
        if not len(rows):
            break
        some = data[rows]
        step = newton_step(model, theta[rows], some, free[rows], damping[rows])
        distance[rows] = np.where(damping[rows] == 0, step.promise, distance[rows])
        moved = np.where(free[rows], np.clip(theta[rows] + step.direction, model.lower, model.upper), theta[rows])
        reached = likelihood.deviance(model, moved, some)
        good = reached <= lowest[rows] + ROUNDING * (1 + np.abs(lowest[rows]))
        theta[rows[good]], lowest[rows[good]] = moved[good], reached[good]
        steps[rows] += 1
        # Undamped: a damped step is short, whatever is left to go.
        done[rows] = (step.promise < CLOSE) & (damping[rows] == 0) & good
        eased = np.where(damping[rows] > DAMPED, LESS * damping[rows], 0.0)
        damping[rows] = np.where(good, eased, np.maximum(MORE * damping[rows], DAMPED))
    return Minimum(theta, lowest, done, steps, distance)


def newton_step(model: Model, theta: Array, data: Data, free: Mask, damping: Array) -> Step:
    """The step (B, P) to the minimum of a parabola, of the parameters that are free and not pushed against a bound."""
    found = model.derivatives(theta)
    gradient, curvature = likelihood.constraint_slope(model, theta, data.aux)
    main, own = likelihood.main_gradient(found, data.counts)
    gradient[:, model.shared] += main
    bins = np.flatnonzero(model.own >= 0)
    gradient[:, model.own[bins]] += own[:, bins]
    pushed = ((theta <= model.lower) & (gradient > 0)) | ((theta >= model.upper) & (gradient < 0))
    moves = free & ~pushed
    return _solved(model, found, data.counts, gradient, curvature, moves, damping)


def _solved(
    model: Model, found: Derivatives, counts: Array, gradient: Array, curvature: Array, moves: Mask, damping: Array
) -> Step:
    parts = information(model, found, counts, curvature, moves, damping)
    bins = np.flatnonzero(model.own >= 0)
    own_gradient = np.where(parts.own_moves, gradient[:, model.own], 0.0)
    pull = parts.mixed * own_gradient / parts.own
    down = gradient[:, model.shared] - np.einsum("bng,bn->bg", found.shared, pull)
    down = np.where(moves[:, model.shared], -down, 0.0)
    shared = np.linalg.solve(parts.shared, down[..., None])[..., 0]
    along = np.einsum("bng,bg->bn", found.shared, shared)
    direction = np.zeros_like(gradient)
    direction[:, model.shared] = shared
    own_step = np.where(parts.own_moves, -(own_gradient + parts.mixed * along) / parts.own, 0.0)
    direction[:, model.own[bins]] = own_step[:, bins]
    promise = -0.5 * np.sum(np.where(moves, gradient * direction, 0.0), axis=1)
    return Step(direction, np.abs(promise), moves)


@dataclass(frozen=True)
class Information:
    """The matrix of second derivatives of -ln L after the parameters of single bins are eliminated.

    ``shared`` (B, G, G); ``own`` (B, N): the eliminated diagonal, ``mixed`` (B, N): what times the derivatives by the
    shared parameters is the mixed block, ``own_moves`` (B, N): where there is such a parameter that moves.
    """

    shared: Array
    own: Array
    mixed: Array
    own_moves: Mask


def information(
    model: Model, found: Derivatives, counts: Array, curvature: Array, moves: Mask, damping: Array
) -> Information:
    """The matrix at some parameters; rows of parameters that do not move are those of the unit matrix."""
    expected = np.where(found.expected > 0, found.expected, np.inf)
    weight, fisher = counts / expected**2, 1 / expected
    part = (damping + RIDGE)[:, None]
    own_moves = (model.own >= 0) & moves[:, model.own]
    slope, stiff = np.where(own_moves, found.own, 0.0), curvature[:, model.own]
    own = weight * slope**2 + stiff + part * (fisher * slope**2 + stiff)
    # One without any effect stays where it is.
    own_moves &= own > 0
    own = np.where(own_moves, own, 1.0)
    mixed = np.where(own_moves, weight * slope, 0.0)
    left = np.where(own_moves, weight * (own - weight * slope**2) / own, weight)
    jacobian = np.where(moves[:, None, model.shared], found.shared, 0.0)
    matrix = (jacobian * left[..., None]).transpose(0, 2, 1) @ jacobian
    spread = np.einsum("bng,bn->bg", np.square(jacobian), fisher) + curvature[:, model.shared]
    diagonal = curvature[:, model.shared] + part * spread
    diagonal = np.where(moves[:, model.shared] & (spread > 0), diagonal, 1.0)
    places = np.arange(len(model.shared))
    matrix[:, places, places] += diagonal
    return Information(matrix, own, mixed, own_moves)
