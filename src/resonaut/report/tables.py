"""The final numbers: the summary that everything ends in, as JSON, as CSV, and on the terminal."""

import csv
from pathlib import Path
from typing import Any

from resonaut import config
from resonaut.files import atomic, write_json

COLUMNS = (
    "selection",
    "mass",
    "p_local",
    "z_local",
    "signal_yield",
    "signal_yield_error",
    "limit_observed",
    "limit_expected",
    "efficiency",
)


def summarise(results: Path, summary: Path, table: Path) -> None:
    """Write the fit's results as ``summary.json`` and as CSV, one row per selection and mass."""
    rows = [{key: row[key] for key in COLUMNS} for row in config.load_json(results)]
    write_json(summary, rows)
    with atomic(table) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _plain(value) for key, value in row.items()} for row in rows)


def _plain(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def terminal_table(summary: Path) -> str:
    """Each selection at its most significant mass, as text for a terminal."""
    rows = config.load_json(summary)
    best: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["selection"] not in best or row["z_local"] > best[row["selection"]]["z_local"]:
            best[row["selection"]] = row
    lines = [
        f"{'selection':<12} {'mass':>8} {'local significance':>19} {'observed limit':>15} {'expected limit':>15}",
        f"{'':<12} {'GeV':>8} {'sigma':>19} {'fb':>15} {'fb':>15}",
    ]
    lines += [
        f"{name:<12} {row['mass']:>8.0f} {row['z_local']:>19.1f} "
        f"{_limit(row['limit_observed'])} {_limit(row['limit_expected'])}"
        for name, row in best.items()
    ]
    return "\n".join(["Most significant mass of each selection:", *lines])


def _limit(value: float | None) -> str:
    return f"{'-':>15}" if value is None else f"{value:>15.3g}"
