"""Distributions that are made normal: known ones, and what is between them."""

import numpy as np
import pytest
import torch
from scipy import stats

from resonaut.emulate.knots import COMMON, KNOTS, Grid, Knots, along, between
from resonaut.emulate.marginals import Marginals, Normal, log_tail

# A ring that is hit often, and one that is hit rarely, in four sectors.
RINGS = [2], np.tile([0, 1], 4)
N = 20000
# The driver that is common to all, where nothing follows it.
ONE = torch.ones(N, 1, dtype=torch.float64)


def rates(driver: np.ndarray) -> np.ndarray:
    """Probabilities of a hit in both rings, (n, 2)."""
    return np.stack([0.2 + 0.5 * driver, 0.002 + 0 * driver], axis=1)


def hits(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """v (n, 8), evenly spread from 0.1 to 0.7 for hit voxels, and drivers (n, 1)."""
    rng = np.random.default_rng(seed)
    driver = rng.random(n)
    hit = rng.random((n, 8)) < np.tile(rates(driver), 4)
    v = np.where(hit, rng.uniform(0.1, 0.7, (n, 8)), -1)
    return torch.as_tensor(v), torch.as_tensor(driver)[:, None]


@pytest.fixture(scope="module")
def learned() -> Marginals:
    found = Marginals(*RINGS)
    found.learn(*hits(N, 1), ONE)
    return found


def test_tail_of_the_normal_distribution() -> None:
    z = torch.linspace(-6, 8, 57, dtype=torch.float64)
    np.testing.assert_allclose(log_tail(z), stats.norm.logsf(z.numpy()), rtol=2e-7, atol=2e-7)
    np.testing.assert_allclose(log_tail(z.float()), stats.norm.logsf(z.numpy()), rtol=2e-6, atol=1e-6)


def test_voxels_become_normal_and_come_back(learned) -> None:
    v, drivers = hits(N, 2)
    z = learned(v, drivers, ONE, torch.Generator().manual_seed(1))
    for ring in (0, 1):
        own = z[:, ring::2].flatten().numpy()
        # Five standard deviations of mean and width of so many; the tables are not exact.
        assert own.mean() == pytest.approx(0, abs=5 / np.sqrt(len(own)) + 0.005)
        assert own.std() == pytest.approx(1, abs=5 / np.sqrt(2 * len(own)) + 0.005)
    back = learned.inverse(z.float(), drivers.float(), ONE.float())
    np.testing.assert_array_equal(back > 0, v >= 0)
    np.testing.assert_allclose(back[v >= 0], v[v >= 0], atol=1e-4)


def test_normal_numbers_become_hits_as_often_and_as_large_as_known(learned) -> None:
    z = torch.randn(N, 8, generator=torch.Generator().manual_seed(1))
    for driver in (0.1, 0.5, 0.9):
        v = learned.inverse(z, torch.full((N, 1), driver), ONE.float()).numpy()
        for ring, rate in enumerate(rates(np.array([driver]))[0]):
            own = v[:, ring::2]
            error = np.sqrt(rate / own.size)
            # Those that taught it fluctuate, too: near a knot there are about 2 / KNOTS of them.
            assert (own > 0).mean() == pytest.approx(rate, abs=5 * error * np.sqrt(1 + KNOTS / 2))
            taught = N * 4 * rate * 2 / KNOTS
            assert own[own > 0].mean() == pytest.approx(0.4, abs=5 * 0.18 * np.sqrt(1 / taught + 1 / (own > 0).sum()))
            # Beyond what was seen, half a dozen hits near a knot in the rare ring, a line goes on to 1.
            assert np.quantile(own[own > 0], 0.9) < 0.7


@pytest.mark.xfail(reason="a line goes on to 1 beyond the hits near a knot: 0.758 where they end at 0.7", strict=True)
def test_no_hit_is_far_above_those_that_were_seen(learned) -> None:
    z = torch.randn(N, 8, generator=torch.Generator().manual_seed(1))
    largest = [learned.inverse(z, torch.full((N, 1), driver), ONE.float()).max() for driver in (0.1, 0.5, 0.9)]
    assert max(largest) < 0.75


def test_voxels_with_all_energy_are_spread_over_their_part_of_the_tail() -> None:
    rng = np.random.default_rng(1)
    hit, whole = rng.random((N, 8)) < 0.5, rng.random((N, 8)) < 0.4
    v = torch.as_tensor(np.where(hit, np.where(whole, 1.0, rng.uniform(0, 0.8, (N, 8))), -1))
    found, drivers = Marginals(*RINGS), torch.zeros(N, 1, dtype=torch.float64)
    found.learn(v, drivers, ONE)
    z = found(v, drivers, ONE, torch.Generator().manual_seed(1))
    for ring in (0, 1):
        own, top = z[:, ring::2], v[:, ring::2] == 1
        tails = stats.norm.sf(own[top].numpy())
        assert stats.kstest(tails / tails.max(), "uniform").statistic < 0.01
        assert tails.max() == pytest.approx(top.double().mean().item(), abs=1e-3)
        assert own[top].min() > own[~top].max() - 1e-3
    assert (found.inverse(z.float(), drivers.float(), ONE.float())[v == 1] == 1).all()


def test_numbers_become_normal_as_their_driver_has_them() -> None:
    """exp(x) of a normal x whose mean and spread follow the driver; only at the ends and in the middle are any."""
    generator = torch.Generator().manual_seed(1)
    driver = torch.randint(3, (N, 1), generator=generator).double()
    x = (driver + (1 + driver) / 4 * torch.randn(N, 1, generator=generator, dtype=torch.float64)).exp()
    found = Normal(1)
    found.learn(x, driver)
    z = found(x, driver)
    for value in range(3):
        assert stats.kstest(z[driver == value].numpy(), "norm").statistic < 0.02
    torch.testing.assert_close(found.inverse(z, driver), x, rtol=1e-4, atol=1e-5)
    # A table that nothing taught is one of its neighbours, or between.
    medians = found.inverse(torch.zeros(9, 1), torch.linspace(0, 2, 9)[:, None]).squeeze().log()
    assert (medians.diff() > -0.05).all()
    assert medians[[0, 4, 8]].tolist() == pytest.approx([0, 1, 2], abs=0.05)


def test_lines_between_nodes() -> None:
    nodes, values = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[1.0], [2.0], [8.0]])
    x = torch.tensor([[-1.0], [0.5], [2.0], [4.0]])
    torch.testing.assert_close(along(x, nodes, values), torch.tensor([[0.0], [1.5], [5.0], [11.0]]))


