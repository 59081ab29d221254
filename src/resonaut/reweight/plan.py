"""What the stage ``reweight`` wants of a configuration, checked before the first job."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ("calibrate",)


def section() -> type:
    """The record of the section ``reweight``."""
    from resonaut.reweight.settings import Settings

    return Settings


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {"closure": lambda _: ["<results>/reweight/closure.json"]}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there are no data, or no simulation to be weighted to them."""
    for sample in ("data", "background"):
        if not analysis.sample(sample):
            raise ConfigError(
                "config: search.stages has 'reweight', which compares data and background; name datasets in "
                f"search.samples.{sample}, or take 'reweight' out."
            )
    observable = analysis.config["reweight"]["observable"]
    for name in analysis.sample("data", "background"):
        columns = analysis.columns(name)
        if columns is not None and observable not in columns:
            raise ConfigError(
                f"config: reweight.observable is {observable!r}, which is no column of {name!r}; take one of "
                f"{', '.join(columns)}."
            )


def weighted(analysis: "Analysis") -> list[str]:
    """The datasets whose events get weights."""
    return analysis.sample("background")
