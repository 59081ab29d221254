"""What opens the files of a format, and what comes of it.

``place`` of a format names a function of a ``Job``: a context in which a ``Reader`` works.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from resonaut.core.datasets import DatasetConfig
from resonaut.skim.columns import Column
from resonaut.skim.era import Era
from resonaut.skim.own import OwnColumns
from resonaut.skim.pieces import FileResult
from resonaut.skim.region import Objects
from resonaut.skim.settings import Region, Skim


@dataclass(frozen=True)
class Job:
    """One chunk of the dataset ``name``: pieces go to ``scratch``, up to ``workers`` processes read.

    ``code``: the user's own files, in which the format or columns may be.
    """

    config: Skim
    dataset: DatasetConfig
    name: str
    region: Region
    code: tuple[str, ...]
    workers: int
    scratch: Path

    @property
    def era(self) -> Era:
        """What the dataset's era says for it."""
        return Era.of(self.config, self.dataset, self.name)

    @property
    def own(self) -> OwnColumns:
        """The columns of the user's own to keep."""
        return OwnColumns(tuple(self.region.columns), self.code)

    @property
    def objects(self) -> Objects:
        """The objects and observables of the region."""
        return Objects(self.region, self.code)


# Reads one file: its path, and its number in the chunk.
Read = Callable[[str, int], FileResult]
# With the columns that come out.
Reader = tuple[Read, dict[str, Column]]
