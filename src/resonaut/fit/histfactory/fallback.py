"""One experiment with iminuit and the analytic gradient, where the steps of ``minimise`` find no minimum."""

import iminuit
import numpy as np
from numpy.typing import NDArray

from resonaut.fit.histfactory import likelihood
from resonaut.fit.histfactory.curvature import promised
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.likelihood import Data
from resonaut.fit.histfactory.minimise import Minimum
from resonaut.fit.histfactory.model import Model

# Of iminuit: its goal for the vertical distance to the minimum is 2e-3 times this.
TOLERANCE = 1e-3
CALLS = 100_000
# What stands for an infinite -ln L.
FORBIDDEN = 1e30


def minimise(model: Model, data: Data, start: Array, free: NDArray[np.bool_]) -> Minimum | None:
    """The minimum of one experiment, or None where iminuit finds none.

    Args:
        model: of P parameters.
        data: one experiment.
        start: parameters (P,).
        free: those that float (P,).
    """
    theta, places = start.copy(), np.flatnonzero(free)
    if not len(places):
        return None

    def value(*some: float) -> float:
        theta[places] = some
        found = float(likelihood.deviance(model, theta[None], data)[0])
        return found if np.isfinite(found) else FORBIDDEN

    def slope(*some: float) -> Array:
        theta[places] = some
        with np.errstate(divide="ignore", invalid="ignore"):
            found = 2 * likelihood.gradient(model, theta[None], data)[0, places]
        return np.asarray(np.nan_to_num(found))

    search = iminuit.Minuit(value, *start[places], grad=slope)
    search.limits = list(zip(model.lower[places], model.upper[places], strict=True))
    search.errordef, search.tol, search.strategy = iminuit.Minuit.LEAST_SQUARES, TOLERANCE, 1
    search.migrad(ncall=CALLS)
    best = start.copy()
    best[places] = np.array(search.values)
    deviance = likelihood.deviance(model, best[None], data)
    if not search.valid or not np.isfinite(deviance[0]):
        return None
    promise = promised(model, best[None], data, free[None])
    return Minimum(best[None], deviance, np.ones(1, bool), np.zeros(1, np.intp), promise)
