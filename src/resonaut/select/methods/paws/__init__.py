"""PAWS: a class of simulated signals, whose parameters are learned on the data."""

from typing import TYPE_CHECKING

from resonaut.core.errors import ConfigError
from resonaut.core.record import Name, key, record
from resonaut.select.catalogue import EVENT, Entry

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis


@record
class PawsSettings:
    """The method `paws`: the signals that it knows, and features beside those of the event."""

    parameters: dict[Name, list[float]] = key(
        "By simulated signal its parameters, such as the masses of what the resonance decays to; as many for each.",
        default={},
    )
    features: list[str] = key(
        "Features that `paws` sees beside `features`: it learns from simulation, of which there is enough for more "
        "of them.",
        default=[],
        unique=True,
    )


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where the signals do not span a range of parameters."""
    parameters = analysis.config["select"]["paws"]["parameters"]
    for name in parameters:
        if name not in analysis.sample("signal"):
            raise ConfigError(
                f"config: select.paws.parameters names {name!r}, not in search.samples.signal; add it there or take "
                "it out."
            )
    if len({tuple(values) for values in parameters.values()}) < 2:
        raise ConfigError(
            "config: select.paws.parameters needs two signals with different parameters, between which those of the "
            "data are looked for; give them, or take 'paws' out of the methods."
        )
    if len({len(values) for values in parameters.values()}) > 1:
        raise ConfigError("config: the signals of select.paws.parameters have different numbers of parameters.")


METHODS = {
    "paws": Entry(
        "method.Paws", EVENT, PawsSettings, features=("features",), samples=("background", "signal"), check=check
    )
}
