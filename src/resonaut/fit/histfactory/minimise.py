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
# A step that does not go down enough, in units of what it promises, is shortened to these shares of it, so often.
ENOUGH, SHARES, SHORTER = 1e-4, (0.1, 0.5), 8
# Bounds of the length of a step.
LENGTHS = (0.3, 10.0)
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
    """A step (B, P), what it promises of -ln L (B,), and the gradient (B, P), 0 for what does not move."""

    direction: Array
    promise: Array
    gradient: Array


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
    search = _Search.of(model, data, start, free)
    for _ in range(STEPS):
        rows = np.flatnonzero(~search.done & (search.damping < MOST))
        if not len(rows):
            break
        search.step(rows)
    return Minimum(search.theta, search.lowest, search.done, search.steps, search.distance)


@dataclass
class _Search:
    """Where the search of each experiment is: parameters, the ``lowest`` deviance, and its last step (B, P).

    ``length`` (B,) is how far a step goes, in units of the parabola's: the secant's estimate of the true curvature
    along the last step (J. Barzilai and J. Borwein, IMA J. Numer. Anal. 8 (1988) 141) over that of the parabola.
    """

    model: Model
    data: Data
    free: Mask
    theta: Array
    lowest: Array
    damping: Array
    length: Array
    moved: Array
    gradient: Array
    curvature: Array
    distance: Array
    steps: NDArray[np.intp]
    done: Mask

    @staticmethod
    def of(model: Model, data: Data, start: Array, free: Mask) -> "_Search":
        theta = np.where(free, np.clip(start, model.lower, model.upper), start)
        zeros, nothing = np.zeros(len(theta)), np.zeros_like(theta)
        lowest, none = likelihood.deviance(model, theta, data), np.zeros(len(theta), bool)
        infinite, ones = np.full(len(theta), np.inf), np.ones(len(theta))
        counted = np.zeros(len(theta), np.intp)
        return _Search(
            model,
            data,
            free,
            theta,
            lowest,
            zeros,
            ones,
            nothing,
            nothing.copy(),
            zeros.copy(),
            infinite,
            counted,
            none,
        )

    def step(self, rows: NDArray[np.intp]) -> None:
        """One step of some experiments."""
        damping = self.damping[rows]
        step = newton_step(self.model, self.theta[rows], self.data[rows], self.free[rows], damping)
        change = np.sum(self.moved[rows] * (step.gradient - self.gradient[rows]), axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            length = np.where((change > 0) & (self.curvature[rows] > 0), self.curvature[rows] / change, 1.0)
        self.length[rows] = np.where(np.isfinite(length), np.clip(length, *LENGTHS), 1.0)
        distance = step.promise * self.length[rows]
        self.distance[rows] = np.where(damping == 0, distance, self.distance[rows])
        self.gradient[rows] = step.gradient
        good = self._descend(rows, step)
        self.steps[rows] += 1
        # Undamped: a damped step is short, whatever is left to go.
        self.done[rows] = (distance < CLOSE) & (damping == 0) & good
        eased = np.where(damping > DAMPED, LESS * damping, 0.0)
        self.damping[rows] = np.where(good, eased, np.maximum(MORE * damping, DAMPED))

    def _descend(self, rows: NDArray[np.intp], step: "Step") -> Mask:
        """Go along a step as far as it goes down, and say where it does."""
        good, part = np.zeros(len(rows), bool), self.length[rows].copy()
        self.curvature[rows] = 0.0
        for _ in range(SHORTER):
            left = np.flatnonzero(~good)
            if not len(left):
                break
            at = rows[left]
            target = self.theta[at] + part[left, None] * step.direction[left]
            inside = np.where(self.free[left], np.clip(target, self.model.lower, self.model.upper), self.theta[at])
            reached = likelihood.deviance(self.model, inside, self.data[at])
            with np.errstate(invalid="ignore"):
                risen = reached - self.lowest[at]
            promise = part[left] * step.promise[left]
            enough = risen <= ROUNDING * (1 + np.abs(self.lowest[at])) - ENOUGH * promise
            new = at[enough]
            self.moved[new] = inside[enough] - self.theta[new]
            # The parabola's along the step, which is not what was gone where a bound was met.
            whole = (inside[enough] == target[enough]).all(axis=1)
            self.curvature[new] = np.where(whole, 2 * part[left[enough]] * promise[enough], 0.0)
            self.theta[new], self.lowest[new] = inside[enough], reached[enough]
            good[left] = enough
            # To the minimum of the parabola through both values with the slope at the first, which is -4 promises.
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                share = 4 * promise / (2 * (risen + 4 * promise))
            part[left] *= np.clip(np.where(np.isfinite(share), share, 0.0), *SHARES)
        return good


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
    return Step(direction, np.abs(promise), np.where(moves, gradient, 0.0))


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
