"""What the datasets that ``simulate`` makes must agree with, checked before the first job."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ()
AFTER: tuple[str, ...] = ()


def section() -> type:
    """The record of the section ``simulate``."""
    from resonaut.simulate.settings import Simulate

    return Simulate


def keys(analysis: "Analysis", *names: str) -> dict[str, Any]:
    """What the jobs of a dataset read, of ``showers`` or ``level1`` and a sample, of ``level1_pool`` and a part."""
    if len(names) == 1:
        return _dataset_keys(analysis, *names)
    kind, name = names
    section = analysis.config["simulate"]
    if kind == "showers":
        return {"sample": section["showers"][name]}
    entry, of = (
        (section["level1"]["pool"][name], "part") if kind == "level1_pool" else (level1(analysis)[name], "sample")
    )
    shared = {key: section[key] for key in ("sqrt_s", "mpi", "batch", "settings")}
    processes = {one: value for one, value in section["processes"].items() if one == entry["process"]}
    return {of: entry, "simulate": shared | {"processes": processes}}


def _dataset_keys(analysis: "Analysis", dataset: str) -> dict[str, Any]:
    """How a dataset is generated, and of the section its processes, tune and filter."""
    section, entry = analysis.config["simulate"], analysis.config["datasets"][dataset]
    processes = {component["process"] for component in entry["generator"]["components"]}
    used = {"processes": processes, "tunes": {entry["generator"]["tune"]}, "filters": {entry["region"]}}
    own: dict[str, Any] = {
        key: {name: value for name, value in section[key].items() if name in names} for key, names in used.items()
    }
    # What is not stored has no settings.
    stored = set(section["objects"]) - {"track_jet", "track"} if entry["generator"]["objects"] else set()
    stored |= {"track_jet"} if entry["generator"]["track_jets"] else set()
    stored |= {"track"} if entry["generator"]["tracks"] else set()
    own["objects"] = {key: value for key, value in section["objects"].items() if key in stored}
    read = ("nature", "region", "luminosity", "generator")
    shared = {key: value for key, value in section.items() if key not in ("showers", "level1")}
    return {"dataset": {key: entry[key] for key in read}, "simulate": shared | own}


def showers(analysis: "Analysis", *samples: str) -> list[str]:
    """The files of samples of showers, of all where none is named."""
    from resonaut.core.record import build
    from resonaut.simulate.showers.settings import ShowerSample

    found = analysis.config["simulate"]["showers"]
    built = {name: build(found[name], ShowerSample, f"config: simulate.showers.{name}") for name in samples or found}
    return [
        f"<results>/simulate/showers/{name}/{chunk:03d}.h5"
        for name, sample in built.items()
        for chunk in range(sample.n_chunks)
    ]


def level1(analysis: "Analysis") -> dict[str, dict[str, Any]]:
    """The samples of bunch crossings, by name."""
    found: dict[str, dict[str, Any]] = analysis.config["simulate"]["level1"]["samples"]
    return found


def crossings(analysis: "Analysis", *samples: str) -> list[str]:
    """The files of samples of bunch crossings, of all where none is named."""
    return _chunks("level1", "parquet", {name: level1(analysis)[name] for name in samples or level1(analysis)})


def pool(analysis: "Analysis", sample: str) -> list[str]:
    """The files of collisions of which a sample's crossings are mixed."""
    mixed = level1(analysis)[sample]["pileup"]
    return _chunks("level1_pool", "npz", analysis.config["simulate"]["level1"]["pool"]) if mixed else []


