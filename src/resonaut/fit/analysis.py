"""From a spectrum to results: significance, yield and limits at each mass, and the look-elsewhere effect."""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from resonaut.errors import ResonautError
from resonaut.files import write_json
from resonaut.fit import bias, bumphunter, limits, lookelsewhere, scan, sides, workspace
from resonaut.fit.background import Model, Resonance, good, model, ordered
from resonaut.fit.binning import merge, quality, resolution_cuts
from resonaut.fit.family import Array
from resonaut.fit.likelihood import Fit, fit
from resonaut.fit.limits import Limits
from resonaut.fit.lookelsewhere import ScanToys
from resonaut.fit.motion import lognormal
from resonaut.fit.scan import Excess, Yield
from resonaut.fit.settings import FitSettings
from resonaut.fit.sides import Size
from resonaut.fit.signal import Shape, template
from resonaut.fit.spectrum import Spectrum

log = logging.getLogger(__name__)

# Found resonances that float in the background, at most.
MOST_RESONANCES = 5
# Standard deviations by which the fit may pull the signal's shape without a word.
LARGE_PULL = 2.0


@dataclass(frozen=True)
class Efficiency:
    """Share of the produced signal that is selected, and its relative uncertainties by source, as in ``sides``.

    ``measured``: known well enough for limits on the cross section.
    """

    value: float | None
    uncertainties: Mapping[str, Size]
    measured: bool
    extrapolated: bool = False


@dataclass(frozen=True)
class Search:
    """A spectrum to scan; ``luminosity`` in 1/fb, None for limits in events only; efficiencies by mass (GeV)."""

    spectrum: Spectrum
    shape: Shape
    luminosity: float | None
    efficiencies: dict[float, Efficiency]
    settings: FitSettings

    def events_per_fb(self, mass: float) -> float | None:
        """Selected events of a signal of 1 fb, where that is known."""
        efficiency = self.efficiencies[mass]
        if self.luminosity is None or not efficiency.value or not efficiency.measured:
            return None
        return self.luminosity * efficiency.value

    def uncertainties(self, mass: float) -> dict[str, Size]:
        """Relative uncertainties of the signal by source; those of the yield only for limits on the cross section."""
        given = self.settings.uncertainties
        sizes: dict[str, Size] = {"scale": given.scale, "resolution": given.resolution}
        if self.events_per_fb(mass) is not None:
            sizes |= self.efficiencies[mass].uncertainties
        return {name: size for name, size in sizes.items() if sides.largest(size) > 0}

    def model(self, mass: float, resonances: Sequence[Resonance] = (), spectrum: Spectrum | None = None) -> Model:
        """The model at ``mass`` of the ``spectrum`` or another one of its bins."""
        return model(
            spectrum or self.spectrum,
            self.shape,
            mass,
            self.settings.sqrt_s,
            self.settings.background,
            combined(self.uncertainties(mass)),
            resonances,
        )

    def resonance(self, one: Model, excess: Excess) -> Resonance:
        """What was found with ``one``."""
        peak = template(self.shape, one.mass, self.spectrum.edges, combined(self.uncertainties(one.mass)))
        pulls = np.array([excess.nuisances[name].pull for name in peak.nuisances])
        return Resonance(one.mass, excess.z_local, peak.at(pulls))


@dataclass(frozen=True)
class Scan:
    """The models of all masses and what they show, with the ``resonances`` found floating in the others' background."""

    models: list[Model]
    found: list[Excess]
    resonances: list[Resonance]


def scanned(search: Search) -> Scan:
    """Fit each mass; again and again with the strongest resonance that is new, until there is none."""
    threshold, masses = search.settings.background.resonances, sorted(search.efficiencies)
    resonances: list[Resonance] = []
    while True:
        models = [search.model(mass, resonances) for mass in masses]
        found = [scan.search(one) for one in models]
        new = [
            search.resonance(one, excess)
            for one, excess in zip(models, found, strict=True)
            if threshold is not None and excess.z_local >= threshold
        ]
        new = [one for one in new if not any(known.overlaps(one.shares) for known in resonances)]
        if not new or len(resonances) == MOST_RESONANCES:
            return Scan(models, found, resonances)
        resonances.append(max(new, key=lambda one: one.z_local))


