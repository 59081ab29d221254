from dataclasses import replace

import awkward as ak
import hist
import numpy as np
import pytest

from resonaut.calibrate.columns import column
from resonaut.core.errors import EmptySelectionError, InputFileError
from resonaut.core.events import Dataset
from resonaut.core.weights import Factor, Weights
from resonaut.select.results import Count
from resonaut.select.sculpting import Sculpted
from resonaut.select.settings import Sculpting, Settings, Spectrum, Window
from resonaut.select.tally import BackgroundTally, DataTally, SignalTally

BINS = Spectrum(low=3000, high=4000, width=100)
AXIS = hist.axis.Regular(10, 3000, 4000, name="m_jj")
NARROW = Window(signal_region=(3100, 3200), sidebands=((3000, 3100), (3500, 3600)))
ONES = np.ones(4)
SCORES = np.array([0.1, 0.5, 0.9, 0.99], np.float32)


@pytest.fixture
def signal(write_dataset, toys) -> Dataset:
    return Dataset.open(write_dataset("signal", "signal", [toys(4, 1, signal=True)], cross_section=2.0))


def batch(**columns) -> ak.Array:
    return ak.Array({"m_jj": np.array([3050, 3150, 3150, 3550], np.float32), "weight": np.full(4, 0.25)} | columns)


@pytest.fixture
def counting(settings) -> Settings:
    return replace(settings, spectrum=BINS, spectra_efficiencies=[1.0, 0.5, 0.1, 0.01])


def test_data_are_counted_by_region(counting):
    tally = DataTally(counting, NARROW, {"m_jj": AXIS})
    tally.add(batch(), SCORES, np.array([False, True, False, True]))
    result = tally.summary()
    assert result.counts.signal_region == Count(events=2, selected=1)
    assert result.counts.upper_sideband == Count(events=1, selected=1)
    histogram = result.spectrum
    assert histogram.values().tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0]


def test_spectra_are_stored_at_each_efficiency_whatever_the_working_point(counting):
    tally = DataTally(counting, NARROW, {"m_jj": AXIS})
    for _ in range(2):
        tally.add(batch(), SCORES, np.zeros(4, bool))
    spectra = {cut: h.values()[[0, 1, 5]].tolist() for cut, h in tally.summary().spectra.items()}
    # Scores of 1 - efficiency and above.
    assert spectra == {"1": [2, 4, 2], "0.5": [0, 4, 2], "0.1": [0, 2, 2], "0.01": [0, 0, 2]}


def test_the_sculpting_check_on_data_leaves_out_the_signal_region(settings):
    m_jj = np.repeat(np.array([3100, 3300, 3600, 3800], np.float32), 1000)
    narrow = replace(
        settings,
        sculpting=Sculpting(
            bins=[3000, 3250, 3500, 3750, 4000], random_cuts=100, min_p_value=0.001, max_spurious_excess=2.0
        ),
    )
    # The signal region, 3250-3750 GeV, has all of a signal; 100 events pass in every other bin.
    selected = np.tile(np.arange(1000) < 100, 4) | ((m_jj > 3250) & (m_jj < 3750))
    tally = DataTally(narrow, narrow.windows["w3500"], {"m_jj": AXIS})
    tally.add(ak.Array({"m_jj": m_jj}), np.zeros(4000, np.float32), selected)
    found = tally.outside.summary(narrow.sculpting, narrow.windows["w3500"], tally.expected())
    assert [b.range for b in found.bins] == [(3000, 3250), (3750, 4000)]
    assert (found.efficiency, found.chi2) == (pytest.approx(0.1), pytest.approx(0))
    # Nothing is known of the signal region itself.
    assert (found.verdict, found.spurious_excess, found.interpolation) == ("not excluded", None, None)
    assert tally.expected() == pytest.approx(200)
    assert found.sample == "data outside the signal region"


