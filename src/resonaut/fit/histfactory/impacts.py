"""Pulls of the nuisance parameters, and their impacts on the parameters of interest."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.fit.histfactory.fits import Fit, minimised
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.likelihood import Data
from resonaut.fit.histfactory.model import Model
from resonaut.fit.histfactory.yields import prior_errors

SIDES = (1.0, -1.0)


@dataclass(frozen=True)
class Impacts:
    """Of K nuisance parameters on I parameters of interest, which are refitted with the nuisance fixed.

    ``after`` (K, I, 2): fixed at its fitted value plus and minus its fitted error; ``before``: plus and minus the
    width of its constraint, NaN without one. NaN, too, where a fit does not converge.
    """

    names: tuple[str, ...]
    interests: tuple[str, ...]
    after: Array
    before: Array

    def order(self, interest: str) -> list[int]:
        """The nuisances, largest impact after the fit first."""
        size = np.nan_to_num(np.abs(self.after[:, self.interests.index(interest)]).max(axis=1))
        return [int(number) for number in np.argsort(-size, kind="stable")]


def impacts(
    model: Model, fitted: Fit, interests: Sequence[str], data: Array | None = None, names: Sequence[str] | None = None
) -> Impacts:
    """The impacts of the nuisance parameters.

    Args:
        model: of P parameters.
        fitted: the fit of the data.
        interests: the parameters of interest.
        data: counts (N,), or with auxiliary measurements (N + M,); those of the workspace by default.
        names: the nuisances; by default all that float, those of interest left out.

    Raises:
        WorkspaceError: an unknown parameter.
    """
    known = np.isfinite(fitted.errors) & (fitted.errors > 0)
    if names is None:
        names = [name for name, is_known in zip(model.names, known, strict=True) if is_known and name not in interests]
    places = np.array([model.place(name) for name in names], np.intp)
    of_interest = [model.place(name) for name in interests]
    priors = prior_errors(model)
    after, before = (_moved(model, fitted, data, places, widths, of_interest) for widths in (fitted.errors, priors))
    return Impacts(tuple(names), tuple(interests), after, before)


def _moved(
    model: Model, fitted: Fit, data: Array | None, places: NDArray[np.intp], widths: Array, interests: list[int]
) -> Array:
    """Changes (K, I, 2) of the parameters of interest with each nuisance moved by its width."""
    found = np.full((len(places), len(interests), len(SIDES)), np.nan)
    moved = places[np.nan_to_num(widths[places]) > 0]
    if not len(moved):
        return found
    rows, count = np.arange(len(moved)), len(moved)
    start = np.repeat(fitted.values[None], count * len(SIDES), axis=0)
    free = np.repeat(~fitted.fixed[None], count * len(SIDES), axis=0)
    variance = np.diag(fitted.covariance)[moved]
    slope = np.divide(
        fitted.covariance[moved], variance[:, None], where=variance[:, None] > 0, out=np.zeros((count, len(start[0])))
    )
    for number, side in enumerate(SIDES):
        here = rows + number * count
        shift = side * widths[moved]
        # Where the parabola of the fit has its minimum then.
        start[here] += np.nan_to_num(slope) * shift[:, None]
        start[here, moved] = fitted.values[moved] + shift
        free[here, moved] = False
    given = Data.of(model, model.data if data is None else data)
    fits = minimised(model, given.repeated(len(start)), start, free)
    change = np.where(fits.converged[:, None], fits.values[:, interests] - fitted.values[interests], np.nan)
    to = np.flatnonzero(np.isin(places, moved))
    for number in range(len(SIDES)):
        found[to, :, number] = change[rows + number * count]
    return found
