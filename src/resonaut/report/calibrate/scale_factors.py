"""Scale factors of the Lund-plane calibration with all their uncertainties, and its badly matched jets."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex

from resonaut.calibrate.results import MatchedJets, SelectedJets, Summary
from resonaut.core.files import atomic
from resonaut.core.results import read
from resonaut.report import pages, settings
from resonaut.report.figure import CALIBRATED, CONFIG, Figure, Output
from resonaut.report.pages import BAD, FAINT, Cell

FIGURE = Figure(
    category="Calibration",
    reads={"summaries": CALIBRATED, "config": CONFIG},
    writes={
        "page": Output("calibration/scale_factors.html"),
        "table": Output("calibration/scale_factors.csv"),
        "prongs": Output("calibration/prongs.csv", caption="prongs"),
    },
)

# The largest uncertainty has the darkest cell, and all from this size on.
DARKEST = 0.3
BOLD = "font-weight: bold"


def draw(output: Path, summaries: Sequence[Path], config: Path | None) -> None:
    """Write the page and the tables into ``output``."""
    contents, folder = [read(path, Summary) for path in summaries], output / "calibration"
    tables(contents, folder / "scale_factors.csv", folder / "prongs.csv")
    page(contents, settings.of_simulation(config), folder / "scale_factors.html")


def tables(contents: Sequence[Summary], table: Path, prongs: Path) -> None:
    """Write the scale factors of all selections of all datasets, and the jets by number of prongs, as CSV."""
    sources = sorted({name for _, _, row in _rows(contents) for name in row.uncertainties or {}})
    columns = ["dataset", "selection", "efficiency", "scale_factor", "total_percent"]
    columns += [f"{source}_{way}_percent" for source in sources for way in ("up", "down")]
    _write(table, columns, [_line(dataset, name, row, sources) for dataset, name, row in _rows(contents)])
    counts = ["jets", "uncalibrated", "unclustered", "bad_fraction", "doubtful"]
    found = [[dataset, n, *(_plain(getattr(row, key)) for key in counts)] for dataset, n, row in _prongs(contents)]
    _write(prongs, ["dataset", "prongs", *counts], found)


def _line(dataset: str, selection: str, row: SelectedJets, sources: Sequence[str]) -> list[str]:
    """A selection; empty fields where nothing is selected, or a source is another dataset's."""
    line = [dataset, selection, f"{row.efficiency:.6g}"]
    if row.scale_factor is None:
        return line + [""] * (2 + 2 * len(sources))
    shifts = [shift for name in sources for shift in (row.uncertainties or {}).get(name, (None, None))]
    line.append(f"{row.scale_factor:.6g}")
    return line + ["" if shift is None else f"{100 * shift:.4g}" for shift in (row.total, *shifts)]


def _rows(contents: Sequence[Summary]) -> list[tuple[str, str, SelectedJets]]:
    return [(c.dataset, name, row) for c in contents for name, row in c.selections.items()]


def _prongs(contents: Sequence[Summary]) -> list[tuple[str, int, MatchedJets]]:
    return [(c.dataset, n, c.prongs[str(n)]) for c in contents for n in sorted(map(int, c.prongs))]


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with atomic(path) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _plain(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def page(contents: Sequence[Summary], text: str, path: Path) -> None:
    """The same as a page, in which the largest uncertainties and doubtful numbers of prongs stand out."""
    rows = _rows(contents)
    sizes = _sizes(rows)
    sources = sorted(sizes, key=lambda name: (-float(np.mean(sizes[name])), name))
    darkest = min(DARKEST, max((max(found) for found in sizes.values()), default=0)) or DARKEST
    headings = ["dataset", "selection", "efficiency", "scale factor", "total"]
    headings += [name.replace("_", " ") for name in sources]
    numbers = sorted({n for _, n, _ in _prongs(contents)})
    parts = [
        pages.table(
            "Scale factors and their relative uncertainties [%], upward / downward variation",
            headings,
            [[dataset, name, *_scale_factor(row, sources, darkest)] for dataset, name, row in rows],
        ),
        pages.table(
            "Badly matched jets; bold: more than 10 % times the number of prongs",
            ["dataset", *(f"{n} prong{'s' * (n > 1)}" for n in numbers)],
            [[content.dataset, *(_matched(content.prongs.get(str(n))) for n in numbers)] for content in contents],
        ),
    ]
    pages.write(path, "Calibration of the signals' jets", text, parts)


def _matched(row: MatchedJets | None) -> Cell:
    if row is None:
        return Cell("–", FAINT)
    return Cell(f"{100 * row.bad_fraction:.0f} % of {row.jets:,}", BAD if row.doubtful else "")


def _sizes(rows: Sequence[tuple[str, str, SelectedJets]]) -> dict[str, list[float]]:
    """The larger sides of the uncertainties by source."""
    sizes: dict[str, list[float]] = {}
    for _, _, row in rows:
        for name, pair in (row.uncertainties or {}).items():
            sizes.setdefault(name, []).append(max(map(abs, pair)))
    return sizes


def _scale_factor(row: SelectedJets, sources: Sequence[str], darkest: float) -> list[Cell]:
    """A selection: its numbers, and of each source a cell coloured by size, the largest one bold."""
    efficiency = Cell(f"{row.efficiency:.3g}")
    if row.scale_factor is None or row.total is None:
        return [efficiency, Cell("no jet selected", FAINT), *[Cell("")] * (1 + len(sources))]
    uncertainties = row.uncertainties or {}
    largest = max((max(map(abs, pair)) for pair in uncertainties.values()), default=0)
    cells = []
    for name in sources:
        up, down = uncertainties.get(name, (0, 0))
        size = max(abs(up), abs(down))
        text = f"± {_percent(abs(up))}" if up == -down else f"{_percent(up, '+')} / {_percent(down, '+')}"
        cells.append(Cell(text if size else "0", _shade(size, darkest) + BOLD * (size == largest > 0)))
    total = Cell(f"± {_percent(row.total)}", _shade(row.total, darkest) + BOLD)
    return [efficiency, Cell(f"{row.scale_factor:.3f}", BOLD), total, *cells]


def _percent(size: float, sign: str = "") -> str:
    return f"{100 * size:{sign}.{0 if abs(size) >= 0.1 else 1}f}"


def _shade(size: float, darkest: float) -> str:
    # Black text stays readable on the lower part of the palette.
    shade = mpl.colormaps["YlOrRd"](0.65 * min(size / darkest, 1))
    return f"background: {to_hex(shade)}; " if size else ""
