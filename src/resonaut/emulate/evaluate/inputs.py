"""What classifiers and distances see of a shower: its voxels, or the high-level features of the CaloChallenge.

(arXiv:2410.21611; ``evaluate.py`` of github.com/CaloChallenge/homepage.)
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from resonaut.physics.showers.files import Showers

Floats = NDArray[np.float64]
# Of a layer without energy.
LEAST = 1e-8


def low_level(showers: Showers) -> NDArray[np.float32]:
    """log10 of the incident energy, and each voxel in per cent of it, (n, 1 + voxels)."""
    energies = showers.energies[:, None]
    return np.concatenate([np.log10(energies), 100 * showers.voxels / energies], axis=1).astype(np.float32)


def features(showers: Showers, observables: Mapping[str, Floats]) -> Floats:
    """The high-level features, (n, d): energies as log10 of MeV, centres and widths in units of 100 mm, sparsities.

    ``observables``: those of ``physics.showers``; the shapes of ATLAS are not among the features.
    """
    return _columns(showers, observables, np.ones(len(showers)))


def high_level(showers: Showers, observables: Mapping[str, Floats]) -> NDArray[np.float32]:
    """The same with all energies but the incident one over that: a short training need not find the ratios first."""
    return _columns(showers, observables, showers.energies).astype(np.float32)


def _columns(showers: Showers, observables: Mapping[str, Floats], unit: Floats) -> Floats:
    """The features with the deposited energies in units (n,) of MeV."""
    total = observables["response"] * showers.energies
    columns = [np.log10(showers.energies), np.log10((total + LEAST) / unit)]
    for name, values in observables.items():
        kind = name.rstrip("0123456789")
        if kind == "energy_":
            columns.append(np.log10((values + LEAST) / unit))
        elif kind.startswith(("centre_", "width_")):
            columns.append(values / 100)
        elif kind == "sparsity_":
            columns.append(values)
    return np.stack(columns, axis=1)
