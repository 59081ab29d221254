import numpy as np
import pytest
from scipy import special, stats

from resonaut.select.results import Spurious
from resonaut.select.settings import Window
from resonaut.select.spurious import NODES, Inside, spurious

WINDOW = Window(signal_region=(3250, 3750), sidebands=((3000, 3250), (3750, 4000)))
BINS = np.array([3000.0, 3250, 3500, 3750, 4000, 4500, 5000])


def sample(n, efficiency, seed=1):
    """Masses, weights, and a selection with an efficiency that is a function of the mass."""
    rng = np.random.default_rng(seed)
    m_jj = 2900 + rng.exponential(600, n)
    return m_jj, np.ones(n), rng.random(n) < efficiency(m_jj)


def flat(m_jj):
    return np.full(len(m_jj), 0.02)


def test_a_smooth_efficiency_is_interpolated_into_the_signal_region():
    def smooth(m_jj):
        x = np.log(m_jj / 3500)
        return special.expit(-3.5 + 1.5 * x - 4 * x**2)

    m_jj, weight, selected = sample(400_000, smooth)
    found = spurious(m_jj, weight, selected, BINS, WINDOW, 50).interpolation
    inside = (m_jj >= 3250) & (m_jj < 3750)
    assert found.efficiency == pytest.approx(selected[inside].mean())
    truth = smooth(m_jj[inside]).mean()
    assert found.error < 0.05 * truth
    assert abs(found.interpolated - truth) < 3 * found.error
    assert found.p_value > 0.01


def test_without_an_error_of_the_interpolation_limits_are_those_of_the_binomial_distribution():
    exact = Inside(trials=1000, passed=12, log_odds=float(special.logit(0.01)), error=0)
    assert exact.below(1.5) == pytest.approx(stats.binom.cdf(12, 1000, 0.015))
    assert exact.p_value() == pytest.approx(2 * stats.binom.sf(11, 1000, 0.01))
    ratio = exact.largest_ratio()
    assert stats.binom.cdf(12, 1000, 0.01 * ratio) == pytest.approx(0.05 * stats.binom.cdf(12, 1000, 0.01))
    # An uncertain interpolation leaves more possible.
    assert Inside(1000, 12, exact.log_odds, 0.3).largest_ratio() > ratio
    assert len(NODES) == 40


@pytest.mark.parametrize("passed", [0, 1])
def test_few_events_inside_do_not_exclude_a_fake_excess(passed):
    # Five events expected, hardly one seen: a downward fluctuation is no power.
    few = Inside(trials=500, passed=passed, log_odds=float(special.logit(0.01)), error=0.1)
    assert few.largest_ratio() > 1.5


def test_twice_the_weight_is_no_more_simulation():
    m_jj, weight, selected = sample(20_000, flat)
    once, twice = (spurious(m_jj, w, selected, BINS, WINDOW, 50) for w in (weight, 2 * weight))
    assert twice.spurious_excess == pytest.approx(once.spurious_excess)
    # Weights that spread carry less information.
    spread = np.random.default_rng(2).exponential(size=len(m_jj))
    assert spurious(m_jj, spread, selected, BINS, WINDOW, 50).spurious_excess > once.spurious_excess


def test_the_excess_counts_in_standard_deviations_of_the_data():
    m_jj, weight, selected = sample(20_000, flat)
    one, four = (spurious(m_jj, weight, selected, BINS, WINDOW, n).spurious_excess for n in (25, 100))
    assert four == pytest.approx(2 * one)


def test_windows_far_from_the_bins_are_tested_in_their_own_sidebands():
    m_jj, weight, selected = sample(50_000, flat)
    low = Window(signal_region=(m_jj.min() + 20, 3000), sidebands=((m_jj.min(), m_jj.min() + 20), (3000, 3100)))
    assert spurious(m_jj, weight, selected, np.array([4000.0, 4500, 5000]), low, 50).spurious_excess > 0


def test_where_nothing_can_be_known_there_is_no_number():
    m_jj, weight, selected = sample(5000, flat)
    nothing = Spurious(interpolation=None, spurious_excess=None)
    outside = (m_jj < 3250) | (m_jj >= 3750)
    assert spurious(m_jj[outside], weight[outside], selected[outside], BINS, WINDOW, 50) == nothing
    assert spurious(m_jj[~outside], weight[~outside], selected[~outside], BINS, WINDOW, 50) == nothing
    assert spurious(m_jj, weight, np.zeros(5000, bool), BINS, WINDOW, 50) == nothing
    assert spurious(m_jj, weight, selected, BINS, WINDOW, 0) == nothing
    assert spurious(m_jj[:0], weight[:0], selected[:0], BINS, WINDOW, 50) == nothing
    # Nothing beside the signal region passes: the interpolation is uncertain, and so is what follows.
    inside = spurious(m_jj, weight, selected & ~outside, BINS, WINDOW, 50)
    assert inside.interpolation.interpolated < 1e-3 < inside.interpolation.efficiency
    assert inside.spurious_excess > 50
    assert spurious(m_jj, weight, np.ones(5000, bool), BINS, WINDOW, 50).spurious_excess == 0
