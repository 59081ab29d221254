"""The section ``calibrate`` of the configuration; its keys are explained in the schema."""

from dataclasses import dataclass

from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.lund import Declustering
from resonaut.core.errors import ConfigError

# Names of uncertainties that are there anyway.
SOURCES = ("background", "statistical", "pt_extrapolation", "b_quark", "prongs", "unclustered", "distortion")


@dataclass(frozen=True)
class WeightPair:
    """A list column of ``skim`` with weights of simulation, and the places of the two variations in it."""

    column: str
    up: int
    down: int


@dataclass(frozen=True)
class Systematics:
    """Systematic variations of the measurement: ``background`` is relative, ``weights`` by name of the source."""

    background: float
    weights: dict[str, WeightPair]


@dataclass(frozen=True)
class Histogram:
    """Regular bins of an observable."""

    bins: int
    low: float
    high: float


@dataclass(frozen=True)
class Settings:
    """Frozen configuration of the stage."""

    correction: str | None
    declustering: Declustering
    minimum_delta: float
    minimum_kt: float
    bins: LundBins
    minimum_entries: float
    direct_pt_range: tuple[float, float]
    systematics: Systematics
    b_quark_datasets: list[str]
    factor_range: tuple[float, float]
    weight_range: tuple[float, float]
    jets_per_bin: int
    toys: int
    seed: int
    selections: dict[str, dict[str, tuple[float | None, float | None]]]
    histograms: dict[str, Histogram]

    def __post_init__(self) -> None:
        for name in ("factor_range", "weight_range"):
            low, high = getattr(self, name)
            if not 0 < low <= 1 <= high:
                raise ConfigError(f"calibrate.{name}: [{low:g}, {high:g}] must enclose 1 and begin above 0.")
        for name in self.systematics.weights:
            if name in SOURCES or name.endswith(("_up", "_down")):
                raise ConfigError(
                    f"calibrate.systematics.weights.{name}: choose another name, none of {', '.join(SOURCES)}, "
                    "that does not end in _up or _down."
                )
        low, high = self.direct_pt_range
        if not self.bins.subjet_pt[0] <= low < high:
            raise ConfigError(
                f"calibrate.direct_pt_range: [{low:g}, {high:g}] must rise from the first edge of bins.subjet_pt, "
                f"{self.bins.subjet_pt[0]:g}, or above."
            )
