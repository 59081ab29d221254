"""Goodness of fit against the saturated model (R. Cousins, 2013; S. Baker and R. Cousins, NIM 221 (1984) 437)."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from resonaut.fit.histfactory.fits import Fit, fit_many, toys
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.model import Model


@dataclass(frozen=True)
class Goodness:
    """``deviance``: -2 ln L over that of the saturated model, with ``ndf`` degrees of freedom.

    ``p_value`` is that of the chi-square distribution, None without degrees of freedom; ``p_toys`` the share of so many
    ``toys`` that converged with a larger deviance, None without.
    """

    deviance: float
    ndf: int
    p_value: float | None
    p_toys: float | None
    toys: int


def goodness(model: Model, fitted: Fit, n_toys: int = 0, seed: int = 0) -> Goodness:
    """How well a fitted model describes the data.

    The degrees of freedom are the bins that some sample can fill, less the parameters that float without a constraint.

    Args:
        model: of N bins and P parameters.
        fitted: the fit of the data.
        n_toys: experiments of the fitted model, each fitted in turn; 0 for none.
        seed: of the toys.
    """
    filled = (model.derivatives(fitted.values[None]).expected[0] > 0) | (model.nominal != 0).any(axis=0)
    free = ~fitted.fixed & ~fitted.without_effect
    free[model.constraints.place] = False
    ndf = int(filled.sum() - free.sum())
    p_value = float(chi2.sf(fitted.deviance, ndf)) if ndf > 0 else None
    if n_toys == 0:
        return Goodness(fitted.deviance, ndf, p_value, None, 0)
    deviances = toy_deviances(model, fitted.values, n_toys, seed)
    larger = float(np.mean(deviances >= fitted.deviance)) if len(deviances) else None
    return Goodness(fitted.deviance, ndf, p_value, larger, len(deviances))


def toy_deviances(model: Model, values: Array, n_toys: int, seed: int) -> Array:
    """Deviances of the fits of toys of the parameters (P,) that converge."""
    fits = fit_many(model, toys(model, values, n_toys, seed), start=values)
    return np.asarray(fits.deviance[fits.converged])
