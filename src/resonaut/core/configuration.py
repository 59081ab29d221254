"""The configuration of an analysis: what belongs to no stage, and the sections of all stages."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, ClassVar

from resonaut.core import extensions, stages
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError
from resonaut.core.record import Name, Pattern, build, composed, key, plain, record

Folder = Annotated[str, Pattern(r"^[^{}<>]+$", "the name of a folder without < > { }")]


@record
class Pathvars:
    """Folders that the workflow writes to."""

    results: Folder = key("Folder of all results; no < > { } in its name.", default="results")
    logs: Folder = key("Folder of the logs; no < > { } in its name.", default="logs")
    benchmarks: str = key(
        "Folder of Snakemake's time and memory measurements.", default="<results>/benchmarks", min_length=1
    )


Names = list[str]


@record
class Samples:
    """The datasets of the search, by what they are to it; a stage may name others in its own `samples`."""

    data: Names = key(
        "What is searched: data, of several eras or triggers if you like (or pseudo-data).", default=[], unique=True
    )
    pseudo_data: Names = key(
        "Known to hold no signal: `select.injection` puts one into them. Beside data they are only made for that.",
        default=[],
        unique=True,
    )
    background: Names = key("Simulated background.", default=[], unique=True)
    signal: Names = key("Simulated signals.", default=[], unique=True)


@record
class Search:
    """What an analysis is made of."""

    stages: list[str] = key(
        "The stages of this analysis; stages that it does not need are left out.", min_length=1, unique=True
    )
    MOVED: ClassVar = {"datasets": "search.samples, with the lists data, pseudo_data, background and signal"}

    samples: Samples = key("Names of datasets, from the catalogue `datasets`.", default={})


@record
class Frame:
    """What belongs to no stage."""

    pathvars: Pathvars = key(
        "Folders that the workflow writes to; an overlay gives its own, so that two analyses live side by side.",
        default={},
    )
    search: Search = key("Which stages run on which datasets.")
    datasets: dict[Name, DatasetConfig] = key("The catalogue of datasets, by name.", default={})
    code: list[str] = key(
        "Python files of your own, which add methods, features, columns, networks, background functions and formats "
        "(docs/extend.md). Those of installed packages are added.",
        default=[],
        unique=True,
    )


def section(verb: str, code: Sequence[str] = ()) -> type:
    """The record of a stage's section, with the keys of what it finds by name in the package and in the files ``code``.

    Raises:
        ConfigError: a file cannot be executed, or adds a key that is there already.
    """
    plan = stages.plans()[verb]
    base: type = plan.section()
    return composed(base, plan.parts(code)) if hasattr(plan, "parts") else base


@cache
def whole(code: tuple[str, ...] = ()) -> type:
    """The record of the whole configuration; ``code``: files that may add keys."""
    return composed(Frame, {verb: section(verb, code) for verb in stages.verbs()})


def validate(config: dict[str, Any]) -> dict[str, Any]:
    """A copy of ``config`` with every default filled in, and every text with a unit as a number.

    Raises:
        ConfigError: one sentence on the first key that is unknown, missing, or of a wrong value.
    """
    if "search" not in config:
        raise ConfigError(
            "config: 'search' is missing, the stages and samples of an analysis; add it, or, if this file changes "
            "another one, give that first: --configfile config/config.yaml my_changes.yaml."
        )
    given = config.get("code")
    code = extensions.files(given if isinstance(given, list) else [])
    kind = whole(tuple(code))
    full: dict[str, Any] = plain(build(config, kind, "config", merge=True), kind)
    return full | {"code": code}
