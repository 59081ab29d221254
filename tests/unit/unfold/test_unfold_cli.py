"""The stage by its commands, on small tables of its own."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from resonaut.core.errors import ConfigError, InputFileError, MisalignedFriendsError
from resonaut.core.files import write_json
from resonaut.core.record import build, plain
from resonaut.core.results import read
from resonaut.unfold.cli import app
from resonaut.unfold.publish import Unfolded, families
from resonaut.unfold.results import Measured, Publication, Summary
from resonaut.unfold.settings import Settings, Train

RUNS = ("ensemble_0", "ensemble_1", "bootstrap_data_0", "bootstrap_data_1", "bootstrap_mc_0", "bootstrap_mc_1", "sf_up")
SECTION = {
    "observables": {"X": {"detector": "x", "edges": [-1, 0, 1]}, "y": {"detector": "y"}},
    "iterations": 1,
    "classifier": {"folds": 2, "network": {"hidden": [16], "learning_rate": 0.01}},
}


def call(*words) -> None:
    CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


@pytest.fixture(scope="session")
def unfolded(skimmed, tmp_path_factory) -> Path:
    """The folder of an unfolding of data."""
    folder = tmp_path_factory.mktemp("results")
    settings = build(SECTION, Settings, "test")
    whole = plain(settings, Settings)
    single = {name: value for name, value in whole.items() if name in plain(build({}, Train, ""), Train)}
    write_json(folder / "train.json", single)
    write_json(folder / "merge.json", {"train": single, "selection": {"cuts": {"x": [0, 1]}}})
    write_json(folder / "summarise.json", whole)
    inputs = ["--data", skimmed["data"], "--simulation", skimmed["simulation"]]
    for run in RUNS:
        output = folder / "runs" / f"{run}.parquet"
        call("train", "--config", folder / "train.json", *inputs, "--run", run, "--output", output)
    runs = [word for run in RUNS for word in ("--run", folder / "runs" / f"{run}.parquet")]
    call("merge", "--config", folder / "merge.json", *inputs, *runs, "--output", folder / "events.parquet")
    return folder


def test_the_table_has_the_columns_of_the_release(unfolded):
    found = pq.read_table(unfolded / "events.parquet")
    weights = {name: found.column(name).to_numpy() for name in found.column_names if "weight" in name}
    assert list(weights) == ["weight_mc", "weights_nominal", *(f"weights_{run}" for run in RUNS)]
    np.testing.assert_allclose(
        weights["weights_nominal"], (weights["weights_ensemble_0"] + weights["weights_ensemble_1"]) / 2
    )
    # 2000 events of data in 20/fb, of which 95 % are no fakes, seen with 80 % and a scale factor of 0.9.
    assert weights["weights_nominal"].sum() == pytest.approx(2000 * 0.95 / 0.8 / 0.9 / 20, rel=0.06)
    assert weights["weights_sf_up"].sum() / weights["weights_nominal"].sum() == pytest.approx(0.9 / 0.95, rel=0.03)
    assert np.mean(found.column("X").to_numpy()) == pytest.approx(0, abs=0.1)
    drawn = weights["weights_bootstrap_mc_0"] == 0
    assert drawn.mean() == pytest.approx(np.exp(-1), abs=0.03)
    assert not (weights["weights_bootstrap_data_0"] == 0).any()
    assert np.any(weights["weights_bootstrap_data_0"] != weights["weights_bootstrap_data_1"])


def test_the_description_says_what_was_done(unfolded):
    found = read(unfolded / "events.json", Publication)
    assert found.families.keys() == {"ensemble", "bootstrap_data", "bootstrap_mc", "sf"}
    assert found.families["bootstrap_mc"].columns == ["weights_bootstrap_mc_0", "weights_bootstrap_mc_1"]
    assert found.observables["X"].unit == "GeV"
    assert (found.iterations, found.selection, found.datasets) == (1, {"cuts": {"x": [0, 1]}}, ["data", "signal"])
    assert Unfolded.open(unfolded / "events.parquet").families == found.families


def test_another_file_than_the_described_one_stops(unfolded, tmp_path):
    for name in ("events.parquet", "events.json"):
        (tmp_path / name).write_bytes((unfolded / name).read_bytes())
    table = pq.read_table(tmp_path / "events.parquet")
    pq.write_table(table[1:], tmp_path / "events.parquet")
    with pytest.raises(InputFileError, match=r"is not the file that .* describes"):
        Unfolded.open(tmp_path / "events.parquet")
    pq.write_table(table.drop(["weights_nominal"]), tmp_path / "events.parquet")
    with pytest.raises(InputFileError, match="no column 'weights_nominal'"):
        Unfolded.open(tmp_path / "events.parquet")


def test_a_new_observable_is_a_table_a_figure_and_a_covariance(unfolded, tmp_path):
    call("observable", "--events", unfolded / "events.parquet", "--name", "product", "--expression", "X * y",
         "--where", "(X > -2) & (X < 2)", "--edges=-4,-1,0,1,4", "--output", tmp_path)  # fmt: skip
    found = read(tmp_path / "product.json", Measured)
    table = pq.read_table(unfolded / "events.parquet").to_pydict()
    x, y, weights = (np.array(table[name]) for name in ("X", "y", "weights_nominal"))
    kept = (x > -2) & (x < 2)
    expected = np.histogram((x * y)[kept], found.edges, weights=weights[kept])[0]
    np.testing.assert_allclose(found.values, expected)
    assert found.outside == pytest.approx(weights[kept].sum() - expected.sum())
    up = np.histogram((x * y)[kept], found.edges, weights=np.array(table["weights_sf_up"])[kept])[0]
    np.testing.assert_allclose(found.uncertainties["sf"].error, np.abs(up - expected))
    replicas = [
        np.histogram((x * y)[kept], found.edges, weights=np.array(table[f"weights_bootstrap_mc_{i}"])[kept])[0]
        for i in (0, 1)
    ]
    np.testing.assert_allclose(found.uncertainties["bootstrap_mc"].covariance, np.cov(np.transpose(replicas)))
    members = [
        np.histogram((x * y)[kept], found.edges, weights=np.array(table[f"weights_ensemble_{i}"])[kept])[0]
        for i in (0, 1)
    ]
    np.testing.assert_allclose(found.uncertainties["ensemble"].covariance, np.cov(np.transpose(members)) / 2)
    squares = sum(np.square(one.error) for one in found.uncertainties.values())
    np.testing.assert_allclose(found.total.error, np.sqrt(squares))
    rows = list(csv.DictReader((tmp_path / "product.csv").read_text().splitlines()))
    assert [float(row["value_fb"]) for row in rows] == pytest.approx(found.values)
    assert (tmp_path / "product.png").read_bytes()[1:4] == b"PNG"


def test_a_stored_column_needs_no_formula_and_no_edges(unfolded, tmp_path):
    call("observable", "--events", unfolded / "events.parquet", "--name", "y", "--output", tmp_path)
    found = read(tmp_path / "y.json", Measured)
    assert len(found.values) == 20
    assert found.outside == 0
    assert sum(found.values) == pytest.approx(read(unfolded / "events.json", Publication).cross_section)


def test_a_table_without_a_description_is_read_by_its_names(tmp_path):
    rng = np.random.default_rng(1)
    names = ["pT_ll", "weights_nominal", "weights_ensemble_0", "weights_ensemble_1", "weights_trackFake", "target_dd"]
    pq.write_table(pa.table({name: rng.uniform(1, 2, 50) for name in names}), tmp_path / "multifold.parquet")
    found = Unfolded.open(tmp_path / "multifold.parquet").families
    assert {name: one.combination for name, one in found.items()} == {
        "ensemble": "standard_error",
        "trackFake": "difference",
    }
    call(
        "observable",
        "--events",
        tmp_path / "multifold.parquet",
        "--name",
        "pT_ll",
        "--edges",
        "1,1.5,2",
        "--output",
        tmp_path,
    )
    assert (tmp_path / "pT_ll.csv").exists()


def test_ups_and_downs_are_one_family():
    found = families(["weights_a_up", "weights_a_down", "weights_b_up", "weights_dd"])
    assert {name: one.columns for name, one in found.items()} == {
        "a": ["weights_a_up", "weights_a_down"], "b": ["weights_b_up"], "dd": ["weights_dd"]
    }  # fmt: skip


def test_simulation_in_place_of_data_knows_the_truth(skimmed, unfolded, tmp_path):
    inputs = ["--pseudo", skimmed["pseudo"], "--simulation", skimmed["simulation"]]
    for run in ("ensemble_0", "ensemble_1"):
        call(
            "train", "--config", unfolded / "train.json", *inputs, "--run", run, "--output", tmp_path / f"{run}.parquet"
        )
    runs = [word for run in ("ensemble_0", "ensemble_1") for word in ("--run", tmp_path / f"{run}.parquet")]
    call("merge", "--config", unfolded / "merge.json", *inputs, *runs, "--output", tmp_path / "events.parquet")
    reports = [str(word).replace(".parquet", ".json") for word in runs]
    events = ["--events", tmp_path / "events.parquet", "--output", tmp_path / "summary.json"]
    call("summarise", "--config", unfolded / "summarise.json", *inputs, *reports, *events)
    found = read(tmp_path / "summary.json", Summary)
    (compared,) = found.observables.values()
    table, edges = pq.read_table(tmp_path / "events.parquet"), [-np.inf, -1, 0, 1, np.inf]
    members = [
        np.histogram(table["X"].to_numpy(), edges, weights=table[f"weights_ensemble_{i}"].to_numpy())[0] for i in (0, 1)
    ]
    np.testing.assert_allclose(compared.omnifold, np.mean(members, axis=0))
    np.testing.assert_allclose(compared.omnifold_error, np.std(members, axis=0, ddof=1) / np.sqrt(2))
    assert compared.triangular_bayes < compared.triangular_prior
    assert compared.triangular_omnifold < compared.triangular_prior
    assert sum(compared.truth) == pytest.approx(2500 * 0.95 / 20, rel=0.02)
    assert [run.run for run in found.runs] == ["ensemble_0", "ensemble_1"]


def test_background_of_simulation_is_subtracted(skimmed, unfolded, tmp_path):
    inputs = ["--data", skimmed["data"], "--simulation", skimmed["simulation"], "--background", skimmed["background"]]
    call(
        "train", "--config", unfolded / "train.json", *inputs, "--run", "ensemble_0", "--output", tmp_path / "a.parquet"
    )
    content = [json.loads(path.read_text()) for path in (tmp_path / "a.json", unfolded / "runs" / "ensemble_0.json")]
    assert content[0]["negative"] == pytest.approx([144 / (144 + 2000), 0], rel=0.1)
    # At x = 2 there is more background than data.
    assert 0 < content[0]["signs_clipped"][0] < 0.2
    assert content[1]["signs_clipped"] == [0, 0]
    less, whole = [one["iterations"][-1]["yield_ratio"] for one in content]
    # 144 of about 2000 events: 160 pass, with a scale factor of 0.9.
    assert less / whole == pytest.approx(1 - 144 / 2000, abs=0.03)


def test_a_variation_of_the_signal_alone_is_unfolded_beside_a_background(skimmed, unfolded, tmp_path):
    """With 20 % more of the signal before the selection, and nothing else, the same cross section comes out."""
    inputs = ["--data", skimmed["data"], "--simulation", skimmed["varied"], "--background", skimmed["background"]]
    found = {}
    for run in ("ensemble_0", "scale_r_2017_up"):
        output = tmp_path / f"{run}.parquet"
        call("train", "--config", unfolded / "train.json", *inputs, "--run", run, "--output", output)
        found[run] = pq.read_table(output).column("weights").to_numpy().sum()
    reports = [json.loads((tmp_path / f"{run}.json").read_text()) for run in found]
    assert [one["unvaried"] for one in reports] == [[], ["background"]]
    assert found["scale_r_2017_up"] == pytest.approx(found["ensemble_0"], rel=0.02)
    assert reports[1]["iterations"][-1]["yield_ratio"] == pytest.approx(
        reports[0]["iterations"][-1]["yield_ratio"] / 1.2, rel=0.02
    )
    assert reports[1]["negative"][0] == pytest.approx(reports[0]["negative"][0])


def test_the_same_run_gives_the_same_bytes(skimmed, unfolded, tmp_path):
    inputs = ["--data", skimmed["data"], "--simulation", skimmed["simulation"], "--run", "bootstrap_mc_1"]
    call("train", "--config", unfolded / "train.json", *inputs, "--output", tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (unfolded / "runs" / "bootstrap_mc_1.parquet").read_bytes()


def test_unknown_variations_and_runs_of_other_events_stop(skimmed, unfolded, tmp_path):
    inputs = ["--data", skimmed["data"], "--simulation", skimmed["simulation"]]
    with pytest.raises(ConfigError, match="no simulated dataset has 'jes_up', but these: sf_up, sf_down; correct"):
        call(
            "train", "--config", unfolded / "train.json", *inputs, "--run", "jes_up", "--output", tmp_path / "a.parquet"
        )
    run = tmp_path / "ensemble_0.parquet"
    pq.write_table(pq.read_table(unfolded / "runs" / "ensemble_0.parquet")[1:], run)
    with pytest.raises(MisalignedFriendsError, match="row for row"):
        call("merge", "--config", unfolded / "merge.json", *inputs, "--run", run, "--output", tmp_path / "b.parquet")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--name", "z"], "no column 'z'"),
        (["--name", "z", "--expression", "X +"], "is no formula"),
        (["--name", "z", "--expression", "X.dtype"], "'X.dtype', which is no column, number or operation"),
        (["--name", "z", "--expression", "__import__('os')"], "no column '__import__'"),
        (["--name", "X", "--edges", "1,a"], "give numbers separated by commas"),
        (["--name", "X", "--edges", "1,0"], "do not ascend"),
        (["--name", "X", "--edges", "0,nan"], "do not ascend"),
        (["--name", "X", "--where", "X"], "'X' is a number and no condition"),
        (["--name", "../X", "--expression", "X"], "'../X' is no name of files"),
        (["--name", "X", "--where", "X > 100"], "no event has a finite 'X' with 'X > 100'"),
    ],
)
def test_what_is_no_observable_is_one_sentence(unfolded, tmp_path, words, says):
    from resonaut.core.errors import ResonautError

    with pytest.raises(ResonautError, match=says):
        call("observable", "--events", unfolded / "events.parquet", *words, "--output", tmp_path)
