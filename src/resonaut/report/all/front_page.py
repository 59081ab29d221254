"""The first page of the report: what was found, the figures that show it, and what was searched."""

import base64
import csv
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from resonaut.core import manifest
from resonaut.core.errors import InputFileError
from resonaut.core.manifest import Manifest
from resonaut.core.observables import axis, interval
from resonaut.core.results import read
from resonaut.fit.results.scans import Summary
from resonaut.report import pages
from resonaut.report.figure import CONFIG, DATA, MANIFESTS, RESULTS, Figure, Input, Output
from resonaut.report.fit import numbers
from resonaut.report.fit import results as files
from resonaut.report.fit.results import Result, Selection, heading, limit_doubts
from resonaut.report.pages import BAD, FAINT, FINE, Cell
from resonaut.report.settings import label

FIGURE = Figure(
    category="Results",
    reads={
        "results": RESULTS,
        "summary": Input("fit", "summary", "<results>/fit/summary.json", many=False),
        "methods": Input("report", "methods", "<results>/report/methods.csv, for the verdicts.", many=False),
        "figures": Input("report", "figures", "A figure (PNG) that the page shows."),
        "data": DATA,
        "datasets": MANIFESTS,
        "config": CONFIG,
    },
    writes={"page": Output("front_page.html")},
)


class Verdict(NamedTuple):
    """A line of the table of the methods: what is wrong in one window, or ``ok``."""

    window: str
    text: str
    bound: bool


def draw(
    output: Path,
    results: Sequence[Path],
    summary: Path,
    methods: Path,
    figures: Sequence[Path],
    data: Sequence[Path],
    datasets: Sequence[Path],
    config: Path | None,
) -> None:
    """Write the page.

    Args:
        output: the folder.
        results: of the stage ``fit``, of all selections and windows.
        summary: ``<results>/fit/summary.json``, for the global significances.
        methods: ``<results>/report/methods.csv``, for the verdicts.
        data: ``<results>/skim/<dataset>.json`` of the data that were searched.
        figures: PNG files that the page holds.
        datasets: ``<results>/skim/<dataset>.json``.
        config: for what stands above the page.

    Raises:
        InputFileError: a file is not what it should be.
    """
    fits = files.read(results)
    selections = files.selections(fits, summary)
    level = 100 * fits[0].content.confidence_level
    found = numbers.largest_excess(read(summary, Summary))
    parts = [
        *(f'<p class="result">{escape(sentence)}</p>' for sentence in found),
        _selections(selections, _verdicts(methods), level),
        *(_figure(path) for path in figures),
        "<h2>What was searched</h2>",
        f"<p>{escape(_searched(fits, selections, manifest.read(data)))}</p>",
        _datasets(manifest.read(datasets)),
    ]
    text = heading(label(config), fits[0].content)
    pages.write(output / "front_page.html", "Search for resonances in dijet events", text, parts)


def _verdicts(path: Path) -> dict[str, list[Verdict]]:
    """The verdicts of each method."""
    verdicts: dict[str, list[Verdict]] = {}
    try:
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                verdict = Verdict(row["window"], row["verdict"], row["bound"] == "True")
                verdicts.setdefault(row["method"], []).append(verdict)
    except (OSError, KeyError) as error:
        raise InputFileError(path, f"no table of methods ({error!r})", "run 'resonaut report methods' again") from None
    return verdicts


def _selections(selections: Sequence[Selection], verdicts: dict[str, list[Verdict]], level: float) -> str:
    units = {one.mass_unit for one in selections}
    # Where no unit is that of all masses, it stands beside each.
    common = units.pop() if len(units) == 1 else None
    headings: list[str | Cell] = [
        "selection", axis("mass", common or "1"), "local p-value", "local", "global",
        "observed limit", "expected limit",
        Cell("verdict", words=True),
    ]  # fmt: skip
    rows = [
        _selection(one, _of(one, verdicts), f"{one.best.mass:g}" if common else one.said(one.best.mass))
        for one in selections
    ]
    note = (
        "Each selection at its most significant mass, of those that are not in doubt if there are any. Limits: upper "
        f"limits by CLs at {level:g} % CL, expected without a signal. Global: the significance of the largest excess "
        "among all masses of the selection. The verdict is on the fit at this mass, and on whether the selection "
        "sculpts the spectrum or shows an excess without a signal."
    )
    return f'{pages.table("", headings, rows)}\n<p class="note">{escape(note)}</p>'


