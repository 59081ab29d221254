"""What the stage ``classify`` wants of a configuration, checked before the first job."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from resonaut.classify import measuring
from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ("skim",)
AFTER: tuple[str, ...] = ("tag", "calibrate", "reweight")


def section() -> type:
    """The record of the section ``classify``."""
    from resonaut.classify.settings import Settings

    return Settings


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "summaries": lambda analysis: [
        f"<results>/classify/{name}.json" for name in analysis.config["classify"]["classifiers"]
    ],
}


def keys(analysis: "Analysis", command: str, name: str) -> dict[str, Any]:
    """What a job reads: a training its classifier, an application how events of no class are scored."""
    section = analysis.config["classify"]
    if command == "categorise":
        return {"categories": section["categories"][name], "friends": friends(analysis, name)}
    classifier = section["classifiers"][name]
    if command == "apply":
        return {"unseen": classifier["unseen"]}
    own = {key: value for key, value in classifier.items() if key != "unseen"}
    measured = {"measured": measuring.measured(analysis, name)} if classifier["loss"] == "uncertainty" else {}
    return {"classifier": own, "luminosities": luminosities(analysis, learned(analysis, name))} | measured


def learned(analysis: "Analysis", name: str) -> list[str]:
    """The datasets that a classifier learns from."""
    classes = analysis.config["classify"]["classifiers"][name]["classes"]
    return list(dict.fromkeys(dataset for datasets in classes.values() for dataset in datasets))


def scored(analysis: "Analysis", name: str) -> list[str]:
    """The datasets whose events get the scores of a classifier, or categories: those of the samples and of classes."""
    found = analysis.sample("data", "background", "signal", "simulation", of="classify")
    own = [name] if name in analysis.config["classify"]["classifiers"] else []
    classes = [dataset for one in own for dataset in learned(analysis, one)]
    return list(dict.fromkeys([*found, *classes]))


def columns(analysis: "Analysis") -> dict[str, list[str]]:
    """The columns of one number an event that the stage makes, by the folder of these friends."""
    section, found = analysis.config["classify"], {}
    for name, one in section["classifiers"].items():
        found[f"classify/{name}"] = [f"class_{name}_{which}" for which in sorted(one["classes"])]
        found[f"classify/{name}"] += [f"bin_{name}"] * (one["binning"] is not None or one["loss"] == "uncertainty")
    return found | {f"classify/{name}": [f"category_{name}"] for name in section["categories"]}


def friends(analysis: "Analysis", name: str) -> list[str]:
    """The folders of friends that a classifier, or a set of categories, reads."""
    from resonaut.core import formulas

    section = analysis.config["classify"]
    if name in section["classifiers"]:
        given: list[str] = section["classifiers"][name]["friends"]
        return given
    own = [f"classify/{classifier}" for classifier in section["classifiers"]]
    made = {column: folder for folder in own for column in columns(analysis)[folder]}
    wanted = [column for one in section["categories"][name] for column in formulas.names(one["cut"])]
    folders = [made[column] for column in wanted if column in made]
    classifiers = [folder.removeprefix("classify/") for folder in folders]
    return list(dict.fromkeys([*folders, *(other for one in classifiers for other in friends(analysis, one))]))


def files(analysis: "Analysis", name: str, *datasets: str) -> list[str]:
    """The events of datasets, with the friends that a classifier or a set of categories reads."""
    return [path for folder in ("skim", *friends(analysis, name)) for path in analysis.friends(folder, *datasets)]


def weights(analysis: "Analysis", name: str) -> list[str]:
    """The friends with weights of the datasets that a classifier learns from."""
    names = learned(analysis, name)
    return [path for one in names for folder in analysis.weights(one) for path in analysis.friends(folder, one)]


def weighting(analysis: "Analysis", name: str) -> list[str]:
    """The options of its training that say which friends of which dataset hold weights."""
    return [f"--weights={one}={folder}" for one in learned(analysis, name) for folder in analysis.weights(one)]


def modules(analysis: "Analysis", name: str) -> list[str]:
    """What the jobs of a classifier find by name: its learner."""
    one = analysis.config["classify"]["classifiers"][name]
    return [f"classify/learners/{one['learner'] if one['loss'] == 'cross_entropy' else one['loss']}.py"]


def training_modules(analysis: "Analysis", name: str) -> list[str]:
    """What the training of a classifier finds by name."""
    loss = analysis.config["classify"]["classifiers"][name]["loss"]
    return [*modules(analysis, name), *(["classify/profiled.py"] if loss == "uncertainty" else [])]


def made(analysis: "Analysis") -> list[str]:
    """Everything that the stage makes."""
    section, found = analysis.config["classify"], GIVES["summaries"](analysis)
    for name in (*section["classifiers"], *section["categories"]):
        found += analysis.friends(f"classify/{name}", *scored(analysis, name))
    return found


def luminosities(analysis: "Analysis", names: list[str]) -> dict[str, float]:
    """The luminosity in 1/fb that each dataset stands for: that of its era's data, or of all; 1 if not known."""
    whole = luminosity(analysis)
    if whole is None:
        return dict.fromkeys(names, 1.0)
    data = analysis.sample("data", of="classify")
    total = analysis.luminosity(*data) if data else None
    parts = {name: _of_era(analysis, analysis.catalogue[name].era) for name in names}
    return {name: whole * part / total if part and total else whole for name, part in parts.items()}


