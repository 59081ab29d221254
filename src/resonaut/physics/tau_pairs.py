"""Observables of a tau pair, of which one decays to a lepton and the other to hadrons, and of the jets beside it.

Neutrinos are the missing momentum. GeV and radians; formulas get objects as in ``physics.observables``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from resonaut.physics.kinematics import MET, Need, Objects, Observable, Values, delta_phi, mass, summed

LEPTON, TAU, JET = "lepton", "tau", "small_jet"
# Relative to p_zeta of the visible decays, CMS, arXiv:1401.5041, section 5.
ZETA = 0.85
# Directions whose angle (rad) is smaller are one line, along which the neutrinos' shares are not known.
PARALLEL = 1e-6
_TRANSVERSE = ("pt", "phi")


def _plane(one: Any, place: int | None = None) -> NDArray[np.float64]:
    """Transverse momentum (2, n) of the object at a place, or of missing momentum."""
    pt, phi = (np.asarray(one[name] if place is None else one[name][:, place], np.float64) for name in _TRANSVERSE)
    return np.stack([pt * np.cos(phi), pt * np.sin(phi)])


def _transverse(objects: Objects) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    return _plane(objects[LEPTON], 0), _plane(objects[TAU], 0), _plane(objects[MET])


def transverse_mass(one: NDArray[np.float64], two: NDArray[np.float64]) -> Values:
    """sqrt(2 (pT1 pT2 - pT1 . pT2)) of two transverse momenta (2, n)."""
    product = np.hypot(*one) * np.hypot(*two)
    found: Values = np.sqrt(np.maximum(2 * (product - (one * two).sum(axis=0)), 0))
    return found


def neutrinos(one: NDArray[np.float64], two: NDArray[np.float64], met: NDArray[np.float64]) -> NDArray[np.float64]:
    """The two momenta, none negative, along directions of the transverse plane whose sum is nearest to the missing one.

    Args:
        one: transverse momentum (2, n) that gives the first direction.
        two: the second direction.
        met: missing transverse momentum.

    Returns:
        (2, n), in units of the momenta that give the directions. This is the collinear approximation (R. K. Ellis et
        al., Nucl. Phys. B 297 (1988) 221) where that has a solution, and the nearest to it where it has none.
    """
    squares = (one**2).sum(axis=0), (two**2).sum(axis=0)
    alone = [np.maximum((met * axis).sum(axis=0), 0) / square for axis, square in zip((one, two), squares, strict=True)]
    determinant = one[0] * two[1] - one[1] * two[0]
    apart = np.abs(determinant) > PARALLEL * np.sqrt(squares[0] * squares[1])
    safe = np.where(apart, determinant, 1)
    inside = np.stack([met[0] * two[1] - met[1] * two[0], one[0] * met[1] - one[1] * met[0]]) / safe
    possible = apart & (inside >= 0).all(axis=0)
    nothing = np.zeros_like(alone[0])
    edges = np.stack([np.stack([alone[0], nothing]), np.stack([nothing, alone[1]])])
    # What each edge explains of the missing momentum.
    first = alone[0] ** 2 * squares[0] >= alone[1] ** 2 * squares[1]
    found: NDArray[np.float64] = np.where(possible, inside, np.where(first, edges[0], edges[1]))
    return found


def collinear_mass(objects: Objects) -> Values:
    """m_vis sqrt((1 + a) (1 + b)), a and b the neutrinos' momenta along the lepton and the tau, relative to these."""
    a, b = neutrinos(*_transverse(objects))
    found: Values = mass((objects[LEPTON], 0), (objects[TAU], 0)) * np.sqrt((1 + a) * (1 + b))
    return found


def total_transverse_mass(objects: Objects) -> Values:
    """The root of the squared transverse masses of the three pairs of lepton, tau and missing momentum."""
    lepton, tau, met = _transverse(objects)
    pairs = (lepton, met), (tau, met), (lepton, tau)
    return np.sqrt(sum((transverse_mass(*pair) ** 2 for pair in pairs), np.zeros(lepton.shape[1])))


def d_zeta(objects: Objects) -> Values:
    """p_zeta of missing momentum minus 0.85 times that of the visible decays, zeta their bisector."""
    lepton, tau, met = _transverse(objects)
    axis = lepton / np.hypot(*lepton) + tau / np.hypot(*tau)
    axis = axis / np.maximum(np.hypot(*axis), 1e-9)
    found: Values = (met * axis).sum(axis=0) - ZETA * ((lepton + tau) * axis).sum(axis=0)
    return found


def _pair(objects: Objects) -> tuple[Any, Any]:
    return (objects[LEPTON], 0), (objects[TAU], 0)


def _eta(objects: Objects) -> Values:
    return np.asarray(np.abs(np.subtract(*(np.asarray(one.eta[:, 0], np.float64) for one, _ in _pair(objects)))))


