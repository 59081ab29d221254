"""What the section ``fit`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from resonaut.core import observables
from resonaut.core.errors import ConfigError
from resonaut.fit.masses import plan as masses
from resonaut.fit.templates import checks
from resonaut.fit.templates import plan as templates

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

# Of a bin: as far as edges may lie from each other and still be the same.
SAME = 1e-6
# Keys of what is fitted beside the spectra.
TEMPLATES = ("models", "mass_scans")
# Keys that an observable other than the default has to give.
OWN = ("range", "bin_width", "masses")


NEEDS: tuple[str, ...] = ()
AFTER: tuple[str, ...] = ("skim", "tag", "calibrate", "reweight", "classify", "select")


def section() -> type:
    """The record of the section ``fit``."""
    from resonaut.fit.section import Section

    return Section


def section_of(analysis: "Analysis", observable: str) -> dict[str, Any]:
    """The section as it holds for the spectra of an observable, without its models of templates.

    Signals and checks at masses are its own, or there are none; the resolution of dijets is that of the default alone.
    """
    section = {name: value for name, value in analysis.config["fit"].items() if name not in TEMPLATES}
    found = observables.of("fit", section, observable, OWN)
    if observable != observables.DEFAULT:
        given = section["observables"][observable]
        found["signals"] = given.get("signals", [])
        found["resolution"] = given.get("resolution") or found["signal_width"]
        for name in ("limit_checks", "bias"):
            found[name] = found[name] | {"masses": given.get(name, {}).get("masses", [])}
    return found


def keys(analysis: "Analysis", command: str, *names: str) -> dict[str, Any]:
    """What a job reads: the masses in its window, and the bias test's keys only if it is one; or a model's own."""
    if command in templates.JOBS:
        return templates.keys(analysis, command, *names)
    if command == masses.JOB:
        return masses.keys(analysis, *names)
    (window,) = names
    searched = analysis.config["select"]["windows"][window]
    section = section_of(analysis, searched["observable"])
    # What only some of the jobs read.
    own = {"bias": "bias", "prediction": "prediction"}
    found = {key: value for key, value in section.items() if own.get(key, command) == command}
    low, high = searched["signal_region"]
    found["masses"] = [mass for mass in section["masses"] if low <= mass < high]
    checked = [mass for mass in section["limit_checks"]["masses"] if mass in found["masses"]]
    found["limit_checks"] = section["limit_checks"] | {"masses": checked}
    return found


def _selections(analysis: "Analysis", ending: str) -> list[str]:
    """A file of each method in each window; none without ``select``."""
    if not analysis.uses("select"):
        return []
    section = analysis.config["select"]
    pairs = [(method, window) for method in section["methods"] for window in section["windows"]]
    return [f"<results>/fit/{method}/{window}{ending}" for method, window in pairs]


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "results": lambda analysis: _selections(analysis, ".json"),
    "wider": lambda analysis: _selections(analysis, ".json") if wider(analysis) else [],
    "bias": lambda analysis: _selections(analysis, "_bias.json"),
    "summary": lambda analysis: ["<results>/fit/summary.json"] if analysis.uses("select") else [],
    "predictions": lambda analysis: _selections(analysis, "_prediction.json") if predicts(analysis) else [],
    "workspaces": templates.workspaces,
    "descriptions": templates.descriptions,
    "models": templates.results,
    "compared": templates.compared,
    "couplings": templates.couplings,
    "transferred": masses.transferred,
    "mass_scans": masses.files,
}


def wider(analysis: "Analysis") -> bool:
    """Whether there are limits on resonances of further widths, in any window."""
    section = analysis.config["fit"]
    return any(one.get("limit_widths") for one in (section, *section["observables"].values()))


def predicts(analysis: "Analysis") -> bool:
    """Whether the background is predicted from simulation, too."""
    return analysis.config["fit"]["prediction"] != "none" and bool(analysis.sample("data"))


def weighting(analysis: "Analysis") -> list[tuple[str, str]]:
    """Each simulated background with each folder of its friends that a prediction reads, beside that of the method."""
    tagged = ["tag"] if analysis.uses("tag") else []
    return [(name, folder) for name in analysis.sample("background") for folder in (*analysis.weights(name), *tagged)]


def predicted_from(analysis: "Analysis", method: str, window: str) -> list[str]:
    """The files with events and weights that the prediction for a selection reads."""
    names = analysis.sample("background")
    found = [*analysis.friends("skim", *names), *analysis.friends(f"select/{method}/{window}", *names)]
    return [*found, *(path for name, folder in weighting(analysis) for path in analysis.friends(folder, name))]


def check(analysis: "Analysis") -> None:
    """Stop at the first key of ``fit`` that contradicts another or another section; nothing heavy is imported.

    Raises:
        ConfigError: one sentence with the key and the way out.
    """
    config = analysis.config
    if "fit" not in config["search"]["stages"]:
        return
    checks.check(analysis)
    masses.check(analysis)
    if not analysis.uses("select"):
        _require_models(analysis)
        return
    if config["fit"]["prediction"] != "none" and not analysis.sample("background"):
        raise ConfigError(
            "config: fit.prediction compares with simulated background, and there is none; name datasets in "
            "search.samples.background, or set it to none."
        )
    for observable in _observables(analysis):
        one = _Checked(analysis, observable, section_of(analysis, observable))
        for problem in (*_ranges(one), *_masses(one), *_signals(one)):
            raise ConfigError(f"config: {problem}.")
        _require_families(one)


def _require_models(analysis: "Analysis") -> None:
    """Without ``select`` there are no spectra, and only models can be fitted."""
    if not templates.models(analysis):
        raise ConfigError(
            "config: search.stages has 'fit', which reads what 'select' makes; add 'select', or give fit.models, or "
            "take 'fit' out."
        )


@dataclass(frozen=True)
class _Checked:
    """The section as it is for one observable."""

    analysis: "Analysis"
    observable: str
    fit: dict[str, Any]

    def place(self, verb: str) -> str:
        """Where the keys of a stage stand for the observable."""
        return verb if self.observable == observables.DEFAULT else f"{verb}.observables.{self.observable}"

    @property
    def unit(self) -> str:
        """Of its values in a sentence; that of another observable than the default stands in the data."""
        return "GeV" if self.observable == observables.DEFAULT else "1"

    def said(self, value: float) -> str:
        """A value in a sentence."""
        return observables.said(value, self.unit)

    def interval(self, low: float, high: float) -> str:
        """A range in a sentence."""
        return observables.interval(low, high, self.unit)

    def listed(self, values: Sequence[float]) -> str:
        """Values in a sentence."""
        return ", ".join([*(f"{value:g}" for value in values[:-1]), self.said(values[-1])])

    @property
    def key(self) -> str:
        """Where those of this section stand."""
        return self.place("fit")


def _observables(analysis: "Analysis") -> list[str]:
    """Those of the windows.

    Raises:
        ConfigError: there are keys for another one.
    """
    found = list(dict.fromkeys(window["observable"] for window in analysis.config["select"]["windows"].values()))
    for name in analysis.config["fit"]["observables"]:
        if name not in found:
            raise ConfigError(
                f"config: fit.observables.{name}: no window of select.windows is in {name!r}; add one, or take it out."
            )
    return found


def _require_families(one: _Checked) -> None:
    from resonaut.fit.family import FAMILIES

    known = FAMILIES.joined(one.analysis.config["code"])
    known.require(f"config: {one.key}.background.families", one.fit["background"]["families"])
    known.require(f"config: {one.key}.bias.truth", [one.fit["bias"]["truth"]])


def own_code(analysis: "Analysis", window: str) -> list[str]:
    """The user's own files with the background functions of the fits in a window."""
    return _code(analysis, _section(analysis, window)["background"]["families"])


