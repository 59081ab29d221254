"""The mass of the large-radius jet and the leading muon, and how the momentum is shared between the two."""

import numpy as np

from resonaut.physics.observables import Need, Observable, mass

OBSERVABLES = {
    "m_j_mu": Observable(
        {"large_jet": Need(1), "muon": Need(1)},
        "GeV",
        r"$m_{j\mu}$",
        lambda objects: mass((objects["large_jet"], 0), (objects["muon"], 0)),
    ),
    "pt_mu_j": Observable(
        {"large_jet": Need(1, ("pt",)), "muon": Need(1, ("pt",))},
        "1",
        r"$p_T^\mu / p_T^j$",
        lambda objects: np.asarray(objects["muon"].pt[:, 0]) / objects["large_jet"].pt[:, 0],
    ),
}
