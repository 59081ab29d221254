"""What networks see of tracks besides the kinematic features: the inputs ``full`` and, with more, ``flavour``.

``full`` is JetClass's set (H. Qu, C. Li, S. Qian, arXiv:2202.03772, Table 2) with the standardisation of the published
networks. ``flavour`` has the significances of impact parameters, too, with the sign of the lifetime, as the taggers of
ATLAS have them (arXiv:2505.19689).
"""

from collections.abc import Callable

import numpy as np

# PDG numbers by feature.
KINDS = {"is_charged_hadron": 211, "is_neutral_hadron": 130, "is_photon": 22, "is_electron": 11, "is_muon": 13}
NAMES = ("charge", *KINDS, "tanh_d0", "d0_error", "tanh_dz", "dz_error")
LIFETIME = ("signed_d0_significance", "signed_dz_significance")
# The columns of candidates that ``skim`` keeps for them, the impact parameters in cm.
COLUMNS = ("charge", "pdgid", "d0", "d0_error", "dz", "dz_error")
MM_PER_CM = 10
# Largest arsinh of a significance.
LIMIT = 5.0


def track_features(constituent: Callable[[str], np.ndarray]) -> list[np.ndarray]:
    """The features ``NAMES`` from the columns of the constituents; all of one shape.

    d0 has the sign of Delphes in JetClass, against that of CMS in the columns. Errors in mm, at most 1.
    """
    kind = np.abs(constituent("pdgid"))
    features = [constituent("charge"), *((kind == number).astype(np.float64) for number in KINDS.values())]
    for name, sign in (("d0", -1), ("dz", 1)):
        features.append(np.tanh(sign * MM_PER_CM * constituent(name)))
        features.append(np.clip(MM_PER_CM * constituent(f"{name}_error"), 0, 1))
    return features


def lifetime_features(
    constituent: Callable[[str], np.ndarray], delta_eta: np.ndarray, delta_phi: np.ndarray
) -> list[np.ndarray]:
    """The features ``LIFETIME``: arsinh of the impact parameters over their errors, clipped; 0 without a track.

    They are positive for tracks from a decay in front of the primary vertex along the jet: d0 has the sign against the
    angle from the axis there, and dz that against the difference in pseudorapidity.

    Args:
        constituent: gives the columns.
        delta_eta: pseudorapidity of the constituents less that of the jet.
        delta_phi: the same of the azimuths, between -pi and pi.
    """
    features = []
    for name, away in (("d0", np.sin(delta_phi)), ("dz", delta_eta)):
        value, error = constituent(name), constituent(f"{name}_error")
        significance = np.divide(value, error, out=np.zeros_like(value), where=error > 0)
        size = np.minimum(np.arcsinh(np.abs(significance)), LIMIT)
        features.append(size * np.sign(-significance * away))
    return features
