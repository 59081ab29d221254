"""Inputs of a network by name, samples without what is saturated, and the command that scores them."""

import csv

import numpy as np
import pytest

from resonaut.core import results
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.physics.level1 import files
from resonaut.physics.level1.crossings import Crossings, Objects
from resonaut.physics.level1.menu import Menu
from resonaut.physics.level1.scales import COLLECTIONS, DIRECTIONS, SUMS
from resonaut.trigger import emulator
from resonaut.trigger.inputs import integers
from resonaut.trigger.running import run, sources
from resonaut.trigger.samples import Source, scored, training_inputs

from .toy_networks import INPUTS, encoder, hardware


def crossings(events: int = 40) -> Crossings:
    rng = np.random.default_rng(11)

    def objects(capacity):
        et = -np.sort(-rng.integers(0, 500, (events, capacity)), axis=1)
        columns = et, rng.integers(-60, 60, et.shape), rng.integers(0, 144, et.shape), et % 4
        return Objects(*((one * (et > 0)).astype(np.int16) for one in columns))

    return Crossings(
        {name: objects(scale.capacity) for name, scale in COLLECTIONS.items()},
        {name: rng.integers(0, 3000, events).astype(np.int16) for name in (*SUMS, *DIRECTIONS)},
        np.full(events, 50, np.float32),
    )


def test_inputs_are_where_their_names_say():
    made = crossings()
    found = integers(made, INPUTS)
    assert found.shape == (40, 57)
    np.testing.assert_array_equal(found[:, 0], made.sums["MET_Et"])
    np.testing.assert_array_equal(found[:, 1], 0)
    np.testing.assert_array_equal(found[:, 2], made.sums["MET_phi"])
    np.testing.assert_array_equal(found[:, 3:15:3], made.objects["egammas"].et[:, :4])
    np.testing.assert_array_equal(found[:, 16:27:3], made.objects["muons"].eta[:, :4])
    np.testing.assert_array_equal(found[:, 29::3], made.objects["jets"].phi[:, :10])


@pytest.mark.parametrize("name", ["jets_jetIEt[12]", "jets_egIEt[0]", "NOTHING", "MET_Et[0]"])
def test_an_input_that_is_none_is_refused(name):
    with pytest.raises(ConfigError, match="an integer network has the input"):
        integers(crossings(), [name])


def test_what_is_saturated_is_not_seen_and_counts(tmp_path):
    made = crossings()
    made.sums["ET_Et"][3] = 4095
    made.objects["jets"].et[5] = [2047, 300, *[0] * 10]
    files.write(tmp_path / "a.parquet", made, {})
    inputs = training_inputs([Source("a", [tmp_path / "a.parquet"])], ["jets_jetIEt[0]"])
    assert inputs.shape == (39, 1)
    assert inputs[4] == 300
    found = scored([Source("a", [tmp_path / "a.parquet"])], encoder(), None, Menu({"L1_SingleJet1000": 1, "L1_AXO": 1}))
    assert (len(found.scored), found.saturated) == (39, 1)
    # The menu sees what is saturated.
    assert np.flatnonzero(found.scored.missed == 0).tolist() == [4]
    assert (found.evaluated, found.unknown) == (["L1_SingleJet1000"], ["L1_AXO"])


def test_scores_of_a_table_and_of_crossings(tmp_path):
    results.write(tmp_path / "network.json", encoder())
    raw = hardware(20)
    with (tmp_path / "in.csv").open("w") as file:
        csv.writer(file).writerows([INPUTS, *raw.tolist()])
    run(tmp_path / "network.json", tmp_path / "in.csv", tmp_path / "out.csv")
    found = np.loadtxt(tmp_path / "out.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(found[:, 0], emulator.score(encoder(), raw))
    np.testing.assert_array_equal(found[:, 1], found[:, 0] / 16)
    files.write(tmp_path / "a.parquet", crossings(), {})
    run(tmp_path / "network.json", tmp_path / "a.parquet", tmp_path / "out.csv")
    found = np.loadtxt(tmp_path / "out.csv", delimiter=",", skiprows=1)
    np.testing.assert_array_equal(found[:, 0], emulator.score(encoder(), integers(crossings(), INPUTS)))


@pytest.mark.parametrize("text", ["a,b\n1,2\n", ",".join(INPUTS) + "\n1.5" + ",0" * 56, ",".join(INPUTS) + "\n1,2\n"])
def test_a_table_that_is_none_is_refused(tmp_path, text):
    results.write(tmp_path / "network.json", encoder())
    (tmp_path / "in.csv").write_text(text)
    with pytest.raises(InputFileError, match="give the names MET_Et, zero, MET_phi"):
        run(tmp_path / "network.json", tmp_path / "in.csv", tmp_path / "out.csv")


def test_samples_of_options():
    found = sources(["tt=a", "w=b", "tt=c"], ["tt=d", "tt=e", "x=f"])
    assert [(one.name, [str(path) for path, _ in one.pairs()]) for one in found] == [("tt", ["a", "c"]), ("w", ["b"])]
    assert [str(seeds) for _, seeds in found[0].pairs()] == ["d", "e"]
    with pytest.raises(ConfigError, match="'tt' has 2 files of crossings and 1 of seeds"):
        sources(["tt=a", "tt=c"], ["tt=d"])
    with pytest.raises(ConfigError, match="is no sample and file"):
        sources(["tt"], [])
