import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut import events
from resonaut.errors import InputFileError, MisalignedFriendsError, NotFiniteError
from resonaut.files import write_json


def batch(numbers, **columns) -> ak.Array:
    key = {"run": np.ones(len(numbers), np.int64), "luminosityBlock": np.ones(len(numbers), np.int64)}
    return ak.zip(key | {"event": np.asarray(numbers, np.int64)} | columns, depth_limit=1)


@pytest.fixture
def dataset(tmp_path) -> events.Dataset:
    for chunk, numbers in {"000": [1, 2, 3], "001": []}.items():
        x = np.asarray(numbers, np.float64)
        lists = ak.values_astype(ak.Array([[float(n)] * n for n in numbers] or [[0.0]])[: len(numbers)], np.float32)
        events.write(
            tmp_path / "skim" / "d" / f"{chunk}.parquet", [batch(numbers, gen_weight=x, pf_pt=lists)], {"pf_pt": "GeV"}
        )
        events.write(tmp_path / "tag" / "d" / f"{chunk}.parquet", [batch(numbers, score=x / 10)], {})
    manifest = {
        "name": "d",
        "role": "background",
        "chunks": ["000", "001"],
        "events": 3,
        "luminosity": None,
        "cross_section": 1.0,
        "mass": None,
        "weight_scale": 0.5,
        "cutflow": [],
        "lost": [],
        "notes": [],
        "dropped": {},
    }
    write_json(tmp_path / "skim" / "d.json", manifest)
    return events.Dataset.open(tmp_path / "skim" / "d.json")


def test_friends_join_and_weights_scale(dataset) -> None:
    read = dataset.read(["weight", "score", "pf_pt"], friends=["tag"])
    assert read.weight.tolist() == [0.5, 1.0, 1.5]
    assert read.score.tolist() == [0.1, 0.2, 0.3]
    assert ak.num(read.pf_pt).tolist() == [1, 2, 3]


def test_unit_is_stored_in_the_file(dataset) -> None:
    schema = pq.read_schema(dataset.path("skim", "000"))
    assert schema.field("pf_pt").metadata == {b"unit": b"GeV"}


def test_same_events_same_bytes(tmp_path) -> None:
    for name in "ab":
        events.write(tmp_path / name, [batch([1, 2], x=np.array([1.0, 2.0]))], {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("numbers", [[1, 3, 2], [1, 2]])
def test_misaligned_friend_is_an_error(dataset, numbers) -> None:
    events.write(dataset.path("tag", "000"), [batch(numbers, score=np.zeros(len(numbers)))], {})
    with pytest.raises(MisalignedFriendsError, match=r"tag/d/000\.parquet: does not hold the events of .*skim"):
        dataset.read(["score"], friends=["tag"])


def test_other_row_groups_are_an_error(dataset) -> None:
    halves = [batch([1], score=np.zeros(1)), batch([2, 3], score=np.zeros(2))]
    events.write(dataset.path("tag", "000"), halves, {})
    with pytest.raises(MisalignedFriendsError):
        dataset.read(["score"], friends=["tag"])


def test_missing_column_and_file(dataset) -> None:
    with pytest.raises(InputFileError, match="no column 'nothing'; run the stage"):
        dataset.read(["nothing"])
    with pytest.raises(InputFileError, match=r"select/d/000\.parquet: no such file"):
        dataset.read(["score"], friends=["select"])


def test_broken_file(dataset) -> None:
    dataset.path("tag", "000").write_bytes(b"PAR1 but not really")
    with pytest.raises(InputFileError, match=r"tag/d/000\.parquet: not a readable Parquet file"):
        dataset.read(["score"], friends=["tag"])


def test_nan_stops_the_write_and_leaves_the_old_file(dataset) -> None:
    path = dataset.path("tag", "000")
    before = path.read_bytes()
    with pytest.raises(NotFiniteError, match="'score' has 1 NaN or infinite values of 3"):
        events.write(path, [batch([1, 2, 3], score=np.array([0.0, np.nan, 1.0]))], {})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir() if "partial" in p.name] == []
