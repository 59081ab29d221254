"""What electrons and positrons do in matter: bremsstrahlung, ionisation, delta rays, annihilation, scattering.

Energies are kinetic, in MeV, cross sections macroscopic, per mm. Arrays broadcast.
"""

import numpy as np
import numpy.typing as npt

from resonaut.simulate.showers.materials import ELECTRON_MASS as M
from resonaut.simulate.showers.materials import ELECTRON_RADIUS, FINE_STRUCTURE, HBAR_C, Element, Material

FloatArray = npt.NDArray[np.float64]


def screened(element: Element, gamma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Tsai's screening functions of Thomas-Fermi atoms, Rev. Mod. Phys. 46 (1974) 815, eqs. 3.30, 3.31, 3.38-3.41.

    Args:
        element: the atom.
        gamma: m k / (E E'), with the energies of the photon and of the electrons (or the pair).

    Returns:
        Z^2 (phi_1 - 4/3 ln Z) + Z (psi_1 - 8/3 ln Z), and Z^2 (phi_1 - phi_2) + Z (psi_1 - psi_2).
    """
    z = element.z
    elastic, inelastic = 100 * gamma * z ** (-1 / 3), 100 * gamma * z ** (-2 / 3)
    phi_1 = 16.863 - 2 * np.log1p(0.311877 * elastic**2) + 2.4 * np.exp(-0.9 * elastic) + 1.6 * np.exp(-1.5 * elastic)
    psi_1 = (
        24.34 - 2 * np.log1p(13.111641 * inelastic**2) + 2.8 * np.exp(-8 * inelastic) + 1.2 * np.exp(-29.2 * inelastic)
    )
    phi_12 = 2 / (3 + 19.5 * elastic + 18 * elastic**2)
    psi_12 = 2 / (3 + 120 * inelastic + 1200 * inelastic**2)
    main = z**2 * (phi_1 - 4 / 3 * np.log(z)) + z * (psi_1 - 8 / 3 * np.log(z))
    return main, z**2 * phi_12 + z * psi_12


def migdal(material: Material, squared: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Migdal's suppression functions xi phi and xi G, in the approximation of Stanev et al., PRD 25 (1982) 1291.

    ``squared``: k E_LPM / (8 E E'), whose root is s for xi = 1.
    """
    s1 = max(element.z ** (1 / 3) / 184.15 for element in material.elements) ** 2
    s = np.sqrt(squared)
    for _ in range(3):
        xi = np.clip(1 + np.log(np.clip(s, s1, 1)) / np.log(s1), 1, 2)
        s = np.sqrt(squared / xi)
    small = np.minimum(s, 2)
    cubic = small**3 / (0.623 + 0.796 * small + 0.658 * small**2)
    phi = 1 - np.exp(-6 * small * (1 + (3 - np.pi) * small) + cubic)
    quartic = 1 + 3.936 * small + 4.97 * small**2 - 0.05 * small**3 + 7.5 * small**4
    psi = 1 - np.exp(-4 * small - 8 * small**2 / quartic)
    # Above s = 1 the approximation of psi, made for smaller s, is as close to 1 as that of phi.
    xi_phi = np.minimum(xi * phi, 1)
    return xi_phi, np.where(small < 1, np.minimum(xi * (3 * psi - 2 * phi), 1), xi_phi)


def coulomb_part(energy: FloatArray) -> FloatArray:
    """The part of the Coulomb correction that holds for electrons of a total energy, or for pairs of a photon."""
    found: FloatArray = np.clip(np.log(energy / 2) / np.log(5), 0, 1)
    return found


def bremsstrahlung(material: Material, energy: FloatArray, photon: FloatArray) -> FloatArray:
    """Photons radiated per mm and MeV of their energy, Tsai eq. 3.9, with the LPM effect.

    Below 10 MeV the Coulomb correction fades, and is left out below 2 MeV: so the spectra of lead follow the tables of
    Seltzer and Berger, At. Data Nucl. Data Tables 35 (1986) 345, where the Born approximation no longer holds.
    """
    total = energy + M
    rest = np.maximum(total - photon, M)
    y = photon / total
    phi, g = migdal(material, photon * material.lpm_energy / (8 * total * rest))
    # 4/3 - 4/3 y + y^2 without suppression.
    shape = 4 / 3 * (y**2 / 4 * g + (1 - y + y**2 / 2) * phi)
    found = np.zeros(np.broadcast_shapes(energy.shape, photon.shape))
    for element in material.elements:
        main, difference = screened(element, M * photon / (total * rest))
        main = main - 4 * element.z**2 * element.coulomb * coulomb_part(total)
        section = FINE_STRUCTURE * ELECTRON_RADIUS**2 / photon * (shape * main + 2 / 3 * (1 - y) * difference)
        found += material.atoms(element) * np.clip(section, 0, None)
    return np.where(photon < energy, found, 0)


def delta_rays(material: Material, energy: FloatArray, kicked: FloatArray, positron: bool) -> FloatArray:
    """Electrons kicked per mm and MeV of their energy: Moller's and Bhabha's formulas, EGS4 eqs. 2.10.1 and 2.11.1.

    Of two electrons the slower one counts as kicked.
    """
    gamma = energy / M + 1
    beta2 = 1 - gamma**-2
    x = kicked / energy
    norm = 2 * np.pi * ELECTRON_RADIUS**2 * M * material.electrons / energy**2
    if positron:
        y = 1 / (gamma + 1)
        b1, b2 = 2 - y**2, (1 - 2 * y) * (3 + y**2)
        b4 = (1 - 2 * y) ** 3
        b3 = b4 + (1 - 2 * y) ** 2
        return np.where(x <= 1, norm * (1 / (beta2 * x**2) - b1 / x + b2 - b3 * x + b4 * x**2), 0)
    c1, c2 = ((gamma - 1) / gamma) ** 2, (2 * gamma - 1) / gamma**2
    x = np.minimum(x, 1 - 1e-12)
    section = norm / beta2 * (c1 + (1 / x) * (1 / x - c2) + 1 / (1 - x) * (1 / (1 - x) - c2))
    return np.where(kicked <= energy / 2, section, 0)


def annihilation(material: Material, energy: FloatArray) -> FloatArray:
    """Positrons that annihilate in flight per mm, Heitler, The Quantum Theory of Radiation (1954), section 27."""
    gamma = energy / M + 1
    root = np.sqrt(gamma**2 - 1)
    shape = (gamma**2 + 4 * gamma + 1) / (gamma**2 - 1) * np.log(gamma + root) - (gamma + 3) / root
    return np.asarray(np.pi * ELECTRON_RADIUS**2 * material.electrons / (gamma + 1) * shape)


def ionisation(material: Material, energy: FloatArray, cut: float, positron: bool) -> FloatArray:
    """Mean loss in MeV/mm to electrons that get less than ``cut`` MeV: Berger and Seltzer, as in ICRU report 37.

    The formulas are those of the Geant4 Physics Reference Manual, section "Ionisation of electrons and positrons".
    """
    tau = energy / M
    gamma = tau + 1
    beta2 = 1 - gamma**-2
    most = np.minimum(cut / M, tau if positron else tau / 2)
    if positron:
        y = 1 / (gamma + 1)
        bracket = (
            3 * most**2 / 2 * y + (most - most**3 / 3) * y**2 + (most**2 / 2 - tau * most**3 / 3 + most**4 / 4) * y**3
        )
        f = np.log(tau * most) - beta2 / tau * (tau + 2 * most - bracket)
    else:
        f = -1 - beta2 + np.log((tau - most) * most) + tau / (tau - most)
        f += (most**2 / 2 + (2 * tau + 1) * np.log1p(-most / tau)) / gamma**2
    excitation = material.excitation * 1e-6 / M
    delta = material.sternheimer.delta(np.sqrt(gamma**2 - 1))
    stopping = np.log(2 * (gamma + 1) / excitation**2) + f - delta
    return np.asarray(2 * np.pi * ELECTRON_RADIUS**2 * M * material.electrons / beta2 * stopping)


def straggling(material: Material, energy: FloatArray, cut: float) -> FloatArray:
    """Variance in MeV^2/mm of the loss to electrons that get less than ``cut`` MeV, PDG section 34.2.9."""
    beta2 = 1 - (energy / M + 1) ** -2
    most = np.minimum(cut, energy / 2)
    factor = 2 * np.pi * ELECTRON_RADIUS**2 * M * material.electrons
    return np.asarray(factor / beta2 * most * (1 - beta2 / 2))


def scattering(material: Material, energy: FloatArray) -> FloatArray:
    """The inverse transport mean free path per mm: <cos theta> falls as its exponential (Lewis, PR 78 (1950) 526).

    It is that of Rutherford scattering screened as Moliere found, Bethe, PR 89 (1953) 1256, eqs. 21 and 22, off nuclei
    and electrons (Z (Z + 1)), up to the momentum transfer sqrt(3) / r that a nucleus of rms radius r leaves.
    """
    momentum2 = energy * (energy + 2 * M)
    beta2 = momentum2 / (energy + M) ** 2
    found = np.zeros_like(energy)
    for element in material.elements:
        z = element.z
        angle2 = (FINE_STRUCTURE * M * z ** (1 / 3) / 0.885) ** 2 / momentum2
        angle2 = angle2 * (1.13 + 3.76 * (FINE_STRUCTURE * z) ** 2 / beta2)
        a = angle2 / 4
        # sin^2 of half the largest angle; r of 0.95 fm A^(1/3).
        most = np.minimum(1, 0.75 * (HBAR_C / (0.95e-12 * element.a ** (1 / 3))) ** 2 / momentum2)
        section = 2 * np.pi * ELECTRON_RADIUS**2 * z * (z + 1) * M**2 / (momentum2 * beta2)
        found = found + material.atoms(element) * section * (np.log1p(most / a) - most / (most + a))
    return found


def radiative(material: Material, energy: FloatArray, below: FloatArray) -> FloatArray:
    """Mean loss in MeV/mm to photons of less than ``below`` MeV, both (n,)."""
    # Gauss-Legendre in the logarithm of the photon's energy, which is 1e-6 of the largest at least.
    nodes, weights = np.polynomial.legendre.leggauss(48)
    low = np.log(1e-6)
    x = np.exp(low / 2 * (1 - nodes))
    photon = np.minimum(below, energy)[:, None] * x
    loss = photon**2 * bremsstrahlung(material, energy[:, None], photon)
    return np.asarray((loss * weights).sum(axis=1) * -low / 2)


def critical_energy(material: Material) -> float:
    """Rossi's critical energy in MeV: where the ionisation of a radiation length is the energy (PDG section 34.4.4)."""
    energies = np.geomspace(2, 200, 400)
    loss = ionisation(material, energies, np.inf, positron=False) * material.radiation_length
    return float(np.interp(0, np.log(energies / loss), energies))
