"""The scans of masses: their keys, files and what must fit together. Imports nothing heavy."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError
from resonaut.fit.templates import plan as templates

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

Config = dict[str, Any]
JOB = "mass_scan"


def scans(analysis: "Analysis") -> dict[str, Config]:
    """The scans by name."""
    found: dict[str, Config] = analysis.config["fit"]["mass_scans"]
    return found


def files(analysis: "Analysis") -> list[str]:
    """The limits of all scans."""
    return [f"<results>/fit/mass_scans/{name}.json" for name in scans(analysis)]


def transferred(analysis: "Analysis") -> list[str]:
    """The fits of the models with backgrounds from failing events."""
    named = [name for name, one in templates.models(analysis).items() if one["transfer"]]
    return [f"{templates.folder(name)}/result.json" for name in named]


def results(analysis: "Analysis", scan: str) -> list[str]:
    """The fits of a scan's models, by growing mass."""
    return [f"{templates.folder(one['model'])}/result.json" for one in keys(analysis, scan)["points"]]


def keys(analysis: "Analysis", scan: str) -> Config:
    """What the job of a scan reads.

    Raises:
        ConfigError: a model has no signal of one mass and cross section, or two models have one mass.
    """
    one, where = scans(analysis)[scan], f"config: fit.mass_scans.{scan}"
    points = sorted((_point(analysis, where, model) for model in one["models"]), key=lambda point: point["mass"])
    for first, second in pairwise(points):
        if first["mass"] == second["mass"]:
            raise ConfigError(
                f"{where}.models: {first['model']!r} and {second['model']!r} have signals of {first['mass']:g} GeV; "
                "take one out."
            )
    return {"points": points, "coupling": one["coupling"]}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where a scan names what is no model, or one without a signal of one mass."""
    for name in scans(analysis):
        keys(analysis, name)


def _point(analysis: "Analysis", where: str, name: str) -> Config:
    models = templates.models(analysis)
    if name not in models:
        raise ConfigError(f"{where}.models names {name!r}, which is no model; there are {', '.join(models) or 'none'}.")
    model = models[name]
    interest = model["parameters_of_interest"][0]
    signals = {
        sample: one["datasets"] or [sample]
        for sample, one in model["samples"].items()
        if one["signal"] and one["parameter"] in (None, interest)
    }
    datasets = [analysis.catalogue.get(dataset) for several in signals.values() for dataset in several]
    found = {(one.mass, one.cross_section) for one in datasets if one is not None}
    if model["file"] is not None or None in datasets or len(found) != 1:
        raise ConfigError(
            f"{where}.models: {name!r} must have simulated datasets of one mass and one cross section as signal of "
            f"{interest!r}; correct its samples, or take it out."
        )
    ((mass, cross_section),) = found
    if mass is None or cross_section is None:
        lacking = "mass" if mass is None else "cross_section"
        raise ConfigError(f"{where}.models: the signal of {name!r} has no {lacking}; give it in 'datasets'.")
    return {"model": name, "interest": interest, "mass": mass, "cross_section": cross_section}
