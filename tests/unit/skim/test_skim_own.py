"""Columns and formats of the user's own."""

import json
import shutil
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut.core import configuration, events, formats
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.core.provenance import command_code
from resonaut.skim import kept, plan
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.merge import merge

DATA = Path(__file__).parents[2] / "data"
COLUMN, FORMAT, OBSERVABLE = (str(DATA / f"my_{kind}.py") for kind in ("column", "format", "observable"))


@pytest.fixture
def content(make_events):
    """300 events with missing momentum."""
    return make_events(300) | {"MET_pt": np.arange(300, dtype=np.float32)}


@pytest.fixture
def skim(tmp_path, settings, dataset):
    """The rows and the summary of a file."""

    def run(file: Path, *code: str, fields: dict | None = None, workers: int = 1, region: dict | None = None, **keys):
        output, summary = tmp_path / "out" / "000.parquet", tmp_path / "out" / "000.json"
        one = dataset(**({"files": [str(file)]} | (fields or {})))
        skim_chunk(
            settings(batch_events=70, regions={"dijet": region or {}}, **keys),
            one,
            "x",
            workers,
            [str(file)],
            output,
            summary,
            code,
        )
        names = pq.ParquetFile(output).schema_arrow.names
        return ak.concatenate(list(events.iterate([output], names))), json.loads(summary.read_text())

    return run


@pytest.mark.parametrize("executor", ["iterative", "futures"])
def test_own_columns_are_stored_with_their_units(skim, write, content, tmp_path, executor) -> None:
    path = write(tmp_path / "a.root", content)
    without, before = skim(path)
    rows, summary = skim(path, COLUMN, region={"columns": ["met", "n_jets"]}, executor=executor, workers=2)
    assert rows.fields == [*without.fields, "met", "n_jets"]
    assert ak.array_equal(rows[without.fields], without)
    assert summary == before
    assert rows.met.tolist() == rows.event.tolist()
    many = ak.sum(content["FatJet"].pt > 200, axis=1)
    assert rows.n_jets.tolist() == many[rows.event].tolist()
    field = pq.read_schema(tmp_path / "out" / "000.parquet").field("met")
    assert (field.metadata[b"unit"], str(field.type)) == (b"GeV", "float")


def test_only_the_columns_that_are_named_are_stored(skim, write, content, tmp_path) -> None:
    del content["MET_pt"]
    rows, _ = skim(write(tmp_path / "a.root", content), COLUMN, region={"columns": ["n_jets"]})
    assert rows.fields[-1] == "n_jets"
    assert "met" not in rows.fields


def test_a_branch_that_a_file_lacks_is_named(skim, make_events, write, tmp_path) -> None:
    with pytest.raises(
        InputFileError, match=r"no branch 'MET_pt'; take the column that needs it out of the region's columns"
    ):
        skim(write(tmp_path / "a.root", make_events(50)), COLUMN, region={"columns": ["met"]})


def test_events_in_which_a_column_is_not_finite_are_left_out(skim, write, content, tmp_path) -> None:
    whole, _ = skim(write(tmp_path / "a.root", content), COLUMN, region={"columns": ["met"]})
    content["MET_pt"][whole.event[3]] = np.nan
    path = write(tmp_path / "b.root", content)
    with pytest.raises(NotFiniteError, match=r"'met' \(1 selected event\)"):
        skim(path, COLUMN, region={"columns": ["met"]})
    rows, _ = skim(path, COLUMN, region={"columns": ["met"]}, bad_files={"action": "skip"})
    assert rows.event.tolist() == [number for number in whole.event.tolist() if number != whole.event[3]]


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("b['FatJet_pt']", "'wrong': .*; correct its formula"),
        ("b['FatJet_mass']", "'wrong': KeyError: 'FatJet_mass'; correct its formula"),
        ("b['FatJet_pt'][:1, 0]", r"'wrong': its formula gives the shape \(1,\) for \d+ events"),
    ],
)
def test_a_formula_that_gives_no_number_an_event_is_no_fault_of_the_file(
    skim, write, content, tmp_path, formula, sentence
) -> None:
    own = tmp_path / "mine.py"
    own.write_text(
        "from resonaut.skim.own import EventColumn\n"
        f"COLUMNS = {{'wrong': EventColumn(('FatJet_pt',), '1', lambda b: {formula})}}\n"
    )
    with pytest.raises(ConfigError, match=sentence):
        skim(write(tmp_path / "a.root", content), str(own), region={"columns": ["wrong"]}, bad_files={"action": "skip"})


