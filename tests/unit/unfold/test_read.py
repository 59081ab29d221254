"""The arrays that are unfolded: which events, which of them are drawn together, and what a variation changes."""

import numpy as np
import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.unfold import read
from resonaut.unfold.settings import Train

SETTINGS = build({"observables": {"x": {"detector": "x"}}}, Train, "test")


@pytest.fixture
def inputs(skimmed) -> read.Inputs:
    simulated = [skimmed["simulation"], skimmed["simulation"]]
    return read.Inputs.open([skimmed["data"]], [], simulated, [skimmed["background"], skimmed["background"]])


def test_each_simulated_dataset_is_drawn_by_itself(inputs):
    nominal, drawn = read.simulation(inputs, SETTINGS), read.simulation(inputs, SETTINGS, replica=3)
    factors = drawn.weights / nominal.weights
    assert factors.mean() == pytest.approx(1, abs=0.05)
    # The same identifiers, but datasets of events that have nothing to do with each other.
    first, second = np.split(factors, 2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.06


def test_simulated_background_is_drawn_again_too(inputs):
    found = [read.background(inputs, SETTINGS, replica=replica) for replica in (None, 1, 3)]
    sums = [sample.weights.sum() for sample in found]
    assert len(set(sums)) == 3
    np.testing.assert_allclose(sums, sums[0], rtol=0.25)
    first, second = (set(half.tolist()) for half in np.array_split(found[1].keys, 2))
    assert first != second


def test_background_in_place_of_data_is_no_part_of_the_truth(skimmed):
    pseudo, background = [skimmed["pseudo"], skimmed["background"]], [skimmed["background"]]
    both = read.Inputs.open([], pseudo, [skimmed["simulation"]], background)
    alone = read.Inputs.open([], pseudo[:1], [skimmed["simulation"]], [])
    known = [read.truth(one, SETTINGS) for one in (both, alone)]
    np.testing.assert_array_equal(known[0].particle, known[1].particle)
    with pytest.raises(ConfigError, match="is background, too"):
        read.truth(read.Inputs.open([], background, [skimmed["simulation"]], background), SETTINGS)


def test_flags_may_be_0_and_1(skimmed, inputs, monkeypatch):
    expected = read.data(inputs, SETTINGS), read.identifiers(inputs, SETTINGS)
    batches = read._all

    def numbers(dataset, names, variation=""):
        for batch in batches(dataset, names, variation):
            for flag in {"passes", "fiducial"}.intersection(batch.fields):
                batch[flag] = np.asarray(batch[flag]).astype(np.int8)
            yield batch

    monkeypatch.setattr(read, "_all", numbers)
    np.testing.assert_array_equal(read.data(inputs, SETTINGS).features, expected[0].features)
    np.testing.assert_array_equal(read.identifiers(inputs, SETTINGS)["event"], expected[1]["event"])


def test_a_variation_of_the_signal_alone_leaves_the_background_as_it_is(skimmed):
    inputs = read.Inputs.open([skimmed["data"]], [], [skimmed["varied"]], [skimmed["background"]])
    nominal, background = read.simulation(inputs, SETTINGS), read.background(inputs, SETTINGS)
    for variation, without in (
        ("scale_r_2017_up", ["background"]),
        ("jes_up", ["background"]),
        ("sf_up", []),
        ("", []),
    ):
        assert read.unvaried(inputs, variation) == without
        same = read.background(inputs, SETTINGS, variation).weights / background.weights
        np.testing.assert_allclose(same, 0.95 / 0.9 if variation == "sf_up" else 1.0)
    up, down = (read.simulation(inputs, SETTINGS, f"scale_r_2017_{way}") for way in ("up", "down"))
    # That of theory holds at both levels, whatever the era is called.
    for one, factor in ((up, 1.2), (down, 0.9)):
        np.testing.assert_allclose(one.weights, factor * nominal.weights)
        np.testing.assert_allclose(one.detector_weights, factor * nominal.detector_weights)
    scaled, efficiency = (read.simulation(inputs, SETTINGS, one) for one in ("jes_up", "sf_up"))
    np.testing.assert_allclose(scaled.detector, 1.1 * nominal.detector, rtol=1e-6)
    np.testing.assert_allclose(scaled.weights, nominal.weights)
    np.testing.assert_allclose(efficiency.weights, nominal.weights)
    np.testing.assert_allclose(efficiency.detector_weights, 0.95 / 0.9 * nominal.detector_weights)


def test_a_variation_of_the_background_alone_leaves_the_signal_as_it_is(skimmed):
    inputs = read.Inputs.open([skimmed["data"]], [], [skimmed["simulation"]], [skimmed["varied"]])
    assert read.unvaried(inputs, "scale_r_2017_up") == ["signal"]
    nominal, up = (read.background(inputs, SETTINGS, one) for one in ("", "scale_r_2017_up"))
    np.testing.assert_allclose(up.weights, 1.2 * nominal.weights)
    np.testing.assert_array_equal(
        read.simulation(inputs, SETTINGS, "scale_r_2017_up").weights, read.simulation(inputs, SETTINGS).weights
    )
    with pytest.raises(ConfigError, match="no simulated dataset has 'jer_up', but these: sf_up, sf_down, scale_r_2017"):
        read.unvaried(inputs, "jer_up")
