"""The stage by its commands, on small datasets."""

import awkward as ak
import numpy as np
import pytest
from typer.testing import CliRunner

from resonaut.classify import classifier, read
from resonaut.classify.cli import app
from resonaut.classify.results import Summary
from resonaut.classify.settings import Learning
from resonaut.core import identifier
from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.core.events import Dataset, columns, metadata
from resonaut.core.files import write_json
from resonaut.core.record import plain
from resonaut.core.results import read as read_result

from .events_of_classes import learning, skim, table


def call(*words) -> None:
    CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


def train(folder, skimmed, *more, **changed):
    settings = plain(learning(**changed), Learning)
    write_json(folder / "train.json", {"classifier": settings, "luminosities": {"a": 10.0, "b": 10.0}})
    inputs = ["--simulation", skimmed["a"], "--simulation", skimmed["b"]]
    call("train", "--config", folder / "train.json", "--name", "one", *inputs, *more, "--output", folder / "one.npz")


def apply(folder, manifest, output, unseen="fold"):
    write_json(folder / "apply.json", {"unseen": unseen})
    words = ["--model", folder / "one.npz", "--dataset", manifest, "--chunk", "000", "--output", output]
    call("apply", "--config", folder / "apply.json", *words)
    return output


@pytest.fixture(scope="session")
def classified(skimmed, tmp_path_factory):
    """The folder with a classifier ``one``, its scores of every dataset beside these."""
    folder = tmp_path_factory.mktemp("results")
    train(folder, skimmed, binning={"signal": "a", "bins": 4, "min_expected": 5}, cut="x > -2")
    for name, manifest in skimmed.items():
        apply(folder, manifest, manifest.parents[1] / "classify" / "one" / name / "000.parquet")
    return folder


def test_the_summary_has_yields_areas_and_bins(classified, skimmed):
    found = read_result(classified / "one.json", Summary)
    for one, name in zip(found.classes, "ab", strict=True):
        events = Dataset.open(skimmed[name]).read(["x"])
        kept = int(ak.sum(events.x > -2))
        # Generator weight 2, scale factor 0.5, 10/fb.
        assert (one.name, one.events) == (name, kept)
        assert one.expected == pytest.approx(10 * kept)
        assert one.effective == pytest.approx(kept)
    (area,) = found.areas
    assert 0.78 < area.auc < 0.9
    assert area.other[0] == 0
    assert area.efficiency[-1] == pytest.approx(1)
    assert len(found.losses) == 3
    bins = found.binned
    assert len(bins.edges) == 3
    for one in found.classes:
        assert sum(bins.expected[one.name]) == pytest.approx(one.expected)
        assert sum(found.distributions[0].held_out) == pytest.approx(found.classes[0].expected)
    assert bins.significance > 0


def test_scores_of_classes_are_those_of_models_that_have_not_seen_them(classified, skimmed):
    model = classifier.load(classified / "one.npz")
    for name in "ab":
        dataset = Dataset.open(skimmed[name])
        events = dataset.read(["x", "y", "class_one_a", "class_one_b", "bin_one"], ["classify/one"])
        values = np.stack([ak.to_numpy(events.x), ak.to_numpy(events.y)], axis=1)
        keys = identifier.keys(events)
        expected = model.scores(values, keys)
        np.testing.assert_allclose(ak.to_numpy(events.class_one_a), expected[:, 0], atol=1e-6)
        np.testing.assert_allclose(events.class_one_a + events.class_one_b, 1, rtol=1e-5)
        edges, score = model.binned.edges[model.folds(keys)], model.binned.discriminant(expected)
        # Of two classes it is the score.
        np.testing.assert_allclose(score, ak.to_numpy(events.class_one_a), atol=1e-6)
        np.testing.assert_array_equal(events.bin_one, (score[:, None] >= edges).sum(axis=1))
        assert dict.fromkeys(np.unique(events.bin_one)).keys() == set(range(edges.shape[1] + 1))


