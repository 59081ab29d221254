"""The fits behind each mass: the function, its parameters, fit probabilities and range."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.observables import axis
from resonaut.core.style import COLOURS, PANELS_IN_A_ROW, above, figure, legend_below, mark_doubtful
from resonaut.fit.results.points import Point
from resonaut.report.figure import CONFIG, RESULTS, SUMMARY, Figure, Output
from resonaut.report.fit import results as files
from resonaut.report.fit.results import Selection, doubts, heading
from resonaut.report.settings import label

FIGURE = Figure(
    category="Results",
    reads={"results": RESULTS, "summary": SUMMARY, "config": CONFIG},
    writes={"plot": Output("fits.png")},
)

# Below this a fit probability is drawn at the edge, as an arrow.
LEAST_PROBABILITY = 1e-4
FAMILY_COLOURS = (COLOURS[3], COLOURS[1], COLOURS[5])


def draw(output: Path, results: Sequence[Path], summary: Path | None, config: Path | None) -> None:
    """Draw the figure into ``output``."""
    read = files.read(results)
    fits(files.selections(read, summary), heading(label(config), read[0].content), output / "fits.png")


def fits(selections: Sequence[Selection], text: str, plot: Path) -> None:
    """Shape parameters, fit probability and fit range at each mass: three panels for each selection."""
    columns = min(len(selections), PANELS_IN_A_ROW)
    rows = -(-len(selections) // columns)
    keywords = {"squeeze": False, "sharex": True, "sharey": "row", "height_ratios": (2, 3, 3) * rows}
    families = list(dict.fromkeys(point.fit.family for one in selections for point in one.points))
    with figure(plot, 3 * rows, columns, figsize=(max(6.4, 3.9 * columns), 1 + 6 * rows), **keywords) as (fig, axes):
        # The three panels of the n-th selection, one above the other.
        panels = axes.reshape(rows, 3, columns).swapaxes(1, 2).reshape(-1, 3)
        for own, one in zip(panels, selections, strict=False):
            _parameters(own[0], one.points, families)
            _probabilities(own[1], one.points)
            _ranges(own[2], one.points)
            own[0].set_title(one.name)
            own[2].set_xlabel(one.mass_label)
            own[2].tick_params(labelbottom=True)
        for ax in panels[len(selections) :].ravel():
            ax.set_axis_off()
        for first in panels[::columns]:
            for ax, name in zip(
                first, ("shape\nparameters", "fit probability", axis("fit range", selections[0].mass_unit)), strict=True
            ):
                ax.set_ylabel(name)
        fig.align_ylabels()
        above(fig, text)
        legend_below(fig, 3)


def _parameters(ax: Axes, points: list[Point], families: list[str]) -> None:
    for i, family in enumerate(families):
        own = [(point.mass, point.fit.shape_parameters) for point in points if point.fit.family == family]
        masses, numbers = [mass for mass, _ in own], [number for _, number in own]
        style: dict[str, Any] = {"color": FAMILY_COLOURS[i], "marker": "s^v"[i], "ls": "none", "ms": 5}
        ax.plot(masses, numbers, label=family.replace("_", " "), **style)
    ax.set_ylim(0.5, 5.5)
    ax.set_yticks(range(1, 6))
    ax.tick_params(axis="y", which="minor", left=False, right=False)


def _probabilities(ax: Axes, points: list[Point]) -> None:
    kinds = (
        ("background", "background only", COLOURS[0], "o"),
        ("signal", "with signal", COLOURS[2], "D"),
        ("smooth", "smooth distortions", COLOURS[1], "s"),
    )
    for key, name, colour, marker in kinds:
        found = {point.mass: getattr(point.fit, f"p_{key}") for point in points}
        shown = {mass: p for mass, p in found.items() if p is not None}
        inside = {mass: p for mass, p in shown.items() if p >= LEAST_PROBABILITY}
        style: dict[str, Any] = {"ms": 5, "color": colour, "mfc": colour if key == "background" else "none"}
        ax.plot(list(inside), list(inside.values()), marker, label=f"fit probability, {name}", **style)
        below = [mass for mass in shown if mass not in inside]
        ax.plot(below, [LEAST_PROBABILITY] * len(below), "v", ms=8, color=colour)
    ax.axhline(0.05, color="grey", ls=":", label="0.05")
    ax.set(yscale="log", ylim=(LEAST_PROBABILITY / 1.5, 1.5))


def _ranges(ax: Axes, points: list[Point]) -> None:
    """A bar from the low to the high end of each fit, a dot at the resonance, a cross where numbers are in doubt."""
    mass = np.array([point.mass for point in points])
    low, high = (np.array([getattr(point.fit, end) for point in points]) for end in ("low", "high"))
    doubtful = np.array([bool(doubts(point)) for point in points])
    ax.vlines(mass, low, high, color="0.75", lw=3, label="fit range")
    ax.plot(mass, mass, "_", color="k", ms=7, label="resonance mass")
    mark_doubtful(ax, mass[doubtful], high[doubtful])
