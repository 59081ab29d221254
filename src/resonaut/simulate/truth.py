"""The hard process of an event record as NanoAOD's ``GenPart``."""

from collections.abc import Mapping

import awkward as ak
import numpy as np

from resonaut.simulate.particles import pseudorapidity

# Pythia's status of incoming partons, resonances, and what comes out of the hard process or a resonance's decay.
OUTGOING = 23
HARD_STATUS = (21, 22, OUTGOING)
# NanoAOD's bits isPrompt, isHardProcess, fromHardProcess, isFirstCopy, isLastCopy.
FLAGS = 1 << 0 | 1 << 7 | 1 << 8 | 1 << 12 | 1 << 13
# NanoAOD gives particles along the beam a large but finite pseudorapidity.
BEAM_ETA = 25.0


# The hadrons with a b or c quark that decay weakly: of each quark one stands in the record with one of these numbers.
B_HADRONS = (511, 521, 531, 541, 5122, 5132, 5232, 5332)
C_HADRONS = (411, 421, 431, 4122, 4132, 4232, 4332)
ELECTRON, MUON, TAU, TAU_NEUTRINO = 11, 13, 15, 16


def weak_hadrons(record: Mapping[str, np.ndarray], counts: np.ndarray, kinds: tuple[int, ...]) -> ak.Array:
    """Directions of the hadrons of these ``kinds``, events * var * {eta, phi}; arguments as of ``hard_process``."""
    return _directions(record, counts, np.isin(np.abs(record["id"]), kinds))


def hadronic_taus(record: Mapping[str, np.ndarray], counts: np.ndarray) -> ak.Array:
    """The tau leptons that decay to hadrons, events * var * {eta, phi, visible_pt}.

    Directions are the tau's, and ``visible_pt`` is the transverse momentum (GeV) that it has without its neutrino.
    """
    kind = np.abs(record["id"])
    taus = kind == TAU
    mother = record["mother1"] + np.repeat(np.cumsum(counts) - counts, counts)
    leptonic = np.zeros(len(kind), bool)
    # A copy of the tau itself is the one that decays.
    leptonic[mother[np.isin(kind, (ELECTRON, MUON, TAU))]] = True
    found = taus & ~leptonic
    neutrino = kind == TAU_NEUTRINO
    px, py = (
        (record[name] - np.bincount(mother[neutrino], record[name][neutrino], len(kind)))[found]
        for name in ("px", "py")
    )
    return _directions(record, counts, found, visible_pt=np.hypot(px, py))


def missing_momentum(record: Mapping[str, np.ndarray], counts: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Sum of px and py of the stable particles that no detector sees, events * 2 (GeV); ``visible``: one bool a row."""
    hidden = (record["status"] > 0) & ~visible
    event = np.repeat(np.arange(len(counts)), counts)[hidden]
    return np.stack([np.bincount(event, record[name][hidden], len(counts)) for name in ("px", "py")], axis=1)


def prompt_leptons(record: Mapping[str, np.ndarray], counts: np.ndarray) -> np.ndarray:
    """Rows of the stable electrons and muons that come from the hard process, through copies of themselves alone."""
    kind, first = np.abs(record["id"]), np.repeat(np.cumsum(counts) - counts, counts)
    final = np.flatnonzero((record["status"] > 0) & np.isin(kind, (ELECTRON, MUON)))
    ancestor = final.copy()
    while True:
        mother = record["mother1"][ancestor] + first[ancestor]
        copied = (record["id"][mother] == record["id"][ancestor]) & (np.abs(record["status"][ancestor]) != OUTGOING)
        if not copied.any():
            prompt: np.ndarray = final[np.abs(record["status"][ancestor]) == OUTGOING]
            return prompt
        ancestor[copied] = mother[copied]


def _directions(
    record: Mapping[str, np.ndarray], counts: np.ndarray, found: np.ndarray, **more: np.ndarray
) -> ak.Array:
    px, py, pz = (record[name][found] for name in ("px", "py", "pz"))
    directions = {"eta": pseudorapidity(np.hypot(px, py), pz), "phi": np.arctan2(py, px)} | more
    event = np.repeat(np.arange(len(counts)), counts)[found]
    return ak.unflatten(ak.zip(directions), np.bincount(event, minlength=len(counts)))


def hard_process(record: Mapping[str, np.ndarray], counts: np.ndarray) -> ak.Array:
    """Incoming partons, resonances and their decay products, each with its mother among them (or -1).

    Args:
        record: flat columns ``id status mother1 m px py pz e`` of whole Pythia records (GeV).
        counts: number of rows of each event; row 0 stands for the event itself.

    Returns:
        events * var * {pt, eta, phi, mass, pdgId, status, statusFlags, genPartIdxMother}.
    """
    first = np.repeat(np.cumsum(counts) - counts, counts)
    hard = np.isin(np.abs(record["status"]), HARD_STATUS)
    mother = record["mother1"] + first
    ancestor = mother[hard]
    # Between a resonance and its decay stand copies of it, made by the shower: climb over them.
    while np.any(between := ~hard[ancestor] & (ancestor != first[hard])):
        ancestor[between] = mother[ancestor[between]]

    sizes = np.add.reduceat(hard.astype(np.int64), np.cumsum(counts) - counts)
    rank = np.cumsum(hard) - 1
    in_event = rank[ancestor] - np.repeat(np.cumsum(sizes) - sizes, sizes)
    px, py, pz = (record[name][hard] for name in ("px", "py", "pz"))
    pt = np.hypot(px, py)
    columns = {
        "pt": pt.astype(np.float32),
        "eta": np.clip(pseudorapidity(pt, pz), -BEAM_ETA, BEAM_ETA).astype(np.float32),
        "phi": np.arctan2(py, px).astype(np.float32),
        "mass": record["m"][hard].astype(np.float32),
        "pdgId": record["id"][hard].astype(np.int32),
        "status": np.abs(record["status"][hard]).astype(np.int32),
        "statusFlags": np.full(len(pt), FLAGS, np.uint16),
        "genPartIdxMother": np.where(hard[ancestor], in_event, -1).astype(np.int16),
    }
    return ak.unflatten(ak.zip(columns), sizes)
