from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from resonaut.select.sculpting import Sculpted, Trend, divergence, flatness, jensen_shannon
from resonaut.select.settings import Sculpting, Window

EDGES = np.array([3000.0, 3250, 3500, 3750, 4000, 4500])
WINDOW = Window(signal_region=(3250, 3750), sidebands=((3000, 3250), (3750, 4000)))
# Selected events in the data's signal region.
EXPECTED = 4.0
SETTINGS = Sculpting(bins=EDGES.tolist(), random_cuts=4000, min_p_value=0.001, max_spurious_excess=2.0)


def spectrum(n, seed):
    """Masses below, in and above the bins, weights, and a generator for the selection."""
    rng = np.random.default_rng(seed)
    return 2900 + rng.exponential(600, n), rng.uniform(0.5, 2, n), rng


def flat(place, weight, bins):
    """The same efficiency everywhere."""
    return Trend.of(place, weight, np.zeros(len(place)), bins, 0)


def summary(m_jj, weight, selected, settings=SETTINGS):
    sculpted = Sculpted("toy")
    sculpted.add(m_jj, weight, selected)
    return sculpted.summary(settings, WINDOW, EXPECTED)


def test_efficiencies_and_chi2_are_those_of_the_formula():
    m_jj, weight, rng = spectrum(5000, 1)
    selected = rng.random(5000) < 0.1 + 0.02 * (m_jj > 3500)
    found = summary(m_jj, weight, selected)
    used = (m_jj >= 3000) & (m_jj < 4500)
    pooled = weight[used & selected].sum() / weight[used].sum()
    chi2 = 0.0
    for one, low, high in zip(found.bins, EDGES[:-1], EDGES[1:], strict=True):
        w, s = (x[(m_jj >= low) & (m_jj < high)] for x in (weight, selected))
        efficiency = np.average(s, weights=w)
        error = np.sqrt(pooled * (1 - pooled) * np.sum(w**2)) / w.sum()
        assert one.range == (low, high)
        assert (one.efficiency, one.error) == (pytest.approx(efficiency), pytest.approx(error))
        chi2 += ((efficiency - pooled) / error) ** 2
    assert found.efficiency == pytest.approx(pooled)
    assert (found.chi2, found.ndof) == (pytest.approx(chi2), 4)
    assert found.p_value == pytest.approx(stats.chi2.sf(chi2, 4))


def test_batches_events_without_weight_and_masses_outside_the_bins_change_nothing():
    m_jj, weight, rng = spectrum(3000, 2)
    weight[::3] = 0
    selected = rng.random(3000) < 0.2
    whole = summary(m_jj, weight, selected)
    parts = Sculpted("toy")
    for rows in (slice(0, 1000), slice(1000, 1000), slice(1000, None)):
        parts.add(m_jj[rows], weight[rows], selected[rows])
    assert parts.summary(SETTINGS, WINDOW, EXPECTED) == whole
    inside = (weight > 0) & (m_jj >= 3000) & (m_jj < 4500)
    assert summary(m_jj[inside], weight[inside], selected[inside]) == whole


def test_p_values_of_random_cuts_are_uniform():
    found, divergences = [], []
    for seed in range(1000):
        m_jj, weight, rng = spectrum(1500, seed)
        inside = (m_jj >= 3000) & (m_jj < 4500)
        place = (np.digitize(m_jj, EDGES) - 1)[inside]
        arguments = place, weight[inside], rng.permutation(len(place)) < 200
        found.append(flatness(*arguments, EDGES, flat(place, weight[inside], 5)).p_value)
        if seed < 400:
            divergences.append(divergence(*arguments, flat(place, weight[inside], 5), 19).jsd_p_value)
    counts = np.histogram(found, 10, (0, 1))[0]
    # Beyond these, the p-values of 9 and 4 degrees of freedom are below 1e-4.
    assert np.sum((counts - 100) ** 2 / 100) < 33.7
    counts = np.histogram(divergences, np.linspace(0, 1, 6) + 1e-9)[0]
    assert np.sum((counts - 80) ** 2 / 80) < 23.5
    # Of 1/20, 2/20, ..., 1 as often.
    assert np.mean(divergences) == pytest.approx(0.525, abs=3.9 * np.sqrt(1 / 12 / 400))


def rising(m_jj, power=3):
    """Efficiencies that rise from 1 % with a power of the mass."""
    return 0.01 * (m_jj / 3000) ** power


def test_p_values_about_a_trend_are_uniform():
    found, divergences, edges = [], [], np.array([3000.0, 3150, 3300, 3500, 3750, 4000, 4500])
    for seed in range(1000):
        m_jj, weight, rng = spectrum(8000, seed)
        inside = (m_jj >= 3000) & (m_jj < 4500)
        m_jj, weight = m_jj[inside], weight[inside]
        place = np.digitize(m_jj, edges) - 1
        arguments = place, weight, rng.random(len(m_jj)) < 5 * rising(m_jj)
        smooth = Trend.of(place, weight, np.log(m_jj), 6, 2)
        found.append(flatness(*arguments, edges, smooth).p_value)
        if seed < 400:
            divergences.append(divergence(*arguments, smooth, 19).jsd_p_value)
    # Beyond these, the p-values of 9 and 4 degrees of freedom are below 1e-4.
    assert np.sum((np.histogram(found, 10, (0, 1))[0] - 100) ** 2 / 100) < 33.7
    counts = np.histogram(divergences, np.linspace(0, 1, 6) + 1e-9)[0]
    assert np.sum((counts - 80) ** 2 / 80) < 23.5


