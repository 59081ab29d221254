"""Jets for published networks from files of three kinds: NanoAOD with constituents, JetClass, and skimmed events."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import InputFileError, NotFiniteError
from resonaut.physics import pfnano
from resonaut.physics.contents import Contents, Objects
from resonaut.physics.momenta import KINEMATICS

log = logging.getLogger(__name__)

KEY = ("run", "luminosityBlock", "event")
# Events or jets that are read at once.
STEP = 1000


@dataclass(frozen=True)
class Wanted:
    """What is read: the ``collection`` of jets in NanoAOD, and the fields of candidates and vertices.

    ``links`` and ``vertex_links`` are the collections of jets' candidates and vertices; None for those of the usual
    names.
    """

    collection: str
    candidate: tuple[str, ...]
    vertex: tuple[str, ...]
    weight: bool
    links: str | None = None
    vertex_links: str | None = None

    @property
    def vertices(self) -> bool:
        """Whether vertices are read at all."""
        return bool(self.vertex)


@dataclass(frozen=True)
class Batch:
    """Jets in a row, and the columns (n,) that say which they are."""

    columns: dict[str, NDArray[Any]]
    contents: Contents


def batches(path: Path, wanted: Wanted) -> Iterator[Batch]:
    """The jets of a ROOT file, whose kind its trees tell.

    Raises:
        InputFileError: the file is unreadable, of another kind, or lacks a branch.
        NotFiniteError: a branch holds NaN or infinity where it is used.
    """
    import uproot

    if not path.is_file():
        raise InputFileError(path, "no such file", "correct the path")
    try:
        file = uproot.open(path)
        names = {name.split(";")[0] for name in file.keys(recursive=False)}
        found = next((name for name in ("Events", "tree") if name in names), None)
        tree = _Tree(path, file[found] if found else None)
    except Exception as error:
        problem = f"not a readable ROOT file ({type(error).__name__})"
        raise InputFileError(path, problem, "give one of PFNano or JetClass, or skimmed events (.parquet)") from None
    with file:
        if found is None:
            problem = "has neither a tree Events, as NanoAOD, nor a tree named tree, as JetClass"
            raise InputFileError(path, problem, "give another file")
        yield from (_nanoaod if found == "Events" else _jetclass)(tree, wanted)


@dataclass(frozen=True)
class _Tree:
    path: Path
    tree: Any

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.tree.keys())

    def first(self, names: Iterable[str], what: str) -> str:
        """The first of some branches that the file has."""
        names = list(names)
        for name in names:
            if name in self.names:
                return name
        raise InputFileError(self.path, f"no branch {names[0]!r}", f"give a file that has it; it is needed for {what}")

    def named(self, *collections: str) -> str:
        """The first of some collections of links that the file has; the very first where it has none."""
        return next((name for name in collections if f"{name}_jetIdx" in self.names), collections[0])

    def read(self, branches: Sequence[str]) -> Iterator[dict[str, ak.Array]]:
        """The branches, some entries at a time."""
        wanted = list(dict.fromkeys(branches))
        try:
            yield from self.tree.iterate(wanted, step_size=STEP, how=dict)
        except Exception as error:
            raise InputFileError(self.path, f"cannot be read ({type(error).__name__})", "replace it") from None

    def numbers(self, lists: ak.Array, branch: str) -> NDArray[np.float64]:
        """All numbers of a branch, which must be finite."""
        found = np.asarray(ak.to_numpy(ak.flatten(lists, axis=None)), np.float64)
        if not np.isfinite(found).all():
            raise NotFiniteError(f"{self.path}: NaN or infinity in {branch!r}; mend the file.")
        return found


def _nanoaod(tree: _Tree, wanted: Wanted) -> Iterator[Batch]:
    name = wanted.collection
    jets = {field: tree.first([f"{name}_{field}"], f"the jets {name}") for field in KINEMATICS}
    candidates = "PFCands" if "PFCands_pt" in tree.names else "PFCand"
    links = wanted.links or tree.named(f"{name}PFCands", f"{name}PFCand", f"JetPFCands{_size(name)}")
    link = {"jet": tree.first([f"{links}_jetIdx"], f"the candidates of {name}")}
    places = [f"{links}_{one}" for one in ("pFCandsIdx", "pfCandIdx", "candIdx")]
    link["candidate"] = tree.first(places, f"the candidates of {name}")
    own = {field: tree.first([f"{candidates}_{field}"], "the candidates") for field in KINEMATICS}
    extra = [field for field in wanted.candidate if field in pfnano.CANDIDATE]
    # The candidates of the official NanoAOD are weighted already, and those of PFNano are not.
    if wanted.weight or f"{candidates}_{pfnano.CANDIDATE['puppi_weight']}" in tree.names:
        extra.append("puppi_weight")
    if "charge" in extra and f"{candidates}_charge" not in tree.names:
        # As in NanoAOD v15, where the kind tells it.
        extra = ["pdgid" if field == "charge" else field for field in extra]
    own |= {field: tree.first([f"{candidates}_{pfnano.CANDIDATE[field]}"], field) for field in extra}
    if set(pfnano.OF_TRACK) & set(own):
        own["has_track"] = tree.first([f"{candidates}_trkChi2"], "whether a candidate has a track")
    linked = {
        field: tree.first([f"{links}_{pfnano.LINK[field]}"], field)
        for field in wanted.candidate
        if field in pfnano.LINK
    }
    vertices, vertex = wanted.vertex_links or tree.named(f"{name}SVs", f"{name}SV", f"JetSVs{_size(name)}"), {}
    if wanted.vertices:
        own_fields = [field for field in pfnano.DIRECTION if field != "sVIdx"]
        vertex = {field: tree.first([f"{vertices}_{field}"], "vertices") for field in ("jetIdx", *own_fields)}
        vertex["sVIdx"] = tree.first([f"{vertices}_sVIdx", f"{vertices}_svIdx"], "vertices")
        vertex |= {
            field: tree.first([f"{vertices}_{pfnano.VERTEX[field]}"], field)
            for field in wanted.vertex
            if field in pfnano.VERTEX
        }
        vertex |= {f"SV_{field}": tree.first([f"SV_{field}"], "the directions of vertices") for field in ("eta", "phi")}
    subjet = _subjets(tree, name) if set(pfnano.SUBJETS) & {*wanted.candidate} else {}
    unknown = [f for f in wanted.candidate if f not in {*own, *linked, *pfnano.SUBJETS, "charge"}]
    unknown += [f for f in wanted.vertex if f not in vertex and f not in KINEMATICS]
    if unknown:
        raise InputFileError(tree.path, f"has no {unknown[0]}, which the network wants", "give another file")
    keys = [key for key in KEY if key in tree.names]
    every = [*keys, *jets.values(), *link.values(), *own.values(), *linked.values(), *vertex.values(), *subjet.values()]
    for part in tree.read(every):
        yield _nano_batch(tree, part, keys, jets, link, own, linked, vertex, subjet)


def _subjets(tree: _Tree, name: str) -> dict[str, str]:
    """The branches of a collection's links with its subjets, and of these."""
    collection = f"{name}SubJet" if f"{name}SubJet_pt" in tree.names else "SubJet"
    found = {link: tree.first([f"{name}_{link}"], "the subjets") for link in pfnano.SUBJET_LINKS}
    return found | {field: tree.first([f"{collection}_{field}"], "the subjets") for field in ("pt", "eta", "phi")}


