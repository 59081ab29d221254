"""Limits and likelihood of each coupling of a model, as a record."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from resonaut.core.errors import ConfigError, FitError, during
from resonaut.fit.histfactory.fits import fit
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.model import Model
from resonaut.fit.histfactory.scans import interval, scan
from resonaut.fit.histfactory.specification import Workspace
from resonaut.fit.morphing.limits import against
from resonaut.fit.morphing.settings import CouplingsJob, Morphed
from resonaut.fit.morphing.workspace import couplings, solve
from resonaut.fit.results.couplings import Couplings, CouplingScan, Ranges
from resonaut.fit.transfer.blind import without

# Of a channel's observable.
Intervals = dict[str, tuple[float, float]]


def scanned(
    workspace: Workspace, job: CouplingsJob, edges: Mapping[str, Sequence[float]], model: str, path: Path
) -> Couplings:
    """What the data of a workspace say of each coupling that floats.

    Args:
        workspace: plain JSON data, with the measurements that ``morphed`` writes.
        job: the processes, and the parameter that multiplies them.
        edges: by channel, the edges of its bins.
        model: its name, for the record.
        path: where the workspace comes from, for sentences.

    Raises:
        ConfigError: an interval of ``expected_beside`` does not end at edges of bins.
        FitError: fits for the limits do not converge; the likelihood is null with its reason then.
    """
    beside = intervals(job.processes)
    windows = {channel: _bins(channel, ends, edges[channel]) for channel, ends in beside.items()}
    with during(str(path)):
        limited = Model.of(workspace)
        data = without(limited, windows, {job.strength: 0.0}) if windows else None
        floating = [name for name, one in couplings(job.processes).items() if not one.fixed]
        found = [_scan(workspace, job, name, data) for name in floating]
    return Couplings(
        model=model,
        strength=job.strength,
        confidence_level=job.confidence_level,
        expected_beside=beside,
        scans=found,
    )


def intervals(processes: Mapping[str, Morphed]) -> Intervals:
    """Beside which the background of what is expected is fitted, by channel.

    Raises:
        ConfigError: two processes want different ones in a channel.
    """
    found: Intervals = {}
    for name, one in processes.items():
        for channel, ends in one.expected_beside.items():
            if found.setdefault(channel, ends) != ends:
                raise ConfigError(
                    f"config: fit: morphing.{name}.expected_beside.{channel} is [{ends[0]:g}, {ends[1]:g}], and that "
                    f"of another process [{found[channel][0]:g}, {found[channel][1]:g}]; give both the same."
                )
    return found


def _bins(channel: str, ends: tuple[float, float], edges: Sequence[float]) -> tuple[int, int]:
    """The first bin of an interval, and the one after its last."""
    places = [int(np.argmin(np.abs(np.array(edges) - end))) for end in ends]
    if not np.allclose([edges[place] for place in places], ends, rtol=1e-9, atol=0) or places == [0, len(edges) - 1]:
        raise ConfigError(
            f"config: fit: morphing: expected_beside.{channel} is [{ends[0]:g}, {ends[1]:g}]; give two edges of the "
            f"channel's bins with others beside them ({', '.join(f'{edge:g}' for edge in edges)})."
        )
    return places[0], places[1]


def _scan(workspace: Workspace, job: CouplingsJob, name: str, beside: Array | None) -> CouplingScan:
    """One coupling; what is expected is that of the data ``beside``, None for those of the workspace."""
    coupling, model = couplings(job.processes)[name], Model.of(workspace)
    values = np.linspace(*coupling.range, coupling.points)
    found = against(model, name, job.strength, values, confidence_level=job.confidence_level)
    if beside is not None:
        blind = against(model, name, job.strength, values, beside, job.confidence_level)
        found = replace(found, expected=blind.expected, allowed_expected=blind.allowed_expected)
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
