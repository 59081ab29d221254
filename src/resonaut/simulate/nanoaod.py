"""Events in NanoAOD's layout with particle-flow candidates, as ROOT TTrees.

Branches as in CMS NanoAOD and its extension with candidates (PFNano): ``FatJet_*``, ``PFCands_*`` (those
inside jets) and their links ``FatJetPFCands_*``; with truth also ``GenPart_*``, ``genWeight`` and, with shower
variations, ``PSWeight``. coffea's ``PFNanoAODSchema`` opens the files.
"""

import datetime
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import awkward as ak
import numpy as np
import uproot
from uproot.writing import _cascade, _cascadetree, writable

from resonaut.core.files import atomic
from resonaut.physics.angles import Lists
from resonaut.simulate.detector import NEUTRAL_HADRON, PHOTON

RUN = 1
TIGHT_ID = 2
TRIGGER_PT = 500.0
MOMENTUM = ("pt", "eta", "phi", "mass")


def identifiers(chunk: int, numbers: np.ndarray) -> dict[str, np.ndarray]:
    """Run, luminosity block (one per chunk) and event number, from 1."""
    return {
        "run": np.full(len(numbers), RUN, np.uint32),
        "luminosityBlock": np.full(len(numbers), chunk + 1, np.uint32),
        "event": (numbers + 1).astype(np.uint64),
    }


def event_quantities(candidates: ak.Array, jets: ak.Array) -> dict[str, np.ndarray]:
    """Missing transverse momentum of all ``candidates``, the jet trigger and the filter against noise."""
    px = ak.to_numpy(-ak.sum(candidates.pt * np.cos(candidates.phi), axis=1))
    py = ak.to_numpy(-ak.sum(candidates.pt * np.sin(candidates.phi), axis=1))
    met, total = np.hypot(px, py), ak.to_numpy(ak.sum(candidates.pt, axis=1))
    return {
        "MET_pt": met.astype(np.float32),
        "MET_phi": np.arctan2(py, px).astype(np.float32),
        "HLT_AK8PFJet500": ak.to_numpy(ak.any(jets.pt > TRIGGER_PT, axis=1)),
        # The usual cleaning of dijet searches: real momentum does not vanish by more than half.
        "Flag_METFilters": met < 0.5 * total,
    }


def collections(jets: ak.Array, by_jet: ak.Array, shapes: dict[str, ak.Array]) -> dict[str, ak.Array]:
    """Jets with their ``shapes`` (substructure), their candidates ``by_jet``, and the links between the two."""
    candidates = ak.flatten(by_jet, axis=2)
    fat_jet = {name: _float(getattr(jets, name)) for name in MOMENTUM}
    fat_jet |= {"msoftdrop" if name == "softdrop_mass" else name: _float(values) for name, values in shapes.items()}
    fat_jet["jetId"] = ak.unflatten(tight(parts(by_jet)).astype(np.int32), ak.num(by_jet))
    fat_jet["nConstituents"] = ak.values_astype(ak.num(by_jet, axis=2), np.int32)
    jet_index, _ = ak.broadcast_arrays(ak.local_index(by_jet, axis=1), by_jet.pt)
    links = {"jetIdx": ak.flatten(jet_index, axis=2), "pFCandsIdx": ak.local_index(candidates, axis=1)}
    pf = {name: _float(candidates[name]) for name in MOMENTUM}
    pf |= {"charge": _int(candidates.charge), "pdgId": _int(candidates.pdgid)}
    return {
        "FatJet": ak.zip(fat_jet),
        "PFCands": ak.zip(pf),
        "FatJetPFCands": ak.zip({name: _int(values) for name, values in links.items()}),
    }


def collection(objects: Lists) -> ak.Array:
    """One collection in NanoAOD's types: numbers of 32 bits, and bools."""
    kinds = {"f": np.float32, "i": np.int32, "b": np.bool_}
    columns: dict[str, np.ndarray] = {
        name: values.astype(kinds[values.dtype.kind]) for name, values in objects.columns.items()
    }
    return ak.unflatten(ak.zip(columns), objects.counts)


