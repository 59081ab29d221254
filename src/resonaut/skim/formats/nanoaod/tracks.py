"""Tracks and vertices of jets in PFNano, for the networks that want them."""

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np

from resonaut.core.lists import packed, unpacked
from resonaut.physics import pfnano
from resonaut.skim.formats.nanoaod.names import Names
from resonaut.skim.formats.nanoaod.tree import Batch
from resonaut.skim.network_inputs import NetworkInputs

JET = ("pt", "eta", "phi", "mass")
MOMENTUM = JET[:3]


def branches(wanted: NetworkInputs, names: Names, jets: str, links: str) -> dict[str, str]:
    """The branches that a file must have for ``jets`` of a collection, each with the remedy where it lacks one."""
    remedy = "give a file of PFNano that has it, or take the network out of the region's networks"
    found = [f"{names.candidates}_{branch}" for branch in of_candidates(wanted, names).values()]
    found += [f"{links}_{branch}" for branch in of_links(wanted).values()]
    if wanted.vertices:
        fields = ["jetIdx", *pfnano.DIRECTION, *(pfnano.VERTEX[field] for field in wanted.vertex)]
        found += [*(f"{jets}SVs_{field}" for field in fields), "SV_eta", "SV_phi"]
    if set(pfnano.SUBJETS) & {*wanted.candidate}:
        found += [*(f"{jets}_{link}" for link in pfnano.SUBJET_LINKS), *(f"SubJet_{field}" for field in MOMENTUM)]
    return dict.fromkeys(found, remedy)


def of_candidates(wanted: NetworkInputs, names: Names) -> dict[str, str]:
    """The candidates' branches by field."""
    known = pfnano.CANDIDATE | pfnano.LABELS | ({"puppi_weight": names.puppi_weight} if names.puppi_weight else {})
    return {field: known[field] for field in wanted.candidate if field in known}


def of_links(wanted: NetworkInputs) -> dict[str, str]:
    """The links' branches by field."""
    return {field: pfnano.LINK[field] for field in wanted.candidate if field in pfnano.LINK}


def cleaned(candidates: ak.Array, fields: Mapping[str, str]) -> ak.Array:
    """Candidates, whose branches become ``fields`` without sentinels, and with ``NO_NUMBER`` for NaN and infinity."""
    counts, content = unpacked(candidates)
    found = pfnano.tracks({field: content[branch] for field, branch in fields.items()})
    return packed(counts, content | {field: pfnano.known(values) for field, values in found.items()})


def subjet_distances(events: Batch, places: np.ndarray, jets: str, index: np.ndarray, found: ak.Array) -> ak.Array:
    """The candidates ``found`` of a jet of each event, with their distances from its subjets."""
    counts, candidates = unpacked(found)
    row = np.repeat(np.arange(len(counts)), counts)
    sizes, every = unpacked(events.at(places, "SubJet", MOMENTUM))
    of = chosen(events.at(places, jets, pfnano.SUBJET_LINKS), index, -1)
    local = np.stack([of[link] for link in pfnano.SUBJET_LINKS], axis=1).astype(np.int64)
    there = (local >= 0) & (local < sizes[:, None])
    links = np.where(there, local + (np.cumsum(sizes) - sizes)[:, None], -1)[row]
    subjets = {name: np.asarray(every[name], np.float64) for name in MOMENTUM}
    directions = {name: np.asarray(candidates[name], np.float64) for name in ("eta", "phi")}
    return packed(counts, candidates | pfnano.subjet_distances(directions, links, subjets))


def chosen(lists: ak.Array, index: np.ndarray, none: float) -> dict[str, np.ndarray]:
    """The fields of one object of each event, which is at ``index`` in its list, and ``none`` where that is -1."""
    counts, content = unpacked(lists)
    where = np.where(index >= 0, (np.cumsum(counts) - counts) + index, -1)
    return {name: np.append(values, np.asarray(none, values.dtype))[where] for name, values in content.items()}


def vertices(events: Batch, places: np.ndarray, wanted: NetworkInputs, collection: str, index: np.ndarray) -> ak.Array:
    """The vertices of a jet of each event, which is at ``index`` in the file: events * var * {pt, eta, ...}.

    One that is linked with a vertex that is not there has no direction, but NaN. A jet at -1 is none and has none.

    Raises:
        UnreadableError: a branch cannot be read.
    """
    stored = {field: pfnano.VERTEX[field] for field in wanted.vertex}
    read = list(dict.fromkeys(["jetIdx", *pfnano.DIRECTION, *stored.values()]))
    found = events.at(places, f"{collection}SVs", read)
    counts, content = unpacked(found[(found.jetIdx == index) & (index >= 0)])
    row = np.repeat(np.arange(len(counts)), counts)
    jets = chosen(events.at(places, collection, JET), index, np.nan)
    jet = {name: np.asarray(jets[name], np.float64)[row] for name in JET}
    sizes, every = unpacked(events.at(places, "SV", ("eta", "phi")))
    link = content["sVIdx"].astype(np.int64)
    where = np.where((link >= 0) & (link < sizes[row]), (np.cumsum(sizes) - sizes)[row] + link, -1)
    eta, phi = (np.append(every[name], np.nan)[where] for name in ("eta", "phi"))
    numbers = {name: content[name].astype(np.float64) for name in pfnano.DIRECTION}
    direction: dict[str, Any] = dict(zip(("eta", "phi"), pfnano.directions(numbers, jet, eta, phi), strict=True))
    fields = {"pt": content["pt"], "mass": content["mass"], **direction}
    return packed(counts, fields | {field: pfnano.known(content[branch]) for field, branch in stored.items()})