def _size(collection: str) -> str:
    """What the first PFNano calls a collection's jets in the names of its links: ``JetPFCandsAK8``."""
    return {"FatJet": "AK8", "Jet": "AK4"}.get(collection, collection.removeprefix("FatJet"))


def _nano_batch(
    tree: _Tree,
    part: Mapping[str, ak.Array],
    keys: Sequence[str],
    jets: Mapping[str, str],
    link: Mapping[str, str],
    own: Mapping[str, str],
    linked: Mapping[str, str],
    vertex: Mapping[str, str],
    subjet: Mapping[str, str],
) -> Batch:
    counts = ak.to_numpy(ak.num(part[jets["pt"]]))
    event = np.repeat(np.arange(len(counts)), counts)
    columns = {key: np.asarray(ak.to_numpy(part[key]))[event] for key in keys}
    columns["jet"] = np.arange(len(event)) - (np.cumsum(counts) - counts)[event]
    jet = {field: tree.numbers(part[branch], branch) for field, branch in jets.items()}
    rows, places = _linked(tree, part, link["jet"], counts)
    sizes = ak.to_numpy(ak.num(part[own["pt"]]))
    index = np.asarray(ak.to_numpy(ak.flatten(part[link["candidate"]])), np.int64)[places]
    owner = np.repeat(np.arange(len(counts)), ak.to_numpy(ak.num(part[link["jet"]])))[places]
    if len(index) and ((index < 0) | (index >= sizes[owner])).any():
        raise InputFileError(tree.path, f"an index out of range in {link['candidate']!r}", "mend the file")
    flat = index + (np.cumsum(sizes) - sizes)[owner]
    fields = {
        field: np.asarray(ak.to_numpy(ak.flatten(part[branch])), np.float64)[flat] for field, branch in own.items()
    }
    fields |= {f: np.asarray(ak.to_numpy(ak.flatten(part[b])), np.float64)[places] for f, b in linked.items()}
    for field in (*KINEMATICS, *(["puppi_weight"] if "puppi_weight" in own else [])):
        if not np.isfinite(fields[field]).all():
            raise NotFiniteError(f"{tree.path}: NaN or infinity in {own[field]!r}; mend the file.")
    _tell(tree, {branch: fields[field] for field, branch in (*own.items(), *linked.items())})
    if "pdgid" in fields and "charge" not in fields:
        fields["charge"] = pfnano.charges(fields["pdgid"])
    if subjet:
        fields |= _subjet_distances(tree, part, subjet, event, rows, fields)
    candidates = Objects(np.bincount(rows, minlength=len(event)), pfnano.tracks(fields))
    return Batch(columns, Contents(jet, candidates, _vertices(tree, part, vertex, counts, jet)))


