"""Observed and expected CLs limits of every selection against the resonance mass."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from resonaut.core.style import (
    COLOURS,
    GREEN,
    PANELS_IN_A_ROW,
    YELLOW,
    above,
    alone,
    band,
    figure,
    legend_below,
    mark_doubtful,
    mark_found,
)
from resonaut.fit.results.points import FailedPoint
from resonaut.report.figure import CONFIG, RESULTS, SUMMARY, Figure, Output
from resonaut.report.fit import results as files
from resonaut.report.fit.results import Selection, by_observable, heading, limit_doubts
from resonaut.report.settings import label

FIGURE = Figure(
    category="Results",
    reads={"results": RESULTS, "summary": SUMMARY, "config": CONFIG},
    writes={"plot": Output("limits.png")},
)


def draw(output: Path, results: Sequence[Path], summary: Path | None, config: Path | None) -> None:
    """Draw the figure into ``output``."""
    read = files.read(results)
    first = read[0].content
    text = heading(label(config), first)
    limits(files.selections(read, summary), first.confidence_level, text, output / "limits.png")


def limits(selections: Sequence[Selection], confidence_level: float, text: str, plot: Path) -> None:
    """Observed and expected CLs limits of every selection against the resonance mass.

    In fb; a mass at which the selection keeps too little simulated signal has none, which an arrow marks. Without any
    efficiency, in events. A cross marks a mass whose numbers are in doubt.
    """
    units = {one.unit for one in selections}
    keywords = {"squeeze": False, "sharex": len(by_observable(selections)) == 1, "sharey": len(units) == 1}
    columns = min(len(selections), PANELS_IN_A_ROW)
    rows = -(-len(selections) // columns)
    with figure(plot, rows, columns, figsize=(max(6.4, 3.9 * columns), 1.4 + 3.6 * rows), **keywords) as (fig, axes):
        for ax in axes.flat[len(selections) :]:
            ax.set_axis_off()
        # The lowest panel of each column has the numbers of the axis, though the last row may be shorter.
        for ax in axes.flat[len(selections) - columns : len(selections)]:
            ax.tick_params(labelbottom=True)
        for ax, one in zip(axes.flat, selections, strict=False):
            _band(ax, one)
            ax.set(yscale="log", xlabel=one.mass_label)
            ax.set_title(one.name)
            if ax in axes[:, 0] or len(units) > 1:
                ax.set_ylabel(f"{100 * confidence_level:g} % CL upper limit on\n{one.limited} [{one.unit}]")
        above(fig, text)
        legend_below(fig, 4)


def _band(ax: Axes, one: Selection) -> None:
    for size, colour in ((2, YELLOW), (1, GREEN)):
        mass, low = one.curve(one.limit(f"expected_minus_{size}"))
        _, high = one.curve(one.limit(f"expected_plus_{size}"))
        band(ax, mass, low, high, colour, f"expected ± {size}σ")
    mass, expected = one.curve(one.limit("expected"))
    lonely = alone(expected)
    ax.plot(mass, expected, "k--", label="expected")
    ax.plot(mass[lonely], expected[lonely], "k_", ms=9)
    ax.plot(*one.curve(one.limit("observed")), "ko-", ms=4, label="observed")
    mark_found(ax, *one.where(one.is_resonance, one.limit("observed")))
    mark_doubtful(ax, *one.where(limit_doubts, one.limit("observed")))
    without = [p.mass for p in one.every if isinstance(p, FailedPoint) or not one.limits(p)]
    if without:
        style: dict[str, Any] = {"color": "0.5", "ms": 6, "ls": "none", "transform": ax.get_xaxis_transform()}
        ax.plot(without, [0.03] * len(without), "v", label="no limit", **style)
    _checks(ax, one)


def _checks(ax: Axes, one: Selection) -> None:
    """Limits by other methods, at the masses where they were asked for."""
    known = [point for point in one.points if one.limits(point)]
    for check, marker, colour in (("toys", "D", COLOURS[2]), ("pyhf", "s", COLOURS[0])):
        found = {point.mass: one.checked(point, check) for point in known}
        others = {m: limit for m, limit in found.items() if limit is not None}
        for name, face in (("observed", colour), ("expected", "none")):
            if others:
                values = [getattr(limit, name) for limit in others.values()]
                style: dict[str, Any] = {"mec": colour, "mfc": face, "ms": 6, "ls": "none"}
                ax.plot(list(others), values, marker, label=f"{name}, by {check}", **style)
