"""The jobs of the models of templates, their keys and files. Imports nothing heavy."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

Config = dict[str, Any]

# The jobs, as ``keys`` knows them.
JOBS = ("histograms", "workspace", "result", "couplings")


def models(analysis: "Analysis") -> dict[str, Config]:
    """The models by name."""
    found: dict[str, Config] = analysis.config["fit"]["models"]
    return found


def folder(model: str) -> str:
    """Where the files of a model lie."""
    return f"<results>/fit/models/{model}"


def workspaces(analysis: "Analysis") -> list[str]:
    """The HistFactory files of all models."""
    return [f"{folder(name)}/workspace.json" for name in models(analysis)]


def descriptions(analysis: "Analysis") -> list[str]:
    """What stands beside them."""
    return [f"{folder(name)}/model.json" for name in models(analysis)]


def results(analysis: "Analysis") -> list[str]:
    """The fits of all models."""
    return [f"{folder(name)}/result.json" for name in models(analysis)]


def compared(analysis: "Analysis") -> list[str]:
    """The fits of the models that have a parameter of interest in common with another one."""
    interests = {name: set(one["parameters_of_interest"]) for name, one in models(analysis).items()}
    return [
        f"{folder(name)}/result.json"
        for name, own in interests.items()
        if any(own & others for other, others in interests.items() if other != name)
    ]


def couplings(analysis: "Analysis") -> list[str]:
    """What the data of the models with couplings that float say of these."""
    return [f"{folder(name)}/couplings.json" for name, one in models(analysis).items() if _float(one["morphing"])]


def _float(morphing: Config) -> bool:
    """Whether a coupling does."""
    fixed = {name for one in morphing.values() for name, coupling in one["couplings"].items() if coupling["fixed"]}
    return any(name not in fixed for one in morphing.values() for term in one["amplitude"] for name in term)


def histograms(analysis: "Analysis", model: str) -> list[str]:
    """The histograms of all channels of a model."""
    return [f"{folder(model)}/histograms/{channel}.json" for channel in models(analysis)[model]["channels"]]


def data(analysis: "Analysis", model: str) -> list[str]:
    """The datasets of data of a model of events; none for Asimov data and for a model of a file."""
    one = models(analysis)[model]
    if one["file"] is not None:
        return []
    return analysis.sample("data") if one["data"] is None else list(one["data"])


def members(analysis: "Analysis", model: str, channel: str) -> dict[str, list[str]]:
    """The datasets, or the names in a file, of each sample of a channel."""
    samples = models(analysis)[model]["samples"]
    return {
        name: one["datasets"] or [name]
        for name, one in samples.items()
        if one["channels"] is None or channel in one["channels"]
    }


def datasets(analysis: "Analysis", model: str, channel: str) -> list[str]:
    """The simulated datasets of a channel; none of a model of a file."""
    if models(analysis)[model]["file"] is not None:
        return []
    return list(dict.fromkeys(name for names in members(analysis, model, channel).values() for name in names))


def keys(analysis: "Analysis", job: str, model: str, channel: str = "") -> Config:
    """What a job reads of a model.

    ``histograms``: its channel and which variations are asked for; ``result``: how it is fitted; ``couplings``: those
    of its signals; ``workspace``: the rest.
    """
    one = models(analysis)[model]
    if job == "histograms":
        found = members(analysis, model, channel)
        own = one["channels"][channel]
        return {
            "channel": own,
            "members": found,
            "variations": {name: _variations(one, name, channel) for name in found},
            "file": one["file"] and one["file"] | {"origin": None},
            "observed": one["file"] is not None and one["data"] is None,
            "weights": {name: _weight(one["samples"][name]) for name in found if one["samples"][name]["weight"]},
        }
    if job == "result":
        wanted: Config = one["inference"]
        # A measurement that is named has a parameter of interest of its own.
        usual = [] if wanted["measurement"] else one["parameters_of_interest"]
        return wanted | {"interests": wanted["interests"] or usual}
    if job == "couplings":
        return {
            "processes": one["morphing"],
            "strength": one["parameters_of_interest"][0],
            "confidence_level": one["inference"]["confidence_level"],
        }
    # What the histograms are made of is theirs, and how the model is fitted that of the fit.
    others: Config = {"datasets": [], "channels": None, "weight": None, "place": None}
    samples = {name: sample | others for name, sample in one["samples"].items()}
    blank: Config = {name: {} for name in one["channels"]}
    own = {"file": None, "data": None, "channels": blank, "samples": samples, "inference": {}}
    return {"model": one | own}


def _weight(sample: Config) -> tuple[str, int | None]:
    return sample["weight"], sample["place"]


def data_manifests(analysis: "Analysis", model: str) -> list[str]:
    """The manifests of the data of a model."""
    return analysis.manifests(*data(analysis, model))


def manifests(analysis: "Analysis", model: str, channel: str) -> list[str]:
    """The manifests of the simulated datasets of a channel."""
    return analysis.manifests(*datasets(analysis, model, channel))


def _variations(model: Config, sample: str, channel: str) -> list[str]:
    """The sources of uncertainty of a sample in a channel."""
    asked = [
        effect["variation"]
        for nuisance in model["nuisances"].values()
        for effect in (nuisance, *nuisance["also"])
        if effect["variation"] is not None
        and (effect["samples"] is None or sample in effect["samples"])
        and (effect["channels"] is None or channel in effect["channels"])
    ]
    return sorted(set(asked))


def file_of(analysis: "Analysis", model: str) -> list[str]:
    """The file of published histograms."""
    one = models(analysis)[model]["file"]
    return [one["path"]] if one is not None else []


def friends(analysis: "Analysis", model: str, channel: str) -> list[tuple[str, str]]:
    """Each dataset of a channel with each folder of its friends, with weights or with columns that are named."""
    one = models(analysis)[model]
    if one["file"] is not None:
        return []
    named = columns(one["channels"][channel])
    found = []
    for dataset in (*data(analysis, model), *datasets(analysis, model, channel)):
        weighted = analysis.weights(dataset) if dataset in datasets(analysis, model, channel) else []
        found += [(dataset, folder) for folder in (*weighted, *_columned(analysis, dataset, named))]
    return found


def columns(channel: Config) -> list[str]:
    """The columns that a channel reads."""
    from resonaut.core import formulas

    read = [formulas.names(channel[key]) for key in ("observable", "cut") if channel[key] is not None]
    return list(dict.fromkeys(name for names in read for name in names))


def _columned(analysis: "Analysis", dataset: str, named: list[str]) -> list[str]:
    """The folders of a dataset's friends with some of the columns that ``skim`` does not keep."""
    kept, known = analysis.columns(dataset) or {}, classifiers(analysis)
    used = [one for one in known if any(of_classifier(name, one) for name in named)]
    todo, read = list(named), set[str]()
    while todo:
        name = todo.pop()
        read.add(name)
        inputs = [column for one in known if of_classifier(name, one) for column in _inputs(analysis, one)]
        todo += set(inputs) - read
    # What selects by the scores of a tagger, at whatever hand, must know which events trained it.
    scores = [name for name in read if name not in kept and not any(of_classifier(name, one) for one in known)]
    points = analysis.config["tag"]["working_points"] if analysis.uses("tag") else {}
    passed = [one for one in points if any(name.endswith(f"_pass_{one}") for name in named)]
    found = [*(f"classify/{one}" for one in used), *(f"tag/working_points/{one}" for one in passed)]
    return [*found, *(["tag"] if analysis.uses("tag") and scores else [])]


