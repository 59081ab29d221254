"""What a region's objects and observables are made of, and what of a region cannot be. Imports nothing heavy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from math import ceil
from typing import Any

from resonaut.core.errors import ConfigError
from resonaut.core.formats import Format
from resonaut.core.record import keys
from resonaut.core.units import listed
from resonaut.physics.observables import GROUPS, LARGE_JET, MET, MOMENTUM, OBSERVABLES, Need, Observable
from resonaut.skim.columns import KINEMATICS, PAIR, TAKEN, Column, generated
from resonaut.skim.settings import Region

# Cuts on jets and on pairs of them, by the number of jets that they need.
JET_KEYS = {"pt_min": 1, "eta_max": 1, "softdrop_mass": 1, "jet_id": 1, "delta_eta_max": 2, "m_jj_min": 2}
JET_KEYS |= {"tracks": 1, "flavours": 1}
# The place of an object in the file's event, which is read with those whose contents are kept.
INDEX = "index"
RESERVED = (LARGE_JET, MET, *GROUPS, "stored", "generated", "readable", "duplicates")


@dataclass(frozen=True)
class Kind:
    """A collection of NanoAOD, or its particles with ``pdgid`` and their antiparticles.

    Without ``mass`` they count as massless.
    """

    collection: str
    mass: bool = True
    charge: bool = False
    pdgid: int | None = None


KINDS = {
    "muon": Kind("Muon", charge=True),
    "electron": Kind("Electron", charge=True),
    "photon": Kind("Photon", mass=False),
    "tau": Kind("Tau", charge=True),
    "small_jet": Kind("Jet"),
    "track_jet": Kind("TrackJet"),
    "track": Kind("IsoTrack", mass=False),
    "candidate": Kind("PFCands"),
}
# The same at particle level.
GENERATED = {
    "muon": Kind("GenDressedLepton", pdgid=13),
    "electron": Kind("GenDressedLepton", pdgid=11),
    "small_jet": Kind("GenJet"),
    "track_jet": Kind("GenTrackJet"),
}
_COLLECTIONS = {kind.collection: kind for kind in KINDS.values()}


@dataclass(frozen=True)
class Objects:
    """The objects of a region and the observables made of them, some from the user's own files ``code``.

    ``of_particles``: they are those of particle level. The methods are for a region that ``require`` has passed.
    """

    region: Region
    code: tuple[str, ...] = ()
    of_particles: bool = False

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The collections that belong to names of objects."""
        return GENERATED if self.of_particles else KINDS

    def particle_level(self) -> "Objects | None":
        """Those of the region's particle level, if it has one."""
        level = self.region.particle_level
        if level is None:
            return None
        region = Region(jets=0, objects=level.objects, observables=level.observables, cuts=level.cuts)
        return Objects(region, self.code, of_particles=True)

    def order(self) -> list[str]:
        """The names of the objects, each after those that it is a part of or apart from."""
        before = {name: [*self.parent(name), *self.others(name)] for name in self.region.objects}
        return [name for name in TopologicalSorter(before).static_order() if name != LARGE_JET]

    def parent(self, name: str) -> list[str]:
        """The object that this one is a part of, if there is one."""
        source = self.region.objects[name].from_
        return [source] if source in self.region.objects and source != name else []

    def others(self, name: str) -> list[str]:
        """The objects that this one is apart from."""
        return [one for other in self.region.objects[name].apart for one in self.members(other)]

    def members(self, name: str) -> list[str]:
        """The objects of a group that the region has; a single one is its own group."""
        return [one for one in GROUPS.get(name, (name,)) if one in self.region.objects or one == LARGE_JET]

    def kind(self, name: str) -> Kind:
        """The collection that an object is of."""
        if parent := self.parent(name):
            return self.kind(parent[0])
        source = self.region.objects[name].from_
        return self.kinds[name] if source is None else _COLLECTIONS.get(source, Kind(source))

    def decisive(self, name: str) -> list[str]:
        """The fields that decide on an object, and which others are apart from it."""
        cuts = self.region.objects[name]
        compared = bool(cuts.apart) or any(name in self.others(other) for other in self.region.objects)
        fields = ["pt", *(["eta"] if cuts.eta_max is not None or compared else []), *(["phi"] if compared else [])]
        return list(dict.fromkeys([*fields, *cuts.where]))

    def stored(self, name: str) -> list[str]:
        """The fields of an object that are kept."""
        cuts = self.region.objects[name]
        charge = ["charge"] if self.kind(name).charge else []
        return list(dict.fromkeys([*MOMENTUM, *charge, *cuts.fields])) if cuts.keep else []

    def fields(self, name: str) -> list[str]:
        """All fields of an object that are used, with those of its parts."""
        needs = needed(self.observables()).items()
        used = [field for other, need in needs if name in self.members(other) for field in need.fields]
        index = [INDEX] if self.region.objects[name].networks else []
        mine = [*self.decisive(name), *self.stored(name), *used, *index]
        parts = [field for part in self.region.objects if name in self.parent(part) for field in self.fields(part)]
        return list(dict.fromkeys([*mine, *parts]))

    def read(self, name: str) -> list[str]:
        """The fields of an object that its collection has."""
        return [field for field in self.fields(name) if field != "mass" or self.kind(name).mass]

    def counts(self) -> dict[str, Observable]:
        """The numbers of objects: of each, and of a group where it is named."""
        named = {*self.region.observables, *self.region.cuts}
        groups = [name for name in GROUPS if self.members(name) and f"n_{name}" in named]
        return {f"n_{name}": _count(name) for name in (*self.region.objects, *groups)}

    def observables(self) -> dict[str, Observable]:
        """The other observables that are kept or cut on, but for those of a pair of jets that are kept anyway."""
        named = dict.fromkeys([*self.region.cuts, *self.region.observables])
        pair = [name for name in PAIR if self.region.jets == 2 and name not in self.region.cuts]
        known = OBSERVABLES.joined(self.code)
        return {name: known[name] for name in named if name not in self.counts() and name not in pair}

    def guaranteed(self, name: str) -> int:
        """How many objects of that name every kept event has at least."""
        if name in (LARGE_JET, MET):
            return self.region.jets if name == LARGE_JET else 1
        cut = ceil(self.region.cuts.get(f"n_{name}", (0, None))[0] or 0)
        if name in GROUPS:
            return max(cut, sum(map(self.guaranteed, self.members(name))))
        parts = [self.guaranteed(part) for part in self.region.objects if name in self.parent(part)]
        return max(cut, self.region.objects[name].number[0], *parts, 0)

    def names(self) -> list[str]:
        """The names of the columns of objects and observables; none is there twice in a region that is right."""
        places = [(name, place) for name, cuts in self.region.objects.items() for place in range(1, cuts.keep + 1)]
        return [*(f"{name}{place}_{field}" for name, place in places for field in self.stored(name)), *self._kept()]

    def columns(self) -> dict[str, Column]:
        """The columns of objects and observables, in the file's order."""
        found: dict[str, Column] = {}
        for name, cuts in self.region.objects.items():
            for field in self.stored(name):
                dtype = "int8" if field == "charge" else "float32"
                column = Column(dtype, KINEMATICS.get(field, "1"))
                found |= {f"{name}{place}_{field}": column for place in range(1, cuts.keep + 1)}
        found |= {name: Column.observed(one, kind) for name, (kind, one) in self._kept().items()}
        return {name: found[name] for name in self.names()}

    def _kept(self) -> dict[str, tuple[str, Observable]]:
        """The observables that are stored, with their types."""
        own = {f"n_{name}" for name in self.region.objects}
        counts = {name: one for name, one in self.counts().items() if name in own or name in self.region.observables}
        others = {name: one for name, one in self.observables().items() if name in self.region.observables}
        pair = PAIR if self.region.jets == 2 else ()
        return {name: ("int32", one) for name, one in counts.items()} | {
            name: ("float32", one) for name, one in others.items() if name not in pair
        }


