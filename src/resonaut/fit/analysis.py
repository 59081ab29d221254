"""From a spectrum to results at each mass: significance, yield, limits, and the HistFactory model."""

import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from resonaut.files import write_json
from resonaut.fit import limits, scan, workspace
from resonaut.fit.family import DijetFunction
from resonaut.fit.likelihood import Fit
from resonaut.fit.limits import Limits
from resonaut.fit.signal import CrystalBalls, Gaussian
from resonaut.fit.spectrum import Spectrum

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Search:
    """All that the fits at the masses share; ``luminosity`` in 1/fb, None for limits in events only."""

    spectrum: Spectrum
    sqrt_s: float
    shape_parameters: int
    signal: CrystalBalls | Gaussian
    luminosity: float | None
    confidence_level: float


@dataclass(frozen=True)
class Efficiency:
    """Share of the produced signal that is selected, and its relative uncertainties by source.

    ``measured``: known well enough for limits on the cross section.
    """

    value: float | None
    uncertainties: dict[str, float]
    measured: bool
    extrapolated: bool = False


def run(search: Search, efficiencies: dict[float, Efficiency], workspaces: Path) -> dict[str, Any]:
    """Fit the background, then each mass (the keys of ``efficiencies``, GeV); one HistFactory file a mass.

    Returns the JSON result documented in ``docs/fit.md``.
    """
    spectrum = search.spectrum
    function, background = scan.fit_background(spectrum, search.sqrt_s, search.shape_parameters)
    quality = scan.goodness(spectrum.edges, spectrum.counts, background.background[0], function.n_parameters)
    log.info("background: chi2/ndf = %.1f/%d, p = %s", quality.chi2, quality.ndf, quality.p_value)
    for stale in workspaces.glob("workspace_*.json"):
        stale.unlink()
    workspaces.mkdir(parents=True, exist_ok=True)
    points = [
        _at_mass(search, function, background, mass, efficiencies[mass], workspaces) for mass in _progress(efficiencies)
    ]
    return {
        "sqrt_s": search.sqrt_s,
        "luminosity": search.luminosity,
        "confidence_level": search.confidence_level,
        "background": {
            "function": "dijet",
            "shape_parameters": search.shape_parameters,
            "parameters": function.parameters(background.theta)[0].tolist(),
            "chi2": quality.chi2,
            "ndf": quality.ndf,
            "p_value": quality.p_value,
        },
        "spectrum": {
            "edges": spectrum.edges.tolist(),
            "counts": spectrum.counts.tolist(),
            "background": background.background[0].tolist(),
        },
        "merged": {name: getattr(quality, name).tolist() for name in ("edges", "counts", "background", "pulls")},
        "scan": points,
    }


def _progress(masses: Iterable[float]) -> Iterable[float]:
    bar: Iterable[float] = tqdm(sorted(masses), desc="masses", unit="mass", disable=None)
    return bar


def _at_mass(
    search: Search, function: DijetFunction, background: Fit, mass: float, efficiency: Efficiency, workspaces: Path
) -> dict[str, Any]:
    counts = search.spectrum.counts
    template = search.signal.template(mass, function.edges)
    found = scan.search(function, counts, background, template, mass)
    events_per_fb, uncertainties = None, {}
    if search.luminosity is not None and efficiency.value and efficiency.measured:
        events_per_fb, uncertainties = search.luminosity * efficiency.value, efficiency.uncertainties
    total = math.hypot(*(math.log1p(size) for size in uncertainties.values()))
    direct = limits.upper_limits(function, counts, background, template, total, search.confidence_level)
    unit = 1.0 if events_per_fb is None else events_per_fb
    # Far above every limit: pyhf refuses to test a signal strength beyond its parameter's bounds.
    highest = max(20 * direct.expected[2], 3 * max(direct.observed, *direct.expected)) / unit
    model = workspace.build(function, counts, background, template * unit, uncertainties, float(highest))
    path = workspaces / f"workspace_{mass:g}.json"
    write_json(path, model)
    final, method = _by_pyhf(model, direct.scaled(1 / unit), mass, search.confidence_level)
    events = final.scaled(unit)
    log.info(
        "%g GeV: z = %.2f, limit %.3g events (expected %.3g)", mass, found.z_local, events.observed, events.expected[2]
    )
    return {
        "mass": mass,
        "q0": found.q0,
        "p_local": found.p_local,
        "z_local": found.z_local,
        "signal_yield": found.signal_yield,
        "signal_yield_error": (found.error_up + found.error_down) / 2,
        "signal_yield_error_up": found.error_up,
        "signal_yield_error_down": found.error_down,
        "efficiency": efficiency.value,
        "efficiency_uncertainties": efficiency.uncertainties,
        "efficiency_extrapolated": efficiency.extrapolated,
        "limit_method": method,
        "limit_events": _named(events),
        "limit_events_direct": _named(direct),
        "limit": None if events_per_fb is None else _named(events.scaled(1 / events_per_fb)),
        "signal_shape": search.signal.describe(mass),
        "signal": (found.signal_yield * template).tolist(),
        "signal_plus_background": found.expected.tolist(),
        "workspace": path.name,
    }


def _by_pyhf(model: dict[str, Any], near: Limits, mass: float, confidence_level: float) -> tuple[Limits, str]:
    """The limits by pyhf, or by the direct likelihood where pyhf fails, and by which of the two."""
    try:
        found = workspace.upper_limits(model, near, confidence_level)
    except workspace.PyhfError as error:
        log.warning("%g GeV: %s The limits are those of the direct likelihood.", mass, error)
        return near, "direct"
    return found, "pyhf"


def _named(found: Limits) -> dict[str, float]:
    names = ("expected_minus_2", "expected_minus_1", "expected", "expected_plus_1", "expected_plus_2")
    return {"observed": found.observed} | {n: float(v) for n, v in zip(names, found.expected, strict=True)}


def interpolated(mass: float, masses: np.ndarray, efficiencies: list[Efficiency]) -> Efficiency:
    """The efficiency at ``mass``: linear between simulated ``masses`` (sorted), the nearest one's beyond them."""
    values = [e.value or 0.0 for e in efficiencies]
    names = efficiencies[0].uncertainties
    return Efficiency(
        float(np.interp(mass, masses, values)),
        {n: float(np.interp(mass, masses, [e.uncertainties[n] for e in efficiencies])) for n in names},
        # Both neighbours, or the nearest one beyond the ends.
        np.interp(mass, masses, [float(not e.measured) for e in efficiencies]) == 0,
        not masses[0] <= mass <= masses[-1],
    )