def _subjet_distances(
    tree: _Tree,
    part: Mapping[str, ak.Array],
    subjet: Mapping[str, str],
    event: NDArray[np.int64],
    rows: NDArray[np.int64],
    candidates: Mapping[str, NDArray[np.float64]],
) -> dict[str, NDArray[np.float64]]:
    """Distances of candidates, of the jets ``rows``, from the subjets; ``event`` is that of each jet."""
    sizes, links = ak.to_numpy(ak.num(part[subjet["pt"]])), []
    for link in pfnano.SUBJET_LINKS:
        index = np.asarray(ak.to_numpy(ak.flatten(part[subjet[link]])), np.int64)
        if (index >= sizes[event]).any():
            raise InputFileError(tree.path, f"an index out of range in {subjet[link]!r}", "mend the file")
        links.append(np.where(index >= 0, index + (np.cumsum(sizes) - sizes)[event], -1)[rows])
    of = {name: tree.numbers(part[subjet[name]], subjet[name]) for name in ("pt", "eta", "phi")}
    return pfnano.subjet_distances(candidates, np.stack(links, axis=1), of)


def _tell(tree: _Tree, numbers: Mapping[str, NDArray[np.float64]]) -> None:
    """Say which numbers a network does not get as they are."""
    for branch, values in numbers.items():
        if count := int((~np.isfinite(values)).sum()):
            log.warning(
                "%s: %d of %d numbers in %r are NaN or infinite, and count as the network's replace_inf_value",
                tree.path,
                count,
                len(values),
                branch,
            )


