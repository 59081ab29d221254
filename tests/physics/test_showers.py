"""Showers of the package's Monte Carlo against textbook values (PDG, Passage of particles through matter, 34.5).

Seeds are fixed. Sizes are such that the statistical errors are a fifth of the bounds, or less.
"""

import functools

import numpy as np
import pytest
from scipy.optimize import curve_fit

from resonaut.physics.showers.geometry import Geometry, Layer
from resonaut.simulate.showers import calorimeter, electrons, transport
from resonaut.simulate.showers.materials import IRON, LEAD

KINDS = {"photon": transport.PHOTON, "electron": transport.ELECTRON}
RINGS = 40


def showers(stack, particle, energy, number, seed=1):
    """Voxels, energies of slabs and what escapes, of some showers."""
    made = [stack.shower(KINDS[particle], energy, np.random.default_rng([seed, place])) for place in range(number)]
    return tuple(np.array(part) for part in zip(*made, strict=True))


def block(material, slices=120, depth=30.0):
    """Slices of a material with rings of a tenth of its Moliere radius."""
    radius = 21.2052 / electrons.critical_energy(material) * material.radiation_length
    geometry = Geometry("photon", (Layer(0, tuple(radius / 10 * np.arange(RINGS + 1)), 1),))
    return calorimeter.block(material, depth / slices * material.radiation_length, slices, geometry)


def maximum(stack, deposited):
    """(a - 1) / b in radiation lengths of the gamma distribution fitted to the profile, PDG eq. 34.36."""
    middles = (stack.depths[1:] + stack.depths[:-1]) / 2
    profile = deposited.mean(axis=0)
    used = profile > 0.05 * profile.max()

    def gamma(t, height, a, b):
        return np.exp(height + (a - 1) * np.log(t) - b * t)

    (_, a, b), _ = curve_fit(gamma, middles[used], profile[used], p0=(np.log(profile.max()), 4, 0.5))
    return (a - 1) / b


@functools.cache
def contained(material):
    """The part of the energy of electrons of 2 GeV within a Moliere radius."""
    voxels, deposited, _ = showers(block(material), "electron", 2048.0, 100)
    return voxels[:, :10].sum() / deposited.sum()


@pytest.mark.parametrize("particle", KINDS)
@pytest.mark.parametrize("energy", [300.0, 4096.0])
def test_what_is_deposited_and_what_escapes_is_the_incident_energy(particle, energy):
    _, deposited, escaped = showers(calorimeter.by_particle(particle), particle, energy, 6)
    np.testing.assert_allclose(deposited.sum(axis=1) + escaped, energy, rtol=1e-12)
    assert (deposited >= 0).all()
    assert (escaped >= 0).all()


@pytest.mark.parametrize(
    ("particle", "shift"),
    [
        pytest.param(
            "photon",
            0.5,
            marks=pytest.mark.xfail(
                strict=True,
                reason="5.50 X0 here, 5.60 +- 0.04 in 1,500 showers, where PDG's 6.12 - 0.5 is 5.62",
            ),
        ),
        ("electron", -0.5),
    ],
)
def test_the_maximum_is_at_the_logarithm_of_the_energy(particle, shift):
    """t_max = ln(E / E_c) + 0.5 or - 0.5, PDG eq. 34.37, within half a radiation length."""
    stack = block(LEAD)
    _, deposited, _ = showers(stack, particle, 2048.0, 200)
    expected = np.log(2048 / electrons.critical_energy(LEAD)) + shift
    assert maximum(stack, deposited) == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize(
    "material",
    [
        LEAD,
        pytest.param(
            IRON,
            marks=pytest.mark.xfail(
                strict=True,
                reason="82.8 % of 2 GeV electrons in 400 showers; the fit to GEANT3 gives 81.8 %",
            ),
        ),
    ],
    ids=lambda material: material.name,
)
def test_nine_tenths_of_the_energy_are_within_a_moliere_radius(material):
    assert contained(material) == pytest.approx(0.90, abs=0.03)


@pytest.mark.parametrize(("material", "expected"), [(LEAD, 0.884), (IRON, 0.818)], ids=["lead", "iron"])
def test_the_energy_within_a_moliere_radius_is_that_of_geant3(material, expected):
    """Of electrons of 2 GeV, after the profiles that Grindhammer and Peters fitted to GEANT3, arXiv:hep-ex/0001020.

    Their radial profile is averaged over their longitudinal one.
    """
    assert contained(material) == pytest.approx(expected, abs=0.02)


def test_response_is_linear_and_the_resolution_that_of_sampling():
    """In the barrel without what is before it, within Amaldi's formula, Phys. Scripta 23 (1981) 409.

    sigma / E = 3.2 % sqrt(dE / (MeV F <cos theta>) / (E / GeV)), where a minimum ionising particle loses dE = 3.3 MeV
    in a period: 5.8 % for tracks along the axis and F = 1 (no energy below the cut), 7.4 % with <cos theta> = 0.615.
    ATLAS's 10 % (JINST 3 (2008) S08003) is of folded plates, at an angle to the tracks and with an uneven field.
    """
    whole = calorimeter.barrel()
    stack = calorimeter.Calorimeter(whole.slabs[2:], whole.geometry, whole.fractions)
    active = np.array([slab.layer is not None for slab in stack.slabs])
    means, relative = {}, {}
    for energy, number in ((500.0, 300), (4000.0, 60)):
        _, deposited, _ = showers(stack, "photon", energy, number)
        response = deposited[:, active].sum(axis=1) / energy
        means[energy], relative[energy] = response.mean(), response.std() / response.mean()
    assert means[500.0] / means[4000.0] == pytest.approx(1, abs=0.03)
    assert relative[500.0] * np.sqrt(0.5) == pytest.approx(0.066, abs=0.015)
