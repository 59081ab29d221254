"""-2 Delta ln L against parameters, with and without nuisance parameters, and intervals where it crosses a level."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from resonaut.core.errors import FitError
from resonaut.fit.histfactory.fits import Fit, fit_many
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.model import Model

# Points of the first look for crossings, how far it goes in standard deviations, and how the brackets are narrowed.
POINTS, REACH = 41, 4.0
# Points in a bracket, and at most so many times; until -2 Delta ln L at its ends is as close to the level, relative to
# it, or the ends to each other, as where contents become negative.
NARROW, ROUNDS = 7, 25
CLOSE, NARROWEST = 1e-3, 1e-9
# -2 Delta ln L below the best fit by which a scan says that the fit was not the lowest minimum.
LOWER = 1e-4


@dataclass(frozen=True)
class Scan:
    """-2 Delta ln L at B points: ``values`` by the name of the parameter (B,).

    ``profiled`` (B,): all others fitted; ``statistical`` (B,): with the constrained ones fixed at their fitted values.
    Infinite where contents are negative, and NaN where a fit does not converge.
    """

    values: Mapping[str, Array]
    profiled: Array
    statistical: Array


@dataclass(frozen=True)
class Interval:
    """Where -2 Delta ln L is below ``level``: disjoint ``ranges``, and the one with the best fit from low to high.

    None at an end that is a bound of the parameter, or as far as was looked.
    """

    name: str
    level: float
    low: float | None
    high: float | None
    ranges: tuple[tuple[float | None, float | None], ...]


def scan(model: Model, fitted: Fit, values: Mapping[str, Sequence[float] | Array], data: Array | None = None) -> Scan:
    """-2 Delta ln L at points of one or several parameters.

    Args:
        model: of P parameters.
        fitted: the fit of the data.
        values: by the name of the parameter, numbers (B,), as many of each.
        data: counts (N,), or with auxiliary measurements (N + M,); those of the workspace by default.

    Raises:
        WorkspaceError: an unknown parameter.
    """
    points = {name: np.asarray(given, float) for name, given in values.items()}
    profiled = _profiled(model, fitted, points, data)
    constrained = [model.names[place] for place in model.constraints.place]
    held = {name: fitted.value(name) for name in constrained if name not in points}
    statistical = _profiled(model, fitted, {**held, **points}, data)
    return Scan(points, profiled, statistical)


def _profiled(model: Model, fitted: Fit, fixed: Mapping[str, float | Array], data: Array | None) -> Array:
    """-2 Delta ln L (B,) with some parameters fixed."""
    fits = fit_many(model, model.data if data is None else data, fixed, fitted.values)
    # Infinite where contents would be negative whatever the other parameters are.
    known = fits.converged | np.isinf(fits.deviance)
    return np.where(known, fits.deviance - fitted.deviance, np.nan)


def interval(
    model: Model,
    fitted: Fit,
    name: str,
    level: float = 1.0,
    data: Array | None = None,
    within: tuple[float, float] | None = None,
) -> Interval:
    """The values of a parameter with -2 Delta ln L below a level: 1 for 68.3 %, 3.84 for 95 %.

    Args:
        model: of P parameters.
        fitted: the fit of the data.
        name: the parameter.
        level: of -2 Delta ln L.
        data: counts (N,), or with auxiliary measurements (N + M,); those of the workspace by default.
        within: where to look; by default four times as far as a parabola goes, and with couplings, whose likelihood
            has several minima, in all of their bounds.

    Raises:
        FitError: fits do not converge, or a point of the scan is lower than the best fit.
    """
    best = fitted.value(name)
    low, high = within or reach(model, fitted, name, level)
    points = np.unique(np.append(np.linspace(low, high, POINTS), np.clip(best, low, high)))
    heights = _heights(model, fitted, name, points, level, data)
    crossings = []
    for number in np.flatnonzero(np.diff(np.sign(heights)) != 0):
        crossings.append(_narrowed(model, fitted, name, points[number : number + 2], level, data))
    # Whether the first point is inside, then in and out at each crossing.
    ends = [*([None] if heights[0] < 0 else []), *crossings, *([None] if heights[-1] < 0 else [])]
    ranges = tuple(zip(ends[::2], ends[1::2], strict=True))
    inside = [one for one in ranges if (one[0] is None or one[0] <= best) and (one[1] is None or best <= one[1])]
    if not inside:
        raise FitError(f"the fitted {name} is outside its own interval; give another start, or wider bounds.")
    return Interval(name, level, *inside[0], ranges)


def reach(model: Model, fitted: Fit, name: str, level: float) -> tuple[float, float]:
    """Where a scan of a parameter goes."""
    place, error = model.place(name), fitted.error(name)
    lower, upper = float(model.lower[place]), float(model.upper[place])
    coupled = any(place in one.places for one in model.factors.polynomials)
    if coupled or not np.isfinite(error) or error == 0:
        return lower, upper
    away = REACH * np.sqrt(level) * error
    return max(lower, fitted.value(name) - away), min(upper, fitted.value(name) + away)


def _heights(model: Model, fitted: Fit, name: str, points: Array, level: float, data: Array | None) -> Array:
    """-2 Delta ln L over the level, at values (B,) of a parameter."""
    found = _profiled(model, fitted, {name: points}, data)
    if np.isnan(found).any():
        where = ", ".join(f"{value:g}" for value in points[np.isnan(found)][:5])
        raise FitError(f"the fits with {name} = {where} do not converge; narrow the scan.")
    if found.min() < -LOWER:
        lowest = points[np.argmin(found)]
        raise FitError(
            f"-2 ln L is lower by {-found.min():.3g} at {name} = {lowest:g} than at the best fit; start there."
        )
    return found - level


def _narrowed(model: Model, fitted: Fit, name: str, ends: Array, level: float, data: Array | None) -> float:
    """The crossing between two points."""
    for _ in range(ROUNDS):
        points = np.linspace(ends[0], ends[1], NARROW)
        heights = _heights(model, fitted, name, points, level, data)
        number = int(np.flatnonzero(np.diff(np.sign(heights)) != 0)[0])
        ends, sides = points[number : number + 2], heights[number : number + 2]
        if np.abs(sides).max() < CLOSE * level or ends[1] - ends[0] < NARROWEST * np.abs(ends).max():
            break
    if np.isinf(sides).any():
        return float(ends[np.isfinite(sides)][0])
    return float(ends[0] - sides[0] * (ends[1] - ends[0]) / (sides[1] - sides[0]))
