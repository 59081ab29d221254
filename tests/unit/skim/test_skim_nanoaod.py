"""NanoAOD files: what is kept, in which order, by which executor; and what a bad file ends in."""

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from resonaut import events
from resonaut.errors import InputFileError, NotFiniteError
from resonaut.skim.chunk import skim_chunk


@pytest.fixture
def skim(tmp_path, settings, dataset):
    """Skim files with the given settings; the events and the summary."""

    def run(*files: Path, workers: int = 1, role: str = "background", name: str = "000", **keys):
        output, summary = tmp_path / "out" / f"{name}.parquet", tmp_path / "out" / f"{name}.json"
        skim_chunk(settings(**keys), dataset(role=role), "qcd", workers, [str(file) for file in files], output, summary)
        assert sorted(path.name for path in output.parent.iterdir() if name in path.name) == [summary.name, output.name]
        columns = pq.ParquetFile(output).schema_arrow.names
        return ak.concatenate(list(events.iterate([output], columns))), json.loads(summary.read_text())

    return run


def expected_dijets(content) -> list[tuple[int, list[int]]]:
    """Event numbers and jet indices (heavier first) of the default selection, by a plain loop."""
    found = []
    for number, jets in enumerate(content["FatJet"].to_list()):
        good = [i for i, jet in enumerate(jets) if jet["pt"] > 300 and abs(jet["eta"]) < 2.5]
        pair = sorted(good, key=lambda i: -jets[i]["pt"])[:2]
        if len(pair) == 2 and abs(jets[pair[0]]["eta"] - jets[pair[1]]["eta"]) < 1.3:
            found.append((number, sorted(pair, key=lambda i: -jets[i]["msoftdrop"])))
    return found


def test_selection_is_that_of_a_plain_loop(skim, content, write, tmp_path) -> None:
    rows, summary = skim(write(tmp_path / "a.root", content))
    expected = expected_dijets(content)
    assert rows.event.to_list() == [number for number, _ in expected]
    assert len(expected) > 20
    for row, (number, pair) in zip(rows.to_list(), expected, strict=True):
        for j, index in zip(("j1", "j2"), pair, strict=True):
            jet = content["FatJet"][number, index]
            assert row[f"{j}_pt"] == jet["pt"]
            assert row[f"{j}_softdrop_mass"] == jet["msoftdrop"]
            assert row[f"{j}_tau2"] == jet["tau2"]
            links = content["FatJetPFCands"][number]
            mine = content["PFCands"][number][links.pFCandsIdx[links.jetIdx == index]]
            assert row[f"{j}_pf_pt"] == sorted(mine.pt.to_list(), reverse=True)
            assert set(row[f"{j}_pf_charge"]) == set(mine.charge.to_list())
            assert row[f"{j}_n_constituents"] == 3
    weights = content["genWeight"].astype(float)
    stored, last = summary["cutflow"][0], summary["cutflow"][-1]
    assert (stored["events"], stored["sum_weights"]) == (200, weights.sum())
    assert (last["events"], last["sum_weights"]) == (len(expected), weights[[n for n, _ in expected]].sum())
    assert summary["generated"] == [200, weights.sum()]


def test_runs_tell_the_generated_weights(skim, content, write, tmp_path) -> None:
    _, summary = skim(write(tmp_path / "a.root", content, generated=(1000, 512.0)))
    assert summary["generated"] == [1000, 512.0]


@pytest.mark.parametrize("role", ["data", "w_data"])
def test_data_shows_no_truth(skim, content, write, tmp_path, role) -> None:
    content["genWeight"][:] = np.nan  # must not even be read
    rows, _ = skim(write(tmp_path / "a.root", content), role=role)
    assert not [name for name in rows.fields if "quark" in name or "prongs" in name]
    assert set(rows.gen_weight.to_list()) == {1.0}


VARIED = {"regions": {"dijet": {"variations": True}}}


def with_variations(content, shower: int, scale: int) -> dict:
    """The same events with lists of weights in CMS's branches."""
    rng = np.random.default_rng(3)
    lists = {"PSWeight": shower, "LHEScaleWeight": scale}
    sizes = {name: (len(content["run"]), size) for name, size in lists.items()}
    return content | {
        name: ak.from_regular(rng.uniform(0.5, 2, shape).astype(np.float32)) for name, shape in sizes.items()
    }


def test_weights_of_variations_stay_with_their_events(skim, content, write, tmp_path) -> None:
    varied = with_variations(content, 4, 9)
    rows, _ = skim(write(tmp_path / "a.root", varied), batch_events=70, **VARIED)
    assert 20 < len(rows) < 200
    assert rows.shower_weight.to_list() == varied["PSWeight"][rows.event].to_list()
    assert rows.scale_weight.to_list() == varied["LHEScaleWeight"][rows.event].to_list()
    assert str(rows.type.content.content("shower_weight")) == "var * float32"
    plain, _ = skim(write(tmp_path / "b.root", varied))
    assert not {"shower_weight", "scale_weight"} & set(plain.fields)


