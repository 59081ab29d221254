"""The input variables of published jet taggers by name: what of a jet each is made of, and how.

A network's file names its variables, and the name says everything. Of CMS (``RecoBTag/FeatureTools``), ``pfcand_`` and
``sv_`` are those of ``DeepBoostedJetTagInfoProducer``, ``npfcand_`` and ``jet_`` those of
``GlobalParticleTransformerAK8TagInfoProducer``, ``jet_pfcand_`` and ``jet_sv_`` those of
``ParticleNetFeatureEvaluator``; ``part_`` are those of JetClass (arXiv:2202.03772, Table 2). Lengths are in cm, momenta
in GeV, angles in radians; JetClass's impact parameters are in mm.

Candidates without a track have impact parameters of 0, as those of CMS's neutral candidates are, and a track's
chi2 of 999 or 0, depending on the producer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from resonaut.physics.momenta import (
    Fields,
    Numbers,
    along,
    delta_phi,
    distance,
    energy,
    mirrored,
    rapidity_along,
    weighted,
)

# A neutral candidate is one without charge; networks that have these apart order them apart.
Kind = Literal["candidate", "neutral", "vertex", "jet"]

# CMS's value where there is no track whose chi2 it could be.
NO_CHI2 = 999.0


@dataclass(frozen=True)
class Variable:
    """A number for each of a jet's objects: the ``fields`` of the object that it needs beside its momentum.

    ``formula`` gets the fields of n objects, and those of the jet that each belongs to, and gives n numbers.
    """

    kind: Kind
    formula: Callable[[Fields, Fields], Numbers]
    fields: tuple[str, ...] = ()
    unit: str = "1"


def _is(*kinds: int) -> Callable[[Fields, Fields], Numbers]:
    return lambda of, _: np.isin(np.abs(of["pdgid"]), kinds).astype(np.float64)


def _field(name: str) -> Callable[[Fields, Fields], Numbers]:
    return lambda of, _: of[name]


def _ratio(name: str, error: str, *, absolute: bool = False) -> Callable[[Fields, Fields], Numbers]:
    """A significance; 0 without a track."""

    def formula(of: Fields, _: Fields) -> Numbers:
        found = np.where(of["has_track"] > 0, of[name] / of[error], 0.0)
        return np.abs(found) if absolute else found

    return formula


def _one(of: Fields, _: Fields) -> Numbers:
    return np.ones_like(of["pt"])


def _pt_over_jet(of: Fields, jet: Fields) -> Numbers:
    return weighted(of)["pt"] / jet["pt"]


def _energy_over_jet(of: Fields, jet: Fields) -> Numbers:
    return energy(weighted(of)) / energy(jet)


TRACK = ("has_track",)


def _track(name: str) -> Variable:
    return Variable("candidate", _field(name), (name,))


def _candidate(formula: Callable[[Fields, Fields], Numbers], *fields: str, unit: str = "1") -> Variable:
    return Variable("candidate", formula, fields, unit)


def _vertex(formula: Callable[[Fields, Fields], Numbers], *fields: str, unit: str = "1") -> Variable:
    return Variable("vertex", formula, fields, unit)


def _components(momentum: Fields) -> dict[str, Numbers]:
    pt, phi = momentum["pt"], momentum["phi"]
    found = {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(momentum["eta"])}
    return found | {"energy": energy(momentum)}


def _component(name: str) -> Variable:
    return _candidate(lambda of, _: _components(weighted(of))[name], unit="GeV")


def _of_vertex(name: str) -> Variable:
    return _vertex(lambda of, _: _components(of)[name], unit="GeV")


COMPONENTS = ("px", "py", "pz", "energy")

# Of CMS's DeepBoostedJetTagInfoProducer.
OFFLINE = {
    "mask": _candidate(_one),
    "puppiw": _candidate(_field("puppi_weight"), "puppi_weight"),
    "pt_log_nopuppi": _candidate(lambda of, _: np.log(of["pt"]), unit="ln GeV"),
    "e_log_nopuppi": _candidate(lambda of, _: np.log(energy(of)), unit="ln GeV"),
    "pt_log": _candidate(lambda of, _: np.log(weighted(of)["pt"]), unit="ln GeV"),
    "ptrel": _candidate(_pt_over_jet),
    "ptrel_log": _candidate(lambda of, jet: np.log(_pt_over_jet(of, jet))),
    "erel": _candidate(_energy_over_jet),
    "erel_log": _candidate(lambda of, jet: np.log(_energy_over_jet(of, jet))),
    "phirel": _candidate(lambda of, jet: delta_phi(of["phi"], jet["phi"]), unit="rad"),
    "etarel": _candidate(mirrored),
    "deltaR": _candidate(distance),
    "abseta": _candidate(lambda of, _: np.abs(of["eta"])),
    "charge": _track("charge"),
    "isEl": _candidate(_is(11), "pdgid"),
    "isMu": _candidate(_is(13), "pdgid"),
    "isChargedHad": _candidate(_is(211), "pdgid"),
    "isGamma": _candidate(_is(22), "pdgid"),
    "isNeutralHad": _candidate(_is(130), "pdgid"),
    "VTX_ass": _track("pv_association"),
    "lostInnerHits": _track("lost_inner_hits"),
    "quality": _track("track_quality"),
    "normchi2": _candidate(
        lambda of, _: np.where(of["has_track"] > 0, np.floor(of["track_chi2"]), NO_CHI2), "track_chi2", *TRACK
    ),
    "dz": _candidate(_field("dz"), "dz", unit="cm"),
    "dxy": _candidate(_field("d0"), "d0", unit="cm"),
    "dzsig": _candidate(_ratio("dz", "dz_error"), "dz", "dz_error", *TRACK),
    "dxysig": _candidate(_ratio("d0", "d0_error"), "d0", "d0_error", *TRACK),
    "dxydxy": _candidate(lambda of, _: of["d0_error"] ** 2, "d0_error", unit="cm2"),
    "dzdz": _candidate(lambda of, _: of["dz_error"] ** 2, "dz_error", unit="cm2"),
    "btagEtaRel": _track("eta_rel"),
    "btagPtRatio": _track("pt_ratio"),
    "btagPParRatio": _track("parallel_ratio"),
    "btagSip3dVal": _candidate(_field("sip3d"), "sip3d", unit="cm"),
    "btagSip3dSig": _track("sip3d_significance"),
    "btagJetDistVal": _candidate(_field("jet_distance"), "jet_distance", unit="cm"),
    "drsubjet1": _track("subjet1_distance"),
    "drsubjet2": _track("subjet2_distance"),
    **{name: _component(name) for name in COMPONENTS},
}
_OF_NEUTRALS = [
    *("mask", "puppiw", "isGamma", "isNeutralHad", "phirel", "etarel", "deltaR", "abseta", "pt_log", "ptrel"),
    *("ptrel_log", "erel", "erel_log", "pt_log_nopuppi", "e_log_nopuppi", *COMPONENTS),
]
NEUTRAL = {name: replace(OFFLINE[name], kind="neutral") for name in _OF_NEUTRALS}
VERTEX = {
    "mask": _vertex(_one),
    "pt": _vertex(_field("pt"), unit="GeV"),
    "pt_log": _vertex(lambda of, _: np.log(of["pt"]), unit="ln GeV"),
    "ptrel": _vertex(lambda of, jet: of["pt"] / jet["pt"]),
    "ptrel_log": _vertex(lambda of, jet: np.log(of["pt"] / jet["pt"])),
    "erel": _vertex(lambda of, jet: energy(of) / energy(jet)),
    "erel_log": _vertex(lambda of, jet: np.log(energy(of) / energy(jet))),
    "mass": _vertex(_field("mass"), unit="GeV"),
    "phirel": _vertex(lambda of, jet: delta_phi(of["phi"], jet["phi"]), unit="rad"),
    "etarel": _vertex(mirrored),
    "deltaR": _vertex(distance),
    "abseta": _vertex(lambda of, _: np.abs(of["eta"])),
    "ntracks": _vertex(_field("n_tracks"), "n_tracks"),
    "normchi2": _vertex(_field("chi2"), "chi2"),
    "dxy": _vertex(_field("dxy"), "dxy", unit="cm"),
    "dxysig": _vertex(_field("dxy_significance"), "dxy_significance"),
    "d3d": _vertex(_field("d3d"), "d3d", unit="cm"),
    "d3dsig": _vertex(_field("d3d_significance"), "d3d_significance"),
    "costhetasvpv": _vertex(_field("cos_pointing"), "cos_pointing"),
    **{name: _of_vertex(name) for name in COMPONENTS},
}


def _kind(of: Fields, _: Fields) -> Numbers:
    """CMS's number of a candidate's kind: e 0, mu 1, photon 2, neutral 3, charged hadron 4, forward 5 and 6."""
    kind, charged = np.abs(of["pdgid"]), of["charge"] != 0
    cases = [charged & (kind == 11), charged & (kind == 13), ~charged & (kind == 22)]
    cases += [~charged & ~np.isin(kind, (1, 2)), charged, ~charged & (kind == 1), ~charged & (kind == 2)]
    return np.select(cases, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], -1.0)


def _if_track(name: str, *, absolute: bool = False) -> Variable:
    """A track's number; 0 without a track."""

    def formula(of: Fields, _: Fields) -> Numbers:
        found = np.where(of["has_track"] > 0, of[name], 0.0)
        return np.abs(found) if absolute else found

    return Variable("candidate", formula, (name, *TRACK))


