"""The search for a resonance at one mass: significance, yield, and what the nuisances do."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from resonaut.core.errors import FitError
from resonaut.fit.background import Model
from resonaut.fit.envelope import Profile, profile
from resonaut.fit.family import Array
from resonaut.fit.signal import Template


@dataclass(frozen=True)
class Nuisance:
    """Fitted value and error in units of the prior's, and the yield's change for one fitted error (events)."""

    pull: float
    error: float
    impact: float


# One of which a fit says nothing.
UNKNOWN = Nuisance(pull=0.0, error=1.0, impact=0.0)


@dataclass(frozen=True)
class Yield:
    """A fitted yield and how far -2 ln L rises by 1 above and below it, events."""

    value: float
    error_up: float
    error_down: float


@dataclass(frozen=True)
class Excess:
    """What one mass shows.

    ``z_local`` is signed, the root of the likelihood ratio with the sign of the fitted yield; ``q0`` and
    ``p_local`` are one-sided: 0 and 0.5 for a deficit (Cowan et al., arXiv:1007.1727, eq. 12 and 52). They and
    ``signal_yield`` are of the nominal shape: background has neither scale nor resolution, and a peak that may move to
    the nearest fluctuation finds more of them. ``floating`` is the yield of the fit with nuisances, the limits' model.
    ``correlation`` (M, M): of the nuisances after the fit. ``signal`` and ``expected`` (N,): the signal of the nominal
    shape, and with its background, in the model's bins.
    """

    q0: float
    p_local: float
    z_local: float
    signal_yield: Yield
    floating: Yield
    nuisances: dict[str, Nuisance]
    correlation: Array
    signal: Array
    expected: Array


def search(model: Model) -> Excess:
    """Fit background and signal to the data of ``model``.

    Raises:
        FitError: the fit does not converge.
    """
    counts, rigid = model.spectrum.counts[None], model.template.rigid
    both = profile(model.functions, counts, model.template, start=model.background.start)
    nominal = profile(model.functions, counts, rigid, start=model.background.start)
    if not (both.converged[0] and nominal.converged[0]):
        raise FitError(f"the signal fit at {model.said} does not converge; change the range or the masses.")
    q0, p_local, z_local = significance(model.background.deviance, nominal)
    signal = nominal.signal[0] * rigid.shares
    return Excess(
        float(q0[0]),
        float(p_local[0]),
        float(z_local[0]),
        _yield(model, rigid, nominal),
        _yield(model, model.template, both),
        *_nuisances(model, both),
        signal,
        nominal.background[0] + signal,
    )


def significance(background_deviance: Array, both: Profile) -> tuple[Array, Array, Array]:
    """``q0``, ``p_local`` and ``z_local`` (B,) of a batch; see ``Excess``."""
    ratio = np.maximum(background_deviance - both.deviance, 0.0)
    excess = both.signal > 0
    z = np.where(excess, 1, -1) * np.sqrt(ratio)
    return np.where(excess, ratio, 0.0), np.where(excess, stats.norm.sf(z), 0.5), z


def expected_significance(model: Model, signal: float) -> float:
    """Median significance of ``signal`` events, from Asimov data of the model's ``expected`` background plus them."""
    asimov = (model.expected + signal * model.template.shares)[None]
    start = model.background.start
    alone = profile(model.functions, asimov, start=start)
    both = profile(model.functions, asimov, model.template.rigid, start=start)
    return float(significance(alone.deviance, both)[2][0])


def _nuisances(model: Model, both: Profile) -> tuple[dict[str, Nuisance], Array]:
    """The nuisances, and their correlation."""
    fitted = both.best
    k = fitted.function.n_parameters
    covariance = fitted.covariance[0]
    found = {}
    for m, name in enumerate(model.template.nuisances):
        error = math.sqrt(covariance[k + 1 + m, k + 1 + m])
        impact = covariance[k, k + 1 + m] / error
        found[name] = Nuisance(float(both.nuisances[0, m]), error, float(impact))
    errors = np.array([one.error for one in found.values()])
    correlation = covariance[k + 1 :, k + 1 :] / np.outer(errors, errors)
    np.fill_diagonal(correlation, 1.0)
    return found, correlation


def _yield(model: Model, peak: Template, fitted: Profile) -> Yield:
    """The yield ``fitted`` with the template ``peak``, with its errors.

    Below the yield at which a bin's expected count vanishes the likelihood has no values: the error ends there.
    Under a deficit it may have a minimum on either side in the scale: the lower one counts.
    """
    counts = model.spectrum.counts[None]
    begins = (np.zeros_like(fitted.nuisances), fitted.nuisances) if peak.nuisances else (fitted.nuisances,)

    def rise(distance: float, sign: int) -> float:
        held = [
            profile(model.functions, counts, peak, fitted.signal + sign * distance, fitted.start, None, begin)
            for begin in begins
        ]
        return float(min(one.deviance[0] for one in held) - fitted.deviance[0]) - 1

    errors = []
    for sign in (1, -1):
        far = max(float(fitted.signal_error[0]), 0.1)
        while rise(far, sign) < 0:
            far *= 2
        if not rise(0.0, sign) < 0 <= rise(far, sign) < math.inf:
            raise FitError(f"the signal's yield at {model.said} has no error; change the range or the masses.")
        errors.append(float(brentq(rise, 0.0, far, args=(sign,), xtol=1e-4, rtol=1e-4)))
    return Yield(float(fitted.signal[0]), *errors)
