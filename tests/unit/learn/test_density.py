from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError, ResonautError
from resonaut.learn.density import Settings
from resonaut.learn.density.flow import Density

SETTINGS = Settings(
    transforms=1, hidden=[32, 32], bins=8, steps=400, batch_size=256, learning_rate=0.01, validation_fraction=0.2
)
SHORT = replace(SETTINGS, hidden=[8], steps=20)


def keys_of(n: int, seed: int = 0) -> identifier.Keys:
    return identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed * 10**6))


def gaussian(condition: np.ndarray, seed: int) -> np.ndarray:
    """x1 ~ N(c, 1), x2 ~ N(x1 / 2, (2 + c) / 8)."""
    noise = np.random.default_rng(seed).normal(size=(len(condition), 2))
    x1 = condition + noise[:, 0]
    return np.column_stack([x1, x1 / 2 + (2 + condition) / 8 * noise[:, 1]]).astype(np.float32)


def true_log_prob(x: np.ndarray, condition: np.ndarray) -> np.ndarray:
    first = stats.norm.logpdf(x[:, 0], condition)
    return first + stats.norm.logpdf(x[:, 1], x[:, 0] / 2, (2 + condition) / 8)


def fit(x: np.ndarray, condition: np.ndarray | None, settings: Settings = SHORT, seed: int = 3, **given) -> Density:
    given = {"weights": np.ones(len(x)), "keys": keys_of(len(x))} | given
    return Density.fit(x, condition, given["weights"], given["keys"], settings, seed)


@pytest.fixture(scope="module")
def sidebands() -> tuple[np.ndarray, np.ndarray]:
    """Events with conditions from -1 to 1 but for a gap from -0.4 to 0.4."""
    condition = np.random.default_rng(1).uniform(0.4, 1, 12_000) * np.tile([-1, 1], 6_000)
    return gaussian(condition, 2), condition


@pytest.fixture(scope="module")
def learned(sidebands) -> Density:
    return fit(*sidebands, SETTINGS)


@pytest.fixture(scope="module")
def gap() -> tuple[np.ndarray, np.ndarray]:
    """Other events, with conditions in the gap."""
    condition = np.random.default_rng(4).uniform(-0.4, 0.4, 8_000)
    return gaussian(condition, 5), condition


def test_the_density_is_the_true_one_also_in_the_gap(learned, gap):
    x, condition = gap
    difference = true_log_prob(x, condition) - learned.log_prob(x, condition)
    # The mean is the Kullback-Leibler divergence; that of Gaussians a quarter of a width apart is 0.03.
    assert 0 < difference.mean() < 0.035
    assert np.quantile(np.abs(difference), 0.9) < 0.3


