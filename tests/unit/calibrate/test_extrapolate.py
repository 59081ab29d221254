import numpy as np
import pytest

from resonaut.calibrate.extrapolate import extrapolate

INVERSE_PT = 1 / np.array([40.0, 90.0, 140.0, 200.0, 270.0, 400.0])


def plane(values: np.ndarray) -> np.ndarray:
    return np.reshape(values, (-1, 1, 1))


def fit(values, error, known=None):
    known = np.ones(6, bool) if known is None else known
    coefficients, covariance = extrapolate(
        INVERSE_PT, plane(values)[None], plane(np.broadcast_to(error, 6)), plane(known).astype(bool)
    )
    return coefficients[0, :, 0, 0], covariance[:, :, 0, 0]


@pytest.mark.parametrize("truth", [[1.2, 0, 0], [0.8, 15.0, 0], [1.5, -60.0, 1200.0]])
def test_exact_polynomials_come_back(truth):
    values = truth[0] + truth[1] * INVERSE_PT + truth[2] * INVERSE_PT**2
    coefficients, covariance = fit(values + 1e-9 * np.array([1, -1, 1, -1, 1, -1]), 0.01)
    assert coefficients == pytest.approx(truth, rel=1e-4, abs=1e-6)
    # Coefficients beyond the order have no variance.
    assert np.array_equal(np.diag(covariance) > 0, np.array(truth) != 0)


def test_a_constant_is_the_mean_with_its_error():
    """Six numbers of events n_i of the expectation 100: errors are in proportion to the root of n_i."""
    values = np.array([1.1, 0.9, 1.0, 1.05, 0.95, 1.0])
    coefficients, covariance = fit(values, 0.1 * np.sqrt(values))
    assert coefficients == pytest.approx([1.0, 0, 0], rel=1e-6)
    assert covariance[0, 0] == pytest.approx(0.1**2 / 6, rel=1e-6)


def test_few_events_do_not_bias_the_fit():
    """Six events are expected in each slice: the weights of a chi2 with observed errors would give 0.83 on average."""
    rng = np.random.default_rng(3)
    found = []
    for numbers in rng.poisson(6, (600, 6)):
        known = numbers > 0
        values = np.where(known, numbers / 6, 1.0)
        found.append(fit(values, np.sqrt(values / 6), known)[0][0])
    assert np.median(found) == pytest.approx(1, abs=0.05)


def test_the_f_test_takes_a_slope_without_need_in_five_percent():
    rng = np.random.default_rng(1)
    slopes = sum(fit(1 + 0.1 * rng.standard_normal(6), 0.1)[0][1] != 0 for _ in range(1000))
    # 5 % of 1000 have a standard deviation of 7.
    assert 22 < slopes < 78


def test_errors_are_those_of_repeated_measurements():
    rng = np.random.default_rng(2)
    truth = 0.8 + 20 * INVERSE_PT
    found = [fit(truth + 0.01 * rng.standard_normal(6), 0.01) for _ in range(300)]
    at = np.array([1, 1 / 1000, 0])
    values = np.array([c[:2] @ at[:2] for c, _ in found if c[2] == 0])
    claimed = np.median([np.sqrt(at @ s @ at) for c, s in found if c[2] == 0])
    assert values.mean() == pytest.approx(0.82, abs=0.003)
    assert values.std() == pytest.approx(claimed, rel=0.2)


def test_unmeasured_bins_are_one_with_error_one():
    coefficients, covariance = fit(np.ones(6), 0.1, np.zeros(6, bool))
    assert coefficients.tolist() == [1, 0, 0]
    assert covariance[0, 0] == 1
    assert covariance.sum() == 1


@pytest.mark.parametrize("measured", [1, 2])
def test_few_slices_give_a_constant(measured):
    known = np.arange(6) < measured
    values = np.array([1.2, 1.4, 9, 9, 9, 9])
    coefficients, covariance = fit(values, 0.1 * np.sqrt(values), known)
    mean = [1.2, 1.3][measured - 1]
    assert coefficients == pytest.approx([mean, 0, 0])
    assert covariance[0, 0] == pytest.approx(0.01 * mean / measured)


def test_variations_share_the_order_of_the_nominal_ratio():
    nominal, tilted = np.full(6, 1.0), 1 + 20 * INVERSE_PT
    values = np.stack([plane(nominal), plane(tilted)])
    coefficients, _ = extrapolate(INVERSE_PT, values, plane(np.full(6, 0.01)), plane(np.ones(6)).astype(bool))
    assert coefficients[1, 1, 0, 0] == 0
    assert coefficients[1, 0, 0, 0] == pytest.approx(tilted.mean())