@pytest.fixture
def table(tmp_path) -> Path:
    """120 events with the columns of the format of the documentation, and one more."""
    rng = np.random.default_rng(2)
    with h5py.File(tmp_path / "jets.h5", "w") as file:
        for jet in (1, 2):
            columns = {"pt": (400, 900), "eta": (-1, 1), "phi": (-3, 3), "mass": (100, 300), "softdrop_mass": (50, 100)}
            for name, ends in (columns | {"tau1": (0.1, 1), "tau2": (0.1, 1)}).items():
                file[f"{name}_{jet}"] = rng.uniform(*ends, 120)
        file["MET_pt"] = np.arange(120.0)
    return tmp_path / "jets.h5"


def test_a_format_of_the_user_s_own_is_read_and_merged(skim, table, tmp_path, settings, dataset) -> None:
    fields = {"format": "jet_table", "files": [str(table)]}
    region = {"delta_eta_max": None, "columns": ["met"]}
    rows, _ = skim(table, FORMAT, COLUMN, fields=fields, region=region)
    assert len(rows) == 120
    with h5py.File(table) as file:
        masses = np.stack([file["softdrop_mass_1"][:], file["softdrop_mass_2"][:]])
        heavier, first = masses.max(axis=0), masses.argmax(axis=0)
        ratios = np.where(first == 0, file["tau2_1"][:], file["tau2_2"][:])
    assert rows.j1_softdrop_mass.to_numpy() == pytest.approx(heavier)
    assert rows.j1_tau2.to_numpy() == pytest.approx(ratios)
    assert rows.met.tolist() == rows.event.tolist()
    manifest = tmp_path / "out.json"
    merge(
        settings(regions={"dijet": region}),
        dataset(**fields),
        "x",
        [tmp_path / "out" / "000.json"],
        manifest,
        (FORMAT,),
    )
    assert json.loads(manifest.read_text())["events"] == 120


def test_labels_choose_events_of_a_format_of_the_user_s_own_too(skim, table, tmp_path) -> None:
    own = tmp_path / "labelled.py"
    own.write_text(Path(FORMAT).read_text().replace("candidates=False", "candidates=False, labels=True"))
    with h5py.File(table, "a") as file:
        file["label"] = np.arange(120) % 3 == 0
    fields = {"format": "jet_table", "files": [str(table)], "labelled": {"background": [0, 10], "signal": [5, None]}}
    rows, _ = skim(table, str(own), COLUMN, fields=fields, region={"delta_eta_max": None, "columns": ["met"]})
    assert sorted((rows.event % 3 == 0).tolist()) == [False] * 10 + [True] * 35
    assert rows.met.tolist() == rows.event.tolist()


def test_traits_of_a_format_decide(tmp_path) -> None:
    entry = formats.entry("jet_table", [FORMAT])
    assert (entry.candidates, entry.labels, entry.sections) == (False, False, False)
    with pytest.raises(ConfigError, match="unknown format 'jet_table'; there are lhco_features, lhco_raw, nanoaod"):
        formats.entry("jet_table")


def keeping(column: str) -> dict:
    """A section that keeps a column."""
    return {"regions": {"dijet": {"columns": [column]}}}


