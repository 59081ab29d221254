"""What a collision leaves in the trigger's towers and muon chambers.

Towers are squares of 0.087 in pseudorapidity and azimuth, as in CMS's barrel, here everywhere up to |eta| = 4.96.
Particles keep their energy, smeared by the resolution of the calorimeter, at the point where they reach it.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import numpy.typing as npt

from resonaut.simulate.particles import Particles

FloatArray = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PHI_TOWERS, ETA_TOWERS = 72, 114
WIDTH = 2 * pi / PHI_TOWERS
ETA_WIDTH = 0.0870
# CMS: solenoid (T), the calorimeter's inner face (m), where its electromagnetic part ends, and muon chambers.
FIELD, RADIUS, LENGTH = 3.8, 1.29, 3.17
ELECTROMAGNETIC_ETA, MUON_ETA = 3.0, 2.4
# Stochastic and constant terms of the energy resolution, GeV.
ELECTROMAGNETIC, HADRONIC = (0.03, 0.005), (1.0, 0.05)
# A hadron begins to shower in the electromagnetic part this often, and then leaves there any share of its energy.
EARLY = 0.6
ELECTRON, MUON, PHOTON, PION, KAON = 11, 13, 22, 211, 321
# Momenta (GeV) that reach the chambers in the barrel and the endcaps, and how many of these muons are found.
MUON_PT, MUON_BARREL, MUON_P, MUON_EFFICIENCY = 3.5, 1.2, 5.0, 0.95
MUON_RESOLUTION = 0.2
# Of decays in flight: mass (GeV), c tau (m), share of decays with a muon, and its least share of the momentum.
IN_FLIGHT = {PION: (0.1396, 7.80, 1.0, 0.57), KAON: (0.4937, 3.71, 0.64, 0.05)}


@dataclass(frozen=True)
class Deposits:
    """Towers and muons of n collisions; those of collision i are ``towers[i]`` to ``towers[i + 1]``, muons likewise.

    ``cell``: eta tower * 72 + phi tower. ``em``, ``had``: transverse energies in GeV. ``muon``: rows of pT (GeV), eta,
    phi, and the charge.
    """

    towers: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int16]
    em: npt.NDArray[np.float32]
    had: npt.NDArray[np.float32]
    muons: npt.NDArray[np.int64]
    muon: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.towers) - 1

    @classmethod
    def joined(cls, parts: list["Deposits"]) -> "Deposits":
        """The collisions of several, one after the other."""

        def starts(several: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
            return np.concatenate([[0], np.cumsum(np.concatenate([np.diff(one) for one in several]))])

        return cls(
            towers=starts([part.towers for part in parts]),
            cell=np.concatenate([part.cell for part in parts]),
            em=np.concatenate([part.em for part in parts]),
            had=np.concatenate([part.had for part in parts]),
            muons=starts([part.muons for part in parts]),
            muon=np.concatenate([part.muon for part in parts]),
        )


def digitise(particles: Particles, position: FloatArray | None, rng: np.random.Generator) -> Deposits:
    """What the visible particles of a batch leave; ``position``: their points of production (particles, 3) in mm."""
    kind = np.abs(particles.pdgid)
    energy, eta, phi, reached = _at_calorimeter(particles, position)
    reached &= (kind != MUON) & (np.abs(eta) < ETA_TOWERS / 2 * ETA_WIDTH)
    electromagnetic = (kind == ELECTRON) | (kind == PHOTON)
    stochastic, constant = np.where(electromagnetic[:, None], ELECTROMAGNETIC, HADRONIC).T
    sigma = np.hypot(stochastic * np.sqrt(energy), constant * energy)
    measured = np.maximum(energy + sigma * rng.standard_normal(len(energy)), 0) / np.cosh(eta)
    share = np.where(rng.random(len(energy)) < EARLY, rng.random(len(energy)), 0)
    share = np.where(electromagnetic, 1, share) * (np.abs(eta) < ELECTROMAGNETIC_ETA)

    i_eta = np.floor(eta[reached] / ETA_WIDTH).astype(np.int64) + ETA_TOWERS // 2
    i_phi = np.floor(phi[reached] / WIDTH).astype(np.int64) % PHI_TOWERS
    where = (particles.event[reached] * ETA_TOWERS + i_eta) * PHI_TOWERS + i_phi
    cells, which = np.unique(where, return_inverse=True)
    em, had = (
        np.bincount(which, (measured * part)[reached], len(cells)).astype(np.float32) for part in (share, 1 - share)
    )
    of_event, cell = np.divmod(cells, ETA_TOWERS * PHI_TOWERS)
    found, muon = _muons(particles, rng)
    return Deposits(
        _starts(of_event, particles.events), cell.astype(np.int16), em, had, _starts(found, particles.events), muon
    )


def _starts(event: npt.NDArray[np.int64], events: int) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.bincount(event, minlength=events))])


def _at_calorimeter(
    particles: Particles, position: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, Bools]:
    """Energy, eta and phi where each particle reaches the calorimeter's face, and which do.

    From the origin charged particles move on helices. What is produced more than 1 mm away moves on a straight line,
    and reaches nothing from beyond the face.
    """
    curvature = 0.3 * FIELD * particles.charge / (2 * particles.pt)
    slope = np.sinh(particles.eta)
    # Half the angle that is turned on the way to the barrel or the endcap, whichever is first.
    barrel = np.arcsin(np.clip(np.abs(curvature) * RADIUS, 0, 1))
    endcap = np.abs(curvature) * LENGTH / np.maximum(np.abs(slope), 1e-9)
    half = np.sign(curvature) * np.minimum(barrel, endcap)
    # Who turns before the barrel and does not reach the endcap within half a circle stays inside.
    reached = (np.abs(curvature) * RADIUS < 1) | (endcap < pi / 2)
    ends = endcap < barrel
    radius = np.where(ends & (half != 0), np.abs(np.sin(half) / np.where(curvature == 0, 1, curvature)), RADIUS)
    eta = np.where(ends & (half != 0), np.arcsinh(np.sign(slope) * LENGTH / np.maximum(radius, 1e-6)), particles.eta)
    phi = particles.phi - half
    if position is not None:
        away = np.square(position).sum(axis=1) > 1
        straight, there = _straight(particles, position / 1000)
        eta, phi = np.where(away, straight[0], eta), np.where(away, straight[1], phi)
        reached = np.where(away, there, reached)
    return particles.energy, eta, phi, reached


def _straight(particles: Particles, start: FloatArray) -> tuple[FloatArray, Bools]:
    """Eta and phi (2, particles) of the points where lines from ``start`` (m) leave the cylinder of the face."""
    x, y, z = start.T
    ux, uy, uz = np.cos(particles.phi), np.sin(particles.phi), np.sinh(particles.eta)
    along = x * ux + y * uy
    inside = (np.hypot(x, y) < RADIUS) & (np.abs(z) < LENGTH)
    barrel = -along + np.sqrt(np.maximum(along**2 + RADIUS**2 - x**2 - y**2, 0))
    endcap = np.where(uz == 0, np.inf, (np.sign(uz) * LENGTH - z) / np.where(uz == 0, 1, uz))
    path = np.minimum(barrel, endcap)
    x, y, z = x + path * ux, y + path * uy, z + path * uz
    return np.stack([np.arcsinh(z / np.maximum(np.hypot(x, y), 1e-6)), np.arctan2(y, x)]), inside


def _muons(particles: Particles, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Muons, and those of pions and kaons that decay before the calorimeter: the event of each, and (muons, 4)."""
    kind = np.abs(particles.pdgid)
    momentum = particles.pt * np.cosh(particles.eta)
    share, decays = np.ones(len(kind)), rng.random(len(kind))
    found = kind == MUON
    for hadron, (mass, lifetime, branching, least) in IN_FLIGHT.items():
        flight = np.minimum(RADIUS / particles.pt, LENGTH / np.maximum(momentum * np.abs(np.tanh(particles.eta)), 1e-9))
        flies = (kind == hadron) & (decays < branching * -np.expm1(-flight * mass / lifetime))
        share = np.where(flies, rng.uniform(least, 1, len(kind)), share)
        found |= flies
    pt = particles.pt * share
    barrel = np.abs(particles.eta) < MUON_BARREL
    found &= np.where(barrel, pt > MUON_PT, momentum * share > MUON_P) & (np.abs(particles.eta) < MUON_ETA)
    found &= rng.random(len(kind)) < MUON_EFFICIENCY
    measured = pt * np.exp(MUON_RESOLUTION * rng.standard_normal(len(pt)))
    columns = measured, particles.eta, particles.phi, particles.charge
    return particles.event[found], np.stack([column[found] for column in columns], axis=1).astype(np.float32)
