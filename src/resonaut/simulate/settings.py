"""The section ``simulate`` of the configuration as typed values; defaults live in the schema."""

from dataclasses import dataclass

from resonaut.core.errors import ConfigError


@dataclass(frozen=True)
class Tracker:
    """Response to charged particles: resolution sigma(pT)/pT = constant (+) slope * pT, added in quadrature."""

    efficiency: float
    pt_min: float
    eta_max: float
    resolution_constant: float
    resolution_slope: float


@dataclass(frozen=True)
class Calorimeter:
    """Response to energy: sigma(E)/E = stochastic/sqrt(E) (+) noise/E (+) constant, in cells ``cell`` wide."""

    stochastic: float
    noise: float
    constant: float
    cell: float
    threshold: float
    eta_max: float


@dataclass(frozen=True)
class Detector:
    """The parametrised detector; ``b_tag_separation`` in standard deviations of the discriminator's logit."""

    tracker: Tracker
    ecal: Calorimeter
    hcal: Calorimeter
    b_tag_separation: float


@dataclass(frozen=True)
class Jets:
    """Anti-kT jets and their soft-drop grooming."""

    radius: float
    pt_min: float
    softdrop_zcut: float
    softdrop_beta: float


@dataclass(frozen=True)
class Filter:
    """Which events of a region are stored: the leading ``jets`` jets must pass; null leaves a cut out."""

    jets: int
    pt_min: float
    eta_max: float
    delta_eta_max: float | None
    m_jj_min: float | None

    def __post_init__(self) -> None:
        if self.jets < 2 and (self.delta_eta_max is not None or self.m_jj_min is not None):
            raise ConfigError(
                "config: simulate.filters: delta_eta_max and m_jj_min need 'jets' of 2 or more; raise it."
            )


@dataclass(frozen=True)
class Process:
    """Pythia settings of one process; ``{mass}`` and ``{0.9*mass}`` stand for the resonance mass.

    ``delta_y_max`` cuts on the rapidity difference of the two partons of a 2 -> 2 process.
    """

    settings: list[str]
    delta_y_max: float | None


@dataclass(frozen=True)
class Simulate:
    """All of ``simulate``: energies in GeV."""

    sqrt_s: float
    mpi: bool
    batch: int
    settings: list[str]
    shower_variations: list[str]
    tunes: dict[str, list[str]]
    processes: dict[str, Process]
    detector: Detector
    jets: Jets
    filters: dict[str, Filter]
