"""-2 ln L of a HistFactory model, as the saturated deviance and in pyhf's normalisation, with gradients.

Data are counts (B, N) or counts with auxiliary measurements (B, N + M); without, these are the model's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.model import Derivatives, Model
from resonaut.fit.histfactory.specification import WorkspaceError

# Second derivative of -ln L by contents below 0, in a bin without counts.
BELOW = 100.0


@dataclass(frozen=True)
class Data:
    """``counts`` (B, N) and auxiliary measurements ``aux`` (B, M)."""

    counts: Array
    aux: Array

    @staticmethod
    def of(model: Model, values: Array) -> "Data":
        """Data (N,), (N + M,), (B, N) or (B, N + M).

        Raises:
            WorkspaceError: they are of no model's length, negative or not finite.
        """
        values = np.atleast_2d(np.asarray(values, float))
        n, m = len(model.observed), len(model.auxiliary)
        if values.shape[1] not in (n, n + m):
            raise WorkspaceError(f"the data have {values.shape[1]} numbers; give {n} counts, or {n + m} with auxdata.")
        if not np.isfinite(values).all() or (values[:, :n] < 0).any():
            raise WorkspaceError("the data have a count that is negative or not finite; correct them.")
        given = values.shape[1] == n + m
        return Data(values[:, :n], values[:, n:] if given else np.broadcast_to(model.auxiliary, (len(values), m)))

    def __len__(self) -> int:
        """How many experiments."""
        return len(self.counts)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> "Data":
        """Some of them."""
        return Data(self.counts[rows], self.aux[rows])

    def repeated(self, times: int) -> "Data":
        """Each experiment so many times in a row."""
        return Data(np.repeat(self.counts, times, axis=0), np.repeat(self.aux, times, axis=0))


def deviance(model: Model, theta: Array, data: Data) -> Array:
    """-2 ln L over that of the saturated model (B,), at parameters (B, P)."""
    return main_deviance(model.expected(theta), data.counts) + auxiliary_deviance(model, theta, data.aux)


def main_deviance(expected: Array, counts: Array) -> Array:
    """That of the counts (B, N).

    Infinite where there are counts and contents are not above 0. In a bin without counts contents below 0 are pulled
    back by ``BELOW``, so that they stay near 0; ``below_zero`` says in which bins. In pyhf they would gain without end.
    """
    away = expected - counts
    with np.errstate(divide="ignore", invalid="ignore"):
        # The difference alone is rounded: bins of a million events beside those of one spoil no minimum.
        empty = expected + BELOW / 2 * np.square(np.minimum(expected, 0.0))
        found = np.where(counts > 0, away - counts * np.log1p(away / counts), empty)
    good = (expected > 0) | (counts == 0)
    return np.asarray(2 * np.where(good, found, np.inf).sum(axis=1))


def below_zero(model: Model, theta: Array) -> dict[str, list[int]]:
    """The bins of each channel whose contents are below 0, at parameters (P,)."""
    negative = model.expected(theta) < 0
    found = {name: np.flatnonzero(negative[bins]).tolist() for name, bins in model.channels.items()}
    return {name: bins for name, bins in found.items() if bins}


def auxiliary_deviance(model: Model, theta: Array, aux: Array) -> Array:
    """That of the auxiliary measurements (B, M)."""
    constraints = model.constraints
    value, gaussian = theta[:, constraints.place], constraints.gaussian
    mean = np.where(gaussian, 1.0, value * constraints.factor)
    counts = np.where(gaussian, 1.0, aux)
    pulls = np.where(gaussian, (value - aux) / np.where(gaussian, constraints.sigma, 1.0), 0.0)
    return np.asarray(main_deviance(mean, counts) + np.square(pulls).sum(axis=1))


def saturated(model: Model, data: Data) -> Array:
    """-2 ln L (B,) of the saturated model, with all constants, as pyhf has them."""
    constraints = model.constraints
    aux = data.aux[:, ~constraints.gaussian]
    poisson = [(counts - xlogy(counts, counts) + gammaln(counts + 1)).sum(axis=1) for counts in (data.counts, aux)]
    sigma = constraints.sigma[constraints.gaussian]
    return np.asarray(2 * sum(poisson) + np.log(2 * np.pi * sigma**2).sum())


def constraint_slope(model: Model, theta: Array, aux: Array) -> tuple[Array, Array]:
    """Gradient and second derivatives (B, P) of the constraints' -ln L."""
    constraints = model.constraints
    value, gaussian = theta[:, constraints.place], constraints.gaussian
    sigma, factor = np.where(gaussian, constraints.sigma, 1.0), np.where(gaussian, 1.0, constraints.factor)
    safe = np.where(gaussian, 1.0, value)
    gradient, curvature = np.zeros_like(theta), np.zeros_like(theta)
    gradient[:, constraints.place] = np.where(gaussian, (value - aux) / sigma**2, factor - aux / safe)
    curvature[:, constraints.place] = np.where(gaussian, 1 / sigma**2, aux / safe**2)
    return gradient, curvature


def residual(expected: Array, counts: Array) -> Array:
    """Derivative of the counts' -ln L by what is expected (B, N)."""
    known = (counts > 0) & (expected > 0)
    found = 1 - np.divide(counts, expected, out=np.zeros_like(expected), where=known)
    return np.asarray(found + np.where(counts > 0, 0.0, BELOW * np.minimum(expected, 0.0)))


def gradient(model: Model, theta: Array, data: Data) -> Array:
    """Gradient (B, P) of -ln L at parameters (B, P)."""
    found = model.derivatives(theta)
    slope = constraint_slope(model, theta, data.aux)[0]
    shared, own = main_gradient(found, data.counts)
    slope[:, model.shared] += shared
    bins = np.flatnonzero(model.own >= 0)
    slope[:, model.own[bins]] += own[:, bins]
    return slope


def main_gradient(found: Derivatives, counts: Array) -> tuple[Array, Array]:
    """That of the counts, by the parameters of several bins (B, G) and by those of one (B, N)."""
    rest = residual(found.expected, counts)
    return np.einsum("bng,bn->bg", found.shared, rest), found.own * rest