def combined(uncertainties: Mapping[str, Size]) -> dict[str, Size]:
    """The same with all sources but scale and resolution as one log-normal ``normalisation``."""
    shape = {name: size for name, size in uncertainties.items() if name in ("scale", "resolution")}
    others = [size for name, size in uncertainties.items() if name not in shape]
    return shape | {"normalisation": sides.relative(sides.combined(others))}


def run(search: Search, workspaces: Path) -> dict[str, Any]:
    """Fit each mass, throw toys; one HistFactory file a mass. Returns the JSON result of ``docs/fit.md``.

    ``workspaces`` is the folder of those files.
    """
    settings, spectrum = search.settings, search.spectrum
    done = scanned(search)
    for one in done.resonances:
        log.info("%g GeV: %.1f sigma; floats in the background of the other masses", one.mass, one.z_local)
    points = [
        _point(search, one, excess, workspaces)
        for one, excess in _progress(list(zip(done.models, done.found, strict=True)))
    ]
    rng = lookelsewhere.generator(settings.seed, spectrum.counts)
    models, toys = [one for one in done.models if one.chosen.good], None
    if settings.toys and models:
        toys = lookelsewhere.scan_toys(models, done.resonances, len(spectrum.counts), settings.toys, rng)
    reference = _reference(search, done)
    return {
        "sqrt_s": settings.sqrt_s,
        "luminosity": search.luminosity,
        "confidence_level": settings.confidence_level,
        "background": _background(reference),
        "resonances": [{"mass": one.mass, "z_local": one.z_local} for one in done.resonances],
        "scan": points,
        "global": _global(points, toys),
        "toys": None if toys is None else {"z_max": toys.z_max.tolist(), "up_crossings": toys.up_crossings},
        "bump_hunter": _bump(search, reference, rng),
    }


@dataclass(frozen=True)
class Reference:
    """The background-only fit of a ``spectrum``, and the events ``expected`` (N,) in it without resonances.

    Those are of the same fit unless it is poor and one in which the resonances found float is ``good``.
    """

    spectrum: Spectrum
    fit: Fit
    expected: Array
    good: bool


def _reference(search: Search, done: Scan) -> Reference:
    """The background of the whole range or, if no function describes it, of the widest range of a mass that is good."""
    whole = described(search, slice(0, len(search.spectrum.counts)), done.resonances)
    ranges = [one.bins for one in done.models if one.chosen.good]
    if whole.good or not ranges:
        return whole
    widest = max(ranges, key=lambda bins: bins.stop - bins.start)
    return described(search, widest, done.resonances)


def described(search: Search, bins: slice, resonances: Sequence[Resonance]) -> Reference:
    """The order of the function is chosen, and judged, with the ``resonances`` floating."""
    settings, sqrt_s = search.settings.background, search.settings.sqrt_s
    spectrum = search.spectrum.part(bins)
    floating = np.array([one.shares[bins] for one in resonances]).reshape(len(resonances), len(spectrum.counts))
    fits = [ordered(family, spectrum, sqrt_s, settings, None, floating)[0] for family in settings.families]
    best = min(fits, key=lambda one: float(one.deviance[0]) + one.function.n_parameters)
    alone = fit(best.function.with_resonances(None), spectrum.counts[None])
    if good(alone, spectrum, settings.shrink):
        return Reference(spectrum, alone, alone.background[0], good=True)
    return Reference(spectrum, alone, best.function.smooth(best.theta[0]), good(best, spectrum, settings.shrink))


