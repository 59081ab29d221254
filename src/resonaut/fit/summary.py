"""The search in one list: an entry for each selection and mass."""

import csv
from pathlib import Path
from typing import Any

from resonaut import config
from resonaut.errors import ConfigError, InputFileError
from resonaut.files import atomic, write_json

COLUMNS = ("p_local", "z_local", "signal_yield", "signal_yield_error")
KEYS = ("selection", "mass", *COLUMNS, "limit_observed", "limit_expected", "efficiency")


def summarise(files: list[Path], output: Path, table: Path) -> None:
    """Write the results of ``files`` as one JSON list and one CSV table, sorted by selection and mass.

    Raises:
        ConfigError: two windows of a method hold the same mass.
    """
    entries: dict[tuple[str, float], dict[str, Any]] = {}
    for file in files:
        for entry in _entries(file):
            key = (entry["selection"], entry["mass"])
            if key in entries:
                raise ConfigError(
                    f"{file}: the mass {key[1]:g} GeV of {key[0]!r} is in another window too; "
                    "give signal regions that do not overlap."
                )
            entries[key] = entry
    rows = [entries[key] for key in sorted(entries)]
    write_json(output, rows)
    with atomic(table) as partial, partial.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, KEYS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _entries(file: Path) -> list[dict[str, Any]]:
    result = config.load_json(file)
    try:
        return [
            {"selection": result["method"], "mass": point["mass"], "efficiency": point["efficiency"]}
            | {name: point[name] for name in COLUMNS}
            | {f"limit_{n}": (point["limit"] or {}).get(n) for n in ("observed", "expected")}
            for point in result["scan"]
        ]
    except (KeyError, TypeError) as error:
        raise InputFileError(file, f"no fit result ({error!r})", "run 'resonaut fit selection' again") from None
