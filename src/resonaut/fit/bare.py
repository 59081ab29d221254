"""The search in a spectrum that comes from anywhere."""

import csv
import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.files import folder
from resonaut.core.record import build
from resonaut.core.results import write
from resonaut.core.units import UNITS, quantity
from resonaut.fit import analysis, contents, overrides, spectrum
from resonaut.fit.binning import merge, resolution_cuts
from resonaut.fit.family import FAMILIES
from resonaut.fit.resolution import Resolution
from resonaut.fit.results.bias import SpectrumBias
from resonaut.fit.results.points import FailedPoint, Point
from resonaut.fit.results.scans import Shown, SpectrumScan
from resonaut.fit.search import Efficiency, Search
from resonaut.fit.settings import FitSettings
from resonaut.fit.shapes import Gaussian, Histogram
from resonaut.fit.spectrum import Spectrum

log = logging.getLogger(__name__)

COLUMNS = ("mass", "p_local", "z_local", "z_expected", "signal_yield", "signal_yield_error", "scale_pull")
LIMITS = ("observed", "expected_minus_2", "expected_minus_1", "expected", "expected_plus_1", "expected_plus_2")
# Set by options of their own, or without meaning for a spectrum without a selection.
ELSEWHERE = ("sqrt_s", "masses", "range", "bin_width", "signals", "max_efficiency_error")
# GeV; below it a number without a unit was meant in TeV.
LOWEST_ENERGY = 150.0
# More bins are merged to this share of the signal's width, which moves significances at random by 0.006.
MOST_BINS, FINE = 5000, 0.03
# The observable of a spectrum that does not name it.
OBSERVABLE = "mass"
# Masses far above that of any signal, in its units.
FAR = 1e6
MOST_MASSES = 10_000


def settings_of(texts: list[str], sqrt_s: float, masses: list[float]) -> FitSettings:
    """The defaults, with ``key=value`` or ``key.key=value`` of the section ``fit`` on top.

    Raises:
        ConfigError: a key is unknown or its value wrong.
    """
    given = overrides.section(texts, ELSEWHERE, "background.shape_parameters=[2,4]")
    settings = build({"sqrt_s": sqrt_s, "masses": masses} | given, FitSettings, "--set")
    FAMILIES.require("--set background.families", settings.background.families)
    FAMILIES.require("--set bias.truth", [settings.bias.truth])
    return settings


@dataclass(frozen=True)
class Options:
    """Options of ``resonaut fit scan`` as they were given; numbers may have units."""

    spectrum: str
    sqrt_s: str
    masses: str
    luminosity: str | None = None
    range: str | None = None
    signal: str | None = None
    contents: str | None = None
    mass_unit: str | None = None
    observable: str | None = None
    settings: tuple[str, ...] = ()


def search_of(options: Options) -> Search:
    """The search in a spectrum."""
    wanted = parse_masses(options.masses)
    settings = settings_of(list(options.settings), _energy(options.sqrt_s), wanted)
    luminosity = None if options.luminosity is None else quantity(options.luminosity, "1/fb", "--luminosity")
    if luminosity is not None and not 0 < luminosity < np.inf:
        raise ConfigError(f"--luminosity is {luminosity:g}; give the luminosity of the spectrum in 1/fb.")
    if options.mass_unit not in (None, *UNITS["GeV"]):
        raise ConfigError(f"--mass-unit {options.mass_unit!r} is none of {', '.join(UNITS['GeV'])}.")
    given = None if options.contents is None else contents.option(options.contents)
    whole = spectrum.read(options.spectrum, luminosity, given, options.mass_unit)
    if options.range is not None:
        whole = whole.between(*_numbers(options.range, "--range", "low:high"))
    for key, chosen in (("limit_checks", settings.limit_checks.masses), ("bias", settings.bias.masses)):
        unknown = [mass for mass in chosen if mass not in wanted]
        if unknown:
            raise ConfigError(f"--set {key}.masses: {unknown[0]:g} GeV is not among --masses; give one of them.")
    settings = replace(settings, range=(float(whole.edges[0]), float(whole.edges[-1])))
    shape = Gaussian(settings.signal_width) if options.signal is None else _given_signal(options.signal)
    width = _width(shape)
    if settings.uncertainties.scale > width:
        log.warning(
            "the signal's scale is uncertain by %.2g %%, and its width is %.2g %%; is --set uncertainties.scale right?",
            100 * settings.uncertainties.scale,
            100 * width,
        )
    if len(whole.counts) > MOST_BINS:
        whole = _merged(whole, FINE * width)
    observable = options.observable or whole.observable or OBSERVABLE
    whole = replace(whole, resolution=Resolution(settings.resolution or width), observable=observable)
    # Without a simulated signal nothing is lost: limits are on cross section x acceptance x efficiency.
    sizes = {"efficiency": settings.uncertainties.efficiency, "luminosity": settings.uncertainties.luminosity}
    efficiency = Efficiency(None, {}, False) if luminosity is None else Efficiency(1.0, sizes, True)
    return Search(whole, shape, luminosity, dict.fromkeys(wanted, efficiency), settings)


