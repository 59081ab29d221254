"""The supervised selection by a tagger of jets."""

from typing import TYPE_CHECKING, Literal

from resonaut.core.errors import ConfigError
from resonaut.core.record import key, record
from resonaut.select.catalogue import Entry

if TYPE_CHECKING:
    from resonaut.core.analysis import Analysis


@record
class TaggerSettings:
    """The method `tagger`, the supervised baseline: which network, and how the two jets' scores become one number."""

    network: str = key(
        "Name of the network in `tag.networks`, or of one in `tag.published` with classes, of the large-radius jets.",
        default="part",
    )
    combination: Literal["product", "minimum"] = key(
        "How 1 - P(background) of the two jets becomes one score.", default="product"
    )
    background: str = key("The network's class of background jets.", default="qcd", min_length=1)


def check(analysis: "Analysis") -> None:
    """Stop with ``ConfigError`` where there is no such network."""
    network, section = analysis.config["select"]["tagger"]["network"], analysis.config["tag"]
    published = [name for name, entry in section["published"].items() if entry["classes"] and entry["jets"] is None]
    if network not in (networks := [*section["networks"], *published]):
        raise ConfigError(
            f"config: select.tagger.network: {network!r} is not in tag.networks or, with classes, tag.published; they "
            f"have {', '.join(networks)}."
        )
    outputs = section["networks"].get(network, {}).get("outputs") or section["published"][network]["classes"]
    # Outputs that count for no class have no column.
    known = [name for name in outputs if name != "ignore"]
    if (background := analysis.config["select"]["tagger"]["background"]) not in known:
        raise ConfigError(
            f"config: select.tagger.background: {background!r} is no class of {network}; it has "
            f"{', '.join(dict.fromkeys(known))}."
        )


METHODS = {"tagger": Entry("method.Tagger", (), TaggerSettings, friends=("tag",), check=check)}
