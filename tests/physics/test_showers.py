"""Showers of the package's Monte Carlo against textbook values (PDG, Passage of particles through matter, 34.5).

Seeds are fixed. Sizes are such that the statistical errors are a fifth of the bounds, or less.
"""

import numpy as np
import pytest

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
    """Depth in radiation lengths of the largest of a parabola through the profile's logarithm near its maximum."""
    middles = (stack.depths[1:] + stack.depths[:-1]) / 2
    profile = deposited.mean(axis=0)
    near = profile > 0.7 * profile.max()
    a, b, _ = np.polyfit(np.log(middles[near]), np.log(profile[near]), 2)
    return float(np.exp(-b / (2 * a)))


@pytest.mark.parametrize("particle", KINDS)
@pytest.mark.parametrize("energy", [300.0, 4096.0])
def test_what_is_deposited_and_what_escapes_is_the_incident_energy(particle, energy):
    _, deposited, escaped = showers(calorimeter.by_particle(particle), particle, energy, 6)
    np.testing.assert_allclose(deposited.sum(axis=1) + escaped, energy, rtol=1e-12)
    assert (deposited >= 0).all()
    assert (escaped >= 0).all()


@pytest.mark.parametrize(("particle", "shift"), [("photon", 0.5), ("electron", -0.5)])
def test_the_maximum_is_at_the_logarithm_of_the_energy(particle, shift):
    """t_max = ln(E / E_c) + 0.5 or - 0.5, PDG eq. 34.37, within half a radiation length."""
    stack = block(LEAD)
    _, deposited, _ = showers(stack, particle, 2048.0, 200)
    expected = np.log(2048 / electrons.critical_energy(LEAD)) + shift
    assert maximum(stack, deposited) == pytest.approx(expected, abs=0.5)


def test_nine_tenths_of_the_energy_are_within_a_moliere_radius():
    voxels, deposited, _ = showers(block(IRON), "electron", 2048.0, 150)
    inside = voxels[:, :10].sum() / deposited.sum()
    assert inside == pytest.approx(0.90, abs=0.03)


def test_response_is_linear_and_the_resolution_that_of_sampling():
    """In the barrel without what is before it, within Amaldi's formula, Phys. Scripta 23 (1981) 409.

    sigma / E = 3.2 % sqrt(dE / (MeV F <cos theta>) / (E / GeV)), where a minimum ionising particle loses dE = 3.3 MeV
    in a period: 5.8 % for tracks along the axis, 7.4 % with the <cos theta> of lead, 0.615.
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