def _of_era(analysis: "Analysis", era: str | None) -> float | None:
    """The luminosity of the data of an era; None where it is not known, or for no era."""
    data = analysis.sample("data", of="classify")
    own = [name for name in data if era is not None and analysis.catalogue[name].era == era]
    return analysis.luminosity(*own) if own else None


def luminosity(analysis: "Analysis") -> float | None:
    """That of the configuration, or of the data; None where it is not known."""
    given: float | None = analysis.config["classify"]["luminosity"]
    data = analysis.sample("data", of="classify")
    return given or (analysis.luminosity(*data) if data else None)


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is nothing to learn, or a class, column or cut contradicts the rest."""
    section = analysis.config["classify"]
    if not section["classifiers"]:
        raise ConfigError(
            "config: search.stages has 'classify', and classify.classifiers names none; add one, or take 'classify' "
            "out."
        )
    for name in section["categories"]:
        if name in section["classifiers"]:
            raise ConfigError(
                f"config: classify.categories.{name}: classify.classifiers has this name, too, and both would be one "
                "folder; rename one."
            )
    for name, one in section["classifiers"].items():
        problems = _classes(analysis, one), _binning(analysis, one), _formulas(analysis, name)
        for problem in chain(*problems, _unseen(analysis, name), measuring.problems(analysis, name)):
            raise ConfigError(f"config: classify.classifiers.{name}{problem}.")
    for name, categories in section["categories"].items():
        for problem in _categories(analysis, name, categories):
            raise ConfigError(f"config: classify.categories.{name}{problem}.")


def _classes(analysis: "Analysis", one: dict[str, Any]) -> Iterator[str]:
    """Classes without datasets, datasets of two classes, and those that may not be looked at."""
    from resonaut.core.datasets import BLIND

    homes: dict[str, str] = {}
    for which, datasets in one["classes"].items():
        if not datasets:
            yield f".classes.{which} names no dataset; give it some, or take it out"
        for dataset in datasets:
            if dataset in homes:
                both = "twice" if homes[dataset] == which else f"and is in {homes[dataset]}, too"
                yield f".classes.{which} has {dataset!r} {both}; take it out of one of them"
            homes[dataset] = which
            if dataset not in analysis.config["datasets"]:
                yield f".classes.{which} names {dataset!r}, which is not in 'datasets'; add it there"
            elif (nature := analysis.catalogue[dataset].nature) in BLIND:
                yield (
                    f".classes.{which} has {dataset!r}, which is {nature}: a classifier that is blind to what is "
                    "measured learns from simulation alone; take it out"
                )
            elif dataset not in analysis.datasets():
                yield f".classes.{which} names {dataset!r}, which is in no sample; add it to samples.simulation"
    eras = {analysis.catalogue[dataset].era: dataset for dataset in homes}
    for era, dataset in eras.items() if len(eras) > 1 else ():
        if era is not None and _of_era(analysis, era) is None:
            yield (
                f".classes has {dataset!r} of the era {era!r} beside other eras, and the luminosity of its data is not "
                "known, so that they cannot be added up; set datasets.<name>.luminosity of these data"
            )
    for folder in one["friends"]:
        verb = folder.split("/")[0]
        if verb in ("skim", "classify") or not analysis.uses(verb):
            yield f".friends has {folder!r}, which no other stage of search.stages writes; correct it, or add the stage"


def _binning(analysis: "Analysis", one: dict[str, Any]) -> Iterator[str]:
    if one["binning"] is None:
        return
    if (signal := one["binning"]["signal"]) not in one["classes"]:
        yield f".binning.signal is {signal!r}, which is no class; take one of {', '.join(one['classes'])}"
    if luminosity(analysis) is None:
        yield ".binning: the expected number of events is not known without data; set classify.luminosity"


def _unseen(analysis: "Analysis", name: str) -> Iterator[str]:
    """Datasets that would be scored by the mean of models of which some know their events."""
    if analysis.config["classify"]["classifiers"][name]["unseen"] != "mean":
        return
    own = learned(analysis, name)
    known = {part for dataset in own for part in _parts(analysis, dataset)}
    for dataset in scored(analysis, name):
        if dataset not in own and (same := _parts(analysis, dataset) & known):
            yield (
                f".unseen is mean, and {dataset!r} has events of {min(same)!r}, which trained some of the models; set "
                "it to fold"
            )


def _parts(analysis: "Analysis", dataset: str) -> set[str]:
    """A dataset, and those whose events it holds."""
    from resonaut.core.samples import drawn_from

    several = [dataset, *drawn_from(analysis.config, dataset)]
    return {part for name in several for part in (name, *analysis.config["datasets"][name]["combine"])}


def _formulas(analysis: "Analysis", name: str) -> Iterator[str]:
    """Inputs and the cut that are no formulas, or of columns that a dataset does not have."""
    from resonaut.core import formulas

    one = analysis.config["classify"]["classifiers"][name]
    for key, formula in [*(("inputs", each) for each in one["inputs"]), ("cut", one["cut"])]:
        if formula is None:
            continue
        try:
            names = formulas.names(formula)
        except ConfigError as error:
            yield f".{key}: {str(error).rstrip('.')}"
            continue
        if not names:
            yield f".{key}: {formula!r} reads no column; take it out"
        datasets = learned(analysis, name) if key == "cut" else scored(analysis, name)
        yield from (f".{key}: {problem}" for problem in _unknown(analysis, datasets, names, one["friends"]))


def _unknown(analysis: "Analysis", datasets: list[str], names: list[str], others: list[str]) -> Iterator[str]:
    """Columns that a dataset's region does not keep; those of other friends are not known before they are made."""
    own = [one for folder in others for one in columns(analysis).get(folder, [])]
    if any(folder not in columns(analysis) for folder in others):
        return
    for dataset in datasets:
        known = analysis.columns(dataset)
        for name in names:
            if known is not None and name not in known and name not in own:
                yield (
                    f"{name!r} is no column of {dataset!r}; keep it in its region, name the folder of its stage in "
                    f"friends, or take one of {', '.join(known)}"
                )


def _categories(analysis: "Analysis", name: str, categories: list[dict[str, Any]]) -> Iterator[str]:
    """Categories of one name, and cuts that are no formulas or read what is not there."""
    from resonaut.core import formulas

    given = [one["name"] for one in categories]
    if not given:
        yield " is empty; name some"
    if twice := next((one for one in given if given.count(one) > 1), None):
        yield f" has {twice!r} twice; rename one"
    for one in categories:
        try:
            names = formulas.names(one["cut"])
        except ConfigError as error:
            yield f".{one['name']}: {str(error).rstrip('.')}"
            continue
        if f"category_{name}" in names:
            yield f".{one['name']}: its cut reads the categories themselves; take 'category_{name}' out"
            continue
        for problem in _unknown(analysis, scored(analysis, name), names, friends(analysis, name)):
            yield f".{one['name']}: {problem}"
