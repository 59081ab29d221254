"""Signal shapes: normalisation, recovery of a known shape, interpolation."""

import numpy as np
import pytest
from scipy.integrate import quad

from resonaut.fit.signal import CrystalBalls, Gaussian, crystal_ball, from_simulation
from resonaut.fit.spectrum import Spectrum

SHAPE = (0.98, np.log(0.035), 1.3, np.log(3.0), 1.8, np.log(5.0))


def simulated(mass, events, shape=SHAPE):
    """The expected histogram of ``events`` events; spread over 1000 to 8000 GeV in bins of 20 GeV."""
    edges = np.linspace(1000.0, 8000.0, 351)
    counts = events * np.diff(crystal_ball(edges / mass, *shape))
    return Spectrum(edges, counts), float(events)


def test_gaussian_shares():
    shares = Gaussian(0.03).template(3000.0, np.array([2910.0, 3090.0, 13000.0]))
    assert shares == pytest.approx([0.682689, 0.158655], abs=1e-5)


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
    signal = from_simulation({3500.0: simulated(3500.0, 20000)}, 0.03)
    assert isinstance(signal, CrystalBalls)
    fitted = signal.describe(3500.0)
    assert fitted["peak"] == pytest.approx(0.98, abs=0.001)
    assert fitted["log_width"] == pytest.approx(np.log(0.035), abs=0.03)
    edges = np.arange(2500.0, 7001.0, 100.0)
    truth = np.diff(crystal_ball(edges / 3500, *SHAPE))
    assert signal.template(3500.0, edges) == pytest.approx(truth, abs=0.005)


def test_shape_between_masses_lies_between():
    wide = (1.0, np.log(0.06), *SHAPE[2:])
    samples = {3000.0: simulated(3000.0, 20000), 4000.0: simulated(4000.0, 20000, wide)}
    signal = from_simulation(samples, 0.03)
    widths = [signal.describe(m)["log_width"] for m in (2000.0, 3000.0, 3500.0, 4000.0, 5000.0)]
    assert widths[0] == widths[1]
    assert widths[3] == widths[4]
    assert widths[2] == pytest.approx((widths[1] + widths[3]) / 2)
    assert signal.describe(3500.0)["peak"] == pytest.approx(0.99, abs=0.002)


def test_few_events_share_a_shape_and_hardly_any_give_a_gaussian():
    shared = from_simulation({3000.0: simulated(3000.0, 60), 4000.0: simulated(4000.0, 60)}, 0.03)
    assert shared.describe(3000.0)["source"] == "all simulated masses together"
    assert [shared.describe(m)["peak"] for m in (3000.0, 4000.0)] == pytest.approx([0.98, 0.98], abs=0.01)
    assert from_simulation({3000.0: simulated(3000.0, 5)}, 0.04) == Gaussian(0.04)


def test_a_sample_without_events_is_left_out():
    empty = (Spectrum(np.linspace(1000.0, 8000.0, 351), np.zeros(350)), 0.0)
    signal = from_simulation({3000.0: empty, 4000.0: simulated(4000.0, 500)}, 0.03)
    assert signal.describe(3000.0)["peak"] == pytest.approx(0.98, abs=0.01)