def test_shifted_inputs_give_shifted_scores_where_they_differ(classified, skimmed):
    dataset = Dataset.open(skimmed["a"])
    names = ["x", "class_one_a", "bin_one"]
    (nominal, shifted) = (
        ak.concatenate(list(dataset.iterate(names, ["classify/one"], variation))) for variation in ("", "jes_up")
    )
    # A tenth of the events pass with the shift alone.
    assert len(shifted) == 1200 > len(nominal) == 1080
    model = classifier.load(classified / "one.npz")
    y = ak.concatenate(list(dataset.iterate(["y"], (), "jes_up"))).y
    values = np.stack([ak.to_numpy(shifted.x), ak.to_numpy(y)], axis=1)
    expected = model.scores(values, identifier.keys(shifted))[:, 0]
    np.testing.assert_allclose(ak.to_numpy(shifted.class_one_a), expected, atol=1e-6)
    assert ak.mean(shifted.class_one_a) > ak.mean(nominal.class_one_a) + 0.02
    path = dataset.path("classify/one", "000")
    assert {"class_one_a__jes_up", "bin_one__jes_up"} <= set(columns(path))
    assert metadata(path)["class_one_a__jes_up"]["group"] == "jes"
    # Data are not shifted.
    assert not any("__" in name for name in columns(Dataset.open(skimmed["data"]).path("classify/one", "000")))


def test_data_are_scored_as_simulation_is_or_by_the_mean(classified, skimmed, tmp_path):
    model = classifier.load(classified / "one.npz")
    dataset = Dataset.open(skimmed["data"])
    events = dataset.read(["x", "y", "class_one_a"], ["classify/one"])
    values = np.stack([ak.to_numpy(events.x), ak.to_numpy(events.y)], axis=1)
    np.testing.assert_allclose(events.class_one_a, model.scores(values, identifier.keys(events))[:, 0], atol=1e-6)
    import pyarrow.parquet as pq

    mean = pq.read_table(apply(classified, skimmed["data"], tmp_path / "mean.parquet", "mean"))
    np.testing.assert_allclose(mean["class_one_a"].to_numpy(), model.mean(values)[:, 0], atol=1e-6)
    # Events of a class are never scored by the mean: some of the models know them.
    known = pq.read_table(apply(classified, skimmed["a"], tmp_path / "a.parquet", "mean"))
    held_out = pq.read_table(Dataset.open(skimmed["a"]).path("classify/one", "000"))
    assert known.equals(held_out)


def test_categories_are_the_first_true_ones_also_shifted(classified, skimmed, tmp_path):
    cuts = [("high", "class_one_a > 0.7"), ("low", "(class_one_a > 0.3) & (x < 2)")]
    content = {"categories": [{"name": name, "cut": cut} for name, cut in cuts], "friends": ["classify/one"]}
    write_json(tmp_path / "categories.json", content)
    output = Dataset.open(skimmed["a"]).path("classify/regions", "000")
    call("categorise", "--config", tmp_path / "categories.json", "--name", "regions", "--dataset", skimmed["a"],
         "--chunk", "000", "--output", output)  # fmt: skip
    dataset = Dataset.open(skimmed["a"])
    for variation in ("", "jes_up"):
        batches = dataset.iterate(
            ["x", "class_one_a", "category_regions"], ["classify/one", "classify/regions"], variation
        )
        events = ak.concatenate(list(batches))
        score = events.class_one_a
        expected = np.where(score > 0.7, 0, np.where((score > 0.3) & (events.x < 2), 1, -1))
        np.testing.assert_array_equal(events.category_regions, expected)
        assert set(expected) == {-1, 0, 1}


