"""Showers that are turned and mirrored, and the network that turns with them."""

import numpy as np
import pytest
import torch

from resonaut.emulate import symmetry
from resonaut.emulate.preprocessing import Preprocessing
from resonaut.emulate.training import prepared
from resonaut.emulate.turning import Turning
from resonaut.learn.training import untrained
from resonaut.physics.showers.files import Showers
from resonaut.physics.showers.geometry import ELECTRON, PHOTON, PION, Geometry, Layer
from resonaut.physics.showers.observables import observables

from .toy_showers import GEOMETRY, showers

FLAT = Geometry("photon", (Layer(0, (0, 10, 30), 1), Layer(1, (0, 10), 1)))


@pytest.mark.parametrize(("geometry", "sectors"), [(PHOTON, 10), (PION, 10), (ELECTRON, 16), (GEOMETRY, 4), (FLAT, 1)])
def test_images_are_all_different_orders_of_the_voxels(geometry, sectors) -> None:
    found = symmetry.images(geometry)
    assert symmetry.sectors(geometry) == sectors
    assert found.shape == (2 * sectors, geometry.voxels)
    np.testing.assert_array_equal(np.sort(found, axis=1), np.tile(np.arange(geometry.voxels), (2 * sectors, 1)))
    np.testing.assert_array_equal(found[0], np.arange(geometry.voxels))


@pytest.mark.parametrize(("turn", "mirrored"), [(1, False), (3, False), (0, True), (2, True)])
def test_energy_moves_by_the_angle_and_stays_in_ring_and_layer(turn, mirrored) -> None:
    """What comes from a voxel is turned by 36 degrees each time, after it was mirrored."""
    source = symmetry.images(PHOTON)[turn + 10 * mirrored]
    np.testing.assert_array_equal(PHOTON.layer[source], PHOTON.layer)
    np.testing.assert_array_equal(PHOTON.r[source], PHOTON.r)
    inside = np.isin(PHOTON.layer, [1, 2])
    expected = (-1 if mirrored else 1) * PHOTON.alpha[source] + turn * 2 * np.pi / 10
    difference = (expected - PHOTON.alpha)[inside]
    np.testing.assert_allclose(np.cos(difference), 1)


def test_turned_showers_have_other_centres_and_the_same_widths_in_r() -> None:
    sample = showers(2000, 1)
    images = torch.as_tensor(symmetry.images(GEOMETRY))
    voxels = symmetry.turned(torch.as_tensor(sample.voxels), images, torch.Generator().manual_seed(1)).numpy()
    before, after = (observables(one, GEOMETRY) for one in (sample, Showers(sample.energies, voxels)))
    for name in ("response", "energy_1", "width_r_1", "centre_r_2", "sparsity_2"):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-6, atol=1e-6)
    moved = np.abs(after["centre_x_1"] - before["centre_x_1"]) > 1e-6
    # One image in eight is the shower itself, one of the four mirrored ones has the same x.
    assert 0.6 < moved.mean() < 0.9


def test_numbers_of_a_turned_shower_are_turned() -> None:
    """Those of hit voxels; the empty ones have noise."""
    sample = showers(500, 1)
    preprocessing = Preprocessing(GEOMETRY, 5.0)
    preprocessing.learn(sample, 1)
    for image in symmetry.images(GEOMETRY):
        turned = Showers(sample.energies, sample.voxels[:, image])
        before, after = (prepared(preprocessing, one, torch.Generator().manual_seed(1)) for one in (sample, turned))
        # A voxel with all energy of its layer has noise, too.
        hit = (turned.voxels >= 5) & (turned.voxels < 0.99 * layer_energies(turned)[:, GEOMETRY.layer])
        assert hit.sum() > 1000
        torch.testing.assert_close(after.voxels[hit], before.voxels[:, image][hit], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(after.context, before.context, rtol=1e-5, atol=1e-5)


def layer_energies(sample: Showers) -> np.ndarray:
    return np.stack([sample.voxels[:, part].sum(axis=1) for part in GEOMETRY.slices], axis=1)


@pytest.mark.parametrize("geometry", [GEOMETRY, FLAT])
def test_network_turns_with_the_shower(geometry) -> None:
    number = symmetry.sectors(geometry)
    network = untrained(lambda: Turning(geometry, 3, 12, 2), 1)
    generator = torch.Generator().manual_seed(1)
    x, context = (torch.randn(5, size, generator=generator) for size in (geometry.voxels, 3))
    torch.testing.assert_close(network(x, context), torch.zeros(5, geometry.voxels), rtol=0, atol=0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.3, generator=generator)
    plain = network(x, context)
    assert plain.std() > 0.1
    for image in symmetry.images(geometry)[:number]:
        torch.testing.assert_close(network(x[:, image], context), plain[:, image], rtol=1e-3, atol=1e-4)
    # The mirror image is none of these.
    assert number == 1 or (network(x[:, symmetry.images(geometry)[number]], context) - plain).abs().max() > 0.01


def test_sectors_and_layers_know_of_each_other() -> None:
    network = untrained(lambda: Turning(GEOMETRY, 3, 12, 2), 1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.3, generator=torch.Generator().manual_seed(2))
    slopes = torch.autograd.functional.jacobian(lambda x: network(x, torch.ones(1, 3)), torch.ones(1, GEOMETRY.voxels))
    assert (slopes.squeeze().abs() > 1e-7).all()