def bias_code(analysis: "Analysis", window: str) -> list[str]:
    """The user's own files that the bias test uses, whose toys may come from a function of their own."""
    section = _section(analysis, window)
    return _code(analysis, [*section["background"]["families"], section["bias"]["truth"]])


def _section(analysis: "Analysis", window: str) -> dict[str, Any]:
    return section_of(analysis, analysis.config["select"]["windows"][window]["observable"])


def _code(analysis: "Analysis", functions: Sequence[str]) -> list[str]:
    from resonaut.fit.family import FAMILIES

    return FAMILIES.files(functions, analysis.config["code"])


def _ranges(one: _Checked) -> Iterator[str]:
    """Ranges upside down, outside the spectrum, or not made of its bins."""
    fit, where, stored = one.fit, one.key, f"{one.place('select')}.spectrum"
    spectrum = observables.of("select", one.analysis.config["select"], one.observable, ("spectrum",))["spectrum"]
    (low, high), width = fit["range"], fit["bin_width"]
    for key, (first, last) in {
        "range": fit["range"],
        "background.shape_parameters": fit["background"]["shape_parameters"],
        "bump_widths": fit["bump_widths"],
    }.items():
        if last < first or (key == "range" and last == first):
            yield f"{where}.{key} is [{first:g}, {last:g}]; give the lower value first"
    if high > fit["sqrt_s"]:
        yield f"{where}.range ends at {one.said(high)}, above {where}.sqrt_s ({fit['sqrt_s']:g} GeV); lower it"
    if not _multiple(high - low, width):
        yield (
            f"{where}.range, {one.interval(low, high)}, is no whole number of bins of {one.said(width)}, "
            f"{where}.bin_width; change one"
        )
    if low < spectrum["low"] or high > spectrum["high"]:
        yield (
            f"{where}.range, {one.interval(low, high)}, is not inside {stored}, "
            f"{one.interval(spectrum['low'], spectrum['high'])}; change one"
        )
    if not (_multiple(width, spectrum["width"]) and _multiple(low - spectrum["low"], spectrum["width"])):
        yield (
            f"the bins of {where}.range and {where}.bin_width, {one.said(width)} from {one.said(low)}, are not made of "
            f"whole bins of {stored}, {one.said(spectrum['width'])} from {one.said(spectrum['low'])}; change one"
        )


