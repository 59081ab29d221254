"""The vocabulary of event observables: numbers of an event that follow from its selected objects.

A formula gets objects by name, as awkward records (events * var) with the fields that it asks for: ``large_jet`` with
the heavier first, ``lepton`` (the muons and electrons together) and all others by falling pT, and ``met``, one record
an event of pt and phi. GeV and radians; sums are in double precision.
"""

from typing import Any

import numpy as np

from resonaut.core.extensions import Vocabulary
from resonaut.physics import leading_pairs, tau_pairs
from resonaut.physics.kinematics import (
    MET,
    MOMENTUM,
    Need,
    Objects,
    Observable,
    Values,
    delta_phi,
    mass,
    momentum,
    pt,
    rapidity,
    scalar_sum,
    summed,
    transverse_mass,
)

# What formulas of other files are made of, too.
__all__ = [
    "GROUPS",
    "LARGE_JET",
    "MET",
    "MOMENTUM",
    "OBSERVABLES",
    "Need",
    "Objects",
    "Observable",
    "Values",
    "delta_phi",
    "mass",
    "momentum",
    "pt",
    "rapidity",
    "scalar_sum",
    "summed",
    "transverse_mass",
]
# GeV; a groomed mass below, such as that of a lone photon, has no logarithm.
LEAST_MASS = 1e-3
LARGE_JET = "large_jet"
# Objects that are several of a region's, put together.
GROUPS = {"lepton": ("muon", "electron")}


def _ratio(upper: Any, lower: Any) -> Values:
    """Upper over lower, 0 where that is 0."""
    above, below = (np.asarray(values, np.float64) for values in (upper, lower))
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _pair(name: str, sign: str, symbol: str) -> dict[str, Observable]:
    """The observables of the first two objects of a kind, under ``m_<sign>`` and so on, with a LaTeX ``symbol``."""

    def two(objects: Objects) -> tuple[tuple[Any, int], tuple[Any, int]]:
        return (objects[name], 0), (objects[name], 1)

    def eta(objects: Objects) -> Any:
        return np.abs(objects[name]["eta"][:, 0] - objects[name]["eta"][:, 1])

    def phi(objects: Objects) -> Any:
        return delta_phi(objects[name]["phi"][:, 0], objects[name]["phi"][:, 1])

    return {
        f"m_{sign}": Observable({name: Need(2)}, "GeV", rf"$m_{{{symbol}}}$", lambda o: mass(*two(o))),
        f"pt_{sign}": Observable({name: Need(2)}, "GeV", rf"$p_T^{{{symbol}}}$", lambda o: pt(*two(o))),
        f"y_{sign}": Observable({name: Need(2)}, "1", rf"$y_{{{symbol}}}$", lambda o: rapidity(*two(o))),
        f"delta_eta_{sign}": Observable({name: Need(2, ("eta",))}, "1", rf"$|\Delta\eta_{{{symbol}}}|$", eta),
        f"delta_phi_{sign}": Observable({name: Need(2, ("phi",))}, "rad", rf"$|\Delta\phi_{{{symbol}}}|$", phi),
        f"delta_r_{sign}": Observable(
            {name: Need(2, ("eta", "phi"))},
            "1",
            rf"$\Delta R_{{{symbol}}}$",
            lambda o: np.hypot(np.asarray(eta(o), np.float64), phi(o)),
        ),
    }


_LEPTONS, _JETS, _MET = {"lepton": Need(0, ("pt",))}, {"small_jet": Need(0, ("pt",))}, {MET: Need(1, ("pt",))}

OBSERVABLES: Vocabulary[Observable] = Vocabulary(
    "OBSERVABLES",
    "observable",
    Observable,
    {
        **_pair(LARGE_JET, "jj", "jj"),
        "m_jet": Observable(
            {LARGE_JET: Need(1, ("softdrop_mass",))},
            "GeV",
            r"$m_{\mathrm{SD}}$",
            lambda o: o[LARGE_JET].softdrop_mass[:, 0],
        ),
        **_pair("small_jet", "small_jj", "j_1j_2"),
        "m_small_jjj": Observable(
            {"small_jet": Need(3)},
            "GeV",
            r"$m_{j_1j_2j_3}$",
            lambda o: mass(*((o["small_jet"], place) for place in range(3))),
        ),
        "tau21_track_jet": Observable(
            {"track_jet": Need(1, ("tau1", "tau2"))},
            "1",
            r"$\tau_{21}$",
            lambda o: _ratio(o["track_jet"].tau2[:, 0], o["track_jet"].tau1[:, 0]),
        ),
        "ln_rho_track_jet": Observable(
            {"track_jet": Need(1, ("pt", "msoftdrop"))},
            "1",
            r"$\ln\rho$",
            lambda o: 2 * np.log(np.maximum(o["track_jet"].msoftdrop[:, 0], LEAST_MASS) / o["track_jet"].pt[:, 0]),
        ),
        **_pair("b_jet", "bb", "bb"),
        **_pair("lepton", "ll", r"\ell\ell"),
        "charge_ll": Observable(
            {"lepton": Need(2, ("charge",))},
            "1",
            r"$q_{\ell\ell}$",
            lambda o: np.asarray(o["lepton"].charge[:, 0], np.float64) + o["lepton"].charge[:, 1],
        ),
        "m_llj": Observable(
            {"lepton": Need(2), "small_jet": Need(1)},
            "GeV",
            r"$m_{\ell\ell j}$",
            lambda o: mass((o["lepton"], 0), (o["lepton"], 1), (o["small_jet"], 0)),
        ),
        **_pair("photon", "gamma_gamma", r"\gamma\gamma"),
        "m_t": Observable(
            {"lepton": Need(1, ("pt", "phi")), MET: Need(1, ("pt", "phi"))},
            "GeV",
            r"$m_T$",
            lambda o: transverse_mass(o["lepton"], o[MET]),
        ),
        "h_t": Observable(_JETS, "GeV", r"$H_T$", lambda o: scalar_sum(o["small_jet"])),
        "s_t": Observable(
            _JETS | _LEPTONS | _MET,
            "GeV",
            r"$S_T$",
            lambda o: scalar_sum(o["small_jet"]) + scalar_sum(o["lepton"]) + np.asarray(o[MET].pt, np.float64),
        ),
        "met_pt": Observable(_MET, "GeV", r"$p_T^{\mathrm{miss}}$", lambda o: o[MET].pt),
        "met_phi": Observable({MET: Need(1, ("phi",))}, "rad", r"$\phi^{\mathrm{miss}}$", lambda o: o[MET].phi),
        **tau_pairs.OBSERVABLES,
        **leading_pairs.OBSERVABLES,
    },
)
