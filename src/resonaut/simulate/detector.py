"""A parametrised detector with particle flow: tracks for charged particles, cells for the rest.

Efficiency, resolution and granularity enter as in Delphes (JHEP 02 (2014) 057, arXiv:1307.6346, section 2):
one candidate per track, one per calorimeter cell above threshold. A charged particle whose track is lost
leaves its energy in the calorimeter instead; a muon without a track is lost.
"""

import awkward as ak
import numpy as np

from resonaut.physics.angles import Lists, near
from resonaut.simulate import emulated
from resonaut.simulate.emulated import Deposits
from resonaut.simulate.particles import Particles
from resonaut.simulate.settings import Calorimeter, Detector, Tracker

ELECTRON, MUON, PHOTON, PION, NEUTRAL_HADRON = 11, 13, 22, 211, 130
MASSES = {ELECTRON: 0.000511, MUON: 0.10566, PION: 0.13957}


def reconstruct(particles: Particles, detector: Detector, rng: np.random.Generator) -> ak.Array:
    """Particle-flow candidates of a batch of events.

    Returns:
        events * var * {pt, eta, phi, mass, charge, pdgid, particle} in GeV and radians; ``particle`` is the row of
        the particle that made a track, -1 for a cell.
    """
    kind = np.abs(particles.pdgid)
    tracked = _has_track(particles, detector.tracker, rng)
    electromagnetic = (kind == PHOTON) | (kind == ELECTRON)
    hadronic = ~electromagnetic & (kind != MUON)
    showers, emulates = None, np.zeros(len(kind), bool)
    if detector.calorimeter == "emulated":
        emulator = emulated.load(detector.emulator)
        emulates = (kind == PHOTON) & emulator.knows(particles)
        # A stream of its own, as for all that is drawn beside the parametrised detector.
        showers = emulator.deposits(particles[emulates], rng.spawn(1)[0])
    parts = [
        {**_tracks(particles[tracked], detector.tracker, rng), "particle": np.flatnonzero(tracked)},
        _cells(particles[electromagnetic & ~tracked & ~emulates], detector.ecal, PHOTON, rng, showers),
        _cells(particles[hadronic & ~tracked], detector.hcal, NEUTRAL_HADRON, rng),
    ]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    event = joined.pop("event")
    order = np.argsort(event, kind="stable")
    candidates = ak.zip({name: values[order] for name, values in joined.items()})
    return ak.unflatten(candidates, np.bincount(event, minlength=particles.events))


def b_tag(jets: ak.Array, b_hadrons: ak.Array, radius: float, separation: float, rng: np.random.Generator) -> ak.Array:
    """A b-tagging score between 0 and 1 of each jet: one of two logistic-normal distributions.

    Args:
        jets: events * var * {eta, phi, ...}.
        b_hadrons: events * var * {eta, phi}; one within ``radius`` of the axis makes the jet a b jet.
        radius: of the jets.
        separation: of the two distributions' logits, in their standard deviations.
        rng: its random numbers are used for this alone.
    """
    axes = Lists.of(jets, "eta", "phi")
    genuine = near(axes, Lists.of(b_hadrons, "eta", "phi"), radius)
    return ak.unflatten(score(separation * (genuine - 0.5), rng), axes.counts)


def score(mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Logistic function of normal numbers of this ``mean``, shape (n,), and standard deviation 1."""
    found: np.ndarray = 1 / (1 + np.exp(-(mean + rng.standard_normal(len(mean)))))
    return found


def masses(pdgid: np.ndarray) -> np.ndarray:
    """The masses (GeV) that the tracks of charged particles are given."""
    kind = _taken_for(pdgid)
    return np.select([kind == k for k in MASSES], list(MASSES.values()))


def _taken_for(pdgid: np.ndarray) -> np.ndarray:
    """The kinds that particle flow tells apart: leptons, and pions."""
    kind = np.abs(pdgid)
    return np.where((kind == ELECTRON) | (kind == MUON), kind, PION)


def _has_track(particles: Particles, tracker: Tracker, rng: np.random.Generator) -> np.ndarray:
    found = rng.random(len(particles.pt)) < tracker.efficiency
    reached = (particles.pt > tracker.pt_min) & (np.abs(particles.eta) < tracker.eta_max)
    has_track: np.ndarray = found & reached & (particles.charge != 0)
    return has_track


def _tracks(particles: Particles, tracker: Tracker, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One candidate per charged particle: lepton, or pion as particle flow assumes."""
    resolution = np.hypot(tracker.resolution_constant, tracker.resolution_slope * particles.pt)
    kind = _taken_for(particles.pdgid)
    # In PDG's numbers leptons of positive charge are negative, pions of positive charge positive.
    sign = np.where(kind == PION, particles.charge, -particles.charge)
    return {
        "event": particles.event,
        # A log-normal response keeps the momentum positive; its width is the resolution to first order.
        "pt": particles.pt * np.exp(resolution * rng.standard_normal(len(resolution))),
        "eta": particles.eta,
        "phi": particles.phi,
        "mass": masses(particles.pdgid),
        "charge": particles.charge,
        "pdgid": (sign * kind).astype(np.int32),
    }


def _cells(
    particles: Particles,
    calorimeter: Calorimeter,
    pdgid: int,
    rng: np.random.Generator,
    showers: Deposits | None = None,
) -> dict[str, np.ndarray]:
    """Sum the energy in cells, smear it, and put a massless candidate at the centre of each cell.

    What ``showers`` add fluctuates by itself, and gets the noise alone.
    """
    n_phi = round(2 * np.pi / calorimeter.cell)
    n_eta = int(np.ceil(2 * calorimeter.eta_max / calorimeter.cell))
    width = 2 * np.pi / n_phi

    def cell_of(hits: Particles | Deposits) -> tuple[np.ndarray, np.ndarray]:
        """The cell of each hit, and its energy."""
        reached = np.abs(hits.eta) < calorimeter.eta_max
        i_phi = np.floor((hits.phi[reached] + np.pi) / width).astype(np.int64) % n_phi
        i_eta = np.floor((hits.eta[reached] + calorimeter.eta_max) / calorimeter.cell).astype(np.int64)
        return (hits.event[reached] * n_eta + i_eta) * n_phi + i_phi, hits.energy[reached]

    where, energies = cell_of(particles)
    smeared = len(where)
    if showers is not None:
        where, energies = map(np.concatenate, zip((where, energies), cell_of(showers), strict=True))
    cells, which = np.unique(where, return_inverse=True)
    energy = np.bincount(which, weights=energies, minlength=len(cells))
    own = np.bincount(which[:smeared], weights=energies[:smeared], minlength=len(cells))
    sigma = np.sqrt(calorimeter.stochastic**2 * own + calorimeter.noise**2 + (calorimeter.constant * own) ** 2)
    measured = energy + sigma * rng.standard_normal(len(energy))
    above = measured > calorimeter.threshold
    cells, measured = cells[above], measured[above]
    eta = (cells // n_phi % n_eta + 0.5) * calorimeter.cell - calorimeter.eta_max
    return {
        "event": cells // (n_phi * n_eta),
        "pt": measured / np.cosh(eta),
        "eta": eta,
        "phi": (cells % n_phi + 0.5) * width - np.pi,
        "mass": np.zeros(len(cells)),
        "charge": np.zeros(len(cells), np.int8),
        "pdgid": np.full(len(cells), pdgid, np.int32),
        "particle": np.full(len(cells), -1),
    }