def _signed(name: str) -> Callable[[Fields, Fields], Numbers]:
    """A flight distance, negative for a vertex behind the primary one as its momentum points."""
    return lambda of, _: np.where(of["cos_pointing"] < 0, -1.0, 1.0) * of[name]


# Of CMS's ParticleNetFeatureEvaluator, which mirrors no jet and takes absolute significances.
EVALUATED = {
    "mask": _candidate(_one),
    "puppiw": OFFLINE["puppiw"],
    "pt_log": OFFLINE["pt_log"],
    "energy_log": _candidate(lambda of, _: np.log(energy(weighted(of))), unit="ln GeV"),
    "eta": _candidate(_field("eta")),
    "deta": _candidate(lambda of, jet: jet["eta"] - of["eta"]),
    "dphi": _candidate(lambda of, jet: delta_phi(jet["phi"], of["phi"]), unit="rad"),
    "charge": OFFLINE["charge"],
    "id": _candidate(_kind, "pdgid", "charge"),
    "etarel": _candidate(rapidity_along),
    "pperp_ratio": _candidate(lambda of, jet: np.sqrt(np.maximum(1 - along(of, jet) ** 2, 0))),
    "ppara_ratio": _candidate(along),
    "frompv": _track("from_pv"),
    "nlostinnerhits": OFFLINE["lostInnerHits"],
    "nhits": _track("hits"),
    "npixhits": _track("pixel_hits"),
    "track_chi2": _if_track("track_chi2"),
    "track_qual": _if_track("track_quality"),
    "dz": OFFLINE["dz"],
    "dxy": OFFLINE["dxy"],
    "dzsig": _candidate(_ratio("dz", "dz_error", absolute=True), "dz", "dz_error", *TRACK),
    "dxysig": _candidate(_ratio("d0", "d0_error", absolute=True), "d0", "d0_error", *TRACK),
    "trackjet_d3d": _if_track("sip3d"),
    "trackjet_d3dsig": _if_track("sip3d_significance", absolute=True),
    "trackjet_dist": _candidate(lambda of, _: -of["jet_distance"], "jet_distance", unit="cm"),
}
EVALUATED_VERTEX = {
    "mask": _vertex(_one),
    "pt_log": VERTEX["pt_log"],
    "mass": VERTEX["mass"],
    "eta": _vertex(_field("eta")),
    "deta": _vertex(lambda of, jet: of["eta"] - jet["eta"]),
    # CMS takes the difference as it is, beyond pi, too.
    "dphi": _vertex(lambda of, jet: of["phi"] - jet["phi"], unit="rad"),
    "ntrack": VERTEX["ntracks"],
    "chi2": VERTEX["normchi2"],
    "dxy": _vertex(_signed("dxy"), "dxy", "cos_pointing", unit="cm"),
    "dxysig": _vertex(lambda of, _: np.abs(of["dxy_significance"]), "dxy_significance"),
    "d3d": _vertex(_signed("d3d"), "d3d", "cos_pointing", unit="cm"),
    "d3dsig": _vertex(lambda of, _: np.abs(of["d3d_significance"]), "d3d_significance"),
}
WHOLE = {
    "pt": Variable("jet", lambda _, jet: jet["pt"], unit="GeV"),
    "pt_log": Variable("jet", lambda _, jet: np.log(jet["pt"]), unit="ln GeV"),
    "mass": Variable("jet", lambda _, jet: jet["mass"], unit="GeV"),
    "mass_log": Variable("jet", lambda _, jet: np.log(jet["mass"]), unit="ln GeV"),
    "energy": Variable("jet", lambda _, jet: energy(jet), unit="GeV"),
    "energy_log": Variable("jet", lambda _, jet: np.log(energy(jet)), unit="ln GeV"),
    "eta": Variable("jet", lambda _, jet: jet["eta"]),
    "phi": Variable("jet", lambda _, jet: jet["phi"], unit="rad"),
    "abseta": Variable("jet", lambda _, jet: np.abs(jet["eta"])),
}

