"""The section ``fit`` of the configuration; defaults and meanings are in its schema."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Shrink:
    """When a fit is poor, and how its range shrinks; ``step``, ``below`` and ``above`` in units of the resolution."""

    min_p_background: float
    min_p_signal: float
    min_p_smooth: float
    step: float
    below: float
    above: float


@dataclass(frozen=True)
class BackgroundSettings:
    """Families, fewest and most shape parameters, how their number is chosen, and what else the background is.

    ``resonances``: local significance above which a resonance floats in the background of the other masses;
    None for no such resonance.
    """

    families: list[Literal["dijet", "exponential_power", "modified_exponential"]]
    shape_parameters: tuple[int, int]
    f_test: float
    resonances: float | None
    expected: Literal["with_signal", "background_only"]
    shrink: Shrink


@dataclass(frozen=True)
class Uncertainties:
    """Relative uncertainties of the signal."""

    scale: float
    resolution: float
    luminosity: float
    efficiency: float


@dataclass(frozen=True)
class LimitChecks:
    """Masses (GeV) with limits by toys and by pyhf; events below which limits are by toys; toys for each yield."""

    masses: list[float]
    few_events: float
    toys: int


@dataclass(frozen=True)
class Bias:
    """Bias test: the function that toys come from, injected signals in standard deviations, toys for each."""

    truth: Literal["dijet", "exponential_power", "modified_exponential"]
    shape_parameters: int
    injected: list[float]
    toys: int
    masses: list[float]


@dataclass(frozen=True)
class FitSettings:
    """Frozen section ``fit``: masses and edges in GeV."""

    sqrt_s: float
    range: tuple[float, float]
    bin_width: float
    masses: list[float]
    background: BackgroundSettings
    signals: list[str]
    signal_width: float
    resolution: float | None
    uncertainties: Uncertainties
    max_efficiency_error: float
    reference_signal: float
    confidence_level: float
    toys: int
    bump_widths: tuple[int, int]
    limit_checks: LimitChecks
    bias: Bias
    seed: int
