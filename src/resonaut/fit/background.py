"""What is fitted at a mass: the background's functions and their order, and the range in which they describe data."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from resonaut.errors import ConfigError, EmptySelectionError, ResonautError
from resonaut.fit.binning import Quality, quality
from resonaut.fit.envelope import Profile, profile
from resonaut.fit.family import Array, Background
from resonaut.fit.likelihood import Fit, fit
from resonaut.fit.settings import BackgroundSettings
from resonaut.fit.signal import Shape, Template, template
from resonaut.fit.spectrum import Spectrum

# Relative distance within which a mass is that of an edge.
EDGE = 1e-9
# Most steps in which each end of a range is brought to the resonance: each is a fit.
MOST_STEPS = 50


@dataclass(frozen=True)
class Trial:
    """One step of the F-test: were ``shape_parameters`` accepted instead of one less?"""

    family: str
    shape_parameters: int
    chi2: float
    ndf: int
    f_test_p: float
    error: float | None
    accepted: bool


@dataclass(frozen=True)
class Attempt:
    """A fit range (GeV), the quality of its fits, and whether that is good enough."""

    low: float
    high: float
    family: str
    shape_parameters: int
    p_background: float | None
    p_signal: float | None
    error: float
    good: bool


@dataclass(frozen=True)
class Model:
    """The model at one mass, and the background-only fit of data in the ``bins`` of the spectrum that it uses."""

    mass: float
    bins: slice
    spectrum: Spectrum
    functions: tuple[Background, ...]
    template: Template
    background: Profile
    quality: Quality
    attempts: tuple[Attempt, ...]
    trials: tuple[Trial, ...]

    @property
    def chosen(self) -> Attempt:
        """The range that is used, the last one tried if any was good and else the first."""
        return self.attempts[-1] if self.attempts[-1].good else self.attempts[0]


def relative_error(background: Fit, mass: float) -> float:
    """Relative uncertainty of the background of the first fit of a batch at ``mass``, GeV."""
    function = background.function
    theta = background.theta[0]
    i = int(np.clip(np.searchsorted(function.edges, mass) - 1, 0, len(function.edges) - 2))
    gradient = function.slope(theta)[i] / function.expected(theta)[i]
    return float(np.sqrt(gradient @ background.background_covariance[0] @ gradient))


def ordered(
    family: str, spectrum: Spectrum, sqrt_s: float, settings: BackgroundSettings, mass: float | None
) -> tuple[Fit, tuple[Trial, ...]]:
    """The background-only fit with as many parameters as the F-test wants, and the steps of that test.

    F compares the chi2 of n and n + 1 parameters (CMS, JHEP 05 (2020) 033, section 5); without a ``mass`` the
    background's uncertainty there is no criterion.

    Raises:
        ConfigError: the fewest parameters are more than the most.
        EmptySelectionError: fewer populated bins than parameters.
        ResonautError: the fit with the fewest parameters does not converge.
    """
    least, most = settings.shape_parameters
    if most < least:
        raise ConfigError(
            f"fit.background.shape_parameters is [{least}, {most}]; give the fewest first, such as [{most}, {least}]."
        )
    chosen = _fitted(family, spectrum, sqrt_s, least)
    reference = _quality(spectrum, chosen)
    trials: list[Trial] = []
    for shape_parameters in range(least + 1, most + 1):
        if np.count_nonzero(spectrum.counts) <= shape_parameters + 1:
            break
        more = fit(Background(family, spectrum.edges, sqrt_s, shape_parameters), spectrum.counts[None])
        found = _quality(spectrum, more)
        p_value = _f_test(reference, found)
        error = None if mass is None else relative_error(more, mass)
        accepted = bool(
            more.converged[0] and p_value < settings.f_test and (error is None or error < settings.max_error)
        )
        trials.append(Trial(family, shape_parameters, found.chi2, found.ndf, p_value, error, accepted))
        if not accepted:
            break
        chosen, reference = more, found
    return chosen, tuple(trials)


def _fitted(family: str, spectrum: Spectrum, sqrt_s: float, shape_parameters: int) -> Fit:
    function = Background(family, spectrum.edges, sqrt_s, shape_parameters)
    populated = int(np.count_nonzero(spectrum.counts))
    if populated <= function.n_parameters:
        raise EmptySelectionError(
            f"the spectrum has {populated} bins with events between {spectrum.edges[0]:g} and {spectrum.edges[-1]:g} "
            f"GeV, too few for {function.n_parameters} background parameters; widen the range or loosen the selection."
        )
    result = fit(function, spectrum.counts[None])
    if not result.converged[0]:
        raise ResonautError(f"the {family} background fit does not converge; change the fit range or the family.")
    return result


def _quality(spectrum: Spectrum, background: Fit) -> Quality:
    return quality(spectrum, background.background[0], background.function.n_parameters)


def _f_test(fewer: Quality, more: Quality) -> float:
    if more.ndf <= 0 or more.chi2 <= 0:
        return 1.0
    extra = fewer.ndf - more.ndf
    return float(stats.f.sf((fewer.chi2 - more.chi2) / extra / (more.chi2 / more.ndf), extra, more.ndf))


def model(
    spectrum: Spectrum,
    shape: Shape,
    mass: float,
    sqrt_s: float,
    settings: BackgroundSettings,
    uncertainties: dict[str, float],
) -> Model:
    """The model at ``mass``: range, functions, their order; ``uncertainties`` are those of ``signal.template``.

    The range shrinks until the fit is good. If it never is, the whole range is kept.

    Raises:
        ConfigError: the mass is outside the spectrum, or its template has no share in it.
        EmptySelectionError: too few populated bins in the whole range.
    """
    if not spectrum.edges[0] < mass < spectrum.edges[-1]:
        raise ConfigError(
            f"the mass {mass:g} GeV is outside the fit range {spectrum.edges[0]:g} to {spectrum.edges[-1]:g} GeV; "
            "change the masses or the range."
        )
    tried: list[Model] = []
    attempts: list[Attempt] = []
    for bins in ranges(spectrum, mass, settings):
        try:
            found, attempt = _in_range(spectrum, bins, shape, mass, sqrt_s, settings, uncertainties)
        except EmptySelectionError:
            if tried:
                continue
            raise
        tried.append(found)
        attempts.append(attempt)
        if attempt.good:
            break
    used = tried[-1] if attempts[-1].good else tried[0]
    return replace(used, attempts=tuple(attempts))


def ranges(spectrum: Spectrum, mass: float, settings: BackgroundSettings) -> Iterator[slice]:
    """The whole range, then smaller ones: first the low edge rises, then the high edge falls.

    Steps, and distances that are kept from ``mass``, are in units of the resolution there.
    """
    shrink, edges, unit = settings.shrink, spectrum.edges, float(spectrum.resolution.at(mass))
    lows = _steps(edges[0], mass - shrink.below * unit, shrink.step * unit)
    highs = _steps(edges[-1], mass + shrink.above * unit, -shrink.step * unit)
    seen = set()
    for low, high in [*((low, highs[0]) for low in lows), *((lows[-1], high) for high in highs)]:
        # The edges that hold all of it: bins may be wider than the steps.
        first = int(np.searchsorted(edges, low * (1 + EDGE), side="right")) - 1
        last = int(np.searchsorted(edges, high * (1 - EDGE)))
        if (first, last) not in seen and last - first > settings.shape_parameters[0] + 1:
            seen.add((first, last))
            yield slice(first, last)


def _steps(first: float, last: float, step: float) -> Array:
    """From ``first`` towards ``last`` in steps of either sign, larger ones where they would be too many."""
    way = max((last - first) / step, 0.0)
    steps = min(int(way + EDGE), MOST_STEPS)
    return np.asarray(first + step * max(way / MOST_STEPS, 1.0) * np.arange(steps + 1))


def _in_range(
    whole: Spectrum,
    bins: slice,
    shape: Shape,
    mass: float,
    sqrt_s: float,
    settings: BackgroundSettings,
    uncertainties: dict[str, float],
) -> tuple[Model, Attempt]:
    spectrum = whole.part(bins)
    peak = template(shape, mass, spectrum.edges, uncertainties)
    if not peak.shares.any():
        raise ConfigError(f"the signal of {mass:g} GeV has no share in the fit range; change the masses or the range.")
    results = [ordered(family, spectrum, sqrt_s, settings, mass) for family in settings.families]
    functions = tuple(one.function for one, _ in results)
    trials = tuple(trial for _, steps in results for trial in steps)
    starts = [one.theta for one, _ in results]
    background = profile(functions, spectrum.counts[None], start=starts)
    both = profile(functions, spectrum.counts[None], peak, start=starts)
    fitted = background.best
    found = _quality(spectrum, fitted)
    total = both.background[0] + both.signal[0] * peak.at(both.nuisances[0])
    p_signal = quality(spectrum, total, both.best.function.n_parameters + 1).p_value
    error = relative_error(fitted, mass)
    # Without degrees of freedom there is no p-value, and nothing to object to.
    p_background = 1.0 if found.p_value is None else found.p_value
    rejected = p_background < settings.shrink.min_p_background and (
        (1.0 if p_signal is None else p_signal) < settings.shrink.min_p_signal
    )
    attempt = Attempt(
        float(spectrum.edges[0]),
        float(spectrum.edges[-1]),
        fitted.function.family,
        fitted.function.shape_parameters,
        found.p_value,
        p_signal,
        error,
        not (rejected or error > settings.max_error),
    )
    made = Model(mass, bins, spectrum, functions, peak, background, found, (attempt,), trials)
    return made, attempt
