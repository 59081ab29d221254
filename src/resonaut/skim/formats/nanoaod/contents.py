"""What the kept jets are made of: their particle-flow candidates, and the quarks near them."""

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.lists import numbers, packed, unpacked
from resonaut.physics import pfnano
from resonaut.physics.observables import LARGE_JET
from resonaut.skim import variations
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.formats.nanoaod import tracks
from resonaut.skim.formats.nanoaod.names import Names
from resonaut.skim.formats.nanoaod.selection import GENERATED_JETS, MOMENTUM, Jets, Selection
from resonaut.skim.formats.nanoaod.tree import Batch
from resonaut.skim.region import INDEX
from resonaut.skim.selection import broken, constituent_columns, finite
from resonaut.skim.truth import decay_products, generated_jet_columns, truth_columns
from resonaut.skim.variations import Passing, with_shifted


def contents(
    events: Batch, selection: Selection, names: Names, whole: Passing, varied: Mapping[str, Passing], flow: Cutflow
) -> dict[str, Any]:
    """What the kept jets are made of: their candidates, and the quarks near them."""

    def jets(passing: Passing) -> Passing:
        return Passing(passing.mask, {LARGE_JET: passing.kept[LARGE_JET]})

    def made(places: np.ndarray, kept: variations.Objects) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if selection.constituents is not None:
            values |= _constituents(events, selection, names, places, kept[LARGE_JET], flow)
        if selection.truth:
            particles = _record(events, places, flow)
            values |= truth_columns(kept[LARGE_JET], particles, selection.region.jets)
        if selection.generated_jets:
            generated = _generated_jets(events, places, flow)
            values |= generated_jet_columns(kept[LARGE_JET], generated, selection.region.jets)
        return values

    alone, columns = jets(whole), selection.columns()
    others = variations.exchanged(alone, {variation: jets(one) for variation, one in varied.items()})
    # What a jet is made of differs where the jet is another.
    unlike = {}
    for variation, one in others.items():
        if one.mask.any():
            moved = variations.moved(one, alone, LARGE_JET)
            mine = {f"j{j + 1}": moved[:, j] for j in range(selection.region.jets)}
            unlike[variation] = {name: mine[name[:2]] for name in columns if name[:2] in mine}
    return with_shifted(made, columns, alone, others, unlike)


def of_objects(
    events: Batch, selection: Selection, names: Names, whole: Passing, varied: Mapping[str, Passing], flow: Cutflow
) -> dict[str, Any]:
    """What the kept objects are made of whose networks want it, such as small-radius jets."""
    found: dict[str, Any] = {}
    for name, jets in selection.made_of(names).items():
        keep = selection.region.objects[name].keep

        def made(places: np.ndarray, kept: variations.Objects, name: str = name, jets: Jets = jets) -> dict[str, Any]:
            index = ak.to_numpy(kept[name].index)
            return {
                column: values
                for place in range(index.shape[1])
                for column, values in _of_jet(
                    events, selection, names, places, index[:, place], f"{name}{place + 1}", jets, flow
                ).items()
            }

        alone, others = _places(whole, name, keep), {which: _places(one, name, keep) for which, one in varied.items()}
        others = variations.exchanged(alone, others)
        unlike = {}
        for variation, one in others.items():
            if one.mask.any():
                moved, begins = variations.moved(one, alone, name), [f"{name}{place + 1}_" for place in range(keep)]
                unlike[variation] = {
                    column: moved[:, place]
                    for place, begin in enumerate(begins)
                    for column in selection.columns()
                    if column.startswith((f"{begin}pf_", f"{begin}sv_", f"{begin}n_constituents"))
                }
        found |= with_shifted(made, selection.columns(), alone, others, unlike)
    return found


def _places(passing: Passing, name: str, keep: int) -> Passing:
    """The places in the file of the first ``keep`` objects of a name, -1 for those that an event does not have."""
    counts, content = unpacked(passing.kept[name])
    first = (np.cumsum(counts) - counts)[:, None] + np.arange(keep)
    there = np.arange(keep) < counts[:, None]
    index = np.append(content[INDEX].astype(np.int64), -1)[np.where(there, first, -1)]
    return Passing(passing.mask, {name: packed(np.full(len(counts), keep), {INDEX: index.ravel()})})


def _constituents(
    events: Batch, selection: Selection, names: Names, places: np.ndarray, kept: ak.Array, flow: Cutflow
) -> dict[str, Any]:
    """The candidates of the kept large-radius jets, with their weighted momenta."""
    columns: dict[str, Any] = {}
    jets = Jets(names.jets, names.links, selection.networks, names.puppi_weight is not None)
    for j in range(selection.region.jets):
        index = ak.to_numpy(kept.index[:, j])
        columns |= _of_jet(events, selection, names, places, index, f"j{j + 1}", jets, flow)
    return columns


