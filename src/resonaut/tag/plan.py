"""What the section ``tag`` must agree with in the rest of the configuration, checked before the first job."""

from pathlib import Path
from typing import TYPE_CHECKING

from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ()


def section() -> type:
    """The record of the section ``tag``."""
    from resonaut.tag.settings import TagConfig

    return TagConfig


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is nothing to train on, or a network contradicts itself."""
    from resonaut.core.record import build
    from resonaut.tag.settings import NetworkConfig, require_consistent

    config = analysis.config
    if not simulation(analysis):
        raise ConfigError(
            "config: search.stages has 'tag', which learns from simulated jets; name datasets in "
            "search.samples.background and signal (or tag.samples), or take 'tag' out."
        )
    for name, entry in config["tag"]["networks"].items():
        require_consistent(name, build(entry, NetworkConfig, f"config: tag.networks.{name}"))
        weights = entry["weights"]
        if weights is not None and not Path(weights).is_file():
            raise ConfigError(
                f"config: tag.networks.{name}.weights: no file {weights!r}; correct the path, which is relative to "
                f"{Path.cwd()}."
            )


def simulation(analysis: "Analysis") -> list[str]:
    """The datasets whose jets train the networks."""
    return analysis.sample("background", "signal", of="tag")


def scored(analysis: "Analysis") -> list[str]:
    """The datasets whose jets get scores: those of the search, and those that train the networks."""
    names = [*analysis.sample("data", "background", "signal", "pseudo_data"), *simulation(analysis)]
    wanted = analysis.wanted()
    return [name for name in dict.fromkeys(names) if name in wanted]


def published_weights(analysis: "Analysis", network: str) -> list[str]:
    """The published weights of a network, so that new ones rerun it; none for one that is trained here."""
    path: str | None = analysis.config["tag"]["networks"][network]["weights"]
    return [path] if path else []
