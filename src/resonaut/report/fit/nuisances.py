"""Pulls and impacts of the signal's uncertainties at the most significant mass of each selection."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.style import COLOURS, above, figure
from resonaut.fit.results.points import Nuisance, Point
from resonaut.report.figure import CONFIG, RESULTS, SUMMARY, Figure, Output
from resonaut.report.fit import results as files
from resonaut.report.fit.results import Selection, heading
from resonaut.report.settings import label

FIGURE = Figure(
    category="Results",
    reads={"results": RESULTS, "summary": SUMMARY, "config": CONFIG},
    writes={"plot": Output("nuisances.png")},
)


def draw(output: Path, results: Sequence[Path], summary: Path | None, config: Path | None) -> None:
    """Draw the figure into ``output``."""
    read = files.read(results)
    nuisances(files.selections(read, summary), heading(label(config), read[0].content), output / "nuisances.png")


def nuisances(selections: Sequence[Selection], text: str, plot: Path) -> None:
    """Pulls and impacts of the signal's uncertainties at the most significant mass of each selection."""
    sources_of = [ranked(one.best) for one in selections]
    heights = [max(1, len(sources)) for sources in sources_of]
    keywords = {"squeeze": False, "sharex": "col", "sharey": "row", "height_ratios": [0.6 + n for n in heights]}
    size = (9.6, 1.2 + sum(0.55 + 0.28 * n for n in heights))
    with figure(plot, len(selections), 3, figsize=size, **keywords) as (fig, axes):
        for row, one, sources in zip(axes, selections, sources_of, strict=True):
            _nuisances(row, sources)
            row[0].set_title(f"{one.name}, {one.said(one.best.mass)}")
        axes[-1][0].set_xlabel("pull ± error (grey: before the fit)")
        axes[-1][1].set_xlabel("impact on the yield [events]")
        axes[-1][2].set_xlabel("impact on the expected limit [%]")
        for column in (0, 1):
            # Without any source there is nothing to be symmetric about zero.
            reach = max(float(np.abs(ax.dataLim.intervalx).max()) for ax in axes[:, column]) or 1.0
            axes[0][column].set_xlim(-1.15 * reach, 1.15 * reach)
        above(fig, text)


def ranked(point: Point) -> list[tuple[str, Nuisance]]:
    """Sources and groups of them by name, that with the largest impact on the limit first."""
    groups = {f"all of {name}": source for name, source in point.nuisance_groups.items()}
    named = groups | {name.replace("_", " "): source for name, source in point.nuisances.items()}
    return sorted(named.items(), key=lambda item: (-abs(item[1].limit_impact or 0), item[0]))


def _nuisances(row: Sequence[Axes], sources: Sequence[tuple[str, Nuisance]]) -> None:
    """One source a line, from above; groups are hollow, as their members are there, too."""
    y = np.arange(len(sources))
    values = [source for _, source in sources]
    row[0].axvspan(-1, 1, color="0.9", lw=0, zorder=0)
    style: dict[str, Any] = {"fmt": "ko", "ms": 4, "lw": 1.2, "capsize": 2}
    row[0].errorbar([v.pull for v in values], y, xerr=[v.error for v in values], **style)
    for ax, colour, impact in (
        (row[1], COLOURS[0], [v.impact for v in values]),
        (row[2], COLOURS[1], [100 * (v.limit_impact or 0) for v in values]),
    ):
        hollow = [name.startswith("all of ") for name, _ in sources]
        ax.barh(y, impact, 0.6, color=["none" if group else colour for group in hollow], edgecolor=colour, lw=1.5)
    for ax in row:
        ax.axvline(0, color="k", lw=0.8)
        ax.tick_params(axis="y", which="minor", left=False, right=False)
    if not sources:
        row[0].text(0, 0, "no uncertainties", ha="center", va="center", fontsize=9)
    row[0].set_yticks(y, [f"{name}, {100 * source.size:.3g} %" for name, source in sources], fontsize=9)
    row[0].set_ylim(max(len(sources), 1) - 0.4, -0.6)
