"""What the section ``calibrate`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from resonaut.core.errors import ConfigError


def check(config: dict[str, Any]) -> None:
    """Stop with ``ConfigError`` at the first key that contradicts another, or where the jets to measure are missing."""
    for problem in (*_ranges(config["calibrate"]), *_samples(config)):
        raise ConfigError(f"config: {problem}.")


def _ranges(section: dict[str, Any]) -> Iterator[str]:
    for axis, edges in section["bins"].items():
        if any(second <= first for first, second in pairwise(edges)):
            yield f"calibrate.bins.{axis}: {edges} are not ascending edges; sort them"
    for key in ("direct_pt_range", "factor_range", "weight_range"):
        low, high = section[key]
        if low >= high:
            yield f"calibrate.{key} is [{low:g}, {high:g}]; give the lower value first"
    for key in ("factor_range", "weight_range"):
        low, high = section[key]
        if not low <= 1 <= high:
            yield f"calibrate.{key} is [{low:g}, {high:g}], which must hold 1, the value that changes nothing; widen it"
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