def test_files_without_variations_give_empty_lists(skim, content, write, tmp_path) -> None:
    """Also NanoAOD's dummy, a list of one; the columns are those of a file that has them."""
    varied = write(tmp_path / "a.root", with_variations(content, 4, 1))
    without = write(tmp_path / "b.root", content)
    alone, _ = skim(without, **VARIED)
    both, _ = skim(varied, without, **VARIED)
    assert alone.type.content == both.type.content
    assert ak.num(both.shower_weight).to_list() == [4] * len(alone) + [0] * len(alone)
    assert set(ak.num(both.scale_weight).to_list()) == {0}


@pytest.mark.parametrize("role", ["data", "w_data"])
def test_data_has_no_variations(skim, content, write, tmp_path, role) -> None:
    rows, _ = skim(write(tmp_path / "a.root", with_variations(content, 4, 9)), role=role, **VARIED)
    assert not {"shower_weight", "scale_weight"} & set(rows.fields)


@pytest.mark.parametrize("branch", ["PSWeight", "LHEScaleWeight"])
def test_infinite_variation_is_named(skim, content, write, tmp_path, branch) -> None:
    varied = with_variations(content, 4, 9)
    varied[branch] = ak.where(varied[branch] > 1.9, np.float32(np.inf), varied[branch])
    with pytest.raises(NotFiniteError, match=rf"a\.root: NaN, .* in '{branch}' \(\d+ selected"):
        skim(write(tmp_path / "a.root", varied), **VARIED)


def test_only_the_control_region_keeps_variations(settings) -> None:
    regions = settings(regions={}).regions
    assert [name for name, region in regions.items() if region.variations] == ["boosted_w"]


def test_hooks_of_experiment_files(skim, content, write, tmp_path) -> None:
    region = {"trigger": ["HLT_A", "HLT_B"], "met_filters": ["Flag_C"], "jet_id": 2, "delta_eta_max": None}
    rows, summary = skim(write(tmp_path / "a.root", content), regions={"dijet": region})
    jets = content["FatJet"]
    good = (jets["pt"] > 300) & (abs(jets["eta"]) < 2.5) & (jets["jetId"] >= 2)
    keep = (content["HLT_A"] | content["HLT_B"]) & content["Flag_C"] & (ak.sum(good, axis=1) >= 2).to_numpy()
    assert rows.event.to_list() == np.flatnonzero(keep).tolist()
    assert [line["cut"] for line in summary["cutflow"]] == [
        *("stored", "trigger", "met_filters", "pt", "eta", "jet_id", "readable")
    ]


def test_candidates_are_limited_and_weighted(skim, content, write, tmp_path) -> None:
    file = write(tmp_path / "a.root", content)
    rows, _ = skim(file, max_constituents=2)
    assert ak.max(ak.num(rows.j1_pf_pt)) == 2
    assert set(rows.j1_n_constituents.to_list()) == {3}
    plain, _ = skim(file)
    puppi, _ = skim(file, branches={"puppi_weight": "puppiWeight"})
    assert ak.min(puppi.j1_n_constituents) < 3
    assert ak.sum(puppi.j1_pf_pt) == pytest.approx(0.5 * ak.sum(plain.j1_pf_pt), rel=0.1)


def test_jets_alone_need_no_candidates(skim, content, write, tmp_path) -> None:
    for name in ("PFCands", "FatJetPFCands", "GenPart"):
        del content[name]
    rows, _ = skim(write(tmp_path / "a.root", content), read_constituents=False, truth=False)
    assert "j1_pf_pt" not in rows.fields
    assert len(rows) > 20


@pytest.mark.parametrize(("executor", "workers"), [("futures", 2), ("dask", 2), ("iterative", 3)])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_bytes_do_not_depend_on_the_executor(skim, make_events, write, tmp_path, executor, workers) -> None:
    files = [write(tmp_path / f"{n}.root", make_events(60, seed=n)) for n in (1, 2)]
    skim(*files, batch_events=30)
    skim(*files, batch_events=30, executor=executor, workers=workers, name="111")
    for suffix in ("parquet", "json"):
        one, other = ((tmp_path / "out" / f"{name}.{suffix}").read_bytes() for name in ("000", "111"))
        assert one == other.replace(b'"111"', b'"000"')


def test_batches_do_not_change_the_events(skim, content, write, tmp_path) -> None:
    file = write(tmp_path / "a.root", content)
    whole, summary = skim(file)
    parts, parts_summary = skim(file, batch_events=49)
    assert ak.array_equal(whole, parts)
    assert summary == parts_summary


