"""Where the events of a dataset come from: files that patterns match, a generator, or another analysis."""

from glob import glob
from pathlib import Path
from typing import Any

from resonaut.core.datasets import BLIND, DatasetConfig
from resonaut.core.errors import ConfigError, ResonautError
from resonaut.core.manifest import Manifest
from resonaut.core.results import read

Config = dict[str, Any]


def find_events(config: Config, name: str) -> None:
    """Require that a dataset has files or a generator, and not both; put its files in place of the patterns.

    One that another analysis has skimmed has neither, and what its manifest says; nor has one that is combined, which
    has what its parts say, nor pseudo-data that are drawn.
    """
    entry = config["datasets"][name]
    if entry["skimmed"] is not None:
        _adopt(name, entry)
        return
    if entry["combine"]:
        _combine(config["datasets"], name, entry)
        return
    if entry["drawn"] is not None:
        _draw(config["datasets"], name, entry)
        return
    if entry["files"] and entry["generator"] is not None:
        raise ConfigError(
            f"config: datasets.{name} has both 'files' and a 'generator' (perhaps that of config/config.yaml, to which "
            f"overlays add); set datasets.{name}.generator to null to read the files, or 'files' to [] to generate."
        )
    if not entry["files"] and entry["generator"] is None:
        raise ConfigError(f"config: datasets.{name} has neither 'files' nor a 'generator'; give it one.")
    if entry["generator"] is not None and "simulate" not in config["search"]["stages"]:
        raise ConfigError(
            f"config: datasets.{name} has a 'generator', but search.stages no 'simulate'; add it, or give files."
        )
    if entry["nature"] not in BLIND and entry["cross_section"] is None:
        raise ConfigError(f"config: datasets.{name}.cross_section is null; simulation needs one, in fb.")
    if entry["region"] not in config["skim"]["regions"]:
        raise ConfigError(
            f"config: datasets.{name}.region {entry['region']!r} is not in skim.regions; define it there."
        )
    entry["files"] = find_files(name, entry["files"], config["skim"]["duplicates"] == "drop")


def _adopt(name: str, entry: Config) -> None:
    """Put what the manifest of another analysis says in place of what the dataset's entry leaves open."""
    where, path = f"config: datasets.{name}", Path(entry["skimmed"])
    _require_only("skimmed", name, entry)
    try:
        manifest = read(path, Manifest)
    except ResonautError as error:
        raise ConfigError(f"{where}.skimmed: {error}") from None
    for key in ("nature", "era", "luminosity", "cross_section", "mass"):
        known = getattr(manifest, key)
        if entry[key] not in (None, known):
            raise ConfigError(f"{where}.{key} is {entry[key]}, and {path} has {known}; take it out, or correct it.")
        entry[key] = known


def _combine(datasets: Config, name: str, entry: Config) -> None:
    """Put what the parts of a combined dataset say in place of what its entry leaves open."""
    where, (first, *others) = f"config: datasets.{name}", entry["combine"]
    _require_only("combine", name, entry)
    for key in ("region", "format", "cross_section", "mass"):
        known = datasets[first][key]
        for other in others:
            if datasets[other][key] != known:
                raise ConfigError(
                    f"{where}.combine: {first!r} has the {key} {known}, and {other!r} {datasets[other][key]}, so that "
                    "they are not one dataset; correct one of them."
                )
        if entry[key] not in (getattr(DatasetConfig, key), known):
            raise ConfigError(f"{where}.{key} is {entry[key]}, and {first!r} has {known}; take it out, or correct it.")
        entry[key] = known
    if entry["era"] is not None:
        raise ConfigError(f"{where}.era is {entry['era']!r}, and 'combine' joins several; set it to null.")


def _draw(datasets: Config, name: str, entry: Config) -> None:
    """Put region and format of the datasets that pseudo-data are drawn from in place of what the entry leaves open."""
    where, (first, *others) = f"config: datasets.{name}", entry["drawn"]["datasets"]
    _require_only("drawn", name, entry)
    if entry["nature"] != "pseudo_data":
        raise ConfigError(f"{where}.nature is {entry['nature']}, and 'drawn' makes pseudo_data; correct it.")
    if entry["luminosity"] is None or entry["era"] is not None:
        raise ConfigError(
            f"{where}: pseudo-data are drawn to a luminosity, for the data of all eras; give 'luminosity', and no era."
        )
    for key in ("region", "format"):
        for other in others:
            if datasets[other][key] != datasets[first][key]:
                raise ConfigError(
                    f"{where}.drawn: {first!r} and {other!r} have different {key}s; take one of them out."
                )
        entry[key] = datasets[first][key]


def _require_only(key: str, name: str, entry: Config) -> None:
    """Stop where a dataset whose events are skimmed already has others, too."""
    sources = {"files": "'files'", "generator": "a 'generator'", "combine": "'combine'", "drawn": "'drawn'"}
    for other, word in sources.items():
        if entry[other] and other != key:
            raise ConfigError(f"config: datasets.{name} has {key!r}, and {word} as well; keep one of them.")


def find_files(name: str, patterns: list[str], once: bool) -> list[str]:
    """The files that the patterns of a dataset match, sorted within each pattern.

    Raises:
        ConfigError: a pattern matches none or a folder, or, unless each is taken ``once``, a file is matched twice, by
            whatever path.
    """
    found: dict[Path, str] = {}
    for pattern in patterns:
        matches = sorted(glob(pattern))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not matches:
            raise ConfigError(
                f"config: datasets.{name}.files: no file {pattern!r}; correct the path (relative to {Path.cwd()})."
            )
        for match in matches:
            place = Path(match).resolve()
            if "{" in match or "}" in match:
                raise ConfigError(
                    f"config: datasets.{name}.files: {match!r} has a brace, which Snakemake takes for a wildcard; "
                    "rename the file or its folder."
                )
            if place.is_dir():
                raise ConfigError(
                    f"config: datasets.{name}.files: {match!r} is a folder; name its files, as '{match}/*.root'."
                )
            if place in found and not once:
                raise ConfigError(
                    f"config: datasets.{name}.files: {match!r} is {found[place]!r} again, whose events would count "
                    "twice; name it once, or set skim.duplicates to drop."
                )
            found.setdefault(place, match)
    return list(found.values())
