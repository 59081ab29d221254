import dataclasses

import awkward as ak
import numpy as np
import pytest

from resonaut.calibrate.bins import LundBins
from resonaut.calibrate.counts import Counts
from resonaut.calibrate.lund import Planes
from resonaut.calibrate.measure import Samples, measure, ratio_of
from resonaut.calibrate.settings import Settings, Systematics, WeightPair
from resonaut.core import events
from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.events import Dataset
from resonaut.core.record import build
from resonaut.core.weights import Factor


def planes_from(*jets: list[tuple[float, list[tuple[float, float]]]]) -> Planes:
    """Jets given as (subjet p_T, [(delta, kt), …])."""
    subjets = [subjet for jet in jets for subjet in jet]
    found = [s for _, splittings in subjets for s in splittings]
    pt = np.array([pt for pt, _ in subjets], float)
    return Planes(
        np.array([len(jet) for jet in jets]),
        pt,
        0 * pt,
        0 * pt,
        np.array([len(splittings) for _, splittings in subjets], int),
        *np.array(found, float).reshape(-1, 2).T,
    )


def counts_of(bins: LundBins, planes: Planes, weight: float | list[float] = 1.0) -> Counts:
    weights = np.tile(np.reshape(weight, (-1, 1)), len(planes.subjets)).astype(float)
    counts = Counts(bins, len(weights))
    counts.fill(planes, weights)
    return counts


def test_bins_include_the_lower_edge_and_clamp(bins):
    # p_T 0-150-400, ln(0.8/Delta) 0-1-2-5, ln kt -4 - -1 - 0.5 - 4
    pt, x, y = [0.1, 149.9, 150, 1e9], [1.0, 4.9, 99, -3], [0.5, -99, 99, -1]
    jets = [[(p, [(0.8 * np.exp(-a), np.exp(b))])] for p, a, b in zip(pt, x, y, strict=True)]
    found = planes_from(*jets)
    assert bins.slices(found.pt).tolist() == [0, 0, 1, 1]
    assert bins.in_plane(found.delta, found.kt).tolist() == [3 * 1 + 2, 3 * 2 + 0, 3 * 2 + 2, 3 * 0 + 1]


@pytest.mark.parametrize("edges", [[1], [0, 0], [1, 0]])
def test_edges_must_rise(edges):
    with pytest.raises(ConfigError, match=r"bins\.ln_kt"):
        build({"bins": {"ln_kt": edges}}, Settings, "config: calibrate")


def test_density_per_subjet_of_the_slice(bins):
    jets = [(100.0, [(0.5, 1.0)]), (120.0, [])], [(300.0, [(0.5, 1.0), (0.5, 1.0)])], []
    counts = counts_of(bins, planes_from(*jets))
    assert (counts.jets, counts.uncalibrated) == (2, 1)
    assert counts.subjets.tolist() == [[2, 1]]
    # ln(0.8/0.5) = 0.47 and ln 1 = 0: first and second bin.
    assert counts.density()[0, :, 0, 1].tolist() == [0.5, 2]
    assert counts.density().sum() == 2.5
    assert counts.inverse_pt == pytest.approx([1 / 100 + 1 / 120, 1 / 300])


WITH, WITHOUT = [(100.0, [(0.5, 1.0)])], [(100.0, [])]


def test_ratio_and_error_by_hand(bins, settings):
    data = counts_of(bins, planes_from(*[WITH] * 8, *[WITHOUT] * 2))
    simulation = counts_of(bins, planes_from(*[WITH] * 16, *[WITHOUT] * 16), 3.0)
    ratio = ratio_of(data, simulation, Counts(bins), dataclasses.replace(settings, minimum_entries=8))
    assert ratio.values[0, 0, 0, 1] == pytest.approx(0.8 / 0.5)
    # The weight of 3 changes neither the density nor the effective number of entries.
    assert ratio.error[0, 0, 1] == pytest.approx(1.6 * np.sqrt(1 / 8 + 1 / 16))
    empty = np.ones(bins.shape, bool)
    empty[0, 0, 1] = False
    assert np.array_equal(ratio.known, ~empty)
    assert np.all(ratio.values[:, empty] == 1)
    assert np.all(ratio.error[empty] == 1)
    nine = ratio_of(data, simulation, Counts(bins), dataclasses.replace(settings, minimum_entries=9))
    assert nine.values[0, 0, 0, 1] == 1


