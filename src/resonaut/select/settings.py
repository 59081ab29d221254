"""The section ``select`` of the configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resonaut import config, ratio
from resonaut.errors import ConfigError

Range = tuple[float, float]


@dataclass(frozen=True)
class Window:
    """A mass window in GeV: the signal region, and the sidebands below and above it."""

    signal_region: Range
    sidebands: tuple[Range, Range]


@dataclass(frozen=True)
class Tagger:
    """The supervised baseline: which network, and how the two jets' scores become one number."""

    network: str
    combination: Literal["product", "minimum"]


@dataclass(frozen=True)
class Spectrum:
    """Fine m_jj bins of the stored spectra, in GeV."""

    low: float
    high: float
    width: float


@dataclass(frozen=True)
class Settings:
    """All keys of the section; defaults and descriptions are in ``select.schema.yaml``."""

    methods: list[str]
    windows: dict[str, Window]
    background_efficiency: float
    min_events: int
    features: list[str]
    classifier: ratio.Settings
    tagger: Tagger
    spectrum: Spectrum
    sculpting_bins: list[float]


def read(path: Path) -> Settings:
    """Read ``<results>/config/select.json``.

    Raises:
        ConfigError: a key is missing or wrong, or a window's ranges are not in ascending order.
    """
    settings = config.read(path, Settings)
    for name, window in settings.windows.items():
        low, high = window.sidebands
        edges = [*low, *window.signal_region, *high]
        if edges != sorted(edges) or any(r[0] == r[1] for r in (low, window.signal_region, high)):
            raise ConfigError(
                f"{path}: select.windows.{name}: lower sideband {low}, signal region {window.signal_region} and upper "
                f"sideband {high} must be ascending ranges that do not overlap; correct them."
            )
    return settings


def window(settings: Settings, name: str) -> Window:
    """The named window.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in settings.windows:
        raise ConfigError(f"config: no window {name!r} in select.windows; it has {', '.join(settings.windows)}.")
    return settings.windows[name]
