"""Minima by pyhf and minuit, one experiment after the other: what the batched search is compared with."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import numpy as np
import pyhf
from numpy.typing import NDArray

from resonaut.fit.histfactory import likelihood
from resonaut.fit.histfactory.curvature import promised
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.likelihood import Data
from resonaut.fit.histfactory.minimise import Minimum
from resonaut.fit.histfactory.model import Model
from resonaut.fit.morphing.modifier import modifier_set

# Of minuit: its goal for the vertical distance to the minimum is 2e-3 times this.
TOLERANCE = 1e-3


def minimise(model: Model, data: Data, start: Array, free: NDArray[np.bool_]) -> Minimum:
    """The minimum of each experiment, as ``minimise.minimise`` has it."""
    # Where nothing depends on a parameter minuit has no covariance, and pyhf stops.
    free = free & (np.abs(model.jacobian(start)) > 0).any(axis=1) | free & _constrained(model)
    with backend("pytorch" if model.backend == "pyhf_torch" else "numpy"):
        other = peer(model)
        found = [_one(model, other, data[row : row + 1], start[row], free[row]) for row in range(len(data))]
    theta = np.array([values for values, _ in found])
    promise = promised(model, theta, data, free)
    converged = np.array([good for _, good in found])
    return Minimum(theta, likelihood.deviance(model, theta, data), converged, np.zeros(len(theta), np.intp), promise)


@contextmanager
def backend(name: Literal["numpy", "pytorch"]) -> Iterator[None]:
    """One of pyhf's backends with minuit, and then again what was there.

    With pyhf's torch all of torch calculates in double precision, other networks of the process too.
    """
    before = pyhf.get_backend()
    with warnings.catch_warnings(), ExitStack() as after:
        # pyhf's way to hand lists of numbers to torch, also those of models that were made before.
        warnings.simplefilter("ignore", UserWarning)
        if name == "pytorch":
            import torch

            after.callback(torch.set_default_dtype, torch.get_default_dtype())
        after.callback(pyhf.set_backend, *before)
        pyhf.set_backend(name, pyhf.optimize.minuit_optimizer(tolerance=TOLERANCE))
        yield


def _constrained(model: Model) -> NDArray[np.bool_]:
    found = np.zeros(len(model.names), bool)
    found[model.constraints.place] = True
    return found


def peer(model: Model) -> Any:
    """Pyhf's model of the same workspace, which is checked already."""
    specification = model.specification
    config = next(
        one["config"] for one in specification.source["measurements"] if one["name"] == specification.measurement
    )
    return pyhf.Model(
        {"channels": specification.source["channels"], "parameters": config.get("parameters", [])},
        poi_name=specification.interest or "",
        modifier_settings={
            "normsys": {"interpcode": model.factors.code},
            "histosys": {"interpcode": model.additive},
        },
        modifier_set=modifier_set(),
        validate=False,
    )


def _one(model: Model, peer: Any, data: Data, start: Array, free: NDArray[np.bool_]) -> tuple[Array, bool]:
    bounds = [(float(low), float(high)) for low, high in zip(model.lower, model.upper, strict=True)]
    # Fixed parameters may stand anywhere.
    bounds = [
        bound if is_free else (min(bound[0], value), max(bound[1], value))
        for bound, is_free, value in zip(bounds, free, start, strict=True)
    ]
    values = np.concatenate([data.counts[0], data.aux[0]]).tolist()
    begin = np.where(free, np.clip(start, model.lower, model.upper), start).tolist()
    try:
        found = pyhf.infer.mle.fit(values, peer, begin, bounds, (~free).tolist())
    except pyhf.exceptions.FailedMinimization as error:
        return np.asarray(error.result.x, float) if len(error.result.x) == len(begin) else np.array(begin), False
    return np.asarray(found, float), True