def needed(observables: Mapping[str, Observable]) -> dict[str, Need]:
    """What observables need together: of how many objects which fields."""
    found: dict[str, Need] = {}
    for one in observables.values():
        for name, need in one.objects.items():
            known = found.get(name, Need(0, ()))
            fields = tuple(dict.fromkeys([*known.fields, *need.fields]))
            found[name] = Need(max(known.number, need.number), fields)
    return found


def _count(name: str) -> Observable:
    def formula(objects: Mapping[str, Any]) -> Any:
        import awkward as ak

        return ak.num(objects[name], axis=1)

    return Observable({name: Need(0, ("pt",))}, "1", rf"$N_{{\mathrm{{{name.replace('_', ' ')}}}}}$", formula)


def require(name: str, region: Region, layout: Format, format_: str, code: Sequence[str] = ()) -> None:
    """Stop with ``ConfigError`` where the region ``name`` contradicts itself, or asks for what a format lacks."""
    where, objects = f"config: skim.regions.{name}", Objects(region, tuple(code))
    if not layout.flags and (region.trigger or region.met_filters or region.jet_id is not None or region.variations):
        raise ConfigError(
            f"{where} asks for triggers, filters, a jet identification or variations, which files "
            f"of the format {format_} lack; use a region without them."
        )
    require_jets(where, region)
    for place, level in ((where, objects), (f"{where}.particle_level", objects.particle_level())):
        if level is not None:
            require_ranges(place, level.region)
            require_objects(place, level)
            require_observables(place, level)
    require_names(where, objects)
    if region.particle_level is not None and region.jets:
        raise ConfigError(f"{where} has a particle level, but large-radius jets have none; set jets to 0.")
    wanted = [*region.objects, *needed(objects.counts() | objects.observables())]
    if not layout.objects and any(other != LARGE_JET for other in wanted):
        raise ConfigError(
            f"{where} asks for objects beside large-radius jets, which files of the format {format_} lack; use a "
            "region without objects and without observables of them."
        )


