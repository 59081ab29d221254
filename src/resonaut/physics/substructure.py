"""High-level observables of a jet, from the four-vectors of its constituents.

With the momentum fractions z_i = p_Ti / sum p_T and distances to the jet axis in rapidity and azimuth over the radius,
theta_i = Delta R_i / R_0, and between constituents, theta_ij:

- angularities sum z_i theta_i^beta, beta = 1/2, 1 (the width), 2, and the p_T dispersion (sum z_i^2)^(1/2):
  A. Larkoski, J. Thaler, W. Waalewijn, JHEP 11 (2014) 129;
- N-subjettiness tau_N = sum z_i min_k theta_ik with the exclusive kT axes k, not minimised: J. Thaler, K. Van
  Tilburg, JHEP 03 (2011) 015;
- energy correlation functions e_2 = sum_{i<j} z_i z_j theta_ij and
  e_3 = sum_{i<j<k} z_i z_j z_k theta_ij theta_ik theta_jk, and their ratios
  C_2 = e_3 / e_2^2 (A. Larkoski, G. Salam, J. Thaler, JHEP 06 (2013) 108) and D_2 = e_3 / e_2^3
  (A. Larkoski, I. Moult, D. Neill, JHEP 12 (2014) 009).
"""

import numpy as np
import numpy.typing as npt

from resonaut.physics.clustering import FloatArray, IntArray, decluster

N_TAU = 4
# ln GeV, ln GeV, and numbers.
OBSERVABLES = (
    "log_pt",
    "log_mass",
    "multiplicity",
    "pt_dispersion",
    "angularity_05",
    "width",
    "angularity_2",
    "tau1",
    "tau21",
    "tau32",
    "tau43",
    "c2",
    "log_d2",
)
# Least values of masses (GeV) and of what is divided by: of a jet with one or two constituents, several are 0.
LEAST_MASS, LEAST = 1e-2, 1e-6
# Jets whose pairs of constituents are in memory at once.
AT_ONCE = 512


def observables(vectors: npt.NDArray[np.floating], counts: IntArray, radius: float = 0.8) -> npt.NDArray[np.float32]:
    """The ``OBSERVABLES`` of jets, (n, 13).

    Args:
        vectors: px, py, pz, E of the constituents, GeV, by falling p_T; (n, 4, p), p_T above 0.
        counts: how many of the p places are real, at least 1; (n,).
        radius: R_0.
    """
    parts = [slice(first, first + AT_ONCE) for first in range(0, len(counts), AT_ONCE)]
    found = [_observables(vectors[part].astype(np.float64), counts[part], radius) for part in parts]
    return np.concatenate(found or [np.empty((0, len(OBSERVABLES)))]).astype(np.float32)


def _observables(vectors: FloatArray, counts: IntArray, radius: float) -> FloatArray:
    real = np.arange(vectors.shape[2]) < counts[:, None]
    total = (vectors * real[:, None]).sum(axis=2)
    pt, y, phi = _directions(vectors)
    _, y_jet, phi_jet = _directions(total)
    fractions = np.where(real, pt, 0.0)
    fractions /= fractions.sum(axis=1, keepdims=True)
    theta = _distance(y - y_jet[:, None], phi - phi_jet[:, None]) / radius
    tau = n_subjettiness(pt, vectors, counts, radius)
    pair = _distance(y[:, :, None] - y[:, None], phi[:, :, None] - phi[:, None]) / radius
    e2 = np.einsum("ni,nij,nj->n", fractions, pair, fractions, optimize=True) / 2
    # All of i, j, k that differ are there six times in the trace of the cube; theta_ii is 0.
    root = np.sqrt(fractions)
    matrix = root[:, :, None] * pair * root[:, None]
    e3 = np.einsum("nij,nji->n", matrix @ matrix, matrix, optimize=True) / 6
    mass2 = total[:, 3] ** 2 - (total[:, :3] ** 2).sum(axis=1)
    ratios = [tau[i + 1] / np.maximum(tau[i], LEAST) for i in range(N_TAU - 1)]
    columns = [
        np.log(np.hypot(total[:, 0], total[:, 1])),
        np.log(np.sqrt(np.maximum(mass2, LEAST_MASS**2))),
        counts.astype(np.float64),
        np.sqrt((fractions**2).sum(axis=1)),
        *((fractions * theta**beta).sum(axis=1) for beta in (0.5, 1, 2)),
        tau[0],
        *ratios,
        e3 / np.maximum(e2, LEAST) ** 2,
        np.log(np.maximum(e3, LEAST**3) / np.maximum(e2, LEAST) ** 3),
    ]
    return np.stack(columns, axis=1)


def n_subjettiness(pt: FloatArray, vectors: FloatArray, counts: IntArray, radius: float) -> list[FloatArray]:
    """tau_1, …, tau_4 of jets, each (n,), with kT axes; 0 for as many axes as constituents or more.

    Distances to the axes are in pseudorapidity.

    Args:
        pt: of the constituents, GeV, (n, p).
        vectors: their four-vectors, GeV, (n, 4, p).
        counts: how many are real, (n,).
        radius: R_0.
    """
    real = np.arange(pt.shape[1]) < counts[:, None]
    fractions = np.where(real, pt, 0.0)
    fractions /= fractions.sum(axis=1, keepdims=True)
    mass2 = vectors[:, 3] ** 2 - (vectors[:, :3] ** 2).sum(axis=1)
    eta, phi, mass = np.arcsinh(vectors[:, 2] / pt), np.arctan2(vectors[:, 1], vectors[:, 0]), np.sqrt(mass2.clip(0))
    particles = pt[real], eta[real], phi[real], mass[real]
    first, unused = np.concatenate([[0], np.cumsum(counts)]), np.empty((2, real.sum()))
    found = []
    for n in range(1, N_TAU + 1):
        wanted = np.minimum(n, counts)
        axes, sizes = np.empty((3, wanted.sum())), np.empty(wanted.sum(), np.int64)
        # No splitting is wanted, only the axes.
        decluster(particles, first, wanted, True, np.inf, np.inf, axes, sizes, *unused)
        place = np.minimum(np.arange(n), wanted[:, None] - 1) + (np.cumsum(wanted) - wanted)[:, None]
        eta_axis, phi_axis = axes[1][place], axes[2][place]
        nearest = _distance(eta[:, :, None] - eta_axis[:, None], phi[:, :, None] - phi_axis[:, None]).min(axis=2)
        found.append(np.where(counts > n, (fractions * nearest).sum(axis=1) / radius, 0.0))
    return found


def _directions(vectors: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """p_T, rapidity and azimuth of four-vectors (n, 4, ...)."""
    px, py, pz, energy = (vectors[:, i] for i in range(4))
    pt = np.hypot(px, py)
    # ln((E + |pz|) / m_T), precise for small masses.
    transverse = np.sqrt(np.maximum(pt**2, (energy - pz) * (energy + pz)))
    y = np.sign(pz) * np.log((np.maximum(energy, np.abs(pz)) + np.abs(pz)) / transverse)
    return pt, y, np.arctan2(py, px)


def _distance(y: FloatArray, phi: FloatArray) -> FloatArray:
    distance: FloatArray = np.hypot(y, (phi + np.pi) % (2 * np.pi) - np.pi)
    return distance
