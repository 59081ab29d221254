"""The layouts of input files: every folder of ``resonaut/skim/formats``, and those of the user's own files.

The ``__init__.py`` of a folder holds ``FORMAT``, a ``Format``, and imports nothing heavy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path

import resonaut
from resonaut.core.extensions import Placed, Vocabulary

FOLDER = "skim/formats"


@dataclass(frozen=True)
class Format(Placed):
    """What is known of a format before a file is opened; ``place`` opens it (``resonaut.skim.reading``).

    ``candidates``: it may have those of the jets. ``labels``: it may say which events are signal. ``sections``: it
    tells an event's run, luminosity section and number. ``truth``: beginnings of the branches that only simulation has.
    """

    candidates: bool = True
    labels: bool = False
    sections: bool = False
    truth: tuple[str, ...] = ()

    @property
    def declared(self) -> str:
        """The file with this entry, relative to the package's folder or absolute."""
        return self.home if self.home.endswith(".py") else f"{self.home}/__init__.py"


@cache
def formats() -> Vocabulary[Format]:
    """The formats of the package by name."""
    folders = sorted(path.parent for path in (Path(resonaut.__file__).parent / FOLDER).glob("*/__init__.py"))
    found = {
        folder.name: import_module(f"resonaut.{FOLDER}/{folder.name}".replace("/", ".")).FORMAT for folder in folders
    }
    entries = {name: replace(entry, home=f"{FOLDER}/{name}") for name, entry in found.items()}
    return Vocabulary("FORMATS", "format", Format, entries)


def entry(name: str, code: Sequence[str] = ()) -> Format:
    """The format of that name; ``ConfigError`` where there is none, or a file of ``code`` is wrong."""
    return formats().joined(code)[name]