def _of_jet(
    events: Batch,
    selection: Selection,
    names: Names,
    places: np.ndarray,
    index: np.ndarray,
    jet: str,
    jets: Jets,
    flow: Cutflow,
) -> dict[str, Any]:
    """The candidates and vertices of a jet of each event, at ``index`` in the file; a jet at -1 is none.

    A link of -1 is none, too, and one from or to nowhere puts the event in doubt.
    """
    charged = events.has(f"{names.candidates}_charge")
    optional = [*(["charge"] if charged else []), *filter(None, [names.puppi_weight])]
    extra, linked = tracks.of_candidates(jets.networks, names), tracks.of_links(jets.networks)
    fields = ("pt", "eta", "phi", "mass", "pdgId", *optional)
    found = events.at(places, names.candidates, tuple(dict.fromkeys((*fields, *extra.values()))))
    if not charged:
        found = ak.with_field(found, charges(found.pdgId), "charge")
    links = events.at(places, jets.links, (names.link_jet, names.link_candidate, *linked.values()))
    # Unsigned numbers cannot be compared with -1.
    ends = ak.num(events.at(places, jets.collection, ("pt",)))
    owners = ak.values_astype(links[names.link_jet], np.int64)
    lost = ak.any(owners < -1, axis=1) | ak.fill_none(ak.max(owners, axis=1) >= ends, False)
    flow.doubt(f"{jets.links}_{names.link_jet}", _there(flow, places, ak.to_numpy(lost)))
    own = links[(owners == index) & (index >= 0)]
    targets = _inside(own[names.link_candidate], ak.num(found), f"{jets.links}_{names.link_candidate}", places, flow)
    if ak.any(targets < 0):
        own, targets = own[targets >= 0], targets[targets >= 0]
    mine = found[targets]
    for field in fields:
        flow.doubt(f"{names.candidates}_{field}", _there(flow, places, broken(mine[field])))
    for branch in linked.values():
        mine = ak.with_field(mine, own[branch], branch)
    if set(pfnano.SUBJETS) & {*jets.networks.candidate}:
        mine = tracks.subjet_distances(events, places, jets.collection, index, mine)
    if extra:
        mine = tracks.cleaned(mine, extra | linked)
    if jets.weighted:
        weight = mine[names.puppi_weight]
        mine = ak.with_field(ak.with_field(mine, mine.pt * weight, "pt"), mine.mass * weight, "mass")
    columns = constituent_columns(mine, jet, selection.most, jets.networks.candidate)
    if jets.networks.vertices:
        vertices = tracks.vertices(events, places, jets.networks, jets.collection, index)
        for field in vertices.fields:
            flow.doubt(f"{jets.collection}SVs_{field}", _there(flow, places, broken(vertices[field])))
        columns |= {f"{jet}_sv_{field}": vertices[field] for field in vertices.fields}
    return columns


def charges(kinds: ak.Array) -> ak.Array:
    """The charges that belong to particle kinds (PDG numbers), 0 for neutral and unknown ones."""
    found = pfnano.charges(numbers(kinds).astype(np.float64)).astype(np.int64)
    return packed(np.asarray(ak.num(kinds)), found)


def _there(flow: Cutflow, places: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The events at the places that are ``found``."""
    mask = np.zeros(len(flow.mask), bool)
    mask[places[found]] = True
    return mask


def _inside(index: ak.Array, sizes: ak.Array, branch: str, places: np.ndarray, flow: Cutflow) -> ak.Array:
    """An index into lists of ``sizes`` in some events; where it points nowhere -1, and the event is in doubt."""
    # Unsigned numbers have no -1.
    flat, counts = ak.to_numpy(ak.flatten(index)).astype(np.int64), ak.to_numpy(ak.num(index))
    outside = (flat < -1) | (flat >= np.repeat(ak.to_numpy(sizes), counts))
    if not outside.any():
        return index
    flow.doubt(branch, _there(flow, places, ak.to_numpy(ak.any(ak.unflatten(outside, counts), axis=1))))
    return ak.unflatten(np.where(outside, -1, flat), counts)


def _generated_jets(events: Batch, places: np.ndarray, flow: Cutflow) -> ak.Array:
    """The generated jets of some events, which are in doubt where one is broken."""
    jets = events.at(places, GENERATED_JETS, MOMENTUM)
    for name in MOMENTUM:
        flow.doubt(f"{GENERATED_JETS}_{name}", _there(flow, places, broken(jets[name])))
    return jets


def _record(events: Batch, places: np.ndarray, flow: Cutflow) -> ak.Array:
    """The generator record of some events; they are in doubt where a decay product or its mother is broken."""
    fields = ("pt", "eta", "phi", "mass", "pdgId", "genPartIdxMother")
    particles = events.at(places, "GenPart", fields)
    mother = _inside(particles.genPartIdxMother, ak.num(particles), "GenPart_genPartIdxMother", places, flow)
    particles = ak.with_field(particles, mother, "mother")
    if not all(finite(particles[name]) for name in fields):
        products = decay_products(particles)
        for name in ("pt", "eta", "phi", "mass"):
            flow.doubt(f"GenPart_{name}", _there(flow, places, broken(products[name])))
        flow.doubt("GenPart_mass", _there(flow, places, broken(particles[products.mother].mass)))
    return particles
