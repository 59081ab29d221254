"""The search in one file: a list of all selections and masses, and the global significances."""

from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core.errors import ConfigError
from resonaut.core.observables import said
from resonaut.core.record import keys
from resonaut.core.results import read, write
from resonaut.fit.lookelsewhere import ScanToys, combine
from resonaut.fit.results.points import FailedPoint, Point, largest
from resonaut.fit.results.scans import Excesses, SelectionScan, Summary, SummaryPoint


def summarise(files: list[Path], output: Path) -> None:
    """Write the results of ``files`` as JSON: ``points`` sorted by selection and mass, and ``global``.

    Raises:
        ConfigError: two windows of a method hold the same mass.
        InputFileError: a file is no fit result.
    """
    entries: dict[tuple[str, float], SummaryPoint] = {}
    scans: dict[str, list[tuple[float, float, ScanToys | None]]] = {}
    for file in files:
        result = read(file, SelectionScan)
        toys = ScanToys(np.array(result.toys.z_max), result.toys.up_crossings) if result.toys else None
        for point in result.scan:
            key = (result.selection, point.mass)
            if key in entries:
                raise ConfigError(
                    f"{file}: the mass {said(key[1], result.unit)} of {key[0]!r} is in another window too; "
                    "give signal regions that do not overlap."
                )
            entries[key] = _entry(result, point)
        best = largest(result.points)
        if best is not None:
            scans.setdefault(result.selection, []).append((best.mass, best.z_local, toys))
    selections = {method: combine(found) for method, found in sorted(scans.items())}
    together = [scan for found in scans.values() for scan in found]
    excesses = Excesses(selections=selections, all=combine(together) if together else None)
    write(output, Summary(points=[entries[key] for key in sorted(entries)], global_=excesses))


def _entry(result: SelectionScan, point: Point | FailedPoint) -> SummaryPoint:
    selection, unit = result.selection, result.unit
    if isinstance(point, FailedPoint):
        nothing: dict[str, Any] = dict.fromkeys(keys(SummaryPoint))
        return SummaryPoint(**nothing | {"selection": selection, "mass": point.mass, "unit": unit, "fit_good": False})
    return SummaryPoint(
        selection=selection,
        mass=point.mass,
        unit=unit,
        p_local=point.p_local,
        z_local=point.z_local,
        z_expected=point.z_expected,
        reference_signal=point.reference_signal,
        signal_yield=point.signal_yield,
        signal_yield_error=point.signal_yield_error,
        efficiency=point.efficiency,
        limit_observed=None if point.limit is None else point.limit.observed,
        limit_expected=None if point.limit is None else point.limit.expected,
        fit_p_background=point.fit.p_background,
        fit_good=point.fit.good,
    )