def require_jets(where: str, region: Region) -> None:
    """Cuts on more jets than the region keeps, or that none passes."""
    for name, jets in JET_KEYS.items():
        if region.jets < jets and getattr(region, name) not in (None, keys(Region)[name].default):
            kept = "one jet, which has no delta_eta and no m_jj" if region.jets else "no large-radius jets"
            raise ConfigError(f"{where} keeps {kept}; leave {name} out, or raise jets.")
    mass = region.softdrop_mass
    if mass is not None and mass[0] >= mass[1]:
        raise ConfigError(f"{where}.softdrop_mass is {listed(mass)}; give the lower value first.")
    for name, observable in (("m_jj_min", "m_jj"), ("delta_eta_max", "delta_eta_jj")):
        if region.jets == 2 and observable in region.cuts and getattr(region, name) is not None:
            raise ConfigError(f"{where} cuts on {observable} with {name} and in cuts; set {name} to null.")


def require_ranges(where: str, region: Region) -> None:
    """Ranges upside down."""
    ranges = {f"cuts.{name}": limits for name, limits in region.cuts.items()}
    for name, cuts in region.objects.items():
        ranges[f"objects.{name}.number"] = cuts.number
        ranges |= {f"objects.{name}.where.{field}": limits for field, limits in cuts.where.items()}
    for place, (low, high) in ranges.items():
        if low is not None and high is not None and low > high:
            raise ConfigError(f"{where}.{place} is {listed([low, high])}; give the lower value first.")


def require_objects(where: str, objects: Objects) -> None:
    """Objects of no collection, apart from what there is not, or made of one another in a circle."""
    region = objects.region
    for name, cuts in region.objects.items():
        here = f"{where}.objects.{name}"
        if name in RESERVED:
            raise ConfigError(
                f"{here}: {name!r} has a meaning of its own ({', '.join(RESERVED)} do); rename the object."
            )
        if cuts.from_ is None and name not in objects.kinds:
            raise ConfigError(
                f"{here}: no collection belongs to the name {name!r}; give it as 'from', or call it one of "
                f"{', '.join(objects.kinds)}."
            )
        for key, given in (("fields", cuts.fields), ("networks", cuts.networks)):
            if given and not cuts.keep:
                raise ConfigError(f"{here}.{key} are those of objects that are kept, and keep is 0; raise it.")
        if cuts.networks and objects.of_particles:
            raise ConfigError(f"{here}.networks: generated jets have no tracks; take it out.")
        for other in cuts.apart:
            if not objects.members(other) or (other == LARGE_JET and not region.jets):
                known = ", ".join([*region.objects, *([LARGE_JET] if region.jets else [])])
                raise ConfigError(f"{here}.apart: the region has no {other!r}; it has {known}.")
    try:
        objects.order()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise ConfigError(f"{where}.objects are made of one another: {circle}; break the circle.") from None
    for name, cuts in region.objects.items():
        if cuts.number[1] is not None and objects.guaranteed(name) > cuts.number[1]:
            raise ConfigError(
                f"{where}.objects.{name}.number is at most {cuts.number[1]}, and the rest of the region wants "
                f"{objects.guaranteed(name)}; correct one."
            )


def require_observables(where: str, objects: Objects) -> None:
    """Observables that there are not, or of objects that not every event of the region has."""
    region, counts = objects.region, {f"n_{name}" for name in (*objects.region.objects, *GROUPS)}
    known = OBSERVABLES.joined(objects.code)
    for key, named in (("observables", region.observables), ("cuts", region.cuts)):
        for name in named:
            if name.startswith("n_") and name not in counts and name not in known:
                raise ConfigError(
                    f"{where}.{key}: {name!r} counts no object of the region; there are {', '.join(sorted(counts))}."
                )
        known.require(f"{where}.{key}", [name for name in named if name not in counts])
        for name in named:
            found = _count(name.removeprefix("n_")) if name in counts else known[name]
            for other, need in found.objects.items():
                _require_enough(f"{where}.{key}: {name!r}", objects, other, need.number)


def _require_enough(what: str, objects: Objects, other: str, number: int) -> None:
    region, single = objects.region, " or ".join(GROUPS.get(other, (other,)))
    if other != MET and not (objects.members(other) and (other != LARGE_JET or region.jets)):
        way = "raise jets" if other == LARGE_JET else f"add {single} to its objects"
        raise ConfigError(f"{what} needs {other!r}, which the region does not select; {way}.")
    if objects.guaranteed(other) < number:
        way = "raise jets" if other == LARGE_JET else f"raise the number of {single}, or cut on n_{other}"
        raise ConfigError(
            f"{what} needs {number} of {other!r}, and events of the region have {objects.guaranteed(other)} or more; "
            f"{way}."
        )


def require_names(where: str, objects: Objects) -> None:
    """Columns with the name of another."""
    seen, level = set(TAKEN), objects.particle_level()
    for name in [*objects.names(), *(generated(name) for name in (level.names() if level is not None else ()))]:
        if name in seen:
            raise ConfigError(f"{where}: there would be two columns {name!r}; rename the object.")
        seen.add(name)
