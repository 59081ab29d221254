"""Bins of the mass resolution: where they are cut, merged and ended."""

import numpy as np
import pytest
from scipy import stats

from resonaut.fit.binning import merge, quality, resolution_cuts
from resonaut.fit.resolution import DIJET_EDGES, Resolution
from resonaut.fit.spectrum import Spectrum

FINE = np.arange(1000.0, 3001.0, 20.0)


def test_cuts_are_the_nearest_fine_edges():
    cuts = resolution_cuts(Spectrum(FINE, np.ones(len(FINE) - 1)))
    inside = DIJET_EDGES[(DIJET_EDGES > 1000) & (DIJET_EDGES < 3000)]
    assert FINE[cuts[0]] == 1000
    assert FINE[cuts[-1]] == 3000
    assert np.abs(FINE[cuts[1:-1]] - inside).max() <= 10
    # Of 1058 and 1118, with edges at 1040, 1060, 1100, 1120.
    assert FINE[cuts[1:3]].tolist() == [1060, 1120]


def test_dijet_bins_stay_themselves():
    edges = DIJET_EDGES[(DIJET_EDGES >= 1530) & (DIJET_EDGES <= 5000)]
    assert resolution_cuts(Spectrum(edges, np.ones(len(edges) - 1))).tolist() == list(range(len(edges)))


def test_bins_wider_than_the_resolution_stay_themselves():
    edges = np.arange(1000.0, 5001.0, 400.0)
    assert resolution_cuts(Spectrum(edges, np.ones(10))).tolist() == list(range(11))


def test_cuts_end_one_bin_after_the_last_populated_one():
    # Dijet bins 1000-1058-1118-1181-1246 are 1000-1060-1120-1180-1240 here; the last event is at 1110.
    counts = np.zeros(len(FINE) - 1)
    counts[:6] = 1.0
    assert FINE[resolution_cuts(Spectrum(FINE, counts))].tolist() == [1000, 1060, 1120, 1180]
    assert FINE[resolution_cuts(Spectrum(FINE, np.zeros(len(FINE) - 1)))].tolist() == [1000, 1060, 1120]
    counts[-1] = 1
    assert FINE[resolution_cuts(Spectrum(FINE, counts))[-1]] == 3000


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_bins_about_as_wide_as_a_given_resolution_stay_themselves(unit):
    """In any unit: 20 bins of 10.8 GeV for a resolution of 2 %, 8 to 12 GeV, and bins of 4 % for one of 3 %."""
    for edges in (np.linspace(392.0, 608.0, 21), 1760 * 1.04 ** np.arange(46)):
        assert Resolution(0.02).cuts(unit * edges).tolist() == list(range(len(edges)))


def test_fine_bins_are_merged_to_a_given_resolution():
    cuts = Resolution(0.05).cuts(FINE)
    widths = np.diff(FINE[cuts])
    assert (cuts[0], cuts[-1]) == (0, len(FINE) - 1)
    assert np.abs(widths[:-1] - 0.05 * FINE[cuts[:-2]]).max() <= 10
    # No sliver at the end, and no bin that is not there.
    assert 0.5 < widths[-1] / (0.05 * FINE[-1]) < 1.5
    assert np.array_equal(Resolution(0.9).cuts(np.array([1.0, 2.0])), [0, 1])


def test_merge():
    values = np.arange(20.0).reshape(2, 10)
    assert merge(values, np.array([0, 3, 4, 8])).tolist() == [[3, 3, 22], [33, 13, 62]]
    assert merge(np.arange(4.0), np.array([1, 4])).tolist() == [6]


def test_quality_merges_to_five_events():
    # Each bin is wider than the resolution.
    edges = np.array([1000.0, 1200.0, 1400.0, 1600.0, 1800.0, 2000.0, 2200.0, 2500.0])
    counts = np.array([9.0, 4.0, 3.0, 6.0, 2.0, 1.0, 0.0])
    background = np.array([9.0, 4.0, 5.0, 6.0, 1.0, 1.0, 1.0])
    found = quality(Spectrum(edges, counts), background, 2)
    assert found.edges.tolist() == [1000, 1200, 1600, 2500]
    assert found.counts.tolist() == [9, 7, 9]
    assert found.expected.tolist() == [9, 9, 9]
    assert found.pulls == pytest.approx([0, -2 / 3, 0])
    assert found.chi2 == pytest.approx(4 / 9)
    assert found.ndf == 1
    assert found.p_value == pytest.approx(stats.chi2.sf(4 / 9, 1))


def test_quality_without_degrees_of_freedom_or_events():
    edges = np.arange(1000.0, 2001.0, 200.0)
    found = quality(Spectrum(edges, np.array([3.0, 2.0, 1.0, 0.0, 0.0])), np.ones(5), 2)
    assert (found.ndf, found.p_value) == (-1, None)
    # The last bin stands for what comes after the last event.
    assert found.edges.tolist() == [1000, 1800]
    empty = quality(Spectrum(edges, np.zeros(5)), np.full(5, 0.1), 2)
    assert (empty.counts.tolist(), empty.p_value) == ([0], None)


def test_p_values_of_poisson_counts_are_uniform():
    edges = DIJET_EDGES[(DIJET_EDGES >= 1530) & (DIJET_EDGES <= 5000)]
    expected = 5000 * np.exp(-(edges[:-1] - 1530) / 300)
    rng = np.random.default_rng(1)
    p = [quality(Spectrum(edges, rng.poisson(expected).astype(float)), expected, 0).p_value for _ in range(300)]
    assert stats.kstest(p, "uniform").pvalue > 0.01
