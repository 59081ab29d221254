"""The corrected objects and the weights of NanoAOD's events: what the era's corrections make of the branches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import awkward as ak
import numpy as np

from resonaut.core.identifier import KEY, Keys, keys
from resonaut.core.lists import numbers, packed, unpacked
from resonaut.skim import variations
from resonaut.skim.corrections import energy, identification, mass, missing
from resonaut.skim.corrections.settings import DataCorrections, SimulatedCorrections
from resonaut.skim.corrections.tables import FloatArray, Table
from resonaut.skim.era import tables
from resonaut.skim.formats.nanoaod import shifts
from resonaut.skim.formats.nanoaod.names import Names
from resonaut.skim.formats.nanoaod.tree import Batch, Tree

RADII = {"large_jet": 0.8, "small_jet": 0.4}
# Seeds of what is random, each of its own.
SEEDS = {"large_jet": 1, "small_jet": 2, "mass": 3}
GENERATED = {"large_jet": ("GenJetAK8", "genJetAK8Idx"), "small_jet": ("GenJet", "genJetIdx")}
SMALL = "Jet"
SOFT = "CorrT1METJet"
MUON, PARTICLE_FLOW = "Muon", "isPFcand"
SUBJET_LINKS = ("subJetIdx1", "subJetIdx2")
# Events of each file in which stored and corrected momenta are compared.
FIRST = 1000
MOMENTUM = ("pt", "eta", "phi", "mass")

T = TypeVar("T")
# Objects by variation, the nominal ones under "".
Shifted = dict[str, ak.Array]


@dataclass(frozen=True)
class Corrections:
    """The corrections of a dataset, of the era ``era``; ``blind``: no truth is read, and nothing is uncertain."""

    era: str
    settings: DataCorrections | SimulatedCorrections
    blind: bool

    @property
    def simulated(self) -> SimulatedCorrections | None:
        """What belongs to simulation alone."""
        made = self.settings
        return made if isinstance(made, SimulatedCorrections) and not self.blind else None

    def stored(self, source: str) -> str:
        """The name of a source in the file: with the era where it is independent in each."""
        made = self.settings
        own = isinstance(made, SimulatedCorrections) and source in made.uncorrelated
        return f"{source}_{self.era}" if own else source

    def groups(self) -> dict[str, str]:
        """The variations that shift objects, each with its group: ``jes``, ``jer``, ``jms``, ``jmr``."""
        made = self.simulated
        sources = made.shifts if made is not None else []
        return {f"{self.stored(name)}_{way}": name.partition("_")[0] for name in sources for way in energy.WAYS}

    @cached_property
    def energies(self) -> dict[str, energy.Energy]:
        """The tables of large- and small-radius jets, where they are corrected.

        Raises:
            InputFileError: a table is missing.
        """
        given = {kind: getattr(self.settings, kind) for kind in RADII}
        return {
            kind: energy.Energy.of(jets, RADII[kind], SEEDS[kind]) for kind, jets in given.items() if jets is not None
        }

    @cached_property
    def subjet_scale(self) -> energy.Scale | None:
        """The tables of subjets, where they are corrected anew."""
        made = self.settings.subjets
        if made is None or made.file is None:
            return None
        return energy.Scale.of(made.file, made.levels, made.algorithm, made.scale)

    @property
    def scales(self) -> list[energy.Scale]:
        """All tables of the energy of jets and subjets."""
        found = [made.scale for made in self.energies.values()]
        return found if self.subjet_scale is None else [*found, self.subjet_scale]

    @cached_property
    def offset(self) -> energy.Scale | None:
        """The tables that remove pile-up alone, where missing momentum needs them."""
        jets, met = self.settings.small_jet, self.settings.missing_momentum
        if jets is None or met is None or met.offset is None:
            return None
        return energy.Scale.of(jets.file, met.offset, jets.algorithm, jets.scale)

    def open(self) -> None:
        """Open all tables once, so that one that is missing stops the job and not each file.

        Raises:
            InputFileError: a table is missing.
        """
        for path, name in tables(self.settings):
            Table.of(path, name)
        _ = self.energies, self.subjet_scale, self.offset

    def identifies(self, kind: str) -> bool:
        """Whether tables give the identification of a kind of jets."""
        jets = getattr(self.settings, kind)
        return jets is not None and jets.identification is not None

    def __getstate__(self) -> dict[str, Any]:
        """Another process opens the tables for itself."""
        return {name: getattr(self, name) for name in ("era", "settings", "blind")}

    def needed(self, names: Names) -> dict[str, str]:
        """The branches that a file must have, each with the remedy where it lacks one."""
        where = f"take what is corrected with it out of skim.eras.{self.era}.corrections"
        made, needed = self.settings, {}
        if self.scales:
            needed[names.rho] = f"name it in skim.branches, or {where}"
        if any(one is not None for one in (made.small_jet, made.jet_veto, made.hem)):
            needed |= {f"{SMALL}_{field}": where for field in MOMENTUM}
        for kind, collection in (("large_jet", names.jets), ("small_jet", SMALL)):
            if kind in self.energies:
                needed |= {f"{collection}_{field}": where for field in ("rawFactor", "area")}
        if made.subjets is not None:
            needed |= {f"{names.jets}_{field}": where for field in SUBJET_LINKS}
            needed |= {f"SubJet_{field}": where for field in MOMENTUM}
            needed |= {} if self.subjet_scale is None else {"SubJet_rawFactor": where}
        for kind, collection in (("large_jet", names.jets), ("small_jet", SMALL)):
            if self.identifies(kind):
                needed |= {f"{collection}_{field}": where for field in identification.FIELDS}
        if made.missing_momentum is not None:
            needed |= {f"{made.missing_momentum.raw}_{field}": where for field in ("pt", "phi")}
            needed[f"{SMALL}_muonSubtrFactor"] = where
        if (simulated := self.simulated) is not None and "unclustered" in simulated.shifts:
            # NanoAOD up to version 12 has the shift of `MET` as such.
            ends = ("MetUnclustEnUpDeltaX",) if names.met == "MET" else ("ptUnclusteredUp", "phiUnclusteredUp")
            needed |= {f"{names.met}_{end}": "set missing_momentum.unclustered to false" for end in ends}
        own = {} if self.simulated is None else self.simulated.object_shifts
        return dict.fromkeys(shifts.needed(own), where) | needed

    @property
    def moves_met(self) -> bool:
        """Whether missing momentum is corrected, or shifted."""
        return self.settings.missing_momentum is not None or bool(self.simulated and self.simulated.object_shifts)

    def without(self, names: Names, present: frozenset[str]) -> list[str]:
        """What is noted of a file whose jets are smeared at random, or count in vetoes whatever they are."""
        smeared = [kind for kind, made in self.energies.items() if self.simulated and made.resolution is not None]
        collections = {"large_jet": names.jets, "small_jet": SMALL}
        notes = [
            f"no branch {lacking[0]!r}, so that all {collections[kind]!r} are smeared at random"
            for kind in smeared
            if (lacking := [branch for branch in links(kind, collections[kind]) if branch not in present])
        ]
        if self.settings.jet_veto is not None and not self.identifies("small_jet") and f"{SMALL}_jetId" not in present:
            notes.append(f"no branch '{SMALL}_jetId', so that 'jet_veto' counts jets of any identification")
        return notes

    def require_era(self, tree: Tree, names: Names) -> list[str]:
        """Compare stored momenta with those that the tables give, in the file's first events.

        Returns:
            What is noted of a file whose era cannot be known.

        Raises:
            InputFileError: they are those of another era.
        """
        batch, notes = Batch(tree, 0, min(FIRST, tree.events)), []
        for kind, collection in (("large_jet", names.jets), ("small_jet", SMALL)):
            settings = getattr(self.settings, kind)
            if settings is None or not settings.check_era:
                continue
            nature = "simulation" if isinstance(self.settings, SimulatedCorrections) else "data"
            found = energy.difference(
                batch.collection(collection, (*MOMENTUM, "rawFactor", "area")),
                self.energies[kind].scale,
                _events(batch, names),
            )
            campaign = settings.scale if isinstance(settings.scale, str) else " and ".join(settings.scale)
            key = f"skim.eras.{self.era}.corrections.{nature}.{kind}.check_era"
            if found is None:
                notes.append(f"no {collection!r} in the first {FIRST} events tells whether it is of the era")
            else:
                energy.require_era(tree.path, found, collection, campaign, key)
        return notes


def links(kind: str, collection: str) -> list[str]:
    """The branches that jets of a kind need to be matched with generated ones."""
    generated, link = GENERATED[kind]
    return [f"{collection}_{link}", *(f"{generated}_{field}" for field in ("pt", "eta", "phi"))]


def _events(batch: Batch, names: Names) -> energy.Events:
    return energy.Events(batch.flat(names.rho).astype(np.float64), batch.flat("run"), _keys(batch))


def _keys(batch: Batch) -> Keys:
    return keys({name: batch.flat(name) for name in KEY})


class Corrected:
    """The corrected objects of one batch, each read when it is first asked for."""

    def __init__(self, batch: Batch, names: Names, made: Corrections) -> None:
        """Nothing is read yet."""
        self.batch, self.names, self.made = batch, names, made

    @cached_property
    def events(self) -> energy.Events:
        """What the tables ask of events."""
        return _events(self.batch, self.names)

    def extra(self, kind: str) -> dict[str, str]:
        """What of a kind of jets is read beside what the selection wants: fields of the file by their names here."""
        settings = getattr(self.made.settings, kind)
        collection = self.names.jets if kind == "large_jet" else SMALL
        fields: dict[str, str] = {}
        if settings is not None:
            fields |= {name: name for name in ("rawFactor", "area")}
            if self._generated(kind) and all(map(self.batch.has, links(kind, collection))):
                fields["gen_index"] = GENERATED[kind][1]
            if self.made.identifies(kind):
                fields |= {name: name for name in identification.FIELDS}
        if kind == "large_jet" and self.made.settings.subjets is not None:
            fields |= {name: name for name in SUBJET_LINKS}
        return fields

    def large(self, counts: np.ndarray, of: energy.Columns, fields: Sequence[str]) -> variations.Shifted:
        """The corrected large-radius jets, and what each variation makes of them.

        Args:
            counts: their number in each event.
            of: their fields, with ``extra``, one jet after the other.
            fields: what is wanted of them, where it is there.
        """
        settings, simulated = self.made.settings, self.made.simulated
        if settings.subjets is not None:
            of = of | {"softdrop_mass": numbers(mass.from_subjets(packed(counts, of), self._subjets))}
        of, factors = self._corrected("large_jet", counts, of)
        masses: dict[str, ak.Array] = {}
        if isinstance(settings, SimulatedCorrections) and settings.mass is not None:
            stored = packed(counts, of["softdrop_mass"])
            masses = mass.scaled(stored, settings.mass, _keys(self.batch), SEEDS["mass"], simulated is not None)
            of = of | {"softdrop_mass": numbers(masses.pop(""))}
        found = {name: energy.times(of, factor, ("pt", "mass", "softdrop_mass")) for name, factor in factors.items()}
        found |= {name: {"softdrop_mass": numbers(values)} for name, values in masses.items()}
        nominal = {name: values for name, values in of.items() if name in fields}
        return variations.Shifted(counts, nominal, self._named(found))

    def small(self, jets: ak.Array) -> Shifted:
        """The corrected small-radius ``jets`` (events * var, with ``extra``), and those of each variation."""
        counts, of = unpacked(jets)
        of, factors = self._corrected("small_jet", counts, of)
        shifted = {name: packed(counts, of | energy.times(of, by, ("pt", "mass"))) for name, by in factors.items()}
        return self._named({"": packed(counts, of)} | shifted)

    @cached_property
    def small_jets(self) -> Shifted:
        """All corrected small-radius jets, with what vetoes ask of them."""
        fields = {name: name for name in MOMENTUM} | self.extra("small_jet")
        for shift in self.own.of("small_jet").values():
            fields |= {name: name for name in shift.where}
            fields |= {} if shift.resolution is None else {"gen_index": GENERATED["small_jet"][1]}
        optional = {"jet_id": "jetId", "chEmEF": "chEmEF", "neEmEF": "neEmEF", "muonSubtrFactor": "muonSubtrFactor"}
        fields |= {name: field for name, field in optional.items() if self.batch.has(f"{SMALL}_{field}")}
        found = self.small(_electromagnetic(self.batch.collection(SMALL, fields)))
        return found | self._named(self.own.jets(found[""]))

    @cached_property
    def own(self) -> shifts.Shifts:
        """The shifts of momenta that are numbers."""
        simulated = self.made.simulated
        return shifts.Shifts(self.batch, {} if simulated is None else simulated.object_shifts)

    def fields(self, collection: str) -> dict[str, Shifted]:
        """The branches of a collection whose values differ from those in the file, and what each variation makes."""
        if collection == SMALL:
            return self.small_fields
        return {name: self._named(of) for name, of in self.own.fields(collection).items()}

    @cached_property
    def small_fields(self) -> dict[str, Shifted]:
        """The branches of small-radius jets whose values differ from those in the file."""
        if self.made.settings.small_jet is None and not self.own.of("small_jet"):
            return {}
        found = {name: {which: jets[name] for which, jets in self.small_jets.items()} for name in ("pt", "mass")}
        identified = {"jetId": {"": self.small_jets[""].jet_id}} if self.made.identifies("small_jet") else {}
        return found | identified

    @cached_property
    def met(self) -> Shifted:
        """The missing momentum of each event, {pt, phi}, and that of each variation."""
        type_one = self.made.settings.missing_momentum is not None
        stored = {field: self.batch.flat(f"{self.names.met}_{field}") for field in ("pt", "phi")}
        found = self._type_one if type_one else {"": ak.zip(stored)}
        asked = bool(self.own.of("small_jet") or self.own.of("missing_momentum"))
        jets = self.small_jets[""] if asked else None
        return found | self._named(self.own.met(found[""], jets, follow=not type_one))

    @cached_property
    def _type_one(self) -> Shifted:
        """The raw missing momentum of each event corrected for the jets, {pt, phi}, and that of each variation."""
        met = self.made.settings.missing_momentum
        assert met is not None
        pt, phi = (self.batch.flat(f"{met.raw}_{field}").astype(np.float64) for field in ("pt", "phi"))
        jets, made = self.small_jets[""], self.made.energies["small_jet"]
        sums = {"": [missing.jet_sum(jets, jets.factor * jets.smearing, self._offset(jets))]}
        for variation, moved in self.small_jets.items():
            factor = jets.factor * jets.smearing * moved.pt / ak.where(jets.pt == 0, 1, jets.pt)
            sums[variation] = [missing.jet_sum(jets, factor, self._offset(jets))]
        if self.batch.has(f"{SOFT}_rawPt"):
            fields = {"pt": "rawPt", "eta": "eta", "phi": "phi", "area": "area", "muonSubtrFactor": "muonSubtrFactor"}
            if self.batch.has(f"{SOFT}_EmEF"):
                fields["electromagnetic"] = "EmEF"
            soft = self.batch.collection(SOFT, fields)
            zero = ak.zeros_like(soft.pt)
            soft = ak.with_field(ak.with_field(soft, zero, "rawFactor"), zero, "mass")
            plain = energy.Energy(made.scale, made.uncertainties, None)
            corrected, factors = plain.correct(soft, self.events, shifts=self.made.simulated is not None)
            offset = self._offset(soft)
            shifted = self._named({"": ak.ones_like(zero)} | factors)
            for variation in sums:
                factor = corrected.factor * shifted.get(variation, 1)
                sums[variation].append(missing.jet_sum(soft, factor, offset))
        found = {variation: missing.corrected(pt, phi, parts) for variation, parts in sums.items()}
        if (settings := self.made.simulated) is not None and "unclustered" in settings.shifts:
            change = self._unclustered()
            for way, sign in energy.WAYS.items():
                name = f"{self.made.stored('unclustered')}_{way}"
                found[name] = missing.corrected(pt, phi, [*sums[""], -sign * change])
        return found

    def _unclustered(self) -> np.ndarray:
        """How the uncertainty of what is in no jet moves the missing momentum, shape (2, n): x and y (GeV)."""
        met, flat = self.names.met, self.batch.flat
        if self.batch.has(f"{met}_MetUnclustEnUpDeltaX"):
            return np.asarray([flat(f"{met}_MetUnclustEnUpDelta{axis}") for axis in "XY"], np.float64)
        shifted, stored = (
            np.stack([flat(f"{met}_pt{end}") * f(flat(f"{met}_phi{end}")) for f in (np.cos, np.sin)])
            for end in ("UnclusteredUp", "")
        )
        return np.asarray(shifted - stored, np.float64)

    def require_runs(self, mask: np.ndarray) -> None:
        """Stop where the run of an event of ``mask`` has no table; those of other events may be anything."""
        for scale in self.made.scales:
            scale.require_runs(self.events.run[mask])

    def vetoed(self) -> dict[str, dict[str, np.ndarray]]:
        """The events (n,) that are cut for a jet where none may be, by the cut's name and the variation."""
        settings, found = self.made.settings, {}
        if settings.jet_veto is not None:
            found["jet_veto"] = identification.vetoed(self.small_jets, settings.jet_veto, self._muons())
        if isinstance(settings, DataCorrections) and settings.hem is not None:
            late = self.batch.flat("run") >= identification.HEM_FIRST_RUN
            found["hem"] = {"": late & identification.in_hem(self.small_jets[""], settings.hem)}
        return found

    def _muons(self) -> ak.Array | None:
        """The muons among the particle-flow candidates; None where the file has none."""
        if not self.batch.has(f"{MUON}_eta"):
            return None
        flag = [PARTICLE_FLOW] * self.batch.has(f"{MUON}_{PARTICLE_FLOW}")
        muons = self.batch.collection(MUON, ("eta", "phi", *flag))
        return muons[muons[PARTICLE_FLOW] != 0] if flag else muons

    def _corrected(
        self, kind: str, counts: np.ndarray, of: energy.Columns
    ) -> tuple[energy.Columns, dict[str, FloatArray]]:
        settings = getattr(self.made.settings, kind)
        if settings is None:
            return of, {}
        if settings.identification is not None:
            found = identification.jet_id(packed(counts, of), settings.identification)
            of = of | {"jet_id": numbers(found)}
        generated = None
        if "gen_index" in of:
            generated = self.batch.collection(GENERATED[kind][0], ("pt", "eta", "phi"))
        shifts = self.made.simulated is not None
        return self.made.energies[kind].flat(of, counts, self.events, generated, shifts)

    def _generated(self, kind: str) -> bool:
        """Whether jets are smeared towards generated ones."""
        return self.made.simulated is not None and self.made.energies[kind].resolution is not None

    @cached_property
    def _subjets(self) -> ak.Array:
        scale = self.made.subjet_scale
        fields = MOMENTUM if scale is None else (*MOMENTUM, "rawFactor")
        subjets = self.batch.collection("SubJet", fields)
        if scale is None:
            return subjets
        return energy.rescaled(subjets, scale(subjets, self.events) * (1 - subjets.rawFactor), ("pt", "mass"))

    def _offset(self, jets: ak.Array) -> ak.Array | None:
        return None if self.made.offset is None else self.made.offset(jets, self.events)

    def _named(self, found: Mapping[str, T]) -> dict[str, T]:
        """By variation, under the names that the sources have in the file."""
        return {
            f"{self.made.stored(name.rpartition('_')[0])}_{name.rpartition('_')[2]}" if name else "": objects
            for name, objects in found.items()
        }


def _electromagnetic(jets: ak.Array) -> ak.Array:
    """The jets with the part of their energy that is of photons and electrons, where the file has it."""
    if not {"chEmEF", "neEmEF"} <= set(jets.fields):
        return jets
    return ak.with_field(jets, jets.chEmEF + jets.neEmEF, "electromagnetic")
