"""-2 Delta ln L of each model against its parameters of interest, with and without nuisance parameters."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.results import read
from resonaut.core.style import COLOURS, above, figure, legend_below
from resonaut.fit.results.histfactory import Interest, ModelResult
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.settings import of_data

FIGURE = Figure(
    category="Models",
    reads={
        "fitted": Input("fit", "models", "<results>/fit/models/<model>/result.json of all models."),
        "config": CONFIG,
    },
    writes={
        "scans": Output("models/{model}_scans.png", each=("fitted", "{model}/result.json"), labels={"model": "{model}"})
    },
)

IN_A_ROW = 3
# Above the highest level of an interval the curves are of no interest.
ABOVE = 2.5


def draw(output: Path, fitted: Sequence[Path], config: Path | None) -> None:
    """Draw each model.

    Raises:
        InputFileError: a file is no fit.
    """
    for path in fitted:
        plot = output / "models" / f"{path.parent.name}_scans.png"
        scans(read(path, ModelResult), of_data(config), plot)


def scans(result: ModelResult, heading: str, plot: Path) -> None:
    """One panel for each parameter of interest."""
    shown = [one for one in result.interests if one.scan is not None]
    columns = max(1, min(IN_A_ROW, len(shown)))
    rows = max(1, -(-len(shown) // columns))
    with figure(plot, rows, columns, figsize=(1.2 + 4.2 * columns, 0.9 + 3.4 * rows), squeeze=False) as (fig, axes):
        for ax in axes.flat[len(shown) :]:
            ax.set_axis_off()
        if not shown:
            axes.flat[0].text(0.5, 0.5, result.problem or "no scan", ha="center", transform=axes.flat[0].transAxes)
        for ax, one in zip(axes.flat, shown, strict=False):
            _scan(ax, one)
        above(fig, heading)
        legend_below(fig, 3)


def _scan(ax: Axes, one: Interest) -> None:
    assert one.scan is not None
    values = np.array(one.scan.values)
    for curve, colour, line, words in (
        (one.scan.profiled, COLOURS[0], "-", "all parameters fitted"),
        (one.scan.statistical, COLOURS[1], "--", "without nuisance parameters"),
    ):
        heights = np.array([np.nan if height is None else height for height in curve])
        ax.plot(values, heights, color=colour, ls=line, label=words)
    top = ABOVE * max([1.0, *(interval.level for interval in one.intervals)])
    for interval in one.intervals:
        ax.axhline(interval.level, color="0.6", lw=0.8, ls=":")
        ax.text(
            values[-1], interval.level, f"{100 * interval.confidence_level:.3g} %", va="bottom", ha="right", fontsize=8
        )
        for low, high in interval.ranges:
            for end in (low, high):
                if end is not None:
                    ax.plot([end, end], [0, interval.level], color="0.6", lw=0.8, ls=":")
    ax.set(xlim=(values[0], values[-1]), ylim=(0, top), xlabel=one.name, ylabel=r"$-2\,\Delta\ln L$")
    error = f" ± {one.error:.2g}" if one.error is not None else ""
    ax.set_title(f"{one.name} = {one.value:.3g}{error}", fontsize=10)
