"""What the stage ``trigger`` wants of a configuration, checked before the first job."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from resonaut.core import stages
from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ()
AFTER: tuple[str, ...] = ("simulate",)


def section() -> type:
    """The record of the section ``trigger``."""
    from resonaut.trigger.settings import Settings

    return Settings


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "measurements": lambda analysis: [f"<results>/trigger/{name}/measurement.json" for name in networks(analysis)],
}


def keys(analysis: "Analysis", command: str, name: str) -> dict[str, Any]:
    """What a job reads: a training its model, a quantisation its formats, a measurement how it is made."""
    section = analysis.config["trigger"]
    if command == "measure":
        return {"measure": section["measure"]}
    model = section["models"][name]
    if command == "quantise":
        return {"quantisation": model["quantisation"]}
    return {"model": model}


def networks(analysis: "Analysis") -> list[str]:
    """The networks that are measured: those that are trained, and those in files."""
    section = analysis.config["trigger"]
    return [*section["models"], *section["networks"]]


def network(analysis: "Analysis", name: str) -> str:
    """The file of a network in integers."""
    given: dict[str, str] = analysis.config["trigger"]["networks"]
    return given.get(name, f"<results>/trigger/{name}/network.json")


def model(analysis: "Analysis", name: str) -> list[str]:
    """The file of the model of which a network was made, if it was."""
    trained = name in analysis.config["trigger"]["models"]
    return [f"<results>/trigger/{name}/model.npz"] if trained else []


def crossings(analysis: "Analysis", sample: str) -> list[str]:
    """The files of a sample."""
    given = analysis.config["trigger"]["files"]
    if sample in given:
        found: list[str] = given[sample]["crossings"]
        return found
    made: list[str] = stages.plans()["simulate"].crossings(analysis, sample)
    return made


def training(analysis: "Analysis") -> list[str]:
    """The files of the crossings that train."""
    return [path for name in _samples(analysis, "train") for path in crossings(analysis, name)]


def tested(analysis: "Analysis") -> list[str]:
    """The files that a measurement reads: crossings, seeds and the menu."""
    named = [*_samples(analysis, "zero_bias"), *_samples(analysis, "signals")]
    found = [path for name in named for path in (*crossings(analysis, name), *_seeds(analysis, name))]
    return [*found, *menu(analysis)]


def menu(analysis: "Analysis") -> list[str]:
    """The file of the menu, if there is one."""
    given = analysis.config["trigger"]["measure"]["menu"]
    return [given["file"]] if given else []


def options(analysis: "Analysis", files: Callable[[str], str]) -> list[str]:
    """The options of a measurement that name samples and their files; ``files`` puts the folder in a path."""
    section, found = {"zero-bias": "zero_bias", "signal": "signals"}, []
    for option, kind in section.items():
        for name in _samples(analysis, kind):
            found += [f"--{option}={name}={files(path)}" for path in crossings(analysis, name)]
            found += [f"--seeds={name}={files(path)}" for path in _seeds(analysis, name)]
    return found


def made(analysis: "Analysis") -> list[str]:
    """Everything that the stage makes."""
    return GIVES["measurements"](analysis)


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is nothing to measure, or a sample or name is wrong."""
    for problem in _problems(analysis):
        raise ConfigError(f"config: trigger{problem}.")


def _problems(analysis: "Analysis") -> Iterator[str]:
    section = analysis.config["trigger"]
    if not networks(analysis):
        yield ": search.stages has it, and there are neither models nor networks; add one, or take 'trigger' out"
    for name in section["networks"].keys() & section["models"].keys():
        yield f".networks.{name}: a model has this name, too; rename one"
    simulated = analysis.config["simulate"]["level1"]["samples"] if analysis.uses("simulate") else {}
    for name in section["files"].keys() & simulated.keys():
        yield f".files.{name}: simulate.level1.samples has this name, too; rename one"
    for kind, names in section["crossings"].items():
        for name in names:
            if name not in section["files"] and name not in simulated:
                yield (
                    f".crossings.{kind} names {name!r}, which is neither in trigger.files nor a sample that 'simulate' "
                    "makes (simulate.level1.samples, with 'simulate' in search.stages); add it there"
                )
    if not section["crossings"]["zero_bias"]:
        yield ".crossings.zero_bias is empty, and thresholds are of it; name samples"
    if section["models"] and not section["crossings"]["train"]:
        yield ".crossings.train is empty, and models learn from it; name samples"
    if both := set(section["crossings"]["train"]) & set(section["crossings"]["zero_bias"]):
        yield f".crossings has {min(both)!r} in train and in zero_bias; take it out of one of them"
    for name, given in section["files"].items():
        if given["seeds"] and len(given["seeds"]) != len(given["crossings"]):
            yield f".files.{name} has not as many seeds as crossings; give one file for each, or none"


def _samples(analysis: "Analysis", kind: str) -> list[str]:
    found: list[str] = analysis.config["trigger"]["crossings"][kind]
    return found


def _seeds(analysis: "Analysis", sample: str) -> list[str]:
    given = analysis.config["trigger"]["files"]
    found: list[str] = given[sample]["seeds"] if sample in given else []
    return found
