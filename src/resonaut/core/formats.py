"""The layouts of input files: every folder of ``resonaut/skim/formats``, and those of the user's own files.

The ``__init__.py`` of a folder holds ``FORMATS``, as a file of the user's does, and imports nothing heavy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from resonaut.core.extensions import Placed, Vocabulary, declared


@dataclass(frozen=True)
class Format(Placed):
    """What is known of a format before a file is opened; ``place`` opens it (``resonaut.skim.reading``).

    ``candidates``: it may have those of the jets. ``labels``: it may say which events are signal. ``sections``: it
    tells an event's run, luminosity section and number. ``flags``: it has triggers, filters, the jets' identification
    and weights of variations. ``objects``: it has collections beside large-radius jets. ``truth``: beginnings of the
    branches that only simulation has.
    """

    candidates: bool = True
    labels: bool = False
    sections: bool = False
    flags: bool = False
    objects: bool = False
    truth: tuple[str, ...] = ()


@cache
def formats() -> Vocabulary[Format]:
    """The formats of the package by name."""
    return Vocabulary("FORMATS", "format", Format, declared("skim/formats", "FORMATS"))


def entry(name: str, code: Sequence[str] = ()) -> Format:
    """The format of that name; ``ConfigError`` where there is none, or a file of ``code`` is wrong."""
    return formats().joined(code)[name]


def without_candidates(config: dict[str, Any], datasets: Sequence[str]) -> list[str]:
    """Those of the datasets of a configuration whose events do not keep the candidates of their jets."""
    section, entries = config["skim"], {name: config["datasets"][name] for name in datasets}
    kept = {
        name: section["read_constituents"] and section["regions"][one["region"]]["jets"] > 0
        for name, one in entries.items()
    }
    layouts = {name: entry(one["format"], config["code"]) for name, one in entries.items()}
    return [name for name in datasets if not (kept[name] and layouts[name].candidates)]
