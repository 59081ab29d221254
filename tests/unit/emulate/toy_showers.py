"""Showers whose layer energies and voxels are drawn by hand: a gamma profile with fluctuations, spots in each layer."""

import numpy as np

from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import Geometry, Layer

GEOMETRY = Geometry(
    "photon",
    (Layer(0, (0, 5, 20, 60), 1), Layer(1, (0, 4, 10, 30), 4), Layer(2, (0, 10, 30, 90), 4), Layer(3, (0, 50, 100), 1)),
)
# Where layers begin and end, in radiation lengths.
DEPTHS = np.array([0, 1, 6, 20, 24.0])


def showers(n: int, seed: int, energies=(512.0, 4096.0, 32768.0), geometry: Geometry = GEOMETRY) -> Showers:
    """Photons: a gamma profile (E. Longo, I. Sestili, NIM 128 (1975) 283) whose shape fluctuates, in Poisson spots."""
    from scipy.special import gammainc

    rng = np.random.default_rng(seed)
    incident = rng.choice(np.asarray(energies), n)
    shape = (2.5 + 0.4 * np.log(incident / 500)) * np.exp(0.15 * rng.normal(size=n))
    profile = np.diff(gammainc(shape[:, None], 0.5 * DEPTHS), axis=1)
    spots = rng.poisson(profile[:, geometry.layer] * (incident / 20)[:, None] * _radial(geometry))
    deposits = spots * rng.gamma(4, 20 * 0.9 / 4, size=spots.shape)
    return Showers(incident, deposits.astype(np.float32))


def _radial(geometry: Geometry) -> np.ndarray:
    """Of each voxel its part of its layer: rings fall off with r."""
    parts = [np.exp(-layer.r / 15) / np.exp(-layer.r / 15).sum() for layer in geometry.layers]
    return np.concatenate(parts)
