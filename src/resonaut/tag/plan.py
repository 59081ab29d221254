"""What the section ``tag`` must agree with in the rest of the configuration, checked before the first job."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resonaut.core import formats
from resonaut.core.errors import ConfigError
from resonaut.core.samples import drawn_from
from resonaut.tag.architectures import networks, require_consistent

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis

NEEDS: tuple[str, ...] = ("skim",)
# The samples of a domain that a network is adapted to.
OTHERS = {"data": ("data",), "simulation": ("other_background", "other_signal")}
AFTER: tuple[str, ...] = ()


def section() -> type:
    """The record of the section ``tag``."""
    from resonaut.tag.settings import TagConfig

    return TagConfig


# What other stages read of this one.
GIVES: dict[str, Callable[["Analysis"], list[str]]] = {
    "networks": lambda analysis: [f"<results>/tag/{name}.json" for name in analysis.config["tag"]["networks"]],
}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is nothing to train on, or a network contradicts itself."""
    from resonaut.core.record import build
    from resonaut.tag.settings import NetworkConfig

    config = analysis.config
    if not simulation(analysis):
        raise ConfigError(
            "config: search.stages has 'tag', which learns from simulated jets; name datasets in "
            "search.samples.background and signal (or tag.samples), or take 'tag' out."
        )
    for name in formats.without_candidates(config, scored(analysis)):
        raise ConfigError(
            f"config: search.stages has 'tag', which sees the jets' candidates, and {name!r} keeps none (format "
            f"{config['datasets'][name]['format']}); set skim.read_constituents for files that have them, or take "
            "'tag' out."
        )
    trained = any(entry["weights"] is None for entry in config["tag"]["networks"].values())
    for name in analysis.sample("data", "pseudo_data") if trained else ():
        if both := set(drawn_from(config, name)).intersection(simulation(analysis)):
            raise ConfigError(
                f"config: {name!r} is drawn from {min(both)!r}, whose jets train the networks of tag, which would know "
                "some of these pseudo-data; name other background in tag.samples, or take 'tag' out."
            )
    known = networks().joined(config["code"])
    for name, entry in config["tag"]["networks"].items():
        for sample, names in others(analysis, name).items():
            if not names:
                raise ConfigError(
                    f"config: tag.networks.{name}.training.domain wants jets of tag.samples.{sample}, which names no "
                    "dataset; name some, or take 'domain' out."
                )
        require_consistent(name, build(entry, NetworkConfig, f"config: tag.networks.{name}"), known)
        weights = entry["weights"]
        if weights is not None and not Path(weights).is_file():
            raise ConfigError(
                f"config: tag.networks.{name}.weights: no file {weights!r}; correct the path, which is relative to "
                f"{Path.cwd()}."
            )


def keys(analysis: "Analysis", command: str, *network: str) -> dict[str, Any]:
    """What a job reads: a training its own network, the scores all networks and nothing of the training."""
    section: dict[str, Any] = analysis.config["tag"]
    if command == "train":
        return section | {"networks": {name: section["networks"][name] for name in network}}
    networks = {name: _without_training(entry) for name, entry in section["networks"].items()}
    return _without_training(section) | {"networks": networks}


def _without_training(section: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in section.items() if key != "training"}


def simulation(analysis: "Analysis") -> list[str]:
    """The datasets whose jets train the networks."""
    return analysis.sample("background", "signal", of="tag")


def others(analysis: "Analysis", network: str) -> dict[str, list[str]]:
    """The datasets of the domain that a network is adapted to, by sample; none for most."""
    domain = analysis.config["tag"]["networks"][network]["training"]["domain"]
    return {sample: analysis.sample(sample, of="tag") for sample in OTHERS[domain["other"]]} if domain else {}


def adapted(analysis: "Analysis", network: str, sample: str) -> list[str]:
    """The manifests of one of these samples."""
    return analysis.manifests(*others(analysis, network).get(sample, []))


def read(analysis: "Analysis", network: str) -> list[str]:
    """The datasets whose jets a training reads."""
    adapted = [name for names in others(analysis, network).values() for name in names]
    return list(dict.fromkeys([*simulation(analysis), *adapted]))


def trained(analysis: "Analysis") -> list[str]:
    """The simulated datasets of which a part trains networks."""
    found = [others(analysis, network) for network in analysis.config["tag"]["networks"]]
    adapted = [name for samples in found for sample in OTHERS["simulation"] for name in samples.get(sample, [])]
    return list(dict.fromkeys([*simulation(analysis), *adapted]))


def scored(analysis: "Analysis") -> list[str]:
    """The datasets whose jets get scores: those of the search, and those that train the networks."""
    names = [*analysis.sample("data", "background", "signal", "pseudo_data"), *simulation(analysis)]
    wanted = analysis.wanted()
    return [name for name in dict.fromkeys(names) if name in wanted]


def published_weights(analysis: "Analysis", network: str) -> list[str]:
    """The published weights of a network, so that new ones rerun it; none for one that is trained here."""
    path: str | None = analysis.config["tag"]["networks"][network]["weights"]
    return [path] if path else []


def _architectures(analysis: "Analysis", network: str | None) -> list[str]:
    """The architecture of a network, or those of all."""
    section = analysis.config["tag"]["networks"]
    return list(dict.fromkeys(section[name]["architecture"] for name in ([network] if network else section)))


def own_code(analysis: "Analysis", network: str | None = None) -> list[str]:
    """The user's own files with the architecture of a network, or with those of all."""
    return networks().files(_architectures(analysis, network), analysis.config["code"])


def modules(analysis: "Analysis", network: str | None = None) -> list[str]:
    """What makes a network, or all of them, found by the name of the architecture; and the user's own files."""
    known, own = networks().joined(analysis.config["code"]), own_code(analysis, network)
    entries = [known[name] for name in _architectures(analysis, network)]
    return [*(path for entry in entries for path in (entry.declaration, entry.module)), *own]
