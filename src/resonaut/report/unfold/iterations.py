"""What each iteration of the unfolding changed, and whether data and simulation still differ."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from resonaut.core.results import read
from resonaut.core.style import COLOURS, figure, headline, legend_below
from resonaut.report import settings
from resonaut.report.figure import CONFIG, UNFOLDED, Figure, Output
from resonaut.unfold.results import Iteration, Run, Summary

FIGURE = Figure(
    category="Unfolding",
    reads={"summary": UNFOLDED, "config": CONFIG},
    writes={"plot": Output("iterations.png")},
)

# Kinds of runs, by the beginnings of their names, and how they are drawn.
KINDS = {"ensemble": COLOURS[0], "bootstrap_data": COLOURS[1], "bootstrap_mc": COLOURS[2]}
OTHERS = "variations"


def draw(output: Path, summary: Path, config: Path | None) -> None:
    """Draw what the runs report of their iterations.

    Raises:
        InputFileError: ``summary`` is no summary of an unfolding.
    """
    runs = read(summary, Summary).runs
    with figure(output / "iterations.png", 1, 4, figsize=(16, 4.3)) as (fig, axes):
        changed, separable, unequal, extreme = axes
        lines(changed, runs, lambda one: one.change)
        changed.set(ylabel="mean relative change of the weights", yscale="log")
        _areas(separable, runs)
        lines(unequal, runs, lambda one: one.effective)
        unequal.set(ylabel="effective number of events", ylim=(0, None))
        lines(extreme, runs, lambda one: one.largest)
        extreme.set(ylabel="largest weight", yscale="log")
        for ax in axes:
            ax.set_xlabel("iteration")
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.tick_params(axis="x", which="minor", bottom=False, top=False)
        headline(fig, settings.label(config))
        legend_below(fig, 5)


def lines(ax: Axes, runs: Sequence[Run], value: Callable[[Iteration], float]) -> None:
    """A line for each run: those of the ensemble, whose mean is the result, strong, all others faint."""
    for run in sorted(runs, key=lambda one: _kind(one) == "ensemble"):
        kind, place = _kind(run), np.arange(len(run.iterations)) + 1
        strong = kind == "ensemble"
        style: dict[str, Any] = {
            "color": KINDS.get(kind, COLOURS[4]),
            "alpha": 1 if strong else 0.4,
            "lw": 1.5 if strong else 0.8,
        }
        ax.plot(place, [value(one) for one in run.iterations], label=kind.replace("_", " "), **style)


def _areas(ax: Axes, runs: Sequence[Run]) -> None:
    """The AUC of data against simulation after each iteration, and that of the ensemble before the first."""
    lines(ax, runs, lambda one: one.auc_after)
    own = [run for run in runs if _kind(run) == "ensemble"] or runs
    error = float(np.mean([one.auc_error for run in own for one in run.iterations]))
    ax.axhspan(0.5 - error, 0.5 + error, color="0.9", zorder=0, label="alike")
    before = [run.iterations[0].auc_before for run in own]
    ax.plot(np.zeros(len(before)), before, "o", ms=4, color=KINDS["ensemble"], mfc="none")
    ax.set(ylabel="AUC of data against simulation")


def _kind(run: Run) -> str:
    return next((kind for kind in KINDS if run.run.startswith(f"{kind}_")), OTHERS)
