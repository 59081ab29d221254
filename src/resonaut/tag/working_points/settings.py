"""The keys of a working point."""

from typing import Annotated, Literal

from resonaut.core.errors import ConfigError
from resonaut.core.record import Pattern, key, record

PointName = Annotated[str, Pattern(r"^[a-z][a-z0-9]*$", "a name of small letters and digits that begins with a letter")]


@record
class WorkingPoint:
    """A cut on the score of a network that as many QCD jets pass at all masses and transverse momenta."""

    network: str = key("Network of `networks` or `published` whose score it is.", min_length=1)
    classes: list[str] = key(
        "Classes that are wanted: the score is s / (s + b), with the sum s of theirs and b of the background; empty "
        "for all classes of the network but that.",
        default=[],
        unique=True,
    )
    efficiency: float = key("Fraction of QCD jets that pass, at each mass and transverse momentum.", gt=0, lt=1)
    method: Literal["trees", "neighbours", "polynomial"] = key(
        "How the threshold follows from rho = ln(m^2 / pT^2) and pT: quantile regression by boosted trees or by a "
        "polynomial of third order, or the quantile among the nearest jets. The polynomial is smooth however few jets "
        "there are.",
        default="trees",
    )
    jets: int = key(
        "Jets that say a threshold: so many neighbours, or at least so many in a leaf; at most a tenth of all.",
        default=1000,
        ge=10,
        unit="jets",
    )
    folds: int = key(
        "The thresholds of a jet are learned from jets of the other folds, by a hash of the event's identifier.",
        default=2,
        ge=2,
    )
    rho_bins: int = key("Steps of the thresholds' map in rho.", default=60, ge=1)
    pt_bins: int = key("Steps of the map in transverse momentum.", default=20, ge=1)
    seed: int = key("Seed of the folds.", default=1, ge=0)


@record
class PointJob:
    """What the jobs of one working point read.

    ``wanted`` and ``background``: the classes that its score is made of; ``decays``: those of the wanted classes, as
    far as they are known.
    """

    name: str
    point: WorkingPoint
    wanted: list[str]
    background: str
    decays: dict[str, list[str]]

    def __post_init__(self) -> None:
        """Check that there is a score."""
        if not self.wanted or self.background in self.wanted:
            raise ConfigError(
                f"config: tag.working_points.{self.name}.classes: name classes other than {self.background!r}."
            )

    @property
    def column(self) -> str:
        """The column that says whether a jet passes, without the jet's name."""
        return f"pass_{self.name}"

    @property
    def scores(self) -> list[str]:
        """The columns of the score, without the jet's name: those of the wanted classes, then of the background."""
        return [f"{self.point.network}_{one}" for one in (*self.wanted, self.background)]