def _multiple(value: float, unit: float) -> bool:
    return abs(value / unit - round(value / unit)) < SAME and (value == 0 or round(value / unit) > 0)


def _masses(one: _Checked) -> Iterator[str]:
    """Masses twice, outside the range, in no window, and checks at masses that are not fitted."""
    fit, where = one.fit, one.key
    masses, (low, high) = fit["masses"], fit["range"]
    if not masses:
        yield f"{where}.masses is empty; give at least one mass"
    if any(second <= first for first, second in pairwise(masses)):
        yield f"{where}.masses are not ascending, or one is there twice; sort them"
    outside = [mass for mass in masses if not low < mass < high]
    if outside:
        yield f"{where}.masses: {one.listed(outside)} not inside {where}.range, {one.interval(low, high)}; change one"
    windows = one.analysis.config["select"]["windows"].values()
    regions = [window["signal_region"] for window in windows if window["observable"] == one.observable]
    nowhere = [mass for mass in masses if not any(first <= mass < last for first, last in regions)]
    if nowhere:
        yield (
            f"{where}.masses: {one.listed(nowhere)} in no signal region of select.windows, and would not be fitted; "
            "take out the mass, or add a window"
        )
    for key in ("limit_checks", "bias"):
        unknown = [mass for mass in fit[key]["masses"] if mass not in masses]
        if unknown:
            yield f"{where}.{key}.masses: {one.listed(unknown)} not among {where}.masses; add it there or take it out"


def _signals(one: _Checked) -> Iterator[str]:
    """Signals that are not in the analysis, without a mass, or two of one mass."""
    from resonaut.fit.settings import two_of_one_mass

    analysis, config, where, by_mass = one.analysis, one.analysis.config, one.key, dict[float, str]()
    for name in analysis.sample("data") if one.fit["signals"] else []:
        if config["datasets"][name]["luminosity"] is None:
            yield f"{where}.signals asks for limits in fb; set datasets.{name}.luminosity, or empty {where}.signals"
    for name in one.fit["signals"]:
        entry = config["datasets"].get(name)
        if name not in analysis.sample("signal") or entry is None:
            yield f"{where}.signals names {name!r}, which is not in search.samples.signal; add it there or take it out"
        elif entry["mass"] is None:
            yield f"{where}.signals names {name!r}, which has no mass; set datasets.{name}.mass"
        elif entry["mass"] in by_mass:
            yield two_of_one_mass(by_mass[entry["mass"]], name, one.said(entry["mass"]))
        else:
            by_mass[entry["mass"]] = name