def test_weights_of_friends_count(skimmed, tmp_path):
    from resonaut.core import events
    from resonaut.core.weights import Factor

    dataset = Dataset.open(skimmed["a"])
    batches = list(dataset.iterate_chunk("000", ["x"], every=True))
    made = [
        ak.with_field(batch[list(identifier.KEY)], ak.where(batch.x > 1, 3.0, 1.0), "weight_more") for batch in batches
    ]
    events.write(dataset.path("reweight/more", "000"), made, {}, {"weight_more": Factor("more").metadata()})
    settings = {"classifier": plain(learning(), Learning), "luminosities": {"a": 1.0, "b": 1.0}}
    write_json(tmp_path / "train.json", settings)
    from resonaut.classify.settings import Training
    from resonaut.core import config

    training = config.read(tmp_path / "train.json", Training)
    plainly, weighted = (
        read.training([skimmed["a"], skimmed["b"]], given, training) for given in ({}, {"a": ["reweight/more"]})
    )
    np.testing.assert_allclose(
        weighted.weights / plainly.weights, np.where((plainly.labels == 0) & (plainly.values[:, 0] > 1), 3.0, 1.0)
    )


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        ({"inputs": ["x", "z"]}, InputFileError, "no column 'z'"),
        ({"inputs": ["x", "pf"]}, ConfigError, "the column 'pf' is a list in each event"),
        ({"inputs": ["x", "log(y)"]}, NotFiniteError, r"the input 'log\(y\)' is NaN or infinite in \d+ of \d+ events"),
        ({"inputs": ["x", "exp(100 * abs(y) + 50)"]}, NotFiniteError, r"is NaN or infinite in \d+ of \d+ events"),
        ({"inputs": ["x", "0 * y + 3"]}, ConfigError, r"'0 \* y \+ 3' is 3 in all \d+ events that train; correct"),
        ({"inputs": ["x", "y +"]}, ConfigError, r"'y \+' is no formula"),
        ({"cut": "x"}, ConfigError, "'x' is a number and no condition"),
        ({"cut": "x > 100"}, Exception, "class 'a': no event of a passes the cut"),
        ({"classes": {"a": ["a"], "b": ["c"]}}, ConfigError, "dataset 'b' is of no class"),
        ({"cut": "x > 2.5"}, Exception, r"class 'b': without fold \d of 3 it has \d events"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_one_sentence(skimmed, tmp_path, changed, error, says):
    with pytest.raises(error, match=says):
        train(tmp_path, skimmed, **changed)
    assert not (tmp_path / "one.npz").exists()


def test_events_that_trained_a_tagger_do_not_train(skimmed):
    from resonaut.core import events

    for name in "ab":
        dataset = Dataset.open(skimmed[name])
        batches = [
            {key: batch[key] for key in identifier.KEY}
            | {"score": np.asarray(batch.x) * 2, "tag_train": np.asarray(batch.event) % 4 == 0}
            for batch in dataset.iterate_chunk("000", ["x"], every=True)
        ]
        events.write(dataset.path("tag", "000"), [events.table(one, "test") for one in batches], {})
    given = {"luminosities": {"a": 1.0, "b": 1.0}}
    plainly, tagged = (
        read.training([skimmed["a"], skimmed["b"]], {}, type("T", (), {"classifier": settings} | given))
        for settings in (learning(), learning(inputs=["score", "y"], friends=["tag"]))
    )
    # Of the events that pass, 7 of 9 are left, with all of the yield.
    assert len(tagged.keys) == len(plainly.keys) * 7 // 9
    np.testing.assert_allclose(np.bincount(tagged.labels, tagged.weights), np.bincount(plainly.labels, plainly.weights))
    both = np.isin(plainly.keys, tagged.keys)
    assert set(np.round(plainly.values[both, 0] * 2, 4)) == set(np.round(tagged.values[:, 0], 4))
    # Likewise where the loss is the uncertainty.
    from resonaut.classify import varied
    from resonaut.classify.settings import Training
    from resonaut.core.record import build

    measured = {"signals": {"mu": ["a"]}, "scales": {"a": 1, "b": 1}, "statistics": True, "nuisances": {}}
    chosen = plain(learning(inputs=["score", "y"], friends=["tag"], learner="network", loss="uncertainty"), Learning)
    job = build(given | {"classifier": chosen, "measured": measured}, Training, "test")
    events = varied.training([skimmed["a"], skimmed["b"]], {}, job)
    assert set(events.keys) == set(tagged.keys)
    assert float(events.events.weights.sum()) == pytest.approx(plainly.weights.sum())


def test_the_cut_keeps_inputs_that_are_no_numbers_out(skimmed, tmp_path):
    settings = learning(inputs=["x", "log(y)"], cut="y > 0")
    training = type("T", (), {"classifier": settings, "luminosities": {"a": 1.0, "b": 1.0}})
    found = read.training([skimmed["a"], skimmed["b"]], {}, training)
    assert np.isfinite(found.values).all()


def test_an_empty_row_group_is_scored(classified, tmp_path):
    found = table(10, 4, 0.0, run=3)
    manifest = skim(tmp_path, "few", found[:1])
    output = apply(classified, manifest, tmp_path / "few.parquet")
    import pyarrow.parquet as pq

    assert len(pq.read_table(output)) == 1
