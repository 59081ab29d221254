"""Unfolded observables beside iterative unfolding, the simulation and, where it is known, the truth."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from resonaut.core.errors import InputFileError
from resonaut.core.results import read
from resonaut.core.style import COLOURS, headline, legend_below, ratio_panels, steps
from resonaut.report import settings
from resonaut.report.figure import CONFIG, UNFOLDED, Figure, Input, Output
from resonaut.report.observables import axis_label
from resonaut.unfold.results import Compared, Publication, Summary

FIGURE = Figure(
    category="Unfolding",
    reads={
        "summary": UNFOLDED,
        "description": Input(
            "unfold", "description", "<results>/unfold/events.json, for units and labels.", many=False
        ),
        "data": Input("unfold", "data", "<results>/skim/<dataset>.json of the unfolded data.", needed=False),
        "config": CONFIG,
    },
    writes={"plot": Output("unfolded.png")},
)

IN_A_ROW = 5
# The axis of ratios shows at least and at most this around one.
NEAREST, FARTHEST = 0.1, 0.8


def draw(output: Path, summary: Path, description: Path, data: Sequence[Path], config: Path | None) -> None:
    """Draw every observable that has edges.

    Raises:
        InputFileError: ``summary`` or ``description`` is not what it should be, or they are of two unfoldings.
    """
    content, published = read(summary, Summary).observables, read(description, Publication).observables
    with ratio_panels(output / "unfolded.png", len(content), IN_A_ROW) as (fig, panels):
        for (upper, lower), (name, found) in zip(panels, content.items(), strict=True):
            observable(found, upper, lower)
            if name not in published:
                raise InputFileError(description, f"no observable {name!r}", f"give that of the unfolding of {summary}")
            column = published[name]
            # A column that the events give no label is better called by its published name.
            lower.set_xlabel(axis_label(name if column.label == column.column else column.label, column.unit))
        for upper, lower in panels[::IN_A_ROW]:
            upper.set_ylabel("events / bin width")
            known = any(one.truth is not None for one in content.values())
            lower.set_ylabel("ratio to truth" if known else "ratio to simulation")
        headline(fig, settings.of_data(config, data) if data else settings.of_simulation(config))
        legend_below(fig, 4)


def observable(found: Compared, ax: Axes, ratio: Axes) -> None:
    """The events in bins by both ways of unfolding, with the uncertainty of OmniFold; below, ratios.

    They are ratios to the truth, or to the simulation where it is not known.
    """
    edges = np.array(found.edges)
    reference = inside(found.prior if found.truth is None else found.truth)
    scale = np.where(reference > 0, reference, np.nan)
    unfolded, error = inside(found.omnifold), inside(found.omnifold_error)
    shown = {"simulation": (found.prior, COLOURS[1]), "iterative unfolding": (found.bayes, COLOURS[0])}
    for axes, unit in ((ax, np.diff(edges)), (ratio, scale)):
        for label, (counts, colour) in shown.items():
            axes.stairs(inside(counts) / unit, edges, baseline=None, color=colour, label=label)
        steps(axes, edges, unfolded / unit, error / unit, COLOURS[2], "OmniFold")
    if found.truth is not None:
        centres = (edges[1:] + edges[:-1]) / 2
        ax.plot(centres, reference / np.diff(edges), "k.", label="truth", zorder=3)
        areas = [found.triangular_prior, found.triangular_bayes, found.triangular_omnifold]
        ax.set_title(rf"$10^3\,\Delta$: {', '.join(_said(one) for one in areas)}", fontsize=9)
    far = np.concatenate([inside(one) / scale - 1 for one in (found.prior, found.bayes, found.omnifold)])
    reach = float(np.clip(1.2 * np.abs(far[np.isfinite(far)]).max(initial=0), NEAREST, FARTHEST))
    ax.tick_params(labelbottom=False)
    ax.set(ylim=(0, None), xlim=(edges[0], edges[-1]))
    ratio.axhline(1, color="k", lw=0.6)
    ratio.set(xlim=(edges[0], edges[-1]), ylim=(1 - reach, 1 + reach))


def inside(counts: Sequence[float]) -> np.ndarray:
    """The bins between the edges, without underflow and overflow."""
    return np.array(counts)[1:-1]


def _said(number: float | None) -> str:
    return "–" if number is None else f"{number:.2f}"