def _merged(whole: Spectrum, width: float) -> Spectrum:
    """The spectrum in bins of ``width``, relative to the mass, where its own are narrower."""
    cuts = Resolution(width).cuts(whole.edges)
    log.info("%d bins are merged to %d, %g of the signal's width each.", len(whole.counts), len(cuts) - 1, FINE)
    return replace(whole, edges=whole.edges[cuts], counts=merge(whole.counts, cuts))


def _width(shape: Gaussian | Histogram) -> float:
    """Half the central interval that holds 68 % of a signal, in units of its mass; it is the same at every mass."""
    if isinstance(shape, Gaussian):
        return shape.width
    low, high = (brentq(lambda y, q=q: float(shape.cumulative(1.0, y)) - q, 0, FAR) for q in norm.cdf([-1, 1]))
    return float(high - low) / 2


def _given_signal(text: str) -> Histogram:
    """The shape from ``file@mass``."""
    file, _, mass = text.rpartition("@")
    try:
        value = quantity(mass, "GeV", "--signal")
    except ConfigError:
        value = np.nan
    if not 0 < value < np.inf:
        raise ConfigError(f"--signal {text!r} names no mass; give file@mass, such as signal.csv@3500.")
    given = spectrum.read(file, luminosity=None, shape=True)
    if not given.counts.sum() > 0:
        raise InputFileError(file, "the signal's histogram has no events", "give one of selected simulated signal")
    if (given.counts < 0).any():
        log.warning("%s: bins of negative sums of weights are merged with those beside them.", file)
        given = _rising(given)
    return Histogram(value, given)


def _rising(given: Spectrum) -> Spectrum:
    """The same with negative bins merged with those beside them until none is left, and with the same total.

    Kept are the edges up to which there is no less than up to any before, and no more than up to any after.
    """
    below = np.clip(np.concatenate([[0.0], np.cumsum(given.counts)]), 0.0, given.counts.sum())
    before, after = np.maximum.accumulate(below), np.minimum.accumulate(below[::-1])[::-1]
    kept = (before == below) & (below == after)
    return replace(given, edges=given.edges[kept], counts=np.diff(below[kept]))


def _energy(text: str) -> float:
    """The centre-of-mass energy in GeV."""
    value = quantity(text, "GeV", "--sqrt-s")
    if 0 < value < LOWEST_ENERGY and text.strip()[-1:].isdigit():
        raise ConfigError(
            f"--sqrt-s is {text} without a unit, which would be GeV: implausible; write '{text} TeV' or '{text} GeV'."
        )
    return value


def scan_spectrum(search: Search, source: str, output: Path) -> None:
    """Search the spectrum; write ``scan.json``, ``scan.csv`` and the workspaces into ``output``."""
    searched, cuts = search.spectrum, resolution_cuts(search.spectrum)
    with folder(output, "scan") as partial:
        found = SpectrumScan(
            **vars(analysis.run(search, partial)),
            spectrum_file=source,
            observable=searched.observable,
            resolution=searched.resolution.relative,
            # In bins as wide as the resolution or in those of the file.
            spectrum=Shown(edges=searched.edges[cuts].tolist(), counts=merge(searched.counts, cuts).tolist()),
        )
        write(partial / "scan.json", found)
        with (partial / "scan.csv").open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([*COLUMNS, *(f"limit_events_{name}" for name in LIMITS)])
            writer.writerows(_line(point) for point in found.scan)


def _line(point: Point | FailedPoint) -> list[float | None]:
    """The columns of a mass, empty where there is no number."""
    if isinstance(point, FailedPoint):
        return [point.mass, *[None] * (len(COLUMNS) - 1 + len(LIMITS))]
    limits = [point.limit_events and getattr(point.limit_events, name) for name in LIMITS]
    return [*(getattr(point, column) for column in COLUMNS), *limits]


def bias_spectrum(search: Search, source: str, output: Path) -> None:
    """The bias test of the fits to the spectrum; write ``bias.json``."""
    with folder(output, "bias") as partial:
        write(partial / "bias.json", SpectrumBias(**vars(analysis.run_bias(search)), spectrum_file=source))


def parse_masses(text: str) -> list[float]:
    """``first:last:step`` as a list, both ends included."""
    first, last, step = _numbers(text, "--masses", "first:last:step")
    steps = np.floor((last - first) / step + 1e-9) if step > 0 else -1.0
    if steps >= MOST_MASSES:
        raise ConfigError(f"--masses {text!r} are {steps + 1:.3g} masses; give at most {MOST_MASSES}, in larger steps.")
    count = int(steps) + 1
    if count < 1 or first <= 0:
        raise ConfigError(f"--masses {text!r} is not first:last:step in GeV; give for example 2000:6000:100.")
    return [first + step * i for i in range(count)]


def _numbers(text: str, option: str, form: str) -> list[float]:
    """The numbers in ``text``, GeV; a unit at its end is that of all of them."""
    parts, unit = text.split(":"), (re.findall(r"[A-Za-z]*$", text.strip()) or [""])[0]
    try:
        values = [quantity(part if part.strip().endswith(unit) else f"{part} {unit}", "GeV", option) for part in parts]
    except ConfigError:
        values = []
    if len(values) != len(form.split(":")) or not np.isfinite(values).all():
        raise ConfigError(f"{option} {text!r} is not {form} in GeV; give for example {_example(form)}.")
    return values


def _example(form: str) -> str:
    return "2000:6000:100" if form.count(":") == 2 else "2000:8000"
