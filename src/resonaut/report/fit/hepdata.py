"""The numbers of the figures as a HEPData submission: submission.yaml and one YAML file a table."""

import contextlib
import tempfile
from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from hepdata_lib import Submission, Table, Uncertainty, Variable

from resonaut.core.observables import interval
from resonaut.fit.results.points import FailedPoint, Limits
from resonaut.report.figure import CONFIG, RESULTS, SUMMARY, Figure, Output
from resonaut.report.fit import results as files
from resonaut.report.fit.results import AnyPoint, Result, Selection, Value, doubts, limit_doubts
from resonaut.report.intervals import poisson_interval
from resonaut.report.settings import label

FIGURE = Figure(
    category="Results",
    subcategory="HEPData",
    reads={"results": RESULTS, "summary": SUMMARY, "config": CONFIG},
    writes={"submission": Output("hepdata", inside="{table}.yaml", labels={"table": "{table}"})},
)

# HEPData shows this where a mass has no number.
MISSING = "-"
# Significant digits; counts keep all of theirs.
DIGITS, ALL_DIGITS = 6, 15
DIJETS = {
    "reactions": ["P P --> JET JET"],
    "phrases": ["Proton-Proton Scattering", "Dijet Production", "Resonance Search"],
}


def draw(output: Path, results: Sequence[Path], summary: Path | None, config: Path | None) -> None:
    """Write the submission into the folder ``hepdata`` of ``output``."""
    read = files.read(results)
    write(read, files.selections(read, summary), label(config), output / "hepdata")


def write(results: Sequence[Result], selections: Sequence[Selection], label: str, folder: Path) -> None:
    """Write the submission into the new ``folder``; hepdata_lib checks it against HEPData's schema.

    Tables: local p-values, signal yields, limits and uncertainties of each selection, and the spectrum of each result.
    """
    content = results[0].content
    submission = Submission()
    submission.comment = _abstract(results[0], label)
    for one in selections:
        for table in (_p_values(one), _yields(one), _limits(one, content.confidence_level), _uncertainties(one)):
            submission.add_table(_described(table, one.name, results[0]))
    for result in results:
        if result.fit.fitted:
            submission.add_table(_described(_spectrum(result), result.selection, result))
    folder = folder.absolute()
    # hepdata_lib leaves the tar file of its check in the current folder; it holds times, and nothing of its own.
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        submission.create_files(str(folder))


def _abstract(result: Result, label: str) -> str:
    content = result.content
    luminosity = "" if content.luminosity is None else f", {content.luminosity:g} fb$^{{-1}}$"
    return (
        f"Search for resonances in the {result.quantity} spectrum "
        f"({label + ', ' if label else ''}"
        f"{content.sqrt_s / 1000:g} TeV{luminosity}): local p-values of the background-only hypothesis, fitted "
        "signal yields, upper limits, and the spectra with their fits."
    )


def _described(table: Table, selection: str, result: Result) -> Table:
    """Give the table its keywords, and each dependent variable its qualifiers."""
    # Of a spectrum from elsewhere nobody said what collides, and to what.
    table.keywords |= {"phrases": ["Resonance Search"]} if result.window is None else DIJETS
    table.keywords |= {"cmenergies": [result.content.sqrt_s]}
    for variable in table.variables:
        if not variable.is_independent:
            variable.add_qualifier("SQRT(S)", result.content.sqrt_s, "GeV")
            if result.content.luminosity is not None:
                variable.add_qualifier("LUMINOSITY", result.content.luminosity, "fb$^{-1}$")
            variable.add_qualifier("SELECTION", selection)
    return table


def _table(name: str, observable: str, figure: str, description: str) -> Table:
    table = Table(name)
    table.location = f"Data from the figure {figure}"
    table.description = description
    table.keywords = {"observables": [observable]}
    return table


