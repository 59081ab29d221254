"""What the section ``calibrate`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Iterator
from typing import Any

from resonaut.core.errors import ConfigError

NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ("tag",)


def section() -> type:
    """The record of the section ``calibrate``."""
    from resonaut.calibrate.settings import Settings

    return Settings


def check(config: dict[str, Any]) -> None:
    """Stop with ``ConfigError`` at the first key that contradicts another, or where the jets to measure are missing."""
    for problem in (*_ranges(config["calibrate"]), *_samples(config)):
        raise ConfigError(f"config: {problem}.")


def _ranges(section: dict[str, Any]) -> Iterator[str]:
    for name, axis in section["histograms"].items():
        if axis["low"] >= axis["high"]:
            yield f"calibrate.histograms.{name}: low is {axis['low']:g} and high {axis['high']:g}; exchange them"
    for name, cuts in section["selections"].items():
        for observable, (low, high) in cuts.items():
            if low is not None and high is not None and low >= high:
                yield f"calibrate.selections.{name}.{observable} is [{low:g}, {high:g}]; give the lower value first"


def _samples(config: dict[str, Any]) -> Iterator[str]:
    roles = {config["datasets"][name]["role"] for name in config["search"]["datasets"]}
    for role in ("w_data", "w_sim") if config["calibrate"]["correction"] is None else ():
        if role not in roles:
            yield (
                f"search.stages has 'calibrate', which measures W jets; add a dataset with the role {role}, name a "
                "measured correction in calibrate.correction, or take 'calibrate' out"
            )
