"""Signal shapes: normalisation, recovery of a known shape, interpolation, and templates that move with nuisances."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from resonaut.fit.shapes import CrystalBalls, Gaussian, Histogram, crystal_ball, from_simulation
from resonaut.fit.signal import NEGLIGIBLE, Template, template
from resonaut.fit.sources import named
from resonaut.fit.spectrum import Spectrum

SHAPE = (0.98, np.log(0.035), 1.3, np.log(3.0), 1.8, np.log(5.0))


def simulated(mass, events, shape=SHAPE):
    """The expected histogram of ``events`` events; spread over 1000 to 8000 GeV in bins of 20 GeV."""
    edges = np.linspace(1000.0, 8000.0, 351)
    counts = events * np.diff(crystal_ball(edges / mass, *shape))
    return Spectrum(edges, counts), float(events)


def test_gaussian_shares():
    made = template(Gaussian(0.03), 3000.0, np.array([2910.0, 3090.0, 13000.0]))
    assert made.shares == pytest.approx([0.682689, 0.158655], abs=1e-5)


def test_crystal_ball_is_a_distribution():
    assert crystal_ball(np.array([-1e9, 1e9]), *SHAPE) == pytest.approx([0, 1], abs=1e-3)
    grid = np.linspace(0.3, 2.0, 400)
    assert (np.diff(crystal_ball(grid, *SHAPE)) > 0).all()


def test_crystal_ball_density_is_gaussian_inside_and_continuous_at_the_tails():
    width = np.exp(SHAPE[1])

    def density(y):
        return float(np.diff(crystal_ball(np.array([y - 1e-6, y + 1e-6]), *SHAPE))[0] / 2e-6)

    peak = density(0.98)
    assert density(0.98 + width) / peak == pytest.approx(np.exp(-0.5), rel=1e-4)
    join = 0.98 - 1.3 * width
    assert density(join - 1e-4) == pytest.approx(density(join + 1e-4), rel=2e-2)
    # The lower tail is (1 + alpha / n (|t| - alpha))^-n.
    n = 1.05 + 3.0
    assert density(0.98 - 5 * width) / peak == pytest.approx(
        np.exp(-(1.3**2) / 2) * (1 + 1.3 / n * 3.7) ** -n, rel=1e-4
    )
    assert quad(density, 0.9, 1.1)[0] == pytest.approx(float(np.diff(crystal_ball(np.array([0.9, 1.1]), *SHAPE))[0]))


def test_simulated_shape_is_recovered():
    signal = from_simulation({3500.0: simulated(3500.0, 20000)}, 0.0, 0.03)
    assert isinstance(signal, CrystalBalls)
    fitted = signal.describe(3500.0)
    assert fitted.peak == pytest.approx(0.98, abs=0.001)
    assert fitted.log_width == pytest.approx(np.log(0.035), abs=0.03)
    edges = np.arange(2500.0, 7001.0, 100.0)
    truth = np.diff(crystal_ball(edges / 3500, *SHAPE))
    assert template(signal, 3500.0, edges).shares == pytest.approx(truth, abs=0.005)


@pytest.mark.parametrize("mass", [3500.0, 4000.0])
def test_a_threshold_is_no_part_of_the_shape(mass):
    # As of pairs of tops: much of the signal below a narrow peak, and nothing below the threshold of the skim.
    tops = (0.985, np.log(0.018), 0.4, np.log(3.0), 1.4, np.log(4.0))
    edges, threshold = np.arange(2000.0, 8001.0, 4.0), 2900.0
    whole, kept = edges / 3500, edges[:-1] >= threshold
    counts = np.where(kept, np.diff(crystal_ball(whole, *tops)), 0)
    signal = from_simulation({3500.0: (Spectrum(edges, 3000 * counts / counts.sum()), 3000.0)}, threshold, 0.03)
    # At any mass it is the same shape above the same threshold.
    coarse = np.concatenate([[2500.0], np.arange(2900.0, 4401.0, 100.0), [13000.0]])
    at_mass = crystal_ball(np.maximum(coarse, threshold) / mass, *tops)
    truth = np.diff(at_mass) / (1 - at_mass[0])
    shares = template(signal, mass, coarse).shares
    assert shares[0] == 0
    assert shares.sum() == pytest.approx(1, abs=0.01)
    assert shares == pytest.approx(truth, abs=0.01)
    assert signal.describe(mass).threshold == threshold


def test_shape_between_masses_lies_between():
    wide = (1.0, np.log(0.06), *SHAPE[2:])
    samples = {3000.0: simulated(3000.0, 20000), 4000.0: simulated(4000.0, 20000, wide)}
    signal = from_simulation(samples, 0.0, 0.03)
    widths = [signal.describe(m).log_width for m in (2000.0, 3000.0, 3500.0, 4000.0, 5000.0)]
    assert widths[0] == widths[1]
    assert widths[3] == widths[4]
    assert widths[2] == pytest.approx((widths[1] + widths[3]) / 2)
    assert signal.describe(3500.0).peak == pytest.approx(0.99, abs=0.002)


def test_parameters_between_three_masses_stay_between_their_neighbours():
    masses = np.array([2000.0, 3500.0, 4000.0])
    # Uneven steps, between which a cubic through the points would overshoot.
    parameters = np.array([SHAPE, (0.99, *SHAPE[1:]), (0.991, np.log(0.08), *SHAPE[2:])])
    signal = CrystalBalls(masses, parameters, 0.0, "interpolated")
    for (low, high), ends in zip(pairwise(masses), pairwise(parameters), strict=True):
        values = np.array([list(vars(signal.describe(m)).values())[3:] for m in np.linspace(low, high, 21)])
        assert (values >= np.min(ends, axis=0) - 1e-12).all()
        assert (values <= np.max(ends, axis=0) + 1e-12).all()
        assert values[[0, -1]] == pytest.approx(np.array(ends))
    assert signal.describe(1000.0) == signal.describe(2000.0)
    assert signal.describe(9000.0) == signal.describe(4000.0)


def test_few_events_share_a_shape_and_hardly_any_give_a_gaussian():
    shared = from_simulation({3000.0: simulated(3000.0, 60), 4000.0: simulated(4000.0, 60)}, 0.0, 0.03)
    assert shared.describe(3000.0).source == "all simulated masses together"
    assert [shared.describe(m).peak for m in (3000.0, 4000.0)] == pytest.approx([0.98, 0.98], abs=0.01)
    assert from_simulation({3000.0: simulated(3000.0, 5)}, 0.0, 0.04) == Gaussian(0.04)


def test_a_sample_without_events_is_left_out():
    empty = (Spectrum(np.linspace(1000.0, 8000.0, 351), np.zeros(350)), 0.0)
    signal = from_simulation({3000.0: empty, 4000.0: simulated(4000.0, 500)}, 0.0, 0.03)
    assert signal.describe(3000.0).peak == pytest.approx(0.98, abs=0.01)


MASS = 4000.0
FINE = np.arange(2500.0, 6001.0, 20.0)
TOPS = CrystalBalls(
    np.array([MASS]), np.array([(0.985, np.log(0.018), 0.4, np.log(3.0), 1.4, np.log(4.0))]), 3100.0, ""
)
SHAPES = {
    "gaussian": Gaussian(0.04),
    "crystal_ball": CrystalBalls(np.array([MASS]), np.array([SHAPE]), 0.0, "given"),
    "threshold": TOPS,
    "histogram": Histogram(MASS, simulated(MASS, 1e4)[0]),
}
SIZES = named({"scale": 0.01, "resolution": 0.035})


def moved(shape, scale=0.0, resolution=0.0, edges=FINE):
    """Shares of a signal whose masses are multiplied by ``1 + scale`` and whose peak is ``1 + resolution`` wider.

    What would then be below the threshold is not selected, and the others are as many as before.
    """
    peak, threshold = shape.peak(MASS), shape.threshold

    def below(m):
        return shape.cumulative(MASS, peak + (m / MASS / (1 + scale) - peak) / (1 + resolution))

    return np.diff(below(np.maximum(edges, threshold))) / (1 - below(np.array(threshold)))


@pytest.mark.parametrize("eta", [(1, 0), (-1, 0), (3, 0), (-3, 0), (0, 1), (0, -3), (0, 3), (-2, 3), (0.3, -1.7)])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_template_is_the_moved_shape(shape, eta):
    made = template(shape, MASS, FINE, SIZES)
    truth = moved(shape, 0.01 * eta[0], 0.035 * eta[1])
    assert made.shares.sum() == pytest.approx(moved(shape).sum(), rel=1e-12)
    # But for the bins next to the edge of what is used, and for what a table knows of a histogram.
    found = made.at(np.array(eta))
    assert found == pytest.approx(truth, abs=3 * NEGLIGIBLE * truth.max())
    assert found.sum() == pytest.approx(truth.sum(), rel=1e-3)


def test_without_a_change_a_template_is_its_shares():
    for shape in SHAPES.values():
        made = template(shape, MASS, FINE, SIZES)
        assert made.at(np.zeros(2)) == pytest.approx(made.shares, abs=3 * NEGLIGIBLE * made.shares.max())
        assert made.rigid.at(np.zeros(0)) == pytest.approx(made.shares, rel=1e-12)


def test_signal_comes_in_from_beyond_the_bins():
    # The peak is above the last bin, and the scale brings it down.
    edges = np.arange(3000.0, 3901.0, 20.0)
    made, truth = (
        template(Gaussian(0.02), MASS, edges, named({"scale": 0.02})),
        moved(Gaussian(0.02), -0.06, edges=edges),
    )
    assert made.shares.sum() == pytest.approx(0.1056, abs=1e-4)
    assert made.at(np.array([-3.0])) == pytest.approx(truth, abs=1e-3 * truth.max())


def test_a_bin_as_wide_as_the_whole_signal_holds_all_of_it():
    made = template(Gaussian(0.001), MASS, np.array([2000.0, 3000.0, 4020.0, 13000.0]), SIZES)
    assert made.shares == pytest.approx([0, 1, 0], abs=1e-5)
    assert made.at(np.array([0.5, 0.0])) == pytest.approx([0, 0.5, 0.5], abs=1e-3)
    assert made.at(np.array([3.0, 3.0])) == pytest.approx([0, 0, 1], abs=1e-5)


def test_a_scale_never_turns_the_shape_round():
    made = template(Gaussian(0.04), MASS, FINE, named({"scale": 0.3, "resolution": 0.6}))
    found = made.at(np.array([[-20.0, -20.0], [0.0, -20.0], [-1.0, 0.0]]))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx([0, 1, moved(Gaussian(0.04), -0.3).sum()], abs=1e-3)


def test_normalisation_multiplies_all_shares():
    made = template(Gaussian(0.04), MASS, FINE, named({"scale": 0.01, "resolution": 0.0, "normalisation": 0.2}))
    assert made.nuisances == ("scale", "normalisation")
    for eta in (-2.0, 1.0, 3.0):
        assert made.at(np.array([0.0, eta])) == pytest.approx(made.shares * 1.2**eta, abs=1e-8)
    many = made.at(np.array([[0.0, 0.0], [0.0, 1.0]]))
    assert many.sum(axis=1) == pytest.approx([1.0, 1.2])


def test_negligible_bins_hold_nothing():
    made = template(Gaussian(0.02), 3000.0, np.arange(2000.0, 8001.0, 50.0), SIZES | named({"normalisation": 0.1}))
    first, last = made.signal.first, made.signal.last
    assert (made.shares[first:last] > NEGLIGIBLE * made.shares.max()).all()
    assert not made.shares[:first].any()
    assert not made.shares[last:].any()
    assert made.shares.sum() == pytest.approx(1)
    # They move with the shape, by 3 GeV in 100 at most.
    moved = made.at(np.array([3.0, 0.0, 0.0]))
    assert moved.sum() == pytest.approx(1)
    assert not moved[last + 2 :].any()
    assert not moved[:first].any()


def test_no_signal():
    none = Template.none(5)
    assert (none.signal.first, none.signal.last) == (0, 0)
    assert not none.at(np.zeros((3, 0))).any()
    outside = template(Gaussian(0.01), 6000.0, np.array([2000.0, 2500.0, 3000.0]), SIZES)
    assert (outside.signal.last, outside.shares.any()) == (0, False)


@pytest.fixture(scope="module")
def histogram():
    """A Gaussian of 3000 GeV as a histogram of bins of 5 GeV."""
    edges = np.arange(2000.0, 4001.0, 5.0)
    return Histogram(3000.0, Spectrum(edges, 1e5 * np.diff(Gaussian(0.04).cumulative(3000.0, edges / 3000))))


@pytest.mark.parametrize("mass", [3000.0, 3333.0, 5000.0])
def test_histogram_of_a_gaussian_is_the_gaussian_at_any_mass(histogram, mass):
    given, exact = (template(shape, mass, FINE, SIZES) for shape in (histogram, Gaussian(0.04)))
    assert given.shares == pytest.approx(exact.shares, abs=0.005 * exact.shares.max())
    matter = exact.shares > 0.02 * exact.shares.max()
    for eta in ([1.0, 0.0], [0.0, -1.0]):
        found, wanted = given.at(np.array(eta))[matter], exact.at(np.array(eta))[matter]
        assert found == pytest.approx(wanted, rel=0.02)
    assert histogram.peak(mass) == pytest.approx(1, abs=0.001)


def test_coarse_histogram_keeps_its_shares():
    # 10, 30 and 60 % of the signal between 0.8 M, 0.9 M, M and 1.1 M. The density at an edge is the harmonic mean of
    # those beside it (1.5 at 0.9 M, 4 at M), and half a bin of a cubic differs from half of it by (4 - 1.5) 0.1 / 8.
    coarse = Histogram(1000.0, Spectrum(np.array([800.0, 900.0, 1000.0, 1100.0]), np.array([1.0, 3.0, 6.0])))
    made = template(coarse, 2000.0, np.array([1600.0, 1800.0, 1900.0, 2000.0, 2200.0, 2400.0]))
    assert made.shares == pytest.approx([0.1, 0.15 - 0.03125, 0.15 + 0.03125, 0.6, 0])
    assert coarse.peak(2000.0) == pytest.approx(1.05)
