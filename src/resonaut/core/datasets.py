"""What a dataset is: its place in the analysis, its files or its generator, its normalisation."""

from dataclasses import dataclass
from typing import Literal

from resonaut.core.errors import ConfigError

Role = Literal["data", "background", "signal", "pseudo_data", "w_data", "w_sim", "w_background"]
Format = Literal["nanoaod", "lhco_features", "lhco_raw"]

# Roles whose events stand for real collisions: no truth may be read or written for them.
BLIND_ROLES = ("data", "pseudo_data", "w_data")
# Roles whose events are real collisions.
REAL_ROLES = ("data", "w_data")


@dataclass(frozen=True)
class Component:
    """One process of a generated dataset: ``cross_section`` in fb or a fixed number of events."""

    process: str
    mass: float | None
    cross_section: float | None
    events: int | None


@dataclass(frozen=True)
class Generator:
    """How ``simulate`` makes a dataset: physics settings, its processes, events in each file.

    ``shower_variations``: its events carry weights for other scales of the parton showers.
    """

    tune: str
    events_per_chunk: int
    seed: int
    shower_variations: bool
    components: list[Component]


@dataclass(frozen=True)
class LabelledEvents:
    """Which events of a labelled file (LHC Olympics) form the dataset.

    ``background`` and ``signal`` are slices of each kind after a shuffle with ``seed``: ``[0, 160]`` keeps the
    first 160, ``[160, null]`` all others, so that two datasets never share an event.
    """

    background: tuple[int, int | None]
    signal: tuple[int, int | None]
    seed: int


@dataclass(frozen=True)
class DatasetConfig:
    """One entry of the configuration's ``datasets``; luminosity in 1/fb, cross_section in fb, mass in GeV.

    ``certified`` and ``expected``: JSON files, of the certified luminosity sections and of what is known of ``files``.
    """

    role: Role
    format: Format
    region: str
    files: list[str]
    files_per_chunk: int
    generator: Generator | None
    labelled: LabelledEvents | None
    certified: str | None
    expected: str | None
    luminosity: float | None
    cross_section: float | None
    mass: float | None

    def component_events(self) -> list[int]:
        """Number of events of each generated component: given, or cross section times luminosity."""
        assert self.generator is not None
        counts = []
        for component in self.generator.components:
            if component.events is not None:
                counts.append(component.events)
            else:
                assert component.cross_section is not None
                assert self.luminosity is not None
                counts.append(round(component.cross_section * self.luminosity))
        return counts

    def n_chunks(self) -> int:
        """Number of chunks, one job each: known from the configuration alone."""
        if self.generator is not None:
            return max(1, -(-sum(self.component_events()) // self.generator.events_per_chunk))
        return max(1, -(-len(self.files) // self.files_per_chunk))


def require_part(where: str, first: int, last: int | None) -> None:
    """Stop with ``ConfigError`` where a slice of labelled events is upside down."""
    if last is not None and last < first:
        raise ConfigError(f"{where} is [{first}, {last}]; give the first event first.")


def require_certifiable(name: str, role: str, format_: str) -> None:
    """Stop where the dataset ``name`` cannot have certified luminosity sections."""
    if role not in REAL_ROLES or format_ != "nanoaod":
        raise ConfigError(
            f"config: datasets.{name}.certified: only data have certified luminosity sections, and only the format "
            "nanoaod tells an event's section; set it to null."
        )
