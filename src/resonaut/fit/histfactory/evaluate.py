"""All that is asked of the fit of a workspace, as a record."""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from scipy.stats import chi2

from resonaut.core.errors import FitError, during
from resonaut.fit.histfactory import impacts, likelihood, limits, scans, yields
from resonaut.fit.histfactory.fits import Fit, fit
from resonaut.fit.histfactory.goodness import Goodness, goodness
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.model import Model
from resonaut.fit.histfactory.specification import Workspace
from resonaut.fit.histfactory.yields import Yields
from resonaut.fit.inference import Inference
from resonaut.fit.results import histfactory as records
from resonaut.fit.results import points

T = TypeVar("T")
log = logging.getLogger(__name__)


def evaluate(workspace: Workspace, settings: Inference, path: Path) -> records.ModelResult:
    """Fit a workspace and evaluate the fit.

    Args:
        workspace: plain JSON data.
        settings: what is asked.
        path: where it comes from, for the record and for sentences.

    Raises:
        WorkspaceError: what is wrong with the workspace, or a parameter of interest that it lacks; with its path.
    """
    with during(str(path)):
        return _evaluate(workspace, settings, path.name)


def _evaluate(workspace: Workspace, settings: Inference, name: str) -> records.ModelResult:
    model = Model.of(workspace, settings.measurement, settings.normsys, settings.histosys, settings.backend)
    warnings = notes(model)
    interests = settings.interests or [one for one in [model.interest] if one is not None]
    for one in [*interests, *settings.scan_range]:
        model.place(one)
    fitted = fit(model)
    for channel, bins in likelihood.below_zero(model, fitted.values).items():
        warnings.append(
            f"as fitted, channel {channel!r} has contents below 0 in the bins {bins}, where there are no data."
        )
        log.warning("%s", warnings[-1])
    problem = None
    if not fitted.converged:
        problem = f"no minimum was found; a further step promises {fitted.distance:.2g} of -ln L"
        log.warning("%s: %s", name, problem)
    correlated = np.flatnonzero(np.diag(fitted.covariance) > 0)
    of_fit = goodness(model, fitted, settings.goodness_toys if problem is None else 0, settings.seed)
    return records.ModelResult(
        workspace=name,
        measurement=model.specification.measurement,
        backend=settings.backend,
        converged=fitted.converged,
        problem=problem,
        minimum=fitted.minimum,
        distance=fitted.distance,
        goodness=_goodness(of_fit),
        parameters=parameters(model, fitted),
        correlations=records.Correlations(
            names=[model.names[place] for place in correlated],
            matrix=fitted.correlation[np.ix_(correlated, correlated)].tolist(),
        ),
        interests=_interests(model, fitted, settings, interests) if problem is None else [],
        yields=_yields(model, fitted),
        warnings=warnings,
    )


def _goodness(found: Goodness) -> records.Goodness:
    return records.Goodness(**vars(found))


def notes(model: Model) -> list[str]:
    """What is odd about a model and no error, a sentence each."""
    known = {name.partition("[")[0] for name in model.names}
    found = [
        f"the measurement sets {name!r}, a parameter that no modifier has."
        for name in model.specification.settings
        if name not in known
    ]
    for channel in model.specification.channels:
        bins = model.channels[channel.name]
        empty = (model.nominal[:, bins] == 0).all(axis=0)
        if empty.any() and (channel.observed[empty] == 0).all():
            found.append(
                f"channel {channel.name!r} has bins that no sample fills ({int(empty.sum())}); they count nothing."
            )
        for sample in channel.samples:
            if not sample.contents.any():
                found.append(f"sample {sample.name!r} of channel {channel.name!r} is empty.")
            elif (sample.contents < 0).any():
                found.append(f"sample {sample.name!r} of channel {channel.name!r} has bins below 0.")
            for one in sample.modifiers:
                where = f"modifier {one.name!r} of sample {sample.name!r} in channel {channel.name!r}"
                if one.high is None or one.low is None or not sample.contents.any():
                    continue
                nominal = sample.contents if one.kind == "histosys" else np.ones(1)
                up, down = one.high - nominal, one.low - nominal
                if not up.any() and not down.any():
                    found.append(f"{where} changes nothing.")
                elif not (up.any() and down.any()):
                    found.append(f"{where} is one-sided.")
    for line in found:
        log.warning("%s", line)
    return found


