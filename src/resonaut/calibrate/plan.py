"""What the section ``calibrate`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ("tag",)


def section() -> type:
    """The record of the section ``calibrate``."""
    from resonaut.calibrate.settings import Settings

    return Settings


# What other stages read of this one; a correction that is given has no planes.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "planes": lambda analysis: (
        ["<results>/calibrate/planes.json"] * (analysis.config["calibrate"]["correction"] is None)
    ),
    "data": lambda analysis: analysis.manifests(*analysis.sample("data", of="calibrate")),
    "summaries": lambda analysis: [
        f"<results>/calibrate/{name}/summary.json" for name in analysis.sample("signal", of="calibrate")
    ],
}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` at the first key that contradicts another, or where the jets to measure are missing."""
    for problem in (*_ranges(analysis.config["calibrate"]), *_samples(analysis)):
        raise ConfigError(f"config: {problem}.")


def keys(analysis: "Analysis", command: str) -> dict[str, Any]:
    """What a job reads: only the summary has observables and cuts, those that are scores only if `tag` makes them."""
    section: dict[str, Any] = analysis.config["calibrate"]
    if command != "summarise":
        return {key: value for key, value in section.items() if key not in ("histograms", "selections")}
    if analysis.uses("tag"):
        return section
    tag = analysis.config["tag"]
    scores = tuple(f"{network}_" for network in (*tag["networks"], *tag["published"]))
    return section | {
        "histograms": {name: axis for name, axis in section["histograms"].items() if not name.startswith(scores)},
        "selections": {
            name: cuts for name, cuts in section["selections"].items() if not any(n.startswith(scores) for n in cuts)
        },
    }


def measured(analysis: "Analysis") -> dict[str, list[str]]:
    """The manifests of the jets that are compared, by sample, and their events."""
    names = ("data", "simulation", "background", "b_quarks")
    samples = {name: analysis.sample(name, of="calibrate") for name in names}
    return {name: analysis.manifests(*found) for name, found in samples.items()} | {
        "events": analysis.friends("skim", *analysis.sample(*names, of="calibrate"))
    }


def weighted(analysis: "Analysis") -> dict[str, list[str]]:
    """The datasets whose events get weights, by the folder of these."""
    return {"calibrate": analysis.sample("signal", of="calibrate")}


def correction(analysis: "Analysis") -> dict[str, str]:
    """The Lund-plane correction and its metadata: measured here, or given in the configuration."""
    path: str = analysis.config["calibrate"]["correction"] or "<results>/calibrate/correction.json"
    return {"correction": path, "metadata": f"{path.removesuffix('.json')}.metadata.json"}


def _ranges(section: dict[str, Any]) -> Iterator[str]:
    for name, axis in section["histograms"].items():
        if axis["low"] >= axis["high"]:
            yield f"calibrate.histograms.{name}: low is {axis['low']:g} and high {axis['high']:g}; exchange them"
    for name, cuts in section["selections"].items():
        for observable, (low, high) in cuts.items():
            if low is not None and high is not None and low >= high:
                yield f"calibrate.selections.{name}.{observable} is [{low:g}, {high:g}]; give the lower value first"


def _samples(analysis: "Analysis") -> Iterator[str]:
    """Files and datasets that are not there."""
    section = analysis.config["calibrate"]
    for sample in ("data", "simulation") if section["correction"] is None else ():
        if not section["samples"][sample]:
            yield (
                f"search.stages has 'calibrate', which measures W jets; name datasets in calibrate.samples.{sample}, a "
                "measured correction in calibrate.correction, or take 'calibrate' out"
            )
    if section["correction"] and not all(Path(path).exists() for path in correction(analysis).values()):
        yield (
            f"calibrate.correction: no file {section['correction']!r}, or no metadata beside it; make both with "
            "'resonaut calibrate measure' or 'resonaut calibrate import'"
        )
