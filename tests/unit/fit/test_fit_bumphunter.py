"""The BumpHunter against pyBumpHunter, by hand, and its bookkeeping of bins and toys."""

import importlib.metadata

import numpy as np
import pytest
import uproot
from pyBumpHunter import BumpHunter1D
from scipy import stats

from resonaut.core.errors import ConfigError
from resonaut.fit import bumphunter
from resonaut.fit.bumphunter import in_bins, local_p, most_significant, search, windows
from resonaut.fit.family import Background
from resonaut.fit.resolution import Resolution
from resonaut.fit.spectrum import Spectrum

WIDTHS = (2, 6)


@pytest.fixture(scope="module")
def example():
    """Counts and reference (60,) of pyBumpHunter's example, whose results its authors checked against ATLAS's C++."""
    (file,) = (f for f in importlib.metadata.files("pyBumpHunter") if f.name == "data.root")
    with uproot.open(file.locate()) as trees:
        values = [trees[name][name].array(library="np") for name in ("data", "bkg")]
    return [np.histogram(v, bins=60, range=(0, 20))[0].astype(float) for v in values]


def by_pybumphunter(counts, reference):
    hunter = BumpHunter1D(width_min=WIDTHS[0], width_max=WIDTHS[1], nworker=1)
    hunter.bump_scan(counts, reference, is_hist=True, do_pseudo=False)
    return hunter


def test_pybumphunters_example(example):
    counts, reference = example
    bump = most_significant(counts[None], reference, WIDTHS)
    assert (bump.first[0], bump.width[0]) == (16, 4)
    assert f"{bump.p_local[0]:.7f}" == "0.0001734"
    assert len(windows(60, WIDTHS)[0]) == 285
    theirs = by_pybumphunter(counts, reference)
    assert bump.p_local[0] == pytest.approx(theirs.min_Pval_ar[0], rel=1e-12)
    assert local_p(counts[None], reference, WIDTHS)[0] == pytest.approx(np.concatenate(theirs.res_ar), rel=1e-12)


@pytest.mark.parametrize("events", [300, 1e4, 1e6])
def test_same_as_pybumphunter(events):
    rng = np.random.default_rng(int(events))
    reference = np.exp(-np.arange(45) / 5)
    reference *= events / reference.sum()
    counts = rng.poisson(reference, (10, 45)).astype(float)
    ours = most_significant(counts, reference, WIDTHS)
    for b, row in enumerate(counts):
        theirs = by_pybumphunter(row, reference)
        assert (ours.first[b], ours.width[b]) == (theirs.min_loc_ar[0], theirs.min_width_ar[0])
        # Their sums begin at the low end, and so lose digits where there is little.
        assert ours.p_local[b] == pytest.approx(theirs.min_Pval_ar[0], rel=1e-8)
        assert ours.statistic[b] == pytest.approx(theirs.t_ar[0], rel=1e-8)


def test_a_background_for_each_spectrum():
    rng = np.random.default_rng(1)
    backgrounds = rng.uniform(1, 50, (4, 12))
    counts = rng.poisson(backgrounds).astype(float)
    together = local_p(counts, backgrounds, (1, 3))
    for b in range(4):
        assert together[b] == pytest.approx(local_p(counts[b : b + 1], backgrounds[b], (1, 3))[0])


def test_one_window_is_a_counting_experiment():
    assert local_p(np.array([[3.0, 4.0]]), np.array([1.0, 2.5]), (2, 2))[0] == pytest.approx([stats.poisson.sf(6, 3.5)])


def test_no_excess():
    counts = np.array([[3.0, 0.0, 5.0]])
    bump = most_significant(counts, np.array([3.5, 1.0, 6.0]), (1, 2))
    assert (bump.p_local[0], bump.statistic[0]) == (1.0, 0.0)
    assert not np.signbit(bump.statistic[0])
    # Events where none are expected count as no excess, as with pyBumpHunter.
    assert local_p(counts, np.zeros(3), (1, 2)).min() == 1.0


