"""Shifts of momenta that are numbers in the events of a batch, by source and way; missing momentum follows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import awkward as ak
import numpy as np

from resonaut.core.lists import packed, unpacked
from resonaut.physics.angles import Lists
from resonaut.skim.corrections import parametrised
from resonaut.skim.corrections.energy import Columns, times
from resonaut.skim.corrections.settings import COLLECTIONS, Shift
from resonaut.skim.corrections.tables import FloatArray
from resonaut.skim.formats.nanoaod.tree import Batch

SMALL, MISSING = "small_jet", "missing_momentum"
# What a jet may be instead.
OTHERS = ("electron", "muon", "tau")
DIRECTION = ("pt", "eta", "phi")
GENERATED, LINK = "GenJet", "genJetIdx"
GENERATED_MET = "GenMET"


def needed(shifts: Mapping[str, Shift]) -> list[str]:
    """The branches that a file must have."""
    found = []
    for shift in shifts.values():
        collection = COLLECTIONS["small_jet" if shift.object == MISSING else shift.object]
        found += [f"{collection}_{field}" for field in (*DIRECTION, *shift.where)]
        if shift.resolution is not None:
            jets = [f"{collection}_{LINK}", f"{GENERATED}_pt"]
            found += jets if shift.object == SMALL else [f"{GENERATED_MET}_{field}" for field in ("pt", "phi")]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Shifts:
    """The sources of an era in a batch. What it gives is by variation, ``<source>_<up|down>``."""

    batch: Batch
    sources: Mapping[str, Shift]

    def of(self, kind: str) -> dict[str, Shift]:
        """The sources that shift one kind of objects."""
        return {name: shift for name, shift in self.sources.items() if shift.object == kind}

    def fields(self, collection: str) -> dict[str, dict[str, ak.Array]]:
        """The shifted fields of a collection other than jets, the stored ones under ""."""
        kind = next((kind for kind, name in COLLECTIONS.items() if name == collection), "")
        if not (shifts := self.of(kind)):
            return {}
        counts, of = self._read(kind)
        moved = {name: self._factors(counts, of, shift) for name, shift in shifts.items()}
        return {
            field: {"": packed(counts, of[field])}
            | {
                f"{name}_{way}": packed(counts, of[field] * factor)
                for name, by_way in moved.items()
                for way, factor in by_way.items()
            }
            for field in ("pt", "mass")
            if field in of
        }

    def jets(self, nominal: ak.Array) -> dict[str, ak.Array]:
        """The shifted small-radius jets, with all their fields: events * var * {pt, eta, phi, mass, ...}."""
        counts, of = unpacked(nominal)
        return {
            f"{name}_{way}": packed(counts, of | times(of, factor, ("pt", "mass")))
            for name, shift in self.of(SMALL).items()
            for way, factor in self._factors(counts, of, shift).items()
        }

    def met(self, nominal: ak.Array, jets: ak.Array | None, follow: bool) -> dict[str, ak.Array]:
        """The shifted missing momentum, {pt, phi}.

        Args:
            nominal: as it is without shifts.
            jets: all small-radius jets as they are, where a source asks for them.
            follow: whether it follows small-radius jets; not where type-1 corrections have done so.
        """
        direction = nominal.phi
        met = np.stack([ak.to_numpy(nominal.pt * f(direction)) for f in (np.cos, np.sin)]).astype(np.float64)
        found: dict[str, FloatArray] = {}
        for name, shift in self.sources.items():
            if shift.object == MISSING:
                sums = np.zeros_like(met) if jets is None else parametrised.total(*unpacked(jets))
                moved = parametrised.missing(shift, met, sums, self._invisible(shift))
            elif shift.object == SMALL:
                assert jets is not None
                moved = self._recoil(met, *unpacked(jets), shift) if follow else {}
            else:
                moved = self._recoil(met, *self._read(shift.object), shift)
            found |= {f"{name}_{way}": values for way, values in moved.items()}
        return {name: ak.zip({"pt": np.hypot(x, y), "phi": np.arctan2(y, x)}) for name, (x, y) in found.items()}

    def _recoil(self, met: FloatArray, counts: np.ndarray, of: Columns, shift: Shift) -> dict[str, FloatArray]:
        """Missing momentum without what shifts add to the momenta of objects."""
        moved = self._factors(counts, of, shift)
        return {way: met - parametrised.total(counts, of, factor - 1) for way, factor in moved.items()}

    def _factors(self, counts: np.ndarray, of: Columns, shift: Shift) -> dict[str, FloatArray]:
        chosen, generated = parametrised.within(of, shift.where, len(of["pt"])), None
        if shift.object == SMALL:
            for others in self._others:
                chosen &= ~parametrised.taken(counts, of, others)
            if shift.resolution is not None:
                generated = self._generated(counts, of)
        return parametrised.factors(of, chosen, shift, generated)

    def _generated(self, counts: np.ndarray, of: Columns) -> FloatArray:
        """The transverse momentum of each jet's generated one, NaN without."""
        number, match = unpacked(self.batch.collection(GENERATED, ["pt"]))
        index = of["gen_index"].astype(np.int64)
        there = (index >= 0) & (index < np.repeat(number, counts))
        found = np.full(len(index), np.nan)
        found[there] = match["pt"][(index + np.repeat(np.cumsum(number) - number, counts))[there]]
        return found

    def _invisible(self, shift: Shift) -> FloatArray | None:
        """The momentum of the generated particles that no detector sees, (2, n), for a resolution."""
        if shift.resolution is None:
            return None
        pt, phi = (self.batch.flat(f"{GENERATED_MET}_{field}").astype(np.float64) for field in ("pt", "phi"))
        return np.stack([pt * np.cos(phi), pt * np.sin(phi)])

    @cached_property
    def _others(self) -> list[Lists]:
        """The electrons, muons and taus that may be jets, of each kind that the file has."""
        found = []
        for kind in OTHERS:
            if all(self.batch.has(f"{COLLECTIONS[kind]}_{field}") for field in DIRECTION):
                found.append(Lists(*unpacked(self.batch.collection(COLLECTIONS[kind], DIRECTION))))
        return found

    def _read(self, kind: str) -> tuple[np.ndarray, Columns]:
        """All objects of a kind, with what the sources ask of them."""
        collection = COLLECTIONS[kind]
        mass = ["mass"] if self.batch.has(f"{collection}_mass") else []
        wanted = [field for shift in self.of(kind).values() for field in shift.where]
        return unpacked(self.batch.collection(collection, list(dict.fromkeys([*DIRECTION, *mass, *wanted]))))
