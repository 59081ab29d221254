"""What models of templates want of a configuration, checked before the first job, and their jobs. Imports nothing heavy."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

Config = dict[str, Any]

# Names of parameters that a workspace has by itself begin so.
OWN = ("staterror_", "norm_")


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
    """What a job reads: ``histograms`` its channel and which variations are asked for, ``workspace`` all but these."""
    one = models(analysis)[model]
    if job == "histograms":
        found = members(analysis, model, channel)
        own = one["channels"][channel]
        return {
            "channel": own,
            "members": found,
            "variations": {name: _variations(one, name, channel) for name in found},
            "file": one["file"],
            "observed": one["file"] is not None and one["data"] is None,
        }
    # What the histograms are made of is theirs.
    blank = {name: {} for name in one["channels"]}
    return one | {"file": None, "data": None, "channels": blank}


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
    """Each dataset of a channel with each folder of its friends: those with weights, and with columns that are named."""
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
    kept = analysis.columns(dataset) or {}
    others = [name for name in named if name not in kept]
    found = [f"classify/{one}" for one in _classifiers(analysis) if any(_of_classifier(name, one) for name in others)]
    rest = [name for name in others if not any(_of_classifier(name, one) for one in _classifiers(analysis))]
    # What is left is of a tagger, and what selects by its scores must know which events trained it.
    return [*found, *(["tag"] if analysis.uses("tag") and rest else [])]


def _classifiers(analysis: "Analysis") -> list[str]:
    section = analysis.config.get("classify", {}) if "classify" in analysis.config["search"]["stages"] else {}
    return list(section.get("classifiers", {}))


def _of_classifier(column: str, classifier: str) -> bool:
    return column.startswith(f"class_{classifier}_") or column in (f"bin_{classifier}", f"category_{classifier}")


def events(analysis: "Analysis", model: str, channel: str) -> list[str]:
    """The files with events and friends that the histograms of a channel are filled from."""
    read = [*data(analysis, model), *datasets(analysis, model, channel)]
    pairs = friends(analysis, model, channel)
    return [*analysis.friends("skim", *read), *(path for name, one in pairs for path in analysis.friends(one, name))]


def check(analysis: "Analysis") -> None:
    """Stop at the first key of ``fit.models`` that contradicts another or another section.

    Raises:
        ConfigError: one sentence with the key and the way out.
    """
    for name, one in models(analysis).items():
        where = f"fit.models.{name}"
        problems = (_channels(one), _samples(one), _nuisances(analysis, name), _origin(analysis, name))
        for problem in (found for several in problems for found in several):
            raise ConfigError(f"config: {where}{problem}.")


def _channels(model: Config) -> Iterator[str]:
    for name, one in model["channels"].items():
        where = f".channels.{name}"
        if model["file"] is None:
            for key in ("observable", "edges"):
                if one[key] is None:
                    yield f"{where} has no {key!r}, and is of events; give it"
        elif one["cut"] is not None:
            yield f"{where}.cut: the histograms of a file have no events to cut on; take it out"
        if one["edges"] is not None and any(high <= low for low, high in pairwise(one["edges"])):
            yield f"{where}.edges do not ascend; sort them"
    for name, (low, high) in model["ranges"].items():
        if low >= high:
            yield f".ranges.{name} is [{low:g}, {high:g}]; give the lower value first"


def _samples(model: Config) -> Iterator[str]:
    """Samples in no channel, or whose parameters are not those of interest."""
    free = []
    for name, one in model["samples"].items():
        yield from _known(f".samples.{name}.channels", one["channels"], model["channels"], "channel")
        if one["parameter"] is not None and not one["signal"] and one["normalisation"] == "fixed":
            yield f".samples.{name} has a 'parameter', and is neither signal nor free; set normalisation to free"
        if one["signal"] or one["normalisation"] == "free":
            free.append(one["parameter"] or (model["parameters_of_interest"][0] if one["signal"] else f"norm_{name}"))
    for name in model["channels"]:
        if not any(one["channels"] is None or name in one["channels"] for one in model["samples"].values()):
            yield f".channels.{name} has no sample; name it in the 'channels' of one, or take it out"
    for one in model["parameters_of_interest"]:
        if one not in free:
            yield (
                f".parameters_of_interest: {one!r} multiplies no sample; set 'signal' of one, or give the name as its "
                "'parameter'"
            )
    yield from _known(".ranges", list(model["ranges"]), free, "parameter that multiplies a sample")
    for name in model["nuisances"]:
        if name in free or name.startswith(OWN):
            yield f".nuisances.{name}: a parameter of another kind is called so; rename it"


def _known(where: str, names: list[str] | None, known: Any, what: str) -> Iterator[str]:
    for name in names or ():
        if name not in known:
            yield f"{where} names {name!r}, which is no {what} (there are {', '.join(known) or 'none'}); correct it"


def _nuisances(analysis: "Analysis", name: str) -> Iterator[str]:
    model = models(analysis)[name]
    eras = {analysis.catalogue[one].era for channel in model["channels"] for one in _listed(analysis, name, channel)}
    for nuisance, one in model["nuisances"].items():
        for number, effect in enumerate((one, *one["also"])):
            where = f".nuisances.{nuisance}" + (f".also[{number - 1}]" if number else "")
            yield from _known(f"{where}.samples", effect["samples"], model["samples"], "sample")
            yield from _known(f"{where}.channels", effect["channels"], model["channels"], "channel")
            if model["file"] is None:
                known = [era for era in sorted(filter(None, eras))]
                yield from _known(f"{where}.eras", effect["eras"], known, "era of its datasets")
            given = [key for key in ("size", "variation") if effect[key] is not None]
            if len(given) == 2:
                yield f"{where} has a size and a variation; give one of them, and the other in its 'also'"
            if not given and (number or not one["also"]):
                yield f"{where} has neither a size nor a variation; give one"
        if one["each_era"] and model["file"] is None and not any(eras):
            yield f".nuisances.{nuisance}.each_era: no dataset has an era; take it out"


def _listed(analysis: "Analysis", model: str, channel: str) -> list[str]:
    return [one for one in datasets(analysis, model, channel) if one in analysis.catalogue]


def _origin(analysis: "Analysis", name: str) -> Iterator[str]:
    """Files that are not there, datasets that the analysis does not have, or of another nature."""
    model, observed = models(analysis)[name], data(analysis, name)
    if model["file"] is not None:
        if not Path(model["file"]["path"]).is_file():
            yield f".file.path: no file {model['file']['path']!r}; correct it (relative to {Path.cwd()})"
        if model["data"]:
            yield ".data names datasets, and the histograms are those of a file; take them out, or give [] for none"
        if model["luminosity"] is not None:
            yield ".luminosity: the histograms of a file are in events; use 'scale' of the samples"
        return
    if not analysis.uses("skim"):
        yield ".file is null, and search.stages has no 'skim', whose events it would read; add one of them"
    if observed and model["luminosity"] is not None:
        yield ".luminosity: the data have one; take it out, or set 'data' to []"
    if not observed and model["luminosity"] is None:
        yield " has no data; give its 'luminosity', for which Asimov data are made"
    for one in observed:
        if one not in analysis.datasets() or analysis.catalogue[one].nature == "simulation":
            yield f".data names {one!r}, which is no data of a sample of this analysis; add it to search.samples.data"
    if observed and analysis.luminosity(*observed) is None:
        yield f".data: {observed[0]!r} or another one has no luminosity; set datasets.<name>.luminosity"
    for channel in model["channels"]:
        yield from _simulation(analysis, name, channel)


def _simulation(analysis: "Analysis", name: str, channel: str) -> Iterator[str]:
    seen: dict[str, str] = {}
    for sample, names in members(analysis, name, channel).items():
        where = f".samples.{sample}.datasets"
        for one in names:
            if one not in analysis.datasets() or analysis.catalogue[one].nature != "simulation":
                yield (
                    f"{where} names {one!r}, which is no simulation of a sample of this analysis; add it to "
                    "search.samples.background or signal"
                )
                continue
            if one in seen:
                yield f"{where} names {one!r}, which is in the sample {seen[one]!r}, too, and would count twice"
            if not data(analysis, name) and analysis.catalogue[one].era is not None:
                yield f"{where}: {one!r} is of an era, and there are no data that say what part it is; name data"
            seen[one] = sample
            yield from _columns(analysis, name, channel, one)
    for one in data(analysis, name):
        if one in analysis.catalogue:
            yield from _columns(analysis, name, channel, one)


def _columns(analysis: "Analysis", name: str, channel: str, dataset: str) -> Iterator[str]:
    """Columns that no stage of the analysis can have."""
    kept, own = analysis.columns(dataset), models(analysis)[name]["channels"][channel]
    if kept is None or own["observable"] is None or analysis.uses("tag"):
        return
    for one in columns(own):
        if one not in kept and not any(_of_classifier(one, classifier) for classifier in _classifiers(analysis)):
            yield (
                f".channels.{channel} reads the column {one!r}, which {dataset!r} does not keep; have skim keep it, or "
                "add the stage that makes it"
            )
