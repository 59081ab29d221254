"""Measures of two samples of showers, on distributions whose values are known."""

import numpy as np
import pytest
from scipy.stats import kstest

from resonaut.core.errors import EmptySelectionError
from resonaut.emulate.evaluate import distances
from resonaut.emulate.evaluate.energies import Grid, Point, matched
from resonaut.emulate.evaluate.nearest import overtraining
from resonaut.emulate.evaluate.observables import agreement, histogram, moments, separation
from resonaut.emulate.evaluate.settings import Timing
from resonaut.emulate.evaluate.timing import times
from resonaut.physics.showers.files import Showers


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_moments_have_the_errors_of_repeated_samples() -> None:
    """Of an exponential distribution, whose width is far less well known than that of a Gaussian."""
    found = [moments(rng(seed).exponential(size=400)) for seed in range(400)]
    for value, error in (("mean", "mean_error"), ("width", "width_error")):
        values = np.array([getattr(one, value) for one in found])
        errors = np.array([getattr(one, error) for one in found])
        assert values.mean() == pytest.approx(1, abs=0.02)
        # The error's own relative error is 1 / sqrt(2 * 400) = 3.5 %; its estimate is biased by a few per cent.
        assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.2)
    assert np.mean([one.width_error for one in found]) > 1.5 * np.mean([one.mean_error for one in found]) / np.sqrt(2)


def test_chi2_of_equal_samples_is_distributed_as_it_must() -> None:
    """With a value that a third of the showers share, too."""
    for shared in (0.0, 1 / 3):
        p_values = []
        for seed in range(150):
            draw = rng(seed)
            pair = [np.where(draw.random(n) < shared, 0, draw.exponential(size=n)) for n in (500, 800)]
            found = agreement(*pair, 10)
            p_values.append(found.p_value)
            assert 6 <= found.ndof <= 10
        assert kstest(p_values, "uniform").pvalue > 1e-4


def test_few_showers_have_fewer_bins() -> None:
    """Sixty of each in twenty bins would be three in a bin, in which there is no test."""
    p_values = []
    for seed in range(150):
        pair = rng(seed).normal(size=(2, 60))
        found = agreement(*pair, 20)
        assert 3 <= found.ndof <= 5
        p_values.append(found.p_value)
        assert agreement(pair[0], pair[1] + 2, 20).p_value < 1e-4
    assert kstest(p_values, "uniform").pvalue > 1e-4


def test_chi2_grows_with_a_shift_as_its_noncentrality() -> None:
    """A Gaussian shifted by d: chi2 grows by nm / (n + m) d^2 times the share of its information that bins keep."""
    n, shift = 4000, 0.1
    found = [agreement(rng(s).normal(size=n), rng(1000 + s).normal(shift, size=n), 20) for s in range(60)]
    excess = np.mean([one.chi2 - one.ndof for one in found])
    assert excess == pytest.approx(n / 2 * shift**2, abs=5)


def test_separation_is_that_of_the_histograms() -> None:
    """Uniform samples: the same, apart, and half of each where the other one is, too."""
    x = np.arange(4000) / 4000
    assert separation(x, x, 20) == 0
    assert separation(x, x + 2, 20) == pytest.approx(1)
    assert separation(x, x + 0.5, 20) == pytest.approx(0.5, abs=0.01)
    # Twice as many below one half: the median of both is 3/7, below which are 3/7 and 4/7.
    assert separation(x, np.r_[x[:2000], x], 2) == pytest.approx(1 / 49, rel=0.02)


def test_separation_of_alike_samples_is_that_of_fluctuations() -> None:
    """(k - 1) / 4 (1 / n + 1 / m) in k bins."""
    found = [separation(rng(s).normal(size=2000), rng(500 + s).normal(size=1000), 20) for s in range(100)]
    expected = 19 / 4 * (1 / 2000 + 1 / 1000)
    assert np.mean(found) == pytest.approx(expected, rel=0.15)


def test_a_histogram_has_all_showers() -> None:
    values = rng().normal(size=1000)
    found = histogram(values, values + 100)
    assert sum(found.simulated) == sum(found.emulated) == found.emulated[-1] == 1000
    constant = histogram(np.zeros(10), np.zeros(10))
    assert constant.low < 0 < constant.high
    assert max(constant.simulated) == 10


def test_frechet_distance_of_gaussians() -> None:
    means = np.zeros(2), np.array([3.0, 4.0])
    one, other = np.diag([1.0, 4.0]), np.diag([9.0, 1.0])
    assert distances.of_gaussians(means, (one, other)) == pytest.approx(25 + (1 - 3) ** 2 + (2 - 1) ** 2)
    # Turned together they are as far; turned alone, tr (C1 C2)^(1/2) is that of 2 x 2 matrices, by their determinant.
    c, s = np.cos(0.7), np.sin(0.7)
    turn = np.array([[c, -s], [s, c]])
    turned = turn @ other @ turn.T
    assert distances.of_gaussians(means, (turn @ one @ turn.T, turned)) == pytest.approx(30)
    root = np.sqrt(np.trace(one @ turned) + 2 * np.sqrt(np.linalg.det(one) * np.linalg.det(other)))
    assert distances.of_gaussians((means[0], means[0]), (one, turned)) == pytest.approx(15 - 2 * root)


