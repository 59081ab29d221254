"""What the models of templates want of a configuration, checked before the first job. Imports nothing heavy."""

import string
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError
from resonaut.fit.templates.plan import classifiers, columns, data, datasets, members, models, of_classifier

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

Config = dict[str, Any]

# Names of parameters that a workspace has by itself begin so.
OWN = ("staterror_", "norm_")


def check(analysis: "Analysis") -> None:
    """Stop at the first key of ``fit.models`` that contradicts another or another section.

    Raises:
        ConfigError: one sentence with the key and the way out.
    """
    for name, one in models(analysis).items():
        where = f"fit.models.{name}"
        problems = (
            _channels(one),
            _samples(one),
            _morphing(one),
            _transfer(one),
            _nuisances(analysis, name),
            _origin(analysis, name),
        )
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
        for key in ("observable", "cut") if model["file"] is None else ():
            yield from _formula(f"{where}.{key}", one[key])
        if one["edges"] is not None and any(high <= low for low, high in pairwise(one["edges"])):
            yield f"{where}.edges do not ascend; sort them"
    for name, (low, high) in model["ranges"].items():
        if low >= high:
            yield f".ranges.{name} is [{low:g}, {high:g}]; give the lower value first"


def _formula(where: str, formula: str | None) -> Iterator[str]:
    """What cannot be calculated of columns of numbers."""
    from resonaut.core import formulas

    if formula is None:
        return
    import numpy as np

    try:
        formulas.evaluate(formula, {name: np.ones(1) for name in formulas.names(formula)})
    except ConfigError as error:
        yield f"{where}: {str(error).rstrip('.')}"


def _samples(model: Config) -> Iterator[str]:
    """Samples in no channel, or whose parameters are not those of interest."""
    free = []
    for name, one in model["samples"].items():
        yield from _known(f".samples.{name}.channels", one["channels"], model["channels"], "channel")
        if one["parameter"] is not None and not one["signal"] and one["normalisation"] == "fixed":
            yield f".samples.{name} has a 'parameter', and is neither signal nor free; set normalisation to free"
        if one["weight"] is not None and model["file"] is not None:
            yield f".samples.{name}.weight: the histograms of a file have no events to weight; take it out"
        if one["signal"] or one["normalisation"] == "free":
            free.append(one["parameter"] or (model["parameters_of_interest"][0] if one["signal"] else f"norm_{name}"))
    for name in model["channels"]:
        if name not in _transferred(model) and not any(
            one["channels"] is None or name in one["channels"] for one in model["samples"].values()
        ):
            yield f".channels.{name} has no sample; name it in the 'channels' of one, or take it out"
    couplings = [one for process in model["morphing"].values() for term in process["amplitude"] for one in term]
    for one in model["parameters_of_interest"]:
        if one not in (*free, *couplings):
            yield (
                f".parameters_of_interest: {one!r} multiplies no sample; set 'signal' of one, or give the name as its "
                "'parameter'"
            )
    yield from _known(".ranges", list(model["ranges"]), free, "parameter that multiplies a sample")
    for name in model["nuisances"]:
        if name in free or name.startswith(OWN):
            yield f".nuisances.{name}: a parameter of another kind is called so; rename it"


def _transferred(model: Config) -> set[str]:
    """The channels with a background from failing events."""
    regions = [each["regions"] for one in model["transfer"].values() for each in one["polynomials"].values()]
    return {name for each in regions for passing, region in each.items() for name in (passing, region["fail"])}


def _transfer(model: Config) -> Iterator[str]:
    """Backgrounds from failing events in channels that there are not, or without such events."""
    for name, one in model["transfer"].items():
        if name in model["samples"]:
            yield f".transfer.{name} is the name of a sample, too; take that out, or rename one"
        if model["data"] == []:
            yield f".transfer.{name} comes from data that fail, and there are none; take it out, or name data"
        for label, polynomial in one["polynomials"].items():
            for passing, region in polynomial["regions"].items():
                where = f".transfer.{name}.polynomials.{label}.regions"
                yield from _known(where, [passing, region["fail"]], model["channels"], "channel")


