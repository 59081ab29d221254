"""``resonaut reweight compare`` on the files that users have."""

import json
import re
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import uproot
from typer.testing import CliRunner

from resonaut.core import events
from resonaut.core.errors import ConfigError, EmptySelectionError, InputFileError, NotFiniteError, ResonautError
from resonaut.core.files import write_json
from resonaut.core.results import read
from resonaut.core.weights import Factor
from resonaut.reweight.cli import app
from resonaut.reweight.comparison import compare_files
from resonaut.reweight.results import Comparison
from resonaut.reweight.sources import open_source

DOCS = Path(__file__).parents[3] / "docs"


def columns(n: int, seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "event": np.arange(n),
        "m_jj": 2000 + rng.exponential(1000, n),
        "tau21": rng.normal(0.5 + shift, 0.1, n),
        "n_jets": rng.poisson(3, n),
        "w": np.exp(-10 * rng.uniform(0, 0.2, n)),
    }


def write(path: Path, values: dict[str, np.ndarray]) -> str:
    table = pa.table(values)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        pa.csv.write_csv(table, path)
    else:
        with uproot.recreate(path) as file:
            file.mktree("events", {name: array.dtype for name, array in values.items()})
            file["events"].extend(values)
    return str(path)


def dataset(folder: Path, name: str, n: int, shift: float, **manifest) -> str:
    found = columns(n, 5, shift)
    found |= {"run": np.ones(n, np.int64), "luminosityBlock": np.ones(n, np.int64), "gen_weight": np.full(n, 2.0)}
    found["pileup"] = np.where(found["tau21"] > 0.5, 1.5, 0.5)
    notes = {"pileup": Factor("pileup").metadata(), "tau21": {"label": r"$\tau_{21}$"}}
    events.write(folder / "skim" / name / "000.parquet", [ak.Array(found)], {"m_jj": "GeV"}, notes)
    content = {"name": name, "nature": "simulation", "chunks": ["000"], "events": n, "luminosity": None}
    content |= {"cross_section": 1.0, "mass": None, "weight_scale": 0.5, "era": None, "cutflow": [], "lost": []}
    content |= {"notes": [], "dropped": {}, "variations": {}}
    write_json(folder / "skim" / f"{name}.json", content | manifest)
    return str(folder / "skim" / f"{name}.json")


@pytest.fixture
def first(tmp_path) -> str:
    return write(tmp_path / "first.parquet", columns(3000, 1))


@pytest.mark.parametrize("ending", ["parquet", "csv", "root"])
def test_every_kind_of_file_is_read_alike(tmp_path, first, ending):
    second = write(tmp_path / f"second.{ending}", columns(2000, 2, 0.02))
    said = compare_files(first, second, None, ["w"], tmp_path / "out")
    assert said.startswith(f"'tau21' tells {first} and {second} apart most: Jensen-Shannon divergence 0.0")
    found = read(tmp_path / "out" / "comparison.json", Comparison)
    assert found.sentence == said.splitlines()[0]
    assert found.weights == ("w", "w")
    assert [one.name for one in found.report.variables] == ["m_jj", "tau21", "n_jets"]
    assert found.report.events == (3000, 2000)
    assert found.report.effective[0] < 2700
    assert found.report.variables[1].test.p_value < 1e-4 < found.report.variables[0].test.p_value
    assert (tmp_path / "out" / "comparison.png").stat().st_size > 20_000


def test_the_kinds_of_files_give_the_same_numbers(tmp_path, first):
    reports = []
    for ending in ("parquet", "csv", "root"):
        second = write(tmp_path / f"second.{ending}", columns(2000, 2, 0.02))
        compare_files(first, second, "tau21,m_jj", ["1", "w"], tmp_path / "out")
        reports.append(json.loads((tmp_path / "out" / "comparison.json").read_text())["report"])
    assert reports[0] == reports[1] == reports[2]


def test_a_skimmed_dataset_has_its_weights_and_labels(tmp_path, first):
    source = open_source(dataset(tmp_path, "qcd", 2000, 0.0))
    assert source.observables == ["m_jj", "tau21", "n_jets", "w"]
    assert source.labels["m_jj"] == "m_jj [GeV]"
    assert source.labels["tau21"] == r"$\tau_{21}$"
    sample = source.sample(["tau21"], None)
    np.testing.assert_allclose(sample.weights, np.where(sample.features[:, 0] > 0.5, 1.5, 0.5))
    assert len(set(sample.keys.tolist())) == 2000
    assert np.all(source.sample(["tau21"], "1").weights == 1)
    compare_files(str(tmp_path / "skim" / "qcd.json"), first, "tau21,m_jj", [], tmp_path / "out")
    found = read(tmp_path / "out" / "comparison.json", Comparison)
    assert found.weights == ("those of the dataset", "1")
    # The weights move events to large values.
    assert found.report.variables[0].test.p_value < 1e-10


def test_events_that_pass_only_in_a_variation_are_not_compared(tmp_path, add_failing):
    manifest = Path(dataset(tmp_path, "qcd", 2000, 0.0))
    add_failing(manifest)
    source = open_source(str(manifest))
    assert len(source.sample(["m_jj"], None).keys) == 2000
    assert "passes" not in source.observables


