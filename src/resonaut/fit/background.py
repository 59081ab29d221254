"""What is fitted at a mass: the background's functions and their order, and the range in which they describe data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from resonaut.core.errors import ConfigError, EmptySelectionError, FitError
from resonaut.fit.binning import Quality, quality
from resonaut.fit.envelope import Profile, profile
from resonaut.fit.family import Array, Background
from resonaut.fit.goodness import smooth_p_value
from resonaut.fit.likelihood import Fit, fit
from resonaut.fit.results.fits import Attempt, Trial
from resonaut.fit.settings import BackgroundSettings, Shrink
from resonaut.fit.shapes import Shape
from resonaut.fit.signal import Template, template
from resonaut.fit.sources import Source
from resonaut.fit.spectrum import Spectrum

# Cosine of the shares of two resonances beyond which one cannot be told from the other: 1.7 widths of a Gaussian.
SAME = 0.5
# Standard deviations of the scale within which a signal is moved onto a resonance.
PULLED = 1.5
# Relative distance within which a mass is that of an edge.
EDGE = 1e-9
# What fits may raise at one mass or in one range, and not in others.
FAILURES = (EmptySelectionError, FitError, ArithmeticError, np.linalg.LinAlgError)
# Most steps in which each end of a range is brought to the resonance: each is a fit.
MOST_STEPS = 50


@dataclass(frozen=True)
class Resonance:
    """A resonance found at ``mass``, and its ``shares`` (N,) in the bins of a spectrum."""

    mass: float
    z_local: float
    shares: Array

    def within(self, bins: slice) -> "Resonance":
        """What is in ``bins`` of it."""
        return replace(self, shares=self.shares[bins])

    def among(self, bins: slice, number: int) -> "Resonance":
        """It in a spectrum of so many bins, of which its own are ``bins``."""
        shares = np.zeros(number)
        shares[bins] = self.shares
        return replace(self, shares=shares)

    def overlaps(self, shares: Array) -> bool:
        """Whether a signal of these shares (N,) cannot be told from it."""
        return bool(self.shares @ shares > SAME * np.linalg.norm(self.shares) * np.linalg.norm(shares))


@dataclass(frozen=True)
class Model:
    """The model at one mass, and the background-only fit of data in the ``bins`` of the spectrum that it uses.

    ``resonances`` float in the background; ``expected`` (N,): background of an experiment without the signal.
    """

    mass: float
    bins: slice
    spectrum: Spectrum
    functions: tuple[Background, ...]
    template: Template
    background: Profile
    expected: Array
    quality: Quality
    attempts: tuple[Attempt, ...]
    trials: tuple[Trial, ...]
    resonances: tuple[Resonance, ...] = ()

    @property
    def said(self) -> str:
        """The mass in a sentence."""
        return self.spectrum.said(self.mass)

    @property
    def chosen(self) -> Attempt:
        """The range that is used."""
        low, high = self.spectrum.edges[[0, -1]]
        return next(one for one in self.attempts if (one.low, one.high) == (low, high))


def relative_error(background: Fit, mass: float) -> float:
    """Relative uncertainty of the background of the first fit of a batch at ``mass``."""
    function = background.function
    theta = background.theta[0]
    i = int(np.clip(np.searchsorted(function.edges, mass) - 1, 0, len(function.edges) - 2))
    gradient = function.slope(theta)[i] / function.expected(theta)[i]
    return float(np.sqrt(gradient @ background.background_covariance[0] @ gradient))


def ordered(
    family: str,
    spectrum: Spectrum,
    sqrt_s: float,
    settings: BackgroundSettings,
    peak: Template | None = None,
    resonances: Array | None = None,
) -> tuple[Fit, tuple[Trial, ...]]:
    """The fit with as many parameters as the F-test wants, and the steps of that test.

    F compares the chi2 of n and n + 1 parameters (CMS, JHEP 05 (2020) 033, section 5), the signal ``peak`` and
    ``resonances`` (J, N) floating in both: what the data hold of them is not for the background to describe.

    Raises:
        ConfigError: the fewest parameters are more than the most.
        EmptySelectionError: fewer populated bins than parameters.
        FitError: the fit with the fewest parameters does not converge.
    """
    least, most = settings.shape_parameters
    if most < least:
        raise ConfigError(
            f"fit.background.shape_parameters is [{least}, {most}]; give the fewest first, such as [{most}, {least}]."
        )
    rigid = None if peak is None else peak.rigid
    chosen = _fitted(Background(family, spectrum.edges, sqrt_s, least, resonances), spectrum, rigid)
    reference = _quality(spectrum, chosen, rigid)
    trials: list[Trial] = []
    for shape_parameters in range(least + 1, most + 1):
        if np.count_nonzero(spectrum.counts) <= shape_parameters + 1:
            break
        function = Background(family, spectrum.edges, sqrt_s, shape_parameters, resonances)
        more = fit(function, spectrum.counts[None], rigid)
        found = _quality(spectrum, more, rigid)
        p_value = f_test(reference, found)
        accepted = bool(more.converged[0] and p_value < settings.f_test)
        trials.append(
            Trial(
                family=family,
                shape_parameters=shape_parameters,
                chi2=found.chi2,
                ndf=found.ndf,
                f_test_p=p_value,
                accepted=accepted,
            )
        )
        if not accepted:
            break
        chosen, reference = more, found
    return chosen, tuple(trials)


def _fitted(function: Background, spectrum: Spectrum, peak: Template | None) -> Fit:
    populated = int(np.count_nonzero(spectrum.counts))
    if populated <= function.n_parameters:
        raise EmptySelectionError(
            f"the spectrum has {populated} bins with events from {spectrum.ends}, too "
            f"few for {function.n_parameters} background parameters; widen the range or loosen the selection."
        )
    result = fit(function, spectrum.counts[None], peak)
    if not result.converged[0]:
        raise FitError(f"the {function.family} background fit does not converge; change the fit range or the family.")
    return result


def _quality(spectrum: Spectrum, fitted: Fit, peak: Template | None) -> Quality:
    total, parameters = fitted.background[0], fitted.function.n_parameters
    if peak is not None:
        total, parameters = total + fitted.signal[0] * peak.shares, parameters + 1
    return quality(spectrum, total, parameters)


def f_test(fewer: Quality, more: Quality) -> float:
    """The p-value of what more parameters gain over fewer."""
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
    nuisances: Mapping[str, Source],
    resonances: Sequence[Resonance] = (),
) -> Model:
    """The model at ``mass``: range, functions, their order; ``nuisances`` are those of ``signal.template``.

    The range shrinks until the fit is good. If it never is, the one with the largest p-value is used; a range in which
    the fits fail is left out. ``resonances`` float in the background, those apart that a signal of ``mass`` cannot be
    told from.

    Raises:
        ConfigError: the mass is outside the spectrum.
        EmptySelectionError: too few populated bins in the whole range.
        FitError: the fits fail in every range, or the signal has no share in it.
    """
    if not spectrum.edges[0] < mass < spectrum.edges[-1]:
        raise ConfigError(
            f"the mass {spectrum.said(mass)} is outside the fit range {spectrum.ends}; change the masses or the range."
        )
    tried: list[Model] = []
    attempts: list[Attempt] = []
    failed: list[Exception] = []
    for bins in ranges(spectrum, mass, settings):
        try:
            found, attempt = _in_range(spectrum, bins, shape, mass, sqrt_s, settings, nuisances, resonances)
        except FAILURES as error:
            failed.append(error)
            continue
        tried.append(found)
        attempts.append(attempt)
        if attempt.good:
            break
    if not tried:
        raise next(
            iter(failed),
            FitError(f"the fit range has too few bins at {spectrum.said(mass)}; give more of the spectrum."),
        )
    best = len(tried) - 1 if attempts[-1].good else max(range(len(tried)), key=lambda i: attempts[i].p_value)
    return replace(tried[best], attempts=tuple(attempts))


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
    nuisances: Mapping[str, Source],
    resonances: Sequence[Resonance],
) -> tuple[Model, Attempt]:
    spectrum = whole.part(bins)
    peak = template(shape, mass, spectrum.edges, nuisances)
    if not peak.shares.any():
        raise FitError(
            f"the signal of {spectrum.said(mass)} has no share in the fit range; change the masses or the range."
        )
    inside = [one.within(bins) for one in resonances if one.shares[bins].any()]
    # Where the scale moves the signal onto a resonance, that one, of any yield, would hide a signal of any size.
    pulls = np.outer((-PULLED, 0.0, PULLED), [name == "scale" for name in peak.nuisances])
    own = [one for one in inside if any(map(one.overlaps, np.atleast_2d(peak.at(pulls))))]
    others = tuple(one for one in inside if not any(one is other for other in own))
    # What is seen there is that resonance: it takes the signal's place where order, range and quality are judged.
    floating, signal = _shares([*others, *own], spectrum), None if own else peak
    results = [ordered(family, spectrum, sqrt_s, settings, signal, floating) for family in settings.families]
    trials = tuple(trial for _, steps in results for trial in steps)
    starts = [one.theta for one, _ in results]
    both = profile([one.function for one, _ in results], spectrum.counts[None], signal, start=starts)
    functions = tuple(one.function.with_resonances(floating[: len(others)]) for one, _ in results)
    starts = [theta[:, : one.n_parameters] for theta, one in zip(starts, functions, strict=True)]
    background = profile(functions, spectrum.counts[None], start=starts)
    found = _quality(spectrum, background.best, None)
    attempt = _judged(spectrum, mass, background.best, found, both, signal, settings.shrink)
    if settings.expected == "background_only":
        expected = background.background[0]
    else:
        theta = both.best.theta[0].copy()
        theta[both.best.function.n_smooth + len(others) :] = 0.0
        expected = both.best.function.expected(theta)
    made = Model(mass, bins, spectrum, functions, peak, background, expected, found, (attempt,), trials, others)
    return made, attempt


def _judged(
    spectrum: Spectrum, mass: float, alone: Fit, found: Quality, both: Profile, signal: Template | None, shrink: Shrink
) -> Attempt:
    """How well the background describes a range: ``alone``, and in ``both`` with a signal where it may float."""
    total, slopes = both.background[0], both.best.function.slope(both.best.theta[0])
    if signal is not None:
        shares = signal.at(both.nuisances[0])
        total, slopes = total + both.signal[0] * shares, np.column_stack([slopes, shares])
    attempt = Attempt(
        low=float(spectrum.edges[0]),
        high=float(spectrum.edges[-1]),
        family=alone.function.family,
        shape_parameters=alone.function.shape_parameters,
        p_background=found.p_value,
        p_signal=quality(spectrum, total, slopes.shape[1]).p_value,
        p_smooth=smooth_p_value(spectrum.counts, total, slopes),
        error=relative_error(alone, mass),
        good=False,
    )
    # A hole in the data is no signal: that a negative one fills it does not make the background right.
    hole = signal is not None and both.signal[0] < 0
    return replace(attempt, good=_good(attempt, shrink, hole))


def _shares(resonances: Sequence[Resonance], spectrum: Spectrum) -> Array:
    return np.array([one.shares for one in resonances]).reshape(len(resonances), len(spectrum.counts))


def _good(attempt: Attempt, shrink: Shrink, hole: bool) -> bool:
    p_background, p_signal = (1.0 if p is None else p for p in (attempt.p_background, attempt.p_signal))
    p_signal = p_background if hole else p_signal
    poor = p_background < shrink.min_p_background and p_signal < shrink.min_p_signal
    return not (poor or attempt.p_smooth < shrink.min_p_smooth)


def good(fitted: Fit, spectrum: Spectrum, shrink: Shrink) -> bool:
    """Whether a fit without signal describes the spectrum."""
    p_value = _quality(spectrum, fitted, None).p_value
    p_smooth = smooth_p_value(spectrum.counts, fitted.background[0], fitted.function.slope(fitted.theta[0]))
    return (p_value is None or p_value >= shrink.min_p_signal) and p_smooth >= shrink.min_p_smooth
