"""Several datasets that are one to a stage, and the simulation beside them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import awkward as ak

from resonaut.core.datasets import BLIND
from resonaut.core.errors import ConfigError
from resonaut.core.events import Dataset
from resonaut.core.manifest import Manifest, known_luminosity, share


@dataclass(frozen=True)
class Collisions:
    """Data or pseudo-data that are one to a stage, such as those of several eras: their events one after the other."""

    datasets: tuple[Dataset, ...]

    @classmethod
    def open(cls, manifests: Iterable[Path]) -> "Collisions":
        """Open the datasets of some manifests; see ``Dataset.open``.

        Raises:
            ConfigError: one of them is simulation.
        """
        found = tuple(Dataset.open(path) for path in manifests)
        for dataset in found:
            if dataset.manifest.nature not in BLIND:
                raise ConfigError(f"dataset {dataset.name!r} is simulation, not data; give data or pseudo-data.")
        return cls(found)

    @property
    def name(self) -> str:
        """The datasets' names, as in ``data_2017 + data_2018``."""
        return " + ".join(dataset.name for dataset in self.datasets)

    def iterate(self, columns: Sequence[str], friends: Sequence[str] = ()) -> Iterator[ak.Array]:
        """Yield all events in batches; see ``Dataset.iterate_chunk``."""
        for dataset in self.datasets:
            yield from dataset.iterate(columns, friends)

    def read(self, columns: Sequence[str], friends: Sequence[str] = ()) -> ak.Array:
        """All events at once; see ``Dataset.read``."""
        return ak.concatenate([dataset.read(columns, friends) for dataset in self.datasets])

    @property
    def without_signal(self) -> bool:
        """Whether all events are known to be of no signal."""
        return all(dataset.manifest.nature == "pseudo_data" for dataset in self.datasets)

    @property
    def luminosity(self) -> float:
        """In 1/fb: datasets of one era share it, those of several eras add up.

        Raises:
            ConfigError: a dataset has none.
        """
        return known_luminosity([dataset.manifest for dataset in self.datasets])

    def simulated(self, manifests: Iterable[Path]) -> tuple[Dataset, ...]:
        """Simulation beside these data: that of one era has the part of its cross section that the era's luminosity is.

        Raises:
            ConfigError: it is of an era that these data do not have.
        """
        data = [dataset.manifest for dataset in self.datasets]
        return tuple(_scaled(Dataset.open(path), data) for path in manifests)


def _scaled(dataset: Dataset, data: Sequence[Manifest]) -> Dataset:
    scale = dataset.manifest.weight_scale * share(dataset.manifest, data)
    return replace(dataset, manifest=replace(dataset.manifest, weight_scale=scale))