def test_a_huge_excess_has_a_finite_statistic():
    bump = most_significant(np.array([[1e5, 1.0]]), np.ones(2), (1, 1))
    assert bump.first[0] == 0
    assert np.isfinite(bump.statistic[0])


def test_far_tail_is_not_lost_to_rounding():
    # 1e8 events in front: summed from there, 1e-9 expected events would have no digit left.
    p = local_p(np.array([[1e8, 0.0, 1.0]]), np.array([1e8, 1e-8, 1e-9]), (1, 1))
    assert p[0, 2] == pytest.approx(1e-9, rel=1e-6)


def test_windows():
    first, width = windows(4, (2, 3))
    assert first.tolist() == [0, 1, 2, 0, 1]
    assert width.tolist() == [2, 2, 2, 3, 3]
    assert windows(2, (1, 6))[1].max() == 2


@pytest.mark.parametrize(("n_bins", "widths"), [(3, (4, 6)), (5, (0, 2)), (5, (3, 2))])
def test_impossible_windows(n_bins, widths):
    with pytest.raises(ConfigError, match="window"):
        windows(n_bins, widths)


@pytest.fixture(scope="module")
def falling():
    """A function over 80 fine bins and 20,000 events that follow it but for one excess."""
    function = Background("dijet", np.linspace(2000.0, 6000.0, 81), 13000.0, 2)
    m = (function.edges[:-1] + function.edges[1:]) / 2
    counts = np.round(20000 * (1 - m / 13000) ** 8 * m**-5 / ((1 - m / 13000) ** 8 * m**-5).sum())
    counts[40:44] += 40.0  # 4000 to 4200 GeV
    return function, counts


def test_bins_are_merged_at_the_cuts(falling):
    function, counts = falling
    cuts = np.array([4, 20, 40, 44, 60, 76])
    result = search(function, counts, cuts, (1, 2), 0, np.random.default_rng(1))
    assert (result.low, result.high) == (4000.0, 4200.0)
    assert result.events == counts[40:44].sum()
    assert 0 < result.expected < result.events
    assert result.p_local == pytest.approx(stats.poisson.sf(result.events - 1, result.expected))


def test_cuts_may_end_at_the_last_edge(falling):
    function, counts = falling
    result = search(function, counts, np.array([0, 80]), (1, 1), 0, np.random.default_rng(1))
    assert (result.low, result.high, result.events) == (2000.0, 6000.0, counts.sum())


def test_without_toys_no_global_p_value(falling):
    result = search(*falling, np.arange(81), WIDTHS, 0, np.random.default_rng(1))
    assert (result.p_global, result.p_global_error, result.toys) == (None, None, 0)
    assert result.statistic == pytest.approx(-np.log(result.p_local))


def test_toys_in_batches(falling, monkeypatch):
    function, counts = falling
    counts = counts.copy()
    counts[40:44] -= 35
    cuts = np.arange(0, 81, 2)
    whole = search(function, counts, cuts, WIDTHS, 50, np.random.default_rng(3))
    monkeypatch.setattr(bumphunter, "BATCH", 20)
    assert search(function, counts, cuts, WIDTHS, 50, np.random.default_rng(3)) == whole
    assert 0 < whole.p_global < 1
    assert whole.p_global_error == pytest.approx((whole.p_global * (1 - whole.p_global) / 50) ** 0.5)


@pytest.mark.parametrize(("width", "bins"), [(10, (2, 6)), (13, (2, 6)), (25, (1, 3)), (70, (1, 1))])
def test_windows_in_bins_wider_than_the_resolution_have_fewer_of_them(width, bins):
    """Of 10 GeV; narrower bins were merged."""
    edges = np.arange(1000.0, 1281.0, width)
    spectrum = Spectrum(edges, np.ones(len(edges) - 1), Resolution(0.0085))
    assert in_bins(WIDTHS, spectrum, np.arange(len(edges))) == bins