def test_background_is_subtracted_from_splittings_and_subjets_and_varied(bins, settings):
    """Ten W jets with splittings in half of them, and ten background jets that all split."""
    data = counts_of(bins, planes_from(*[WITH] * 15, *[WITHOUT] * 5))
    background = counts_of(bins, planes_from(*[WITH] * 40), 0.25)
    simulation = counts_of(bins, planes_from(*[WITH] * 30, *[WITHOUT] * 20))
    ratio = ratio_of(data, simulation, background, settings)
    found = ratio.values[:, 0, 0, 1]
    assert found[0] == pytest.approx(0.5 / 0.6)
    # 30 % more background leaves 2 of 7 jets, 30 % less 8 of 13.
    assert found[1:3] == pytest.approx([2 / 7 / 0.6, 8 / 13 / 0.6])
    error2 = (15 + 40 * 0.25**2) / 5**2 + 1 / 30
    assert ratio.error[0, 0, 1] == pytest.approx(found[0] * np.sqrt(error2))


def test_a_bin_that_the_background_fills_alone_says_nothing(bins, settings):
    data = counts_of(bins, planes_from(*[WITH] * 9, *[WITHOUT] * 5))
    background = counts_of(bins, planes_from(*[WITH] * 10))
    ratio = ratio_of(data, counts_of(bins, planes_from(*[WITH] * 9)), background, settings)
    assert np.all(ratio.values[0] == 1)
    assert not ratio.known.any()


def test_weights_of_simulation_give_a_variation_each(bins, settings):
    """Jets that split have weights 1.5 up and 0.5 down; those that do not have 1."""
    planes = planes_from(*[WITH] * 20, *[WITHOUT] * 20)
    weights = np.ones((3, 40))
    weights[1, :20], weights[2, :20] = 1.5, 0.5
    simulation = Counts(bins, 3)
    simulation.fill(planes, weights)
    systematics = Systematics(background=0.3, weights={"shower": WeightPair(column="shower_weight", up=0, down=1)})
    ratio = ratio_of(
        counts_of(bins, planes), simulation, Counts(bins, 3), dataclasses.replace(settings, systematics=systematics)
    )
    assert ratio.values[:, 0, 0, 1] == pytest.approx([1, 1, 1, 0.5 / 0.6, 0.5 / (1 / 3)])


def test_minimum_of_zero_still_spares_empty_bins(bins, settings):
    ratio = ratio_of(Counts(bins), Counts(bins), Counts(bins), dataclasses.replace(settings, minimum_entries=0))
    assert np.all(ratio.values == 1)
    assert np.all(ratio.error == 1)


def test_measure_reads_every_dataset_and_reports_planes(make_dataset, settings):
    data = make_dataset("w_data", "w_data", [[60]])
    parts = [make_dataset(f"w_sim_{i}", "w_sim", [[30, 10], [20]]) for i in range(2)]
    background = make_dataset("w_qcd", "w_background", [[10]], gen_weight=0.1)
    correction, source, planes = measure(Samples.open([data], parts, [background], []), settings)
    assert (source["data_jets"], source["simulation_jets"], source["background_jets"]) == (60, 120, 10)
    # Scaled to the data's luminosity of 2/fb.
    assert sum(planes.background.subjets) == pytest.approx(10 * 2 * 0.1 * 2)
    assert sum(planes.simulation.subjets) == 240
    assert list(correction.systematics) == ["background"]
    histogram = planes.data.splittings
    assert histogram.axes.name == ("subjet_pt", "ln_radius_over_delta", "ln_kt")
    assert histogram.values().shape == correction.error.shape
    assert histogram.values().sum() > 60


def test_a_background_of_one_era_counts_with_its_luminosity(make_dataset, settings):
    data = [make_dataset(f"w_{era}", "w_data", [[30]], era=era) for era in ("2017", "2018")]
    simulation = [make_dataset("w_sim", "w_sim", [[60]])]
    found = {}
    for era in ("2018", None):
        background = make_dataset("w_qcd", "w_background", [[10]], gen_weight=0.1, era=era)
        _, _, planes = measure(Samples.open(data, simulation, [background], []), settings)
        found[era] = sum(planes.background.subjets)
    # Two subjets of ten jets, 0.1 fb each, in 2/fb of the era or 4/fb of both.
    assert found == {"2018": pytest.approx(10 * 2 * 0.1 * 2), None: pytest.approx(10 * 2 * 0.1 * 4)}


