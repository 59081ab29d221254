"""The table of the methods as a figure: one block for each window, one line for each method."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from resonaut.report.style import COLOURS, above, figure

Row = dict[str, Any]
# Inches of a line of text, of a character, and between two columns.
LINE, CHARACTER, GAP = 0.21, 0.082, 0.22
GOOD, BAD = "k", COLOURS[2]


class Column(NamedTuple):
    """Its two lines of heading, and what it says of a row."""

    heading: tuple[str, str]
    text: Callable[[Row], str]


def columns(rows: Sequence[Row]) -> list[Column]:
    """What the figure shows of these rows; the tests without a signal only where there are any."""
    shown = [
        Column(("largest", "local excess"), lambda row: _format(row["z_local"], "{:.1f}σ")),
        Column(("at", "GeV"), lambda row: _format(row["mass"], "{:g}")),
        Column(("selected in the", "signal region"), lambda row: f"{row['selected']:,}"),
        Column(("expected from", "the sidebands"), lambda row: _format(row["expected"], "{:,.4g}")),
    ]
    names = list(dict.fromkeys(name for row in rows for name in row["signals"]))
    shown += [Column(("efficiency of", name), _efficiency(name)) for name in names]
    shown += [
        Column(("fake excess", "not excluded"), lambda row: _format(row["spurious_excess"], "{:.1f}σ")),
        Column(("flat efficiency", "p-value"), lambda row: _format(row["sculpting_p_value"], "{:.2g}")),
        Column(("same spectrum", "p-value (JSD)"), lambda row: _format(row["sculpting_jsd_p_value"], "{:.2g}")),
    ]
    if any(row["no_signal_z_max"] is not None for row in rows):
        shown.append(Column(("without a signal", "median, largest"), _without_signal))
    if any(row["wall_s"] is not None for row in rows):
        shown.append(Column(("wall", "time"), lambda row: _time(row["wall_s"])))
    return shown


def _format(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value).replace("%", " %")


def _efficiency(name: str) -> Callable[[Row], str]:
    return lambda row: _format(row["signals"].get(name), "{:.1%}")


def _without_signal(row: Row) -> str:
    if row["no_signal_z_max"] is None:
        return "–"
    return f"{row['no_signal_z_median']:.1f}σ, {row['no_signal_z_max']:.1f}σ"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def overview(rows: Sequence[Row], text: str, plot: Path) -> None:
    """Draw the table; what a search should not trust is red, and upper bounds are grey."""
    windows = {
        name: [row for row in rows if row["window"] == name] for name in dict.fromkeys(r["window"] for r in rows)
    }
    blocks = [(name, own, columns(own)) for name, own in windows.items()]
    width = max(_edges(own, shown)[-1] for _, own, shown in blocks)
    # A block has three lines of heading and one below it.
    height = LINE * (sum(len(own) for own in windows.values()) + 4 * len(blocks))
    with figure(plot, figsize=(width + 0.2, height + 0.35)) as (fig, ax):
        ax.set(xlim=(0, width), ylim=(height, 0))
        ax.set_axis_off()
        top = 0.0
        for name, own, shown in blocks:
            _block(ax, top, name, own, shown, width)
            top += LINE * (len(own) + 4)
        above(fig, text)


def _name(row: Row) -> str:
    return f"{row['method']} (upper bound)" if row["bound"] else str(row["method"])


def _edges(rows: Sequence[Row], shown: Sequence[Column]) -> list[float]:
    """Right ends of the columns in inches: the method's, those of ``shown``, the verdict's."""
    texts = [[_name(row) for row in rows]]
    texts += [[*column.heading, *map(column.text, rows)] for column in shown]
    texts.append([row["verdict"] for row in rows])
    edges, right = [], 0.0
    for column in texts:
        right += CHARACTER * max(map(len, column)) + GAP
        edges.append(right)
    return edges


def _block(ax: Axes, top: float, window: str, rows: Sequence[Row], shown: Sequence[Column], width: float) -> None:
    first, *ends, _ = _edges(rows, shown)
    verdict = (ends or [first])[-1] + GAP
    ax.text(0, top + LINE, window, fontsize=11, weight="bold", va="center")
    for column, right in zip(shown, ends, strict=True):
        for line, heading in enumerate(column.heading):
            ax.text(right, top + LINE * (line + 1), heading, fontsize=8, ha="right", va="center", color="0.35")
    ax.text(verdict, top + 2 * LINE, "verdict", fontsize=8, va="center", color="0.35")
    ax.plot((0, width), (top + 2.6 * LINE,) * 2, color="k", lw=0.8)
    for number, row in enumerate(rows):
        y = top + LINE * (number + 3.2)
        if number % 2:
            ax.axhspan(y - LINE / 2, y + LINE / 2, color="0.95", lw=0, zorder=0)
        style: dict[str, Any] = {"fontsize": 9, "va": "center", "color": "0.45" if row["bound"] else GOOD}
        ax.text(0, y, _name(row), **style)
        for column, right in zip(shown, ends, strict=True):
            ax.text(right, y, column.text(row), ha="right", **style)
        good = row["verdict"] == "ok"
        ax.text(verdict, y, row["verdict"], **style | ({} if good else {"color": BAD, "weight": "bold"}))