def reason(model: Model, fitted: Fit, place: int) -> str | None:
    """Why a parameter has no error."""
    if fitted.fixed[place]:
        return "it is fixed"
    if fitted.at_bound[place]:
        bound = model.lower[place] if fitted.values[place] <= model.lower[place] else model.upper[place]
        return f"it is at its bound, {bound:g}"
    if fitted.without_effect[place]:
        return "no expectation depends on it"
    if not np.isfinite(fitted.errors[place]):
        return "the second derivatives are those of no minimum"
    return None


def parameters(model: Model, fitted: Fit) -> list[records.Parameter]:
    """All parameters before and after the fit."""
    priors, found = yields.prior_errors(model), []
    # A constraint alone gives back what was put in.
    useful = np.abs(model.jacobian(fitted.values)).max(axis=0) > 0
    for place, name in enumerate(model.names):
        why, error, prior = reason(model, fitted, place), float(fitted.errors[place]), float(priors[place])
        known = why is None
        if known and not useful[place]:
            known, why = False, "no expectation depends on it, only its constraint does"
        elif known and prior == 0:
            why = "it has no constraint, so that there is no pull"
        found.append(
            records.Parameter(
                name=name,
                kinds=list(model.kinds[place]),
                value=float(fitted.values[place]),
                error=error if np.isfinite(error) else None,
                start=float(model.start[place]),
                prior=prior or None,
                pull=float((fitted.values[place] - model.start[place]) / prior) if known and prior else None,
                constraint=error / prior if known and prior else None,
                fixed=bool(fitted.fixed[place]),
                reason=why,
            )
        )
    return found


def _interests(model: Model, fitted: Fit, settings: Inference, names: list[str]) -> list[records.Interest]:
    found = impacts.impacts(model, fitted, names) if settings.impacts and names else None
    constrained = {model.names[place]: float(fitted.values[place]) for place in model.constraints.place}
    statistical, expected = fit(model, None, constrained), fit(model, model.expected_data(model.start))
    made = []
    for name in names:
        place, problems = model.place(name), list[str]()
        why = reason(model, fitted, place)
        limit, significance = None, None
        if why in (None, f"it is at its bound, {model.lower[place]:g}") and settings.limits != "none":
            if "normfactor" in model.kinds[place]:
                limit = _or_none(problems, "limits", partial(_limits, model, settings, name))
                significance = _or_none(problems, "significance", partial(_significance, model, name))
            else:
                problems.append("limits: it multiplies no yield")
        made.append(
            records.Interest(
                name=name,
                value=float(fitted.values[place]),
                error=_finite(fitted.errors[place]),
                statistical_error=_finite(statistical.errors[place]),
                expected_error=_finite(expected.errors[place]) if expected.converged else None,
                intervals=[]
                if fitted.without_effect[place] or fitted.fixed[place]
                else _intervals(model, fitted, settings, name),
                scan=_scan(model, fitted, settings, name),
                limits=limit,
                significance=significance,
                impacts=_impacts(found, name) if found is not None else [],
                reason="; ".join([*([why] if why else []), *problems]) or None,
            )
        )
    return made


def _or_none(problems: list[str], what: str, make: Callable[[], T]) -> T | None:
    try:
        return make()
    except FitError as error:
        problems.append(f"{what}: {str(error).rstrip('.')}")
        log.warning("%s: %s", what, error)
        return None