def test_the_same_sample_on_both_sides_gives_one(make_dataset, settings):
    # Names of one length have the same jets.
    data, simulation = make_dataset("w", "w_data", [[100]]), make_dataset("s", "w_sim", [[100]])
    correction, _, _ = measure(Samples.open([data], [simulation], [], []), settings)
    assert correction.nominal.table == pytest.approx(1)
    assert correction.nominal.polynomial[0] == pytest.approx(1)
    assert correction.error.min() < 0.3


def test_b_quarks_are_compared_with_light_ones(make_dataset, settings):
    """All toy quarks are b quarks: nothing to compare with, so a ratio of 1; the number tells."""
    data, simulation = make_dataset("w", "w_data", [[50]]), make_dataset("s", "w_sim", [[50]])
    signal = make_dataset("signal", "signal", [[50]])
    correction, source, _ = measure(Samples.open([data], [simulation], [], [signal]), settings)
    assert source["b_quark_jets"] > 20
    assert np.all(correction.b_light == 1)


def test_no_jets_is_one_sentence(make_dataset, settings):
    data, empty = make_dataset("w_data", "w_data", [[10]]), make_dataset("w_sim", "w_sim", [[0]])
    with pytest.raises(EmptySelectionError, match=r"datasets w_sim: no jet with 2 .* `skim.regions`"):
        measure(Samples.open([data], [empty], [], []), settings)


def test_background_needs_the_luminosity_of_data(make_dataset, settings):
    data, w = make_dataset("w", "w_data", [[10]], luminosity=None), make_dataset("s", "w_sim", [[10]])
    with pytest.raises(ConfigError, match=r"dataset 'w' has no luminosity; set datasets\.w\.luminosity"):
        measure(Samples.open([data], [w], [w], []), settings)


def test_missing_weights_are_one_sentence(make_dataset, settings):
    data, w = make_dataset("w_data", "w_data", [[10]]), make_dataset("w_sim", "w_sim", [[10]])
    systematics = Systematics(background=0.3, weights={"scales": WeightPair(column="shower_weight", up=0, down=2)})
    with pytest.raises(ConfigError, match=r"'w_sim' has no 3 weights 'shower_weight' .*systematics\.weights\.scales"):
        measure(Samples.open([data], [w], [], []), dataclasses.replace(settings, systematics=systematics))


def test_events_that_pass_only_in_a_variation_are_not_measured(make_dataset, settings, add_failing):
    data = make_dataset("data", "w_data", [[300]])
    simulation = [make_dataset(name, kind, [[200]]) for name, kind in (("w", "w_sim"), ("qcd", "w_background"))]
    signal = make_dataset("signal", "signal", [[200]], prongs=(2, 2))
    before = measure(Samples.open([data], simulation[:1], simulation[1:], [signal]), settings)
    assert all(add_failing(path) for path in (*simulation, signal))
    after = measure(Samples.open([data], simulation[:1], simulation[1:], [signal]), settings)
    assert after[1] == before[1]
    assert after[2] == before[2]


def test_weights_of_the_simulation_s_own_files_count(make_dataset, settings):
    data, simulation = make_dataset("data", "w_data", [[200]]), make_dataset("w", "w_sim", [[200]])
    before = measure(Samples.open([data], [simulation], [], []), settings)[2]
    path = Dataset.open(simulation).path("skim", "000")
    names = [name for name in events.columns(path) if name not in events.KEY]
    batches = [ak.with_field(one, np.full(len(one), 3.0), "pileup") for one in events.iterate([path], names)]
    events.write(path, batches, {}, {"pileup": Factor("pileup").metadata()})
    after = measure(Samples.open([data], [simulation], [], []), settings)[2]
    np.testing.assert_allclose(after.simulation.subjets, 3 * np.array(before.simulation.subjets))
    np.testing.assert_allclose(after.ratio, before.ratio)
