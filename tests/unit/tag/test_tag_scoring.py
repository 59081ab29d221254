import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.tag import networks, sample, scoring

CLASSES = ("qcd", "2prong", "3prong", "4prong")


@pytest.fixture
def models(settings, tmp_path):
    paths = [tmp_path / "tag" / f"{name}.npz" for name in settings.networks]
    for path in paths:
        network = settings.networks[path.stem]
        networks.save(path, path.stem, network, networks.build(network).state_dict())
    return paths


def test_scores_are_a_friend_of_the_skimmed_events(make_events, write_dataset, settings, models, tmp_path):
    batches = [make_events(30, 1), make_events(0, 2), make_events(20, 3)]
    manifest = write_dataset("signal", batches)
    output = tmp_path / "tag" / "signal" / "000.parquet"
    scoring.score_chunk(settings, models, manifest, "000", output, True)
    assert pq.ParquetFile(output).num_row_groups == 3
    columns = [f"{jet}_{name}_{c}" for jet in ("j1", "j2") for name in ("part", "particlenet") for c in CLASSES]
    assert pq.read_schema(output).names == [*events.KEY, *columns, "tag_train"]
    dataset = events.Dataset.open(manifest)
    scored = dataset.read([*columns, "tag_train", "j1_pt"], friends=("tag",))
    for jet in ("j1", "j2"):
        for name in ("part", "particlenet"):
            total = sum(ak.to_numpy(scored[f"{jet}_{name}_{c}"]) for c in CLASSES)
            np.testing.assert_allclose(total, 1, rtol=1e-5)
    assert scored.j1_part_qcd.type.content.primitive == "float32"
    np.testing.assert_array_equal(scored.tag_train, sample.in_training(scored, settings))
    assert not np.allclose(scored.j1_part_qcd, scored.j2_part_qcd)
    first = output.read_bytes()
    scoring.score_chunk(settings, models, manifest, "000", output, True)
    assert output.read_bytes() == first


def test_data_need_no_truth_and_are_never_training_events(make_events, write_dataset, settings, models, tmp_path):
    manifest = write_dataset("data", [make_events(40, 1, truth=False)], nature="data")
    scoring.score_chunk(settings, models, manifest, "000", tmp_path / "tag" / "data" / "000.parquet", False)
    assert not ak.any(events.Dataset.open(manifest).read(["tag_train"], friends=("tag",)).tag_train)


def test_nan_in_the_input_stops_and_leaves_no_file(make_events, write_dataset, settings, models, tmp_path):
    batch = make_events(10, 1)
    manifest = write_dataset("qcd", [batch])
    energy = ak.to_numpy(batch.j2_mass).copy()
    energy[3] = np.nan
    table = ak.to_arrow_table(ak.with_field(batch, energy, "j2_mass"), extensionarray=False)
    pq.write_table(table, tmp_path / "skim" / "qcd" / "000.parquet")
    output = tmp_path / "tag" / "qcd" / "000.parquet"
    with pytest.raises(NotFiniteError, match=r"qcd.000\.parquet: 'j2_part_qcd' has 1 NaN"):
        scoring.score_chunk(settings, models, manifest, "000", output, True)
    assert not list(output.parent.iterdir())


def test_missing_constituents_and_repeated_models_are_named(make_events, write_dataset, settings, models, tmp_path):
    batch = make_events(10, 1)
    features = ak.without_field(batch, "j1_pf_pt")
    manifest = write_dataset("lhco", [features], nature="data")
    output = tmp_path / "tag" / "lhco" / "000.parquet"
    with pytest.raises(InputFileError, match="no column 'j1_pf_pt'"):
        scoring.score_chunk(settings, models, manifest, "000", output, True)
    with pytest.raises(ConfigError, match="repeat a network's name"):
        scoring.score_chunk(settings, [*models, models[0]], manifest, "000", output, True)


def test_every_row_has_scores(make_events, write_dataset, settings, models, tmp_path, add_failing):
    manifest = write_dataset("signal", [make_events(30, 1), make_events(20, 3)])
    output = tmp_path / "tag" / "signal" / "000.parquet"
    scoring.score_chunk(settings, models, manifest, "000", output, True)
    before = events.Dataset.open(manifest).read(["j1_part_qcd"], ("tag",))
    added = add_failing(manifest)
    scoring.score_chunk(settings, models, manifest, "000", output, True)
    assert events.count(output) == 50 + added
    after = events.Dataset.open(manifest).read(["j1_part_qcd"], ("tag",))
    assert after.event.to_list() == before.event.to_list()
    np.testing.assert_allclose(after.j1_part_qcd, before.j1_part_qcd, rtol=1e-5)


def test_a_region_of_one_jet_has_its_scores_alone(make_events, write_dataset, settings, models, tmp_path):
    """They are those that this jet has beside another one, and it trains as it does there."""
    whole = make_events(60, 1)
    alone = whole[[name for name in whole.fields if not name.startswith("j2_")]]
    found = {}
    for name, batch in (("pair", whole), ("one", alone)):
        manifest, output = write_dataset(name, [batch]), tmp_path / "tag" / name / "000.parquet"
        scoring.score_chunk(settings, models, manifest, "000", output, False)
        found[name] = ak.from_parquet(output)
    assert [field for field in found["one"].fields if field.startswith("j2_")] == []
    for field in found["one"].fields:
        np.testing.assert_array_equal(found["one"][field], found["pair"][field])
    (part,) = sample.Simulation.open([], [manifest]).skimmed(1, settings.networks["part"])
    labels = part.labels()[1]
    assert 0 < len(labels) == sum(len(jets) for jets in part.read(0, np.ones(4))) <= 60