def _significance(model: Model, name: str) -> records.DiscoverySignificance:
    found = limits.significance(model, name)
    if np.isinf(found.q0):
        raise FitError(f"nothing is expected with {name} = 0 in a bin with events, which no background explains.")
    return records.DiscoverySignificance(
        q0=found.q0, p_value=found.p_value, z=found.z, z_expected=_finite(found.z_expected)
    )


def _limits(model: Model, settings: Inference, name: str) -> points.Limits:
    level = settings.confidence_level
    if settings.limits == "toys":
        found = limits.toy_limits(model, name, settings.toys, settings.seed, confidence_level=level)
    else:
        found = limits.limits(model, name, confidence_level=level)
    minus_2, minus_1, middle, plus_1, plus_2 = map(float, found.expected)
    return points.Limits(
        observed=found.observed,
        expected_minus_2=minus_2,
        expected_minus_1=minus_1,
        expected=middle,
        expected_plus_1=plus_1,
        expected_plus_2=plus_2,
    )


def _intervals(model: Model, fitted: Fit, settings: Inference, name: str) -> list[records.FitInterval]:
    made = []
    for confidence in settings.confidence_levels:
        level = float(chi2.ppf(confidence, 1))
        try:
            found = scans.interval(model, fitted, name, level, within=settings.scan_range.get(name))
            low, high, ranges, why = found.low, found.high, list(found.ranges), None
            if low is None or high is None:
                why = "-2 Delta ln L does not reach the level inside the bounds or the scanned range"
        except FitError as error:
            low, high, ranges, why = None, None, [], str(error)
        made.append(
            records.FitInterval(confidence_level=confidence, level=level, low=low, high=high, ranges=ranges, reason=why)
        )
    return made


def _scan(model: Model, fitted: Fit, settings: Inference, name: str) -> records.FitScan | None:
    if settings.scan_points == 0 or fitted.without_effect[model.place(name)] or fitted.fixed[model.place(name)]:
        return None
    low, high = settings.scan_range.get(name) or scans.reach(model, fitted, name, 1.0)
    found = scans.scan(model, fitted, {name: np.linspace(low, high, settings.scan_points)})
    return records.FitScan(
        values=found.values[name].tolist(), profiled=_nulls(found.profiled), statistical=_nulls(found.statistical)
    )


def _impacts(found: impacts.Impacts, name: str) -> list[records.Impact]:
    interest = found.interests.index(name)
    return [
        records.Impact(
            name=found.names[number],
            after=_pair(found.after[number, interest]),
            before=_pair(found.before[number, interest]),
        )
        for number in found.order(name)
    ]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _nulls(values: Iterable[float]) -> list[float | None]:
    return [_finite(value) for value in values]


def _pair(values: Array) -> tuple[float | None, float | None]:
    return _finite(values[0]), _finite(values[1])


def _yields(model: Model, fitted: Fit) -> dict[str, records.ChannelYields]:
    before, after = yields.before(model), yields.after(model, fitted)
    return {
        name: records.ChannelYields(
            observed=model.observed[model.channels[name]].tolist(),
            samples={
                sample: _sample(before[name], after[name], number) for number, sample in enumerate(after[name].samples)
            },
            total=_sample(before[name], after[name], None),
        )
        for name in model.channels
    }


def _sample(before: Yields, after: Yields, number: int | None) -> records.SampleYields:
    """Of one sample, or of all together."""
    contents = [
        (one.total, one.total_errors) if number is None else (one.contents[number], one.errors[number])
        for one in (before, after)
    ]
    place = -1 if number is None else number
    return records.SampleYields(
        before=contents[0][0].tolist(),
        before_errors=contents[0][1].tolist(),
        after=contents[1][0].tolist(),
        after_errors=contents[1][1].tolist(),
        sum_before=float(before.sums[place]),
        sum_before_error=float(before.sum_errors[place]),
        sum_after=float(after.sums[place]),
        sum_after_error=float(after.sum_errors[place]),
    )
