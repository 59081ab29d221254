"""The section ``select`` of the configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resonaut.core import config
from resonaut.core.errors import ConfigError
from resonaut.core.windows import require_ascending
from resonaut.learn import autoencoder, density, ratio
from resonaut.select.catalogue import METHODS
from resonaut.select.quantile import Combination

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
class Cwola:
    """What its classifiers see, the event or each jet; and how the two jets' quantiles become one number."""

    inputs: Literal["event", "jets"]
    combination: Combination


@dataclass(frozen=True)
class Cathode:
    """Sampled events for each of the data, and the features that only ``cathode_b`` sees."""

    oversampling: float
    b_features: list[str]


@dataclass(frozen=True)
class Tnt:
    """Parts of the events that the tag calls signal-like and background-like; how the two jets become one number."""

    signal_like: float
    background_like: float
    combination: Combination


@dataclass(frozen=True)
class VaeQr:
    """Leading ``constituents`` of a jet, and the two jets' losses as one."""

    constituents: int
    combination: Literal["minimum", "sum"]
    autoencoder: autoencoder.Constituents


@dataclass(frozen=True)
class Regression:
    """Quantile regression of unsupervised scores: splines in m_jj with ``knots`` at ``levels``.

    ``training_part`` of the events trains the score, of the others the regression learns.
    """

    training_part: float
    levels: list[float]
    knots: int


@dataclass(frozen=True)
class Quak:
    """Names of the simulated signals that form the prior, all if there are none; features beside those of the event."""

    prior: list[str]
    features: list[str]


@dataclass(frozen=True)
class CombinationSettings:
    """Methods whose quantiles become one number, and how."""

    methods: list[str]
    rule: Combination


@dataclass(frozen=True)
class Sculpting:
    """The check that a selection does not carve the spectrum; ``bins`` in GeV."""

    bins: list[float]
    random_cuts: int
    min_p_value: float
    max_spurious_excess: float


@dataclass(frozen=True)
class Spectrum:
    """Fine m_jj bins of the stored spectra, in GeV."""

    low: float
    high: float
    width: float


@dataclass(frozen=True)
class Settings:
    """All keys of the section; defaults and descriptions are in ``select.schema.yaml``."""

    windows: dict[str, Window]
    background_efficiency: float
    min_events: int
    features: list[str]
    jet_features: list[str]
    mass_shift: float
    pt_bins: int
    classifier: ratio.Settings
    tagger: Tagger
    cwola: Cwola
    density: density.Settings
    cathode: Cathode
    quak: Quak
    nae: autoencoder.Normalised
    autoencoder: autoencoder.Settings
    tnt: Tnt
    vae_qr: VaeQr
    regression: Regression
    combinations: dict[str, CombinationSettings]
    spectrum: Spectrum
    spectra_efficiencies: list[float]
    categories: list[float]
    sculpting: Sculpting


def read(path: Path) -> Settings:
    """Read ``<results>/config/select.json``.

    Raises:
        ConfigError: a key is missing or wrong, a combination has the name of a method, or a window's ranges are not in
            ascending order.
    """
    settings = config.read(path, Settings)
    for name in settings.combinations.keys() & METHODS.keys():
        raise ConfigError(f"{path}: select.combinations.{name} has the name of a method; rename it.")
    for name, window in settings.windows.items():
        require_ascending(f"{path}: select.windows.{name}", window.signal_region, window.sidebands)
    return settings


def window(settings: Settings, name: str) -> Window:
    """The named window.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in settings.windows:
        raise ConfigError(f"config: no window {name!r} in select.windows; it has {', '.join(settings.windows)}.")
    return settings.windows[name]
