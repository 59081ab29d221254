import json

import awkward as ak
import hist
import numpy as np
import pytest
import uhi.io.json

from resonaut.calibrate.bins import LundBins, Splittings, splittings_of
from resonaut.calibrate.measure import Planes, measure, ratio_of
from resonaut.errors import ConfigError, EmptySelectionError


def subjets(*jets: list[tuple[float, list[tuple[float, float]]]]) -> ak.Array:
    """Jets given as (subjet p_T, [(delta, kt), …])."""
    template = {"pt": 1.0, "eta": 0.0, "phi": 0.0, "splittings": [{"delta": 0.1, "kt": 1.0}]}
    records = [
        [template | {"pt": pt, "splittings": [{"delta": d, "kt": k} for d, k in found]} for pt, found in jet]
        for jet in jets
    ]
    return ak.Array([[template], *records])[1:]


def test_splittings_are_flat_and_know_their_jet():
    found = splittings_of(subjets([(100.0, [(0.8, 1.0)])], [], [(50.0, []), (60.0, [(0.4, 2.0), (0.2, np.e)])]))
    assert found.jet.tolist() == [0, 2, 2]
    assert found.subjet_pt.tolist() == [100, 60, 60]
    assert found.ln_radius_over_delta == pytest.approx([0, np.log(2), np.log(4)])
    assert found.ln_kt == pytest.approx([0, np.log(2), 1])


def test_bins_include_the_lower_edge_and_clamp(bins):
    # p_T 0-150-400, ln(0.8/Delta) 0-1-2-5, ln kt -4 - -1 - 0.5 - 4
    pt, x, y = [-5, 149.9, 150, 1e9], [1.0, 4.9, 99, -3], [0.5, -99, 99, -1]
    flat = bins.flat(Splittings(np.arange(4), *(np.array(v, float) for v in (pt, x, y))))
    assert [list(np.unravel_index(i, bins.shape)) for i in flat] == [[0, 1, 2], [0, 2, 0], [1, 2, 2], [1, 0, 1]]


@pytest.mark.parametrize("edges", [(1.0,), (0.0, 0.0), (1.0, 0.0)])
def test_edges_must_rise(edges):
    with pytest.raises(ConfigError, match=r"calibrate\.bins\.ln_kt"):
        LundBins((0.0, 1.0), (0.0, 1.0), edges)


def test_density_per_subjet_of_the_slice(bins):
    planes = Planes(bins)
    planes.fill(subjets([(100.0, [(0.5, 1.0)]), (120.0, [])], [(300.0, [(0.5, 1.0), (0.5, 1.0)])], []), np.ones(3))
    assert (planes.jets, planes.uncalibrated) == (2, 1)
    assert planes.subjets.tolist() == [2, 1]
    # ln(0.8/0.5) = 0.47 and ln 1 = 0: first and second bin.
    assert planes.density()[:, 0, 1].tolist() == [0.5, 2]
    assert planes.density().sum() == 2.5


def test_ratio_and_error_by_hand(bins):
    data, simulation = Planes(bins), Planes(bins)
    data.fill(subjets(*[[(100.0, [(0.5, 1.0)])]] * 8, *[[(100.0, [])]] * 2), np.ones(10))
    simulation.fill(subjets(*[[(100.0, [(0.5, 1.0)])]] * 16, *[[(100.0, [])]] * 16), np.full(32, 3.0))
    ratio = ratio_of(data, simulation, minimum_entries=8)
    assert ratio.ratio[0, 0, 1] == pytest.approx(0.8 / 0.5)
    # The weight of 3 changes neither the density nor the effective number of entries.
    assert ratio.error[0, 0, 1] == pytest.approx(1.6 * np.sqrt(1 / 8 + 1 / 16))
    empty = np.ones(bins.shape, bool)
    empty[0, 0, 1] = False
    assert np.all(ratio.ratio[empty] == 1)
    assert np.all(ratio.error[empty] == 1)
    assert ratio_of(data, simulation, minimum_entries=9).ratio[0, 0, 1] == 1


def test_minimum_of_zero_still_spares_empty_bins(bins):
    ratio = ratio_of(Planes(bins), Planes(bins), minimum_entries=0)
    assert np.all(ratio.ratio == 1)
    assert np.all(ratio.error == 1)


def test_measure_reads_every_dataset_and_reports_planes(make_dataset, settings):
    data = make_dataset("w_data", "w_data", [[60]])
    parts = [make_dataset(f"w_sim_{i}", "w_sim", [[30, 10], [20]]) for i in range(2)]
    ratio, planes = measure([data], parts, settings)
    assert planes["data"]["jets"] == 60
    assert planes["simulation"]["jets"] == 120
    assert sum(planes["simulation"]["subjets"]) == 240
    assert np.array(planes["ratio"]) == pytest.approx(ratio.ratio)
    histogram = hist.Hist(json.loads(json.dumps(planes["data"]["splittings"]), object_hook=uhi.io.json.object_hook))
    assert histogram.axes.name == ("subjet_pt", "ln_radius_over_delta", "ln_kt")
    assert histogram.values().shape == ratio.ratio.shape
    assert histogram.values().sum() > 60


def test_the_same_sample_on_both_sides_gives_one(make_dataset, settings):
    w = make_dataset("w", "w_sim", [[100]])
    ratio, _ = measure([w], [w], settings)
    assert np.all(ratio.ratio == 1)
    assert ratio.error.min() < 0.3


def test_no_jets_is_one_sentence(make_dataset, settings):
    data, empty = make_dataset("w_data", "w_data", [[10]]), make_dataset("w_sim", "w_sim", [[0]])
    with pytest.raises(EmptySelectionError, match=r"datasets w_sim: no jet with 2 .* `skim.regions`"):
        measure([data], [empty], settings)
