"""QUAK: how unlike background, and how like a signal prior."""

from typing import TYPE_CHECKING

from resonaut.core.errors import ConfigError
from resonaut.core.record import key, record
from resonaut.select.catalogue import FLOW, Entry

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis


@record
class QuakSettings:
    """The method `quak`: the simulated signals that form the prior, and features beside those of the event."""

    prior: list[str] = key(
        "Simulated signals that form the prior: one for a specific, several for a generic one; empty for "
        "all of the search.",
        default=[],
        unique=True,
    )
    features: list[str] = key(
        "Features that `quak` sees beside `features`: it learns from simulation, of which there is enough "
        "for more of them.",
        default=[],
        unique=True,
    )


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where the prior is no simulated signal of the search."""
    for name in analysis.config["select"]["quak"]["prior"]:
        if name not in analysis.sample("signal"):
            raise ConfigError(
                f"config: select.quak.prior names {name!r}, not in search.samples.signal; add it there or take it out."
            )


METHODS = {
    "quak": Entry(
        "method.Quak", FLOW, QuakSettings, features=("features",), samples=("background", "signal"), check=check
    )
}
