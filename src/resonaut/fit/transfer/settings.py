"""The keys of a background from failing events: one entry of ``transfer`` of a model in the section ``fit``."""

from typing import Annotated, Literal

from pydantic import Field

from resonaut.core.errors import ConfigError
from resonaut.core.record import GeV, Name, key, record

Variable = Literal["mass", "pt", "rho"]
Basis = Literal["bernstein", "exponential"]


@record
class Region:
    """A channel of events that pass, and that of the same events that fail."""

    fail: Name = key("Channel of the events that fail; its bins are those of the channel that passes.")
    pt: GeV | None = key(
        "Transverse momentum that stands for the channel's events, where the polynomial has `pt` or `rho`; null "
        "otherwise.",
        default=None,
        gt=0,
    )


@record
class Polynomial:
    """Ratio of the background that passes to that which fails, a polynomial with coefficients that are not negative."""

    regions: dict[Name, Region] = key(
        "By the channel that passes, where its background comes from; several share the polynomial.", min_length=1
    )
    variables: list[Variable] = key(
        "What the ratio depends on: `mass`, the observable of the channels in the middle of a bin, `pt`, and `rho`, "
        "2 ln(mass/pt); each from 0 at its lowest value in the regions to 1 at its highest.",
        default=["mass"],
        min_length=1,
        max_length=2,
        unique=True,
    )
    orders: list[Annotated[int, Field(ge=0, le=6)]] | None = key(
        "Order in each variable; null for the lowest ones that the F-test accepts.", default=None, min_length=1
    )
    highest: int = key("The F-test tries no higher order.", default=3, ge=0, le=6)
    basis: Basis = key(
        "`bernstein`: polynomials of Bernstein; `exponential`: exponentials of evenly spaced slopes from -3 to 3, as "
        "many as the former, another function for tests of the bias.",
        default="bernstein",
    )

    def __post_init__(self) -> None:
        if self.orders is not None and len(self.orders) != len(self.variables):
            raise ConfigError(
                f"config: fit: a transfer polynomial in {' and '.join(self.variables)} with {len(self.orders)} "
                "order(s); give one for each variable, or null for the F-test."
            )
        lacking = [name for name, region in self.regions.items() if region.pt is None]
        if lacking and {"pt", "rho"} & set(self.variables):
            raise ConfigError(
                f"config: fit: a transfer polynomial in {' and '.join(self.variables)}, and its region {lacking[0]!r} "
                "has no pt; give it, or take the variable out."
            )


@record
class Transfer:
    """A background whose content in each failing bin is free, and which passes with a smooth probability."""

    polynomials: dict[Name, Polynomial] = key("The ratios by name; a channel is in one of them.", min_length=1)
    f_test: float = key("A higher order is taken where the F-test's p-value is below.", default=0.05, gt=0, lt=1)
    toys: int = key("Toys for each step of the F-test.", default=200, ge=20)
    seed: int = key("Seed of the toys.", default=71, ge=0, le=9223372036854775807)

    @property
    def channels(self) -> set[str]:
        """In which the background is."""
        regions = [one.regions for one in self.polynomials.values()]
        return {name for each in regions for passing, region in each.items() for name in (passing, region.fail)}
