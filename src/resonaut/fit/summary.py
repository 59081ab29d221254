"""The search in one file: a list of all selections and masses, and the global significances."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core import config
from resonaut.core.errors import ConfigError
from resonaut.core.files import write_json
from resonaut.core.shape import require
from resonaut.fit.lookelsewhere import ScanToys, combine

COLUMNS = ("p_local", "z_local", "z_expected", "reference_signal", "signal_yield", "signal_yield_error")
POINT = {
    "mass": float,
    **dict.fromkeys(COLUMNS, float),
    "efficiency": (float, None),
    "limit": ({"observed": float, "expected": float}, None),
    "fit": {"p_background": (float, None), "good": bool},
}
# Of a mass at which the fits failed.
NOTHING = {"fit_p_background": None, "fit_good": False}
RESULT = {
    "method": str,
    "scan": [{"mass": float, "fit": ({}, None)}],
    "toys": ({"z_max": [float], "up_crossings": float}, None),
}


def summarise(files: list[Path], output: Path) -> None:
    """Write the results of ``files`` as JSON: ``points`` sorted by selection and mass, and ``global``.

    ``global`` has the largest excess of each selection, in all its windows, and of all ``selections`` together.

    Raises:
        ConfigError: two windows of a method hold the same mass.
        InputFileError: a file is no fit result.
    """
    entries: dict[tuple[str, float], dict[str, Any]] = {}
    scans: dict[str, list[tuple[float, float, ScanToys | None]]] = {}
    for file in files:
        name, remedy = "fit result", "run 'resonaut fit selection' again"
        result = require(config.load_json(file), RESULT, file, name, remedy)
        require([point for point in result["scan"] if point["fit"]], [POINT], file, name, remedy)
        points, method = _points(result), result["method"]
        toys = result["toys"] and ScanToys(np.array(result["toys"]["z_max"]), result["toys"]["up_crossings"])
        for point in points:
            key = (method, point["mass"])
            if key in entries:
                raise ConfigError(
                    f"{file}: the mass {key[1]:g} GeV of {key[0]!r} is in another window too; "
                    "give signal regions that do not overlap."
                )
            entries[key] = point
        # As in each result: nothing says how often a mass at which no background fits well shows an excess.
        fitted = [point for point in points if point["fit_good"]]
        if fitted:
            best = max(fitted, key=lambda point: float(point["z_local"]))
            scans.setdefault(method, []).append((best["mass"], best["z_local"], toys))
    selections = {method: asdict(combine(found)) for method, found in sorted(scans.items())}
    together = [scan for found in scans.values() for scan in found]
    write_json(
        output,
        {
            "points": [entries[key] for key in sorted(entries)],
            "global": {"selections": selections, "all": asdict(combine(together)) if together else None},
        },
    )


def _points(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"selection": result["method"], "mass": point["mass"], "efficiency": point["efficiency"]}
        | {name: point[name] for name in COLUMNS}
        | {f"limit_{n}": (point["limit"] or {}).get(n) for n in ("observed", "expected")}
        | ({f"fit_{n}": point["fit"][n] for n in ("p_background", "good")} if point["fit"] else NOTHING)
        for point in result["scan"]
    ]
