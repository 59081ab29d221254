"""From a spectrum to results: all masses of a search, the look-elsewhere effect, and the bias test."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from resonaut.fit import bias, bumphunter, lookelsewhere
from resonaut.fit.background import FAILURES, Resonance, good, ordered
from resonaut.fit.binning import quality, resolution_cuts
from resonaut.fit.family import Array
from resonaut.fit.likelihood import Fit, fit
from resonaut.fit.lookelsewhere import ScanToys
from resonaut.fit.point import point
from resonaut.fit.search import Scan, Search, at_each, scanned
from resonaut.fit.spectrum import Spectrum

log = logging.getLogger(__name__)


def run(search: Search, workspaces: Path) -> dict[str, Any]:
    """Fit each mass, throw toys; one HistFactory file a mass. Returns the JSON result of ``docs/fit.md``.

    ``workspaces`` is the folder of those files.
    """
    settings, spectrum = search.settings, search.spectrum
    done = scanned(search)
    for one in done.resonances:
        log.info("%g GeV: %.1f sigma; floats in the background of the other masses", one.mass, one.z_local)
    fits = {one.mass: (one, excess) for one, excess in zip(done.models, done.found, strict=True)}
    points, failed = at_each(_progress(list(fits)), lambda mass: point(search, *fits[mass], workspaces))
    failed |= done.failed
    for mass, reason in sorted(failed.items()):
        log.warning("%g GeV: no result: %s", mass, reason)
    rng = lookelsewhere.generator(settings.seed, spectrum.counts)
    models, toys = [one for one in done.models if one.chosen.good and one.mass in points], None
    if settings.toys and models:
        toys = lookelsewhere.scan_toys(models, done.resonances, len(spectrum.counts), settings.toys, rng)
    reference = _reference(search, done)
    return {
        "sqrt_s": settings.sqrt_s,
        "luminosity": search.luminosity,
        "confidence_level": settings.confidence_level,
        "background": _background(reference),
        "resonances": [
            {"mass": one.mass, "z_local": one.z_local if one.mass in points else None} for one in done.resonances
        ],
        "scan": _all(points, failed),
        "global": _global(list(points.values()), toys),
        "toys": None if toys is None else {"z_max": toys.z_max.tolist(), "up_crossings": toys.up_crossings},
        "bump_hunter": _bump(search, reference, rng),
    }


def _all(points: dict[float, dict[str, Any]], failed: dict[float, str]) -> list[dict[str, Any]]:
    """The entries of all masses in their order: where the fits ``failed`` nothing is known but why."""
    keys = next(iter(points.values()), {})
    nothing = {mass: dict.fromkeys(keys) | {"mass": mass, "limit_reason": why} for mass, why in failed.items()}
    return [entry for _, entry in sorted((points | nothing).items())]


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
    """The background of the whole range or, if no function describes it, of the widest range of a mass that is good.

    Where the fits fail in the whole range it is of the widest range of any mass.

    Raises:
        FitError: the fits fail there, too.
    """
    ranges = {good: [one.bins for one in done.models if one.chosen.good >= good] for good in (True, False)}
    try:
        whole = described(search, slice(0, len(search.spectrum.counts)), done.resonances)
    except FAILURES:
        if not ranges[False]:
            raise
    else:
        if whole.good or not ranges[True]:
            return whole
    widest = max(ranges[True] or ranges[False], key=lambda bins: bins.stop - bins.start)
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
    """The bias test at each of its masses, with the resonances found in the data in the toys and in the fits to them.

    Returns the JSON result of ``docs/fit.md``.
    """
    settings, found = search.settings.bias, scanned(search).resonances
    rng = lookelsewhere.generator(search.settings.seed, search.spectrum.counts)

    def tested(mass: float) -> list[bias.BiasPoint]:
        one = search.model(mass, found)
        truth = bias.truth_fit(one, settings, found)
        again = partial(search.model, mass, found)
        return bias.bias(one, again, truth, settings, search.settings.confidence_level, rng)

    masses = sorted(m for m in search.efficiencies if not settings.masses or m in settings.masses)
    tests, failed = at_each(masses, tested)
    for mass, reason in failed.items():
        log.warning("%g GeV: no bias test: %s", mass, reason)
    chosen = {"truth": settings.truth, "truth_shape_parameters": settings.shape_parameters}
    fitted = {"families": search.settings.background.families, "confidence_level": search.settings.confidence_level}
    return {**chosen, **fitted, "points": [asdict(point) for points in tests.values() for point in points]}


def _progress(masses: Sequence[float]) -> Iterable[float]:
    bar: Iterable[float] = tqdm(masses, desc="masses", unit="mass", disable=None)
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
    if not (reference.good and reference.fit.converged[0]):
        log.warning("no background function describes the spectrum: no BumpHunter; narrow the range.")
        return None
    counts, cuts = reference.spectrum.counts, resolution_cuts(reference.spectrum)
    widths = bumphunter.in_bins(search.settings.bump_widths, reference.spectrum, cuts)
    if len(cuts) <= widths[0]:
        return None
    function, toys = reference.fit.function, search.settings.toys
    found = bumphunter.search(function, counts, cuts, widths, toys, rng, reference.expected)
    return asdict(found)
