"""What the section ``tag`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Callable
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


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "networks": lambda analysis: [f"<results>/tag/{name}.json" for name in analysis.config["tag"]["networks"]],
}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is nothing to train on, or a network contradicts itself."""
    from resonaut.core.record import build
    from resonaut.tag.settings import NetworkConfig, require_consistent

    config = analysis.config
    roles = {config["datasets"][name]["role"] for name in config["search"]["datasets"]}
    if not roles & {"background", "signal"}:
        raise ConfigError(
            "config: search.stages has 'tag', which learns from simulated jets; add datasets with the roles background "
            "and signal to search.datasets, or take 'tag' out."
        )
    for name, entry in config["tag"]["networks"].items():
        require_consistent(name, build(entry, NetworkConfig, f"config: tag.networks.{name}"))
        weights = entry["weights"]
        if weights is not None and not Path(weights).is_file():
            raise ConfigError(
                f"config: tag.networks.{name}.weights: no file {weights!r}; correct the path, which is relative to "
                f"{Path.cwd()}."
            )


def published_weights(analysis: "Analysis", network: str) -> list[str]:
    """The published weights of a network, so that new ones rerun it; none for one that is trained here."""
    path: str | None = analysis.config["tag"]["networks"][network]["weights"]
    return [path] if path else []
