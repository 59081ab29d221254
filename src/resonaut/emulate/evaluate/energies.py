"""Samples of showers side by side: equally many of each, energy by energy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import EmptySelectionError
from resonaut.physics.showers.files import Showers

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
# More different energies are no few values, but a range.
MOST_VALUES = 40
# With fewer showers of an energy nothing can be said.
FEWEST = 20


@dataclass(frozen=True)
class Point:
    """An incident ``energy`` (MeV), or the middle of a range, and the ``rows`` of its showers in all samples alike."""

    energy: float
    rows: Rows


@dataclass(frozen=True)
class Grid:
    """The energies of a sample, or ranges: ``centres`` (k,), and the ``edges`` between them, (k - 1,), all in MeV."""

    centres: Floats
    edges: Floats

    @classmethod
    def of(cls, energies: Floats, ranges: int) -> "Grid":
        """The few values that energies (n,) take; where they take many, ``ranges`` with equally many showers."""
        values = np.unique(energies.astype(np.float32)).astype(np.float64)
        if len(values) <= MOST_VALUES:
            return cls(values, np.sqrt(values[1:] * values[:-1]))
        edges = np.quantile(energies, np.linspace(0, 1, ranges + 1))
        return cls(np.sqrt(edges[1:] * edges[:-1]), edges[1:-1])

    def place(self, energies: Floats) -> Rows:
        """The number of the energy or range of each shower, (n,)."""
        return np.searchsorted(self.edges, energies, side="right").astype(np.int64)


def matched(samples: Sequence[Showers], names: Sequence[str], ranges: int) -> tuple[list[Showers], list[Point]]:
    """Equally many showers of each sample at each energy of the first, and where they then are.

    Without that a classifier could tell the samples apart by the incident energy alone.

    Raises:
        EmptySelectionError: a sample has too few showers of an energy.
    """
    grid = Grid.of(samples[0].energies, ranges)
    kept: list[list[Rows]] = [[] for _ in samples]
    points, start = [], 0
    places = [grid.place(sample.energies) for sample in samples]
    for number, energy in enumerate(grid.centres):
        rows = [np.flatnonzero(place == number) for place in places]
        fewest = min(map(len, rows))
        if fewest < FEWEST:
            name = names[int(np.argmin(list(map(len, rows))))]
            raise EmptySelectionError(
                f"there are {fewest} {name} showers at {energy:g} MeV, and with fewer than {FEWEST} nothing can be "
                "said; make more of them, with the energies of the simulated ones."
            )
        for own, found in zip(kept, rows, strict=True):
            own.append(found[:fewest])
        points.append(Point(float(energy), np.arange(start, start + fewest)))
        start += fewest
    return [sample[np.concatenate(own)] for sample, own in zip(samples, kept, strict=True)], points
