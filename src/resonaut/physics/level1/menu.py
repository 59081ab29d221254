"""Menus of the Level-1 trigger: which seeds there are, and how many of their decisions count.

A menu is a CSV file as CMS's: a row for each seed, with its ``Name``, and columns of prescales by the name of the
luminosity they are for. A prescale of n keeps one decision in n; 0 switches the seed off.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from resonaut.core.errors import InputFileError
from resonaut.physics.level1.crossings import Crossings
from resonaut.physics.level1.seeds import parse

NAME = "Name"


@dataclass(frozen=True)
class Menu:
    """The seeds that are on, by name with their prescales."""

    prescales: dict[str, float]

    @property
    def unprescaled(self) -> "Menu":
        """The seeds all of whose decisions count."""
        return Menu({name: prescale for name, prescale in self.prescales.items() if prescale == 1})

    def without(self, *beginnings: str) -> "Menu":
        """The menu without the seeds whose names begin so."""
        return Menu({name: one for name, one in self.prescales.items() if not name.startswith(beginnings)})


@dataclass(frozen=True)
class Decision:
    """What a menu says of n crossings.

    ``missed``: the probability that no seed keeps the crossing, (n,), over the prescales' counters. ``evaluated`` and
    ``unknown`` are the seeds whose decisions are known, and those that the menu has and nobody evaluates.
    """

    missed: npt.NDArray[np.float64]
    evaluated: list[str]
    unknown: list[str]


def read(path: Path, column: str) -> Menu:
    """The menu of a CSV file at one of its columns of prescales.

    Raises:
        InputFileError: the file is missing or no menu, lacks the column, has a seed twice or a prescale that is none.
    """
    remedy = "give a menu as CSV with 'Name' and columns of prescales"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            names, rows = list(reader.fieldnames or []), list(reader)
    except FileNotFoundError:
        raise InputFileError(path, "no such file", "give its right path") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputFileError(path, f"is no CSV file that can be read ({error})", remedy) from None
    if NAME not in names:
        raise InputFileError(path, f"has no column {NAME!r}", remedy)
    if column not in names:
        others = ", ".join(name for name in names if name not in ("Index", NAME))
        raise InputFileError(path, f"has no column {column!r}, but {others}", "take one of these")
    found: dict[str, float] = {}
    for row in rows:
        name = row[NAME] or ""
        if not name or name in found:
            raise InputFileError(path, f"has the seed {name!r} twice, or one without a name", "take one out")
        found[name] = _prescale(path, name, row[column])
    return Menu({name: prescale for name, prescale in found.items() if prescale > 0})


def _prescale(path: Path, name: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not (value == 0 or 1 <= value < math.inf):
        raise InputFileError(path, f"the seed {name!r} has the prescale {text!r}", "give 0, or a number from 1 on")
    return value


def decide(menu: Menu, crossings: Crossings) -> Decision:
    """The menu's decision: of seeds whose decisions the crossings have these, of others what the objects say."""
    missed, evaluated, unknown = np.ones(len(crossings)), [], []
    for name, prescale in menu.prescales.items():
        if name in crossings.seeds:
            passes = crossings.seeds[name]
        elif (seed := parse(name)) is not None:
            passes = seed.passes(crossings)
        else:
            unknown.append(name)
            continue
        evaluated.append(name)
        missed *= np.where(passes, 1 - 1 / prescale, 1)
    return Decision(missed, evaluated, unknown)
