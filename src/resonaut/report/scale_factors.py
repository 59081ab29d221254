"""Scale factors of the Lund-plane calibration with all their uncertainties, and its badly matched jets."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from resonaut.files import atomic
from resonaut.report.style import COLOURS, figure

# The largest uncertainty has the darkest cell, and all from this size on.
DARKEST = 0.3
FIRST = ("efficiency", "scale factor", "total")
WHITE = "#ffffff"


def tables(contents: Sequence[dict[str, Any]], table: Path, prongs: Path) -> None:
    """Write the scale factors of all selections of all datasets, and the jets by number of prongs, as CSV."""
    sources = sorted({name for _, _, row in _rows(contents) for name in row["uncertainties"] or {}})
    columns = ["dataset", "selection", "efficiency", "scale_factor", "total_percent"]
    columns += [f"{source}_{way}_percent" for source in sources for way in ("up", "down")]
    _write(table, columns, [_line(dataset, name, row, sources) for dataset, name, row in _rows(contents)])
    counts = ["jets", "uncalibrated", "unclustered", "bad_fraction", "doubtful"]
    found = [[dataset, n, *(_plain(row[key]) for key in counts)] for dataset, n, row in _prongs(contents)]
    _write(prongs, ["dataset", "prongs", *counts], found)


def _line(dataset: str, selection: str, row: dict[str, Any], sources: Sequence[str]) -> list[str]:
    """A selection; empty fields where nothing is selected, or a source is another dataset's."""
    line = [dataset, selection, f"{row['efficiency']:.6g}"]
    if row["scale_factor"] is None:
        return line + [""] * (2 + 2 * len(sources))
    shifts = [shift for name in sources for shift in row["uncertainties"].get(name, (None, None))]
    line.append(f"{row['scale_factor']:.6g}")
    return line + ["" if shift is None else f"{100 * shift:.4g}" for shift in (row["total"], *shifts)]


def _rows(contents: Sequence[dict[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(c["dataset"], name, row) for c in contents for name, row in c["selections"].items()]


def _prongs(contents: Sequence[dict[str, Any]]) -> list[tuple[str, int, dict[str, Any]]]:
    return [(c["dataset"], n, c["prongs"][str(n)]) for c in contents for n in sorted(map(int, c["prongs"]))]


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with atomic(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _plain(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def draw(contents: Sequence[dict[str, Any]], plot: Path) -> None:
    """The same as a figure, in which the largest uncertainties and doubtful numbers of prongs stand out."""
    rows = _rows(contents)
    sizes = _sizes(rows)
    sources = sorted(sizes, key=lambda name: (-float(np.mean(sizes[name])), name))
    darkest = min(DARKEST, max((max(found) for found in sizes.values()), default=0)) or DARKEST
    numbers = sorted({n for _, n, _ in _prongs(contents)})
    columns, lines = len(FIRST) + len(sources), (max(len(rows), 1), len(contents))
    size = (2.2 + 1.05 * max(columns, len(numbers)), 1.6 + 0.32 * sum(lines))
    with figure(plot, 2, 1, figsize=size, height_ratios=lines) as (_, (above, below)):
        _grid(above, [*FIRST, *(name.replace("_", " ") for name in sources)], [f"{d}, {s}" for d, s, _ in rows])
        for y, (_, _, row) in enumerate(rows):
            _scale_factor(above, y, row, sources, darkest)
        _grid(below, [f"{n} prong{'s' * (n > 1)}" for n in numbers], [c["dataset"] for c in contents])
        datasets = [c["dataset"] for c in contents]
        for dataset, n, row in _prongs(contents):
            text = "! " * row["doubtful"] + f"{100 * row['bad_fraction']:.0f} % of {row['jets']:,}"
            colour = COLOURS[1] if row["doubtful"] else WHITE
            _cell(below, numbers.index(n), datasets.index(dataset), text, colour, bold=row["doubtful"])
        above.set_title("Scale factors and their relative uncertainties [%], upward / downward variation", pad=24)
        below.set_title("Badly matched jets; !: more than 10 % times the number of prongs", pad=24)
        for ax in (above, below):
            ax.set_xlim(0, max(columns, len(numbers)))


def _sizes(rows: Sequence[tuple[str, str, dict[str, Any]]]) -> dict[str, list[float]]:
    """The larger sides of the uncertainties by source."""
    sizes: dict[str, list[float]] = {}
    for _, _, row in rows:
        for name, pair in (row["uncertainties"] or {}).items():
            sizes.setdefault(name, []).append(max(map(abs, pair)))
    return sizes


def _scale_factor(ax: Axes, y: int, row: dict[str, Any], sources: Sequence[str], darkest: float) -> None:
    """A selection: its numbers, and of each source a cell coloured by size, the largest one bold."""
    _cell(ax, 0, y, f"{row['efficiency']:.3g}")
    if row["scale_factor"] is None:
        ax.text(1.15, y + 0.5, "no jet selected", va="center", fontsize=9, color="grey")
        return
    _cell(ax, 1, y, f"{row['scale_factor']:.3f}", bold=True)
    _cell(ax, 2, y, f"± {_percent(row['total'])}", _shade(row["total"], darkest), bold=True)
    largest = max((max(map(abs, pair)) for pair in row["uncertainties"].values()), default=0)
    for x, name in enumerate(sources, start=len(FIRST)):
        up, down = row["uncertainties"].get(name, (0, 0))
        size = max(abs(up), abs(down))
        text = f"± {_percent(abs(up))}" if up == -down else f"{_percent(up, '+')} / {_percent(down, '+')}"
        _cell(ax, x, y, text if size else "0", _shade(size, darkest), bold=size == largest > 0)


def _percent(size: float, sign: str = "") -> str:
    return f"{100 * size:{sign}.{0 if abs(size) >= 0.1 else 1}f}"


def _shade(size: float, darkest: float) -> Any:
    # Black text stays readable on the lower part of the palette.
    return mpl.colormaps["YlOrRd"](0.65 * min(size / darkest, 1)) if size else WHITE


def _cell(ax: Axes, x: int, y: int, text: str, colour: Any = WHITE, bold: bool = False) -> None:
    ax.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor=WHITE, lw=1.5))
    ax.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=8.5, weight="bold" if bold else "normal")


def _grid(ax: Axes, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Axes as an empty table: columns named above, rows on the left."""
    ax.set_ylim(max(len(rows), 1), 0)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns, fontsize=9)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows, fontsize=9)
    ax.tick_params(which="both", length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
