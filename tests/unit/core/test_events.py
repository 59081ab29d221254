import json
from dataclasses import asdict, replace

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut.core import events
from resonaut.core.collisions import Collisions
from resonaut.core.errors import ConfigError, InputFileError, MisalignedFriendsError, NotFiniteError
from resonaut.core.files import write_json
from resonaut.core.manifest import Manifest, total_luminosity


def batch(numbers, **columns) -> ak.Array:
    key = {"run": np.ones(len(numbers), np.int64), "luminosityBlock": np.ones(len(numbers), np.int64)}
    return ak.zip(key | {"event": np.asarray(numbers, np.int64)} | columns, depth_limit=1)


@pytest.fixture
def dataset(tmp_path, write_skimmed) -> events.Dataset:
    chunks = []
    for chunk, numbers in {"000": [1, 2, 3], "001": []}.items():
        x = np.asarray(numbers, np.float64)
        lists = ak.values_astype(ak.Array([[float(n)] * n for n in numbers] or [[0.0]])[: len(numbers)], np.float32)
        chunks.append([batch(numbers, gen_weight=x, pf_pt=lists)])
        events.write(tmp_path / "tag" / "d" / f"{chunk}.parquet", [batch(numbers, score=x / 10)], {})
    return events.Dataset.open(write_skimmed(tmp_path, "d", chunks, {"pf_pt": "GeV"}, weight_scale=0.5))


def test_friends_join_and_weights_scale(dataset) -> None:
    read = dataset.read(["weight", "score", "pf_pt"], friends=["tag"])
    assert read.weight.tolist() == [0.5, 1.0, 1.5]
    assert read.score.tolist() == [0.1, 0.2, 0.3]
    assert ak.num(read.pf_pt).tolist() == [1, 2, 3]


@pytest.fixture
def data(manifest_of):
    """A function: the manifest of data, of ``n`` events."""

    def make(name: str, era: str | None, luminosity: float | None, n: int = 1) -> Manifest:
        return manifest_of(name, nature="data", era=era, luminosity=luminosity, events=n)

    return make


def test_triggers_of_an_era_share_its_luminosity_and_eras_add_up(data) -> None:
    one, other, later = data("a", "2017", 40.0), data("b", "2017", 40.0), data("c", "2018", 60.0)
    assert total_luminosity([one]) == 40
    assert total_luminosity([one, other]) == 40
    assert total_luminosity([one, other, later]) == 100
    assert total_luminosity([one, data("d", "2018", None)]) is None
    assert total_luminosity([data("x", None, 7.5)]) == 7.5
    # A tenth of the files of one of them is lost: of its events, and so of a quarter of all.
    assert total_luminosity([data("a", "2017", 40.0, 300), data("b", "2017", 36.0, 100)]) == pytest.approx(39)
    with pytest.raises(ConfigError, match=r"dataset 'x' is one of several and has no era; set datasets\.x\.era"):
        total_luminosity([one, data("x", None, 40.0)])


def test_simulation_of_an_era_stands_for_its_luminosity(dataset, data, tmp_path) -> None:
    path = tmp_path / "skim" / "d.json"
    collisions = Collisions(
        tuple(events.Dataset(manifest, tmp_path) for manifest in (data("a", "2017", 10.0), data("c", "2018", 30.0)))
    )
    (always,) = collisions.simulated([path])
    assert always.read(["weight"]).weight.tolist() == [0.5, 1.0, 1.5]
    write_json(path, json.loads(path.read_text()) | {"era": "2018"})
    (of_era,) = collisions.simulated([path])
    assert of_era.read(["weight"]).weight.tolist() == pytest.approx([0.375, 0.75, 1.125])
    alone = Collisions(collisions.datasets[1:])
    assert alone.simulated([path])[0].read(["weight"]).weight.tolist() == [0.5, 1.0, 1.5]
    with pytest.raises(ConfigError, match="'d' is of the era '2018', and 'a' is not; correct one"):
        Collisions(collisions.datasets[:1]).simulated([path])
    with pytest.raises(ConfigError, match="dataset 'd' is simulation, not data"):
        Collisions.open([path])


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


def test_friend_cannot_override_a_column(dataset) -> None:
    events.write(dataset.path("tag", "000"), [batch([1, 2, 3], gen_weight=np.full(3, 9.0))], {})
    with pytest.raises(InputFileError, match=r"tag/d/000\.parquet: has the column 'gen_weight' of .*skim/d/000"):
        dataset.read(["weight"], friends=["tag"])


def test_dropped_rows_are_no_part_of_the_dataset(dataset, tmp_path) -> None:
    """Friends are made of what is left, so they have one row less."""
    path = tmp_path / "skim" / "d.json"
    write_json(path, asdict(replace(dataset.manifest, events=2, dropped={"000": [1]})))
    left = events.Dataset.open(path)
    assert left.read(["weight"]).event.to_list() == [1, 3]
    with pytest.raises(MisalignedFriendsError):
        left.read(["score"], friends=["tag"])
    events.write(left.path("tag", "000"), [batch([1, 3], score=np.array([0.1, 0.3]))], {})
    assert left.read(["weight", "score"], friends=["tag"]).score.to_list() == [0.1, 0.3]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"events": 4}, "has 4 events, and the files of its chunks 3; run 'skim' again"),
        ({"dropped": {"000": [0]}}, "has 4 events, and the files of its chunks 3"),
        ({"chunks": ["000"], "events": 2}, "has 2 events, and the files of its chunks 3"),
        ({"chunks": ["000", "../../tag/d/000"]}, "is of 'd', chunks .*'../../tag/d/000'.*; run 'skim' again"),
        ({"name": "e"}, "is of 'e'"),
    ],
)
def test_manifest_must_belong_to_its_chunks(dataset, tmp_path, changes, sentence) -> None:
    path = tmp_path / "skim" / "d.json"
    write_json(path, asdict(replace(dataset.manifest, **changes)))
    with pytest.raises(InputFileError, match=rf"skim/d\.json: {sentence}"):
        events.Dataset.open(path)


