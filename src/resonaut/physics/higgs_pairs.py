"""Pairs of Higgs bosons from vector-boson and gluon fusion, as functions of the couplings.

Pythia makes single scalars alone. A pair of mass ``m`` replaces a scalar of that mass: of the same partons,

``dsigma(HH)/dm = sigma_S(m) |A_HH / A_S|^2 m beta / (16 pi^2)``,

with the cross section ``sigma_S`` of a narrow scalar S with the couplings of a Higgs boson, the amplitudes of both
processes from the same bosons or gluons, ``beta = sqrt(1 - 4 m_H^2 / m^2)``, and the factor 1/2 of equal particles.
Where both couple alike to the two bosons or gluons (``kappa_2V``, ``kappa_lambda``, gluon fusion) this is exact. For
the exchange of a vector boson between the two Higgs bosons it is the effective-boson approximation, of longitudinal
bosons.

Masses and ``v`` in GeV.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from resonaut.physics.couplings import TERMS, Kind

FloatArray = npt.NDArray[np.float64]

VACUUM, M_H, M_W = 246.22, 125.0, 80.38


def vector_fusion(m_hh: FloatArray, cos_theta: FloatArray) -> FloatArray:
    """Amplitudes (3, n) of longitudinal V V -> H H over that of V V -> S, in 1/GeV, in units of ``VACUUM``.

    They go with kappa_V^2 (exchange of V in t and u channel), kappa_2V (contact) and kappa_V kappa_lambda (s channel),
    at masses ``m_hh`` (n,) and cosines ``cos_theta`` (n,) of the angle between H and V in the pair's frame. At tree
    level, of the Lagrangian (m_W^2 W W + m_Z^2 Z Z / 2) (1 + 2 kappa_V h / v + kappa_2V h^2 / v^2)
    - kappa_lambda m_H^2 h^3 / (2 v), that of R. Contino et al., arXiv:1002.1011, section 2, with a, b and d_3. At high
    mass the sum is ``(kappa_2V - kappa_V^2) m^2 / v^2`` (F. Bishara, R. Contino, J. Rojo, arXiv:1611.03860, section 2)
    over ``m^2 / v``: it cancels in the standard model.
    """
    s = np.square(m_hh)
    energy, p, k = m_hh / 2, np.sqrt(s / 4 - M_W**2), np.sqrt(s / 4 - M_H**2)
    # epsilon_1 . epsilon_2 of the longitudinal polarisations, to which the amplitude of V V -> S is proportional.
    contact = (s / 2 - M_W**2) / M_W**2

    def exchange(cosine: FloatArray) -> FloatArray:
        # (epsilon_1 . epsilon_2 + (epsilon_1 . k_1) (epsilon_2 . k_2) / m_V^2) / (t - m_V^2)
        found: FloatArray = (contact + np.square(energy * (p - k * cosine)) / M_W**4) / (
            M_H**2 - 2 * (energy**2 - p * k * cosine)
        )
        return found

    crossed = 2 * M_W**2 * (exchange(cos_theta) + exchange(-cos_theta)) / contact
    return np.stack([crossed, np.ones_like(s), 3 * M_H**2 / (s - M_H**2)])


def gluon_fusion(m_hh: FloatArray, cos_theta: FloatArray) -> FloatArray:
    """Amplitudes (2, n) of g g -> H H over that of g g -> S, in units of 1 / ``VACUUM``.

    They go with kappa_t^2 (box) and kappa_t kappa_lambda (triangle): -1 and 3 m_H^2 / (s - m_H^2). The box has the form
    factor of the triangle with the opposite sign, as in the limit of a heavy top quark (E. Glover, J. van der Bij,
    Nucl. Phys. B 309 (1988) 282; T. Plehn, M. Spira, P. Zerwas, hep-ph/9603205). Above 2 m_t it is an approximation:
    the scalar's form factor has the top quark's mass, so that the spectrum falls, but that of the box falls otherwise.
    """
    del cos_theta
    s = np.square(m_hh)
    return np.stack([-np.ones_like(s), 3 * M_H**2 / (s - M_H**2)])


def running(s: FloatArray, mass: float, width: float) -> FloatArray:
    """Breit-Wigner in s (1/GeV^2) with a width that grows with s, as Pythia has it for scalars of vector fusion."""
    ratio = width / mass
    found: FloatArray = s * ratio / (np.square(s - mass**2) + np.square(s * ratio)) / np.pi
    return found


def constant(s: FloatArray, mass: float, width: float) -> FloatArray:
    """The same with one width, as Pythia has it for scalars of gluon fusion with a decay of mode 101."""
    found: FloatArray = np.sqrt(s) * width / (np.square(s - mass**2) + s * width**2) / np.pi
    return found


# The amplitudes of each kind, and how Pythia's scalars of it spread in s.
AMPLITUDES: dict[Kind, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "vector_fusion": vector_fusion,
    "gluon_fusion": gluon_fusion,
}
SPECTRA: dict[Kind, Callable[[FloatArray, float, float], FloatArray]] = {
    "vector_fusion": running,
    "gluon_fusion": constant,
}


def relative(kind: Kind, m_hh: FloatArray, cos_theta: FloatArray, point: Mapping[str, float]) -> FloatArray:
    """``|A_HH / A_S|^2 m beta / (16 pi^2)`` in 1/GeV (n,): dsigma(HH)/dm over the cross section of a scalar of mass m.

    Couplings that ``point`` lacks are 1. Where a pair of that mass is too light, it is 0.
    """
    factors = [np.prod([point.get(name, 1.0) ** n for name, n in term.items()]) for term in TERMS[kind]]
    open_ = m_hh > 2 * M_H
    mass = np.where(open_, m_hh, 2 * M_H)
    amplitude = np.asarray(factors) @ AMPLITUDES[kind](mass, cos_theta) / VACUUM
    beta = np.sqrt(1 - np.square(2 * M_H / mass))
    return np.where(open_, np.square(amplitude) * mass * beta / (16 * np.pi**2), 0.0)


def weights(
    kind: Kind, m_hh: FloatArray, cos_theta: FloatArray, point: Mapping[str, float], mass: float, width: float
) -> FloatArray:
    """What makes pairs of a broad scalar's events, whose ``mass`` and ``width`` in GeV were its own, (n,).

    The decays of the scalar are isotropic. With the cross section of the scalars the mean weight is that of the pairs.
    """
    spread = 2 * m_hh * SPECTRA[kind](np.square(m_hh), mass, width)
    found: FloatArray = relative(kind, m_hh, cos_theta, point) / spread
    return found


def cosine(first: Mapping[str, FloatArray], second: Mapping[str, FloatArray]) -> FloatArray:
    """Cosine (n,) of the angle of the ``first`` of two equally heavy particles in their frame to the beams' bisector.

    Each is ``px``, ``py``, ``pz`` and ``e`` (n,) in GeV; J. Collins, D. Soper, Phys. Rev. D 16 (1977) 2219.
    """
    px, py, pz, e = (first[name] + second[name] for name in ("px", "py", "pz", "e"))
    q2, qt2 = e**2 - px**2 - py**2 - pz**2, px**2 + py**2
    mass2 = np.maximum(first["e"] ** 2 - first["px"] ** 2 - first["py"] ** 2 - first["pz"] ** 2, 0.0)
    plus, minus = first["e"] + first["pz"], first["e"] - first["pz"]
    found = plus * (second["e"] - second["pz"]) - minus * (second["e"] + second["pz"])
    beta = np.sqrt(np.maximum(1 - 4 * mass2 / q2, 1e-12))
    return np.clip(found / np.sqrt(q2 * (q2 + qt2)) / beta, -1.0, 1.0)
