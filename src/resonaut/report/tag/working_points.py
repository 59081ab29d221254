"""The efficiency of each working point against the soft-drop mass, of QCD jets and of the classes that it is for."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import distinct, figure, headline, legend_below
from resonaut.report import settings
from resonaut.report.figure import CONFIG, POINTS, Figure, Output
from resonaut.tag.results import Cell, WorkingPointSummary

FIGURE = Figure(
    category="Taggers",
    reads={"summaries": POINTS, "config": CONFIG},
    writes={
        "plots": Output(
            "taggers/{point}_working_point.png",
            each=("summaries", "{point}/summary.json"),
            labels={"shown": "working point {point}"},
        )
    },
)

# The colours of the bins of pT are not those of the classes.
PT_STYLES = 3


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Draw a figure for each working point.

    Raises:
        InputFileError: a file is no summary of a working point.
    """
    (output / "taggers").mkdir(parents=True, exist_ok=True)
    for path in summaries:
        found = read(path, WorkingPointSummary)
        name = output / f"taggers/{found.name}_working_point.png"
        with figure(name, 2, 1, figsize=(6.5, 7), sharex=True) as (fig, (above, below)):
            _qcd(above, found)
            _classes(below, found)
            headline(fig, f"{found.name}, {settings.of_simulation(config)}")
            legend_below(fig, 2)


def _qcd(ax: Axes, found: WorkingPointSummary) -> None:
    slices = [list(cells) for _, cells in groupby(found.qcd, key=lambda one: one.pt_low)]
    for style, cells in zip(distinct(len(slices)), slices, strict=True):
        name = rf"QCD, $p_T$ {cells[0].pt_low:.0f}-{cells[0].pt_high:.0f} GeV"
        _points(ax, cells, style, name)
        middle = [(one.mass_low + one.mass_high) / 2 for one in cells]
        ax.plot(middle, [one.single for one in cells], color=style["color"], ls=":", lw=1)
    ax.axhline(found.target, color="0.4", ls="--", lw=1, label="target")
    ax.plot([], [], ":", color="0.4", lw=1, label="one threshold for all jets")
    ax.set(ylabel="efficiency of QCD jets", ylim=(0, None))
    flat, single = found.flatness, found.single
    text = f"$\\chi^2$/ndf {flat.chi2:.0f}/{flat.ndf}, beyond the errors {flat.excess:.1%}"
    text += f"\none threshold: {single.chi2:.0f}/{single.ndf}, {single.excess:.1%}"
    ax.set_title(text, fontsize=9)


def _classes(ax: Axes, found: WorkingPointSummary) -> None:
    styles = distinct(len(found.classes) + PT_STYLES)[PT_STYLES:]
    for style, (name, cells) in zip(styles, found.classes.items(), strict=True):
        if cells:
            _points(ax, cells, style, name)
    ax.set(xlabel="soft-drop mass [GeV]", ylabel="efficiency of the classes", ylim=(0, 1))


def _points(ax: Axes, cells: Sequence[Cell], style: dict[str, Any], name: str) -> None:
    low, high, value, error = np.array([(one.mass_low, one.mass_high, one.efficiency, one.error) for one in cells]).T
    marks = {"color": style["color"], "marker": style["marker"], "ms": 4, "ls": "none", "label": name}
    ax.errorbar((low + high) / 2, value, error, (high - low) / 2, **marks)
