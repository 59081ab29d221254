"""The section ``reweight`` of the configuration."""

from dataclasses import dataclass

from resonaut.learn import ratio


@dataclass(frozen=True)
class Settings:
    """All keys of the section; defaults and descriptions are in ``reweight.schema.yaml``."""

    features: list[str]
    sidebands: list[tuple[float, float]]
    clip: tuple[float, float]
    histogram_bins: int
    classifier: ratio.Settings