def _variable(name: str, values: Sequence[Any], units: str = "", digits: int = DIGITS) -> Variable:
    shown = [MISSING if value is None else value for value in values]
    variable = Variable(name, is_independent=False, is_binned=False, units=units, values=shown)
    variable.digits = digits
    variable.zero_uncertainties_warning = False
    return variable


def _errors(label: str, pairs: Sequence[tuple[float, float]]) -> Uncertainty:
    """Downward errors (negative) and upward ones."""
    uncertainty = Uncertainty(label, is_symmetric=False)
    uncertainty.values = pairs
    return uncertainty


def _remarks(remarks: Sequence[Sequence[str]]) -> Variable:
    """Why what stands beside it is in doubt, or is not there."""
    return _variable("Remarks", ["; ".join(found) or MISSING for found in remarks])


def _units(unit: str) -> str:
    return "" if unit == "1" else unit


def _masses(one: Selection) -> Variable:
    masses = [point.mass for point in one.every]
    return Variable("Resonance mass", is_independent=True, is_binned=False, units=_units(one.mass_unit), values=masses)


def _p_values(one: Selection) -> Table:
    description = (
        f"Local p-values of the background-only hypothesis, selection {one.name}, and the significance Z = "
        "Phi^-1(1 - p), negative for a deficit, for which p is 0.5. "
        f"Expected: the median for a signal of {one.points[0].reference_signal:g} {one.unit}."
    )
    if one.excess is not None and one.excess.z_global is not None:
        description += (
            f" The largest excess, at {one.said(one.excess.mass)}, has a global significance of "
            f"{one.excess.z_global:.2f} standard deviations."
        )
    table = _table(f"Local p-values of {one.name}", "SIG", "p_values.png", description)
    table.add_variable(_masses(one))
    table.add_variable(_variable("Local p-value", one.values(lambda point: point.p_local)))
    table.add_variable(_variable("Local significance", one.values(lambda point: point.z_local)))
    expected = one.values(lambda point: point.z_expected if one.limits(point) else None)
    table.add_variable(_variable("Expected local significance", expected))
    table.add_variable(_remarks([doubts(point) for point in one.every]))
    return table


def _yields(one: Selection) -> Table:
    description = (
        f"Signal events, selection {one.name}: in the fits behind the p-values, with the signal's nominal shape; in "
        "those behind the limits, with its scale and resolution floating, whose pulls are in standard deviations; and "
        "the acceptance times efficiency of the simulated signal where there is one."
    )
    table = _table(f"Signal yields of {one.name}", "N", "p_values.png", description)
    table.add_variable(_masses(one))
    for name, key in (("Signal yield", "signal_yield"), ("Signal yield, shape floating", "signal_yield_floating")):
        found = _variable(name, one.values(attrgetter(key)), "events")
        errors = [_sides(point, key) for point in one.every]
        found.add_uncertainty(_errors("total", errors))
        table.add_variable(found)
    for name in ("scale", "resolution"):
        table.add_variable(_variable(f"Pull of the {name}", one.values(_pull(name))))
    table.add_variable(_variable("Acceptance times efficiency", one.values(lambda point: point.efficiency)))
    table.add_variable(_remarks([limit_doubts(point) for point in one.every]))
    return table


def _limits(one: Selection, confidence_level: float) -> Table:
    unit = one.unit
    level = f"{100 * confidence_level:g} % CL"
    description = (
        f"Upper limits by CLs at {level} on {one.limited.replace('×', 'times')}, selection {one.name}: observed, and "
        "the median expected without a signal with the intervals of 68 % (1 s.d.) and 95 % (2 s.d.) of the limits."
    )
    observable = "CLS" if unit == "fb" else "N"
    table = _table(f"Limits of {one.name}", observable, "limits.png", description)
    table.add_variable(_masses(one))
    table.add_variable(_variable("Observed limit", one.values(one.limit("observed")), unit))
    table.add_variable(_expected("Expected limit", one.values(one.limits), unit))
    for check, name in (("toys", "toys"), ("pyhf", "pyhf")):
        checks = one.values(partial(one.checked, check=check))
        if any(checks):
            for kind in ("observed", "expected"):
                values = [found and getattr(found, kind) for found in checks]
                table.add_variable(_variable(f"{kind.capitalize()} limit, by {name}", values, unit))
    for variable in table.variables[1:]:
        variable.add_qualifier("LIMIT", level)
    table.add_variable(_remarks([limit_doubts(point) + one.no_limit(point) for point in one.every]))
    return table


