"""What the stage ``unfold`` wants of a configuration, checked before the first job."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError
from resonaut.unfold.kinds import names

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ()
# Keys that a single run does not read.
OF_ALL = ("samples", "ensemble", "bootstraps", "variations", "bayes_iterations")


def section() -> type:
    """The record of the section ``unfold``."""
    from resonaut.unfold.settings import Settings

    return Settings


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "events": lambda _: ["<results>/unfold/events.parquet"],
    "description": lambda _: ["<results>/unfold/events.json"],
    "summary": lambda _: ["<results>/unfold/summary.json"],
    "data": lambda analysis: analysis.manifests(*unfolded(analysis)["data"]),
}


def keys(analysis: "Analysis", job: str) -> dict[str, Any]:
    """What a job reads: ``train`` what a run needs, ``merge`` the selection of the simulation as well."""
    section = dict(analysis.config["unfold"])
    if job == "summarise":
        return section
    found = {name: value for name, value in section.items() if name not in OF_ALL}
    # Bins are of the summary.
    found["observables"] = {name: one | {"edges": None} for name, one in section["observables"].items()}
    if job == "merge":
        entry = analysis.config["datasets"][analysis.sample("simulation", of="unfold")[0]]
        # What another analysis has selected is not known here.
        selection = {} if entry["skimmed"] else analysis.config["skim"]["regions"][entry["region"]]
        found = {"train": found, "selection": selection}
    return found


def unfolded(analysis: "Analysis") -> dict[str, list[str]]:
    """The datasets by the options of the commands: data or, without any, what stands for them."""
    data = analysis.sample("data", of="unfold")
    return {
        "data": data,
        "pseudo": [] if data else analysis.sample("pseudo", of="unfold"),
        "simulation": analysis.sample("simulation", of="unfold"),
        "background": analysis.sample("background", of="unfold"),
    }


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where something is missing, or not kept by ``skim``."""
    section, found = analysis.config["unfold"], unfolded(analysis)
    if not (found["data"] or found["pseudo"]):
        raise ConfigError("config: unfold has no data; name datasets in unfold.samples.data or unfold.samples.pseudo.")
    if not found["simulation"]:
        raise ConfigError("config: unfold.samples.simulation is empty; name simulation with both levels.")
    if both := [name for name in found["simulation"] if name in found["background"] + found["pseudo"]]:
        raise ConfigError(
            f"config: unfold.samples.simulation has {both[0]!r}, which is background or stands for data as well; take "
            "it out of one of them."
        )
    entries = {name: analysis.config["datasets"][name] for name in found["simulation"]}
    regions = {one["region"]: name for name, one in entries.items() if not one["skimmed"]}
    if len(regions) > 1:
        raise ConfigError(
            f"config: unfold.samples.simulation: {' and '.join(map(repr, regions.values()))} are of different regions, "
            "and there is one selection to unfold to; give them the same."
        )
    if not section["observables"]:
        raise ConfigError("config: unfold.observables is empty; name what is unfolded, as {pt_ll: {detector: pt_ll}}.")
    _check_observables(section["observables"])
    for number in (run for run in section["variations"] if not run.endswith(("_up", "_down"))):
        raise ConfigError(f"config: unfold.variations has {number!r}; a variation is called <source>_<up|down>.")
    for name, number in section["bootstraps"].items():
        if number == 1:
            raise ConfigError(f"config: unfold.bootstraps.{name} is 1, and one replica has no spread; take 0, or more.")
    _require_columns(analysis, found)
    _require_variations(analysis, [*found["simulation"], *found["background"]])


def _require_variations(analysis: "Analysis", datasets: list[str]) -> None:
    """Stop at a variation that no simulation has; that of one dataset leaves the others as they are."""
    variations = analysis.config["unfold"]["variations"]
    known = [analysis.variations(name) for name in datasets] if variations else []
    there = list(dict.fromkeys(name for names in known for name in names or ()))
    for name in variations:
        if None not in known and name not in there:
            raise ConfigError(
                f"config: unfold.variations has {name!r}, which neither simulation nor background has; correct it, or "
                f"add its source to skim.eras (they have {', '.join(there) or 'none'})."
            )


def _check_observables(observables: dict[str, Any]) -> None:
    from resonaut.core.formulas import FUNCTIONS
    from resonaut.core.identifier import KEY

    # Columns of the published table that are no observables, and what formulas have.
    taken = {*KEY, "weight_mc", *FUNCTIONS}
    for name, one in observables.items():
        if not name.isidentifier() or name in taken or name.startswith("weights_"):
            raise ConfigError(f"config: unfold.observables.{name}: no column or formula may have this name; rename it.")
        edges = one["edges"] or []
        if any(high <= low for low, high in pairwise(edges)):
            raise ConfigError(f"config: unfold.observables.{name}.edges do not ascend; sort them.")


def _require_columns(analysis: "Analysis", found: dict[str, list[str]]) -> None:
    """Stop at observables and flags that a region does not keep."""
    section = analysis.config["unfold"]
    wanted = {f"observables.{name}.detector": one["detector"] for name, one in section["observables"].items()}
    flags = {"passes.detector": section["passes"]["detector"]}
    for dataset in dict.fromkeys(dataset for sample in found.values() for dataset in sample):
        columns = analysis.columns(dataset)
        for key, column in (wanted | flags).items():
            # What passes at the detector level is known of every dataset.
            if columns is not None and column not in {*columns, *(["passes"] if key in flags else ())}:
                raise ConfigError(
                    f"config: unfold.{key} is {column!r}, which is no column of {dataset!r}; take one of "
                    f"{', '.join(columns)}."
                )
    known = [*found["simulation"], *found["pseudo"]]
    _require_particles(analysis, [name for name in known if name not in found["background"]])


def _require_particles(analysis: "Analysis", datasets: list[str]) -> None:
    """Stop at columns of particle level that a region does not keep."""
    section = analysis.config["unfold"]
    wanted = {"passes.particle": section["passes"]["particle"]}
    wanted |= {
        f"observables.{name}.particle": one["particle"] or f"gen_{one['detector']}"
        for name, one in section["observables"].items()
    }
    for dataset in datasets:
        own, others = analysis.particle_columns(dataset), analysis.columns(dataset)
        for key, column in wanted.items():
            if own is not None and column not in {*own, *(others or ())}:
                way = f"take one of {', '.join(own)}" if own else "give its region a particle_level"
                raise ConfigError(f"config: unfold.{key} is {column!r}, which is no column of {dataset!r}; {way}.")


def runs(analysis: "Analysis") -> list[str]:
    """All runs."""
    return names(analysis.config["unfold"])