def run_bias(search: Search) -> dict[str, Any]:
    """The bias test at each of its masses. Returns the JSON result of ``docs/fit.md``."""
    settings = search.settings.bias
    rng = lookelsewhere.generator(search.settings.seed, search.spectrum.counts)
    points = []
    for mass in sorted(m for m in search.efficiencies if not settings.masses or m in settings.masses):
        one = search.model(mass)
        truth = bias.truth_fit(one, settings)
        again = partial(search.model, mass, ())
        points += bias.bias(one, again, truth, settings, search.settings.confidence_level, rng)
    chosen = {"truth": settings.truth, "truth_shape_parameters": settings.shape_parameters}
    fitted = {"families": search.settings.background.families, "confidence_level": search.settings.confidence_level}
    return {**chosen, **fitted, "points": [asdict(point) for point in points]}


def _progress(pairs: Sequence[tuple[Model, Excess]]) -> Iterable[tuple[Model, Excess]]:
    bar: Iterable[tuple[Model, Excess]] = tqdm(pairs, desc="masses", unit="mass", disable=None)
    return bar


def _background(reference: Reference) -> dict[str, Any]:
    function, spectrum = reference.fit.function, reference.spectrum
    judged = quality(spectrum, reference.fit.background[0], function.n_parameters)
    log.info("background: chi2/ndf = %.1f/%d, p = %s", judged.chi2, judged.ndf, judged.p_value)
    return {
        "family": function.family,
        "shape_parameters": function.shape_parameters,
        "good": reference.good,
        "parameters": function.parameters(reference.fit.theta[0]).tolist(),
        **{k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(judged).items()},
    }


def _global(points: list[dict[str, Any]], toys: ScanToys | None) -> dict[str, Any] | None:
    """Masses at which no background fits well are left out: nothing says how often they show an excess."""
    points = [point for point in points if point["fit"]["good"]]
    if not points:
        return None
    best = max(points, key=lambda point: float(point["z_local"]))
    return asdict(lookelsewhere.combine([(best["mass"], best["z_local"], toys)]))


def _bump(search: Search, reference: Reference, rng: np.random.Generator) -> dict[str, Any] | None:
    if not reference.good:
        log.warning("no background function describes the spectrum: no BumpHunter; narrow the range.")
        return None
    counts, cuts = reference.spectrum.counts, resolution_cuts(reference.spectrum)
    widths = bumphunter.in_bins(search.settings.bump_widths, reference.spectrum, cuts)
    if len(cuts) <= widths[0]:
        return None
    function, toys = reference.fit.function, search.settings.toys
    found = bumphunter.search(function, counts, cuts, widths, toys, rng, reference.expected)
    return asdict(found)