def _inputs(analysis: "Analysis", name: str) -> list[str]:
    """The columns that a classifier, or a set of categories, reads."""
    from resonaut.core import formulas

    section = analysis.config["classify"]
    if name in section["classifiers"]:
        one = section["classifiers"][name]
        read = [*one["inputs"], one["cut"]]
    else:
        read = [one["cut"] for one in section["categories"][name]]
    return [column for formula in read if formula for column in formulas.names(formula)]


def classifiers(analysis: "Analysis") -> list[str]:
    """The names of the classifiers and of the sets of categories, where the analysis has any."""
    section = analysis.config.get("classify", {}) if "classify" in analysis.config["search"]["stages"] else {}
    return [*section.get("classifiers", {}), *section.get("categories", {})]


def of_classifier(column: str, classifier: str) -> bool:
    """Whether a column is of the friends of a classifier, or of a set of categories."""
    return column.startswith(f"class_{classifier}_") or column in (f"bin_{classifier}", f"category_{classifier}")


def events(analysis: "Analysis", model: str, channel: str) -> list[str]:
    """The files with events and friends that the histograms of a channel are filled from."""
    read = [*data(analysis, model), *datasets(analysis, model, channel)]
    pairs = friends(analysis, model, channel)
    return [*analysis.friends("skim", *read), *(path for name, one in pairs for path in analysis.friends(one, name))]