def test_chunk_that_is_gone_is_named(dataset, tmp_path) -> None:
    dataset.path("skim", "001").unlink()
    with pytest.raises(InputFileError, match=r"skim/d/001\.parquet: no such file"):
        events.Dataset.open(tmp_path / "skim" / "d.json")


def test_nan_stops_the_write_and_leaves_the_old_file(dataset) -> None:
    path = dataset.path("tag", "000")
    before = path.read_bytes()
    with pytest.raises(NotFiniteError, match="'score' has 1 NaN or infinite values of 3"):
        events.write(path, [batch([1, 2, 3], score=np.array([0.0, np.nan, 1.0]))], {})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir() if "partial" in p.name] == []


def shifted(values: list) -> ak.Array:
    """Null where ``None`` is."""
    return ak.values_astype(ak.Array(values), np.float64)


@pytest.fixture
def varied(tmp_path, write_skimmed) -> events.Dataset:
    """Four events, of which the last passes only with ``jes_up``, and the first one only without."""
    chunks = []
    for chunk, numbers in {"000": [1, 2, 3, 4], "001": [5, 6]}.items():
        x = np.asarray(numbers, np.float64)
        columns = {"gen_weight": x, "x": 10 * x, "y": -x, "l": ak.Array([[n] * n for n in numbers])}
        columns["passes"] = np.array([n != 4 for n in numbers])
        if chunk == "000":
            columns |= {"x__jes_up": shifted([None, 21.0, None, 41.0]), "l__jes_up": ak.Array([None, [7], None, None])}
            columns["passes__jes_up"] = ak.Array([False, None, None, True])
        chunks.append([batch(numbers, **columns)])
        score = {"score": x} | ({"score__jes_up": shifted([None, None, 0.5, None])} if chunk == "000" else {})
        events.write(tmp_path / "select" / "d" / f"{chunk}.parquet", [batch(numbers, **score)], {})
    path = write_skimmed(tmp_path, "d", chunks, nature="data", events=5, variations={"jes_up": "jets"})
    return events.Dataset.open(path)


def whole(batches) -> ak.Array:
    return ak.concatenate(list(batches))


def test_nominal_events_are_read_unless_a_variation_is_asked_for(varied) -> None:
    nominal = varied.read(["x", "l", "score"], ["select"])
    assert nominal.event.to_list() == [1, 2, 3, 5, 6]
    assert nominal.x.to_list() == [10, 20, 30, 50, 60]
    up = whole(varied.iterate(["x", "y", "l", "score", "weight"], ["select"], "jes_up"))
    assert up.event.to_list() == [2, 3, 4, 5, 6]
    assert up.x.to_list() == [21, 30, 41, 50, 60]
    assert up.y.to_list() == [-2, -3, -4, -5, -6]
    assert up.l[:3].to_list() == [[7], [3, 3, 3], [4, 4, 4, 4]]
    assert up.score.to_list() == [2, 0.5, 4, 5, 6]
    assert up.weight.to_list() == [2, 3, 4, 5, 6]
    assert str(up.x.type.content) == "float64"


def test_who_writes_friends_sees_every_row(varied) -> None:
    every = whole(varied.iterate(["x", "passes"], every=True))
    assert every.x.to_list() == [10, 20, 30, 40, 50, 60]
    assert every.passes.to_list() == [True, True, True, False, True, True]
    up = whole(varied.iterate(["x", "passes"], variation="jes_up", every=True))
    assert up.x.to_list() == [10, 21, 30, 41, 50, 60]
    assert up.passes.to_list() == [False, True, True, True, True, True]


def test_all_events_pass_where_nothing_is_shifted(dataset) -> None:
    assert dataset.read(["passes"]).passes.to_list() == [True] * 3
    assert [str(one.passes.type.content) for one in dataset.iterate(["passes"], every=True)] == ["bool", "bool"]


def test_copies_that_fail_nominally_are_no_loss(varied, tmp_path) -> None:
    path = tmp_path / "skim" / "d.json"
    write_json(path, asdict(replace(varied.manifest, dropped={"000": [3]})))
    left = events.Dataset.open(path)
    assert whole(left.iterate([], variation="jes_up")).event.to_list() == [2, 3, 5, 6]
    write_json(path, asdict(replace(varied.manifest, dropped={"000": [2]})))
    with pytest.raises(InputFileError, match="has 6 events, and the files of its chunks 5"):
        events.Dataset.open(path)


def test_a_variation_that_there_is_not(varied) -> None:
    with pytest.raises(ValueError, match="'d' has no variation 'jes_sideways', only"):
        whole(varied.iterate(["x"], variation="jes_sideways"))
