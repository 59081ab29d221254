"""The table of the methods as a page: one block for each window, one line for each method."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from resonaut.report import pages
from resonaut.report.pages import BAD, FAINT, FINE, Cell


@dataclass(frozen=True)
class Row:
    """A line of the table: a method in a window; ``mass`` in ``unit``; ``signals``: efficiencies; None: not known."""

    method: str
    window: str
    bound: bool
    z_local: float | None
    mass: float | None
    unit: str
    selected: int
    expected: float | None
    efficiency_target: float
    signals: dict[str, float]
    sculpting: str
    spurious_excess: float | None
    sculpting_p_value: float
    sculpting_jsd_p_value: float
    no_signal_z_max: float | None
    no_signal_z_median: float | None
    wall_s: float | None
    verdict: str


class Column(NamedTuple):
    """Its two lines of heading, and what it says of a row."""

    heading: tuple[str, str]
    text: Callable[[Row], str]


def columns(rows: Sequence[Row]) -> list[Column]:
    """What the table shows of the rows of a window; the tests without a signal only where there are any."""
    unit = rows[0].unit
    shown = [
        Column(("largest", "local excess"), lambda row: _format(row.z_local, "{:.1f}σ")),
        Column(("at", "" if unit == "1" else unit), lambda row: _format(row.mass, "{:g}")),
        Column(("selected in the", "signal region"), lambda row: f"{row.selected:,}"),
        Column(("expected from", "the sidebands"), lambda row: _format(row.expected, "{:,.4g}")),
    ]
    names = list(dict.fromkeys(name for row in rows for name in row.signals))
    shown += [Column(("efficiency of", name), _efficiency(name)) for name in names]
    shown += [
        Column(("fake excess", "not excluded"), lambda row: _format(row.spurious_excess, "{:.1f}σ")),
        Column(("flat efficiency", "p-value"), lambda row: _format(row.sculpting_p_value, "{:.2g}")),
        Column(("same spectrum", "p-value (JSD)"), lambda row: _format(row.sculpting_jsd_p_value, "{:.2g}")),
    ]
    if any(row.no_signal_z_max is not None for row in rows):
        shown.append(Column(("without a signal", "median, largest"), _without_signal))
    if any(row.wall_s is not None for row in rows):
        shown.append(Column(("wall", "time"), lambda row: _time(row.wall_s)))
    return shown


def _format(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value).replace("%", " %")


def _efficiency(name: str) -> Callable[[Row], str]:
    return lambda row: _format(row.signals.get(name), "{:.1%}")


def _without_signal(row: Row) -> str:
    if row.no_signal_z_max is None:
        return "–"
    return f"{row.no_signal_z_median:.1f}σ, {row.no_signal_z_max:.1f}σ"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def overview(rows: Sequence[Row], text: str, path: Path) -> None:
    """Write the page; what a search should not trust is red, and what knows more than a search is grey."""
    windows = dict.fromkeys(row.window for row in rows)
    pages.write(path, "Methods", text, [_table(name, [row for row in rows if row.window == name]) for name in windows])


def _table(window: str, rows: Sequence[Row]) -> str:
    shown = columns(rows)
    headings: list[str | Cell] = [
        "method",
        *("\n".join(column.heading) for column in shown),
        Cell("verdict", words=True),
    ]
    return pages.table(window, headings, [_line(row, shown) for row in rows])


def _line(row: Row, shown: Sequence[Column]) -> list[Cell]:
    look = FAINT if row.bound else ""
    name = f"{row.method} (reference)" if row.bound else row.method
    verdict = Cell(row.verdict, look if row.verdict == FINE else BAD, words=True)
    return [Cell(name, look), *(Cell(column.text(row), look) for column in shown), verdict]
