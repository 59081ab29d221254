"""From a spectrum to results: significance, yield and limits at each mass, and the look-elsewhere effect."""

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from resonaut.files import write_json
from resonaut.fit import bias, bumphunter, limits, lookelsewhere, scan, workspace
from resonaut.fit.background import Model, model, ordered
from resonaut.fit.binning import merge, quality, resolution_cuts
from resonaut.fit.likelihood import Fit
from resonaut.fit.limits import Limits
from resonaut.fit.lookelsewhere import ScanToys
from resonaut.fit.scan import Excess
from resonaut.fit.settings import FitSettings
from resonaut.fit.signal import Shape, template
from resonaut.fit.spectrum import Spectrum

log = logging.getLogger(__name__)

# Background events under the peak below which the asymptotic limits may be more than 10 % off (docs/fit.md).
FEW_EVENTS = 3.0


@dataclass(frozen=True)
class Efficiency:
    """Share of the produced signal that is selected, and its relative uncertainties by source.

    ``measured``: known well enough for limits on the cross section.
    """

    value: float | None
    uncertainties: dict[str, float]
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

    def uncertainties(self, mass: float) -> dict[str, float]:
        """Relative uncertainties of the signal by source; those of the yield only for limits on the cross section."""
        sizes = {"scale": self.settings.uncertainties.scale, "resolution": self.settings.uncertainties.resolution}
        if self.events_per_fb(mass) is not None:
            sizes |= self.efficiencies[mass].uncertainties
        return {name: size for name, size in sizes.items() if size > 0}

    def model(self, mass: float) -> Model:
        """The model at ``mass``."""
        return model(
            self.spectrum,
            self.shape,
            mass,
            self.settings.sqrt_s,
            self.settings.background,
            combined(self.uncertainties(mass)),
        )

    def reference(self) -> Fit:
        """The background fitted to the whole range, from which toys come."""
        settings = self.settings.background
        fits = [ordered(f, self.spectrum, self.settings.sqrt_s, settings, None)[0] for f in settings.families]
        return min(fits, key=lambda one: float(one.deviance[0]) + one.function.n_parameters)


def combined(uncertainties: dict[str, float]) -> dict[str, float]:
    """The same with all sources but scale and resolution as one log-normal ``normalisation``."""
    shape = {name: size for name, size in uncertainties.items() if name in ("scale", "resolution")}
    total = math.hypot(*(math.log1p(size) for name, size in uncertainties.items() if name not in shape))
    return shape | {"normalisation": math.expm1(total)}


def run(search: Search, workspaces: Path) -> dict[str, Any]:
    """Fit each mass, throw toys; one HistFactory file a mass. Returns the JSON result of ``docs/fit.md``.

    ``workspaces`` is the folder of those files.
    """
    settings, spectrum = search.settings, search.spectrum
    reference = search.reference()
    masses = sorted(search.efficiencies)
    models = [search.model(mass) for mass in masses]
    found = [scan.search(one) for one in models]
    points = [
        _point(search, one, excess, workspaces) for one, excess in _progress(list(zip(models, found, strict=True)))
    ]
    rng = lookelsewhere.generator(settings.seed, spectrum.counts)
    toys = lookelsewhere.scan_toys(models, reference, settings.toys, rng) if settings.toys and models else None
    return {
        "sqrt_s": settings.sqrt_s,
        "luminosity": search.luminosity,
        "confidence_level": settings.confidence_level,
        "background": _background(spectrum, reference),
        "scan": points,
        "global": _global(points, toys),
        "toys": None if toys is None else {"z_max": toys.z_max.tolist(), "up_crossings": toys.up_crossings},
        "bump_hunter": _bump(search, reference, rng),
    }


def run_bias(search: Search) -> dict[str, Any]:
    """The bias test at each of its masses. Returns the JSON result of ``docs/fit.md``."""
    settings = search.settings.bias
    rng = lookelsewhere.generator(search.settings.seed, search.spectrum.counts)
    points = []
    for mass in sorted(m for m in search.efficiencies if not settings.masses or m in settings.masses):
        one = search.model(mass)
        truth = bias.truth_fit(one, settings)
        points += bias.bias(one, truth, settings, search.settings.confidence_level, rng)
    chosen = {"truth": settings.truth, "truth_shape_parameters": settings.shape_parameters}
    fitted = {"families": search.settings.background.families, "confidence_level": search.settings.confidence_level}
    return {**chosen, **fitted, "points": [asdict(point) for point in points]}