def _sides(point: AnyPoint, key: str) -> tuple[float, float]:
    if isinstance(point, FailedPoint):
        # No errors are written where both sides are 0.
        return 0.0, 0.0
    return -getattr(point, f"{key}_error_down"), getattr(point, f"{key}_error_up")


def _pull(name: str) -> Value:
    return lambda point: point.peak_pulls.get(name)


def _expected(name: str, limits: Sequence[Limits | None], unit: str) -> Variable:
    variable = _variable(name, [found and found.expected for found in limits], unit)
    for size in (1, 2):
        # No errors are written where both sides are 0.
        pairs = [
            tuple(getattr(found, f"expected_{side}_{size}") - found.expected for side in ("minus", "plus"))
            if found
            else (0.0, 0.0)
            for found in limits
        ]
        variable.add_uncertainty(_errors(f"{size} s.d.", pairs))
    return variable


def _uncertainties(one: Selection) -> Table:
    best = one.best
    sources = {f"{name} (all)": source for name, source in best.nuisance_groups.items()} | best.nuisances
    description = (
        f"Uncertainties of the signal at the most significant mass, {one.said(best.mass)}, selection {one.name}: size, "
        "change of the fitted yield when the source rises by one standard deviation, and how much larger the "
        "expected limit is than without it. Lines with (all) are of the sources of that name together."
    )
    table = _table(f"Uncertainties of {one.name}", "N", "nuisances.png", description)
    table.add_variable(Variable("Source", is_independent=True, is_binned=False, values=list(sources)))
    found = list(sources.values())
    table.add_variable(_variable("Relative size", [100 * source.size for source in found], "%"))
    table.add_variable(_variable("Change of the yield", [source.impact for source in found], "events"))
    table.add_variable(
        _variable("Change of the expected limit", [_percent(source.limit_impact) for source in found], "%")
    )
    return table


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _spectrum(result: Result) -> Table:
    fit, best = result.fit, result.best
    name = result.quantity if result.window is None else result.quantity[:1].upper() + result.quantity[1:]
    where = result.selection if result.window is None else f"{result.selection} {result.window}"
    description = (
        f"{name} spectrum, {where}, from {interval(fit.low, fit.high, result.unit)} in bins of the mass "
        f"resolution, and the fitted background: {fit.family.replace('_', ' ')} with {fit.shape_parameters} "
        f"shape parameters, chi2/ndf = {fit.chi2:.1f}/{fit.ndf}."
    )
    if best is not None:
        description += f" The signal is that of the most significant mass, {result.said(best.mass)}."
    table = _table(f"Spectrum of {where}", "N", str(result.figure), description)
    bins = list(zip(fit.edges[:-1], fit.edges[1:], strict=True))
    table.add_variable(Variable(name, is_independent=True, is_binned=True, units=_units(result.unit), values=bins))
    events = _variable("Events", fit.counts, digits=ALL_DIGITS)
    counts = np.asarray(fit.counts)
    low, high = poisson_interval(counts)
    events.add_uncertainty(_errors("stat", list(zip((low - counts).tolist(), (high - counts).tolist(), strict=True))))
    table.add_variable(events)
    table.add_variable(_variable("Background fit", fit.background))
    if fit.signal is not None and fit.signal_plus_background is not None:
        table.add_variable(_variable("Signal", fit.signal))
        table.add_variable(_variable("Signal and background fit", fit.signal_plus_background))
    table.add_variable(_variable("Pull", fit.pulls))
    return table
