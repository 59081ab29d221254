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
from resonaut.fit.histfactory.curvature import Mask, Slope, Step
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.likelihood import Data
from resonaut.fit.histfactory.model import Model

# The minimum is found where a step promises less than this of -ln L; in rounding errors of -2 ln L, what is no rise.
CLOSE, ROUNDING = 1e-11, 1e-13
STEPS = 100
# A step that does not go down enough, in units of what it promises, is shortened to these shares of it, so often.
ENOUGH, SHARES, SHORTER = 1e-4, (0.1, 0.5), 8
# So many steps are remembered, of those that promised less than this of -ln L: far from the minimum the changes of the
# gradient are not its second derivatives.
MEMORY, NEAR = 10, 0.1
# Damping after a step that did not go down, and how it changes from there.
DAMPED, MORE, LESS, MOST = 1e-3, 10.0, 0.1, 1e12
# Free parameters start so far inside their bounds, in units of their range or of 10.
INSIDE, WIDE = 1e-3, 10.0
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
        """The last step, where there was one and the minimum near."""
        moved = rows[(self.way[rows] != 0).any(axis=1) & (self.distance[rows] < NEAR)]
        change = gradient - self.gradient[rows]
        self.gradient[rows] = gradient
        for memory, new in ((self.ways, self.way[moved]), (self.changes, change[np.isin(rows, moved)])):
            memory[moved] = np.concatenate([new[:, None], memory[moved, :-1]], axis=1)

    def _descend(self, rows: NDArray[np.intp], step: Step) -> Mask:
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
