"""What a classifier with ``loss: uncertainty`` measures: a model of ``fit.models``, by dataset; nothing heavy here."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

Config = dict[str, Any]

# A free factor on a yield: how far its template is does not matter.
FREE = [0.9, 1.1]


def measured(analysis: "Analysis", name: str) -> Config:
    """The parameters of interest and the nuisances of its model, as ``settings.Measured`` has them."""
    model = _model(analysis, name)
    found: Config = {"signals": {one: [] for one in model["parameters_of_interest"]}, "nuisances": {}}
    found |= {"statistics": model["statistics"], "scales": {}}
    for sample, one in model["samples"].items():
        datasets = one["datasets"] or [sample]
        found["scales"] |= dict.fromkeys(datasets, one["scale"])
        for parameter in _factors(model, sample):
            if parameter in found["signals"]:
                found["signals"][parameter] += datasets
            else:
                nuisance = found["nuisances"].setdefault(parameter, _nuisance(width=None))
                nuisance["factors"] |= dict.fromkeys(datasets, FREE)
    channels = _channels(model, name)
    for nuisance, one in model["nuisances"].items():
        for effect in (one, *one["also"]):
            if effect["channels"] is None or set(effect["channels"]) & channels:
                _add(analysis, found["nuisances"], model, nuisance, one["each_era"], effect)
    return found


def _add(analysis: "Analysis", nuisances: Config, model: Config, name: str, each_era: bool, effect: Config) -> None:
    """Add an effect to the nuisance, or to that of each dataset's era."""
    for sample in effect["samples"] or model["samples"]:
        for dataset in model["samples"][sample]["datasets"] or [sample]:
            era = analysis.catalogue[dataset].era
            if effect["eras"] is not None and era not in effect["eras"]:
                continue
            nuisance = nuisances.setdefault(f"{name}_{era}" if each_era else name, _nuisance(width=1.0))
            if effect["variation"] is not None:
                nuisance["variations"][dataset] = effect["variation"]
            if effect["size"] is not None:
                before = nuisance["factors"].get(dataset, [1.0, 1.0])
                nuisance["factors"][dataset] = [one * more for one, more in zip(before, effect["size"], strict=True)]


def problems(analysis: "Analysis", name: str) -> Iterator[str]:
    """What does not fit together in a classifier with this loss, as the end of a sentence that begins with its key."""
    one = analysis.config["classify"]["classifiers"][name]
    if one["loss"] != "uncertainty":
        if one["model"] is not None:
            yield ".model is for loss: uncertainty; set it, or take model out"
        return
    models = analysis.config["fit"]["models"] if "fit" in analysis.config["search"]["stages"] else {}
    if one["model"] not in models:
        known = f"one of {', '.join(models)}" if models else "add it, and the stage fit"
        yield f".model is {one['model']!r}, which is no model in fit.models; {known}"
        return
    if one["learner"] != "network":
        yield ".loss is uncertainty, which trains networks alone; set learner: network"
    if one["unseen"] != "fold":
        yield ".unseen is mean, and bins have none; set unseen: fold"
    if one["binning"] is not None:
        yield ".binning is for scores; the network has bins of its own (uncertainty.bins), take it out"
    model = _model(analysis, name)
    if model["file"] is not None:
        yield f".model: {one['model']} is a model of a file, and a training needs its events; name a model of events"
        return
    for key in ("transfer", "morphing"):
        if model[key]:
            yield f".model: {one['model']} has {key}, which a training does not know; name a model without it"
    classes = {dataset for datasets in one["classes"].values() for dataset in datasets}
    homes: dict[str, str] = {}
    for sample, which in model["samples"].items():
        for dataset in which["datasets"] or [sample]:
            if dataset not in classes:
                yield f".classes has not the dataset {dataset!r} of the sample {sample} of its model; add it to a class"
            if homes.setdefault(dataset, sample) != sample:
                yield f".model has {dataset!r} in the samples {homes[dataset]} and {sample}; make it one sample"
    for dataset in sorted(classes - homes.keys()):
        yield f".classes has {dataset!r}, which is in no sample of its model; add it there, or take it out"
    scaled = {parameter for sample in model["samples"] for parameter in _factors(model, sample)}
    for parameter in model["parameters_of_interest"]:
        if parameter not in scaled:
            yield f".model: its parameter of interest {parameter} scales no sample; make a sample a signal with it"


def _model(analysis: "Analysis", name: str) -> Config:
    found: Config = analysis.config["fit"]["models"][analysis.config["classify"]["classifiers"][name]["model"]]
    return found


def _factors(model: Config, sample: str) -> list[str]:
    """The parameters that scale a sample."""
    one = model["samples"][sample]
    signal = [one["parameter"] or model["parameters_of_interest"][0]] if one["signal"] else []
    free = one["normalisation"] == "free" and not one["signal"]
    return [*signal, *([one["parameter"] or f"norm_{sample}"] if free else [])]


def _channels(model: Config, name: str) -> set[str]:
    """The channels that read the classifier, or all if none does."""
    own = {
        channel
        for channel, one in model["channels"].items()
        if any(f"_{name}" in (one[key] or "") for key in ("observable", "cut"))
    }
    return own or set(model["channels"])


def _nuisance(width: float | None) -> Config:
    return {"width": width, "factors": {}, "variations": {}}