def _progress(pairs: Sequence[tuple[Model, Excess]]) -> Iterable[tuple[Model, Excess]]:
    bar: Iterable[tuple[Model, Excess]] = tqdm(pairs, desc="masses", unit="mass", disable=None)
    return bar


def _background(spectrum: Spectrum, reference: Fit) -> dict[str, Any]:
    function = reference.function
    judged = quality(spectrum, reference.background[0], function.n_parameters)
    log.info("background: chi2/ndf = %.1f/%d, p = %s", judged.chi2, judged.ndf, judged.p_value)
    return {
        "family": function.family,
        "shape_parameters": function.shape_parameters,
        "parameters": function.parameters(reference.theta[0]).tolist(),
        **{k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(judged).items()},
    }


def _global(points: list[dict[str, Any]], toys: ScanToys | None) -> dict[str, Any] | None:
    if not points:
        return None
    best = max(points, key=lambda point: float(point["z_local"]))
    return asdict(lookelsewhere.combine([(best["mass"], best["z_local"], toys)]))


def _bump(search: Search, reference: Fit, rng: np.random.Generator) -> dict[str, Any] | None:
    counts, cuts = search.spectrum.counts, resolution_cuts(search.spectrum)
    widths = bumphunter.in_bins(search.settings.bump_widths, search.spectrum, cuts)
    if len(cuts) <= widths[0]:
        return None
    found = bumphunter.search(reference.function, counts, cuts, widths, search.settings.toys, rng)
    return asdict(found)


def _point(search: Search, one: Model, excess: Excess, workspaces: Path) -> dict[str, Any]:
    """The entry ``scan[]`` of one mass."""
    mass, settings = one.mass, search.settings
    events_per_fb = search.events_per_fb(mass)
    unit = 1.0 if events_per_fb is None else events_per_fb
    sizes = search.uncertainties(mass)
    found = limits.upper_limits(one, settings.confidence_level)
    under_peak = _under_peak(one)
    if under_peak < FEW_EVENTS:
        log.warning(
            "%g GeV: %.2g background events under the peak; asymptotic limits may be more than 10 %% off, limits by "
            "toys are not: fit.limit_checks.masses.",
            mass,
            under_peak,
        )
    if not one.chosen.good:
        log.warning(
            "%g GeV: the background fits well in no range (p = %s, relative error %.2g); look at scan[].fit.attempts.",
            mass,
            one.chosen.p_background,
            one.chosen.error,
        )
    # Far above every limit: pyhf refuses to test a signal strength beyond its parameter's bounds.
    highest = max(20 * found.expected[2], 3 * max(found.observed, *found.expected)) / unit
    normalisations = {name: size for name, size in sizes.items() if name not in one.template.nuisances}
    path = workspaces / f"workspace_{mass:.10g}.json"
    histfactory = workspace.build(one, unit, normalisations, float(highest))
    write_json(path, histfactory)
    by_toys, by_pyhf = _checks(search, one, found, histfactory, unit)
    log.info(
        "%g GeV: z = %.2f, limit %.3g events (expected %.3g)", mass, excess.z_local, found.observed, found.expected[2]
    )
    efficiency = search.efficiencies[mass]
    return {
        "mass": mass,
        "q0": excess.q0,
        "p_local": excess.p_local,
        "z_local": excess.z_local,
        "z_expected": scan.expected_significance(one, settings.reference_signal * unit),
        "reference_signal": settings.reference_signal,
        "signal_yield": excess.signal_yield,
        "signal_yield_error": (excess.error_up + excess.error_down) / 2,
        "signal_yield_error_up": excess.error_up,
        "signal_yield_error_down": excess.error_down,
        "efficiency": efficiency.value,
        "efficiency_uncertainties": efficiency.uncertainties,
        "efficiency_extrapolated": efficiency.extrapolated,
        "limit_events": _named(found),
        "limit": None if events_per_fb is None else _named(found.scaled(1 / events_per_fb)),
        "limit_events_toys": None if by_toys is None else _named(by_toys),
        "limit_events_pyhf": None if by_pyhf is None else _named(by_pyhf),
        "background_under_peak": under_peak,
        "nuisances": _nuisances(search, one, excess, found, {name: [name] for name in sizes}),
        "nuisance_groups": _nuisances(search, one, excess, found, _groups(sizes)),
        "signal_shape": search.shape.describe(mass),
        "fit": _quality(one, excess),
        "workspace": path.name,
    }


