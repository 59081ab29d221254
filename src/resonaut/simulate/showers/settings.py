"""The keys of a sample of showers, below ``simulate.showers``."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from resonaut.core.errors import ConfigError
from resonaut.core.record import MeV, NonNegative, key, record

# Between these the cross sections are tabulated.
LOWEST, HIGHEST = 10.0, 1e7


def _listed(value: Any) -> Any:
    """A number alone stands for a list of one."""
    return [value] if isinstance(value, (int, float)) else value


Numbers = Annotated[
    list[NonNegative[int]],
    BeforeValidator(_listed, json_schema_input_type=NonNegative[int] | list[NonNegative[int]]),
    Field(min_length=1),
]


@record
class ShowerSample:
    """Showers of particles that enter a calorimeter at right angles.

    Photons enter the barrel of ATLAS, with the voxels of data set 1 of the CaloChallenge, electrons the silicon and
    tungsten of data set 2.
    """

    particle: Literal["photon", "electron"] = key("What enters: `photon` or `electron`.", default="photon")
    energies: Annotated[list[MeV], Field(min_length=1)] = key(
        "Energies of the particles; by default those of data set 1, powers of 2 from 256 MeV to 4.2 TeV.",
        default=[float(2**power) for power in range(8, 23)],
        unique=True,
    )
    events: Numbers = key(
        "Showers of each energy: one number, or a list with one for each of `energies`.", default=1000
    )
    events_per_chunk: int = key("Showers that one job makes.", default=1000, ge=1)
    seed: int = key("Seed of the sample; that of a shower follows from it, the name and its number.", default=1, ge=1)
    backend: Literal["own", "geant4"] = key(
        "`own`, the Monte Carlo of this package, or `geant4`, which needs `geant4-pybind` and Geant4's data sets.",
        default="own",
    )

    def __post_init__(self) -> None:
        for energy in self.energies:
            if not LOWEST <= energy <= HIGHEST:
                raise ConfigError(
                    f"config: simulate.showers: an energy is {energy:g} MeV; give energies from {LOWEST:g} MeV to "
                    f"{HIGHEST / 1e6:g} TeV."
                )
        if len(self.events) not in (1, len(self.energies)):
            raise ConfigError(
                f"config: simulate.showers: 'events' has {len(self.events)} numbers for {len(self.energies)} energies; "
                "give one for each, or one number for all."
            )

    @property
    def numbers(self) -> list[int]:
        """Showers of each energy."""
        return self.events * len(self.energies) if len(self.events) == 1 else self.events

    @property
    def n_chunks(self) -> int:
        """Jobs of the sample."""
        return -(-sum(self.numbers) // self.events_per_chunk)


@record
class ShowerJob:
    """What the jobs of one sample read: ``<results>/config/simulate/showers/<sample>.json``."""

    sample: ShowerSample
