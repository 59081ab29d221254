"""The rapidity-mass matrix: all objects of an event, alone and in pairs, as one matrix of numbers of order one.

S. Chekanov, arXiv:1805.11650; as inputs of an autoencoder ATLAS, arXiv:2307.01612. The first row and column are the
missing momentum's, the others those of the objects: kind after kind, in each by falling transverse energy E_T. With
the energy s^1/2 of the collisions and C = 0.15 a cell is

- at (0, 0) the missing momentum over s^1/2, in the rest of the first row its transverse mass with an object over
  s^1/2, in the rest of the first column h_L = C (cosh y - 1);
- on the diagonal E_T / s^1/2 of the first object of a kind, (E_T of the one before - E_T) / (E_T of it + E_T) of the
  others;
- above it m_ij / s^1/2, below it h_ij = C (cosh(dy / 2) - 1), of two objects.

It is 0 where an event has no such object. GeV and radians.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# Of the ATLAS search: jets without those with a b tag, which are a kind of their own.
KINDS = {"jet": 10, "b_jet": 10, "electron": 5, "muon": 5, "photon": 5}
# Brings functions of rapidities to the size of the others.
SCALE = 0.15


@dataclass(frozen=True)
class Layout:
    """Which objects the matrix has: the most of each kind, in order, and the energy of the collisions, GeV."""

    sqrt_s: float
    kinds: Mapping[str, int] = field(default_factory=KINDS.copy)

    @property
    def size(self) -> int:
        """Rows of the matrix."""
        return 1 + sum(self.kinds.values())

    @property
    def rows(self) -> dict[str, slice]:
        """The rows, and columns, of each kind."""
        edges = pairwise(accumulate(self.kinds.values(), initial=1))
        return {kind: slice(low, high) for kind, (low, high) in zip(self.kinds, edges, strict=True)}

    def mass(self, one: str, two: str) -> tuple[int, int]:
        """The cell with the invariant mass of the first objects of two kinds, or of the first two of a kind.

        Raises:
            KeyError: the matrix has no such kind.
        """
        first, second = sorted((self.rows[one].start, self.rows[two].start))
        return first, second + (one == two)

    def inputs(self, searched: Sequence[tuple[str, str]] = ()) -> NDArray[np.int64]:
        """The places of the cells in a matrix row by row, without the masses of pairs of kinds that are ``searched``.

        Who selects by a cell carves its spectrum.
        """
        left_out = [row * self.size + column for row, column in (self.mass(*pair) for pair in searched)]
        return np.setdiff1d(np.arange(self.size**2), left_out)


def matrices(objects: Mapping[str, Mapping[str, Any]], met: Mapping[str, Any], layout: Layout) -> Numbers:
    """The matrix of each event, shape (n, size, size).

    Args:
        objects: by kind pt, eta, phi and mass, shape (n, any number) each, in any order; a pt of 0 is no object. Of
            more than the layout has, those of the largest transverse energies count; a kind may be missing.
        met: pt and phi of the missing momentum, shape (n,).
        layout: the objects of the matrix.
    """
    missing = np.column_stack([np.asarray(met[name], np.float64) for name in ("pt", "phi")])
    momenta = np.zeros((len(missing), layout.size, 4))
    for kind, rows in layout.rows.items():
        if kind in objects:
            given = np.stack([np.asarray(objects[kind][name], np.float64) for name in ("pt", "eta", "phi", "mass")], -1)
            energy = _transverse_energy(given[..., 0], given[..., 1], given[..., 3])
            order = np.argsort(np.where(given[..., 0] > 0, -energy, 0), axis=1, kind="stable")
            kept = np.take_along_axis(given, order[..., np.newaxis], axis=1)[:, : layout.kinds[kind]]
            momenta[:, rows][:, : kept.shape[1]] = kept
    starts = np.zeros(layout.size, np.bool_)
    starts[[rows.start for rows in layout.rows.values() if rows.stop > rows.start]] = True
    return _fill(momenta, missing, starts, layout.sqrt_s)


def zones(matrix: Numbers, layout: Layout) -> Numbers:
    """The matrices (n, size, size) in few numbers: the root of the sum of squares of each zone's cells.

    W. Islam, S. Chekanov, arXiv:2602.17563, with the zones of their code: the missing momentum; of each kind the
    diagonal, of each the transverse masses, of each h_L; of each pair of kinds h, of each the masses. With five kinds
    these are 46, shape (n, 46).
    """
    rows = list(layout.rows.values())
    pairs = [(earlier, later) for number, later in enumerate(rows) for earlier in rows[: number + 1]]
    squares = matrix**2
    diagonal = np.diagonal(squares, axis1=1, axis2=2)
    above, below = np.triu(squares, 1), np.tril(squares, -1)
    sums = [
        diagonal[:, 0],
        *(diagonal[:, one].sum(axis=1) for one in rows),
        *(squares[:, 0, one].sum(axis=1) for one in rows),
        *(squares[:, one, 0].sum(axis=1) for one in rows),
        *(below[:, later, earlier].sum(axis=(1, 2)) for earlier, later in pairs),
        *(above[:, earlier, later].sum(axis=(1, 2)) for earlier, later in pairs),
    ]
    found: Numbers = np.sqrt(np.column_stack(sums))
    return found


def _transverse_energy(pt: Numbers, eta: Numbers, mass: Numbers) -> Numbers:
    """E sin(theta)."""
    return np.hypot(pt, mass / np.cosh(eta))


@numba.njit(cache=True, error_model="numpy")
def _fill(momenta: Numbers, missing: Numbers, starts: NDArray[np.bool_], sqrt_s: float) -> Numbers:
    """Matrices of ``momenta`` (n, size, 4), sorted; ``starts`` marks the first row of each kind."""
    n, size, _ = momenta.shape
    found = np.zeros((n, size, size))
    energy, y, transverse, px, py = np.empty((5, size))
    for event in range(n):
        matrix, met = found[event], missing[event, 0]
        met_x, met_y = met * np.cos(missing[event, 1]), met * np.sin(missing[event, 1])
        matrix[0, 0] = met / sqrt_s
        there = [i for i in range(1, size) if momenta[event, i, 0] > 0]
        for i in there:
            pt, eta, phi, mass = momenta[event, i]
            energy[i], transverse[i] = np.hypot(pt, mass / np.cosh(eta)), np.hypot(pt, mass)
            y[i] = np.arcsinh(pt * np.sinh(eta) / transverse[i])
            px[i], py[i] = pt * np.cos(phi), pt * np.sin(phi)
            # Squared: (E_T + MET)^2 - (p_T + p_T^miss)^2.
            with_met = (mass / np.cosh(eta)) ** 2 + 2 * (energy[i] * met - px[i] * met_x - py[i] * met_y)
            matrix[0, i] = np.sqrt(max(with_met, 0.0)) / sqrt_s if met > 0 else 0.0
            matrix[i, 0] = SCALE * (np.cosh(y[i]) - 1)
            if starts[i]:
                matrix[i, i] = energy[i] / sqrt_s
            else:
                matrix[i, i] = (energy[i - 1] - energy[i]) / (energy[i - 1] + energy[i])
        for place, j in enumerate(there):
            for i in there[:place]:
                half = np.cosh((y[i] - y[j]) / 2)
                # cosh(dy) = 2 cosh(dy / 2)^2 - 1.
                product = transverse[i] * transverse[j] * (2 * half**2 - 1) - px[i] * px[j] - py[i] * py[j]
                squared = momenta[event, i, 3] ** 2 + momenta[event, j, 3] ** 2 + 2 * product
                matrix[i, j] = np.sqrt(max(squared, 0.0)) / sqrt_s
                matrix[j, i] = SCALE * (half - 1)
    return found
