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
    # Single precision does not tell parts of q / p_hit apart just beside those with all energy: 1 in 1000, by little.
    apart = np.abs(back - above) > 1e-4 * above
    assert apart.mean() < 1e-3
    np.testing.assert_allclose(back[apart], above[apart], rtol=0.2)


@pytest.mark.xfail(reason="4 of 14,500 voxels, by up to 13 %, beside those with all energy", strict=True)
def test_all_showers_come_back_in_single_precision(trained) -> None:
    sample = showers(500, 3)
    found = prepared(trained, sample)
    back = trained.inverse(torch.as_tensor(sample.energies, dtype=torch.float32), found.layers, found.voxels).numpy()
    np.testing.assert_allclose(back, np.where(sample.voxels >= THRESHOLD, sample.voxels, 0), rtol=1e-4)


def test_all_is_of_order_one(trained) -> None:
    found = prepared(trained, showers(2000, 1))
    joined = torch.cat([found.layers, found.voxels], dim=1)
    assert joined.shape == (2000, len(GEOMETRY.layers) + GEOMETRY.voxels)
    np.testing.assert_allclose(joined.mean(dim=0), 0, atol=0.15)
    np.testing.assert_allclose(joined.std(dim=0), 1, atol=0.25)
    assert found.context.abs().max() <= 1
    torch.testing.assert_close(found.condition, found.context[:, :1])
    assert sorted(set(found.condition.squeeze().tolist())) == pytest.approx([-1, 0, 1], abs=1e-5)


def test_noise_is_new_each_time_and_follows_the_generator(trained) -> None:
    sample = showers(50, 3)
    one, same, other = (prepared(trained, sample, seed).voxels for seed in (2, 2, 3))
    torch.testing.assert_close(one, same, rtol=0, atol=0)
    empty = torch.as_tensor(sample.voxels < THRESHOLD)
    differ = one != other
    assert differ[empty].all()


def test_whatever_a_model_makes_keeps_layers_and_threshold(trained) -> None:
    generator = torch.Generator().manual_seed(5)
    energies = torch.full((400,), 4096.0)
    layers = 2 * torch.randn(400, len(GEOMETRY.layers), generator=generator)
    deposits = trained.deposits(energies, layers)
    voxels = trained.shower(energies, deposits, 3 * torch.randn(400, GEOMETRY.voxels, generator=generator)).numpy()
    # A layer is empty, or has enough for a voxel.
    assert (deposits[deposits > 0] >= THRESHOLD).all()
    assert (deposits == 0).any()
    np.testing.assert_allclose(layers_of(voxels), deposits, rtol=1e-5)
    assert (voxels > 0).any(axis=1).all()
    assert (voxels == 0).any()


def test_layer_energies_by_hand(trained) -> None:
    """The response is exp of the first number; the median of what is hit half of the time is the threshold."""
    plain = Preprocessing(GEOMETRY, THRESHOLD)
    below, median, all_of_it = -1.0, 1e-3, 8.0
    layers = torch.tensor([[np.log(0.8), median, below, all_of_it]], dtype=torch.float32)
    found = plain.deposits(torch.tensor([1000.0]), layers)
    torch.testing.assert_close(found, torch.tensor([[THRESHOLD, 0.0, 800 - THRESHOLD, 0.0]]), rtol=1e-2, atol=0)


def test_layers_keep_their_gaps() -> None:
    """Layers that are empty or have 40 MeV and more are so when a model has learned nothing."""
    rng = np.random.default_rng(1)
    n = 20000
    sample = showers(n, 1)
    sample.voxels[:, GEOMETRY.slices[0]] = 0
    hit = rng.random(n) < 0.2
    sample.voxels[hit, GEOMETRY.slices[0].start] = 40 + 20 * rng.random(hit.sum())
    preprocessing = Preprocessing(GEOMETRY, THRESHOLD)
    preprocessing.learn(sample, 1)
    energies = torch.full((n,), 4096.0)
    layers = torch.randn(n, len(GEOMETRY.layers), generator=torch.Generator().manual_seed(5))
    first = preprocessing.deposits(energies, layers)[:, 0]
    # The nodes of the table and what else is in a shower blur the edge by a little.
    assert (first[first > 0] < 38).float().mean() < 0.03
    assert (first > 0).float().mean() == pytest.approx(0.2, abs=0.02)