def test_frechet_distance_of_samples_is_extrapolated() -> None:
    """The plain distance of 2 x 1,000 events with eight features has a bias; the extrapolated one has none."""
    n, d = 1000, 8
    alike, far, plain = [], [], []
    for seed in range(3):
        x, y = rng(seed).normal(size=(2, n, d))
        x[0] = 4.0  # Both are divided by the largest value of the first.
        alike.append(distances.frechet(x, y, seed))
        far.append(distances.frechet(x, 1.2 * y + 0.4, seed))
        plain.append(distances.of_gaussians((x.mean(0) / 4, y.mean(0) / 4), (np.cov(x.T) / 16, np.cov(y.T) / 16)))
    assert np.mean([one.value for one in alike]) < 0.3 * np.mean(plain)
    expected, error = d * (0.4**2 + 0.2**2) / 16, np.mean([one.error for one in far])
    assert np.mean([one.value for one in far]) == pytest.approx(expected, abs=4 * error / np.sqrt(3))
    assert 0 < error < 0.1 * expected


def test_kernel_distance_of_one_feature_is_that_of_moments() -> None:
    """(x y + 1)^4 = sum_k binom(4, k) (x y)^k: the distance is sum_k binom(4, k) (<x^k> - <y^k>)^2."""
    x, y = rng(1).uniform(-1, 1, (2500, 1)), rng(2).uniform(0, 1, (1500, 1))
    exact = 4 * 0.5**2 + 4 * 0.25**2
    unbiased = 0.0
    for k, binomial in enumerate((1, 4, 6, 4, 1)):
        n, m = len(x), len(y)
        # Without pairs of an event and itself.
        own = [(np.sum(one**k) ** 2 - np.sum(one ** (2 * k))) / (len(one) * (len(one) - 1)) for one in (x, y)]
        unbiased += binomial * (sum(own) - 2 * np.sum(x**k) * np.sum(y**k) / (n * m))
    assert distances.mmd(x, y) == pytest.approx(unbiased, rel=1e-9)
    measured = distances.kernel(x, y, 1)
    # The mean of x alone has an error of 0.012 in 1,500 events, and enters as 4 x 2 x 0.5 of it.
    assert measured.value == pytest.approx(exact, abs=0.25)
    assert 0 < measured.error < 0.25


def test_kernel_distance_of_alike_samples_is_zero() -> None:
    found = np.array([distances.mmd(*rng(seed).normal(size=(2, 300, 4))) for seed in range(200)])
    assert abs(found.mean()) < 4 * found.std(ddof=1) / np.sqrt(len(found))
    assert (found < 0).any()


def showers(energies, seed: int, voxels: int = 6) -> Showers:
    draw = rng(seed)
    shape = draw.exponential(size=(len(energies), voxels))
    return Showers(np.asarray(energies, float), (np.asarray(energies)[:, None] * shape / 10).astype(np.float32))


def test_samples_are_matched_energy_by_energy() -> None:
    first, second = showers([100.0] * 30 + [200.0] * 50, 1), showers([200.0] * 40 + [100.0] * 60, 2)
    (one, other), points = matched([first, second], ["simulated", "emulated"], 8)
    assert [point.energy for point in points] == [100, 200]
    assert [len(point.rows) for point in points] == [30, 40]
    for point in points:
        assert {*one.energies[point.rows]} == {*other.energies[point.rows]} == {point.energy}
    np.testing.assert_array_equal(other.voxels[points[1].rows], second.voxels[:40])
    with pytest.raises(EmptySelectionError, match=r"^there are 0 emulated showers at 100 MeV"):
        matched([first, second[:40]], ["simulated", "emulated"], 8)


def test_many_energies_are_ranges_with_as_many_showers() -> None:
    energies = np.exp(rng().uniform(0, 5, 4000))
    place = Grid.of(energies, 8).place(energies)
    assert np.bincount(place).tolist() == [500] * 8


def points_of(number: int) -> list[Point]:
    return [Point(100.0, np.arange(number))]


def test_a_copy_of_training_showers_is_found() -> None:
    training, held_out, made = (showers([100.0] * 600, seed) for seed in (1, 2, 3))
    copies = Showers(made.energies, np.where(np.arange(600)[:, None] % 3 == 0, training.voxels, made.voxels))
    found = overtraining(training, held_out, copies, points_of(600), 600)
    assert found.memorised
    assert found.share == pytest.approx(2 / 3, abs=0.08)
    exact = overtraining(training, held_out, training, points_of(600), 600)
    assert (exact.share, exact.distance_ratio) == (1, 0)
    # Copies of what did not train are no over-training.
    assert not overtraining(training, held_out, held_out, points_of(600), 600).memorised


def test_without_over_training_its_error_is_right() -> None:
    """In few dimensions many showers share a nearest one, and count together."""
    found = [
        overtraining(*(showers([100.0] * 60, 3 * s + i, 2) for i in range(3)), points_of(60), 60) for s in range(400)
    ]
    pulls = np.array([(one.share - 0.5) / one.error for one in found])
    assert abs(pulls.mean()) < 0.2
    assert pulls.std() == pytest.approx(1, abs=0.16)
    assert np.mean([one.memorised for one in found]) < 0.03


def test_time_is_that_of_a_shower() -> None:
    calls = []

    def sample(energies, seed) -> None:
        calls.append((len(energies), {*energies}, seed))

    found = times(sample, Timing(energies=[10.0], batches=[1, 7], repeats=3))
    assert [(one.energy, one.batch) for one in found] == [(10, 1), (10, 7)]
    assert all(0 < one.fastest <= one.milliseconds <= one.slowest for one in found)
    assert calls == [(n, {10.0}, seed) for n in (1, 7) for seed in range(4)]
