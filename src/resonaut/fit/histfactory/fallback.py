"""iminuit with the analytic gradient for experiments in which the steps of ``minimise`` find no minimum.

So it is where the likelihood has a bent valley without end: a transfer factor that runs to its bound while the failing
bins it multiplies run to 0, in events that pass where none fails.
"""

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
# Most evaluations of the likelihood, of one experiment and of all: a hundred parameters take some thousands.
CALLS, CALLS_OF_ALL = 20_000, 200_000
# What stands for an infinite -ln L.
FORBIDDEN = 1e30


def rescue(model: Model, data: Data, best: Minimum, free: NDArray[np.bool_]) -> None:
    """Replace in ``best`` what has not converged by what iminuit finds, as far as ``CALLS_OF_ALL`` go.

    Args:
        model: of P parameters.
        data: B experiments.
        best: where the search stands, of B experiments.
        free: what floats (B, P).
    """
    left = CALLS_OF_ALL
    for row in np.flatnonzero(~best.converged & np.isfinite(best.deviance)):
        if left <= 0:
            break
        found, calls = minimise(model, data[row : row + 1], best.theta[row], free[row], min(left, CALLS))
        left -= calls
        if found is not None:
            best.theta[row], best.deviance[row] = found.theta[0], found.deviance[0]
            best.converged[row], best.distance[row] = found.converged[0], found.distance[0]


def minimise(
    model: Model, data: Data, start: Array, free: NDArray[np.bool_], most: int = CALLS
) -> tuple[Minimum | None, int]:
    """The minimum of one experiment, or None where iminuit finds none, and the evaluations of the likelihood.

    Args:
        model: of P parameters.
        data: one experiment.
        start: parameters (P,).
        free: those that float (P,).
        most: evaluations after which iminuit gives up.
    """
    theta, places = start.copy(), np.flatnonzero(free)
    if not len(places):
        return None, 0

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
    search.migrad(ncall=most)
    best = start.copy()
    best[places] = np.array(search.values)
    deviance = likelihood.deviance(model, best[None], data)
    if not search.valid or not np.isfinite(deviance[0]):
        return None, search.nfcn
    promise = promised(model, best[None], data, free[None])
    return Minimum(best[None], deviance, np.ones(1, bool), np.zeros(1, np.intp), promise), search.nfcn
