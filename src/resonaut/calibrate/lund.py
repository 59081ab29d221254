"""The primary Lund jet planes of a jet's prongs.

Method of CMS-DP-2023-046 and arXiv:2507.07775: the constituents of a jet are clustered exclusively into
one kT subjet per prong, and each subjet is declustered along the harder branch of its Cambridge/Aachen
tree (arXiv:1807.04758). A step into branches with p_T1 > p_T2 is a splitting with Delta = DeltaR(1, 2),
taken in rapidity and azimuth, and k_t = p_T2 Delta.
"""

import warnings

import awkward as ak
import fastjet
import numpy as np
import numpy.typing as npt

from resonaut.events import require_finite

# So large that no particle is closer to the beam than to another one: every constituent joins a subjet.
CLUSTERING_RADIUS = 1000.0


def lund_plane(
    constituents: ak.Array,
    n_prongs: int | npt.ArrayLike,
    *,
    minimum_delta: float = 0.005,
    minimum_kt: float = 0.02,
) -> ak.Array:
    """Subjets and primary splittings of jets.

    Args:
        constituents: ``jets * var * {pt, eta, phi, mass}`` in GeV and radians; p_T of zero is padding.
        n_prongs: number of subjets, one for all jets or one per jet.
        minimum_delta: splittings at smaller or equal angle are dropped.
        minimum_kt: splittings of smaller or equal k_t (GeV) are dropped.

    Returns:
        ``jets * var * {pt, eta, phi, splittings: var * {delta, kt}}``: exactly ``n_prongs`` subjets in
        each jet. A jet with fewer constituents than prongs, or with no prong, has no subjet at all.

    Raises:
        NotFiniteError: a constituent's momentum is NaN or infinite.

    Example:
        >>> jet = ak.Array([[{"pt": 60.0, "eta": 0.0, "phi": 0.0, "mass": 0.0},
        ...                  {"pt": 40.0, "eta": 0.0, "phi": 0.1, "mass": 0.0}]])
        >>> round(float(lund_plane(jet, 1).splittings.kt[0, 0, 0]), 6)
        4.0
    """
    for name in ("pt", "eta", "phi", "mass"):
        require_finite(constituents[name], name, "jet constituents")
    particles = constituents[constituents.pt > 0]
    prongs = np.broadcast_to(np.asarray(n_prongs), len(particles))
    splits = (prongs >= 1) & (ak.to_numpy(ak.num(particles)) >= prongs)
    # One call per number of prongs: FastJet fails for all jets if one has too few particles.
    rows = [np.flatnonzero(~splits)]
    parts = [_without_subjets(len(rows[0]))]
    for n in np.unique(prongs[splits]):
        rows.append(np.flatnonzero(splits & (prongs == n)))
        parts.append(_decluster(particles[rows[-1]], int(n), minimum_delta, minimum_kt))
    return ak.concatenate(parts)[np.argsort(np.concatenate(rows))]


def _decluster(particles: ak.Array, n: int, minimum_delta: float, minimum_kt: float) -> ak.Array:
    definition = fastjet.JetDefinition(fastjet.kt_algorithm, CLUSTERING_RADIUS)
    sequence = fastjet.ClusterSequence(_momenta(particles), definition)
    with warnings.catch_warnings():
        # FastJet's bindings doubt exclusive jets of every algorithm, kT included.
        warnings.filterwarnings("ignore", message="dcut and exclusive jets")
        axes = sequence.exclusive_jets(n_jets=n)
    found = sequence.exclusive_jets_lund_declusterings(n)
    found = found[(found.Delta > minimum_delta) & (found.kt > minimum_kt)]
    pt = np.hypot(axes.px, axes.py)
    return ak.zip(
        {
            "pt": pt,
            "eta": np.arcsinh(axes.pz / pt),
            "phi": np.arctan2(axes.py, axes.px),
            "splittings": ak.zip({"delta": found.Delta, "kt": found.kt}),
        },
        depth_limit=2,
    )


def _momenta(particles: ak.Array) -> ak.Array:
    """Cartesian momenta in double precision, packed as FastJet's bindings need them."""
    pt, eta, phi, mass = (ak.values_astype(particles[name], np.float64) for name in ("pt", "eta", "phi", "mass"))
    momenta = {
        "px": pt * np.cos(phi),
        "py": pt * np.sin(phi),
        "pz": pt * np.sinh(eta),
        "E": np.hypot(pt * np.cosh(eta), mass),
    }
    return ak.to_packed(ak.zip(momenta, with_name="Momentum4D"))


def _without_subjets(jets: int) -> ak.Array:
    none = np.zeros(0)
    splittings = ak.unflatten(ak.zip({"delta": none, "kt": none}), np.zeros(0, np.int64))
    subjet = ak.zip({"pt": none, "eta": none, "phi": none, "splittings": splittings}, depth_limit=1)
    return ak.unflatten(subjet, np.zeros(jets, np.int64))
