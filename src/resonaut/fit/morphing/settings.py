"""The keys of a morphed signal: one entry of ``morphing`` of a model in the section ``fit``."""

from typing import Annotated

from pydantic import Field

from resonaut.core.errors import ConfigError
from resonaut.core.record import Fb, Name, Natural, Positive, key, record

# Powers of couplings by name.
Product = dict[Name, Natural]


@record
class Coupling:
    """A coupling as the fit sees it."""

    range: tuple[float, float] = key("Values that a fit may reach.", default=[-10, 10])
    value: float = key("Its value where it is fixed, and where fits start; that of the standard model is 1.", default=1)
    fixed: bool = key("It does not float.", default=False)
    points: int = key(
        "Values, evenly over the range, at which the limit on the cross section and the likelihood are evaluated.",
        default=41,
        ge=5,
    )

    def __post_init__(self) -> None:
        low, high = self.range
        if not low < high or not low <= self.value <= high:
            raise ConfigError(
                f"config: fit: a coupling with range [{low:g}, {high:g}] and value {self.value:g}; give the lower end "
                "first, and a value inside."
            )


@record
class Morphed:
    """A process whose cross section is quadratic in products of couplings, with samples at some points of these."""

    amplitude: Annotated[list[Product], Field(min_length=2)] = key(
        "Terms of the amplitude, each a product of couplings with their powers; `{}` is 1. `[{}, {kappa: 1}]` makes a "
        "cross section quadratic in kappa, from three samples; `[{kappa_V: 2}, {kappa_2V: 1}, {kappa_V: 1, "
        "kappa_lambda: 1}]` is that of VBF HH, from six, and `[{kappa_t: 2}, {kappa_t: 1, kappa_lambda: 1}]` that of "
        "gluon fusion, from three."
    )
    samples: dict[Name, dict[Name, float]] = key(
        "For samples of the model, the value of each coupling that they have been made with. As many as the cross "
        "section has different products, or more: then the polynomial is their least-squares fit."
    )
    couplings: dict[Name, Coupling] = key(
        "How each coupling is fitted; those of several processes with one name are one parameter.", default={}
    )
    cross_sections: dict[Name, Positive[Fb]] = key(
        "Cross section of each sample, which the figure of limits shows; with none the limits are relative to theory.",
        default={},
    )
    statistics: bool = key(
        "Statistical errors of each sample are parameters of their own in each bin where they count, instead of a part "
        "of those of the whole channel: their sum is not morphed. False leaves them out, as for samples of the same "
        "events with other weights, whose errors are one.",
        default=True,
    )
    expected_beside: dict[Name, tuple[float, float]] = key(
        "By channel an interval of the observable, with ends that are edges of bins: the background of the expected "
        "limits is that of a fit to all data beside these intervals, as before they are unblinded. With none it is "
        "that of a fit to all data. The observed limits do not depend on it.",
        default={},
    )

    def __post_init__(self) -> None:
        for channel, (low, high) in self.expected_beside.items():
            if not low < high:
                raise ConfigError(
                    f"config: fit: morphing: expected_beside.{channel} is [{low:g}, {high:g}]; give the "
                    "lower end first."
                )
        if self.cross_sections and set(self.cross_sections) != set(self.samples):
            raise ConfigError(
                f"config: fit: morphing has cross_sections of {', '.join(self.cross_sections)}, and samples "
                f"{', '.join(self.samples)}; give one for each, or none."
            )
        known = {name for term in self.amplitude for name in term}
        for name in self.couplings:
            if name not in known:
                raise ConfigError(
                    f"config: fit: the coupling {name!r} is in no term of the amplitude, which has "
                    f"{', '.join(sorted(known)) or 'none'}; add it there, or take it out."
                )


@record
class CouplingsJob:
    """What the job reads that says what the data allow of couplings.

    ``strength``: the parameter that multiplies the signal.
    """

    processes: dict[Name, Morphed]
    strength: Name
    confidence_level: float
