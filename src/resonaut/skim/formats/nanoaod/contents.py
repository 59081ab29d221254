"""What the kept jets are made of: their particle-flow candidates, and the quarks near them."""

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from resonaut.physics.observables import LARGE_JET
from resonaut.skim import variations
from resonaut.skim.cutflow import Cutflow
from resonaut.skim.formats.nanoaod import tracks
from resonaut.skim.formats.nanoaod.names import Names
from resonaut.skim.formats.nanoaod.selection import Selection
from resonaut.skim.formats.nanoaod.tree import Batch
from resonaut.skim.selection import broken, constituent_columns, finite
from resonaut.skim.truth import decay_products, truth_columns
from resonaut.skim.variations import Passing, with_shifted

# Charges of the kinds that particle-flow candidates have; NanoAOD v15 leaves the charge out.
CHARGES = {11: -1, 13: -1, 15: -1, 211: 1, 321: 1, 2212: 1, 3112: -1, 3222: 1, 3312: -1, 3334: -1}


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


def _constituents(
    events: Batch, selection: Selection, names: Names, places: np.ndarray, kept: ak.Array, flow: Cutflow
) -> dict[str, Any]:
    """The candidates of the kept jets; a link of -1 is none, and one from or to nowhere puts the event in doubt."""
    columns: dict[str, Any] = {}
    charged = events.has(f"{names.candidates}_charge")
    optional = [*(["charge"] if charged else []), *filter(None, [names.puppi_weight])]
    extra, linked = tracks.of_candidates(selection.networks, names), tracks.of_links(selection.networks)
    fields = ("pt", "eta", "phi", "mass", "pdgId", *optional)
    found = events.at(places, names.candidates, tuple(dict.fromkeys((*fields, *extra.values()))))
    if not charged:
        found = ak.with_field(found, charges(found.pdgId), "charge")
    links = events.at(places, names.links, (names.link_jet, names.link_candidate, *linked.values()))
    # Unsigned numbers cannot be compared with -1.
    jets, ends = ak.values_astype(links[names.link_jet], np.int64), ak.num(events.at(places, names.jets, ("pt",)))
    lost = ak.any(jets < -1, axis=1) | ak.fill_none(ak.max(jets, axis=1) >= ends, False)
    flow.doubt(f"{names.links}_{names.link_jet}", _there(flow, places, ak.to_numpy(lost)))
    for j in range(selection.region.jets):
        own = links[jets == kept.index[:, j]]
        index = _inside(own[names.link_candidate], ak.num(found), f"{names.links}_{names.link_candidate}", places, flow)
        if ak.any(index < 0):
            own, index = own[index >= 0], index[index >= 0]
        mine = found[index]
        for field in fields:
            flow.doubt(f"{names.candidates}_{field}", _there(flow, places, broken(mine[field])))
        for branch in linked.values():
            mine = ak.with_field(mine, own[branch], branch)
        if extra:
            mine = tracks.cleaned(mine, extra | linked)
        if names.puppi_weight is not None:
            weight = mine[names.puppi_weight]
            mine = ak.with_field(ak.with_field(mine, mine.pt * weight, "pt"), mine.mass * weight, "mass")
        jet, more = f"j{j + 1}", selection.networks.candidate
        columns |= constituent_columns(mine, jet, selection.constituents or 0, more)
        if selection.networks.vertices:
            vertices = tracks.vertices(events, places, selection.networks, names, ak.to_numpy(kept.index[:, j]))
            for field in vertices.fields:
                flow.doubt(f"{names.jets}SVs_{field}", _there(flow, places, broken(vertices[field])))
            columns |= {f"{jet}_sv_{field}": vertices[field] for field in vertices.fields}
    return columns


def charges(kinds: ak.Array) -> ak.Array:
    """The charges that belong to particle kinds (PDG numbers), 0 for neutral and unknown ones."""
    charge = ak.zeros_like(kinds)
    for kind, value in CHARGES.items():
        charge = ak.where(kinds == kind, value, ak.where(kinds == -kind, -value, charge))
    return charge


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