def _dijet(objects: Objects) -> tuple[NDArray[np.bool_], Any]:
    """Which events have two small jets, and these of them."""
    import awkward as ak

    jets = objects[JET]
    there = ak.to_numpy(ak.num(jets)) > 1
    return there, jets[there]


def _where(there: NDArray[np.bool_], values: Any) -> Values:
    """The values of the events where something is there, 0 in the others."""
    found = np.zeros(len(there))
    found[there] = values
    return found


def dijet_mass(objects: Objects) -> Values:
    """The mass of the two leading small jets, 0 with fewer."""
    there, jets = _dijet(objects)
    return _where(there, mass((jets, 0), (jets, 1)))


def dijet_delta_eta(objects: Objects) -> Values:
    """The absolute difference of pseudorapidity of the two leading small jets, 0 with fewer."""
    there, jets = _dijet(objects)
    return _where(there, np.abs(np.asarray(jets.eta[:, 0], np.float64) - jets.eta[:, 1]))


def _angle(one: str, two: str) -> Any:
    def formula(objects: Objects) -> Values:
        first, second = (objects[name].phi if name == MET else objects[name].phi[:, 0] for name in (one, two))
        return delta_phi(first, second)

    return formula


def _centrality(objects: Objects) -> Values:
    """Absolute pseudorapidity of lepton and tau together."""
    px, py, pz, _ = summed(*_pair(objects))
    return np.abs(np.arcsinh(pz / np.maximum(np.hypot(px, py), 1e-9)))


_VISIBLE = {LEPTON: Need(1), TAU: Need(1)}
_WITH_MET = {LEPTON: Need(1, _TRANSVERSE), TAU: Need(1, _TRANSVERSE), MET: Need(1, _TRANSVERSE)}
_JETS = {JET: Need(0)}

OBSERVABLES = {
    "pt_lepton": Observable(
        {LEPTON: Need(1, ("pt",))}, "GeV", r"$p_T^\ell$", lambda o: np.asarray(o[LEPTON].pt[:, 0], np.float64)
    ),
    "m_vis": Observable(_VISIBLE, "GeV", r"$m_{\mathrm{vis}}$", lambda o: mass(*_pair(o))),
    "m_coll": Observable(_VISIBLE | {MET: Need(1, _TRANSVERSE)}, "GeV", r"$m_{\mathrm{coll}}$", collinear_mass),
    "m_t_total": Observable(_WITH_MET, "GeV", r"$m_T^{\mathrm{tot}}$", total_transverse_mass),
    "m_t_tau": Observable(
        {name: _WITH_MET[name] for name in (TAU, MET)},
        "GeV",
        r"$m_T(\tau_h)$",
        lambda o: transverse_mass(_plane(o[TAU], 0), _plane(o[MET])),
    ),
    "pt_tau_tau": Observable(
        _WITH_MET, "GeV", r"$p_T^{\tau\tau}$", lambda o: np.hypot(*sum(_transverse(o), np.zeros((2, 1))))
    ),
    "d_zeta": Observable(_WITH_MET, "GeV", r"$D_\zeta$", d_zeta),
    "delta_r_lepton_tau": Observable(
        {name: Need(1, ("pt", "eta", "phi")) for name in (LEPTON, TAU)},
        "1",
        r"$\Delta R_{\ell\tau}$",
        lambda o: np.hypot(_eta(o), _angle(LEPTON, TAU)(o)),
    ),
    "delta_phi_lepton_tau": Observable(
        {name: Need(1, _TRANSVERSE) for name in (LEPTON, TAU)},
        "rad",
        r"$|\Delta\phi_{\ell\tau}|$",
        _angle(LEPTON, TAU),
    ),
    "delta_phi_lepton_met": Observable(
        {name: _WITH_MET[name] for name in (LEPTON, MET)},
        "rad",
        r"$|\Delta\phi(\ell, p_T^{\mathrm{miss}})|$",
        _angle(LEPTON, MET),
    ),
    "delta_phi_tau_met": Observable(
        {name: _WITH_MET[name] for name in (TAU, MET)},
        "rad",
        r"$|\Delta\phi(\tau_h, p_T^{\mathrm{miss}})|$",
        _angle(TAU, MET),
    ),
    "eta_lepton_tau": Observable(_VISIBLE, "1", r"$|\eta_{\ell\tau}|$", _centrality),
    "charge_lepton_tau": Observable(
        {name: Need(1, ("pt", "charge")) for name in (LEPTON, TAU)},
        "1",
        r"$q_\ell + q_\tau$",
        lambda o: np.asarray(o[LEPTON].charge[:, 0], np.float64) + o[TAU].charge[:, 0],
    ),
    "m_dijet": Observable(_JETS, "GeV", r"$m_{jj}$ (0 with fewer than two)", dijet_mass),
    "delta_eta_dijet": Observable(_JETS, "1", r"$|\Delta\eta_{jj}|$ (0 with fewer than two)", dijet_delta_eta),
}
