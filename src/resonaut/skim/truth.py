"""Which jets hold the decay of a heavy particle, and the quarks in them."""

from typing import Any

import awkward as ak
import numpy as np

MATCHING_RADIUS = 0.8
# `calibrate` varies the number of prongs with the quarks near the jet's edge, so those just outside are kept, too.
STORED_RADIUS = 0.9
HEAVY_IDS = (6, 23, 24, 25)
BOTTOM, GLUON, PHOTON = 5, 21, 22
LIGHT_IDS = (*range(1, BOTTOM + 1), *range(11, 17), GLUON, PHOTON)
HEAVY_MASS = 20.0


def decay_products(particles: ak.Array) -> ak.Array:
    """The quarks up to b, leptons, gluons and photons that come directly from W, Z, H, top or another heavy particle.

    ``particles``: events * var * {pdgId, mother, pt, eta, phi, mass}, ``mother`` an index into the same
    event, -1 for none. The first copy of a product is taken, before its shower: its mother is then the
    heavy particle itself, in every generator's record; a quark's mother in QCD is a parton or a proton. A gluon or
    photon beside another copy of its mother was radiated by it, and is none.
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
    product, boson = ak.zeros_like(flavour, dtype=bool), (flavour == GLUON) | (flavour == PHOTON)
    for code in LIGHT_IDS:
        product = product | (flavour == code)
    found = (particles.mother >= 0) & heavy & product
    if ak.any(found & boson):
        found = found & ~(boson & _radiated(particles, mothers))
    return particles[found]


def _radiated(particles: ak.Array, mothers: ak.Array) -> ak.Array:
    """Whether each particle has a sibling of its mother's own kind."""
    counts = ak.to_numpy(ak.num(particles))
    place = ak.to_numpy(ak.flatten(particles.mother)) + np.repeat(np.cumsum(counts) - counts, counts)
    copy = ak.to_numpy(ak.flatten((particles.mother >= 0) & (particles.pdgId == mothers.pdgId)))
    radiating = np.zeros(counts.sum() + 1, bool)
    radiating[place[copy]] = True
    return ak.unflatten(radiating[place], counts)


def truth_columns(jets: ak.Array, particles: ak.Array, number: int) -> dict[str, Any]:
    """``j1_prongs``, ``j1_decay_*``, ``j1_quark_*`` and the same of the second jet.

    A jet holds the decay products within Delta R < 0.8 of its axis; their numbers, transverse momentum and mass are
    ``decay_pdgid`` (by falling pT), ``decay_pt`` and ``decay_mass``. Its prongs are the quarks among them, one where
    there is none; as ``quark_pt`` etc. those within 0.9 are listed.
    """
    products = decay_products(particles)
    products = products[ak.argsort(products.pt, ascending=False, stable=True)]
    columns = {}
    for j in range(number):
        delta_phi = (products.phi - jets.phi[:, j] + np.pi) % (2 * np.pi) - np.pi
        distance = np.hypot(products.eta - jets.eta[:, j], delta_phi)
        quark = np.abs(products.pdgId) <= BOTTOM
        held = products[distance < MATCHING_RADIUS]
        columns[f"j{j + 1}_prongs"] = np.maximum(ak.sum(quark & (distance < MATCHING_RADIUS), axis=1).to_numpy(), 1)
        columns[f"j{j + 1}_decay_pdgid"] = held.pdgId
        columns |= {f"j{j + 1}_decay_{name}": values for name, values in _total(held).items()}
        near = products[quark & (distance < STORED_RADIUS)]
        fields = {"pt": "pt", "eta": "eta", "phi": "phi", "pdgid": "pdgId"}
        columns |= {f"j{j + 1}_quark_{name}": near[field] for name, field in fields.items()}
    return columns


def generated_jet_columns(jets: ak.Array, generated: ak.Array, number: int) -> dict[str, Any]:
    """``j1_genjet_pt`` and ``j1_genjet_mass`` in GeV, and the same of the second jet.

    They are of the nearest of the ``generated`` jets, within half of the jet's radius, and 0 where there is none.
    """
    columns = {}
    for j in range(number):
        delta_phi = (generated.phi - jets.phi[:, j] + np.pi) % (2 * np.pi) - np.pi
        distance = np.hypot(generated.eta - jets.eta[:, j], delta_phi)
        near = generated[distance < MATCHING_RADIUS / 2]
        nearest = ak.firsts(near[ak.argsort(distance[distance < MATCHING_RADIUS / 2], axis=1)])
        for name in ("pt", "mass"):
            columns[f"j{j + 1}_genjet_{name}"] = ak.to_numpy(ak.fill_none(nearest[name], 0))
    return columns


def _total(particles: ak.Array) -> dict[str, np.ndarray]:
    """Transverse momentum and mass in GeV of the sum of each event's particles, 0 where there are none."""
    pt, eta, phi, mass = (ak.values_astype(particles[name], np.float64) for name in ("pt", "eta", "phi", "mass"))
    parts = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2)
    px, py, pz, energy = (ak.to_numpy(ak.sum(part, axis=1)) for part in parts)
    return {"pt": np.hypot(px, py), "mass": np.sqrt(np.maximum(energy**2 - px**2 - py**2 - pz**2, 0))}
