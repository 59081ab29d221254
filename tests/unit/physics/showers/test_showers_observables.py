"""Observables of showers, against sums written out by hand."""

import math

import numpy as np
import pytest

from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import ELECTRON, PHOTON, Geometry, Layer
from resonaut.physics.showers.observables import observables


def voxel(layer, r, alpha=0.0):
    """The voxel of the photons' layout at a place in a layer of that number."""
    found = next(one for one in PHOTON.layers if one.number == layer)
    sector = int((alpha + math.pi) / (2 * math.pi) * found.n_alpha)
    ring = int(np.searchsorted(found.r_edges, r, side="right")) - 1
    return PHOTON.slices[PHOTON.layers.index(found)].start + sector * found.n_r + ring


def photon(incident, *deposits):
    voxels = np.zeros((1, PHOTON.voxels), np.float32)
    for energy, *place in deposits:
        voxels[0, voxel(*place)] += energy
    return {name: float(value[0]) for name, value in observables(Showers(np.array([incident]), voxels), PHOTON).items()}


def test_moments_of_two_voxels():
    geometry = Geometry("any", (Layer(0, (0, 4, 8), 1), Layer(1, (0, 10, 30), 4)))
    voxels = np.zeros((2, 10), np.float32)
    voxels[0, [0, 1, 2, 9]] = 1, 3, 6, 2  # r = 2, 6 of layer 0; r = 5 at -135, 20 at 135 degrees of layer 1
    found = observables(Showers(np.array([16.0, 16.0]), voxels), geometry)
    root = math.sqrt(0.5)
    expected = {
        "response": 12 / 16,
        "energy_0": 4,
        "energy_1": 8,
        "centre_r_0": 5,
        "width_r_0": math.sqrt(3),
        "centre_x_1": -(6 * 5 + 2 * 20) / 8 * root,
        "centre_y_1": (2 * 20 - 6 * 5) / 8 * root,
        "width_x_1": root * math.sqrt((6 * 25 + 2 * 400) / 8 - (70 / 8) ** 2),
        "width_y_1": root * math.sqrt((6 * 25 + 2 * 400) / 8 - (10 / 8) ** 2),
        "sparsity_0": 0,
        "sparsity_1": 6 / 8,
        "depth": 8 / 12,
        "depth_width": math.sqrt(8 / 12 * 4 / 12),
    }
    for name, value in expected.items():
        assert found[name][0] == pytest.approx(value), name
    assert "centre_x_0" not in found
    assert all(np.isfinite(values).all() for values in found.values())
    assert found["width_x_1"][1] == found["depth"][1] == found["response"][1] == 0


def test_what_atlas_measures_of_photons():
    # The sector around alpha = 0.1 has its middle at 18 degrees.
    found = photon(
        100.0,
        (30, 1, 1.0, 0.1),  # strips, inside three
        (6, 1, 13.0, 0.1),  # r = 13.5, x = 12.8 mm: outside three (7.0), inside seven (16.4)
        (4, 1, 60.0, 0.1),  # outside
        (40, 2, 1.0, 0.1),  # middle, centre
        (8, 2, 90.0, 0.1),  # x = 85.6: outside three cells in eta (56), inside seven (131)
        (5, 2, 90.0, math.pi / 2 + 0.1),  # y = 90: outside three, inside seven in phi
        (2, 3, 10.0),
        (1, 12, 10.0),
    )
    assert found["response"] == pytest.approx(0.96)
    assert found["r_eta"] == pytest.approx(45 / 53)
    assert found["r_phi"] == pytest.approx(40 / 45)
    assert found["f_side"] == pytest.approx(6 / 30)
    assert found["w_s_3"] == pytest.approx(0, abs=1e-6)
    assert found["f_1"] == pytest.approx(40 / 95)
    assert found["f_3"] == pytest.approx(2 / 95)
    assert found["r_had"] == pytest.approx(1 / 95)


def test_the_width_in_the_middle_layer_is_along_eta():
    x = (25 + 30) / 2 * math.cos(math.pi / 10)
    two = photon(100.0, (10, 2, 27.0, 0.1), (10, 2, 27.0, math.pi - 0.1), (50, 2, 300.0, 0.1))
    assert two["w_eta_2"] == pytest.approx(x)
    assert two["centre_x_2"] == pytest.approx((50 * 325 * math.cos(math.pi / 10)) / 70, rel=1e-6)


def test_other_layouts_have_no_variables_of_atlas():
    found = observables(Showers(np.array([1.0]), np.ones((1, ELECTRON.voxels), np.float32)), ELECTRON)
    assert found["energy_44"][0] == 144
    assert found["depth"][0] == 22
    assert "r_eta" not in found
