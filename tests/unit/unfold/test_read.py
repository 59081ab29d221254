"""The arrays that are unfolded: which events, and which of them are drawn together."""

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
