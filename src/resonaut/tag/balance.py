"""Weights that give all classes the same spectrum of pT, and of mass."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Balance:
    """The weight of a jet by its class and its cell of pT and mass; see ``balancing_weights``.

    ``pt``: inner edges of the bins; ``mass``: those of the mass in each bin of pT, (bins, edges); ``weights``: (cells,
    classes). Edges and masses in GeV.
    """

    pt: np.ndarray
    mass: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, pt: np.ndarray, bins: int, mass: np.ndarray, mass_bins: int) -> "Balance":
        """The weights of which the mean over these jets is one."""
        edges = _edges(pt, bins)
        place = np.digitize(pt, edges)
        # In each bin of pT of its own: heavy jets are hard ones.
        masses = np.stack([_edges(mass[place == i], mass_bins) for i in range(bins)])
        cells, classes = bins * mass_bins, labels.max() + 1
        unweighted = cls(edges, masses, np.ones((cells, classes)))
        cell = unweighted._cells(pt, mass) * classes + labels
        counts = np.bincount(cell, minlength=cells * classes)
        weights = 1.0 / np.maximum(counts, 0.1 * len(cell) / (cells * classes))
        return cls(edges, masses, (weights / weights[cell].mean()).reshape(cells, classes))

    def __call__(self, labels: np.ndarray, pt: np.ndarray, mass: np.ndarray) -> np.ndarray:
        """The weights (n,) of jets."""
        found: np.ndarray = self.weights[self._cells(pt, mass), labels]
        return found

    def _cells(self, pt: np.ndarray, mass: np.ndarray) -> np.ndarray:
        place = np.digitize(pt, self.pt)
        within = np.zeros_like(place)
        for i, edges in enumerate(self.mass):
            within[place == i] = np.digitize(mass[place == i], edges)
        cells: np.ndarray = place * (self.mass.shape[1] + 1) + within
        return cells


def balancing_weights(
    labels: np.ndarray, pt: np.ndarray, bins: int, mass: np.ndarray | None = None, mass_bins: int = 1
) -> np.ndarray:
    """Weights (n,) of mean one that give every class the same sum in each bin of jet pT, and of mass.

    So a network cannot tell the classes by the jet's pT, which would sculpt m_jj, nor by the mass where that has bins.
    All cells of pT and mass have the same sum, too: with bins of equal numbers of jets each class is flat in them.
    Where a class has less than a tenth of a cell's fair share, it is weighted as if it had that much, lest a few jets
    stand for a whole cell.
    """
    mass = np.zeros_like(pt) if mass is None else mass
    return Balance.of(labels, pt, bins, mass, mass_bins)(labels, pt, mass)


def _edges(values: np.ndarray, bins: int) -> np.ndarray:
    """The inner edges of so many bins with equal numbers of values."""
    edges: np.ndarray = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]) if len(values) else np.zeros(bins - 1)
    return edges