def test_the_efficiency_is_selected_over_generated(signal):
    tally = SignalTally(signal, AXIS, (), held_out=False)
    tally.add(batch(), SCORES, np.array([True, True, False, False]))
    result = tally.summary()
    assert result.acceptance == pytest.approx(0.5)
    assert result.efficiency == pytest.approx(0.25)
    assert result.efficiency_error == pytest.approx(np.sqrt(2 * 0.25**2 * 0.75) / 2)
    assert result.weights == {}
    assert result.spectrum.values().sum() == pytest.approx(0.5)


def test_the_acceptance_has_the_weights_that_change_how_many_events_there_are(signal):
    tally = SignalTally(signal, AXIS, (), held_out=False)
    tally.weights = Weights((), {Factor("pileup"): ("pileup",)})
    tally.add(batch(pileup=np.array([0.5, 0.5, 0.5, 0.5])), SCORES, np.array([True, True, True, True]))
    result = tally.summary()
    assert result.efficiency == pytest.approx(0.25)
    assert result.acceptance == pytest.approx(0.25)


@pytest.fixture
def lund(signal, write_friend):
    """The signal's friends of ``calibrate``, from the weights of the first jet; returns a batch with them, too."""

    def write(**first) -> ak.Array:
        columns = {column(name, "j1"): np.asarray(values, float) for name, values in first.items()}
        columns |= {column(name, "j2"): np.full(np.shape(values), 0.5) for name, values in first.items()}
        write_friend(
            signal.results / "skim" / "signal.json",
            "calibrate",
            lambda part: {name: values[: len(part)] for name, values in columns.items()},
            first,
        )
        return batch(**columns)

    return write


def test_lund_weights_move_events_across_the_cut_but_keep_their_number(signal, lund):
    # Of the jets' product, half of these weights, the total is twice that without weights.
    weights = lund(nominal=[8.0, 2.0, 2.0, 4.0], a_up=[4.0, 4, 4, 4], a_down=[6.0, 3, 3, 0], b_up=ONES, b_down=ONES)
    tally = SignalTally(signal, AXIS, ("calibrate",), held_out=False)
    assert tally.friends == ("calibrate",)
    tally.add(weights, SCORES, np.array([True, False, False, False]))
    tally.add(weights, SCORES, np.zeros(4, bool))
    tally.add(weights, SCORES, np.array([True, True, False, False]))
    result = tally.summary()
    # 9 of the 24 of three batches, whose cross section is 3 of 2 fb.
    assert result.acceptance == pytest.approx(1.5)
    assert result.efficiency == pytest.approx(1.5 * 9 / 24)
    assert result.weights["lund"].scale_factor == pytest.approx((9 / 24) / (3 / 12))
    # Each with its own total.
    a = ((6 / 24) / (9 / 24) - 1, (7.5 / 18) / (9 / 24) - 1)
    assert result.uncertainties["lund_a"] == pytest.approx(a)
    assert result.uncertainties["lund_b"] == pytest.approx(((3 / 12) / (9 / 24) - 1,) * 2)
    # The spectrum has the nominal weights, and the same cross section: 4 and 4 of 24 at 3050 GeV, 1 at 3150 GeV.
    assert result.spectrum.values()[:2] == pytest.approx([3 * 8 / 24, 3 * 1 / 24])
    squares = 2 * (0.25 * 4) ** 2 + (0.25 * 1) ** 2
    assert result.efficiency_error == pytest.approx(np.sqrt(squares * (1 - result.efficiency)) / 2 / 2)