def _of(one: Selection, verdicts: dict[str, list[Verdict]]) -> list[Verdict]:
    """The verdicts on the windows of a selection."""
    windows = {result.window for result in one.results}
    return [verdict for verdict in verdicts.get(one.results[0].method, []) if verdict.window in windows]


def _selection(one: Selection, verdicts: Sequence[Verdict], mass: str) -> list[Cell]:
    best = one.best
    bound = any(verdict.bound for verdict in verdicts)
    look = FAINT if bound else ""
    reasons = [f"{verdict.window}: {verdict.text}" for verdict in verdicts if verdict.text != FINE]
    reasons += limit_doubts(best)
    doubted = sum(bool(limit_doubts(point)) for point in one.points)
    words = ["; ".join(reasons) or FINE, *[f"{doubted} of {len(one.points)} masses in doubt"] * bool(doubted)]
    numbers = [
        mass,
        f"{best.p_local:.2g}",
        f"{best.z_local:.1f}σ",
        _format(None if one.excess is None else one.excess.z_global, "{:.1f}σ"),
        *(_format(one.limit(name)(best), f"{{:.3g}} {one.unit}") for name in ("observed", "expected")),
    ]
    return [
        Cell(f"{one.name} (reference)" if bound else one.name, look),
        *(Cell(number, look) for number in numbers),
        Cell("; ".join(words), BAD if reasons else look, words=True),
    ]


def _format(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _figure(path: Path) -> str:
    """The figure within the page, so that it needs no other file."""
    return f'<p><img alt="{escape(path.stem)}" src="data:image/png;base64,{_encoded(path)}"></p>'


def _encoded(path: Path) -> str:
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise InputFileError(path, error.strerror or "cannot be read", "make it again") from None


def _searched(results: Sequence[Result], selections: Sequence[Selection], data: Sequence[Manifest]) -> str:
    events = sum(dataset.events for dataset in data)
    found = []
    for observable in dict.fromkeys(one.observable for one in selections):
        searched = [one for one in selections if one.observable == observable]
        masses = sorted({point.mass for one in searched for point in one.points})
        own = [result for result in results if result.observable == observable]
        windows = {result.window: result.region for result in own if result.region is not None}
        unit = own[0].unit
        regions = ", ".join(f"{name} ({interval(low, high, unit, '–')})" for name, (low, high) in windows.items())
        found.append(
            f"The {own[0].quantity} spectrum of {events:,} events, with {len(searched)} selections "
            f"({', '.join(one.name for one in searched)}), for a resonance at {len(masses)} masses from "
            f"{interval(masses[0], masses[-1], unit)} in the signal regions {regions}."
        )
    return " ".join(found)


def _datasets(datasets: Sequence[Manifest]) -> str:
    headings: list[str | Cell] = [
        "dataset", Cell("nature", words=True), "mass [GeV]", "luminosity [1/fb]", "cross section [fb]",
        "generated or recorded", "selected", "files lost",
    ]  # fmt: skip
    return pages.table("Datasets", headings, [_dataset(one) for one in datasets])


def _dataset(one: Manifest) -> list[Cell]:
    first = one.cutflow[0].events if one.cutflow else one.events
    return [
        Cell(one.name),
        Cell(one.nature.replace("_", "-"), words=True),
        *(Cell(_format(value, "{:.4g}")) for value in (one.mass, one.luminosity, one.cross_section)),
        Cell(f"{first:,}"),
        Cell(f"{one.events:,}"),
        Cell(f"{len(one.lost)}", BAD if one.lost else ""),
    ]