def _point(search: Search, one: Model, excess: Excess, workspaces: Path) -> dict[str, Any]:
    """The entry ``scan[]`` of one mass."""
    mass, settings = one.mass, search.settings
    events_per_fb = search.events_per_fb(mass)
    unit = 1.0 if events_per_fb is None else events_per_fb
    sizes = search.uncertainties(mass)
    asymptotic, reason = _limits(one, settings.confidence_level)
    under_peak = _under_peak(one)
    by_toys = None
    if asymptotic and (under_peak < settings.limit_checks.few_events or mass in settings.limit_checks.masses):
        rng = lookelsewhere.generator(settings.seed, np.append(search.spectrum.counts, mass))
        by_toys = limits.toy_limits(one, asymptotic, settings.confidence_level, settings.limit_checks.toys, rng)
    few = by_toys is not None and under_peak < settings.limit_checks.few_events
    found = by_toys if few else asymptotic
    if not one.chosen.good:
        log.warning(
            "%g GeV: the background fits well in no range (p = %.2g at best); the results there are doubtful, and left "
            "out of the global significance.",
            mass,
            one.chosen.p_value,
        )
    for name, nuisance in excess.nuisances.items():
        if name in ("scale", "resolution") and abs(nuisance.pull) > LARGE_PULL:
            log.warning(
                "%g GeV: the limit and signal_yield_floating are of a signal whose %s is pulled by %.1f sigma, to "
                "something beside that mass.",
                mass,
                name,
                nuisance.pull,
            )
    # Without a limit, about where it would be.
    highest = max(excess.floating.value, 0.0) + 2 * excess.floating.error_up
    mu_events, observed = (highest, highest) if found is None else (float(found.expected[2]), found.observed)
    normalisations = {name: size for name, size in sizes.items() if name not in one.template.nuisances}
    path = workspaces / f"workspace_{mass:.10g}.json"
    histfactory = workspace.build(one, mu_events, normalisations, observed)
    write_json(path, histfactory)
    by_pyhf = None if asymptotic is None else _checks(search, one, asymptotic, by_toys, histfactory, mu_events)
    limit = "none" if found is None else f"{found.observed:.3g} events (expected {found.expected[2]:.3g})"
    log.info("%g GeV: z = %.2f, limit %s", mass, excess.z_local, limit)
    efficiency = search.efficiencies[mass]
    return {
        "mass": mass,
        "q0": excess.q0,
        "p_local": excess.p_local,
        "z_local": excess.z_local,
        "z_expected": scan.expected_significance(one, settings.reference_signal * unit),
        "reference_signal": settings.reference_signal,
        **_yields("signal_yield", excess.signal_yield),
        **_yields("signal_yield_floating", excess.floating),
        "efficiency": efficiency.value,
        "efficiency_uncertainties": dict(efficiency.uncertainties),
        "efficiency_extrapolated": efficiency.extrapolated,
        "limit_events": None if found is None else _named(found),
        "limit": None if found is None or events_per_fb is None else _named(found.scaled(1 / events_per_fb)),
        "limit_reason": reason,
        "limit_method": "toys" if few else "asymptotic",
        "limit_events_asymptotic": None if asymptotic is None else _named(asymptotic),
        "limit_events_toys": None if by_toys is None else _named(by_toys),
        "limit_events_pyhf": None if by_pyhf is None else _named(by_pyhf),
        "background_under_peak": under_peak,
        "scale_pull": excess.nuisances["scale"].pull if "scale" in excess.nuisances else None,
        "nuisances": _nuisances(search, one, excess, asymptotic, {name: [name] for name in sizes}),
        "nuisance_groups": _nuisances(search, one, excess, asymptotic, _groups(sizes)),
        "signal_shape": search.shape.describe(mass),
        "fit": _quality(one, excess),
        "workspace": path.name,
        "workspace_events": mu_events,
    }


def _limits(one: Model, confidence_level: float) -> tuple[Limits | None, str | None]:
    """The limits, or why there are none."""
    try:
        found = limits.upper_limits(one, confidence_level)
    except ResonautError as error:
        log.warning("%s.", error)
        return None, str(error)
    return found, None


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
    search: Search, one: Model, near: Limits, by_toys: Limits | None, histfactory: dict[str, Any], unit: float
) -> Limits | None:
    """Limits in events by pyhf where checks are wanted; a warning where they or those by toys are not ``near``."""
    checks, level = search.settings.limit_checks, search.settings.confidence_level
    if one.mass not in checks.masses:
        return None
    by_pyhf = None
    # pyhf's Asimov data are those of the background-only fit.
    usual = _limits(replace(one, expected=one.background.background[0]), level)[0] or near
    try:
        by_pyhf = workspace.upper_limits(histfactory, usual.scaled(1 / unit), level).scaled(unit)
    except workspace.PyhfError as error:
        log.warning("%g GeV: %s", one.mass, error)
    for name, other, ours in (("toys", by_toys, near), ("pyhf", by_pyhf, usual)):
        if other is None:
            log.warning("%g GeV: no limits by %s near the asymptotic ones.", one.mass, name)
        elif max(abs(other.expected[2] / ours.expected[2] - 1), abs(other.observed / ours.observed - 1)) > 0.1:
            log.warning(
                "%g GeV: limits by %s are %.3g (expected %.3g) events, asymptotic ones %.3g (%.3g).",
                one.mass,
                name,
                other.observed,
                other.expected[2],
                ours.observed,
                ours.expected[2],
            )
    return by_pyhf


def _groups(sizes: Mapping[str, Size]) -> dict[str, list[str]]:
    """Sources that are one calibration, of which one wants to know what it costs as a whole."""
    lund = [name for name in sizes if name.startswith("lund_")]
    return {"lund": lund} if lund else {}


