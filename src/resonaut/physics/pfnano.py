"""What PFNano stores of tracks and vertices: its branches, its sentinels, and what must be found from others.

PFNano (``cms-jet/PFNano``, ``JetConstituentTableProducer``) writes -1 for the impact parameters and the chi2 of a
candidate without a track. CMS's taggers take 0 for these, as the momentum of a neutral candidate points to the primary
vertex. Of a charged candidate below the threshold for tracks (0.5 GeV in MiniAOD) the true ones are lost.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from resonaut.physics.momenta import Fields, Numbers, delta_phi, energy

# By field, the branch of a candidate, of a jet's link to it, and of a jet's vertex.
CANDIDATE = {
    "charge": "charge",
    "pdgid": "pdgId",
    "puppi_weight": "puppiWeight",
    "d0": "d0",
    "d0_error": "d0Err",
    "dz": "dz",
    "dz_error": "dzErr",
    "has_track": "trkChi2",
    "track_chi2": "trkChi2",
    "track_quality": "trkQuality",
    "lost_inner_hits": "lostInnerHits",
    "pv_association": "pvAssocQuality",
    "from_pv": "fromPV",
    "hits": "numberOFHits",
    "pixel_hits": "numberOfPixelHits",
}
# The truth of a track in files of ``simulate``.
LABELS = {"origin": "genOrigin", "vertex": "genVertex"}
LINK = {
    "eta_rel": "btagEtaRel",
    "pt_ratio": "btagPtRatio",
    "parallel_ratio": "btagPParRatio",
    "sip3d": "btagSip3dVal",
    "sip3d_significance": "btagSip3dSig",
    "jet_distance": "btagJetDistVal",
}
VERTEX = {
    "n_tracks": "ntracks",
    "chi2": "normchi2",
    "dxy": "dxy",
    "dxy_significance": "dxysig",
    "d3d": "d3d",
    "d3d_significance": "d3dsig",
    "cos_pointing": "costhetasvpv",
}
# Distances of a candidate from the jet's subjets, by falling momentum of these; -1 where there is none, as in CMS.
SUBJETS = ("subjet1_distance", "subjet2_distance")
SUBJET_LINKS = ("subJetIdx1", "subJetIdx2")
NO_SUBJET = -1.0
# What tells a vertex's direction: PFNano links it with a vertex of NanoAOD, or else has it relative to the jet.
DIRECTION = ("pt", "mass", "phirel", "deltaR", "enration", "sVIdx")
# deltaR is stored as -0.5 + Delta R, at most 0.
OFFSET = 0.5
# Units of the fields for which they are not 1.
UNITS = dict.fromkeys(("d0", "d0_error", "dz", "dz_error", "sip3d", "jet_distance", "dxy", "d3d"), "cm")
# What stands in skimmed events for a number that is NaN or infinite in the file, such as the ratio to an error of 0. It
# is beyond what networks take for a number, so that they replace it as CMS does.
NO_NUMBER = 1e33
# Charges of the kinds that particle-flow candidates have; NanoAOD v15 leaves the charge out.
CHARGES = {11: -1, 13: -1, 15: -1, 211: 1, 321: 1, 2212: 1, 3112: -1, 3222: 1, 3312: -1, 3334: -1}
# The fields that are 0 without a track, and those of the impact parameters.
OF_TRACK = ("d0", "d0_error", "dz", "dz_error", "track_chi2")
IMPACT = OF_TRACK[:4]
NO_TRACK = -1


def tracks(fields: Mapping[str, NDArray[np.generic]]) -> dict[str, Numbers]:
    """The candidates' fields without sentinels: ``has_track`` tells which have a track, and others' numbers are 0.

    Args:
        fields: as in the file, by the names of ``CANDIDATE``, shape (candidates,).
    """
    found = {name: np.asarray(values, np.float64) for name, values in fields.items()}
    sentinels = [name for name in ("has_track", *OF_TRACK) if name in found]
    if not sentinels:
        return found
    has_track = found["has_track"] != NO_TRACK
    found |= {name: np.where(has_track, found[name], 0.0) for name in sentinels}
    return found | {"has_track": has_track.astype(np.float64)}


def charges(pdgid: Numbers) -> Numbers:
    """The charges that belong to particle kinds (PDG numbers), 0 for neutral and unknown ones."""
    found = np.zeros(len(pdgid))
    for kind, value in CHARGES.items():
        found[pdgid == kind] = value
        found[pdgid == -kind] = -value
    return found


def directions(vertices: Fields, jet: Fields, eta: Numbers, phi: Numbers) -> tuple[Numbers, Numbers]:
    """Pseudorapidity and azimuth of jets' vertices.

    NanoAOD has those with a flight significance above 3, and only these are linked. Of the others PFNano has Delta phi,
    Delta R and the energy: of the two pseudorapidities at this distance, that with the right energy is taken.

    Args:
        vertices: ``DIRECTION`` of each.
        jet: the pt, eta, phi and mass of the jet of each.
        eta: of the linked vertex; anything where there is none.
        phi: the same.
    """
    linked = vertices["sVIdx"] >= 0
    separation = vertices["deltaR"] + OFFSET
    across = np.sqrt(np.maximum(separation**2 - vertices["phirel"] ** 2, 0))
    momentum = np.sqrt(np.maximum((vertices["enration"] * energy(jet)) ** 2 - vertices["mass"] ** 2, 0))
    steep = np.arccosh(np.maximum(momentum / vertices["pt"], 1))
    sides = np.stack([jet["eta"] + across, jet["eta"] - across])
    nearer = np.argmin(np.abs(np.abs(sides) - steep), axis=0)
    # Beyond this distance deltaR says nothing, and the energy alone tells, on the jet's side of the centre.
    far = np.where(separation < OFFSET, sides[nearer, np.arange(len(nearer))], np.copysign(steep, jet["eta"]))
    around = delta_phi(jet["phi"] + vertices["phirel"], np.zeros_like(jet["phi"]))
    return np.where(linked, eta, far), np.where(linked, phi, around)


def subjet_distances(candidates: Fields, links: NDArray[np.int64], subjets: Fields) -> dict[str, Numbers]:
    """``SUBJETS`` of candidates.

    Args:
        candidates: their eta and phi.
        links: of each the places of the two subjets of its jet, (candidates, 2); negative where there is none.
        subjets: pt, eta and phi of all subjets.
    """
    of = {name: np.append(subjets[name], np.nan)[links] for name in ("pt", "eta", "phi")}
    order = np.argsort(-of["pt"], axis=1, kind="stable")  # NaN comes last
    eta, phi = (np.take_along_axis(of[name], order, axis=1) for name in ("eta", "phi"))
    away = np.hypot(candidates["eta"][:, None] - eta, delta_phi(candidates["phi"][:, None], phi))
    return dict(zip(SUBJETS, np.where(np.isnan(away), NO_SUBJET, away).T, strict=True))


def known(values: NDArray[np.generic]) -> Numbers:
    """Numbers, ``NO_NUMBER`` for those that are NaN or infinite."""
    numbers = np.asarray(values, np.float64)
    return np.where(np.isfinite(numbers), numbers, NO_NUMBER)