_MM = 10.0


# Of JetClass, as weaver's configuration for its networks makes them of the files' branches. Delphes has
# d0 = (x py - y px) / pT, CMS the opposite sign.
JETCLASS = {
    "mask": _candidate(_one),
    **{name: _component(name) for name in COMPONENTS},
    "pt": _candidate(lambda of, _: weighted(of)["pt"], unit="GeV"),
    "pt_log": OFFLINE["pt_log"],
    "e_log": EVALUATED["energy_log"],
    "logptrel": OFFLINE["ptrel_log"],
    "logerel": OFFLINE["erel_log"],
    "deltaR": _candidate(distance),
    "deta": _candidate(mirrored),
    "dphi": OFFLINE["phirel"],
    "charge": OFFLINE["charge"],
    "isChargedHadron": _candidate(_is(211, 321, 2212, 3112, 3222, 3312, 3334), "pdgid"),
    "isNeutralHadron": _candidate(_is(130, 2112, 310, 3122, 3322), "pdgid"),
    "isPhoton": OFFLINE["isGamma"],
    "isElectron": OFFLINE["isEl"],
    "isMuon": OFFLINE["isMu"],
    "d0val": _candidate(lambda of, _: -of["d0"] * _MM, "d0", unit="mm"),
    "dzval": _candidate(lambda of, _: of["dz"] * _MM, "dz", unit="mm"),
    "d0": _candidate(lambda of, _: np.tanh(-of["d0"] * _MM), "d0", unit="tanh mm"),
    "dz": _candidate(lambda of, _: np.tanh(of["dz"] * _MM), "dz", unit="tanh mm"),
    "d0err": _candidate(lambda of, _: of["d0_error"] * _MM, "d0_error", unit="mm"),
    "dzerr": _candidate(lambda of, _: of["dz_error"] * _MM, "dz_error", unit="mm"),
}

# By the beginnings of their names; what begins with two of them belongs to the longer one.
FAMILIES: dict[str, dict[str, Variable]] = {
    "pfcand_": OFFLINE,
    "npfcand_": NEUTRAL,
    "sv_": VERTEX,
    "jet_pfcand_": EVALUATED,
    "jet_sv_": EVALUATED_VERTEX,
    "jet_": WHOLE,
    "part_": JETCLASS,
}
VARIABLES: dict[str, Variable] = {
    prefix + name: variable for prefix, family in FAMILIES.items() for name, variable in family.items()
}
