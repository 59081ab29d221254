"""What becomes of events that are in a dataset more than once: they stop it, or all but the first are dropped."""

from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core import events
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import InputFileError
from resonaut.core.events import KEY
from resonaut.core.manifest import Cut
from resonaut.core.variations import PASSES
from resonaut.skim import duplicates
from resonaut.skim.settings import Skim


@dataclass(frozen=True)
class Copies:
    """The copies among the events of a dataset's chunks ``paths``.

    ``before``: chunks of data of the same era, whose events count there; ``sections``: the format tells the luminosity
    sections of events.
    """

    config: Skim
    dataset: DatasetConfig
    name: str
    paths: list[Path]
    before: tuple[Path, ...]
    sections: bool

    def drop(self, flow: list[Cut], notes: list[str]) -> dict[str, list[int]]:
        """The rows of each chunk that are copies of earlier events, with a row in the cutflow if there are any.

        Raises:
            InputFileError: there are copies, and they are not to be dropped.
        """
        if not flow or not flow[-1].events:
            return {}
        repeated = self._repeated(notes)
        if not len(repeated):
            return {}
        rows = {file: repeated["row"][repeated["file"] == file] for file in np.unique(repeated["file"])}
        counts = [_nominal(self.paths[file], dropped) for file, dropped in rows.items()]
        number, weight = (sum(lost) for lost in zip(*counts, strict=True))
        left = Cut(cut="duplicates", events=flow[-1].events - int(number), sum_weights=flow[-1].sum_weights - weight)
        flow.append(left)
        return {self.paths[file].stem: dropped.tolist() for file, dropped in rows.items()}

    def _repeated(self, notes: list[str]) -> np.ndarray:
        """The events that are copies of earlier ones, where these may be dropped; others of equal number are noted."""
        repeated = duplicates.find(self.paths, KEY, self.before)
        region = self.config.region(self.dataset.region, self.name)
        columns = duplicates.identity(self.dataset, self.sections, region)
        if self.sections and len(repeated) and not repeated["event"].any():
            # Folds and training samples are chosen by the numbers, too.
            first = self._inputs(repeated["first"][0])
            raise InputFileError(first, "has events numbered 0, which cannot be told from one another", "number them")
        if columns != KEY and (len(repeated) or not self.sections):
            alike, repeated = len(repeated), duplicates.find(self.paths, columns)
            if alike > len(repeated):
                text = "events have the numbers (run, luminosityBlock, event) of another one"
                notes.append(f"{alike - len(repeated)} {text}")
        if len(repeated) and self.config.duplicates == "fail":
            first, copy = (self._inputs(repeated[place][0]) for place in ("first", "file"))
            problem = f"{len(repeated)} events of {self.name!r} are there twice" + f", first in {first}" * (
                first != copy
            )
            raise InputFileError(copy, problem, "leave the copies out, or set skim.duplicates to drop")
        return repeated

    def _inputs(self, number: int) -> str:
        """The files that a chunk was read from, as far as the configuration tells; of another dataset the chunk."""
        if number < 0:
            return str(self.before[number])
        path, size = self.paths[number], self.dataset.files_per_chunk
        first = int(path.stem) * size if path.stem.isdecimal() else 0
        return ", ".join(self.dataset.files[first : first + size]) or str(path)


def _nominal(path: Path, rows: np.ndarray) -> tuple[int, float]:
    """How many of some rows of a chunk pass the nominal selection, and their summed generator weights."""
    stored = [name for name in ("gen_weight", PASSES) if name in events.columns(path)]
    found = ak.concatenate(list(events.iterate([path], stored)))[rows]
    if PASSES in stored:
        found = found[found[PASSES]]
    return len(found), float(ak.to_numpy(found.gen_weight).sum())
