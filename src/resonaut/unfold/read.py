"""Datasets as the arrays that are unfolded: the columns of both levels, weights, and who passes where."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np

from resonaut.core import identifier
from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.events import KEY, Dataset
from resonaut.core.identifier import derived_seed
from resonaut.core.weights import NOMINAL, Factor, Variation, Weights, named
from resonaut.learn.ratio import Sample
from resonaut.unfold.omnifold import Simulation
from resonaut.unfold.settings import Train


@dataclass(frozen=True)
class Inputs:
    """The datasets of an unfolding; ``truth`` says that the data are simulation, whose particle level is known."""

    data: tuple[Dataset, ...]
    simulation: tuple[Dataset, ...]
    background: tuple[Dataset, ...]
    luminosity: float
    truth: bool

    @classmethod
    def open(
        cls, data: Sequence[Path], pseudo: Sequence[Path], simulation: Sequence[Path], background: Sequence[Path]
    ) -> "Inputs":
        """Open manifests; simulation stands for the luminosity of the data, and for 1/fb beside ``pseudo`` data.

        Raises:
            ConfigError: there are neither data nor pseudo-data, or both.
        """
        if bool(data) == bool(pseudo):
            raise ConfigError("unfold: give either data (--data) or simulation in their place (--pseudo).")
        if pseudo:
            stands, simulated, others = (tuple(map(Dataset.open, one)) for one in (pseudo, simulation, background))
            return cls(stands, simulated, others, luminosity=1.0, truth=True)
        collisions = Collisions.open(data)
        simulated, others = (collisions.simulated(paths) for paths in (simulation, background))
        return cls(collisions.datasets, simulated, others, collisions.luminosity, truth=False)


def data(inputs: Inputs, settings: Train) -> Sample:
    """The data at the detector level."""
    return Sample.concatenate([_detector(dataset, settings, 1.0) for dataset in inputs.data])


def background(inputs: Inputs, settings: Train, variation: str = "", replica: int | None = None) -> Sample | None:
    """The simulation of other processes, in events of the data; None without one. ``replica``: see ``simulation``."""
    parts = [_detector(one, settings, inputs.luminosity, variation) for one in inputs.background]
    if replica is not None:
        parts = [one.bootstrap(_seed(replica, i)) for i, one in enumerate(parts, len(inputs.simulation))]
    return Sample.concatenate(parts) if parts else None


def simulation(inputs: Inputs, settings: Train, variation: str = "", replica: int | None = None) -> Simulation:
    """The simulation at both levels, in events of the data; events that pass at neither are left out.

    A ``replica`` has events drawn again; those drawn no times keep their place, with the weight 0. Datasets are drawn
    independently: simulation numbers its events alike, whatever the process.
    """
    parts = [_levels(one, settings, variation) for one in inputs.simulation]
    whole = joined(parts).scaled(inputs.luminosity)
    if replica is None:
        return whole
    return whole.scaled(
        np.concatenate([identifier.poisson(one.keys, _seed(replica, i)).astype(float) for i, one in enumerate(parts)])
    )


def truth(inputs: Inputs, settings: Train) -> Simulation:
    """Both levels of simulation that stands for data, without what is subtracted.

    Raises:
        ConfigError: all of it is.
    """
    subtracted = [one.name for one in inputs.background]
    kept = [one for one in inputs.data if one.name not in subtracted]
    if not kept:
        raise ConfigError("unfold: all that stands for data is background, too; take it out of one of them.")
    return joined([_levels(dataset, settings, "") for dataset in kept])


def joined(parts: Sequence[Simulation]) -> Simulation:
    """Several simulations as one."""
    return Simulation(**{name: np.concatenate([getattr(one, name) for one in parts]) for name in vars(parts[0])})


def identifiers(inputs: Inputs, settings: Train) -> dict[str, np.ndarray]:
    """The KEY of the simulated events that pass at the particle level, in the order of ``simulation``."""
    found = [
        batch[_flags(batch, settings.passes.particle)]
        for one in inputs.simulation
        for batch in _all(one, [settings.passes.particle])
    ]
    return {name: np.concatenate([ak.to_numpy(batch[name]) for batch in found]) for name in KEY}


def columns(settings: Train) -> tuple[list[str], list[str]]:
    """The columns of the detector and of the particle level, in the order of the observables."""
    detector = [one.detector for one in settings.observables.values()]
    return detector, [one.particle or f"gen_{one.detector}" for one in settings.observables.values()]


def described(inputs: Inputs, settings: Train) -> Mapping[str, Mapping[str, str]]:
    """Unit and label of each observable at the particle level, by its published name."""
    (first, *_), (_, particle) = inputs.simulation, columns(settings)
    return {name: first.described(column) for name, column in zip(settings.observables, particle, strict=True)}


def _all(dataset: Dataset, names: Sequence[str], variation: str = "") -> Iterator[ak.Array]:
    """All rows of a dataset, those that fail at the detector level, too."""
    for chunk in dataset.manifest.chunks:
        yield from dataset.iterate_chunk(chunk, names, (), variation, every=True)


def _detector(dataset: Dataset, settings: Train, luminosity: float, variation: str = "") -> Sample:
    """What of a dataset passes at the detector level."""
    names, _ = columns(settings)
    own, weighted, shifted = _varied(dataset, variation)
    parts = []
    for batch in _all(dataset, [*names, "weight", settings.passes.detector, *own.columns], shifted):
        events = batch[_flags(batch, settings.passes.detector)]
        weights = ak.to_numpy(events.weight) * own.product(events, weighted)[:, 0] * luminosity
        parts.append(Sample(_table(events, names), weights, identifier.keys(events)))
    return Sample.concatenate(parts)


def _levels(dataset: Dataset, settings: Train, variation: str) -> Simulation:
    """A dataset at both levels."""
    detector, particle = columns(settings)
    own, weighted, shifted = _varied(dataset, variation)
    everywhere = Weights((), {f: names for f, names in own.factors.items() if _at_particle(f, settings)})
    flags = (settings.passes.particle, settings.passes.detector)
    parts = []
    for batch in _all(dataset, [*detector, *particle, *flags, "weight", *own.columns], shifted):
        at_particle, at_detector = (_flags(batch, flag) for flag in flags)
        generated = ak.to_numpy(batch.weight)
        parts.append(
            Simulation(
                particle=_table(batch, particle),
                detector=_table(batch, detector),
                weights=generated * everywhere.product(batch, weighted)[:, 0],
                detector_weights=generated * own.product(batch, weighted)[:, 0],
                at_particle=at_particle,
                at_detector=at_detector,
                keys=identifier.keys(batch),
            )
        )
    whole = joined(parts)
    if not whole.matched.any():
        raise EmptySelectionError(
            f"unfold: dataset {dataset.name!r} has no event that passes at both levels; correct its region, or "
            "unfold.passes."
        )
    return whole[whole.at_particle | whole.at_detector]


def _at_particle(factor: Factor, settings: Train) -> bool:
    """Whether weights hold at the particle level, too; a source that each era has by itself ends with its name."""
    return any(f"{factor.group}_".startswith(f"{name}_") for name in settings.particle_weights)


def unvaried(inputs: Inputs, variation: str) -> list[str]:
    """The simulated datasets that have no such variation, and are in it as they are; all have the nominal one, "".

    Raises:
        ConfigError: no dataset has it.
    """
    known = {dataset.name: _variations(dataset) for dataset in (*inputs.simulation, *inputs.background)}
    without = [name for name, there in known.items() if variation and variation not in there]
    if len(without) == len(known):
        there = ", ".join(dict.fromkeys(name for names in known.values() for name in names)) or "none"
        raise ConfigError(
            f"unfold.variations: no simulated dataset has {variation!r}, but these: {there}; correct the name, or add "
            "the source to the era of a dataset."
        )
    return without


def _variations(dataset: Dataset) -> dict[str, Variation]:
    """What weights a dataset has in each of its variations, of weights and of objects."""
    sides = [one for one in Weights.of(dataset, ()).variations if one.way in ("up", "down")]
    shifted = dict.fromkeys(dataset.manifest.variations, NOMINAL)
    return {f"{named(one.group, one.source)}_{one.way}": one for one in sides} | shifted


def _varied(dataset: Dataset, variation: str) -> tuple[Weights, Variation, str]:
    """The weights of a dataset, which of their variations is meant, or that of its objects; nominal without it."""
    shifted = variation if variation in dataset.manifest.variations else ""
    return Weights.of(dataset, ()), _variations(dataset).get(variation, NOMINAL), shifted


def _flags(events: ak.Array, name: str) -> np.ndarray:
    """Which events have a flag, which a column of the user's own may hold as 0 and 1."""
    flags: np.ndarray = ak.to_numpy(events[name]).astype(bool)
    return flags


def _seed(replica: int, place: int) -> int:
    """That of the draws of a dataset, by its place among all simulated ones."""
    return derived_seed(replica, place) if place else replica


def _table(events: ak.Array, names: Sequence[str]) -> np.ndarray:
    return np.stack([ak.to_numpy(events[name]).astype(np.float32) for name in names], axis=1)
