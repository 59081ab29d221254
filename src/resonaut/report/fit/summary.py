"""The final numbers of each selection and mass, and the global significances."""

import csv
from pathlib import Path
from typing import Any

from resonaut.core.files import atomic, write_json
from resonaut.report.figure import Figure, Input, Output
from resonaut.report.fit.numbers import COLUMNS, read

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
    content = read(fits)
    rows = [{key: row[key] for key in COLUMNS} for row in content["points"]]
    write_json(output / "summary.json", {"points": rows, "global": content["global"]})
    with atomic(output / "summary.csv") as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _plain(value) for key, value in row.items()} for row in rows)


def _plain(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
