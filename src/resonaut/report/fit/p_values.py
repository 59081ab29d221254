"""Local p-values of every selection against the resonance mass, and those expected of a signal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from scipy.stats import norm

from resonaut.core.style import alone, corner, distinct, figure, legend_below, mark_doubtful, mark_found
from resonaut.fit.results.points import Point
from resonaut.fit.results.scans import Global
from resonaut.report.figure import CONFIG, RESULTS, SUMMARY, Figure, Output
from resonaut.report.fit import results as files
from resonaut.report.fit.results import Selection, Value, by_observable, doubts, heading
from resonaut.report.settings import label

FIGURE = Figure(
    category="Results",
    reads={"results": RESULTS, "summary": SUMMARY, "config": CONFIG},
    writes={"plot": Output("p_values.png")},
)

# Panels beside each other.
IN_A_ROW = 3
# An expected significance beyond this would leave no room for the observed ones.
HIGHEST_EXPECTED = 6


def draw(output: Path, results: Sequence[Path], summary: Path | None, config: Path | None) -> None:
    """Draw the figure into ``output``."""
    read = files.read(results)
    p_values(files.selections(read, summary), heading(label(config), read[0].content), output / "p_values.png")


def p_values(selections: Sequence[Selection], text: str, plot: Path) -> None:
    """Local p-value of every selection against the resonance mass, and that expected of a reference signal.

    A cross marks a mass whose numbers are in doubt, a ring a resonance that is found. A panel for each observable.
    """
    columns = 2 if len(selections) < 8 else 3
    panels = by_observable(selections)
    across = min(len(panels), IN_A_ROW)
    rows = -(-len(panels) // across)
    size = 6.8 * across, 4.2 * rows + 0.2 * -(-(len(selections) + 1) // columns)
    styles = dict(zip((one.name for one in selections), distinct(len(selections)), strict=True))
    with figure(plot, rows, across, figsize=size, squeeze=False) as (fig, axes):
        for ax, own in zip(axes.flat, panels, strict=False):
            _panel(ax, own, styles)
        for ax in axes.flat[len(panels) :]:
            ax.set_axis_off()
        corner(axes[0, -1], text)
        legend_below(fig, columns)


def _panel(ax: Axes, selections: Sequence[Selection], styles: dict[str, dict[str, Any]]) -> None:
    references: set[str] = set()
    for one in selections:
        style = styles[one.name]
        ax.plot(*one.curve(_p_local), ms=4, lw=1.3, label=one.name + _global(one.excess), **style | {"ls": "-"})
        expected, name = _expected(one)
        mass, values = one.curve(expected)
        lonely = alone(values)
        ax.plot(mass, values, "--", lw=1, color=style["color"])
        ax.plot(mass[lonely], values[lonely], "_", ms=9, color=style["color"])
        references.add(name)
    for one in selections:
        mark_found(ax, *one.where(one.is_resonance, _p_local))
        mark_doubtful(ax, *one.where(doubts, _p_local))
    for name in sorted(references):
        ax.plot([], [], "--", lw=1, color="k", label=name)
    ax.set(yscale="log", xlabel=selections[0].mass_label, ylabel="local p-value")
    _sigma_lines(ax, selections)


def _global(excess: Global | None) -> str:
    if excess is None or excess.z_global is None:
        return ""
    return f": {excess.z_local:.1f}σ local, {excess.z_global:.1f}σ global"


def _p_local(point: Point) -> float:
    return point.p_local


def _expected(one: Selection) -> tuple[Value, str]:
    """Expected p-value of the reference signal, where it is in the unit of the selection's limits."""

    def p_value(point: Point) -> float | None:
        return float(norm.sf(point.z_expected)) if one.limits(point) else None

    return p_value, f"expected for a signal of {one.points[0].reference_signal:g} {one.unit}"


def _sigma_lines(ax: Axes, selections: Sequence[Selection]) -> None:
    points = [point for one in selections for point in one.points]
    expected = min(HIGHEST_EXPECTED, max(point.z_expected for point in points))
    levels = range(1, max(4, int(max(expected, *(point.z_local for point in points))) + 1) + 1)
    for sigma in levels:
        ax.axhline(norm.sf(sigma), color="grey", ls=":", lw=0.8)
        ax.annotate(
            f"{sigma}σ",
            (1.0, norm.sf(sigma)),
            xycoords=("axes fraction", "data"),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color="grey",
        )
    ax.set_ylim(norm.sf(levels[-1]) / 3, 1.5)
