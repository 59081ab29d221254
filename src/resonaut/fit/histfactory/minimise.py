"""Minima of -ln L for many experiments at once: Newton steps with a memory, inside bounds.

The matrix of second derivatives is that of the expected contents' first ones, sum_n (counts / expected^2) J_n J_n^T,
plus the constraints': exact where contents are linear in the parameters, and near the counts. A parameter that changes
one bin alone is eliminated from it (block elimination), which leaves that bin with less weight, so that statistical
uncertainties of simulation cost next to nothing. What the matrix lacks the last steps know, by the changes of the
gradient along them (L-BFGS, J. Nocedal, Math. Comp. 35 (1980) 773, with this matrix in place of its first guess).
Where a step does not go down it is shortened, then damped (D. Marquardt, J. SIAM 11 (1963) 431).
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
# Steps that are remembered; one counts if the gradient rises along it, by this part of what it could.
MEMORY, RISES = 10, 1e-10
# Damping after a step that did not go down, and how it changes from there.
DAMPED, MORE, LESS, MOST = 1e-3, 10.0, 0.1, 1e12
# Bounds of counts over contents in the second derivatives. Newton's own step is too short by far where contents are
# much too small, and beyond 0 where they are too large; with a factor 1 it ends where contents are the counts.
RATIO = (0.8, 4.0)
# Free parameters start so far inside their bounds, in units of their range or of 10.
INSIDE, WIDE = 1e-3, 10.0
# Step of the second derivative by a coupling, in units of its range.
BEND = 1e-5
# Part of the Fisher information that keeps the matrix regular where data say nothing.
RIDGE = 1e-12
# Numbers of derivatives that are in memory at once (8 bytes each).
NUMBERS = 2_000_000


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
    """A step (B, P), and what it promises of -ln L (B,)."""

    direction: Array
    promise: Array


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
    """Where the search of each experiment is: parameters, the ``lowest`` deviance, and its ``gradient`` (B, P).

    ``ways`` and ``changes`` (B, MEMORY, P): the last steps, and the changes of the gradient along them.
    """

    model: Model
    data: Data
    free: Mask
    theta: Array
    lowest: Array
    damping: Array
    gradient: Array
    way: Array
    ways: Array
    changes: Array
    distance: Array
    steps: NDArray[np.intp]
    done: Mask

    @staticmethod
    def of(model: Model, data: Data, start: Array, free: Mask) -> "_Search":
        room = INSIDE * np.minimum(model.upper - model.lower, WIDE)
        theta = np.where(free, np.clip(start, model.lower + room, model.upper - room), start)
        count, parameters = theta.shape
        return _Search(
            model,
            data,
            free,
            theta,
            lowest=likelihood.deviance(model, theta, data),
            damping=np.zeros(count),
            gradient=np.zeros_like(theta),
            way=np.zeros_like(theta),
            ways=np.zeros((count, MEMORY, parameters)),
            changes=np.zeros((count, MEMORY, parameters)),
            distance=np.full(count, np.inf),
            steps=np.zeros(count, np.intp),
            done=np.zeros(count, bool),
        )

    def step(self, rows: NDArray[np.intp]) -> None:
        """One step of some experiments."""
        damping = self.damping[rows]
        slope = Slope.of(self.model, self.theta[rows], self.data[rows], self.free[rows], damping)
        self._remember(rows, slope.gradient)
        step = slope.step(self.ways[rows], self.changes[rows] * (damping == 0)[:, None, None])
        self.distance[rows] = np.where(damping == 0, step.promise, self.distance[rows])
        good = self._descend(rows, step)
        self.steps[rows] += 1
        # Undamped: a damped step is short, whatever is left to go.
        self.done[rows] = (step.promise < CLOSE) & (damping == 0)
        eased = np.where(damping > DAMPED, LESS * damping, 0.0)
        self.damping[rows] = np.where(good, eased, np.maximum(MORE * damping, DAMPED))
        self.changes[rows[~good]] = 0.0

    def _remember(self, rows: NDArray[np.intp], gradient: Array) -> None:
        """The last step, where there was one."""
        moved = rows[(self.way[rows] != 0).any(axis=1)]
        change = gradient - self.gradient[rows]
        self.gradient[rows] = gradient
        for memory, new in ((self.ways, self.way[moved]), (self.changes, change[np.isin(rows, moved)])):
            memory[moved] = np.concatenate([new[:, None], memory[moved, :-1]], axis=1)

    def _descend(self, rows: NDArray[np.intp], step: "Step") -> Mask:
        """Go along a step as far as it goes down, and say where it does."""
        good, part = np.zeros(len(rows), bool), np.ones(len(rows))
        self.way[rows] = 0.0
        for _ in range(SHORTER):
            left = np.flatnonzero(~good)
            if not len(left):
                break
            at = rows[left]
            target = self.theta[at] + part[left, None] * step.direction[left]
            inside = np.where(self.free[at], np.clip(target, self.model.lower, self.model.upper), self.theta[at])
            reached = likelihood.deviance(self.model, inside, self.data[at])
            with np.errstate(invalid="ignore"):
                risen = reached - self.lowest[at]
            promise = part[left] * step.promise[left]
            enough = risen <= ROUNDING * (1 + np.abs(self.lowest[at])) - ENOUGH * promise
            new = at[enough]
            self.way[new] = inside[enough] - self.theta[new]
            self.theta[new], self.lowest[new] = inside[enough], reached[enough]
            good[left] = enough
            # To the minimum of the parabola through both values with the slope at the first, which is -4 promises.
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                share = 4 * promise / (2 * (risen + 4 * promise))
            part[left] *= np.clip(np.where(np.isfinite(share), share, 0.0), *SHARES)
        return good


@dataclass(frozen=True)
class Slope:
    """The gradient (B, P) of -ln L at some parameters, what ``moves`` (B, P), and the matrix of second derivatives.

    What moves is free, and not pushed against a bound.
    """

    model: Model
    shared: Array
    gradient: Array
    moves: Mask
    parts: "Information"

    @staticmethod
    def of(model: Model, theta: Array, data: Data, free: Mask, damping: Array) -> "Slope":
        """At parameters (B, P)."""
        found = model.derivatives(theta)
        gradient, curvature = likelihood.constraint_slope(model, theta, data.aux)
        main, own = likelihood.main_gradient(found, data.counts)
        gradient[:, model.shared] += main
        bins = np.flatnonzero(model.own >= 0)
        gradient[:, model.own[bins]] += own[:, bins]
        pushed = ((theta <= model.lower) & (gradient > 0)) | ((theta >= model.upper) & (gradient < 0))
        moves = free & ~pushed
        curvature += _bent(model, theta, data, found)
        parts = information(model, found, weights(found, data.counts), curvature, moves, damping)
        return Slope(model, found.shared, gradient, moves, parts)

    def step(self, ways: Array, changes: Array) -> Step:
        """The step with what the last steps (B, M, P) and the changes of the gradient along them know."""
        ways, changes = ways * self.moves[:, None], changes * self.moves[:, None]
        rise = np.einsum("bmp,bmp->bm", ways, changes)
        length = np.linalg.norm(ways, axis=2) * np.linalg.norm(changes, axis=2)
        inverse = np.divide(1.0, rise, out=np.zeros_like(rise), where=rise > RISES * length)
        left = np.where(self.moves, self.gradient, 0.0)
        along = np.zeros_like(rise)
        for m in range(ways.shape[1]):
            along[:, m] = inverse[:, m] * np.einsum("bp,bp->b", ways[:, m], left)
            left = left - along[:, m, None] * changes[:, m]
        direction = self._divided(left)
        for m in reversed(range(ways.shape[1])):
            other = inverse[:, m] * np.einsum("bp,bp->b", changes[:, m], direction)
            direction = direction + (along[:, m] - other)[:, None] * ways[:, m]
        promise = 0.5 * np.sum(np.where(self.moves, self.gradient * direction, 0.0), axis=1)
        return Step(-direction, np.abs(promise))

    def _divided(self, vector: Array) -> Array:
        """A vector (B, P) divided by the matrix; 0 for what does not move."""
        own_places, parts = self.model.own, self.parts
        own = np.where(parts.own_moves, vector[:, own_places], 0.0)
        shared = vector[:, self.model.shared] - np.einsum("bng,bn->bg", self.shared, parts.mixed * own / parts.own)
        shared = np.where(self.moves[:, self.model.shared], shared, 0.0)
        shared = np.linalg.solve(parts.shared, shared[..., None])[..., 0]
        along = np.einsum("bng,bg->bn", self.shared, shared)
        found, bins = np.zeros_like(vector), np.flatnonzero(own_places >= 0)
        found[:, self.model.shared] = shared
        own = np.where(parts.own_moves, (own - parts.mixed * along) / parts.own, 0.0)
        found[:, own_places[bins]] = own[:, bins]
        return found


def promised(model: Model, theta: Array, data: Data, free: Mask) -> Array:
    """What a further step promises of -ln L (B,), at parameters (B, P)."""
    nothing = np.zeros((len(theta), 0, theta.shape[1]))
    return Slope.of(model, theta, data, free, np.zeros(len(theta))).step(nothing, nothing).promise


def _bent(model: Model, theta: Array, data: Data, found: Derivatives) -> Array:
    """What the second derivative of -ln L by each coupling is more than the matrix has, (B, P).

    A yield is a parabola of a coupling. At its vertex the first derivative is 0, and so is the matrix there: the step
    would have no end where the minimum is.
    """
    more = np.zeros_like(theta)
    for place in sorted({int(place) for one in model.factors.polynomials for place in one.places}):
        shift = np.zeros(theta.shape[1])
        shift[place] = BEND * (model.upper[place] - model.lower[place])
        up, down = (likelihood.gradient(model, theta + way * shift, data)[:, place] for way in (1.0, -1.0))
        slope = found.shared[:, :, np.flatnonzero(model.shared == place)[0]]
        more[:, place] = (up - down) / (2 * shift[place]) - (weights(found, data.counts) * slope**2).sum(axis=1)
    return np.where(np.isfinite(more), np.maximum(more, 0.0), 0.0)


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


def weights(found: Derivatives, counts: Array) -> Array:
    """Second derivatives (B, N) of the counts' -ln L by what is expected, as steps take them."""
    some = counts > 0
    expected = np.where((found.expected > 0) & some, found.expected, np.inf)
    below = np.where(~some & (found.expected < 0), likelihood.BELOW, 0.0)
    return np.asarray(np.clip(counts / expected, *RATIO) / expected + below)


def information(
    model: Model, found: Derivatives, weight: Array, curvature: Array, moves: Mask, damping: Array
) -> Information:
    """The matrix at some parameters; rows of parameters that do not move are those of the unit matrix.

    ``weight`` (B, N): second derivatives of the counts' -ln L by what is expected.
    """
    fisher = np.divide(1.0, found.expected, out=np.zeros_like(found.expected), where=found.expected > 0)
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