def test_tables_are_linear_between_knots_and_constant_beyond() -> None:
    knots = Knots([1, 2])
    knots.learn(torch.tensor([[0.0, 10.0], [KNOTS - 1.0, 20.0]]))
    table = torch.arange(KNOTS, dtype=torch.float32)[:, None] * torch.tensor([1.0, 1.0, 10.0])
    found = between(table, knots.shares(torch.tensor([[2.25, 15.0], [-3.0, 25.0]])), knots.sizes)
    last = KNOTS - 1.0
    torch.testing.assert_close(found, torch.tensor([[2.25, last / 2, 5 * last], [0.0, last, 10 * last]]))


def test_a_table_of_two_drivers_is_linear_in_both() -> None:
    grid = Grid([1, 2])
    grid.learn(torch.tensor([[0.0, 0.0], [KNOTS - 1.0, KNOTS - 1.0]]), torch.tensor([[0.0], [COMMON - 1.0]]))
    first, common = torch.arange(KNOTS, dtype=torch.float32), torch.arange(COMMON, dtype=torch.float32)
    table = (first[:, None] * common).flatten()[:, None] * torch.tensor([1.0, 1.0, 10.0])
    shares = grid.shares(torch.tensor([[2.25, 4.0], [1.0, 30.0]]), torch.tensor([[3.5], [-1.0]]))
    torch.testing.assert_close(grid.between(table, shares), torch.tensor([[7.875, 14.0, 140.0], [0.0, 0.0, 0.0]]))


def test_hits_follow_the_driver_that_is_common() -> None:
    """With twice the incident energy, twice as many sectors of a ring are hit, at the same energy of the layer."""
    rng = np.random.default_rng(1)
    drivers = torch.as_tensor(rng.random((N, 1)))
    common = torch.as_tensor(rng.integers(2, size=(N, 1))).double()
    rate = 0.2 * (1 + common.numpy())
    v = torch.as_tensor(np.where(rng.random((N, 8)) < rate, 0.5, -1))
    found = Marginals(*RINGS)
    found.learn(v, drivers, common)
    z = torch.randn(N, 8, generator=torch.Generator().manual_seed(1))
    hit = found.inverse(z, drivers.float(), common.float()) > 0
    for value in (0, 1):
        # What a few of N / 2 KNOTS times four sectors taught is right by 2 %.
        assert hit[common[:, 0] == value].float().mean() == pytest.approx(0.2 * (1 + value), abs=0.02)
