"""What one mass of a search shows, as the entry ``scan[]`` of the result: significance, yield, limits, nuisances."""

import contextlib
import logging
import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.stats import norm

from resonaut.core.errors import FitError
from resonaut.core.files import write_json
from resonaut.core.observables import interval
from resonaut.fit import impacts, limits, lookelsewhere, scan, toylimits, workspace
from resonaut.fit.background import FAILURES, Model
from resonaut.fit.binning import merge, resolution_cuts
from resonaut.fit.limits import Limits
from resonaut.fit.results import fits, points
from resonaut.fit.results.fits import FoundResonance
from resonaut.fit.results.points import Point, WidthLimits
from resonaut.fit.scan import Excess, Yield
from resonaut.fit.search import Search
from resonaut.fit.shapes import Gaussian

log = logging.getLogger(__name__)

# p-value below which the data exclude what is fitted; a fit that is merely poor is marked, and keeps its numbers.
EXCLUDED = 1e-5
# Part of a signal beyond which it is not looked for where the data were cut out.
MISSING = 0.01
# Standard deviations by which the fit may pull the signal's shape without a word.
LARGE_PULL = 2.0


def point(search: Search, one: Model, excess: Excess, workspaces: Path) -> Point:
    """The entry ``scan[]`` of one mass.

    Raises:
        FitError: the data exclude what is fitted, and the numbers would mean nothing.
    """
    mass, settings = one.mass, search.settings
    _check(search, one, excess)
    events_per_fb = search.events_per_fb(mass)
    unit = 1.0 if events_per_fb is None else events_per_fb
    sources = search.sources(mass)
    asymptotic, reason = limits.attempted(one, settings.confidence_level)
    under_peak = _under_peak(one)
    few = under_peak < settings.limit_checks.few_events
    by_toys = _by_toys(search, one, asymptotic) if few or mass in settings.limit_checks.masses else None
    method: Literal["toys", "asymptotic"] = "toys" if few and by_toys is not None else "asymptotic"
    found = by_toys if method == "toys" else asymptotic
    if few and asymptotic and by_toys is None:
        log.warning("%s: no limits by toys near the asymptotic ones, which few events make doubtful.", one.said)
    _warn(one, excess)
    # Without a limit, about where it would be.
    highest = max(excess.floating.value, 0.0) + 2 * excess.floating.error_up
    mu_events = highest if found is None else float(found.expected[2])
    highest = highest if found is None else max(found.observed, float(found.expected[-1]))
    path = workspaces / f"workspace_{mass:.10g}.json"
    histfactory = workspace.build(one, mu_events, impacts.exported(search, sources), highest)
    write_json(path, histfactory)
    by_pyhf = None if asymptotic is None else _checks(search, one, asymptotic, by_toys, histfactory, mu_events)
    limit = "none" if found is None else f"{found.observed:.3g} events (expected {found.expected[2]:.3g})"
    log.info("%s: z = %.2f, limit %s", one.said, excess.z_local, limit)
    efficiency = search.efficiencies[mass]
    return Point(
        mass=mass,
        q0=excess.q0,
        p_local=excess.p_local,
        z_local=excess.z_local,
        z_expected=scan.expected_significance(one, settings.reference_signal * unit),
        reference_signal=settings.reference_signal,
        **_yields("signal_yield", excess.signal_yield),
        **_yields("signal_yield_floating", excess.floating),
        efficiency=efficiency.value,
        efficiency_uncertainties=dict(efficiency.uncertainties),
        efficiency_extrapolated=efficiency.extrapolated,
        limit_events=_named(found),
        limit=None if found is None or events_per_fb is None else _named(found.scaled(1 / events_per_fb)),
        limit_reason=reason,
        limit_method=method,
        limit_events_asymptotic=_named(asymptotic),
        limit_events_toys=_named(by_toys),
        limit_events_pyhf=_named(by_pyhf),
        limits_by_width=[_wider(search, one, width) for width in settings.limit_widths],
        background_under_peak=under_peak,
        scale_pull=excess.nuisances["scale"].pull if "scale" in excess.nuisances else None,
        nuisances=impacts.of(search, one, excess, asymptotic, {name: [name] for name in sources}),
        nuisance_groups=impacts.of(search, one, excess, asymptotic, impacts.groups(search, sources)),
        signal_shape=search.shape.describe(mass),
        fit=_quality(one, excess),
        workspace=path.name,
        workspace_events=mu_events,
    )


def _by_toys(search: Search, one: Model, asymptotic: Limits | None) -> Limits | None:
    """Limits by toys near the asymptotic ones; None without those, and where a toy defeats the fits."""
    if asymptotic is None:
        return None
    settings = search.settings
    rng = lookelsewhere.generator(settings.seed, np.append(search.spectrum.counts, one.mass))
    with contextlib.suppress(*FAILURES):
        return toylimits.toy_limits(one, asymptotic, settings.confidence_level, settings.limit_checks.toys, rng)
    return None


def _wider(search: Search, one: Model, width: float) -> WidthLimits:
    """Limits on a Gaussian as wide as the signal and this ``width`` together, with range and functions of its own."""
    wide = replace(search, shape=Gaussian(math.hypot(search.settings.signal_width, width)))
    # Those of the model are in the bins of its own range.
    resonances = [found.among(one.bins, len(search.spectrum.counts)) for found in one.resonances]
    level = search.settings.confidence_level
    try:
        model = wide.model(one.mass, resonances)
        found, reason = limits.attempted(model, level)
        if found is not None and (more := _more_than_all(model, found, level)):
            found, reason = None, more
    except FAILURES as error:
        found, reason = None, str(error)
    return WidthLimits(width=width, limit_events=_named(found), reason=reason)


