"""From the fits of models with one signal each to cross sections and couplings against the mass."""

import math
from collections.abc import Sequence
from pathlib import Path

from resonaut.core.errors import InputFileError
from resonaut.core.results import read
from resonaut.fit.masses.settings import Point, ScanJob, SquaredCoupling
from resonaut.fit.results.histfactory import Interest, ModelResult
from resonaut.fit.results.masses import MassPoint, MassScanResult
from resonaut.fit.results.points import Limits


def mass_scan(name: str, job: ScanJob, fits: Sequence[Path]) -> MassScanResult:
    """The scan of the models whose ``fits`` are given, in the order of the job's points.

    Raises:
        InputFileError: a file is no fit, or not of the point's parameter of interest.
    """
    points = [_point(one, job.coupling, path) for one, path in zip(job.points, fits, strict=True)]
    return MassScanResult(name=name, symbol=job.coupling.symbol if job.coupling else None, points=points)


def _point(point: Point, coupling: SquaredCoupling | None, path: Path) -> MassPoint:
    found = read(path, ModelResult)
    one = _interest(found, point.interest, path) if found.converged else None
    limits, against = (None, None) if one is None else (one.limits, one.significance)
    value, error = (None, None) if one is None else (one.value, one.error)
    return MassPoint(
        model=point.model,
        mass=point.mass,
        reference=point.cross_section,
        cross_section=None if value is None else value * point.cross_section,
        error=None if error is None else error * point.cross_section,
        z=None if against is None else against.z,
        z_expected=None if against is None else against.z_expected,
        limits=None if limits is None else limits.scaled(point.cross_section),
        coupling=None if coupling is None or limits is None else coupled(limits, coupling.reference),
        goodness_p=found.goodness.p_value,
        reason=found.problem if one is None else one.reason,
    )


def _interest(found: ModelResult, name: str, path: Path) -> Interest:
    for one in found.interests:
        if one.name == name:
            return one
    raise InputFileError(path, f"has no parameter of interest {name!r}", "fit the model again")


def coupled(limits: Limits, reference: float) -> Limits:
    """Limits on a coupling of which the cross section is the square: mu = (g / reference)^2, at leading order."""
    return Limits(**{name: reference * math.sqrt(max(value, 0.0)) for name, value in vars(limits).items()})
