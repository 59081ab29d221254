"""The primary Lund jet planes of a jet's prongs.

Method of CMS-DP-2023-046 and arXiv:2507.07775: the constituents of a jet are clustered exclusively into
one kT subjet per prong, and each subjet is declustered along the harder branch of its Cambridge/Aachen
tree (arXiv:1807.04758) or of the kT tree itself. A step into branches with p_T1 > p_T2 is a splitting with
Delta = DeltaR(1, 2), taken in rapidity and azimuth, and k_t = p_T2 Delta.
"""

from typing import NamedTuple

import awkward as ak
import numpy as np
import numpy.typing as npt

from resonaut.calibrate.settings import Declustering
from resonaut.core.events import require_finite
from resonaut.physics.clustering import FloatArray, IntArray, decluster


class Planes(NamedTuple):
    """Subjets and primary splittings of many jets, flat, in order of the jets.

    ``subjets``: number in each jet; ``pt``, ``eta``, ``phi`` of each subjet (GeV, radians), a jet's by falling
    p_T; ``splittings``: number in each subjet; ``delta``, ``kt`` of each splitting (radians, GeV).
    """

    subjets: IntArray
    pt: FloatArray
    eta: FloatArray
    phi: FloatArray
    splittings: IntArray
    delta: FloatArray
    kt: FloatArray

    def to_awkward(self) -> ak.Array:
        """``jets * var * {pt, eta, phi, splittings: var * {delta, kt}}``."""
        splittings = ak.unflatten(ak.zip({"delta": self.delta, "kt": self.kt}), self.splittings)
        subjet = {"pt": self.pt, "eta": self.eta, "phi": self.phi, "splittings": splittings}
        return ak.unflatten(ak.zip(subjet, depth_limit=1), self.subjets)


def lund_plane(
    constituents: ak.Array,
    n_prongs: int | npt.ArrayLike,
    *,
    declustering: Declustering = "ca",
    minimum_delta: float = 0.005,
    minimum_kt: float = 0.02,
) -> ak.Array:
    """Subjets and primary splittings of jets.

    Args:
        constituents: ``jets * var * {pt, eta, phi, mass}`` in GeV and radians; p_T of zero is padding.
        n_prongs: number of subjets, one for all jets or one per jet.
        declustering: undo the Cambridge/Aachen tree of each subjet (``"ca"``) or its kT tree (``"kt"``).
        minimum_delta: splittings at smaller or equal angle are dropped.
        minimum_kt: splittings of smaller or equal k_t (GeV) are dropped.

    Returns:
        ``jets * var * {pt, eta, phi, splittings: var * {delta, kt}}``: exactly ``n_prongs`` subjets in
        each jet, by falling p_T. A jet with fewer constituents than prongs, or with no prong, has no subjet at all.

    Raises:
        NotFiniteError: a constituent's momentum is NaN or infinite.

    Example:
        >>> jet = ak.Array([[{"pt": 60.0, "eta": 0.0, "phi": 0.0, "mass": 0.0},
        ...                  {"pt": 40.0, "eta": 0.0, "phi": 0.1, "mass": 0.0}]])
        >>> round(float(lund_plane(jet, 1).splittings.kt[0, 0, 0]), 6)
        4.0
    """
    return planes_of(constituents, n_prongs, declustering, minimum_delta, minimum_kt).to_awkward()


def planes_of(
    constituents: ak.Array,
    n_prongs: int | npt.ArrayLike,
    declustering: Declustering,
    minimum_delta: float,
    minimum_kt: float,
) -> Planes:
    """``lund_plane`` as flat arrays; the arguments and errors are the same."""
    pt, eta, phi, mass = (_flat(constituents, name) for name in ("pt", "eta", "phi", "mass"))
    real = pt > 0
    # An awkward sum of booleans over lists, without an awkward mask of every field.
    ends = np.cumsum(ak.to_numpy(ak.num(constituents)).astype(np.int64))
    first = np.concatenate([[0], np.concatenate([[0], np.cumsum(real)])[ends]]).astype(np.int64)
    if not real.all():
        pt, eta, phi, mass = pt[real], eta[real], phi[real], mass[real]
    wanted = np.broadcast_to(np.asarray(n_prongs, np.int64), len(first) - 1)
    wanted = np.where(np.diff(first) >= wanted, np.maximum(wanted, 0), 0)
    subjets, sizes = np.empty((3, wanted.sum())), np.empty(wanted.sum(), np.int64)
    delta, kt = np.empty((2, len(pt)))
    found = decluster(
        (pt, eta, phi, mass), first, wanted, declustering == "kt", minimum_delta, minimum_kt, subjets, sizes, delta, kt
    )
    return Planes(wanted, subjets[0], subjets[1], subjets[2], sizes, delta[:found].copy(), kt[:found].copy())


def _flat(constituents: ak.Array, name: str) -> FloatArray:
    require_finite(constituents[name], name, "jet constituents")
    return np.ascontiguousarray(ak.to_numpy(ak.flatten(constituents[name], axis=None)), dtype=np.float64)
