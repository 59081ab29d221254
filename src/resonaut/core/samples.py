"""Samples: the datasets that are one to a stage, such as the data of several eras."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from resonaut.core.errors import ConfigError

Config = dict[str, Any]

# The natures of what may stand in a sample of that name; all others are simulation.
NATURES = {"data": ("data", "pseudo_data"), "pseudo_data": ("pseudo_data",)}
SIMULATION = ("simulation",)
# Without one of these stages no event is read, and there need be no dataset.
READERS = {"simulate", "skim"}


def of(config: Config, verb: str) -> dict[str, list[str]]:
    """The samples of a stage by name: its own, and for those that it does not name the search's."""
    search: dict[str, list[str]] = config["search"]["samples"]
    own = config[verb].get("samples", {})
    return search | {name: names for name, names in own.items() if names is not None}


def used(config: Config) -> list[str]:
    """The names of all datasets in the samples of the search and of the analysis's stages, each once.

    Before one that is combined, or drawn, stand its parts.

    Raises:
        ConfigError: a name is no dataset, or one of another nature; or there is none, and a stage reads some.
    """
    found: dict[str, None] = {}
    for verb in ("search", *config["search"]["stages"]):
        for sample, names in config[verb].get("samples", {}).items():
            for name in names or ():
                _require_dataset(config, f"{verb}.samples.{sample}", sample, name)
                for part in drawn_from(config, name):
                    _require_dataset(config, f"datasets.{name}.drawn.datasets", "parts", part)
                    found |= dict.fromkeys([*config["datasets"][part]["combine"], part])
                for part in config["datasets"][name]["combine"]:
                    _require_dataset(config, f"datasets.{name}.combine", "parts", part)
                    if config["datasets"][part]["combine"]:
                        raise ConfigError(
                            f"config: datasets.{name}.combine names {part!r}, which is combined itself; name the "
                            "datasets that it is made of."
                        )
                    found[part] = None
                found[name] = None
    if not found and _readers(config):
        raise ConfigError("config: search.samples names no dataset; give it at least one, of the section 'datasets'.")
    return list(found)


def _readers(config: Config) -> set[str]:
    """The stages that read events; `simulate` may make showers or bunch crossings alone."""
    found = READERS & set(config["search"]["stages"])
    alone = config["simulate"]["showers"] or config["simulate"]["level1"]["samples"]
    return found - {"simulate"} if alone else found


def drawn_from(config: Config, *names: str) -> list[str]:
    """The simulated datasets that those of some datasets are drawn from that are drawn."""
    given = [config["datasets"][name]["drawn"] for name in names]
    return list(dict.fromkeys(part for one in given if one is not None for part in one["datasets"]))


def _require_dataset(config: Config, place: str, sample: str, name: str) -> None:
    if name not in config["datasets"]:
        raise ConfigError(f"config: {place} names {name!r}, which is not in 'datasets'; add it there.")
    nature, natures = config["datasets"][name]["nature"], NATURES.get(sample, SIMULATION)
    if nature not in natures:
        raise ConfigError(
            f"config: {place} names {name!r}, whose nature is {nature}, not {' or '.join(natures)}; take it out, or "
            f"correct datasets.{name}.nature."
        )


def check(config: Config) -> None:
    """Stop where a sample would count events twice, or its luminosity is not known.

    Raises:
        ConfigError: one sentence on the first fault.
    """
    search = config["search"]["samples"]
    for (one, names), (other, more) in combinations(search.items(), 2):
        if both := [name for name in names if name in more]:
            raise ConfigError(
                f"config: search.samples has {both[0]!r} in {one} and in {other}; take it out of one of them."
            )
    for verb in ("search", *config["search"]["stages"]):
        for sample, names in config[verb].get("samples", {}).items():
            for problem in _problems({name: config["datasets"][name] for name in names or ()}, sample):
                raise ConfigError(f"config: {verb}.samples.{sample}: {problem}.")
        for problem in _missing_eras(config, of(config, verb) if verb != "search" else search):
            raise ConfigError(f"config: {verb}.samples.{problem}.")
    for part in drawn_from(config, *search.get("data", [])):
        if any(part in names for names in search.values()):
            raise ConfigError(
                f"config: search.samples.data is drawn from {part!r}, which is in another sample, and simulation would "
                "share events with what it is compared with; take it out of one of them, or draw the pseudo-data in "
                "an analysis of their own (datasets.<name>.skimmed)."
            )
    for problem in _combinations(config, search):
        raise ConfigError(f"config: datasets.{problem}.")