def _chunks(folder: str, suffix: str, entries: dict[str, dict[str, Any]]) -> list[str]:
    return [
        f"<results>/simulate/{folder}/{name}/{chunk:03d}.{suffix}"
        for name, entry in entries.items()
        for chunk in range(-(-entry["events"] // entry["events_per_chunk"]))
    ]


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` at the first dataset whose generator cannot work."""
    config = analysis.config
    for problem in _level1_problems(config["simulate"]):
        raise ConfigError(f"config: simulate.level1.{problem}.")
    detector = config["simulate"]["detector"]
    if (detector["calorimeter"] == "emulated") != bool(detector["emulator"]):
        raise ConfigError(
            "config: simulate.detector.calorimeter is 'emulated' with an 'emulator', the file that emulates photons, "
            "and not without; set both or none."
        )
    for name in analysis.datasets():
        entry = config["datasets"][name]
        if entry["generator"] is not None:
            for problem in _problems(entry, entry["generator"], config["simulate"]):
                raise ConfigError(f"config: datasets.{name}{problem}.")


def _level1_problems(simulate: dict[str, Any]) -> Iterator[str]:
    """Processes that are not there, lack a mass or have weights, and pile-up of nothing."""
    level1 = simulate["level1"]
    for kind in ("pool", "samples"):
        for name, entry in level1[kind].items():
            if (process := entry["process"]) is None:
                if not entry["pileup"]:
                    yield f"samples.{name} has neither a process nor pile-up; give it one of them"
                continue
            if process not in simulate["processes"]:
                known = ", ".join(simulate["processes"])
                yield f"{kind}.{name}.process: {process!r} is not in simulate.processes, which has {known}; define it"
                continue
            if entry.get("mass") is None and any(
                "mass}" in line for line in simulate["processes"][process]["settings"]
            ):
                yield f"{kind}.{name}: the process {process!r} needs a mass, which a sample may have; give it one there"
            if simulate["processes"][process]["pairs"]:
                yield f"{kind}.{name}: the events of {process!r} have weights (pairs), crossings none; take another"
    for name, sample in level1["samples"].items():
        if sample["pileup"] and not level1["pool"]:
            yield f"samples.{name} has pile-up, and the pool is empty; add parts to the pool, or set its pileup to 0"


def _problems(entry: dict[str, Any], generator: dict[str, Any], simulate: dict[str, Any]) -> Iterator[str]:
    from resonaut.core.datasets import BLIND

    if generator["tune"] not in simulate["tunes"]:
        known = ", ".join(simulate["tunes"])
        yield f".generator.tune: {generator['tune']!r} is not in simulate.tunes, which has {known}; define it there"
    if generator["shower_variations"] and entry["nature"] in BLIND:
        yield " stands for collisions, which exist in one variation; set its generator.shower_variations to false"
    if generator["track_jets"] and not generator["objects"]:
        yield ".generator.track_jets needs the leptons of generator.objects; set that to true"
    if generator["tracks"] and not generator["objects"]:
        yield ".generator.tracks needs the small-radius jets of generator.objects; set that to true"
    if generator["fake_taus"] != 1:
        if not generator["objects"] or entry["nature"] in BLIND:
            yield ".generator.fake_taus needs generator.objects, and weights, which simulation alone has; set it to 1"
        if generator["fake_taus"] * simulate["objects"]["tau"]["fake"] >= 1:
            yield ".generator.fake_taus times simulate.objects.tau.fake is no probability; keep it below 1"
    total = 0.0
    for number, component in enumerate(generator["components"]):
        where, process = f".generator.components[{number}]", component["process"]
        pairs = simulate["processes"].get(process, {}).get("pairs")
        if pairs and (entry["nature"] in BLIND or len(generator["components"]) > 1):
            yield (
                f"{where}: the events of {process!r} have weights (pairs), so that they can neither stand for "
                "collisions nor be mixed with others; give them a dataset of simulation"
            )
        if process not in simulate["processes"]:
            known = ", ".join(simulate["processes"])
            yield f"{where}: {process!r} is not in simulate.processes, which has {known}; define it there"
        elif simulate["processes"][process]["particle_level"]["jet"] and not generator["objects"]:
            yield f"{where}: particle_level of {process!r} has jets, those of generator.objects; set that to true"
        elif component["mass"] is None and any("mass}" in line for line in simulate["processes"][process]["settings"]):
            yield f"{where}: the process {process!r} needs a 'mass'; add it"
        if (component["events"] is None) == (component["cross_section"] is None):
            yield f"{where} needs either 'events' or a 'cross_section'; give one of them"
        elif component["events"] is None and entry["luminosity"] is None:
            yield f"{where} has a cross section, but the dataset no 'luminosity' to make events of it; give one"
        elif component["events"] is None:
            total += round(component["cross_section"] * entry["luminosity"])
        else:
            total += component["events"]
    if not total:
        yield " has no events; give its components events or cross sections"