def _nuisances(
    search: Search, one: Model, excess: Excess, found: Limits | None, groups: dict[str, list[str]]
) -> dict[str, Any]:
    """Pull, error, impact on the yield (events) and on the expected limit (relative) of each source or group of them.

    The normalisation is one nuisance in the fit; a source is the share of it that its size has.
    """
    sizes = search.uncertainties(one.mass)
    whole = sides.combined(size for name, size in sizes.items() if name not in excess.nuisances)
    slope = lognormal(*whole, excess.nuisances["normalisation"].pull)[1] if any(whole) else 0.0
    named = {}
    for name, members in groups.items():
        share = 1.0
        fitted, size = excess.nuisances.get(name), sizes.get(name, 0.0)
        if fitted is None:
            fitted = excess.nuisances["normalisation"]
            part = sides.combined(sizes[n] for n in members)
            share = lognormal(*part, fitted.pull)[1] / slope if slope else 0.0
            size = size or sides.relative(part)
        error = math.sqrt(1 - share**2 * (1 - fitted.error**2))
        others = combined({n: s for n, s in sizes.items() if n not in members})
        without = replace(one, template=template(search.shape, one.mass, one.spectrum.edges, others))
        median = _limits(without, search.settings.confidence_level)[0] if found else None
        named[name] = {
            "size": sides.largest(size),
            "pull": share * fitted.pull,
            "error": error,
            "impact": share * fitted.impact * fitted.error / error,
            "limit_impact": None if found is None or median is None else _ratio(found, median) - 1,
        }
    return named


def _ratio(found: Limits, other: Limits) -> float:
    return float(found.expected[2] / other.expected[2])


def _quality(one: Model, excess: Excess) -> dict[str, Any]:
    """How well the background fits, in which range and with which function, and the spectrum in its merged bins."""
    chosen, fitted = one.chosen, one.background.best
    own, cuts = resolution_cuts(one.spectrum), np.searchsorted(one.spectrum.edges, one.quality.edges)
    curves = {
        "edges": one.spectrum.edges[own],
        "background": merge(one.background.background[0], own),
        "signal_plus_background": merge(excess.expected, own),
    }
    merged = {
        "edges": one.quality.edges,
        "counts": one.quality.counts,
        "background": one.quality.expected,
        "pulls": one.quality.pulls,
        "signal": merge(excess.signal, cuts),
        "signal_plus_background": merge(excess.expected, cuts),
    }
    return {
        **asdict(chosen),
        "resonances": [{"mass": found.mass, "z_local": found.z_local} for found in one.resonances],
        "parameters": fitted.function.parameters(fitted.theta[0]).tolist(),
        "chi2": one.quality.chi2,
        "ndf": one.quality.ndf,
        "f_test": [asdict(trial) for trial in one.trials],
        "attempts": [asdict(attempt) for attempt in one.attempts],
        **{name: values.tolist() for name, values in merged.items()},
        "curves": {name: values.tolist() for name, values in curves.items()},
    }


def _named(found: Limits) -> dict[str, float]:
    names = ("expected_minus_2", "expected_minus_1", "expected", "expected_plus_1", "expected_plus_2")
    return {"observed": found.observed} | {n: float(v) for n, v in zip(names, found.expected, strict=True)}


def interpolated(mass: float, masses: np.ndarray, efficiencies: list[Efficiency]) -> Efficiency:
    """The efficiency at ``mass``: linear between simulated ``masses`` (sorted), the nearest one's beyond them."""
    values = [e.value or 0.0 for e in efficiencies]
    # A signal of which nothing is selected has no uncertainties of its Lund weights.
    names = dict.fromkeys(name for e in efficiencies for name in e.uncertainties)
    return Efficiency(
        float(np.interp(mass, masses, values)),
        {n: sides.interpolated(mass, masses, [e.uncertainties.get(n, 0.0) for e in efficiencies]) for n in names},
        # Both neighbours, or the nearest one beyond the ends.
        np.interp(mass, masses, [float(not e.measured) for e in efficiencies]) == 0,
        not masses[0] <= mass <= masses[-1],
    )
