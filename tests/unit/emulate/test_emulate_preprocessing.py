"""The preprocessing of showers: back exactly, thresholds, layer energies."""

import numpy as np
import pytest
import torch

from resonaut.emulate.preprocessing import Preprocessing
from resonaut.physics.showers.files import Showers

from .toy_showers import GEOMETRY, showers

THRESHOLD = 5.0


@pytest.fixture(scope="module")
def trained() -> Preprocessing:
    preprocessing = Preprocessing(GEOMETRY, THRESHOLD)
    preprocessing.learn(showers(2000, 1), 1)
    return preprocessing


def prepared(preprocessing: Preprocessing, sample: Showers, seed: int = 2):
    generator = torch.Generator().manual_seed(seed)
    return preprocessing.prepare(torch.as_tensor(sample.energies), torch.as_tensor(sample.voxels), generator)


def layers_of(voxels) -> np.ndarray:
    return np.stack([np.asarray(voxels)[:, part].sum(axis=1, dtype=float) for part in GEOMETRY.slices], axis=1)


def test_showers_come_back(trained) -> None:
    sample = showers(500, 3)
    above = np.where(sample.voxels >= THRESHOLD, sample.voxels, 0)
    # Some layers and many voxels are empty, some have all energy of their layer, and some are below the threshold.
    assert (layers_of(above) == 0).sum() > 50
    assert ((above > 0) & (above == layers_of(above)[:, GEOMETRY.layer].astype(np.float32))).sum() > 20
    assert ((sample.voxels > 0) & (above == 0)).sum() > 20
    found = prepared(trained, sample)
    back = trained.inverse(torch.as_tensor(sample.energies, dtype=torch.float32), found.layers, found.voxels).numpy()
    np.testing.assert_array_equal(back > 0, above > 0)
    np.testing.assert_allclose(back, above, rtol=1e-4)


def test_all_is_of_order_one(trained) -> None:
    found = prepared(trained, showers(2000, 1))
    assert found.joined.shape == (2000, len(GEOMETRY.layers) + GEOMETRY.voxels)
    np.testing.assert_allclose(found.joined.mean(dim=0), 0, atol=0.15)
    np.testing.assert_allclose(found.joined.std(dim=0), 1, atol=0.25)
    assert found.context.abs().max() <= 1
    torch.testing.assert_close(found.condition, found.context[:, :1])
    assert sorted(set(found.condition.squeeze().tolist())) == pytest.approx([-1, 0, 1], abs=1e-5)


def test_noise_is_new_each_time_and_follows_the_generator(trained) -> None:
    sample = showers(50, 3)
    one, same, other = (prepared(trained, sample, seed).joined for seed in (2, 2, 3))
    torch.testing.assert_close(one, same, rtol=0, atol=0)
    empty = torch.as_tensor(sample.voxels < THRESHOLD)
    differ = (one != other)[:, len(GEOMETRY.layers) :]
    assert differ[empty].all()


def test_whatever_a_model_makes_keeps_layers_and_threshold(trained) -> None:
    generator = torch.Generator().manual_seed(5)
    energies = torch.full((400,), 4096.0)
    layers = 2 * torch.randn(400, len(GEOMETRY.layers), generator=generator)
    deposits = trained.deposits(energies, layers)
    voxels = trained.shower(deposits, 3 * torch.randn(400, GEOMETRY.voxels, generator=generator)).numpy()
    expected = np.where(deposits >= THRESHOLD, deposits, 0)
    np.testing.assert_allclose(layers_of(voxels)[expected > 0], expected[expected > 0], rtol=1e-5)
    # A layer whose energy is just below that of a voxel of the threshold's energy has no voxel.
    assert (layers_of(voxels)[deposits.numpy() < 0.9 * THRESHOLD] == 0).all()
    assert (voxels > 0).any(axis=1).all()
    assert (voxels == 0).any()


def test_layer_energies_by_hand(trained) -> None:
    """The response is exp of the first number, u_i the logistic function of the others."""
    layers = torch.tensor([[np.log(0.8), 0.0, np.log(3), -np.log(4)]], dtype=torch.float32)
    plain = Preprocessing(GEOMETRY, THRESHOLD)
    found = plain.deposits(torch.tensor([1000.0]), layers)
    torch.testing.assert_close(found, torch.tensor([[400.0, 300.0, 20.0, 80.0]]))
