"""The keys of the fit of a HistFactory model, of whatever workspace."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from resonaut.core.record import Natural, key, record


def _ascending(given: tuple[float, float]) -> tuple[float, float]:
    low, high = given
    if low >= high:
        raise ValueError(f" is [{low:g}, {high:g}]; give the lower value first.")
    return given


Ascending = Annotated[tuple[float, float], AfterValidator(_ascending)]
Level = Annotated[float, Field(gt=0, lt=1)]


@record
class Inference:
    """How a HistFactory model is fitted, and what is asked of the fit."""

    measurement: str | None = key("Name of a measurement of the workspace; null for the first.", default=None)
    interests: list[str] = key("Parameters of interest; with none that of the measurement.", default=[], unique=True)
    backend: Literal["batched", "pyhf_numpy", "pyhf_torch"] = key(
        "What finds the minima: Newton steps for all fits at once, or pyhf with minuit, one fit after the other, for "
        "comparison. Batched fits that do not converge are left to minuit, too.",
        default="batched",
    )
    normsys: Literal["code4", "code1"] = key(
        "Interpolation of normalisations: exponential beyond one standard deviation and a polynomial within, or "
        "exponential.",
        default="code4",
    )
    histosys: Literal["code4p", "code0"] = key(
        "Interpolation of shapes: linear beyond one standard deviation and a polynomial within, or linear.",
        default="code4p",
    )
    impacts: bool = key("The impacts of the nuisance parameters.", default=True)
    scan_points: Annotated[int, Field(ge=0)] = key(
        "Points of the scan of -2 Delta ln L of each parameter of interest; 0 for none.", default=41
    )
    scan_range: dict[str, Ascending] = key(
        "By the name of a parameter of interest, first and last value of its scan, in which its intervals are sought, "
        "too; else four standard deviations, or with couplings all of their bounds.",
        default={},
    )
    confidence_levels: list[Level] = key(
        "Of the intervals of -2 Delta ln L, one parameter each.", default=[0.6827, 0.95], unique=True
    )
    limits: Literal["none", "asymptotic", "toys"] = key(
        "CLs upper limits on the parameters of interest that multiply a yield.", default="asymptotic"
    )
    confidence_level: float = key("Confidence level of the limits.", default=0.95, gt=0.5, lt=1)
    toys: Natural = key("Toys with and without signal of limits by toys, for each tested value.", default=1000)
    goodness_toys: Annotated[int, Field(ge=0)] = key(
        "Toys of the goodness of fit; 0 for its asymptotic p-value alone.", default=0
    )
    seed: int = key("Seed of all toys.", default=71, ge=0, le=9223372036854775807)