def test_rntuple_gives_the_events_of_the_tree(skim, content, write, tmp_path) -> None:
    whole, _ = skim(write(tmp_path / "tree.root", content))
    flat = {}
    for name, values in content.items():
        if isinstance(values, np.ndarray):
            flat[name] = values
        else:
            flat |= {f"n{name}": ak.num(values).to_numpy().astype(np.int32)}
            flat |= {f"{name}_{field}": values[field] for field in values.fields}
    with uproot.recreate(tmp_path / "ntuple.root") as file:
        file.mkrntuple("Events", flat)
    with uproot.open(tmp_path / "ntuple.root") as file:
        assert isinstance(file["Events"], uproot.behaviors.RNTuple.HasFields)
    rows, _ = skim(tmp_path / "ntuple.root")
    assert ak.array_equal(whole, rows)


def test_empty_file_and_empty_selection_keep_the_columns(skim, make_events, write, tmp_path) -> None:
    full, _ = skim(write(tmp_path / "a.root", make_events(20)))
    nothing, summary = skim(write(tmp_path / "b.root", make_events(20)), regions={"dijet": {"pt_min": 5000}})
    assert nothing.type.content == full.type.content
    assert summary["selected"] == len(nothing) == 0
    no_events = {name: values[:0] for name, values in make_events(20).items()}
    nothing, summary = skim(write(tmp_path / "c.root", no_events))
    assert nothing.type.content == full.type.content
    assert summary["events"] == 0


@pytest.mark.parametrize(
    ("branch", "settings_keys", "remedy"),
    [
        ("FatJet", {}, "name the file's branches in skim.branches"),
        ("PFCands", {}, "skim.read_constituents to false"),
        ("GenPart", {}, "skim.truth to false"),
    ],
)
def test_missing_branch_is_named(skim, content, write, tmp_path, branch, settings_keys, remedy) -> None:
    del content[branch]
    file = write(tmp_path / "a.root", content)
    with pytest.raises(InputFileError, match=rf"a\.root: no branch '{branch}.*{remedy}"):
        skim(file, **settings_keys)


@pytest.mark.parametrize("branch", ["FatJet_pt", "PFCands_pt", "genWeight"])
def test_nan_is_named(skim, content, write, tmp_path, branch) -> None:
    collection, _, field = branch.partition("_")
    if field:
        values = content[collection][field]
        content[collection][field] = ak.where(ak.local_index(values) == 0, np.nan, values)
    else:
        content[branch][3] = np.nan
    file = write(tmp_path / "a.root", content)
    with pytest.raises(NotFiniteError, match=rf"a\.root: NaN, .* in '{branch}' \(\d+ selected"):
        skim(file)
    assert not (tmp_path / "out" / "000.parquet").exists()


def damaged(tmp_path: Path, kind: str, write, make_events) -> Path:
    path = tmp_path / f"{kind}.root"
    if kind == "missing":
        return path
    data = bytearray(write(path, make_events(3000)).read_bytes())
    if kind == "truncated":
        path.write_bytes(data[: len(data) // 2])
    if kind == "corrupt":  # the tree opens, its data do not decompress
        with uproot.open(path) as file:
            basket = file["Events/FatJet_pt"].member("fBasketSeek")[0]
        data[basket + 150 : basket + 400] = bytes(250)
        path.write_bytes(data)
    if kind == "no_tree":
        with uproot.recreate(path) as file:
            file["other"] = "text"
    return path


@pytest.mark.parametrize("kind", ["missing", "truncated", "corrupt", "no_tree"])
def test_bad_file_fails_or_is_skipped_and_recorded(skim, content, make_events, write, tmp_path, kind) -> None:
    bad, good = damaged(tmp_path, kind, write, make_events), write(tmp_path / "good.root", content)
    with pytest.raises(InputFileError, match=rf"{kind}\.root: cannot be read .*skim.bad_files.action"):
        skim(bad, good)
    alone, _ = skim(good)
    rows, summary = skim(bad, good, bad_files={"action": "skip", "retries": 1, "retry_wait": 0})
    assert ak.array_equal(rows, alone)
    (lost,) = summary["lost"]
    assert lost["file"] == str(bad)
    assert lost["events"] == (3000 if kind in ("truncated", "corrupt") else None)
    assert "\n" not in lost["reason"]


def test_retry_takes_a_file_that_comes_late(settings, dataset, content, write, tmp_path, monkeypatch) -> None:
    late = tmp_path / "late.root"
    monkeypatch.setattr("time.sleep", lambda seconds: write(late, content))
    keys = {"bad_files": {"retries": 1, "retry_wait": 9}}
    skim_chunk(settings(**keys), dataset(), "qcd", 1, [str(late)], tmp_path / "0.parquet", tmp_path / "0.json")
    assert json.loads((tmp_path / "0.json").read_text())["lost"] == []


def test_all_files_lost_leaves_an_empty_chunk(skim, tmp_path) -> None:
    rows, summary = skim(tmp_path / "no.root", bad_files={"action": "skip", "retry_wait": 0})
    assert len(rows) == 0
    assert summary["files"] == 1
    assert summary["cutflow"] == []