def test_a_rise_is_no_sculpting_where_a_trend_is_allowed_and_a_peak_upon_it_is():
    m_jj, weight, rng = spectrum(40_000, 3)
    smooth = rng.random(40_000) < rising(m_jj)
    peak = smooth | (rng.random(40_000) < 0.04 * np.exp(-(((m_jj - 3600) / 100) ** 2) / 2))
    verdicts = [
        [
            summary(m_jj, weight, one, replace(SETTINGS, trend=degree, random_cuts=200)).verdict == "sculpted"
            for one in (smooth, peak)
        ]
        for degree in (0, 1, 2)
    ]
    assert verdicts == [[True, True], [False, True], [False, True]]


def test_a_selection_that_carves_a_peak_is_called_sculpted_and_a_random_one_flat():
    m_jj, weight, rng = spectrum(20_000, 3)
    flat = summary(m_jj, weight, rng.random(20_000) < 0.02)
    peak = summary(m_jj, weight, rng.random(20_000) < 0.01 + 0.04 * np.exp(-(((m_jj - 3600) / 100) ** 2) / 2))
    assert (flat.verdict, peak.verdict) == ("flat", "sculpted")
    assert min(flat.p_value, flat.jsd_p_value) > 0.01
    assert peak.p_value < 1e-6
    assert peak.jsd_p_value == 1 / 4001
    assert peak.jsd > 3 * peak.jsd_random > 0
    assert flat.jsd < 3 * flat.jsd_random


def test_the_verdict_follows_the_smaller_p_value():
    m_jj, weight, rng = spectrum(4000, 4)
    # A little larger efficiency at the upper end, so that the p-value is neither 0 nor 1.
    selected = rng.random(4000) < np.where(m_jj > 4000, 0.15, 0.1)
    found = summary(m_jj, weight, selected)
    # Three tests fail together as often as one should.
    worst = 3 * min(found.p_value, found.jsd_p_value, found.interpolation.p_value)
    limits = {"flat": worst * 0.99, "sculpted": worst * 1.01}
    for verdict, limit in limits.items():
        assert (
            summary(
                m_jj,
                weight,
                selected,
                Sculpting(bins=EDGES.tolist(), random_cuts=4000, min_p_value=limit, max_spurious_excess=2.0),
            ).verdict
            == verdict
        )


def test_passing_and_failing_events_of_one_shape_have_no_divergence():
    place = np.repeat(np.arange(4), [400, 200, 100, 60])
    selected = np.arange(len(place)) % 20 == 0  # One in 20 of every bin.
    weight = np.full(len(place), 3.0)
    found = divergence(place, weight, selected, flat(place, weight, 4), 200)
    assert found.jsd == pytest.approx(0, abs=1e-12)
    assert found.jsd_p_value == 1


def test_passing_and_failing_events_in_other_bins_are_one_bit_apart():
    place = np.repeat([0, 1, 2], [50, 200, 300])
    weight = np.random.default_rng(1).uniform(0.5, 2, 550)
    found = divergence(place, weight, place == 1, flat(place, weight, 3), 500)
    assert found.jsd == pytest.approx(1)
    assert found.jsd_p_value == 1 / 501 < 0.002


def test_the_divergence_of_known_shapes():
    # M = (1/2, 1/4, 1/4): KL(P, M) = 1/2 log2(1) + 1/2 log2(2) = 1/2, and so is KL(Q, M).
    assert jensen_shannon(np.array([2.0, 2, 0]), np.array([30.0, 0, 30])) == pytest.approx(0.5)
    assert jensen_shannon(np.array([1.0, 2, 3]), np.array([10.0, 20, 30])) == pytest.approx(0)
    assert jensen_shannon(np.array([1.0, 0]), np.array([0, 5.0])) == pytest.approx(1)
    p, q = np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.3, 0.6])
    m = (p + q) / 2
    expected = (np.sum(p * np.log2(p / m)) + np.sum(q * np.log2(q / m))) / 2
    assert jensen_shannon(p, q) == jensen_shannon(q, p) == pytest.approx(expected)


@pytest.mark.parametrize("everything", [True, False])
def test_all_or_nothing_selected_does_not_sculpt(everything):
    m_jj, weight, _ = spectrum(500, 5)
    found = summary(m_jj, weight, np.full(500, everything))
    # Not more than everything can pass; of nothing, nothing is known.
    assert (found.verdict, found.spurious_excess) == (("flat", 0) if everything else ("not excluded", None))
    assert (found.chi2, found.p_value) == (0, 1)
    assert (found.jsd, found.jsd_random, found.jsd_p_value) == (None, None, 1)


def test_bins_without_events_do_not_count():
    place = np.repeat([0, 2], 100)
    edges = np.array([0.0, 1, 2, 3])
    found = flatness(place, np.ones(200), np.arange(200) % 10 == 0, edges, flat(place, np.ones(200), 3))
    assert [one.range for one in found.bins] == [(0, 1), (2, 3)]
    assert (found.ndof, found.chi2) == (1, pytest.approx(0))
    nothing = flatness(place[:0], np.ones(0), np.zeros(0, bool), edges, flat(place[:0], np.ones(0), 3))
    assert (nothing.bins, nothing.ndof, nothing.p_value) == ([], 0, 1)


def test_the_random_cuts_are_the_same_each_time():
    m_jj, weight, rng = spectrum(2000, 6)
    selected = rng.random(2000) < 0.1
    assert summary(m_jj, weight, selected) == summary(m_jj, weight, selected)
