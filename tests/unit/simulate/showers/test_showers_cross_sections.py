"""Materials and cross sections against published tables."""

import numpy as np
import pytest

from resonaut.simulate.showers import electrons, materials, photons
from resonaut.simulate.showers.materials import AVOGADRO, ELECTRON_MASS, LEAD

# PDG's atomic and nuclear properties: radiation length and Moliere radius in mm, critical energy of electrons in MeV.
PDG = {
    materials.LEAD: (5.612, 16.02, 7.43),
    materials.TUNGSTEN: (3.504, 9.327, 7.97),
    materials.IRON: (17.57, 17.19, 21.68),
    materials.ALUMINIUM: (88.97, 44.19, 42.70),
    materials.SILICON: (93.70, 49.44, 40.19),
    materials.ARGON: (140.0, 90.43, 32.84),
    materials.SCINTILLATOR: (413.1, 94.10, 93.11),
}


@pytest.mark.parametrize("material", PDG, ids=lambda material: material.name)
def test_radiation_length_critical_energy_and_moliere_radius_are_those_of_the_pdg(material):
    x0, radius, critical = PDG[material]
    assert material.radiation_length == pytest.approx(x0, rel=5e-3)
    assert electrons.critical_energy(material) == pytest.approx(critical, rel=5e-3)
    assert 21.2052 / electrons.critical_energy(material) * material.radiation_length == pytest.approx(radius, rel=2e-3)


@pytest.mark.parametrize("material", PDG, ids=lambda material: material.name)
def test_energy_radiated_in_a_radiation_length(material):
    """Tsai's length leaves out the last term of the spectrum: 1 + (Z + 1) / (18 Z L), 1.0 to 1.02."""
    energy = np.array([1e4])
    part = electrons.radiative(material, energy, energy) * material.radiation_length / energy
    assert part[0] == pytest.approx(1.011, abs=0.01)


# Hubbell and Seltzer, NISTIR 5632: attenuation in cm2/g. Rayleigh scattering, left out here, is 3 % of lead's at 1 MeV.
ENERGIES = np.array([0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0])
NIST = {
    materials.LEAD: [5.549, 0.9985, 0.1614, 0.07102, 0.04606, 0.04272, 0.04972, 0.06206],
    materials.IRON: [0.3717, 0.1460, 0.08414, 0.05995, 0.04265, 0.03146, 0.02994, 0.03224],
    materials.ALUMINIUM: [0.1704, 0.1223, 0.08445, 0.06146, 0.04324, 0.02836, 0.02318, 0.02168],
}


@pytest.mark.parametrize("material", NIST, ids=lambda material: material.name)
def test_attenuation_of_photons_is_that_of_nist(material):
    found = sum(process(material, ENERGIES) for process in (photons.pairs, photons.compton, photons.photoelectric))
    np.testing.assert_allclose(found / material.density * 10, NIST[material], rtol=0.045)


def test_mean_free_path_of_pairs_is_nine_sevenths_of_a_radiation_length():
    energy = np.array([1e4, 5e4])
    for material in (materials.ARGON, materials.SILICON, materials.LEAD):
        path = 1 / (photons.pairs(material, energy) * material.radiation_length)
        np.testing.assert_allclose(path, 9 / 7, rtol=0.05)


# Seltzer and Berger, At. Data Nucl. Data Tables 35 (1986) 345: beta^2 / Z^2 k dsigma/dk of lead in mb, by energy of the
# electron in MeV and part that the photon has.
SELTZER_BERGER = {
    2.0: {0.025: 11.279, 0.1: 9.7743, 0.2: 8.1961, 0.3: 6.9481},
    10.0: {0.025: 10.793, 0.1: 9.6187, 0.2: 8.3987, 0.3: 7.3847, 0.5: 5.8263},
    30.0: {0.05: 10.206, 0.1: 9.6376, 0.2: 8.6400, 0.3: 7.8009},
}


