"""All runs of an unfolding as one table of events, and its description."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from resonaut.core.errors import MisalignedFriendsError
from resonaut.core.events import KEY
from resonaut.core.files import digest
from resonaut.unfold import publish, read
from resonaut.unfold.results import Column, Publication
from resonaut.unfold.settings import Merge, Train


def joined(inputs: read.Inputs, runs: Sequence[Path], settings: Train) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The columns of the table, and the units of the observables.

    Raises:
        MisalignedFriendsError: a run does not hold the events of the simulation.
    """
    simulation, key = read.simulation(inputs, settings), read.identifiers(inputs, settings)
    weights = {}
    for path in runs:
        found = pq.read_table(path)
        if not all(np.array_equal(found.column(name).to_numpy(), key[name]) for name in KEY):
            raise MisalignedFriendsError(path, "does not hold the simulated events row for row", "run 'unfold' again")
        weights[path.stem] = found.column("weights").to_numpy()
    here = simulation.at_particle
    values = dict(zip(settings.observables, simulation.particle[here].T, strict=True))
    base = simulation.weights[here] / inputs.luminosity
    units = {name: about["unit"] for name, about in read.described(inputs, settings).items()}
    return publish.table(key, values, base, weights), units


def described(path: Path, columns: Mapping[str, np.ndarray], inputs: read.Inputs, settings: Merge) -> Publication:
    """What is said of the table that was written to ``path``."""
    _, particle = read.columns(settings.train)
    about = read.described(inputs, settings.train)
    return Publication(
        events=len(columns[publish.BASE]),
        sha256=digest(path),
        unit=publish.UNIT,
        nominal=publish.NOMINAL,
        base=publish.BASE,
        observables={
            name: Column(column=column, unit=about[name]["unit"], label=about[name]["label"])
            for name, column in zip(settings.train.observables, particle, strict=True)
        },
        families=publish.families(list(columns)),
        iterations=settings.train.iterations,
        fakes=settings.train.fakes,
        selection=settings.selection,
        datasets=[dataset.name for dataset in (*inputs.data, *inputs.simulation, *inputs.background)],
        cross_section=float(columns[publish.NOMINAL].sum()),
    )
