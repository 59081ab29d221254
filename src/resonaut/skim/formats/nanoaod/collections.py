"""The objects of a region in a batch of a NanoAOD file: which collections and branches they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import awkward as ak
import numpy as np

from resonaut.physics.observables import MET
from resonaut.skim.formats.nanoaod.corrected import SMALL, Corrected
from resonaut.skim.formats.nanoaod.names import Names
from resonaut.skim.formats.nanoaod.tree import Batch
from resonaut.skim.region import INDEX, KINDS, Objects, needed
from resonaut.skim.variations import Rows

PDGID = "pdgId"


@dataclass(frozen=True)
class Collections:
    """Objects by their names in the region, in the ``rows`` of a stack; ``skim.objects.select`` reads them.

    Those of particle level are not ``corrected``.
    """

    batch: Batch
    names: Names
    of: Objects
    corrected: Corrected | None
    rows: Rows

    def objects(self, name: str, fields: Sequence[str], mask: np.ndarray) -> ak.Array:
        """Fields of all objects of a kind, in the rows of ``mask``."""
        of, places, pdgid = collection(name, self.of, self.names), self.rows.places[mask], self.of.kind(name).pdgid
        changed = {} if self.corrected is None else self.corrected.fields(of)
        columns = {field: self.rows.of(changed[field])[mask] for field in fields if field in changed}
        if stored := [field for field in fields if field not in (*changed, INDEX)]:
            found = self.batch.at(places, of, [*stored, *([] if pdgid is None else [PDGID])])
            if INDEX in fields:
                found, stored = ak.with_field(found, ak.local_index(found[stored[0]]), INDEX), [*stored, INDEX]
            found = found if pdgid is None else found[np.abs(found[PDGID]) == pdgid]
            columns |= {field: found[field] for field in stored}
        return ak.zip(columns)

    def met(self, field: str, mask: np.ndarray) -> np.ndarray:
        """The pt or phi of the missing momentum in the rows of ``mask``."""
        if self.corrected is not None and self.corrected.made.moves_met:
            values = {variation: met[field] for variation, met in self.corrected.met.items()}
        else:
            values = {"": self.batch.flat(self.branch(MET, field))}
        found: np.ndarray = np.asarray(self.rows.of(values))[mask]
        return found

    def branch(self, name: str, field: str) -> str:
        """The file's name of a field."""
        return f"{self.names.met if name == MET else collection(name, self.of, self.names)}_{field}"


def collection(name: str, objects: Objects, names: Names) -> str:
    """The file's collection of a kind of objects."""
    found = objects.kind(name).collection
    return names.candidates if found == KINDS["candidate"].collection else found


def branches(objects: Objects, names: Names, identified: bool = False) -> dict[str, str]:
    """The branches that a file must have for the objects and observables, each with the remedy where it lacks one.

    Small-radius jets that tables have ``identified`` need no branch for that.
    """
    found: dict[str, str] = {}
    for name in objects.region.objects:
        remedy, told = f"correct the object {name!r} of the region", objects.kind(name).pdgid is not None
        fields = [*(field for field in objects.read(name) if field != INDEX), *([PDGID] if told else [])]
        found |= {f"{collection(name, objects, names)}_{field}": remedy for field in fields}
    if identified:
        found.pop(f"{SMALL}_jetId", None)
    if MET in (needs := needed(objects.observables())):
        remedy = "name the missing momentum in skim.branches.met"
        found |= {f"{names.met}_{field}": remedy for field in needs[MET].fields}
    return found