def _under_peak(one: Model) -> float:
    """Background events that dilute the signal: ``sum(b T) / sum(T^2)``, with T the signal's shares."""
    shares = one.template.shares
    return float(one.background.background[0] @ shares / (shares @ shares))


def _checks(
    search: Search, one: Model, near: Limits, histfactory: dict[str, Any], unit: float
) -> tuple[Limits | None, Limits | None]:
    """Limits in events by toys and by pyhf, at the masses where they are wanted, and a warning where they differ."""
    checks, level = search.settings.limit_checks, search.settings.confidence_level
    if one.mass not in checks.masses:
        return None, None
    rng = lookelsewhere.generator(search.settings.seed, np.append(search.spectrum.counts, one.mass))
    by_toys = limits.toy_limits(one, near, level, checks.toys, rng)
    by_pyhf = None
    try:
        by_pyhf = workspace.upper_limits(histfactory, near.scaled(1 / unit), level).scaled(unit)
    except workspace.PyhfError as error:
        log.warning("%g GeV: %s", one.mass, error)
    for name, other in (("toys", by_toys), ("pyhf", by_pyhf)):
        if other is None:
            log.warning("%g GeV: no limits by %s near the asymptotic ones.", one.mass, name)
        elif max(abs(other.expected[2] / near.expected[2] - 1), abs(other.observed / near.observed - 1)) > 0.1:
            log.warning(
                "%g GeV: limits by %s are %.3g (expected %.3g) events, asymptotic ones %.3g (%.3g).",
                one.mass,
                name,
                other.observed,
                other.expected[2],
                near.observed,
                near.expected[2],
            )
    return by_toys, by_pyhf


def _groups(sizes: dict[str, float]) -> dict[str, list[str]]:
    """Sources that are one calibration, of which one wants to know what it costs as a whole."""
    lund = [name for name in sizes if name.startswith("lund_")]
    return {"lund": lund} if lund else {}


def _nuisances(
    search: Search, one: Model, excess: Excess, found: Limits, groups: dict[str, list[str]]
) -> dict[str, Any]:
    """Pull, error, impact on the yield (events) and on the expected limit (relative) of each source or group of them.

    The normalisation is one nuisance in the fit; a source is the share of it that its size has.
    """
    sizes = search.uncertainties(one.mass)
    named = {}
    for name, members in groups.items():
        share = 1.0
        fitted, size = excess.nuisances.get(name), sizes.get(name, 0.0)
        if fitted is None:
            fitted = excess.nuisances["normalisation"]
            logarithm = math.hypot(*(math.log1p(sizes[n]) for n in members))
            share = logarithm / math.hypot(*(math.log1p(s) for n, s in sizes.items() if n not in excess.nuisances))
            size = size or math.expm1(logarithm)
        error = math.sqrt(1 - share**2 * (1 - fitted.error**2))
        others = combined({n: s for n, s in sizes.items() if n not in members})
        without = replace(one, template=template(search.shape, one.mass, one.spectrum.edges, others))
        median = limits.upper_limits(without, search.settings.confidence_level).expected[2]
        named[name] = {
            "size": size,
            "pull": share * fitted.pull,
            "error": error,
            "impact": share * fitted.impact * fitted.error / error,
            "limit_impact": float(found.expected[2] / median - 1),
        }
    return named


def _quality(one: Model, excess: Excess) -> dict[str, Any]:
    """How well the background fits, in which range and with which function, and the spectrum in its merged bins."""
    chosen, fitted = one.chosen, one.background.best
    cuts = np.searchsorted(one.spectrum.edges, one.quality.edges)
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
        "parameters": fitted.function.parameters(fitted.theta[0]).tolist(),
        "chi2": one.quality.chi2,
        "ndf": one.quality.ndf,
        "f_test": [asdict(trial) for trial in one.trials],
        "attempts": [asdict(attempt) for attempt in one.attempts],
        **{name: values.tolist() for name, values in merged.items()},
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
        {n: float(np.interp(mass, masses, [e.uncertainties.get(n, 0.0) for e in efficiencies])) for n in names},
        # Both neighbours, or the nearest one beyond the ends.
        np.interp(mass, masses, [float(not e.measured) for e in efficiencies]) == 0,
        not masses[0] <= mass <= masses[-1],
    )
