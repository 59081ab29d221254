"""What photons do in matter: pairs, Compton scattering, photoelectric effect; per mm, energies in MeV."""

import numpy as np
import numpy.typing as npt

from resonaut.simulate.showers.electrons import coulomb_part, migdal, screened
from resonaut.simulate.showers.materials import ELECTRON_MASS as M
from resonaut.simulate.showers.materials import ELECTRON_RADIUS, FINE_STRUCTURE, Material

FloatArray = npt.NDArray[np.float64]
BARN = 1e-22  # mm^2

# Fit of the cross section of pairs to the tables of Hubbell, Gimm and Overbo (J. Phys. Chem. Ref. Data 9 (1980) 1023):
# coefficients of powers of ln(k / m) in microbarn, Geant4 Physics Reference Manual, section "Gamma conversion". It
# holds from 1.5 MeV to 100 GeV, to 5 %.
_FIT = np.array(
    [
        [8.7842e2, -1.9625e3, 1.2949e3, -2.0028e2, 1.2575e1, -2.8333e-1],
        [-1.0342e1, 1.7692e1, -8.2381, 1.3063, -9.0815e-2, 2.3586e-3],
        [-4.5263e2, 1.1161e3, -8.6749e2, 2.1773e2, -2.0467e1, 6.5372e-1],
    ]
)
_FIT_RANGE = 1.5, 1e5


def pair_spectrum(material: Material, photon: FloatArray, share: FloatArray, lpm: bool = True) -> FloatArray:
    """The spectrum of the electron's share of a photon's energy, without its norm: Tsai eq. 3.9 by crossing.

    The Coulomb correction and the LPM effect are as in bremsstrahlung.
    """
    energies = photon * share, photon * (1 - share)
    inside = np.minimum(*energies) > M
    product = np.where(inside, energies[0] * energies[1], photon**2 / 4)
    phi = g = np.ones_like(product)
    if lpm:
        phi, g = migdal(material, photon * material.lpm_energy / (8 * product))
    # 1 - 4/3 x (1 - x) without suppression.
    shape = (g + 2 * (share**2 + (1 - share) ** 2) * phi) / 3
    found = np.zeros_like(product)
    for element in material.elements:
        main, difference = screened(element, M * photon / product)
        main = main - 4 * element.z**2 * element.coulomb * coulomb_part(photon)
        section = shape * main - 2 / 3 * share * (1 - share) * difference
        found += element.weight / element.a * np.clip(section, 0, None)
    return np.where(inside, found, 0)


def pairs(material: Material, photon: FloatArray) -> FloatArray:
    """Pairs per mm, of nuclei and electrons; (n,)."""
    x = np.log(np.clip(photon, *_FIT_RANGE) / M)
    f1, f2, f3 = (np.polynomial.polynomial.polyval(x, row) for row in _FIT)
    total = np.zeros_like(photon)
    for element in material.elements:
        z = element.z
        total += material.atoms(element) * (z + 1) * (f1 * z + f2 * z**2 + f3) * 1e-6 * BARN
    threshold = np.clip((photon - 2 * M) / (_FIT_RANGE[0] - 2 * M), 0, 1) ** 2
    return np.asarray(total * threshold * _suppression(material, photon))


def _suppression(material: Material, photon: FloatArray) -> FloatArray:
    """The part of pairs that the LPM effect leaves."""
    share = (np.arange(200) + 0.5) / 200
    with_it, without = (pair_spectrum(material, photon[:, None], share, lpm).sum(axis=1) for lpm in (True, False))
    return np.asarray(np.divide(with_it, without, out=np.ones_like(photon), where=photon > 1e3))


def compton(material: Material, photon: FloatArray) -> FloatArray:
    """Compton scatterings per mm: Klein and Nishina, Z. Phys. 52 (1929) 853."""
    k = photon / M
    log = np.log1p(2 * k)
    section = (1 + k) / k**2 * (2 * (1 + k) / (1 + 2 * k) - log / k) + log / (2 * k) - (1 + 3 * k) / (1 + 2 * k) ** 2
    return np.asarray(2 * np.pi * ELECTRON_RADIUS**2 * material.electrons * section)


def compton_spectrum(photon: FloatArray, kept: FloatArray) -> FloatArray:
    """The spectrum of the part of the energy that the photon keeps, without its norm: the same."""
    sin2 = (t := M / photon * (1 - kept) / kept) * (2 - t)
    return np.asarray(1 / kept + kept - sin2)


def photoelectric(material: Material, photon: FloatArray) -> FloatArray:
    """Photons absorbed per mm: Sauter's relativistic formula, with corrections for the charge of the nucleus.

    Sauter, Ann. Phys. 403 (1931) 454, for the K shell; other shells add a fifth (Heitler, The Quantum Theory of
    Radiation (1954), section 21). In place of the Born approximation it has the smaller of two factors: at low energy
    that of Stobbe, Ann. Phys. 399 (1930) 661 (Heitler's eq. 21.14), at high energy that of Pratt, PR 117 (1960) 1017,
    exp(-pi a + 2 a^2 (1 - ln a)), a = Z / 137. It holds above the edge of the K shell.
    """
    gamma = photon / M + 1
    root = np.sqrt(gamma**2 - 1)
    bracket = 1 - np.log((gamma + root) / (gamma - root)) / (2 * gamma * root)
    shape = (M / photon) ** 5 * root**3 * (4 / 3 + gamma * (gamma - 2) / (gamma + 1) * bracket)
    found = np.zeros_like(photon)
    for element in material.elements:
        a = FINE_STRUCTURE * element.z
        pratt = np.exp(-np.pi * a + 2 * a**2 * (1 - np.log(a)))
        bound = a**2 * M / 2
        n = np.sqrt(bound / (photon - bound))
        stobbe = 2 * np.pi * np.sqrt(bound / photon) * np.exp(-4 * n * np.arctan(1 / n)) / -np.expm1(-2 * np.pi * n)
        section = (
            1.2 * np.minimum(pratt, stobbe) * 4 * np.pi * ELECTRON_RADIUS**2 * FINE_STRUCTURE**4 * element.z**5 * shape
        )
        found = found + material.atoms(element) * section
    return found