def parts(by_jet: ak.Array) -> Lists:
    """What tells of jets whether they are real, as lists of each jet; by_jet: events * var * var * candidates."""
    return Lists.of(ak.flatten(by_jet[["pt", "eta", "pdgid", "charge"]]), "pt", "eta", "pdgid", "charge")


def tight(parts: Lists) -> np.ndarray:
    """The bit of CMS's tight identification in the tracker's reach: neutral fractions below 0.9, charged candidates."""
    energy, kind, jet = parts["pt"] * np.cosh(parts["eta"]), parts["pdgid"], parts.event
    total, photons, hadrons = (
        np.bincount(jet, energy * which, len(parts.counts))
        for which in (np.ones(len(kind), bool), kind == PHOTON, kind == NEUTRAL_HADRON)
    )
    charged = np.bincount(jet, parts["charge"] != 0, len(parts.counts)) > 0
    passes = (photons < 0.9 * total) & (hadrons < 0.9 * total) & charged & (parts.counts > 1)
    return passes * TIGHT_ID


def weights(pairs: np.ndarray | None, weight: np.ndarray, keep: np.ndarray) -> dict[str, Any]:
    """``genWeight`` of the events ``keep``, and of ``pairs`` (n, points) all points relative to the first."""
    found: dict[str, Any] = {"genWeight": weight[keep].astype(np.float32)}
    if pairs is not None:
        relative = (pairs[keep] / pairs[keep, :1]).astype(np.float32)
        found["LHEReweightingWeight"] = ak.from_regular(relative)
    return found


def runs(generated: np.ndarray | None) -> dict[str, np.ndarray]:
    """The tree ``Runs``: with the weights (n,) of all generated events, stored or not, where truth may be told."""
    content: dict[str, np.ndarray] = {"run": np.array([RUN], np.uint32)}
    if generated is not None:
        content["genEventCount"] = np.array([len(generated)], np.int64)
        content["genEventSumw"] = np.array([generated.sum()], np.float64)
        content["genEventSumw2"] = np.array([np.square(generated).sum()], np.float64)
    return content


def write(path: Path, events: dict[str, Any], run: dict[str, Any]) -> None:
    """Write the trees ``Events`` and ``Runs``; the file appears whole, and equal content gives equal bytes."""
    trees = {
        name: {key: ak.to_packed(ak.Array(values)) for key, values in content.items()}
        for name, content in (("Events", events), ("Runs", run))
    }
    own = _content_uuid(trees)
    # From a stream uproot takes no name to store in the file.
    with (
        atomic(path) as partial,
        partial.open("w+b") as stream,
        _timeless(),
        uproot.recreate(stream, compression=uproot.ZLIB(1), uuid_function=lambda: own) as file,
    ):
        for name, columns in trees.items():
            # mktree, because an assignment would make an RNTuple, which NanoAOD readers do not open.
            tree = file.mktree(name, {key: values.type.content for key, values in columns.items()})
            tree.extend(columns)


def _content_uuid(trees: dict[str, dict[str, ak.Array]]) -> uuid.UUID:
    """A UUID that follows from the content: readers tell files apart by it, and keep what they read of each."""
    total = hashlib.sha256()
    for columns in trees.values():
        for key, values in columns.items():
            form, _, buffers = ak.to_buffers(values)
            total.update(f"{key} {form}".encode())
            for buffer in buffers.values():
                total.update(np.ascontiguousarray(buffer).tobytes())
    return uuid.UUID(bytes=total.digest()[:16])


class _Epoch(datetime.datetime):
    """The first time that ROOT's format knows."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> "_Epoch":
        return cls(1995, 1, 1, tzinfo=tz)


@contextmanager
def _timeless() -> Iterator[None]:
    """Let uproot store one and the same time in each file: it has no option for it."""
    modules: tuple[ModuleType, ...] = (_cascade, _cascadetree, writable)
    try:
        for module in modules:
            vars(module)["datetime"] = SimpleNamespace(datetime=_Epoch)
        yield
    finally:
        for module in modules:
            vars(module)["datetime"] = datetime


def _float(values: ak.Array) -> ak.Array:
    return ak.values_astype(values, np.float32)


def _int(values: ak.Array) -> ak.Array:
    return ak.values_astype(values, np.int32)
