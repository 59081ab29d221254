"""From a spectrum to results: all masses of a search, the look-elsewhere effect, and the bias test."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from resonaut.fit import bias, bumphunter, lookelsewhere
from resonaut.fit.background import FAILURES, Resonance, good, ordered
from resonaut.fit.binning import quality, resolution_cuts
from resonaut.fit.family import Array
from resonaut.fit.likelihood import Fit, fit
from resonaut.fit.lookelsewhere import ScanToys
from resonaut.fit.point import point
from resonaut.fit.results import scans
from resonaut.fit.results.bias import Bias, BiasPoint
from resonaut.fit.results.fits import Background, FoundResonance
from resonaut.fit.results.points import FailedPoint, Point, largest
from resonaut.fit.search import Scan, Search, at_each, scanned
from resonaut.fit.spectrum import Spectrum

log = logging.getLogger(__name__)


def run(search: Search, workspaces: Path) -> scans.Scan:
    """Fit each mass, throw toys; one HistFactory file a mass in the folder ``workspaces``.

    Raises:
        FitError, EmptySelectionError: no mass can be fitted, and ``settings.unfitted`` is ``stop``.
    """
    try:
        return _searched(search, workspaces)
    except FAILURES as error:
        if search.settings.unfitted == "stop":
            raise
        log.warning("no result at any mass: %s", error)
        return _without_fit(search, str(error))


def _searched(search: Search, workspaces: Path) -> scans.Scan:
    settings, spectrum = search.settings, search.spectrum
    done = scanned(search)
    for one in done.resonances:
        log.info("%s: %.1f sigma; floats in the background of the other masses", spectrum.said(one.mass), one.z_local)
    fits = {one.mass: (one, excess) for one, excess in zip(done.models, done.found, strict=True)}
    points, failed = at_each(search, _progress(list(fits)), lambda mass: point(search, *fits[mass], workspaces))
    failed |= done.failed
    for mass, reason in sorted(failed.items()):
        log.warning("%s: no result: %s", spectrum.said(mass), reason)
    rng = lookelsewhere.generator(settings.seed, spectrum.counts)
    models, toys = [one for one in done.models if one.chosen.good and one.mass in points], None
    if settings.toys and models:
        toys = lookelsewhere.scan_toys(models, done.resonances, len(spectrum.counts), settings.toys, rng)
    reference = _reference(search, done)
    scan: list[Point | FailedPoint] = list(points.values())
    scan += [FailedPoint(mass=mass, limit_reason=reason) for mass, reason in failed.items()]
    return scans.Scan(
        sqrt_s=settings.sqrt_s,
        luminosity=search.luminosity,
        confidence_level=settings.confidence_level,
        background=_background(reference),
        resonances=[
            FoundResonance(mass=one.mass, z_local=one.z_local if one.mass in points else None)
            for one in done.resonances
        ],
        scan=sorted(scan, key=lambda point: point.mass),
        global_=_global(list(points.values()), toys),
        toys=None if toys is None else scans.Toys(z_max=toys.z_max.tolist(), up_crossings=toys.up_crossings),
        bump_hunter=_bump(search, reference, rng),
    )


def _without_fit(search: Search, reason: str) -> scans.Scan:
    """No mass has a result; all events are in one bin, which no function describes."""
    edges, events = search.spectrum.edges, float(search.spectrum.counts.sum())
    return scans.Scan(
        sqrt_s=search.settings.sqrt_s,
        luminosity=search.luminosity,
        confidence_level=search.settings.confidence_level,
        background=Background(
            family="none",
            shape_parameters=0,
            good=False,
            parameters=[],
            chi2=0.0,
            ndf=0,
            p_value=None,
            edges=[float(edges[0]), float(edges[-1])],
            counts=[events],
            expected=[events],
            pulls=[0.0],
        ),
        resonances=[],
        scan=[FailedPoint(mass=mass, limit_reason=reason) for mass in sorted(search.efficiencies)],
        global_=None,
        toys=None,
        bump_hunter=None,
    )


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


def run_bias(search: Search) -> Bias:
    """The bias test at each mass, with the resonances found in the data in the toys and in the fits to them."""
    settings, found = search.settings.bias, scanned(search).resonances
    rng = lookelsewhere.generator(search.settings.seed, search.spectrum.counts)

    def tested(mass: float) -> list[BiasPoint]:
        one = search.model(mass, found)
        truth = bias.truth_fit(one, settings, found)
        again = partial(search.model, mass, found)
        return bias.bias(one, again, truth, settings, search.settings.confidence_level, rng)

    masses = sorted(m for m in search.efficiencies if not settings.masses or m in settings.masses)
    tests, failed = at_each(search, masses, tested)
    for mass, reason in failed.items():
        log.warning("%s: no bias test: %s", search.spectrum.said(mass), reason)
    return Bias(
        truth=settings.truth,
        truth_shape_parameters=settings.shape_parameters,
        families=list(search.settings.background.families),
        confidence_level=search.settings.confidence_level,
        points=[point for points in tests.values() for point in points],
    )


def _progress(masses: Sequence[float]) -> Iterable[float]:
    bar: Iterable[float] = tqdm(masses, desc="masses", unit="mass", disable=None)
    return bar


def _background(reference: Reference) -> Background:
    function, spectrum = reference.fit.function, reference.spectrum
    judged = quality(spectrum, reference.fit.background[0], function.n_parameters)
    log.info("background: chi2/ndf = %.1f/%d, p = %s", judged.chi2, judged.ndf, judged.p_value)
    return Background(
        family=function.family,
        shape_parameters=function.shape_parameters,
        good=reference.good,
        parameters=function.parameters(reference.fit.theta[0]).tolist(),
        chi2=judged.chi2,
        ndf=judged.ndf,
        p_value=judged.p_value,
        edges=judged.edges.tolist(),
        counts=judged.counts.tolist(),
        expected=judged.expected.tolist(),
        pulls=judged.pulls.tolist(),
    )


def _global(points: list[Point], toys: ScanToys | None) -> scans.Global | None:
    best = largest(points)
    return None if best is None else lookelsewhere.combine([(best.mass, best.z_local, toys)])


def _bump(search: Search, reference: Reference, rng: np.random.Generator) -> scans.BumpResult | None:
    if not (reference.good and reference.fit.converged[0]):
        log.warning("no background function describes the spectrum: no BumpHunter; narrow the range.")
        return None
    counts, cuts = reference.spectrum.counts, resolution_cuts(reference.spectrum)
    widths = bumphunter.in_bins(search.settings.bump_widths, reference.spectrum, cuts)
    if len(cuts) <= widths[0]:
        return None
    function, toys = reference.fit.function, search.settings.toys
    return bumphunter.search(function, counts, cuts, widths, toys, rng, reference.expected)