def test_the_command_prints_what_it_found(tmp_path, first):
    second = write(tmp_path / "second.csv", columns(2000, 2, 0.02))
    words = ["compare", first, second, "--output", str(tmp_path / "out"), "--columns", "tau21"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert "'tau21' tells" in result.output
    assert re.search(r"tau21 +0\.0\d+ ± 0\.00\d+ .*classifier output", result.output, re.DOTALL)
    assert f"weights of {first}: 1, {second}: 1" in result.output


def test_a_column_of_one_value_is_left_out_unless_it_is_named(tmp_path):
    both = [write(tmp_path / f"{i}.csv", columns(500, i) | {"flag": np.ones(500)}) for i in (1, 2)]
    assert "'flag' has one value only and is left out" in compare_files(*both, None, [], tmp_path / "out")
    with pytest.raises(ResonautError, match="'flag' is 1 in all events of both samples; leave it out"):
        compare_files(*both, "flag,m_jj", [], tmp_path / "out")


@pytest.mark.parametrize(
    ("second", "options", "error", "words"),
    [
        (
            {},
            {"columns": "tau"},
            InputFileError,
            "first.parquet: has no column of numbers 'tau'; give --columns one of",
        ),
        ({}, {"columns": "w,w"}, ConfigError, "--columns 'w,w' names a column twice"),
        ({}, {"columns": ","}, ConfigError, "--columns ',' names no column"),
        ({}, {"weights": ["v"]}, InputFileError, "first.parquet: has no column of numbers 'v'; give --weight one of"),
        ({}, {"weights": ["w"] * 3}, ConfigError, "--weight is there 3 times"),
        ({"w": np.zeros(400)}, {"weights": ["w"]}, ResonautError, "the weights of .*second.parquet sum to 0, and"),
        (
            {"w": np.linspace(-2, 1, 400)},
            {"weights": ["w"]},
            ResonautError,
            "the weights of .*second.parquet sum to -200",
        ),
        ({"m_jj": np.full(400, np.nan)}, {}, NotFiniteError, "'m_jj' of .*second.parquet: 400 of 400 are NaN"),
    ],
)
def test_what_cannot_be_compared_ends_in_a_sentence(tmp_path, first, second, options, error, words):
    path = write(tmp_path / "second.parquet", columns(400, 2) | second)
    with pytest.raises(error, match=words):
        compare_files(first, path, **{"columns": None, "weights": [], "output": tmp_path / "out"} | options)
    assert not (tmp_path / "out").exists()


def test_an_empty_sample_ends_in_a_sentence(tmp_path, first):
    path = write(tmp_path / "second.parquet", columns(0, 2))
    for both in ((first, path), (path, first)):
        with pytest.raises(EmptySelectionError, match=r"second\.parquet has no events"):
            compare_files(*both, None, [], tmp_path / "out")


def test_files_without_a_common_column_end_in_a_sentence(tmp_path, first):
    path = write(tmp_path / "second.csv", {"x": np.arange(9.0)})
    with pytest.raises(ConfigError, match=r"have no column of numbers in common \(m_jj, tau21, n_jets, w; x\)"):
        compare_files(first, path, None, [], tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("no.parquet", None, "no such file"),
        ("a.parquet", b"PAR1", "not a readable Parquet file"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "not a readable CSV file"),
        ("a.csv", b"name\nx\n", "has no columns of numbers"),
        ("a.txt", b"", "'.txt' is no known kind"),
        ("a.json", b"{}", "no manifest of a dataset"),
    ],
)
def test_other_files_end_in_a_sentence(tmp_path, first, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputFileError, match=re.escape(words)):
        compare_files(str(tmp_path / name), first, None, [], tmp_path / "out")


def test_a_tree_is_named_where_a_root_file_has_several(tmp_path, first):
    path = tmp_path / "two.root"
    with uproot.recreate(path) as file:
        for name in ("one", "other"):
            file.mktree(name, {"m_jj": np.float64})
            file[name].extend({"m_jj": columns(600, 3)["m_jj"]})
    with pytest.raises(InputFileError, match=r"has 2 trees; name one as .*two\.root:name, of one, other"):
        open_source(str(path))
    assert open_source(f"{path}:other").observables == ["m_jj"]


def test_the_command_of_the_documentation(tmp_path, monkeypatch):
    """It runs as it stands there, and finds the same variable with the same numbers of degrees of freedom."""
    page = (DOCS / "reweight.md").read_text()
    command, printed = re.search(r"```\n\$ resonaut reweight (compare .*?)\n(.*?)```", page, re.DOTALL).groups()
    monkeypatch.chdir(tmp_path)
    write(Path("data.parquet"), {name: v for name, v in columns(30_000, 1, 0.01).items() if name != "w"})
    write(Path("simulation.csv"), columns(20_000, 2))
    result = CliRunner().invoke(app, command.split(), catch_exceptions=False)
    shown, found = (re.sub(r"\d+\.?\d*(e-\d+)?|-", "N", text).split() for text in (printed, result.output))
    assert found == shown
    assert Path("comparison/comparison.png").is_file()
