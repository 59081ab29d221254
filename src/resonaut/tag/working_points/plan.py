"""What working points need, and where their files lie. Imports nothing heavy."""

from typing import TYPE_CHECKING, Any

from resonaut.core.errors import ConfigError

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis


def folder(name: str) -> str:
    """The folder of the friends that say which jets pass a working point."""
    return f"tag/working_points/{name}"


def summaries(analysis: "Analysis") -> list[str]:
    """What is measured of each working point."""
    return [f"<results>/{folder(name)}/summary.json" for name in analysis.config["tag"]["working_points"]]


def learned_from(analysis: "Analysis") -> list[str]:
    """The datasets whose jets teach the thresholds, and measure what passes."""
    return analysis.sample("background", "signal", of="tag") if analysis.config["tag"]["working_points"] else []


def keys(analysis: "Analysis", name: str) -> dict[str, Any]:
    """What the jobs of a working point read: its keys, and of its network the classes."""
    section = analysis.config["tag"]
    point = section["working_points"][name]
    outputs, background = _classes(section, point["network"])
    wanted = point["classes"] or [one for one in outputs if one != background]
    known = section["networks"].get(point["network"], {}).get("decays") or section["classes"]
    held = {one: known[one] for one in wanted if one in known}
    return {"name": name, "point": point, "wanted": wanted, "background": background, "decays": held}


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where a working point has no score, or no jets to learn from."""
    from resonaut.core.record import build
    from resonaut.tag.working_points.settings import PointJob

    section = analysis.config["tag"]
    for name, point in section["working_points"].items():
        where = f"config: tag.working_points.{name}"
        networks = [*section["networks"], *section["published"]]
        if point["network"] not in networks:
            raise ConfigError(f"{where}.network: no network {point['network']!r}; there are {', '.join(networks)}.")
        if (section["published"].get(point["network"], {}).get("jets")) is not None:
            raise ConfigError(f"{where}.network: {point['network']!r} scores no large-radius jets; name another.")
        outputs, background = _classes(section, point["network"])
        if background not in outputs:
            raise ConfigError(
                f"{where}.network: {point['network']!r} has no class {background!r} to tell others from; give it one."
            )
        for one in point["classes"]:
            if one not in outputs:
                raise ConfigError(
                    f"{where}.classes: {point['network']!r} has no class {one!r}; it has {', '.join(outputs)}."
                )
        build(keys(analysis, name), PointJob, where)
        if not analysis.sample("background", of="tag"):
            raise ConfigError(
                f"{where}: its thresholds are learned from QCD jets, and tag.samples.background names no dataset; name "
                "some."
            )


def _classes(section: dict[str, Any], network: str) -> tuple[list[str], str]:
    """The classes with scores of a network, and which of them is the background."""
    entry = section["networks"].get(network) or section["published"][network]
    named = entry["outputs"] if network in section["networks"] else entry["classes"]
    return [one for one in dict.fromkeys(named) if one != "ignore"], entry["background"]
