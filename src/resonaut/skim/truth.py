"""Which jets hold the decay of a heavy particle, and the quarks in them."""

from typing import Any

import awkward as ak
import numpy as np

MATCHING_RADIUS = 0.8
# `calibrate` varies the number of prongs with the quarks near the jet's edge, so those just outside are kept, too.
STORED_RADIUS = 0.9
HEAVY_IDS = (6, 23, 24, 25)
LIGHT_IDS = (*range(1, 6), *range(11, 17), 21, 22)
HEAVY_MASS = 20.0


def decay_quarks(particles: ak.Array) -> ak.Array:
    """The quarks up to b that come directly from W, Z, H, top or another heavy particle.

    ``particles``: events * var * {pdgId, mother, pt, eta, phi, mass}, ``mother`` an index into the same
    event, -1 for none. The first copy of a quark is taken, before its shower: its mother is then the
    heavy particle itself, in every generator's record; a quark's mother in QCD is a parton or a proton.
    """
    mothers = particles[ak.where(particles.mother >= 0, particles.mother, 0)]
    kind = np.abs(mothers.pdgId)
    known, light = ak.zeros_like(kind, dtype=bool), ak.zeros_like(kind, dtype=bool)
    for code in HEAVY_IDS:
        known = known | (kind == code)
    for code in LIGHT_IDS:
        light = light | (kind == code)
    # A mass that is NaN may be heavy: the reader finds its quarks and leaves the event out.
    heavy = known | (~light & ~(mothers.mass <= HEAVY_MASS))
    flavour = np.abs(particles.pdgId)
    return particles[(particles.mother >= 0) & heavy & (flavour >= 1) & (flavour <= 5)]


def truth_columns(jets: ak.Array, particles: ak.Array, number: int) -> dict[str, Any]:
    """``j1_prongs``, ``j1_quark_pt``, ``_eta``, ``_phi``, ``_pdgid`` and the same of the second jet.

    A jet's prongs are the quarks within Delta R < 0.8 of its axis, one where there is none; listed are, by
    falling pT, those within 0.9.
    """
    quarks = decay_quarks(particles)
    quarks = quarks[ak.argsort(quarks.pt, ascending=False, stable=True)]
    columns = {}
    for j in range(number):
        delta_phi = (quarks.phi - jets.phi[:, j] + np.pi) % (2 * np.pi) - np.pi
        distance = np.hypot(quarks.eta - jets.eta[:, j], delta_phi)
        columns[f"j{j + 1}_prongs"] = np.maximum(ak.sum(distance < MATCHING_RADIUS, axis=1).to_numpy(), 1)
        near = quarks[distance < STORED_RADIUS]
        fields = {"pt": "pt", "eta": "eta", "phi": "phi", "pdgid": "pdgId"}
        columns |= {f"j{j + 1}_quark_{name}": near[field] for name, field in fields.items()}
    return columns
