"""Pulls, spurious signal and coverage of the fits: the bias tests of all selections."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from resonaut.core.errors import ConfigError
from resonaut.core.files import atomic
from resonaut.core.results import read
from resonaut.core.style import COLOURS, above, figure, legend_below
from resonaut.fit.results.bias import Bias, BiasPoint, SelectionBias, SpectrumBias
from resonaut.report import settings
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.fit.results import mass_label

FIGURE = Figure(
    category="Results",
    reads={
        "tests": Input("fit", "bias", "<results>/fit/<method>/<window>_bias.json of all fits."),
        "config": CONFIG,
    },
    writes={"plot": Output("bias.png"), "table": Output("bias.csv")},
    on_request=True,
)

Array = npt.NDArray[np.float64]

COLUMNS = (
    "mass",
    "injected_sigma",
    "injected",
    "mean_yield",
    "pull_mean",
    "pull_mean_error",
    "pull_width",
    "spurious",
    "spurious_error",
    "spurious_relative",
    "z_mean",
    "above_2_sigma",
    "coverage",
    "coverage_error",
    "toys",
)
# Mean pulls and spurious signals, in standard deviations, that change the error of a yield by 2 % at most.
TOLERATED = 0.2


class Row(NamedTuple):
    """A line of the table, whose mass is on the ``axis``."""

    selection: str
    window: str
    axis: str
    point: BiasPoint


class Panel(NamedTuple):
    """A column of the table against mass, from ``low`` to ``high``."""

    value: str
    name: str
    low: float
    high: float


PANELS = (
    Panel("pull_mean", "mean pull", -1, 1),
    Panel("pull_width", "width of the pulls", 0.5, 2),
    Panel("spurious_relative", "spurious signal / error", -1, 1),
    Panel("coverage", "coverage of the limit", 0.8, 1.02),
)


def draw(output: Path, tests: Sequence[Path], config: Path | None) -> None:
    """Draw bias tests of the stage ``fit`` against mass, a column a selection; write all numbers as CSV.

    Raises:
        InputFileError: a file is no bias test.
        ConfigError: no file has a mass.
    """
    found = [read(path, SelectionBias, SpectrumBias) for path in tests]
    rows = [Row(*_names(test), _axis(test), point) for test in found for point in test.points]
    if not rows:
        raise ConfigError("no bias test has a mass; give fit.bias.masses that lie in signal regions.")
    rows.sort(key=lambda row: (row.selection, row.point.mass, row.point.injected_sigma))
    _table(rows, output / "bias.csv")
    _figure(rows, found[0], settings.of_simulation(config), output / "bias.png")


def _axis(test: Bias) -> str:
    return mass_label(test.observable, test.unit) if isinstance(test, SelectionBias) else mass_label("", "GeV")


def _names(test: Bias) -> tuple[str, str]:
    return (test.selection, test.window) if isinstance(test, SelectionBias) else ("spectrum", "")


def _table(rows: Sequence[Row], table: Path) -> None:
    with atomic(table) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["selection", "window", *COLUMNS])
        for row in rows:
            values = [getattr(row.point, column) for column in COLUMNS]
            writer.writerow([row.selection, row.window, *(f"{v:.6g}" if isinstance(v, float) else v for v in values)])


def _figure(rows: Sequence[Row], test: Bias, text: str, plot: Path) -> None:
    selections = list(dict.fromkeys(row.selection for row in rows))
    injected = sorted({row.point.injected_sigma for row in rows})
    columns = len(selections)
    keywords: dict[str, Any] = {"squeeze": False, "sharex": True, "sharey": "row"}
    with figure(plot, len(PANELS), columns, figsize=(max(6.4, 3.9 * columns), 9), **keywords) as (fig, axes):
        for name, column in zip(selections, axes.T, strict=True):
            own = [row.point for row in rows if row.selection == name]
            _references(column, test.confidence_level)
            for i, sigma in enumerate(injected):
                points = [point for point in own if point.injected_sigma == sigma]
                mass = np.array([point.mass for point in points]) + _shift(own, i, len(injected))
                for panel, ax in zip(PANELS, column, strict=True):
                    # Every limit is above no signal.
                    if panel.value != "coverage" or sigma > 0:
                        _points(ax, panel, mass, points, f"injected {sigma:g}σ", COLOURS[i % len(COLOURS)])
            column[0].set_title(name)
            column[-1].set_xlabel(next(row.axis for row in rows if row.selection == name))
        for panel, ax in zip(PANELS, axes[:, 0], strict=True):
            ax.set(ylabel=panel.name, ylim=(panel.low, panel.high))
        fig.align_ylabels()
        truth = f"{test.truth.replace('_', ' ')} with {test.truth_shape_parameters} shape parameters"
        above(fig, f"{text}\n{rows[0].point.toys} toys of {truth} for each point")
        legend_below(fig, len(injected))


def _references(column: Sequence[Axes], confidence_level: float) -> None:
    """What an unbiased fit gives: bands that are tolerated, and the nominal width and coverage."""
    for ax in (column[0], column[2]):
        ax.axhspan(-TOLERATED, TOLERATED, color="0.9", lw=0, zorder=0)
        ax.axhline(0, color="k", lw=0.8)
    column[1].axhline(1, color="k", lw=0.8)
    column[3].axhline(confidence_level, color="k", lw=0.8, ls="--")


def _points(ax: Axes, panel: Panel, mass: Array, points: Sequence[BiasPoint], name: str, colour: str) -> None:
    """Values with errors; an arrow at the edge for those beyond the panel."""
    values = np.array([getattr(point, panel.value) for point in points])
    errors = np.array([_error(point, panel.value) for point in points])
    inside = (values > panel.low) & (values < panel.high)
    style: dict[str, Any] = {"fmt": "o", "ms": 4, "lw": 1, "color": colour, "label": name}
    ax.errorbar(mass[inside], values[inside], errors[inside], **style)
    margin = 0.05 * (panel.high - panel.low)
    beyond = ((values <= panel.low, panel.low + margin, "v"), (values >= panel.high, panel.high - margin, "^"))
    for which, edge, marker in beyond:
        ax.plot(mass[which], np.full(which.sum(), edge), marker, ms=8, color=colour)


def _error(point: BiasPoint, value: str) -> float:
    """The error of the mean of the toys, 0 where there is none."""
    return float(getattr(point, f"{value}_error", 0.0))


def _shift(points: Sequence[BiasPoint], i: int, number: int) -> float:
    """So that the points of different signals at one mass stand beside each other."""
    masses = np.unique([point.mass for point in points])
    spacing = float(np.diff(masses).min()) if len(masses) > 1 else 0.1 * float(masses[0])
    return min(0.15 * spacing, 0.01 * float(masses[0])) * (i - (number - 1) / 2)