def analysis(**changes) -> Analysis:
    entry = {"nature": "simulation", "cross_section": 1.0}
    datasets = {"x": entry | changes.pop("x", {}), "y": entry | {"format": "lhco_features"}}
    given = {"search": {"stages": ["skim"], "samples": {"background": list(datasets)}}, "datasets": datasets} | changes
    config = configuration.validate(given)
    from resonaut.core.datasets import DatasetConfig
    from resonaut.core.record import build

    return Analysis(config, {name: build(one, DatasetConfig, name) for name, one in config["datasets"].items()})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"x": {"format": "root"}}, r"datasets\.x\.format: unknown format 'root'; there are lhco_features, lhco_raw"),
        (
            {"skim": keeping("met")},
            r"skim\.regions\.dijet\.columns: unknown column 'met'; there are none; give one under COLUMNS",
        ),
        ({"skim": keeping("ht"), "code": [COLUMN]}, r"unknown column 'ht'; there are met, n_jets"),
        (
            {"x": {"labelled": {}}},
            r"datasets\.x\.labelled chooses events by a label, which files of the format nanoaod l",
        ),
        (
            {"skim": {"regions": {"dijet": {"trigger": ["HLT_A"]}}}},
            r"skim\.regions\.dijet asks for triggers, .*, which files of the format lhco_features lack",
        ),
        ({"x": {"format": "jet_table", "labelled": {}}, "code": [FORMAT]}, r"datasets\.x\.labelled chooses events"),
    ],
)
def test_what_is_wrong_is_said_before_the_first_job(changes, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        plan.check(analysis(**changes))


@pytest.mark.parametrize(
    ("name", "branch", "sentence"),
    [
        ("m_jj", "MET_pt", "'m_jj' has the name of another column"),
        ("passes", "MET_pt", "'passes' has the name of another column"),
        ("met__jes_up", "MET_pt", "'met__jes_up' reads as the shift of another column"),
        ("heavy", "GenPart_pt", r"'heavy' reads 'GenPart_pt' of datasets\.x, which only simulation has; take it out"),
        ("truth", "label", r"'truth' reads 'label' of datasets\.y, which only simulation has"),
    ],
)
def test_columns_that_must_not_be(tmp_path, name, branch, sentence) -> None:
    own = tmp_path / "mine.py"
    own.write_text(
        "from resonaut.skim.own import EventColumn\n"
        f"COLUMNS = {{{name!r}: EventColumn(({branch!r},), '1', lambda b: b[{branch!r}])}}\n"
    )
    with pytest.raises(ConfigError, match=sentence):
        plan.check(analysis(skim=keeping(name), code=[str(own)]))


def test_an_observable_of_the_user_s_own_is_checked_and_an_input_of_its_jobs() -> None:
    region = {"jets": 1, "objects": {"muon": {"number": [1, None]}}, "observables": ["m_j_mu"]}
    one = analysis(code=[COLUMN, OBSERVABLE], skim={"regions": {"mine": region}}, x={"region": "mine"})
    plan.check(one)
    assert plan.own_code(one, "x") == [OBSERVABLE]
    assert plan.own_code(one, "y") == []
    region["objects"]["muon"]["number"] = [0, 1]
    few = analysis(code=[OBSERVABLE], skim={"regions": {"mine": region}}, x={"region": "mine"})
    with pytest.raises(ConfigError, match=r"'m_j_mu' needs 1 of 'muon', and events of the region have 0 or more"):
        plan.check(few)


def test_a_column_cannot_have_the_name_of_an_object_s(tmp_path) -> None:
    own = tmp_path / "mine.py"
    own.write_text(
        "from resonaut.skim.own import EventColumn\n"
        "COLUMNS = {'n_muon': EventColumn(('MET_pt',), '1', lambda b: b['MET_pt'])}\n"
    )
    region = {"objects": {"muon": {}}, "columns": ["n_muon"]}
    with pytest.raises(ConfigError, match="'n_muon' has the name of another column"):
        plan.check(analysis(skim={"regions": {"mine": region}}, code=[str(own)], x={"region": "mine"}))


def test_tables_of_jets_have_observables_of_them(skim, table) -> None:
    fields = {"format": "jet_table", "files": [str(table)]}
    region = {"delta_eta_max": None, "observables": ["delta_phi_jj", "m_jet"], "cuts": {"delta_phi_jj": [1, 3]}}
    rows, summary = skim(table, FORMAT, fields=fields, region=region)
    assert 0 < len(rows) < 120
    turned = np.abs(rows.j1_phi - rows.j2_phi)
    assert rows.delta_phi_jj.to_numpy() == pytest.approx(np.minimum(turned, 2 * np.pi - turned), abs=1e-5)
    assert ak.all((rows.delta_phi_jj >= 1) & (rows.delta_phi_jj <= 3))
    assert ak.array_equal(rows.m_jet, rows.j1_softdrop_mass)
    assert [row["cut"] for row in summary["cutflow"]] == ["stored", "pt", "eta", "delta_phi_jj", "readable"]


def test_a_chunk_depends_on_the_code_of_its_own_format_and_of_its_columns_only(tmp_path) -> None:
    unused = tmp_path / "unused.py"
    shutil.copy(COLUMN, unused)
    unused.write_text(unused.read_text().replace('"met"', '"other"').replace('"n_jets"', '"more"'))
    one = analysis(code=[COLUMN, str(unused), FORMAT], skim=keeping("met"), x={"format": "jet_table"})
    plan.check(one)
    assert plan.own_code(one, "x") == [COLUMN, FORMAT]
    assert plan.own_code(one, "y") == [COLUMN]
    assert kept.format_code(one, "x") == [FORMAT]
    assert kept.format_code(one, "y") == []
    code = command_code("skim", "chunk", *plan.modules(one, "y"))
    assert {path for path in code if "formats/" in path} == {
        "skim/formats/__init__.py",
        "skim/formats/lhco_features/__init__.py",
        "skim/formats/lhco_features/reader.py",
    }
    assert "physics/jets.py" not in code
    assert str(Path(COLUMN)) in code