def test_a_common_factor_on_the_lund_weights_changes_nothing(signal, lund):
    nominal, up = np.array([1.2, 1, 1, 0.8]), np.array([1.5, 0.9, 0.9, 0.7])
    toys = np.random.default_rng(1).uniform(0.5, 1.5, (4, 20))
    found = []
    for factor in (1.0, 2.0):
        weights = lund(nominal=factor * nominal, a_up=3 * factor * up, a_down=nominal, statistical=factor * toys)
        tally = SignalTally(signal, AXIS, ("calibrate",), held_out=False)
        tally.add(weights, SCORES, np.array([True, True, False, False]))
        found.append(tally.summary())
    plain, scaled = found
    for key in ("efficiency", "efficiency_error", "acceptance"):
        assert getattr(scaled, key) == pytest.approx(getattr(plain, key))
    assert scaled.weights["lund"].scale_factor == pytest.approx(plain.weights["lund"].scale_factor)
    for name in ("lund_a", "lund_statistical"):
        assert scaled.uncertainties[name] == pytest.approx(plain.uncertainties[name])
    spectra = [result.spectrum for result in found]
    assert spectra[1].values() == pytest.approx(spectra[0].values())
    assert spectra[1].variances() == pytest.approx(spectra[0].variances())


def test_toys_of_the_lund_weights_give_their_root_mean_square(signal, lund):
    # Shares of the selected event: 0.3, 0.2 and 0.25 instead of 0.25.
    first = np.array([1.2, 0.8, 1.0])
    weights = lund(nominal=2 * ONES, statistical=np.stack([first, *[(4 - first) / 3] * 3]))
    tally = SignalTally(signal, AXIS, ("calibrate",), held_out=False)
    tally.add(weights, SCORES, np.array([True, False, False, False]))
    rms = np.sqrt((0.2**2 + 0.2**2) / 3)
    assert tally.summary().uncertainties["lund_statistical"] == pytest.approx((rms, -rms))


def test_a_signal_of_which_nothing_is_selected_has_no_scale_factor(signal, lund):
    weights = lund(nominal=ONES, statistical=np.ones((4, 3)), a_up=ONES, a_down=ONES)
    tally = SignalTally(signal, AXIS, ("calibrate",), held_out=False)
    tally.add(weights, SCORES, np.zeros(4, bool))
    result = tally.summary()
    assert (result.efficiency, result.weights) == (0, {})


def test_lund_weights_and_events_that_trained_the_tagger(signal, lund):
    weights = lund(nominal=[100.0, 3.0, 1.0, 2.0])
    tally = SignalTally(signal, AXIS, ("calibrate",), held_out=True)
    assert tally.friends == ("calibrate", "tag")
    trained = ak.with_field(weights, np.array([True, False, False, False]), "tag_train")
    tally.add(trained, SCORES, np.array([True, True, False, False]))
    result = tally.summary()
    # Half of the weight of the events that did not train it.
    assert result.efficiency == pytest.approx(result.acceptance / 2)
    assert result.weights["lund"].scale_factor == pytest.approx((1 / 2) / (1 / 3))


def test_missing_lund_weights_are_named_with_the_remedy(signal):
    with pytest.raises(
        InputFileError, match=r"calibrate/signal/000\.parquet: no such file; run the stage that makes it"
    ):
        SignalTally(signal, AXIS, ("calibrate",), held_out=False)


def test_events_that_trained_the_tagger_are_left_out_and_made_up_for(signal):
    tally = SignalTally(signal, AXIS, (), held_out=True)
    assert tally.friends == ("tag",)
    tally.add(batch(tag_train=np.array([True, True, False, False])), SCORES, np.array([True, True, True, False]))
    assert tally.summary().efficiency == pytest.approx(0.25)
    assert tally.summary().acceptance == pytest.approx(0.5)


def test_a_signal_that_all_trained_the_tagger_stops(signal):
    tally = SignalTally(signal, AXIS, (), held_out=True)
    tally.add(batch(tag_train=np.ones(4, bool)), SCORES, np.ones(4, bool))
    with pytest.raises(EmptySelectionError, match="'signal': the tagger was trained on all"):
        tally.summary()


def test_a_signal_needs_a_cross_section(write_dataset, toys):
    dataset = Dataset.open(write_dataset("s", "signal", [toys(4, 1)], cross_section=None))
    with pytest.raises(InputFileError, match=r"set datasets\.s\.cross_section"):
        SignalTally(dataset, AXIS, (), held_out=False).summary()