@pytest.mark.parametrize("energy", SELTZER_BERGER)
def test_bremsstrahlung_of_lead_is_that_of_seltzer_and_berger(energy):
    parts = np.array(list(SELTZER_BERGER[energy]))
    photon = parts * energy
    section = electrons.bremsstrahlung(LEAD, np.array(energy), photon) / LEAD.atoms(LEAD.elements[0]) / 1e-25
    beta2 = 1 - (ELECTRON_MASS / (energy + ELECTRON_MASS)) ** 2
    expected = list(SELTZER_BERGER[energy].values())
    np.testing.assert_allclose(section * photon * beta2 / 82**2, expected, rtol=0.09)


def test_restricted_and_unrestricted_loss_differ_by_the_delta_rays():
    """What is above the cut in one is below it in the other."""
    energy, low, high = np.array([50.0]), 1.0, 4.0
    kicked = np.geomspace(low, high, 20001)
    for positron in (False, True):
        spectrum = electrons.delta_rays(LEAD, energy, kicked, positron)
        between = np.trapezoid(spectrum * kicked, kicked)
        difference = electrons.ionisation(LEAD, energy, high, positron) - electrons.ionisation(
            LEAD, energy, low, positron
        )
        assert difference[0] == pytest.approx(between, rel=1e-4)


def test_straggling_is_the_second_moment_of_delta_rays():
    energy, cut = np.array([500.0]), 0.5
    kicked = np.geomspace(1e-6, cut, 20001)
    moment = np.trapezoid(electrons.delta_rays(LEAD, energy, kicked, False) * kicked**2, kicked)
    assert electrons.straggling(LEAD, energy, cut)[0] / 1 == pytest.approx(moment * (1 - 0.5), rel=5e-3)


def test_the_lpm_effect_is_nothing_at_low_and_a_root_at_high_energy():
    phi, g = electrons.migdal(LEAD, np.array([1e4, 25.0]))
    np.testing.assert_allclose(phi, 1, atol=1e-3)
    np.testing.assert_allclose(g, 1, atol=1e-2)
    squared = np.array([1e-10])
    phi, g = electrons.migdal(LEAD, squared)
    assert phi[0] == pytest.approx(6 * np.sqrt(2 * squared[0]), rel=1e-2)
    # Photons of 10 GeV from electrons of 1 TeV in lead, E_LPM = 4.3 TeV: s = sqrt(k E_LPM / 8 E (E - k)) = 0.074.
    assert LEAD.lpm_energy == pytest.approx(7.7e6 * 0.5612, rel=5e-3)
    energy, photon = np.array([1e6]), np.array([1e4])
    soft = electrons.bremsstrahlung(LEAD, energy, photon) * photon
    full = electrons.bremsstrahlung(LEAD, energy / 1e2, photon / 1e2) * photon / 1e2
    assert 0.4 < soft[0] / full[0] < 0.6


def test_annihilation_and_compton_scattering_of_slow_particles():
    """Thomson's cross section, and Dirac's pi r^2 / beta."""
    thomson = 8 / 3 * np.pi * 2.8179403e-12**2 * LEAD.density * 1e-3 * 82 / 207.2 * AVOGADRO
    assert photons.compton(LEAD, np.array([1e-3]))[0] == pytest.approx(thomson, rel=5e-3)
    energy = np.array([1e-4])
    beta = np.sqrt(1 - (1 + energy / ELECTRON_MASS) ** -2)
    assert electrons.annihilation(LEAD, energy)[0] * beta[0] == pytest.approx(thomson * 3 / 8, rel=1e-2)


@pytest.mark.parametrize("material", [materials.LEAD, materials.ARGON], ids=lambda material: material.name)
def test_scattering_in_a_third_of_a_radiation_length_is_near_highland_s(material):
    """PDG eq. 34.16 is of the central 98 %, and so smaller than the rms of all angles."""
    energy, thickness = np.array([10.0]), 0.3
    momentum = np.sqrt(energy * (energy + 2 * ELECTRON_MASS))
    beta = momentum / (energy + ELECTRON_MASS)
    highland = 13.6 / (beta * momentum) * np.sqrt(thickness) * (1 + 0.038 * np.log(thickness / beta**2))
    # <1 - cos> = theta_plane^2.
    rms = np.sqrt(electrons.scattering(material, energy) * thickness * material.radiation_length)
    assert 1 < rms[0] / highland[0] < 1.15
