"""What data say of a coupling: limits on the signal's cross section at each of its values, and its likelihood."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.optimize import brentq

from resonaut.core.errors import ConfigError
from resonaut.fit.histfactory.interpolation import Array
from resonaut.fit.histfactory.limits import Limits, limits
from resonaut.fit.histfactory.model import Model

# Of a coupling, in units of the scanned range: how well the ends of what is excluded are found.
CLOSE = 1e-4

Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class CouplingLimits:
    """Upper limits on the signal strength at ``values`` (V,) of a coupling.

    ``observed`` (V,), ``expected`` (5, V) without signal at -2 to 2 standard deviations. ``allowed``: the ranges in
    which the observed limit is above 1, so that the theory's cross section is not excluded, and ``allowed_expected`` of
    the median; None at an end that is that of the scan.
    """

    values: Array
    observed: Array
    expected: Array
    allowed: list[Range]
    allowed_expected: list[Range]


def against(
    model: Model, coupling: str, strength: str, values: Array, data: Array | None = None, confidence_level: float = 0.95
) -> CouplingLimits:
    """Asymptotic CLs limits on a signal strength at values of a coupling.

    Args:
        model: in which the coupling does not float, and the strength multiplies the signal.
        coupling: name of the parameter.
        strength: name of the parameter that multiplies the signal.
        values: of the coupling, ascending (V,).
        data: counts (N,), or with auxiliary measurements (N + M,); those of the workspace by default.
        confidence_level: of the limits.

    Raises:
        ConfigError: the coupling floats, or the values do not ascend.
        FitError: a fit does not converge.
    """
    if not model.fixed[model.place(coupling)] or len(values) < 2 or np.any(np.diff(values) <= 0):
        raise ConfigError(f"limits against {coupling!r} need ascending values of it, and a measurement that fixes it.")
    known: dict[float, Limits] = {}

    def at(value: float) -> Limits:
        if value not in known:
            known[value] = limits(_with(model, coupling, value), strength, data, confidence_level)
        return known[value]

    found = [at(float(value)) for value in values]
    observed, expected = np.array([one.observed for one in found]), np.array([one.expected for one in found]).T
    return CouplingLimits(
        np.asarray(values, float),
        observed,
        expected,
        _above(values, lambda value: np.log(at(value).observed)),
        _above(values, lambda value: np.log(at(value).expected[2])),
    )


def _with(model: Model, coupling: str, value: float) -> Model:
    start = model.start.copy()
    start[model.place(coupling)] = value
    return replace(model, start=start)


def _above(values: Array, height: Callable[[float], float]) -> list[Range]:
    """The ranges in which a curve is above 0, as far as ``values`` go; crossings are narrowed between two of them."""
    heights = [float(height(float(value))) for value in values]
    width = CLOSE * float(values[-1] - values[0])
    crossings = [
        float(brentq(height, low, high, xtol=width))
        for (low, high), (one, other) in zip(pairwise(map(float, values)), pairwise(heights), strict=True)
        if (one > 0) != (other > 0)
    ]
    ends: list[float | None] = [*([None] if heights[0] > 0 else []), *crossings, *([None] if heights[-1] > 0 else [])]
    return list(zip(ends[::2], ends[1::2], strict=True))
