"""The section ``fit`` of the configuration; defaults and meanings are in its schema."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FitSettings:
    """Frozen section ``fit``: masses and edges in GeV, ``luminosity_uncertainty`` relative."""

    sqrt_s: float
    range: tuple[float, float]
    bin_width: float
    shape_parameters: int
    masses: list[float]
    signals: list[str]
    signal_width: float
    luminosity_uncertainty: float
    max_efficiency_error: float
    confidence_level: float