WINDOW = Window(signal_region=(3250, 3750), sidebands=((3000, 3250), (3750, 4000)))


@pytest.fixture
def background(write_dataset, write_friend, toys) -> Dataset:
    """With friends ``reweight``, of which the tests take the columns from elsewhere."""
    manifest = write_dataset("qcd", "background", [toys(4, 1)])
    write_friend(manifest, "reweight", lambda batch: {"reweight": np.ones(len(batch))})
    return Dataset.open(manifest)


def test_a_flat_efficiency_passes_the_sculpting_check_and_a_slope_does_not(background):
    rng = np.random.default_rng(2)
    n = 40_000
    events = ak.Array(
        {"m_jj": rng.uniform(3000, 5000, n), "weight": np.full(n, 2.0), "reweight": rng.uniform(0.8, 1.2, n)}
    )
    results = []
    for slope in (0.0, 0.02):
        tally = BackgroundTally(background, "m_jj", ("reweight",), False, Sculpted("reweighted simulation"))
        probability = 0.02 + slope * (ak.to_numpy(events.m_jj) - 3500) / 1000
        tally.add(events, np.zeros(n, np.float32), rng.random(n) < probability)
        results.append(
            tally.simulated.summary(
                Sculpting(
                    bins=[3000, 3250, 3500, 3750, 4000, 5000],
                    random_cuts=500,
                    min_p_value=0.01,
                    max_spurious_excess=2.0,
                ),
                WINDOW,
                30,
            )
        )
    flat, sloped = results
    assert flat.sample == "reweighted simulation"
    assert flat.efficiency == pytest.approx(0.02, abs=0.003)
    assert flat.ndof == 4
    assert flat.p_value > 0.001 > 1e-6 > sloped.p_value
    assert (flat.verdict, sloped.verdict) == ("flat", "sculpted")
    assert [b.range for b in flat.bins] == [(3000, 3250), (3250, 3500), (3500, 3750), (3750, 4000), (4000, 5000)]


def test_background_counts_with_its_weights(background):
    events = batch(reweight=np.array([1.0, 2, 2, 4]), tag_train=np.array([False, False, True, False]))
    for reweighted, held_out, expected in (
        (False, False, [0.25, 0.25, 0.25, 0.25]),
        (True, False, [0.25, 0.5, 0.5, 1]),
        (True, True, [0.25, 0.5, 1]),
    ):
        columns = ["m_jj", "weight", *(["reweight"] if reweighted else []), *(["tag_train"] if held_out else [])]
        tally = BackgroundTally(background, "m_jj", ("reweight",) * reweighted, held_out, Sculpted("simulation"))
        assert tally.columns == tuple(columns)
        tally.add(events[columns], SCORES, np.ones(4, bool))
        assert np.concatenate(tally.simulated.weight).tolist() == expected


def test_a_selection_of_everything_does_not_sculpt(background):
    tally = BackgroundTally(background, "m_jj", (), False, Sculpted("simulation"))
    tally.add(batch(), SCORES, np.ones(4, bool))
    found = tally.simulated.summary(
        Sculpting(bins=[3000, 3500, 4000], random_cuts=10, min_p_value=0.5, max_spurious_excess=2.0), WINDOW, 30
    )
    assert (found.chi2, found.jsd, found.verdict) == (0, None, "flat")


def test_categories_hold_every_event_once(counting):
    tally = DataTally(replace(counting, categories=[0.5, 0.9]), NARROW, {"m_jj": AXIS})
    score = np.array([0.0, 0.49, 0.5, 0.89, 0.9, 1.0], np.float32)
    events = ak.Array({"m_jj": np.full(6, 3500.0, np.float32)})
    tally.add(events, score, score > 0.9)
    found = {c.score: c.spectrum.sum(flow=True) for c in tally.summary().categories}
    assert found == {(0, 0.5): 2, (0.5, 0.9): 2, (0.9, 1): 2}
