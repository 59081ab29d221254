"""Bunch crossings: their Level-1 objects as padded arrays of hardware integers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from resonaut.physics.level1.scales import COLLECTIONS, SUM_SATURATED, SUMS

Int16 = npt.NDArray[np.int16]
FIELDS = ("et", "eta", "phi", "quality")


@dataclass(frozen=True)
class Objects:
    """One collection of n crossings, arrays (n, capacity) by falling energy; 0 in all of them where there is none."""

    et: Int16
    eta: Int16
    phi: Int16
    quality: Int16

    def __getitem__(self, rows: Any) -> "Objects":
        return Objects(*(getattr(self, name)[rows] for name in FIELDS))

    def kept(self, there: npt.NDArray[np.bool_]) -> "Objects":
        """Those of a mask (n, capacity), by falling energy; others move up in the place of what is left out."""
        order = np.argsort(np.where(there, -self.et.astype(np.int32), 1), axis=1, kind="stable")
        there = np.take_along_axis(there, order, axis=1)
        return Objects(*(np.take_along_axis(getattr(self, name), order, axis=1) * there for name in FIELDS))


@dataclass(frozen=True)
class Crossings:
    """n bunch crossings.

    ``objects`` by collection, ``sums`` by the record's column (n,), ``pileup`` the number of collisions (n,), NaN where
    it is not known, ``seeds`` the decisions of the menu's seeds by name (n,), as far as they are known.
    """

    objects: dict[str, Objects]
    sums: dict[str, Int16]
    pileup: npt.NDArray[np.float32]
    seeds: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pileup)

    def __getitem__(self, rows: Any) -> "Crossings":
        """The crossings of a slice, a mask or an array of places."""
        return Crossings(
            {name: found[rows] for name, found in self.objects.items()},
            {name: values[rows] for name, values in self.sums.items()},
            self.pileup[rows],
            {name: values[rows] for name, values in self.seeds.items()},
        )

    @classmethod
    def joined(cls, parts: Sequence["Crossings"]) -> "Crossings":
        """The crossings of several, one after the other, with the seeds that all of them know."""

        def objects(name: str) -> Objects:
            return Objects(*(np.concatenate([getattr(part.objects[name], one) for part in parts]) for one in FIELDS))

        known = [name for name in parts[0].seeds if all(name in part.seeds for part in parts)]
        return cls(
            {name: objects(name) for name in COLLECTIONS},
            {name: np.concatenate([part.sums[name] for part in parts]) for name in parts[0].sums},
            np.concatenate([part.pileup for part in parts]),
            {name: np.concatenate([part.seeds[name] for part in parts]) for name in known},
        )

    @property
    def saturated(self) -> npt.NDArray[np.bool_]:
        """Which crossings have a sum that is saturated, (n,): nothing is known of its size."""
        found: npt.NDArray[np.bool_] = np.any([self.sums[name] >= SUM_SATURATED for name in SUMS], axis=0)
        return found

    def masked(self) -> "Crossings":
        """Without the objects whose energy is saturated; the others move up."""
        found = {
            name: one.kept((one.et > 0) & (one.et < COLLECTIONS[name].saturated)) for name, one in self.objects.items()
        }
        return replace(self, objects=found)
