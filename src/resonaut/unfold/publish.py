"""Unfolded events as a table, in the columns of ATLAS's release of 24 observables (arXiv:2405.20041), and read again.

One row an event: the observables of the particle level, the generator's weight ``weight_mc``, the result
``weights_nominal``, and weights of each run: ``weights_ensemble_0``, ``weights_bootstrap_data_0``,
``weights_bootstrap_mc_0``, ``weights_<variation>``. All of them include ``weight_mc``, and their sums are cross
sections. A description beside the table says how the columns of a family make an uncertainty; a table without one, as
ATLAS's, is read by the names of its columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from resonaut.core import events
from resonaut.core.errors import InputFileError
from resonaut.core.files import digest
from resonaut.core.results import read as read_result
from resonaut.unfold.kinds import DATA, ENSEMBLE, MC
from resonaut.unfold.results import Combination, Family, Publication

Array = NDArray[np.float64]

NOMINAL, BASE, PREFIX = "weights_nominal", "weight_mc", "weights_"
UNIT = "fb"
# What becomes of the replicas of each kind; all other columns are variations.
COMBINATIONS: dict[str, Combination] = {
    ENSEMBLE: "standard_error",
    DATA: "standard_deviation",
    MC: "standard_deviation",
}


def families(columns: Sequence[str]) -> dict[str, Family]:
    """The families of columns of weights, by their names.

    >>> list(families(["pt", "weights_nominal", "weights_ensemble_0", "weights_jes_up", "weights_jes_down"]))
    ['ensemble', 'jes']
    """
    found: dict[str, list[str]] = {}
    for column in columns:
        if column.startswith(PREFIX) and column != NOMINAL:
            name, _, last = column.removeprefix(PREFIX).rpartition("_")
            of_many = last in ("up", "down") or (name in COMBINATIONS and last.isdigit())
            found.setdefault(name if of_many else column.removeprefix(PREFIX), []).append(column)
    return {name: Family(columns=own, combination=COMBINATIONS.get(name, "difference")) for name, own in found.items()}


def table(
    key: Mapping[str, np.ndarray], observables: Mapping[str, np.ndarray], base: Array, runs: Mapping[str, Array]
) -> dict[str, np.ndarray]:
    """The columns of a publication: the result is the mean of the ensemble."""
    nominal = np.mean([weights for run, weights in runs.items() if run.startswith(ENSEMBLE)], axis=0)
    named = {f"{PREFIX}{run}": weights for run, weights in runs.items()}
    return {**key, **observables, BASE: base, NOMINAL: nominal, **named}


def write(path: Path, columns: Mapping[str, np.ndarray], units: Mapping[str, str]) -> None:
    """Write the table of events."""
    weights = {name: UNIT for name in columns if name.startswith((BASE, PREFIX))}
    events.write(path, [ak.Array(dict(columns))], {**units, **weights})


@dataclass(frozen=True)
class Unfolded:
    """Unfolded events as they are read: the ``columns`` of the file, and what is said of them."""

    path: Path
    columns: Sequence[str]
    families: Mapping[str, Family]
    unit: str

    @classmethod
    def open(cls, path: Path) -> "Unfolded":
        """Open a table of events, with its description ``<events>.json`` if there is one.

        Raises:
            InputFileError: it is missing, no table of unfolded events, or not the one that the description is of.
        """
        columns = events.columns(path)
        if NOMINAL not in columns:
            raise InputFileError(path, f"no column {NOMINAL!r}", "give a table of unfolded events")
        beside = path.with_suffix(".json")
        if not beside.exists():
            return cls(path, columns, families(columns), UNIT)
        found = read_result(beside, Publication)
        if digest(path) != found.sha256:
            raise InputFileError(path, f"is not the file that {beside} describes", "run 'resonaut unfold merge' again")
        return cls(path, columns, found.families, found.unit)

    def read(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Some columns, each of shape (n,).

        Raises:
            InputFileError: there is no such column.
        """
        for name in names:
            if name not in self.columns:
                there = ", ".join(one for one in self.columns if not one.startswith(PREFIX))
                raise InputFileError(self.path, f"no column {name!r}", f"take one of {there}")
        read = pq.read_table(self.path, columns=list(dict.fromkeys(names)))
        return {name: read.column(name).to_numpy() for name in names}
