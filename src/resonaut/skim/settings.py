"""The section ``skim`` of the configuration as typed values; defaults live in the schema."""

from dataclasses import dataclass
from typing import Literal

from resonaut.core.errors import ConfigError


@dataclass(frozen=True)
class Region:
    """One event selection. Each kept jet passes all cuts on jets; GeV; null or empty leaves a cut out."""

    jets: Literal[1, 2]
    pt_min: float
    eta_max: float
    softdrop_mass: tuple[float, float] | None
    delta_eta_max: float | None
    m_jj_min: float | None
    trigger: list[str]
    met_filters: list[str]
    jet_id: int | None
    variations: bool


@dataclass(frozen=True)
class Branches:
    """Names of collections and of fields that differ between versions of NanoAOD."""

    jets: str
    candidates: str
    links: str
    link_jet: str
    link_candidate: str
    softdrop_mass: str
    jet_id: str
    b_tag: str | None
    puppi_weight: str | None


@dataclass(frozen=True)
class Clustering:
    """Anti-kT jets and their soft drop, for raw LHC Olympics events."""

    radius: float
    pt_min: float
    softdrop_zcut: float
    softdrop_beta: float


@dataclass(frozen=True)
class BadFiles:
    """What to do with a file that cannot be read, or events in it; ``retry_wait`` in seconds."""

    action: Literal["fail", "skip"]
    retries: int
    retry_wait: float
    max_lost_fraction: float


@dataclass(frozen=True)
class Skim:
    """All of ``skim``."""

    executor: Literal["iterative", "futures", "dask"]
    dask_scheduler: str | None
    batch_events: int
    truth: bool
    read_constituents: bool
    max_constituents: int
    regions: dict[str, Region]
    branches: Branches
    clustering: Clustering
    bad_files: BadFiles
    duplicates: Literal["fail", "drop"]

    def region(self, name: str, dataset: str) -> Region:
        """The selection of a dataset; ``ConfigError`` where there is none of this name, or its cuts contradict."""
        if name not in self.regions:
            raise ConfigError(
                f"config: datasets.{dataset}.region is {name!r}; skim.regions has only {', '.join(self.regions)}."
            )
        region = self.regions[name]
        if region.jets == 1 and (region.delta_eta_max is not None or region.m_jj_min is not None):
            raise ConfigError(
                f"config: skim.regions.{name} keeps one jet, which has no delta_eta and no m_jj; "
                "set delta_eta_max and m_jj_min to null."
            )
        return region
