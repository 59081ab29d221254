"""Materials of calorimeters: their atoms, radiation length, density effect and critical energy."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# PDG, Review of Particle Physics, table 1.1; lengths in mm, energies in MeV.
ELECTRON_MASS = 0.51099895
ELECTRON_RADIUS = 2.8179403e-12
FINE_STRUCTURE = 1 / 137.035999
AVOGADRO = 6.02214076e23
HBAR_C = 1.97326980e-10


@dataclass(frozen=True)
class Element:
    """A kind of atoms: charge, mass in g/mol, and part of the material's mass."""

    z: int
    a: float
    weight: float = 1.0

    @property
    def coulomb(self) -> float:
        """Coulomb correction f(Z) of Davies, Bethe and Maximon, PDG eq. 34.28."""
        a2 = (FINE_STRUCTURE * self.z) ** 2
        return a2 * (1 / (1 + a2) + 0.20206 - 0.0369 * a2 + 0.0083 * a2**2 - 0.002 * a2**3)


@dataclass(frozen=True)
class Sternheimer:
    """Parameters of the density effect, Sternheimer, Berger and Seltzer, At. Data Nucl. Data Tables 30 (1984) 261."""

    c: float
    x0: float
    x1: float
    a: float
    m: float

    def delta(self, beta_gamma: FloatArray) -> FloatArray:
        """The density effect, PDG eq. 34.7, without the small one of conductors below x0."""
        x = np.log10(beta_gamma)
        high = 2 * np.log(10) * x - self.c
        between = self.a * np.clip(self.x1 - x, 0, None) ** self.m
        return np.asarray(np.where(x < self.x0, 0, high + np.where(x < self.x1, between, 0)))


@dataclass(frozen=True)
class Material:
    """A material: density in g/cm3, mean excitation energy in eV, its elements."""

    name: str
    density: float
    excitation: float
    sternheimer: Sternheimer
    elements: tuple[Element, ...]

    def atoms(self, element: Element) -> float:
        """Atoms of an element per mm3."""
        return self.density * 1e-3 * element.weight * AVOGADRO / element.a

    @cached_property
    def electrons(self) -> float:
        """Electrons per mm3."""
        return sum(self.atoms(element) * element.z for element in self.elements)

    @cached_property
    def radiation_length(self) -> float:
        """Radiation length in mm: Tsai, Rev. Mod. Phys. 46 (1974) 815, as in PDG eqs. 34.25 and 34.27."""
        inverse = 0.0
        for element in self.elements:
            elastic = np.log(184.15 * element.z ** (-1 / 3)) - element.coulomb
            inelastic = np.log(1194 * element.z ** (-2 / 3))
            shape = element.z**2 * elastic + element.z * inelastic
            inverse += 4 * FINE_STRUCTURE * ELECTRON_RADIUS**2 * self.atoms(element) * shape
        return float(1 / inverse)

    @property
    def lpm_energy(self) -> float:
        """Energy in MeV where the Landau-Pomeranchuk-Migdal effect sets in, PDG eq. 34.33."""
        return FINE_STRUCTURE * ELECTRON_MASS**2 * self.radiation_length / (4 * np.pi * HBAR_C)


# Densities, excitation energies and parameters of the density effect of PDG's atomic and nuclear properties,
# https://pdg.lbl.gov/AtomicNuclearProperties.
LEAD = Material("lead", 11.35, 823.0, Sternheimer(6.2018, 0.3776, 3.8073, 0.09359, 3.1608), (Element(82, 207.2),))
TUNGSTEN = Material(
    "tungsten", 19.30, 727.0, Sternheimer(5.4059, 0.2167, 3.4960, 0.15509, 2.8447), (Element(74, 183.84),)
)
IRON = Material("iron", 7.874, 286.0, Sternheimer(4.2911, -0.0012, 3.1531, 0.14680, 2.9632), (Element(26, 55.845),))
ALUMINIUM = Material(
    "aluminium", 2.699, 166.0, Sternheimer(4.2395, 0.1708, 3.0127, 0.08024, 3.6345), (Element(13, 26.982),)
)
SILICON = Material(
    "silicon", 2.329, 173.0, Sternheimer(4.4351, 0.2014, 2.8715, 0.14921, 3.2546), (Element(14, 28.0855),)
)
ARGON = Material(
    "liquid argon", 1.396, 188.0, Sternheimer(5.2146, 0.2000, 3.0000, 0.19559, 3.0000), (Element(18, 39.948),)
)
SCINTILLATOR = Material(
    "polystyrene",
    1.060,
    68.7,
    Sternheimer(3.2999, 0.1647, 2.5031, 0.16454, 3.2224),
    (Element(1, 1.008, 0.077421), Element(6, 12.011, 0.922579)),
)
