"""Limits in events on resonances of several widths, of every selection, against the resonance mass."""

from collections.abc import Callable, Sequence
from pathlib import Path

from resonaut.core.style import COLOURS, PANELS_IN_A_ROW, above, figure, legend_below
from resonaut.fit.results.points import Point
from resonaut.report.figure import CONFIG, Figure, Input, Output
from resonaut.report.fit import results as files
from resonaut.report.fit.results import heading
from resonaut.report.settings import label

FIGURE = Figure(
    category="Results",
    reads={
        "results": Input("fit", "wider", "<results>/fit/<method>/<window>.json of fits with fit.limit_widths."),
        "config": CONFIG,
    },
    writes={"plot": Output("limits_by_width.png")},
)


def draw(output: Path, results: Sequence[Path], config: Path | None) -> None:
    """Draw the figure into ``output``, if there are limits on further widths."""
    read = files.read(results)
    chosen = [one for one in files.selections(read, None) if any(point.limits_by_width for point in one.points)]
    if not chosen:
        return
    columns = min(len(chosen), PANELS_IN_A_ROW)
    rows = -(-len(chosen) // columns)
    size = (max(6.4, 3.9 * columns), 1.4 + 3.6 * rows)
    with figure(output / "limits_by_width.png", rows, columns, figsize=size, squeeze=False) as (fig, axes):
        for ax in axes.flat[len(chosen) :]:
            ax.set_axis_off()
        for ax, one in zip(axes.flat, chosen, strict=False):
            widths = sorted({found.width for point in one.points for found in point.limits_by_width})
            for width, colour in zip(widths, COLOURS * len(widths), strict=False):
                for name, line in (("expected", "--"), ("observed", "-")):
                    shown = f"{name}, width {100 * width:g} %"
                    ax.plot(*one.curve(_limit(width, name)), line, color=colour, label=shown)
            ax.set(yscale="log", xlabel=one.mass_label, title=one.name)
        level = f"{100 * read[0].content.confidence_level:g} % CL upper limit on\nsignal yield [events]"
        for ax in axes[:, 0]:
            ax.set_ylabel(level)
        above(fig, heading(label(config), read[0].content))
        legend_below(fig, 4)


def _limit(width: float, name: str) -> Callable[[Point], float | None]:
    """The limit ``name`` of a point for a width; None where there is none."""

    def value(point: Point) -> float | None:
        found = [one.limit_events for one in point.limits_by_width if one.width == width and one.limit_events]
        return float(getattr(found[0], name)) if found else None

    return value
