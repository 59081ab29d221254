"""The gradient of -ln L, the matrix of its second derivatives that steps use, and the step that they give."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.histfactory import likelihood
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.likelihood import Data
from resonaut.fit.histfactory.model import Derivatives, Model

Mask = NDArray[np.bool_]
# Bounds of counts over contents in the second derivatives. Newton's own step is too short by far where contents are
# much too small, and beyond 0 where they are too large; with a factor 1 it ends where contents are the counts.
RATIO = (0.8, 4.0)
# Step of the second derivative by a coupling, in units of its range.
BEND = 1e-5
# Part of the Fisher information that keeps the matrix regular where data say nothing.
RIDGE = 1e-12
# A remembered step counts if the gradient rises along it, by this part of what it could.
RISES = 1e-10


@dataclass(frozen=True)
class Step:
    """A step (B, P), and what it promises of -ln L (B,)."""

    direction: Array
    promise: Array


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
