"""The final numbers of each selection and mass, and the global significances."""

import csv
from pathlib import Path
from typing import Any

from resonaut.core.files import atomic
from resonaut.core.record import keys
from resonaut.core.results import read, write
from resonaut.fit.results import scans as fit
from resonaut.report.figure import Figure, Input, Output
from resonaut.report.results import Line, Summary

FIGURE = Figure(
    category="Results",
    reads={"fits": Input("fit", "summary", "<results>/fit/summary.json", many=False)},
    writes={"summary": Output("summary.json", shown=False), "table": Output("summary.csv")},
)


def draw(output: Path, fits: Path) -> None:
    """Write ``points`` and ``global`` as ``summary.json``, and the points as CSV.

    Raises:
        InputFileError: ``fits`` is no summary of the stage ``fit``.
    """
    content, columns = read(fits, fit.Summary), list(keys(Line))
    lines = [Line(**{name: getattr(point, name) for name in columns}) for point in content.points]
    write(output / "summary.json", Summary(points=lines, global_=content.global_))
    with atomic(output / "summary.csv") as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_plain(getattr(line, name)) for name in columns] for line in lines)


def _plain(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
