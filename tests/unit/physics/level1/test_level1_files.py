"""Files of Level-1 objects: read as written, in whatever order and integers, and refused with a sentence."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resonaut.core.errors import InputFileError
from resonaut.physics.level1 import files
from resonaut.physics.level1.crossings import FIELDS, Crossings, Objects
from resonaut.physics.level1.scales import COLLECTIONS, DIRECTIONS, SUMS


def crossings(events: int = 50, seed: int = 1) -> Crossings:
    """Random objects, by falling energy."""
    rng = np.random.default_rng(seed)

    def objects(capacity: int, most: int) -> Objects:
        et = -np.sort(-rng.integers(1, most, (events, capacity)), axis=1)
        there = np.arange(capacity) < rng.integers(0, capacity + 1, (events, 1))
        eta, phi = rng.integers(-50, 50, et.shape), rng.integers(0, 144, et.shape)
        return Objects(*(np.where(there, one, 0).astype(np.int16) for one in (et, eta, phi, et % 4)))

    return Crossings(
        {name: objects(scale.capacity, scale.saturated) for name, scale in COLLECTIONS.items()},
        {name: rng.integers(0, 2000, events).astype(np.int16) for name in (*SUMS, *DIRECTIONS)},
        rng.poisson(50, events).astype(np.float32),
        {"L1_SingleMu22": rng.random(events) < 0.5},
    )


def same(one: Crossings, other: Crossings) -> None:
    for name in COLLECTIONS:
        for each in FIELDS:
            np.testing.assert_array_equal(getattr(one.objects[name], each), getattr(other.objects[name], each))
    for name in (*SUMS, *DIRECTIONS):
        np.testing.assert_array_equal(one.sums[name], other.sums[name])
    np.testing.assert_array_equal(one.pileup, other.pileup)


def test_files_are_read_as_written(tmp_path):
    made = crossings()
    files.write(tmp_path / "a.parquet", made, {"event": np.arange(50)})
    files.write(tmp_path / "b.parquet", made, {"event": np.arange(50)})
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    found = files.read(tmp_path / "a.parquet")
    same(found, made)
    np.testing.assert_array_equal(found.seeds["L1_SingleMu22"], made.seeds["L1_SingleMu22"])


def test_the_record_s_types_and_the_order_of_muons_do_not_matter(tmp_path):
    """Large lists of 32 bits, muons in the order of the links, seeds in a file of their own."""
    made = crossings()
    files.write(tmp_path / "a.parquet", replace(made, seeds={}), {})
    table = pq.read_table(tmp_path / "a.parquet")
    turned = {}
    for name in table.column_names:
        rows = table[name].to_pylist()
        if name.startswith("muons"):
            rows = [row[::-1] for row in rows]
        turned[name] = pa.array(rows, pa.large_list(pa.int32()) if isinstance(rows[0], list) else None)
    pq.write_table(pa.table(turned), tmp_path / "b.parquet")
    pq.write_table(
        pa.table({"L1_SingleMu22": made.seeds["L1_SingleMu22"], "order": np.arange(50)}), tmp_path / "s.parquet"
    )
    found = files.read(tmp_path / "b.parquet", tmp_path / "s.parquet")
    # Of muons with equal energies either may come first.
    np.testing.assert_array_equal(found.objects["muons"].et, made.objects["muons"].et)
    np.testing.assert_array_equal(found.objects["muons"].phi.sum(axis=1), made.objects["muons"].phi.sum(axis=1))
    np.testing.assert_array_equal(found.seeds["L1_SingleMu22"], made.seeds["L1_SingleMu22"])


def _without(table, name):
    return table.drop_columns([name])


def _long(table, name):
    rows = table[name].to_pylist()
    rows[3] = [1] * 13
    return table.set_column(table.column_names.index(name), name, pa.array(rows))


def _flat(table, name):
    return table.set_column(table.column_names.index(name), name, pa.array(np.zeros(len(table))))


@pytest.mark.parametrize(
    ("change", "name", "sentence"),
    [
        (_without, "jets_jetIEt", "lacks the column 'jets_jetIEt'"),
        (_long, "jets_jetIEt", "'jets_jetIEt' has 13 elements in row 3, not 12"),
        (_long, "MET_Et", "'MET_Et' has 13 elements in row 3, not 1"),
        (_flat, "taus_tauIEt", "is a column of double, not of lists of integers"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, change, name, sentence):
    files.write(tmp_path / "a.parquet", crossings(), {})
    pq.write_table(change(pq.read_table(tmp_path / "a.parquet"), name), tmp_path / "b.parquet")
    with pytest.raises(InputFileError, match=sentence):
        files.read(tmp_path / "b.parquet")


def test_what_is_saturated_is_left_out_and_the_others_move_up():
    made = crossings()
    made.objects["egammas"].et[:] = 0
    made.objects["egammas"].et[0, :3] = 511, 40, 30
    made.objects["egammas"].eta[0, :3] = 1, 2, 3
    made.sums["ET_Et"][7] = 4095
    found = made.masked().objects["egammas"]
    assert found.et[0, :3].tolist() == [40, 30, 0]
    assert found.eta[0, :3].tolist() == [2, 3, 0]
    assert np.flatnonzero(made.saturated).tolist() == [7]


def test_energies_of_hardware_integers():
    assert COLLECTIONS["muons"].energy(np.array([0, 1, 45])).tolist() == [0, 0, 22]
    assert COLLECTIONS["jets"].energy(np.array([0, 1, 45])).tolist() == [0, 0.5, 22.5]
    assert COLLECTIONS["muons"].units(np.array([22.4, 5000.0])).tolist() == [45, 511]
    assert (COLLECTIONS["muons"].phi_units, COLLECTIONS["jets"].phi_units) == (576, 144)
