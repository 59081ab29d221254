"""The search in a spectrum that comes from anywhere."""

import csv
import functools
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from resonaut import config, schema
from resonaut.errors import ConfigError, InputFileError
from resonaut.files import folder, write_json
from resonaut.fit import analysis, spectrum
from resonaut.fit.analysis import Efficiency, Search
from resonaut.fit.settings import FitSettings
from resonaut.fit.signal import Gaussian, Histogram, Shape

log = logging.getLogger(__name__)

SCHEMAS = Path(__file__).parents[3] / "workflow" / "schemas"
COLUMNS = ("mass", "p_local", "z_local", "z_expected", "signal_yield", "signal_yield_error")
LIMITS = ("observed", "expected_minus_2", "expected_minus_1", "expected", "expected_plus_1", "expected_plus_2")
# Set by options of their own, or without meaning for a spectrum without a selection.
ELSEWHERE = ("sqrt_s", "masses", "range", "bin_width", "signals", "max_efficiency_error")


def settings_of(overrides: list[str], sqrt_s: float, masses: list[float]) -> FitSettings:
    """The schema's defaults, with ``key=value`` or ``key.key=value`` of the section ``fit`` on top.

    Raises:
        ConfigError: a key or a value is not one of the schema's.
    """
    section: dict[str, Any] = {"sqrt_s": sqrt_s, "masses": masses}
    for text in overrides:
        path, found, value = text.partition("=")
        *parents, key = path.split(".")
        if not found or path in ELSEWHERE:
            raise ConfigError(f"--set {text!r} is not key=value of a fit; give for example --set signal_width=0.05.")
        place = section
        try:
            for parent in parents:
                place = place.setdefault(parent, {})
            place[key] = yaml.safe_load(value)
        except (yaml.YAMLError, AttributeError, TypeError):
            raise ConfigError(
                f"--set {text!r} cannot be read; give for example --set background.shape_parameters=[2,4]."
            ) from None
    settings: FitSettings = config.build(schema.validate({"fit": section}, _schema())["fit"], FitSettings, "--set")
    return settings


@functools.cache
def _schema() -> dict[str, Any]:
    return {"properties": {"fit": schema.load(SCHEMAS)["properties"]["fit"]}}


def search_of(
    source: str,
    sqrt_s: float,
    masses: str,
    luminosity: float | None,
    mass_range: str | None,
    signal: str | None,
    overrides: list[str],
) -> Search:
    """The search in a spectrum; the arguments are the options of ``resonaut fit scan``."""
    wanted = parse_masses(masses)
    settings = settings_of(overrides, sqrt_s, wanted)
    if luminosity is not None and not 0 < luminosity < np.inf:
        raise ConfigError(f"--luminosity is {luminosity:g}; give the luminosity of the spectrum in 1/fb.")
    whole = spectrum.read(source, luminosity)
    if not np.array_equal(whole.counts, np.round(whole.counts)):
        log.warning("%s: the counts are not whole numbers; the fits take them as numbers of events.", source)
    if mass_range is not None:
        whole = whole.between(*_numbers(mass_range, "--range", "low:high"))
    settings = replace(settings, range=(float(whole.edges[0]), float(whole.edges[-1])))
    shape: Shape = Gaussian(settings.signal_width)
    if signal is not None:
        shape = _given_signal(signal)
    # Without a simulated signal nothing is lost: limits are on cross section x acceptance x efficiency.
    sizes = {"efficiency": settings.uncertainties.efficiency, "luminosity": settings.uncertainties.luminosity}
    efficiency = Efficiency(None, {}, False) if luminosity is None else Efficiency(1.0, sizes, True)
    return Search(whole, shape, luminosity, dict.fromkeys(wanted, efficiency), settings)


def _given_signal(text: str) -> Histogram:
    """The shape from ``file@mass``."""
    file, _, mass = text.rpartition("@")
    try:
        value = float(mass)
    except ValueError:
        value = np.nan
    if not 0 < value < np.inf:
        raise ConfigError(f"--signal {text!r} names no mass; give file@mass, such as signal.csv@3500.")
    given = spectrum.read(file, luminosity=None)
    if not given.counts.any():
        raise InputFileError(file, "the signal's histogram has no events", "give one of selected simulated signal")
    return Histogram(value, given)


def scan_spectrum(search: Search, source: str, output: Path) -> None:
    """Search the spectrum; write ``scan.json``, ``scan.csv`` and the workspaces into ``output``."""
    with folder(output, "scan") as partial:
        result = analysis.run(search, partial)
        write_json(partial / "scan.json", {"spectrum_file": source} | result)
        with (partial / "scan.csv").open("w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([*COLUMNS, *(f"limit_events_{name}" for name in LIMITS)])
            for point in result["scan"]:
                writer.writerow([*(point[c] for c in COLUMNS), *(point["limit_events"][name] for name in LIMITS)])


def bias_spectrum(search: Search, source: str, output: Path) -> None:
    """The bias test of the fits to the spectrum; write ``bias.json``."""
    with folder(output, "bias") as partial:
        write_json(partial / "bias.json", {"spectrum_file": source} | analysis.run_bias(search))


def parse_masses(text: str) -> list[float]:
    """``first:last:step`` as a list, both ends included."""
    first, last, step = _numbers(text, "--masses", "first:last:step")
    count = int(np.floor((last - first) / step + 1e-9)) + 1 if step > 0 else 0
    if count < 1 or first <= 0:
        raise ConfigError(f"--masses {text!r} is not first:last:step in GeV; give for example 2000:6000:100.")
    return [first + step * i for i in range(count)]


def _numbers(text: str, option: str, form: str) -> list[float]:
    parts = text.split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        values = []
    if len(values) != len(form.split(":")) or not np.isfinite(values).all():
        raise ConfigError(f"{option} {text!r} is not {form} in GeV; give for example {_example(form)}.")
    return values


def _example(form: str) -> str:
    return "2000:6000:100" if form.count(":") == 2 else "2000:8000"