def _more_than_all(model: Model, found: Limits, level: float) -> str | None:
    """Why these are no limits: the background made room for a signal that all events together exclude."""
    inside = float(model.template.shares.sum())
    expected, observed = float(found.expected[2]), found.observed
    for said, limit, counts in (("expected", expected, model.expected), ("set", observed, model.spectrum.counts)):
        events = float(counts.sum())
        if limit * inside > (bound := limits.most(events, level)):
            return (
                f"the functions of the background take the place of so wide a signal: a limit of {limit:.3g} events is "
                f"{said} where there are {events:.3g} in all, which exclude {bound:.3g}; "
                "set a smaller width or fewer functions"
            )
    return None


def _warn(one: Model, excess: Excess) -> None:
    """Say where the numbers need care."""
    if not one.chosen.good:
        log.warning(
            "%s: the background fits well in no range (p = %.2g at best); the results there are doubtful, and left "
            "out of the global significance.",
            one.said,
            one.chosen.p_value,
        )
    for name, pull in one.template.pulled(np.array([nuisance.pull for nuisance in excess.nuisances.values()])).items():
        if abs(pull) > LARGE_PULL:
            log.warning(
                "%s: the limit and signal_yield_floating are of a signal whose %s is pulled by %.1f sigma, to "
                "something beside that mass.",
                one.said,
                name,
                pull,
            )


def _check(search: Search, one: Model, excess: Excess) -> None:
    """Stop where the data exclude the background with the signal, or without one where that is negative."""
    for gap in search.spectrum.gaps(EXCLUDED):
        low, high = search.spectrum.edges[[gap.start, gap.stop]]
        inside = (one.spectrum.edges[:-1] >= low) & (one.spectrum.edges[1:] <= high)
        if one.template.shares[inside].sum() > MISSING:
            raise FitError(
                f"the spectrum has no data from {interval(low, high, one.spectrum.unit)}, where part of a signal of "
                f"{one.said} would be; take out the mass."
            )
    p_value, z = one.chosen.p_value, excess.z_local
    if p_value < EXCLUDED:
        raise FitError(
            f"neither background nor signal describes the data around {one.said} in any range (p = {p_value:.2g} "
            "at best); change the range, the families or the signal's width."
        )
    if z < 0 and norm.sf(-z) < EXCLUDED:
        raise FitError(
            f"the data at {one.said} are {-z:.1f} sigma below what is fitted, as no signal is; change the range "
            "or the families."
        )


def _yields(name: str, found: Yield) -> dict[str, float]:
    return {
        name: found.value,
        f"{name}_error": (found.error_up + found.error_down) / 2,
        f"{name}_error_up": found.error_up,
        f"{name}_error_down": found.error_down,
    }


def _under_peak(one: Model) -> float:
    """Background events that dilute the signal: ``sum(b T) / sum(T^2)``, with T the signal's shares."""
    shares = one.template.shares
    return float(one.expected @ shares / (shares @ shares))


def _checks(
    search: Search, one: Model, near: Limits, by_toys: Limits | None, histfactory: workspace.HistFactory, unit: float
) -> Limits | None:
    """Limits in events by pyhf where checks are wanted; a warning where they or those by toys are not ``near``."""
    checks, level = search.settings.limit_checks, search.settings.confidence_level
    if one.mass not in checks.masses:
        return None
    by_pyhf = None
    # pyhf's Asimov data are those of the background-only fit.
    usual = limits.attempted(replace(one, expected=one.background.background[0]), level)[0] or near
    try:
        by_pyhf = workspace.upper_limits(histfactory, usual.scaled(1 / unit), level).scaled(unit)
    except workspace.PyhfError as error:
        log.warning("%s: %s", one.said, error)
    for name, other, ours in (("toys", by_toys, near), ("pyhf", by_pyhf, usual)):
        if other is None:
            log.warning("%s: no limits by %s near the asymptotic ones.", one.said, name)
        elif max(abs(other.expected[2] / ours.expected[2] - 1), abs(other.observed / ours.observed - 1)) > 0.1:
            log.warning(
                "%s: limits by %s are %.3g (expected %.3g) events, asymptotic ones %.3g (%.3g).",
                one.said,
                name,
                other.observed,
                other.expected[2],
                ours.observed,
                ours.expected[2],
            )
    return by_pyhf


def _quality(one: Model, excess: Excess) -> fits.Fit:
    """How well the background fits, in which range and with which function, and the spectrum in its merged bins."""
    fitted = one.background.best
    own, cuts = resolution_cuts(one.spectrum), np.searchsorted(one.spectrum.edges, one.quality.edges)
    return fits.Fit(
        **vars(one.chosen),
        resonances=[FoundResonance(mass=found.mass, z_local=found.z_local) for found in one.resonances],
        parameters=fitted.function.parameters(fitted.theta[0]).tolist(),
        chi2=one.quality.chi2,
        ndf=one.quality.ndf,
        f_test=list(one.trials),
        attempts=list(one.attempts),
        edges=one.quality.edges.tolist(),
        counts=one.quality.counts.tolist(),
        background=one.quality.expected.tolist(),
        pulls=one.quality.pulls.tolist(),
        signal=merge(excess.signal, cuts).tolist(),
        signal_plus_background=merge(excess.expected, cuts).tolist(),
        curves=fits.Curves(
            edges=one.spectrum.edges[own].tolist(),
            background=merge(one.background.background[0], own).tolist(),
            signal_plus_background=merge(excess.expected, own).tolist(),
        ),
    )


def _named(found: Limits | None) -> points.Limits | None:
    if found is None:
        return None
    names = ("expected_minus_2", "expected_minus_1", "expected", "expected_plus_1", "expected_plus_2")
    return points.Limits(observed=found.observed, **dict(zip(names, found.expected.tolist(), strict=True)))
