"""Weights of jets with which no class can be told from another by the jet's pT, or its mass."""

import numpy as np


def balancing_weights(
    labels: np.ndarray, pt: np.ndarray, bins: int, mass: np.ndarray | None = None, mass_bins: int = 1
) -> np.ndarray:
    """Weights (n,) of mean one that give every class the same sum in each bin of jet pT, and of mass.

    So a network cannot tell the classes by the jet's pT, which would sculpt m_jj, nor by the mass where that has bins.
    All cells of pT and mass have the same sum, too: with bins of equal numbers of jets each class is flat in them.
    Where a class has less than a tenth of a cell's fair share, it is weighted as if it had that much, lest a few jets
    stand for a whole cell.
    """
    cell = _bin(pt, bins)
    if mass is not None and mass_bins > 1:
        # In each bin of pT of its own: heavy jets are hard ones.
        within = np.zeros_like(cell)
        for i in range(bins):
            within[cell == i] = _bin(mass[cell == i], mass_bins)
        cell, bins = cell * mass_bins + within, bins * mass_bins
    n_classes = labels.max() + 1
    cell = cell * n_classes + labels
    weights = 1.0 / np.maximum(np.bincount(cell), 0.1 * len(cell) / (bins * n_classes))[cell]
    balanced: np.ndarray = weights / weights.mean()
    return balanced


def _bin(values: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each value, of so many with equal numbers of them."""
    if not len(values):
        return np.zeros(0, int)
    place: np.ndarray = np.digitize(values, np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    return place
