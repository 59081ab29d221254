"""What the stage ``emulate`` wants of a configuration, checked before the first job."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from resonaut.core import stages
from resonaut.core.errors import ConfigError
from resonaut.emulate.evaluate import FLOOR

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ("simulate",)
AFTER: tuple[str, ...] = ()


def section() -> type:
    """The record of the section ``emulate``."""
    from resonaut.emulate.settings import Settings

    return Settings


def _architectures() -> str:
    """The tables of the architectures' own keys."""
    from resonaut.core.documentation import table
    from resonaut.emulate.models import architectures

    found = architectures().items()
    return "\n\n".join(f"`{name}`:\n\n{table(entry.settings)}" for name, entry in found)


# In docs/emulate.md, beside the table of the section's keys.
TABLES: dict[str, dict[str, Callable[[], str]]] = {"emulate": {"architectures": _architectures}}
# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "evaluations": lambda analysis: [
        f"<results>/emulate/{name}/evaluation.json" for name in (FLOOR, *analysis.config["emulate"]["models"])
    ],
    "timings": lambda analysis: [
        f"<results>/emulate/{name}/timing.json" for name in analysis.config["emulate"]["models"]
    ],
}


def keys(analysis: "Analysis", command: str, name: str) -> dict[str, Any]:
    """What a job reads: a training its own model, a judgement how it is made, and both what the voxels are."""
    section = analysis.config["emulate"]
    if command == "time":
        return {"timing": section["evaluate"]["timing"]}
    if command == "evaluate":
        return {"voxels": section["voxels"], "evaluate": section["evaluate"]}
    return {"voxels": section["voxels"], "model": section["models"][name]}


def modules(analysis: "Analysis", name: str) -> list[str]:
    """What the jobs of a model find by name: the module of its architecture."""
    from resonaut.emulate.models import architectures

    entry = architectures().joined(analysis.config["code"])[analysis.config["emulate"]["models"][name]["architecture"]]
    return [entry.declaration, entry.module]


def own_code(analysis: "Analysis", name: str) -> list[str]:
    """The user's files that the jobs of a model import."""
    return [path for path in modules(analysis, name) if path in analysis.config["code"]]


def showers(analysis: "Analysis", role: str) -> list[str]:
    """The files of the samples that train, or of those that judge."""
    files = stages.plans()["simulate"].showers
    return [path for name in analysis.config["emulate"]["showers"][role] for path in files(analysis, name)]


def made(analysis: "Analysis") -> list[str]:
    """Everything that the stage makes."""
    graphs = [f"<results>/emulate/{name}/model.onnx" for name in analysis.config["emulate"]["models"]]
    return [*graphs, *(path for give in GIVES.values() for path in give(analysis))]


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is nothing to learn, or a model, sample or architecture is not known."""
    for problem in _problems(analysis):
        raise ConfigError(f"config: emulate{problem}.")


def _problems(analysis: "Analysis") -> Iterator[str]:
    from resonaut.core.record import build
    from resonaut.emulate.models import architectures

    section, known = analysis.config["emulate"], architectures().joined(analysis.config["code"])
    if not section["models"]:
        yield ".models is empty, and search.stages has 'emulate'; add a model, or take 'emulate' out"
    if FLOOR in section["models"]:
        yield f".models.{FLOOR}: this is what the floor of the judgement is called; rename it"
    made = analysis.config["simulate"].get("showers", {})
    for role, names in section["showers"].items():
        for name in names:
            if name not in made:
                yield f".showers.{role} names {name!r}, which is not in simulate.showers; add it there"
        if not names and section["models"]:
            yield f".showers.{role} is empty; name samples of simulate.showers"
    if both := set(section["showers"]["train"]) & set(section["showers"]["test"]):
        yield f".showers has {min(both)!r} in train and in test; take it out of one of them"
    for name, model in section["models"].items():
        known.require(f"config: emulate.models.{name}.architecture", [model["architecture"]])
        build(model["settings"], known[model["architecture"]].settings, f"config: emulate.models.{name}.settings")
