import awkward as ak
import numpy as np
import pytest

from resonaut import spectrum
from resonaut.errors import EmptySelectionError, InputFileError
from resonaut.events import Dataset
from resonaut.select.settings import Spectrum, Window
from resonaut.select.tally import BackgroundTally, DataTally, SignalTally

BINS = Spectrum(3000, 4000, 100)
NONE_TRAINED = np.zeros(4, bool)


@pytest.fixture
def signal(write_dataset, toys) -> Dataset:
    return Dataset.open(write_dataset("signal", "signal", [toys(4, 1, signal=True)], cross_section=2.0))


def batch(**columns) -> ak.Array:
    return ak.Array({"m_jj": np.array([3050, 3150, 3150, 3550], np.float32), "weight": np.full(4, 0.25)} | columns)


def test_data_are_counted_by_region():
    tally = DataTally(BINS, Window((3100, 3200), ((3000, 3100), (3500, 3600))))
    tally.add(batch(), np.array([False, True, False, True]))
    result = tally.summary()
    assert result["counts"]["signal_region"] == {"events": 2, "selected": 1}
    assert result["counts"]["upper_sideband"] == {"events": 1, "selected": 1}
    histogram = spectrum.from_json(result["spectrum"])
    assert histogram.values().tolist() == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0]


def test_the_efficiency_is_selected_over_generated(signal):
    tally = SignalTally(signal, BINS, lund=False, held_out=False)
    tally.add(batch(), np.array([True, True, False, False]))
    result = tally.summary()
    assert result["acceptance"] == pytest.approx(0.5)
    assert result["efficiency"] == pytest.approx(0.25)
    assert result["efficiency_error"] == pytest.approx(np.sqrt(2 * 0.25**2 * 0.75) / 2)
    assert result["lund_error"] is None
    assert spectrum.from_json(result["spectrum"]).values().sum() == pytest.approx(0.5)


def test_lund_weights_shift_the_efficiency_and_their_toys_give_its_error(signal):
    tally = SignalTally(signal, BINS, lund=True, held_out=False)
    assert tally.friends == ("calibrate",)
    weights = batch(
        lund_weight_j1=np.full(4, 2.0),
        lund_weight_j2=np.full(4, 0.6),
        lund_weight_toys=np.tile([1.08, 1.32, 1.2], (4, 1)),
    )
    tally.add(weights, np.array([True, False, False, False]))
    tally.add(weights, np.zeros(4, bool))
    tally.add(weights, np.array([False, True, False, False]))
    result = tally.summary()
    assert result["efficiency"] == pytest.approx(0.25 * 1.2)
    assert result["lund_nominal_shift"] == pytest.approx(0.2)
    assert result["lund_error"] == pytest.approx(0.1 * np.sqrt(2 / 3))


def test_a_signal_of_which_nothing_is_selected_has_no_relative_error(signal):
    tally = SignalTally(signal, BINS, lund=True, held_out=False)
    weights = {f"lund_weight_{name}": np.ones(4) for name in ("j1", "j2")}
    tally.add(batch(**weights, lund_weight_toys=np.ones((4, 3))), np.zeros(4, bool))
    result = tally.summary()
    assert (result["efficiency"], result["lund_error"], result["lund_nominal_shift"]) == (0, None, None)


def test_events_that_trained_the_tagger_are_left_out_and_made_up_for(signal):
    tally = SignalTally(signal, BINS, lund=False, held_out=True)
    assert tally.friends == ("tag",)
    tally.add(batch(tag_train=np.array([True, True, False, False])), np.array([True, True, True, False]))
    assert tally.summary()["efficiency"] == pytest.approx(0.25)
    assert tally.summary()["acceptance"] == pytest.approx(0.5)


def test_a_signal_that_all_trained_the_tagger_stops(signal):
    tally = SignalTally(signal, BINS, lund=False, held_out=True)
    tally.add(batch(tag_train=np.ones(4, bool)), np.ones(4, bool))
    with pytest.raises(EmptySelectionError, match="'signal': the tagger was trained on all"):
        tally.summary()


def test_a_signal_needs_a_cross_section(write_dataset, toys):
    dataset = Dataset.open(write_dataset("s", "signal", [toys(4, 1)], cross_section=None))
    with pytest.raises(InputFileError, match=r"set datasets\.s\.cross_section"):
        SignalTally(dataset, BINS, lund=False, held_out=False).summary()


def test_a_flat_efficiency_passes_the_sculpting_check_and_a_slope_does_not():
    rng = np.random.default_rng(2)
    n = 40_000
    events = ak.Array(
        {"m_jj": rng.uniform(3000, 4000, n), "weight": np.full(n, 2.0), "reweight": rng.uniform(0.8, 1.2, n)}
    )
    results = []
    for slope in (0.0, 0.02):
        tally = BackgroundTally([3000, 3250, 3500, 3750, 4000], reweighted=True, held_out=False, datasets=["qcd"])
        probability = 0.02 + slope * (ak.to_numpy(events.m_jj) - 3500) / 1000
        tally.add(events, rng.random(n) < probability)
        results.append(tally.summary())
    flat, sloped = results
    assert flat["efficiency"] == pytest.approx(0.02, abs=0.003)
    assert flat["ndof"] == 3
    assert flat["p_value"] > 0.001 > 1e-6 > sloped["p_value"]
    assert [b["m_jj"] for b in flat["bins"]] == [[3000, 3250], [3250, 3500], [3500, 3750], [3750, 4000]]


def test_a_selection_of_everything_does_not_sculpt():
    tally = BackgroundTally([3000, 3500, 4000], reweighted=False, held_out=False, datasets=["qcd"])
    tally.add(batch(), np.ones(4, bool))
    assert tally.summary()["chi2"] == 0