def _problems(entries: Config, sample: str) -> Iterator[str]:
    for (first, one), (second, other) in combinations(entries.items(), 2):
        shared = {Path(file).resolve() for file in one["files"]} & {Path(file).resolve() for file in other["files"]}
        if shared and one["region"] == other["region"] and _overlap(one, other):
            yield (
                f"{first} and {second} both read {min(shared)}, whose events would count twice; take it out of one, or "
                "give each a part of it with 'labelled'"
            )
        if sample in NATURES and None in (one["era"], other["era"]):
            yield (
                f"{first} and {second} are one sample; give each its datasets.<name>.era, the same for triggers of one "
                "luminosity and different ones for luminosities that add up"
            )
        if sample in NATURES and one["era"] == other["era"] and one["luminosity"] != other["luminosity"]:
            yield (
                f"{first} and {second} are of the era {one['era']!r} and have the luminosities {one['luminosity']} and "
                f"{other['luminosity']}; give both the same, or different eras"
            )


def _combinations(config: Config, search: dict[str, list[str]]) -> Iterator[str]:
    """Combined datasets whose parts are not of the data's eras, each once, or that count twice."""
    datasets, eras = config["datasets"], {config["datasets"][name]["era"] for name in search.get("data", [])}
    searched = [name for names in search.values() for name in names]
    counted = [*searched, *(part for name in searched for part in datasets[name]["combine"])]
    for name in (name for name in used(config) if datasets[name]["combine"]):
        where, parts = f"{name}.combine", datasets[name]["combine"]
        for problem in _problems({part: datasets[part] for part in parts}, "parts"):
            yield f"{where}: {problem}"
        given = [datasets[part]["era"] for part in parts]
        for part, era in zip(parts, given, strict=True):
            if era is None or era not in eras:
                has = "no era" if era is None else f"the era {era!r}, which no data of the search have"
                yield f"{where}: {part!r} has {has}; correct datasets.{part}.era, or take it out"
            if given.count(era) > 1:
                yield f"{where} has several datasets of the era {era!r}; take all but one out"
            if counted.count(part) > 1:
                yield (
                    f"{where}: {part!r} is in a sample of the search itself, or in two combined datasets, and its "
                    "events would count twice; take it out of one"
                )
        if lacking := eras.difference(given):
            yield f"{where} has no dataset of the era {min(lacking)!r}, which the data have; add one"


def _missing_eras(config: Config, samples: dict[str, list[str]]) -> Iterator[str]:
    """Simulation of eras that the data do not have, or only of some of theirs."""
    eras = {config["datasets"][name]["era"] for name in samples.get("data", [])}
    for sample, names in samples.items():
        simulated = {name: config["datasets"][name]["era"] for name in names}
        given = {era for era in simulated.values() if era is not None}
        if sample in NATURES or not eras or not given:
            continue
        for name, era in simulated.items():
            if era is not None and era not in eras:
                yield f"{sample}: {name!r} is of the era {era!r}, which no data have; correct its era"
            if era is not None and sample == "signal" and len(eras) > 1:
                yield (
                    f"signal: {name!r} is of the era {era!r} alone, and a signal stands for all data; name a dataset "
                    "that joins one of each era (datasets.<name>.combine), or set its era to null"
                )
        if None not in simulated.values() and eras - given:
            yield f"{sample} has no dataset of the era {min(eras - given)!r}, which the data have; add one"


def _overlap(one: Config, other: Config) -> bool:
    """Whether two datasets of one file share events: not if ``labelled`` gives them separate parts of one shuffle."""
    if one["labelled"] is None or other["labelled"] is None or one["labelled"]["seed"] != other["labelled"]["seed"]:
        return True
    pairs = [(one["labelled"][kind], other["labelled"][kind]) for kind in ("background", "signal")]
    return any(max(a[0], b[0]) < min(_end(a), _end(b)) for a, b in pairs)


def _end(part: list[int | None]) -> float:
    return float("inf") if part[1] is None else part[1]
