"""Limits and likelihood of each coupling of a model, as a record."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from resonaut.core.errors import FitError, during
from resonaut.fit.histfactory.fits import fit
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.model import Model
from resonaut.fit.histfactory.scans import interval, scan
from resonaut.fit.histfactory.specification import Workspace
from resonaut.fit.morphing.limits import against
from resonaut.fit.morphing.settings import Coupling, CouplingsJob, Morphed
from resonaut.fit.morphing.workspace import couplings, solve
from resonaut.fit.results.couplings import Couplings, CouplingScan, Ranges


def scanned(workspace: Workspace, job: CouplingsJob, model: str, path: Path) -> Couplings:
    """What the data of a workspace say of each coupling that floats.

    Args:
        workspace: plain JSON data, with the measurements that ``morphed`` writes.
        job: the processes, and the parameter that multiplies them.
        model: its name, for the record.
        path: where the workspace comes from, for sentences.

    Raises:
        FitError: fits for the limits do not converge; the likelihood is null with its reason then.
    """
    with during(str(path)):
        found = [_scan(workspace, job, name, one) for name, one in couplings(job.processes).items() if not one.fixed]
    return Couplings(model=model, strength=job.strength, confidence_level=job.confidence_level, scans=found)


def _scan(workspace: Workspace, job: CouplingsJob, name: str, coupling: Coupling) -> CouplingScan:
    values = np.linspace(*coupling.range, coupling.points)
    found = against(Model.of(workspace), name, job.strength, values, confidence_level=job.confidence_level)
    best, deviance, inside, reason = _likelihood(Model.of(workspace, name), name, values)
    theory = cross_section(job.processes, name, values)
    return CouplingScan(
        coupling=name,
        values=values.tolist(),
        observed=found.observed.tolist(),
        expected=found.expected.tolist(),
        cross_section=None if theory is None else theory.tolist(),
        allowed=found.allowed,
        allowed_expected=found.allowed_expected,
        best=best,
        deviance=deviance,
        interval_68=inside[0] if inside else None,
        interval_95=inside[1] if inside else None,
        reason=reason,
    )


def _likelihood(
    model: Model, name: str, values: Array
) -> tuple[float | None, list[float | None], list[Ranges], str | None]:
    """Best value, -2 Delta ln L, the intervals of 68.3 and 95 %, and why there are none."""
    nothing: list[float | None] = [None] * len(values)
    fitted = fit(model)
    if not fitted.converged:
        return None, nothing, [], "no minimum was found"
    profiled = scan(model, fitted, {name: values}).profiled
    deviance = [float(one) if np.isfinite(one) else None for one in profiled]
    levels = [1.0, float(chi2.isf(0.05, 1))]
    try:
        inside = [list(interval(model, fitted, name, level).ranges) for level in levels]
    except FitError as error:
        return fitted.value(name), deviance, [], str(error)
    return fitted.value(name), deviance, inside, None


def cross_section(processes: Mapping[str, Morphed], name: str, values: Array) -> Array | None:
    """Of all processes (V,) in fb at values of a coupling, the others at theirs; None where one is not known."""
    known, total = couplings(processes), np.zeros(len(values))
    for process, settings in processes.items():
        if not settings.cross_sections:
            return None
        solved = solve(process, settings)
        points = np.array([[known[one].value for one in solved.basis.couplings]] * len(values))
        if name in solved.basis.couplings:
            points[:, solved.basis.couplings.index(name)] = values
        total += solved.weights(points) @ np.array([settings.cross_sections[one] for one in solved.samples])
    return total
