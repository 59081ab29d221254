"""What an unfolding compares at detector and at particle level: jets of charged particles, and dressed leptons.

As in ATLAS's measurement of Z + jets, arXiv:2405.20041: track jets are anti-kT jets of charged particles in the
tracker's reach. These count as pions at both levels, but for leptons, so that the levels are equal for a detector that
loses and smears nothing. Leptons of particle level are dressed with the photons around them.
"""

import awkward as ak
import numpy as np

from resonaut.physics import jets
from resonaut.physics.angles import Lists, closest
from resonaut.simulate import nanoaod
from resonaut.simulate.detector import PHOTON, masses
from resonaut.simulate.generator import Batch
from resonaut.simulate.particles import Particles, pseudorapidity
from resonaut.simulate.settings import Simulate, TrackJets

# Cone of the photons that a lepton is dressed with: that of NanoAOD's GenDressedLepton, and of ATLAS.
DRESSED = 0.1


def collections(
    candidates: ak.Array, batch: Batch, keep: np.ndarray, config: Simulate, told: bool
) -> dict[str, ak.Array]:
    """``TrackJet`` of the ``candidates`` and, if truth may be ``told``, ``GenTrackJet`` and ``GenDressedLepton``.

    Args:
        candidates: events * var * {pt, eta, phi, mass, charge, ...}, of the events ``keep`` of the batch.
        batch: the generated particles.
        keep: one bool for each event of the batch.
        config: of jets and tracker.
        told: whether truth may be stored.
    """
    setting, tracker, particles = config.objects.track_jet, config.detector.tracker, batch.visible
    found = {"TrackJet": track_jets(candidates[candidates.charge != 0], setting)}
    if told:
        inside = (particles.pt > tracker.pt_min) & (np.abs(particles.eta) < tracker.eta_max)
        charged = _by_event(particles[inside & (particles.charge != 0)])
        found["GenTrackJet"] = track_jets(charged[keep], setting)
        found["GenDressedLepton"] = dressed(particles, batch.prompt)[keep]
    return {name: nanoaod.collection(Lists.of(of, *of.fields)) for name, of in found.items()}


def track_jets(particles: ak.Array, setting: TrackJets) -> ak.Array:
    """Jets of events * var * {pt, eta, phi, mass}, by falling pT, with their substructure.

    ``width`` is the mean distance from the axis weighted by pT, ``zg`` the softer subjet's part of the pT of the two
    that soft drop ends with, 0 where no splitting passes; ``tau1`` … ``tau4`` and ``msoftdrop`` (GeV) as of ``FatJet``.
    """
    found, parts = jets.of_particles(ak.to_packed(particles[list(nanoaod.MOMENTUM)]), setting.radius, setting.pt_min)
    shapes, subjets = jets.substructure(parts, setting.radius, setting.softdrop_zcut, setting.softdrop_beta)
    fields = {name: found[name] for name in nanoaod.MOMENTUM}
    fields |= {"rapidity": _rapidity(found), "nConstituents": ak.num(parts, axis=2), "width": _width(found, parts)}
    fields |= {"msoftdrop": shapes.pop("softdrop_mass"), "zg": _momentum_fraction(subjets)} | shapes
    return ak.zip(fields)


def dressed(particles: Particles, prompt: np.ndarray) -> ak.Array:
    """Leptons at the places ``prompt`` with photons near them, events * var * {pt, eta, phi, mass, pdgId}, by pT."""
    leptons, photons = particles[prompt], particles[particles.pdgid == PHOTON]
    axes = _directions(leptons)
    near = closest(_directions(photons), axes, DRESSED)
    owner = axes.first[photons.event] + near
    momenta = _cartesian(leptons)
    for row, values in zip(momenta, _cartesian(photons), strict=True):
        row += np.bincount(owner[near >= 0], values[near >= 0], len(row))
    px, py, pz, energy = momenta
    pt = np.hypot(px, py)
    fields = {"pt": pt, "eta": pseudorapidity(pt, pz), "phi": np.arctan2(py, px)}
    fields |= {"mass": np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0)), "pdgId": leptons.pdgid}
    found = ak.unflatten(ak.zip(fields), axes.counts)
    return found[ak.argsort(found["pt"], ascending=False)]


def _by_event(particles: Particles) -> ak.Array:
    """Events * var * {pt, eta, phi, mass} of flat particles, with the masses that tracks are given."""
    columns = {"pt": particles.pt, "eta": particles.eta, "phi": particles.phi, "mass": masses(particles.pdgid)}
    return ak.unflatten(ak.zip(columns), np.bincount(particles.event, minlength=particles.events))


def _directions(particles: Particles) -> Lists:
    counts = np.bincount(particles.event, minlength=particles.events)
    return Lists(counts, {"eta": particles.eta, "phi": particles.phi})


def _cartesian(particles: Particles) -> np.ndarray:
    """px, py, pz and energy, shape (4, particles)."""
    pt, phi = particles.pt, particles.phi
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(particles.eta), particles.energy])


def _rapidity(found: ak.Array) -> ak.Array:
    return np.arcsinh(found["pt"] * np.sinh(found["eta"]) / np.hypot(found["pt"], found["mass"]))


def _width(found: ak.Array, parts: ak.Array) -> ak.Array:
    """Mean distance of a jet's particles from its axis, weighted by pT; events * var."""
    turned = (parts["phi"] - found["phi"] + np.pi) % (2 * np.pi) - np.pi
    distance = np.hypot(parts["eta"] - found["eta"], turned)
    return ak.sum(parts["pt"] * distance, axis=2) / ak.sum(parts["pt"], axis=2)


def _momentum_fraction(subjets: ak.Array) -> ak.Array:
    """The part of the softer of two subjets, of events * var * (1 or 2); 0 for one; events * var."""
    pt = ak.fill_none(ak.pad_none(subjets["pt"], 2, axis=2), 0.0, axis=2)
    return pt[:, :, 1] / (pt[:, :, 0] + pt[:, :, 1])
