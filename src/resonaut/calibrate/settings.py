"""The section ``calibrate`` of the configuration; its keys are explained in the schema."""

from dataclasses import dataclass

from resonaut.calibrate.bins import LundBins
from resonaut.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    """Frozen configuration of the stage."""

    minimum_delta: float
    minimum_kt: float
    bins: LundBins
    minimum_entries: float
    factor_range: tuple[float, float]
    weight_range: tuple[float, float]
    toys: int
    seed: int

    def __post_init__(self) -> None:
        for name in ("factor_range", "weight_range"):
            low, high = getattr(self, name)
            if not 0 < low <= 1 <= high:
                raise ConfigError(f"calibrate.{name}: [{low:g}, {high:g}] must enclose 1 and begin above 0.")
