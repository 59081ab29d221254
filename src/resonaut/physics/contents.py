"""What jets are made of, as flat columns: the candidates and vertices of n jets, one jet after the other."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Objects:
    """Objects of n jets: ``counts`` (n,) of each jet, and by name a number of each of all, jet by jet."""

    counts: Places
    fields: Mapping[str, Numbers]

    @property
    def jet(self) -> Places:
        """The jet of each object."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def ordered(self, key: Numbers, keep: NDArray[np.bool_] | None = None) -> "Objects":
        """Those of a mask, in each jet by a falling ``key``; equal ones stay in the order of the file."""
        places = np.lexsort((-key, self.jet))
        return self._at(places if keep is None else places[keep[places]])

    def kept(self, mask: NDArray[np.bool_]) -> "Objects":
        """Those of a mask, in their order."""
        return self._at(np.flatnonzero(mask))

    def _at(self, places: Places) -> "Objects":
        counts = np.bincount(self.jet[places], minlength=len(self.counts))
        return Objects(counts, {name: values[places] for name, values in self.fields.items()})

    def chosen(self, jets: Places) -> "Objects":
        """Those of some jets, in the order of these."""
        first = np.cumsum(self.counts) - self.counts
        counts = self.counts[jets]
        places = np.repeat(first[jets] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return Objects(counts, {name: values[places] for name, values in self.fields.items()})

    def padded(self, values: Numbers, length: int, pad: float) -> Numbers:
        """A number of each object as rows: (n, ``length``), the first ones of each jet and then ``pad``."""
        jet = self.jet
        place = np.arange(len(jet)) - (np.cumsum(self.counts) - self.counts)[jet]
        rows = np.full((len(self.counts), length), pad)
        inside = place < length
        rows[jet[inside], place[inside]] = values[inside]
        return rows

    def wrapped(self, values: Numbers, length: int) -> Numbers:
        """The same, but filled up with the jet's numbers once more; 0 for a jet without objects."""
        counts = np.maximum(self.counts, 1)[:, None]
        places = (np.cumsum(self.counts) - self.counts)[:, None] + np.arange(length) % counts
        return np.where(self.counts[:, None] > 0, np.append(values, 0.0)[np.minimum(places, len(values))], 0.0)


@dataclass(frozen=True)
class Contents:
    """n jets: their pt, eta, phi and mass (n,), and what each is made of."""

    jet: Mapping[str, Numbers]
    candidates: Objects
    vertices: Objects

    def __len__(self) -> int:
        """The number of jets."""
        return len(self.jet["pt"])

    def chosen(self, jets: Places) -> "Contents":
        """Some of the jets."""
        fields = {name: values[jets] for name, values in self.jet.items()}
        return Contents(fields, self.candidates.chosen(jets), self.vertices.chosen(jets))
