"""What ``select.event_scores`` must agree with in the rest of the configuration. Imports nothing heavy."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from resonaut.select import catalogue, jobs

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

MOMENTUM = ("pt", "eta", "phi", "mass")


def problems(analysis: "Analysis") -> Iterator[str]:
    """Names that are taken, masses that no matrix has, objects that are not kept, and regions that nothing defines."""
    section = analysis.config["select"]
    taken = dict.fromkeys([*catalogue.methods(analysis.config["code"]), *section["combinations"]], "a method")
    for name, entry in section[jobs.EVENT_SCORES].items():
        where = f"{jobs.EVENT_SCORES}.{name}"
        for region in entry["regions"]:
            if region in taken:
                yield f"{where}.regions.{region} has the name of {taken[region]}; rename it"
            taken[region] = f"a region of {name}"
        yield from (f"{where}.{problem}" for problem in _searched(entry))
        yield from (f"{where}.{problem}" for problem in _columns(analysis, entry))
    if jobs.regions(analysis).keys() & set(section["methods"]):
        yield from _regions(analysis)


def _searched(entry: dict[str, Any]) -> Iterator[str]:
    """Masses of pairs of which the matrix has not both."""
    for one, two in entry["searched"]:
        for kind in (one, two):
            most = entry["objects"].get(kind, 0)
            if most < 1 + (one == two):
                yield (
                    f"searched has the mass of {one} and {two}, and objects has {most} {kind}; raise it, or take the "
                    "pair out"
                )


def _columns(analysis: "Analysis", entry: dict[str, Any]) -> Iterator[str]:
    """Objects that a region does not keep."""
    wanted = [f"{kind}{most}_{name}" for kind, most in entry["objects"].items() for name in MOMENTUM]
    for dataset in analysis.sample("data", "background", "signal"):
        columns, region = analysis.columns(dataset), analysis.config["datasets"][dataset]["region"]
        for column in (*wanted, "met_pt", "met_phi"):
            if columns is not None and column not in columns:
                yield (
                    f"objects needs the column {column!r} of {dataset!r}, which skim.regions.{region} does not keep; "
                    "keep that many, and the observables met_pt and met_phi"
                )


def _regions(analysis: "Analysis") -> Iterator[str]:
    """Regions without data that define them, or of which the fit wants more than there is."""
    data = analysis.sample("data")
    if not data or analysis.luminosity(*data) is None:
        yield (
            f"{jobs.EVENT_SCORES}: a region is defined by its rate in data of a known luminosity; name data in "
            "search.samples.data, and give datasets.<name>.luminosity"
        )
    if analysis.uses("fit") and analysis.config["fit"]["prediction"] != "none":
        yield f"{jobs.EVENT_SCORES}: regions have no prediction from simulation; set fit.prediction to none"