def _morphing(model: Config) -> Iterator[str]:
    """Samples that there are not, or that nothing multiplies as a signal."""
    for name, one in model["morphing"].items():
        yield from _known(f".morphing.{name}.samples", list(one["samples"]), model["samples"], "sample")
        for sample in one["samples"]:
            if not model["samples"][sample]["signal"]:
                yield f".morphing.{name}.samples: {sample!r} is no signal; set 'signal' of it to true"
        yield from _known(
            f".morphing.{name}.expected_beside", list(one["expected_beside"]), model["channels"], "channel"
        )


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
                known = sorted(filter(None, eras))
                yield from _known(f"{where}.eras", effect["eras"], known, "era of its datasets")
            given = [key for key in ("size", "variation") if effect[key] is not None]
            if len(given) == 2:
                yield f"{where} has a size and a variation; give one of them, and the other in its 'also'"
            if not given and (number or not one["also"]):
                yield f"{where} has neither a size nor a variation; give one"
            yield from _variation(analysis, name, where, effect)
        if one["each_era"] and model["file"] is None and not any(eras):
            yield f".nuisances.{nuisance}.each_era: no dataset has an era; take it out"


def _variation(analysis: "Analysis", name: str, where: str, effect: Config) -> Iterator[str]:
    """A variation that no dataset on which it would act has; that of weights of other stages only the files tell."""
    model, known = models(analysis)[name], dict[str, None]()
    if effect["variation"] is None or model["file"] is not None:
        return
    for channel in effect["channels"] or model["channels"]:
        for sample, names in members(analysis, name, channel).items() if channel in model["channels"] else ():
            for one in names if effect["samples"] is None or sample in effect["samples"] else ():
                found = analysis.sources(one) if one in analysis.catalogue else None
                if found is None or analysis.weights(one):
                    return
                known |= dict.fromkeys(found)
    if effect["variation"] not in known:
        there = ", ".join(known) or "none"
        yield (
            f"{where}: no dataset of its samples has the variation {effect['variation']!r} (they have {there}); "
            "correct it, or add its source to skim.eras"
        )


def _listed(analysis: "Analysis", model: str, channel: str) -> list[str]:
    return [one for one in datasets(analysis, model, channel) if one in analysis.catalogue]


def _origin(analysis: "Analysis", name: str) -> Iterator[str]:
    """Files that are not there, datasets that the analysis does not have, or of another nature."""
    model, observed = models(analysis)[name], data(analysis, name)
    if model["file"] is not None:
        require_file(f"config: fit.models.{name}.file.path", model["file"]["path"], model["file"]["origin"])
        yield from _patterns(model["file"])
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


def _patterns(file: Config) -> Iterator[str]:
    """Names of histograms with other places than those that are filled."""
    known = {"nominal": ["channel", "sample"], "varied": ["channel", "sample", "variation", "way"]}
    for key, places in known.items():
        for pattern in [file[key]] if key == "nominal" else file[key]:
            try:
                found = [(name, form, way) for _, name, form, way in string.Formatter().parse(pattern)]
            except ValueError as error:
                yield f".file.{key}: {pattern!r} is no name ({error}); write {{channel}} and {{sample}}"
                continue
            for name, form, way in found:
                if name is not None and (name not in places or form or way):
                    there = ", ".join(f"{{{one}}}" for one in places)
                    yield f".file.{key}: {pattern!r} has the place {{{name}}}; those that are filled are {there}"


def require_file(where: str, path: str, origin: str | None = None) -> None:
    """Stop with ``ConfigError`` where there is no such file; its ``origin`` is said."""
    if not Path(path).is_file():
        source = f" It comes from {origin}." if origin else ""
        raise ConfigError(f"{where}: no file {path!r}; correct it (relative to {Path.cwd()}).{source}")


def _simulation(analysis: "Analysis", name: str, channel: str) -> Iterator[str]:
    seen: dict[tuple[str, Any, Any], str] = {}
    eras: dict[str | None, str] = {}
    for sample, names in members(analysis, name, channel).items():
        given = models(analysis)[name]["samples"][sample]
        where = f".samples.{sample}.datasets"
        for one in names:
            if one not in analysis.datasets() or analysis.catalogue[one].nature != "simulation":
                yield (
                    f"{where} names {one!r}, which is no simulation of a sample of this analysis; add it to "
                    "search.samples.background or signal"
                )
                continue
            key = (one, given["weight"], given["place"])
            if key in seen:
                yield f"{where} names {one!r}, which is in the sample {seen[key]!r}, too, and would count twice"
            eras.setdefault(analysis.catalogue[one].era, one)
            if not data(analysis, name) and len(eras) > 1:
                yield (
                    f"{where}: {one!r} is of another era than {next(iter(eras.values()))!r}, and there are no data "
                    "that say what part each is; name data"
                )
            seen[key] = sample
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
        if one not in kept and not any(of_classifier(one, classifier) for classifier in classifiers(analysis)):
            yield (
                f".channels.{channel} reads the column {one!r}, which {dataset!r} does not keep; have skim keep it, or "
                "add the stage that makes it"
            )
