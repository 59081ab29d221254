"""Prescales of triggers, as weights of data."""

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from resonaut.core.errors import InputFileError
from resonaut.skim.corrections.tables import FloatArray

COLUMNS = ["trigger", "run", "section", "prescale"]


@dataclass(frozen=True)
class Prescales:
    """By trigger the numbers run * 2^32 + section from which on a prescale holds, rising, and the prescales."""

    path: Path
    tables: dict[str, tuple[np.ndarray, FloatArray]]

    @classmethod
    def read(cls, path: Path) -> "Prescales":
        """A CSV file with the columns ``trigger,run,section,prescale``, each line from that section of the run on.

        Raises:
            InputFileError: the file is missing, or is no such table.
        """
        remedy = f"give a table with the columns {','.join(COLUMNS)}"
        lines: dict[str, list[tuple[int, float]]] = defaultdict(list)
        try:
            with path.open(newline="", encoding="utf-8-sig") as file:
                reader = csv.DictReader(file)
                if reader.fieldnames is None or [name.strip() for name in reader.fieldnames] != COLUMNS:
                    raise InputFileError(path, f"its first line is {reader.fieldnames}", remedy)
                for line in reader:
                    # What is too much in a line is a list, what is missing None.
                    trigger, run, section, prescale = (value.strip() for value in line.values())
                    if not 1 <= float(prescale) < math.inf:
                        problem = f"line {reader.line_num}: the prescale {prescale} is no number from 1 on"
                        raise InputFileError(path, problem, remedy)
                    lines[trigger].append((int(run) * 2**32 + int(section), float(prescale)))
        except OSError as error:
            raise InputFileError(path, f"cannot be read ({error.strerror})", "correct skim.eras") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise InputFileError(path, f"line {reader.line_num} cannot be read", remedy) from error
        tables = {}
        for trigger, found in lines.items():
            numbers, values = zip(*sorted(found), strict=True)
            if len({*numbers}) < len(numbers):
                raise InputFileError(path, f"has two prescales of {trigger!r} in one section", "take one of them out")
            tables[trigger] = np.array(numbers, np.uint64), np.array(values, np.float64)
        return cls(path, tables)

    def of(self, trigger: str, run: np.ndarray, section: np.ndarray) -> FloatArray:
        """The prescale of a trigger in each event, shape (n,).

        Raises:
            InputFileError: the table has none of that trigger, or of one of the runs.
        """
        if trigger not in self.tables:
            raise InputFileError(
                self.path, f"has no prescale of {trigger!r}, only of {', '.join(self.tables) or 'none'}", "add it"
            )
        numbers, values = self.tables[trigger]
        number = run.astype(np.uint64) * np.uint64(2**32) + section.astype(np.uint64)
        place = np.searchsorted(numbers, number, side="right").astype(np.int64) - 1
        # A run's first line holds for that run alone.
        lacking = (place < 0) | (numbers[place] >> np.uint64(32) != run.astype(np.uint64))
        if lacking.any():
            problem = (
                f"has no prescale of {trigger!r} in run {int(run[lacking][0])}, section {int(section[lacking][0])}"
            )
            raise InputFileError(self.path, problem, "add it")
        return values[place]

    def weights(self, fired: dict[str, np.ndarray], run: np.ndarray, section: np.ndarray) -> FloatArray:
        """The weight of each event, shape (n,): the prescale of the first trigger that has ``fired``, 1 for none.

        That is exact for triggers in order of falling thresholds, of which the first one is not prescaled.
        """
        found, left = np.ones(len(run)), np.ones(len(run), bool)
        for trigger, passes in fired.items():
            mine = left & passes
            found[mine] = self.of(trigger, run[mine], section[mine])
            left &= ~passes
        return found