def _linked(
    tree: _Tree, part: Mapping[str, ak.Array], branch: str, counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The jets of links, rising, and the places of these links among all; a link of -1 is none."""
    event = np.repeat(np.arange(len(counts)), ak.to_numpy(ak.num(part[branch])))
    index = np.asarray(ak.to_numpy(ak.flatten(part[branch])), np.int64)
    if len(index) and ((index < -1) | (index >= counts[event])).any():
        raise InputFileError(tree.path, f"an index out of range in {branch!r}", "mend the file")
    jet = index + (np.cumsum(counts) - counts)[event]
    used = np.flatnonzero(index >= 0)
    places = used[np.argsort(jet[used], kind="stable")]
    return jet[places], places


def _vertices(
    tree: _Tree,
    part: Mapping[str, ak.Array],
    vertex: Mapping[str, str],
    counts: NDArray[np.int64],
    jet: Mapping[str, NDArray[np.float64]],
) -> Objects:
    if not vertex:
        return Objects(np.zeros(counts.sum(), np.int64), {name: np.empty(0) for name in KINEMATICS})
    rows, places = _linked(tree, part, vertex["jetIdx"], counts)
    own = [field for field in vertex if field not in ("jetIdx", "SV_eta", "SV_phi")]
    fields = {field: np.asarray(ak.to_numpy(ak.flatten(part[vertex[field]])), np.float64)[places] for field in own}
    for field in pfnano.DIRECTION:
        if not np.isfinite(fields[field]).all():
            raise NotFiniteError(f"{tree.path}: NaN or infinity in {vertex[field]!r}; mend the file.")
    _tell(tree, {vertex[field]: values for field, values in fields.items()})
    sizes = ak.to_numpy(ak.num(part["SV_eta"]))
    event = np.repeat(np.arange(len(counts)), ak.to_numpy(ak.num(part[vertex["jetIdx"]])))[places]
    index = fields["sVIdx"].astype(np.int64)
    if (index >= sizes[event]).any():
        raise InputFileError(tree.path, f"an index out of range in {vertex['sVIdx']!r}", "mend the file")
    where = np.where(index >= 0, index + (np.cumsum(sizes) - sizes)[event], 0)
    eta, phi = (
        np.append(tree.numbers(part[name], name), 0.0)[where] if len(where) else np.empty(0)
        for name in ("SV_eta", "SV_phi")
    )
    fields["eta"], fields["phi"] = pfnano.directions(fields, {name: v[rows] for name, v in jet.items()}, eta, phi)
    return Objects(np.bincount(rows, minlength=int(counts.sum())), fields)


# JetClass's particle kinds and the PDG numbers that stand for them.
KINDS = {"isChargedHadron": 211, "isNeutralHadron": 130, "isPhoton": 22, "isElectron": 11, "isMuon": 13}
# Its impact parameters, in mm, and the sign of d0 against that of CMS.
LENGTHS = {"d0": "d0val", "d0_error": "d0err", "dz": "dzval", "dz_error": "dzerr"}
SIGNS = {"d0": -1}


def _jetclass(tree: _Tree, wanted: Wanted) -> Iterator[Batch]:
    momentum = [tree.first([f"part_{name}"], "the constituents") for name in ("px", "py", "pz", "energy")]
    jets = {name: tree.first([f"jet_{name}"], "the jets") for name in ("pt", "eta", "phi", "energy")}
    if wanted.vertices:
        raise InputFileError(tree.path, "has no secondary vertices, which the network wants", "give a file of PFNano")
    lengths = {f: tree.first([f"part_{LENGTHS[f]}"], f) for f in wanted.candidate if f in LENGTHS}
    charge = {"charge": tree.first(["part_charge"], "the charge")} if "charge" in wanted.candidate else {}
    kinds = {one: tree.first([f"part_{one}"], "kinds") for one in KINDS if "pdgid" in wanted.candidate}
    have = {*lengths, *charge, "has_track", *(["pdgid"] if kinds else [])}
    if missing := [field for field in wanted.candidate if field not in have]:
        raise InputFileError(tree.path, f"has no {missing[0]}, which the network wants", "give a file of PFNano")
    labels = sorted(name for name in tree.names if name.startswith("label_"))
    number = 0
    for part in tree.read([*momentum, *jets.values(), *lengths.values(), *charge.values(), *kinds.values(), *labels]):
        counts = ak.to_numpy(ak.num(part[momentum[0]]))
        px, py, pz, energy = (tree.numbers(part[name], name) for name in momentum)
        fields = coordinates(px, py, pz, energy)
        fields |= {f: SIGNS.get(f, 1) * tree.numbers(part[branch], branch) / 10 for f, branch in lengths.items()}
        fields |= {field: tree.numbers(part[branch], branch) for field, branch in charge.items()}
        if kinds:
            fields["pdgid"] = np.sum(
                [KINDS[one] * tree.numbers(part[branch], branch) for one, branch in kinds.items()], 0
            )
        fields["has_track"] = fields.get("d0_error", np.zeros(len(px))) > 0
        whole = {name: tree.numbers(part[branch], branch) for name, branch in jets.items()}
        momentum2 = (whole["pt"] * np.cosh(whole["eta"])) ** 2
        whole["mass"] = np.sqrt(np.maximum(whole.pop("energy") ** 2 - momentum2, 0))
        columns = {"jet": number + np.arange(len(counts))} | {n: ak.to_numpy(part[n]) for n in labels}
        number += len(counts)
        none = Objects(np.zeros(len(counts), np.int64), {name: np.empty(0) for name in KINEMATICS})
        yield Batch(columns, Contents(whole, Objects(counts, fields), none))


def coordinates(px: NDArray[Any], py: NDArray[Any], pz: NDArray[Any], energy: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """pT, eta, phi and mass of four-vectors (n,), all in GeV or radians."""
    pt = np.hypot(px, py)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.arcsinh(pz / pt)
    mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0))
    return {"pt": pt, "eta": np.nan_to_num(eta), "phi": np.arctan2(py, px), "mass": mass}
