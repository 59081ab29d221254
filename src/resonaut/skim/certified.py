"""Certified luminosity sections: CMS's JSON lists of the good ones ("golden JSON")."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from resonaut.core.config import load_json
from resonaut.core.errors import InputFileError


@dataclass(frozen=True)
class Certified:
    """Ranges of luminosity sections, as numbers run * 2^32 + section that rise: ``first`` and ``last`` of each."""

    first: np.ndarray
    last: np.ndarray

    @classmethod
    def read(cls, path: Path) -> "Certified":
        """A list ``{"<run>": [[first, last], ...], ...}``; the pairs may also stand in one list.

        Raises:
            InputFileError: the file is missing, or is no such list.
        """
        remedy = "give CMS's JSON list of certified sections"
        content = load_json(path, remedy)
        try:
            ranges = [
                (_number(int(run), low), _number(int(run), high))
                for run, sections in content.items()
                for low, high in _pairs(run, sections)
            ]
            if not ranges or any(high < low for low, high in ranges):
                raise ValueError
        except (AttributeError, TypeError, ValueError, OverflowError):
            raise InputFileError(path, 'is not a list {"<run>": [[first, last], ...]}', remedy) from None
        first, last = np.array(sorted(ranges), dtype=np.uint64).T
        # Where ranges overlap the longer one holds.
        return cls(first, np.maximum.accumulate(last))

    def holds(self, run: np.ndarray, section: np.ndarray) -> np.ndarray:
        """Which events are in a certified section, shape (n,)."""
        number = _number(run.astype(np.uint64), section.astype(np.uint64))
        place = np.searchsorted(self.first, number, side="right")
        return np.asarray((place > 0) & (number <= self.last[place - 1]))


def _pairs(run: str, sections: Any) -> list[tuple[int, int]]:
    """First and last sections of a run; ``ValueError`` where run or sections are no whole numbers from 0 on."""
    numbers = np.asarray(sections).reshape(-1, 2)
    whole = numbers.dtype.kind == "i" and np.all((numbers >= 0) & (numbers < 2**32))
    if not run.isdecimal() or (numbers.size and not whole):
        raise ValueError
    return [(low, high) for low, high in numbers.tolist()]


def _number(run: "int | np.ndarray", section: "int | np.ndarray") -> "int | np.ndarray":
    return run * 2**32 + section