def test_the_density_integrates_to_one(learned, sidebands):
    low, high = sidebands[0].min(axis=0), sidebands[0].max(axis=0)
    axes = [np.linspace(a, b, 301) for a, b in zip(low, high, strict=True)]
    middle = [(axis[1:] + axis[:-1]) / 2 for axis in axes]
    grid = np.stack(np.meshgrid(*middle, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    for condition in (-0.7, 0.0, 0.7):
        total = np.exp(learned.log_prob(grid, np.full(len(grid), condition))).sum() * cell
        assert total == pytest.approx(1, abs=0.005)


def test_samples_have_the_true_moments_in_the_gap(learned):
    for condition in (-0.3, 0.0, 0.3):
        x = learned.sample(np.full(20_000, condition), 6)
        assert x.dtype == np.float32
        assert x.mean(axis=0) == pytest.approx([condition, condition / 2], abs=0.06)
        assert np.cov(x.T)[0] == pytest.approx([1, 0.5], rel=0.1)
        assert np.std(x[:, 1] - x[:, 0] / 2) == pytest.approx((2 + condition) / 8, rel=0.1)


def test_the_latent_space_is_standard_normal(learned, gap):
    latent = learned.latent(*gap)
    assert latent.mean(axis=0) == pytest.approx([0, 0], abs=0.06)
    assert np.cov(latent.T) == pytest.approx(np.eye(2), abs=0.07)


def test_the_jacobian_knows_the_units(sidebands):
    x, condition = sidebands[0][:2000], sidebands[1][:2000]
    # A power of two leaves every digit as it is.
    first, scaled = fit(x, condition), fit(1024 * x, condition)
    shift = first.log_prob(x, condition) - scaled.log_prob(1024 * x, condition)
    assert shift == pytest.approx(np.full(2000, 2 * np.log(1024)))


def test_the_condition_may_be_in_any_unit(sidebands):
    x, condition = sidebands[0][:2000], sidebands[1][:2000]
    values = fit(x, condition).log_prob(x, condition)
    assert fit(x, 1024 * condition).log_prob(x, 1024 * condition) == pytest.approx(values)


def test_the_order_of_the_events_changes_nothing(sidebands):
    x, condition = (values[:2000] for values in sidebands)
    order = np.random.default_rng(7).permutation(2000)
    expected = fit(x, condition).log_prob(x, condition)
    shuffled = fit(x[order], condition[order], keys=keys_of(2000)[order])
    # The mean of the conditions, a sum, may change its last bit with the order.
    assert np.array_equal(shuffled.log_prob(x, condition), expected)


def test_seeds_give_the_same_bytes_and_leave_the_global_generator_alone(sidebands):
    x, condition = (values[:2000] for values in sidebands)
    state = torch.get_rng_state()
    first, second, other = (fit(x, condition, seed=seed) for seed in (3, 3, 4))
    assert first.sample(condition, 1).tobytes() == second.sample(condition, 1).tobytes()
    assert first.log_prob(x, condition).tobytes() == second.log_prob(x, condition).tobytes()
    assert not np.array_equal(first.sample(condition, 1), first.sample(condition, 2))
    assert not np.array_equal(first.log_prob(x, condition), other.log_prob(x, condition))
    assert torch.equal(torch.get_rng_state(), state)


def test_an_event_does_not_depend_on_its_neighbours(learned, gap):
    x, condition = gap
    whole = learned.log_prob(x, condition), learned.latent(x, condition)
    for rows in (slice(0, 1), slice(5, 700), slice(700, None)):
        assert np.array_equal(learned.log_prob(x[rows], condition[rows]), whole[0][rows])
        assert np.array_equal(learned.latent(x[rows], condition[rows]), whole[1][rows])
    assert learned.log_prob(x[:0], condition[:0]).shape == (0,)
    assert learned.latent(x[:0], condition[:0]).shape == (0, 2)
    assert learned.sample(condition[:0], 1).shape == (0, 2)


def test_events_beyond_the_training_range_count_as_its_edge(learned):
    low = learned.preprocessing.low
    high = low + learned.preprocessing.width
    edges = np.array([low, high, [low[0], high[1]]], dtype=np.float32)
    beyond = edges + np.float32(1e6) * np.array([[-1, -1], [1, 1], [-1, 1]], dtype=np.float32)
    at_edge, outside = (learned.log_prob(x, np.zeros(3)) for x in (edges, beyond))
    assert np.all(np.isfinite(outside))
    assert np.array_equal(at_edge, outside)
    assert np.all(np.isfinite(learned.latent(beyond, np.zeros(3))))


def test_an_atom_at_the_edge_is_learned_and_sampled():
    rng = np.random.default_rng(8)
    x = np.column_stack([rng.beta(4, 3, 8000), rng.normal(size=8000)]).astype(np.float32)
    x[:800, 0] = 0
    density = fit(x, rng.normal(size=8000), SETTINGS)
    assert np.all(np.isfinite(density.log_prob(x, np.zeros(8000))))
    drawn = density.sample(np.zeros(20_000), 1)
    assert np.mean(drawn[:, 0] == 0) == pytest.approx(0.1, abs=0.02)
    assert drawn[drawn[:, 0] > 0, 0].mean() == pytest.approx(4 / 7, abs=0.02)


def test_a_constant_feature_stays_constant():
    x = np.random.default_rng(9).normal(size=(1000, 2)).astype(np.float32)
    x[:, 1] = 0.25
    density = fit(x, x[:, 0])
    assert np.all(np.isfinite(density.log_prob(x, x[:, 0])))
    assert np.all(density.sample(x[:, 0], 1)[:, 1] == 0.25)


def test_one_feature_without_a_condition():
    x = np.random.default_rng(10).normal(5, 2, size=(6000, 1)).astype(np.float32)
    density = fit(x, None, SETTINGS)
    points = np.array([[3.0], [5.0], [7.0]], dtype=np.float32)
    assert density.log_prob(points) == pytest.approx(stats.norm.logpdf(points[:, 0], 5, 2), abs=0.15)


def test_events_count_by_their_weights():
    rng = np.random.default_rng(11)
    x = np.concatenate([rng.normal(-1, 0.5, 4000), rng.normal(1, 0.5, 4000)])[:, np.newaxis].astype(np.float32)
    weights = np.repeat([3.0, 1.0], 4000)
    density = fit(x, None, SETTINGS, weights=weights)
    points = np.array([[-1.0], [1.0]], dtype=np.float32)
    assert np.subtract(*density.log_prob(points)) == pytest.approx(np.log(3), abs=0.2)
    with pytest.raises(ResonautError, match="2 events have negative weights"):
        fit(x, None, weights=np.r_[-1.0, -1.0, weights[2:]])


def test_too_few_events_are_an_error():
    x = np.random.default_rng(12).normal(size=(60, 2)).astype(np.float32)
    with pytest.raises(EmptySelectionError, match="60 events are too few"):
        fit(x, None)


def test_a_training_that_diverges_says_so(sidebands):
    with pytest.raises(ResonautError, match=r"density diverged in epoch 1; lower density\.learning_rate"):
        fit(*sidebands, replace(SHORT, learning_rate=1e30))
