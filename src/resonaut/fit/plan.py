"""What the section ``fit`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from resonaut.core import windows
from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

# Of a bin: as far as edges may lie from each other and still be the same.
SAME = 1e-6


NEEDS: tuple[str, ...] = ("select",)
AFTER: tuple[str, ...] = ()


def section() -> type:
    """The record of the section ``fit``."""
    from resonaut.fit.settings import FitSettings

    return FitSettings


def keys(analysis: "Analysis", command: str, *window: str) -> dict[str, Any]:
    """What a job reads: the masses in its window, and the bias test's keys only if it is one."""
    section = analysis.config["fit"]
    found = {key: value for key, value in section.items() if key != "bias" or command == "bias"}
    for name in window:
        low, high = analysis.config["select"]["windows"][name]["signal_region"]
        found["masses"] = [mass for mass in section["masses"] if low <= mass < high]
        checked = [mass for mass in section["limit_checks"]["masses"] if mass in found["masses"]]
        found["limit_checks"] = section["limit_checks"] | {"masses": checked}
    return found


def _selections(analysis: "Analysis", ending: str) -> list[str]:
    """A file of each method in each window."""
    section = analysis.config["select"]
    pairs = [(method, window) for method in section["methods"] for window in section["windows"]]
    return [f"<results>/fit/{method}/{window}{ending}" for method, window in pairs]


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "results": lambda analysis: _selections(analysis, ".json"),
    "bias": lambda analysis: _selections(analysis, "_bias.json"),
    "summary": lambda _: ["<results>/fit/summary.json"],
}


def check(analysis: "Analysis") -> None:
    """Stop at the first key of ``fit`` that contradicts another or another section; nothing heavy is imported.

    Raises:
        ConfigError: one sentence with the key and the way out.
    """
    config = analysis.config
    if "fit" not in config["search"]["stages"]:
        return
    for problem in (*_ranges(config), *_masses(config), *_signals(analysis)):
        raise ConfigError(f"config: {problem}.")
    _require_families(config)


def _require_families(config: dict[str, Any]) -> None:
    from resonaut.fit.family import FAMILIES

    known, fit = FAMILIES.joined(config["code"]), config["fit"]
    known.require("config: fit.background.families", fit["background"]["families"])
    known.require("config: fit.bias.truth", [fit["bias"]["truth"]])


def own_code(analysis: "Analysis", *more: str) -> list[str]:
    """The user's own files with the background functions of the fits, and with ``more``."""
    from resonaut.fit.family import FAMILIES

    return FAMILIES.files([*analysis.config["fit"]["background"]["families"], *more], analysis.config["code"])


def bias_code(analysis: "Analysis") -> list[str]:
    """The user's own files that the bias test uses, whose toys may come from a function of their own."""
    return own_code(analysis, analysis.config["fit"]["bias"]["truth"])


def _ranges(config: dict[str, Any]) -> Iterator[str]:
    """Ranges upside down, outside the spectrum, or not made of its bins."""
    fit, spectrum = config["fit"], config["select"]["spectrum"]
    (low, high), width = fit["range"], fit["bin_width"]
    for key, (first, last) in {
        "range": fit["range"],
        "background.shape_parameters": fit["background"]["shape_parameters"],
        "bump_widths": fit["bump_widths"],
    }.items():
        if last < first or (key == "range" and last == first):
            yield f"fit.{key} is [{first:g}, {last:g}]; give the lower value first"
    if high > fit["sqrt_s"]:
        yield f"fit.range ends at {high:g} GeV, above fit.sqrt_s ({fit['sqrt_s']:g} GeV); lower it"
    if not _multiple(high - low, width):
        yield (
            f"fit.range, {low:g} to {high:g} GeV, is no whole number of bins of {width:g} GeV, fit.bin_width; "
            "change one"
        )
    if low < spectrum["low"] or high > spectrum["high"]:
        yield (
            f"fit.range, {low:g} to {high:g} GeV, is not inside select.spectrum, {spectrum['low']:g} to "
            f"{spectrum['high']:g} GeV; change one"
        )
    if not (_multiple(width, spectrum["width"]) and _multiple(low - spectrum["low"], spectrum["width"])):
        yield (
            f"the bins of fit.range and fit.bin_width, {width:g} GeV from {low:g} GeV, are not made of whole bins of "
            f"select.spectrum, {spectrum['width']:g} GeV from {spectrum['low']:g} GeV; change one"
        )


def _multiple(value: float, unit: float) -> bool:
    return abs(value / unit - round(value / unit)) < SAME and (value == 0 or round(value / unit) > 0)


def _masses(config: dict[str, Any]) -> Iterator[str]:
    """Masses twice, outside the range, in no window, and checks at masses that are not fitted."""
    fit, select = config["fit"], config["select"]
    masses, (low, high) = fit["masses"], fit["range"]
    if not masses:
        yield "fit.masses is empty; give at least one mass in GeV"
    if any(second <= first for first, second in pairwise(masses)):
        yield "fit.masses are not ascending, or one is there twice; sort them"
    outside = [mass for mass in masses if not low < mass < high]
    if outside:
        yield f"fit.masses: {_listed(outside)} GeV not inside fit.range, {low:g} to {high:g} GeV; change one"
    every = [*select["windows"].values(), *windows.expand({}, select["window_chains"]).values()]
    regions = [window["signal_region"] for window in every]
    nowhere = [mass for mass in masses if not any(first <= mass < last for first, last in regions)]
    if nowhere:
        yield (
            f"fit.masses: {_listed(nowhere)} GeV in no signal region of select.windows, and would not be fitted; take "
            "out the mass, or add a window"
        )
    for key in ("limit_checks", "bias"):
        unknown = [mass for mass in fit[key]["masses"] if mass not in masses]
        if unknown:
            yield f"fit.{key}.masses: {_listed(unknown)} GeV not among fit.masses; add it there or take it out"


def _signals(analysis: "Analysis") -> Iterator[str]:
    """Signals that are not in the analysis, without a mass, or two of one mass."""
    from resonaut.fit.settings import two_of_one_mass

    config, by_mass = analysis.config, dict[float, str]()
    for name in analysis.sample("data") if config["fit"]["signals"] else []:
        if config["datasets"][name]["luminosity"] is None:
            yield f"fit.signals asks for limits in fb; set datasets.{name}.luminosity, or empty fit.signals"
    for name in config["fit"]["signals"]:
        entry = config["datasets"].get(name)
        if name not in analysis.sample("signal") or entry is None:
            yield f"fit.signals names {name!r}, which is not in search.samples.signal; add it there or take it out"
        elif entry["mass"] is None:
            yield f"fit.signals names {name!r}, which has no mass; set datasets.{name}.mass"
        elif entry["mass"] in by_mass:
            yield two_of_one_mass(by_mass[entry["mass"]], name, entry["mass"])
        else:
            by_mass[entry["mass"]] = name


def _listed(masses: Sequence[float]) -> str:
    return ", ".join(f"{mass:g}" for mass in masses)
