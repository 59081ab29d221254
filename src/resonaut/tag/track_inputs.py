"""What networks with the inputs ``full`` see besides the kinematic features: JetClass's set "full".

H. Qu, C. Li, S. Qian, arXiv:2202.03772, Table 2, with the standardisation of the published networks.
"""

from collections.abc import Callable

import numpy as np

# PDG numbers by feature.
KINDS = {"is_charged_hadron": 211, "is_neutral_hadron": 130, "is_photon": 22, "is_electron": 11, "is_muon": 13}
NAMES = ("charge", *KINDS, "tanh_d0", "d0_error", "tanh_dz", "dz_error")
# The columns of candidates that ``skim`` keeps for them, the impact parameters in cm.
COLUMNS = ("charge", "pdgid", "d0", "d0_error", "dz", "dz_error")
MM_PER_CM = 10


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
