"""Background fit, its goodness, and the search for a resonance at one mass."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from resonaut.errors import ConfigError, EmptySelectionError, ResonautError
from resonaut.fit.family import Array, DijetFunction
from resonaut.fit.likelihood import Fit, fit
from resonaut.fit.spectrum import Spectrum

MERGED_EVENTS = 5


@dataclass(frozen=True)
class Goodness:
    """Pearson's chi2 in ``edges`` merged to at least 5 events; ``pulls`` are (n - b) / sqrt(b) of those bins."""

    chi2: float
    ndf: int
    p_value: float | None
    edges: Array
    counts: Array
    background: Array
    pulls: Array


@dataclass(frozen=True)
class Excess:
    """What one mass shows; yields in events.

    ``z_local`` is signed, the root of the likelihood ratio with the sign of the fitted yield; ``q0`` and
    ``p_local`` are one-sided: 0 and 0.5 for a deficit (Cowan et al., arXiv:1007.1727, eq. 12 and 52).
    """

    q0: float
    p_local: float
    z_local: float
    signal_yield: float
    error_up: float
    error_down: float
    expected: Array


def fit_background(spectrum: Spectrum, sqrt_s: float, shape_parameters: int) -> tuple[DijetFunction, Fit]:
    """Fit the background alone.

    Raises:
        EmptySelectionError: fewer populated bins than parameters.
        ResonautError: the fit does not converge.
    """
    function = DijetFunction(spectrum.edges, sqrt_s, shape_parameters)
    populated = int(np.count_nonzero(spectrum.counts))
    if populated <= function.n_parameters:
        raise EmptySelectionError(
            f"the spectrum has {populated} bins with events between {spectrum.edges[0]:g} and {spectrum.edges[-1]:g} "
            f"GeV, too few for {function.n_parameters} background parameters; widen the range or loosen the selection."
        )
    result = fit(function, spectrum.counts[None])
    if not result.converged[0]:
        raise ResonautError("the background fit does not converge; change the fit range or the shape parameters.")
    return function, result


def goodness(edges: Array, counts: Array, background: Array, parameters: int) -> Goodness:
    """Chi2 of ``counts`` (N,) against ``background`` (N,), of which ``parameters`` were fitted."""
    filled = np.cumsum(counts)
    starts = [0]
    for i in range(1, len(counts)):
        done = filled[i - 1] - (filled[starts[-1] - 1] if starts[-1] else 0.0)
        if done >= MERGED_EVENTS and filled[-1] - filled[i - 1] >= MERGED_EVENTS:
            starts.append(i)
    merged, expected = np.add.reduceat(counts, starts), np.add.reduceat(background, starts)
    pulls = (merged - expected) / np.sqrt(expected)
    chi2, ndf = float(pulls @ pulls), len(starts) - parameters
    p_value = float(stats.chi2.sf(chi2, ndf)) if ndf > 0 else None
    return Goodness(chi2, ndf, p_value, np.append(edges[starts], edges[-1]), merged, expected, pulls)


def search(function: DijetFunction, counts: Array, background: Fit, template: Array, mass: float) -> Excess:
    """Fit background and signal at one mass.

    Args:
        function: the background function.
        counts: events (N,).
        background: the background-only fit of these counts (a batch of one).
        template: share of the signal in each bin (N,).
        mass: GeV.

    Raises:
        ConfigError: the mass is outside the spectrum, or its template has no share in it.
    """
    if not function.edges[0] < mass < function.edges[-1] or template.sum() <= 0:
        raise ConfigError(
            f"the mass {mass:g} GeV is outside the fit range {function.edges[0]:g} to {function.edges[-1]:g} GeV; "
            "change the masses or the range."
        )
    both = fit(function, counts[None], template)
    if not both.converged[0]:
        raise ResonautError(f"the signal fit at {mass:g} GeV does not converge; change the fit range or the masses.")
    q0, p_local, z_local = significance(background.deviance, both)
    up, down = profile_errors(function, counts, template, both)
    expected = both.background[0] + both.signal[0] * template
    return Excess(float(q0[0]), float(p_local[0]), float(z_local[0]), float(both.signal[0]), up, down, expected)


def significance(background_deviance: Array, both: Fit) -> tuple[Array, Array, Array]:
    """``q0``, ``p_local`` and ``z_local`` (B,) of a batch; see ``Excess``."""
    ratio = np.maximum(background_deviance - both.deviance, 0.0)
    excess = both.signal > 0
    z = np.where(excess, 1, -1) * np.sqrt(ratio)
    return np.where(excess, ratio, 0.0), np.where(excess, stats.norm.sf(z), 0.5), z


def profile_errors(function: DijetFunction, counts: Array, template: Array, both: Fit) -> tuple[float, float]:
    """Distances up and down from the fitted yield at which -2 ln L has risen by 1, events."""

    def rise(distance: float, sign: int) -> float:
        held = fit(function, counts[None], template, both.signal + sign * distance, start=both.theta)
        return float(held.deviance[0] - both.deviance[0]) - 1

    errors = []
    for sign in (1, -1):
        far = max(float(both.signal_error[0]), 0.1)
        while rise(far, sign) < 0:
            far *= 2
        errors.append(float(brentq(rise, 0.0, far, args=(sign,), xtol=1e-4 * far)))
    return errors[0], errors[1]
