"""What the stage ``report`` wants of a configuration."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ()
AFTER: tuple[str, ...] = ("skim", "tag", "calibrate", "reweight", "unfold", "classify", "select", "fit", "emulate")


def section() -> type:
    """The record of the section ``report``."""
    from resonaut.report.settings import Section

    return Section


# What its own figures read of it.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "config": lambda _: ["<results>/config/report.json"],
    "methods": lambda _: ["<results>/report/methods.csv"],
    "figures": lambda _: [f"<results>/report/{name}.png" for name in ("p_values", "limits")],
}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is nothing to show, or no data, whose search the report shows."""
    from resonaut.report import catalogue

    if analysis.uses("fit") and analysis.uses("select") and not analysis.sample("data"):
        raise ConfigError(
            "config: search.stages has 'report', and search.samples.data names no data, whose search it shows; name "
            "them, or take 'report' out (`snakemake report_injections` shows experiments)."
        )
    if not catalogue.wanted(analysis):
        raise ConfigError(
            "config: search.stages has 'report', and no other stage that it shows anything of; add one, such as "
            "'skim', or take 'report' out."
        )


def keys(analysis: "Analysis") -> dict[str, Any]:
    """What stands above the figures: the data, given or by where they come from, and the energy."""
    data = analysis.sample("data") or [name for name in analysis.datasets() if _is_data(analysis, name)]
    # Models of files have no datasets at all.
    generated = bool(analysis.datasets()) and all(analysis.catalogue[name].generator is not None for name in data)
    label = analysis.config["report"]["label"] or ("Simulated collisions" if generated else "Data")
    return {"label": label, "sqrt_s": analysis.config["fit"]["sqrt_s"]}


def _is_data(analysis: "Analysis", name: str) -> bool:
    return analysis.catalogue[name].nature == "data"
