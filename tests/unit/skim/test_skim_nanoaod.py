"""NanoAOD files: what is kept, in which order, by which executor; and what a bad file ends in."""

import errno
import hashlib
import json
import struct
import zlib
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from resonaut.core import events
from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.formats.nanoaod import counters, executors, processor
from resonaut.skim.formats.nanoaod.tree import Tree
from resonaut.skim.pieces import UnwritableError


@pytest.fixture
def skim(tmp_path, settings, dataset):
    """Skim files with the given settings; the events and the summary."""

    def run(*files: Path, workers: int = 1, name: str = "000", fields: dict | None = None, nature="simulation", **keys):
        output, summary = tmp_path / "out" / f"{name}.parquet", tmp_path / "out" / f"{name}.json"
        skim_chunk(
            settings(**keys),
            dataset(**({"nature": nature} | (fields or {}))),
            "qcd",
            workers,
            [str(file) for file in files],
            output,
            summary,
        )
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


@pytest.mark.parametrize("nature", ["data", "pseudo_data"])
def test_data_shows_no_truth(skim, content, write, tmp_path, nature) -> None:
    content["genWeight"][:] = np.nan  # must not even be read
    rows, _ = skim(write(tmp_path / "a.root", content), nature=nature)
    assert not [name for name in rows.fields if "quark" in name or "prongs" in name]
    assert set(rows.gen_weight.to_list()) == {1.0}


def test_generated_jets_are_the_nearest_ones(skim, content, write, tmp_path) -> None:
    jets = content["FatJet"]
    with pytest.raises(InputFileError, match=r"set skim\.generated_jets to false, or simulate with"):
        skim(write(tmp_path / "none.root", content), generated_jets=True)
    # One behind each jet, one beside it that is farther off, in this order; the last jets of events have none.
    fields = {name: jets[name][:, :-1] for name in ("pt", "eta", "phi", "mass")}
    beside = fields | {"eta": fields["eta"] + 0.35, "pt": 2 * fields["pt"]}
    behind = fields | {"phi": fields["phi"] + 0.1, "pt": 0.5 * fields["pt"], "mass": 0.25 * fields["mass"]}
    content["GenJetAK8"] = ak.concatenate([ak.zip(beside), ak.zip(behind)], axis=1)
    rows, _ = skim(write(tmp_path / "a.root", content), generated_jets=True)
    found = ak.to_numpy(rows.j1_genjet_pt / rows.j1_pt)
    assert len(rows) > 20
    assert (np.isclose(found, 0.5) | (found == 0)).mean() > 0.8
    assert np.isclose(found, 0.5).sum() > 10
    there = found == 0.5
    np.testing.assert_allclose(ak.to_numpy(rows.j1_genjet_mass)[there], 0.25 * ak.to_numpy(rows.j1_mass)[there])
    content["GenJetAK8"] = content["GenJetAK8"][:, :0]
    rows, _ = skim(write(tmp_path / "b.root", content), generated_jets=True)
    assert set(rows.j1_genjet_pt.to_list()) == {0}
    rows, _ = skim(write(tmp_path / "c.root", content), generated_jets=True, nature="data")
    assert "j1_genjet_pt" not in rows.fields


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


@pytest.mark.parametrize("nature", ["data", "pseudo_data"])
def test_data_has_no_variations(skim, content, write, tmp_path, nature) -> None:
    rows, _ = skim(write(tmp_path / "a.root", with_variations(content, 4, 9)), nature=nature, **VARIED)
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
    puppi, _ = skim(file, branches={"puppi_weight": "weight"})
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


SKIP = {"action": "skip", "retries": 0}


def broken(content: dict, branch: str, where: ak.Array, value: float) -> None:
    """Put ``value`` into a branch, ``where`` the selection says."""
    collection, field = branch.split("_", 1)
    content[collection][field] = ak.where(where, np.float32(value), content[collection][field])


@pytest.mark.parametrize(
    ("branch", "value"),
    [("FatJet_eta", np.nan), ("FatJet_tau3", np.inf), ("FatJet_pt", -np.inf), ("FatJet_msoftdrop", np.nan)],
)
def test_broken_jets_that_no_cut_keeps_do_not_matter(skim, content, write, tmp_path, branch, value) -> None:
    clean, _ = skim(write(tmp_path / "a.root", content))
    broken(content, branch, content["FatJet"]["pt"] < 300, value)
    rows, summary = skim(write(tmp_path / "b.root", content))
    assert ak.array_equal(clean, rows)
    assert summary["broken"] == []


def test_broken_event_that_the_trigger_rejects_does_not_matter(skim, content, write, tmp_path) -> None:
    trigger = {"regions": {"dijet": {"trigger": ["HLT_A"]}}}
    clean, _ = skim(write(tmp_path / "a.root", content), **trigger)
    for branch in ("FatJet_phi", "PFCands_eta", "GenPart_pt"):
        broken(content, branch, ~content["HLT_A"], np.inf)
    rows, _ = skim(write(tmp_path / "b.root", content), **trigger)
    assert ak.array_equal(clean, rows)


@pytest.mark.parametrize("branch", ["FatJet_pt", "FatJet_eta", "FatJet_msoftdrop", "FatJet_tau4", "PFCands_phi"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_broken_event_is_left_out_alone(skim, content, write, tmp_path, branch, value) -> None:
    """Of the events that clean values would keep, those with an odd number go, and no other."""
    clean, _ = skim(write(tmp_path / "a.root", content))
    odd = content["event"] % 2 == 1
    broken(content, branch, odd, value)
    rows, summary = skim(write(tmp_path / "b.root", content), bad_files=SKIP)
    assert ak.array_equal(rows, clean[clean.event % 2 == 0])
    if value == np.inf and branch == "FatJet_eta":  # along the beam: outside of any acceptance
        assert summary["broken"] == []
        return
    (lost,) = summary["broken"]
    before, after = summary["cutflow"][-2:]
    assert (after["cut"], before["events"] - after["events"]) == ("readable", lost["events"])
    assert f"'{branch}' ({lost['events']} selected events)" in lost["reason"]
    assert lost["events"] >= np.count_nonzero(clean.event % 2)


def test_undecided_jet_may_be_the_leading_one(skim, content, write, tmp_path) -> None:
    """A NaN where two other jets pass all cuts: the event would be kept, but with which jets?"""
    pt = content["FatJet"]["pt"]
    central = abs(content["FatJet"]["eta"]) < 2.5
    soft = central & (pt == ak.min(pt, axis=1, mask_identity=False))
    undecided = (ak.any(soft, axis=1) & (ak.sum((pt > 300) & central & ~soft, axis=1) >= 2)).to_numpy()
    broken(content, "FatJet_pt", soft, np.nan)
    rows, summary = skim(write(tmp_path / "a.root", content), bad_files=SKIP)
    assert undecided.sum() > 20
    assert not undecided[rows.event].any()
    assert summary["broken"][0]["events"] > 0


def test_weight_that_is_unknown_counts_as_a_mean_one(skim, content, write, tmp_path) -> None:
    content["genWeight"][:] = 2
    content["genWeight"][::4] = np.nan
    rows, summary = skim(write(tmp_path / "a.root", content), bad_files=SKIP)
    assert not (rows.event.to_numpy() % 4 == 0).any()
    assert summary["generated"] == [200, 400.0]
    assert "counts as a mean one" in summary["notes"][1]["note"]


def test_quark_of_the_record_that_is_broken(skim, content, write, tmp_path) -> None:
    """The last of the record, a gluon, matters to nothing; the mass of a quark's unknown mother does."""
    clean, _ = skim(write(tmp_path / "a.root", content))
    last = ak.local_index(content["GenPart"]["pt"]) == 3
    for field in ("pt", "eta", "phi", "mass"):
        broken(content, f"GenPart_{field}", last, np.nan)
    assert ak.array_equal(skim(write(tmp_path / "b.root", content))[0], clean)
    content["GenPart"]["pdgId"] = ak.where(content["GenPart"]["pdgId"] == 24, 9000001, content["GenPart"]["pdgId"])
    broken(content, "GenPart_mass", content["GenPart"]["pdgId"] == 9000001, np.nan)
    with pytest.raises(NotFiniteError, match="'GenPart_mass'"):
        skim(write(tmp_path / "c.root", content))
    content["GenPart"]["genPartIdxMother"] = content["GenPart"]["genPartIdxMother"] + 9
    with pytest.raises(NotFiniteError, match="'GenPart_genPartIdxMother'"):
        skim(write(tmp_path / "d.root", content))


def test_link_to_no_candidate(skim, content, write, tmp_path) -> None:
    """-1 is none, as everywhere in NanoAOD; it must not mean the last one."""
    clean, _ = skim(write(tmp_path / "a.root", content))
    links = content["FatJetPFCands"]
    first = ak.local_index(links["jetIdx"]) == 0
    links["pFCandsIdx"] = ak.values_astype(ak.where(first, -1, links["pFCandsIdx"]), np.int32)
    rows, _ = skim(write(tmp_path / "b.root", content))
    for j in ("j1", "j2"):
        fewer = clean[f"{j}_n_constituents"] - rows[f"{j}_n_constituents"]
        assert set(fewer.to_list()) == {0, 1}
        mine = [set(row[f"{j}_pf_pt"]) <= set(whole[f"{j}_pf_pt"]) for row, whole in zip(rows, clean, strict=True)]
        assert all(mine)


@pytest.mark.parametrize("index", [-2, 999])
def test_link_to_nowhere_is_named(skim, content, write, tmp_path, index) -> None:
    links = content["FatJetPFCands"]
    wrong = (ak.local_index(links["jetIdx"]) == 0) & (content["event"] < 100)
    links["pFCandsIdx"] = ak.values_astype(ak.where(wrong, index, links["pFCandsIdx"]), np.int32)
    file = write(tmp_path / "a.root", content)
    with pytest.raises(NotFiniteError, match=r"a\.root: .* index out of range in 'FatJetPFCands_pFCandsIdx' \(\d+ sel"):
        skim(file)
    rows, summary = skim(file, bad_files=SKIP)
    assert 0 < summary["broken"][0]["events"] < 100
    assert 0 < len(rows) < 100


@pytest.mark.parametrize("index", [-2, 9])
def test_link_from_nowhere_is_named(skim, content, write, tmp_path, index) -> None:
    links = content["FatJetPFCands"]
    wrong = (ak.local_index(links["jetIdx"]) == 0) & (content["event"] < 100)
    links["jetIdx"] = ak.values_astype(ak.where(wrong, index, links["jetIdx"]), np.int32)
    with pytest.raises(NotFiniteError, match=r"index out of range in 'FatJetPFCands_jetIdx' \(\d+ sel"):
        skim(write(tmp_path / "a.root", content))


def test_unsigned_link_to_nowhere_is_named(skim, content, write, tmp_path) -> None:
    """What -1 becomes in 16 bits without a sign."""
    links = content["FatJetPFCands"]
    first = ak.local_index(links["jetIdx"]) == 0
    links["pFCandsIdx"] = ak.values_astype(ak.where(first, 65535, links["pFCandsIdx"]), np.uint16)
    with pytest.raises(NotFiniteError, match="index out of range in 'FatJetPFCands_pFCandsIdx'"):
        skim(write(tmp_path / "a.root", content))


def test_links_from_jets_may_be_unsigned(skim, content, write, tmp_path) -> None:
    plain, _ = skim(write(tmp_path / "a.root", content))
    links = content["FatJetPFCands"]
    links["jetIdx"] = ak.values_astype(links["jetIdx"], np.uint8)
    assert ak.array_equal(skim(write(tmp_path / "b.root", content))[0], plain)
    links["jetIdx"] = ak.values_astype(ak.where(links["jetIdx"] == 0, 255, links["jetIdx"]), np.uint8)
    with pytest.raises(NotFiniteError, match="index out of range in 'FatJetPFCands_jetIdx'"):
        skim(write(tmp_path / "c.root", content))


def test_candidate_of_no_kept_jet_does_not_matter(skim, content, write, tmp_path) -> None:
    clean, _ = skim(write(tmp_path / "a.root", content))
    soft = (content["FatJet"]["pt"] < 300)[ak.local_index(content["PFCands"]["pt"]) // 3]
    broken(content, "PFCands_pt", soft, np.nan)
    assert ak.array_equal(skim(write(tmp_path / "b.root", content))[0], clean)
    broken(content, "PFCands_weight", ~soft, np.nan)
    with pytest.raises(NotFiniteError, match="'PFCands_weight'"):
        skim(write(tmp_path / "c.root", content), branches={"puppi_weight": "weight"})


def test_flag_that_a_file_lacks_counts_as_not_fired(skim, content, make_events, write, tmp_path) -> None:
    old = make_events(100, seed=7)
    del old["HLT_B"]
    files = write(tmp_path / "new.root", content), write(tmp_path / "old.root", old)
    _, summary = skim(*files, regions={"dijet": {"trigger": ["HLT_A", "HLT_B"]}})
    fired = (content["HLT_A"] | content["HLT_B"]).sum() + old["HLT_A"].sum()
    assert (summary["cutflow"][1]["cut"], summary["cutflow"][1]["events"]) == ("trigger", fired)
    assert {"file": str(files[1]), "note": "no branch 'HLT_B', which counts as not fired"} in summary["notes"]
    _, summary = skim(*files, regions={"dijet": {"met_filters": ["HLT_A", "HLT_B"]}})
    assert summary["cutflow"][1]["events"] == (content["HLT_A"] & content["HLT_B"]).sum()


@pytest.mark.parametrize("suffix", ["", "_"])
def test_counters_of_every_version_are_read(skim, content, write, tmp_path, suffix) -> None:
    path = write(tmp_path / "a.root", content)
    runs = {f"genEventCount{suffix}": np.array([600, 400]), f"genEventSumw{suffix}": np.array([300.0, 200.0])}
    with uproot.update(path) as file:
        file.mktree("Runs", {name: values.dtype for name, values in runs.items()}).extend(runs)
    _, summary = skim(path)
    assert summary["generated"] == [1000, 500.0]
    assert summary["notes"] == []


def test_a_merged_file_of_which_one_part_was_empty_tells_the_means_of_the_others(tmp_path) -> None:
    runs = {"genEventSumw": np.array([0.0, 30, 10]), "genEventCount": np.array([0, 30, 10])}
    lists = ak.Array([[], [1.0, 2.0], [1.0, 4.0]])
    with uproot.recreate(tmp_path / "a.root") as file:
        types = {name: values.dtype for name, values in runs.items()} | {"LHEPdfSumw": ak.type(lists).content}
        file.mktree("Runs", types).extend(runs | {"LHEPdfSumw": lists})
    with uproot.open(tmp_path / "a.root") as file:
        assert counters.means(file)["LHEPdfWeight"].tolist() == [1.0, 2.5]


def test_stored_events_that_count_in_place_of_counters_are_noted(skim, content, write, tmp_path) -> None:
    path = write(tmp_path / "a.root", content)
    _, summary = skim(path)
    assert summary["notes"] == [{"file": str(path), "note": counters.NONE}]
    assert skim(path, nature="data")[1]["notes"] == []


@pytest.mark.parametrize(
    ("weight", "generated", "sentence"),
    [
        (2.0, (3, 6.0), "count 3 generated events of weight 6, and it stores 200"),
        (2.0, (1000, np.nan), "of weight nan"),
        (2.0, (1000, 1000 * 1e-3), "a weight of 1, but the 200 stored ones weigh 400"),
        (2.0, (200, 401.0), "a weight of 401"),
        (2.0, (200, 400.1), None),
        (2.0, (1000, 500.0), None),  # the others weigh less
        (2.0, (1000, 1e9), None),  # a filter may take the heaviest events
        (-2.0, (250, -505.0), "a weight of -505"),
        (-2.0, (250, -450.0), None),
    ],
)
def test_counters_must_be_plausible(skim, content, write, tmp_path, weight, generated, sentence) -> None:
    content["genWeight"][:] = weight
    path = write(tmp_path / "a.root", content, generated=generated)
    if sentence is None:
        assert skim(path)[1]["generated"] == list(generated)
        return
    with pytest.raises(InputFileError, match=rf"a\.root: its 'Runs' .*{sentence}"):
        skim(path)


def test_charge_follows_from_the_kind_of_particle(skim, content, write, tmp_path) -> None:
    """NanoAOD v15's candidates have no charge."""
    kinds = np.array([211, -211, 11, -11, 13, -13, 22, 130, 1, 2, 2212, -321])
    pdgid = ak.unflatten(np.resize(kinds, ak.sum(ak.num(content["PFCands"]))), ak.num(content["PFCands"]))
    fields = {name: content["PFCands"][name] for name in ("pt", "eta", "phi", "mass")}
    content["PFCands"] = ak.zip(fields | {"pdgId": ak.values_astype(pdgid, np.int32)})
    rows, _ = skim(write(tmp_path / "a.root", content))
    charge = dict(zip(kinds.tolist(), [1, -1, -1, 1, -1, 1, 0, 0, 0, 0, 1, -1], strict=True))
    for row in rows:
        assert row.j1_pf_charge.to_list() == [charge[kind] for kind in row.j1_pf_pdgid]


def as_v15(content) -> dict:
    """The same events with the names and types of NanoAOD v15."""
    new = dict(content)
    candidates, links = new.pop("PFCands"), new.pop("FatJetPFCands")
    new["PFCand"] = candidates[["pt", "eta", "phi", "mass", "pdgId"]]
    indices = {"jetIdx": links.jetIdx, "pfCandIdx": links.pFCandsIdx}
    new["FatJetPFCand"] = ak.zip({name: ak.values_astype(values, np.int16) for name, values in indices.items()})
    new["FatJet"] = content["FatJet"][[name for name in content["FatJet"].fields if name != "jetId"]]
    return new


def test_versions_of_one_dataset_need_no_names(skim, content, write, tmp_path) -> None:
    content["PFCands"]["charge"] = ak.ones_like(content["PFCands"]["charge"])  # they are pi+
    old, new = write(tmp_path / "old.root", content), write(tmp_path / "new.root", as_v15(content))
    alone, _ = skim(old)
    both, summary = skim(old, new)
    assert ak.array_equal(both, ak.concatenate([alone, alone]))
    assert not [entry for entry in summary["notes"] if "branches" in entry["note"]]
    with pytest.raises(InputFileError, match=r"new\.root: no branch 'FatJet_jetId'; .* the region's jet_id to null"):
        skim(old, new, regions={"dijet": {"jet_id": 2}})


def test_candidates_are_weighted_where_they_are_not_yet(skim, content, write, tmp_path) -> None:
    plain, _ = skim(write(tmp_path / "a.root", content))
    by_name, _ = skim(tmp_path / "a.root", branches={"puppi_weight": "weight"})
    content["PFCands"]["puppiWeight"] = content["PFCands"]["weight"]
    file = write(tmp_path / "b.root", content)
    assert ak.array_equal(skim(file)[0], by_name)
    assert ak.array_equal(skim(file, branches={"puppi_weight": ""})[0], plain)
    new = as_v15(content)
    new["PFCand"]["puppiWeight"] = content["PFCands"]["weight"]
    assert ak.array_equal(skim(write(tmp_path / "c.root", new))[0].j1_pf_pt, plain.j1_pf_pt)


def test_file_with_two_kinds_of_candidates_is_noted(skim, content, write, tmp_path) -> None:
    file = write(tmp_path / "a.root", as_v15(content) | content)
    rows, summary = skim(file)
    assert ak.array_equal(rows, skim(write(tmp_path / "b.root", content))[0])
    assert summary["notes"][0]["note"].startswith("has PFCands and PFCand, of which PFCands count")


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32, np.bool_])
def test_flags_and_identifiers_are_numbers_of_any_type(skim, content, write, tmp_path, kind) -> None:
    region = {"regions": {"dijet": {"trigger": ["HLT_A"], "jet_id": 1}}}
    clean, _ = skim(write(tmp_path / "a.root", content), **region)
    content["HLT_A"] = content["HLT_A"].astype(kind)
    content["FatJet"]["jetId"] = ak.values_astype(content["FatJet"]["jetId"], kind)
    assert 0 < len(clean) < 200
    assert ak.array_equal(skim(write(tmp_path / "b.root", content), **region)[0], clean)


def test_a_branch_that_is_no_flag_is_named(skim, content, write, tmp_path) -> None:
    content["HLT_A"] = np.arange(len(content["HLT_A"]), dtype=np.float32)
    with pytest.raises(InputFileError, match=r"a\.root: 'HLT_A' is 2 in an event, and a trigger or filter is 0 or 1"):
        skim(write(tmp_path / "a.root", content), regions={"dijet": {"trigger": ["HLT_A"]}})


def test_baskets_are_decompressed_once(content, write, tmp_path, monkeypatch) -> None:
    """Batches of 30 of baskets with 70 entries, also of the candidates, of which some batches need none."""
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        types = {k: v.dtype if isinstance(v, np.ndarray) else ak.type(v).content for k, v in content.items()}
        tree = file.mktree("Events", types)
        for start in range(0, 200, 70):
            tree.extend({name: values[start : start + 70] for name, values in content.items()})
    seen: list[str] = []
    basket = uproot.models.TBasket.Model_TBasket.read

    def counted(chunk, cursor, context, *rest, **keys):
        seen.append(f"{cursor.index}")
        return basket(chunk, cursor, context, *rest, **keys)

    monkeypatch.setattr(uproot.models.TBasket.Model_TBasket, "read", counted)
    with Tree(str(path)) as tree:
        for batch in tree.batches(0, 200, 30):
            jets = batch.collection("FatJet", ("pt", "eta"))
            assert ak.array_equal(jets.pt, content["FatJet"]["pt"][batch.start : batch.stop])
            odd = (batch.flat("event") % 2 == 1) & (batch.start != 60)  # none there
            found = batch.collection("PFCands", {"transverse": "pt"}, odd)
            assert ak.array_equal(found.transverse, content["PFCands"]["pt"][batch.start : batch.stop][odd])
    assert len(seen) == 3 * 4


def test_uncertified_sections_are_cut(skim, content, write, tmp_path) -> None:
    content["luminosityBlock"] = (content["event"] // 50 + 1).astype(np.uint32)
    good = tmp_path / "golden.json"
    good.write_text('{"1": [[2, 2], [4, 9]], "2": [[1, 1]]}')
    file = write(tmp_path / "a.root", content)
    rows, summary = skim(file, fields={"nature": "data", "certified": str(good)})
    assert set(rows.luminosityBlock.to_list()) == {2, 4}
    assert summary["cutflow"][1] == {"cut": "certified", "events": 100, "sum_weights": 100.0}
    for fields in ({"nature": "simulation"}, {"nature": "data", "format": "lhco_features"}):
        with pytest.raises(ConfigError, match=r"datasets\.qcd\.certified: only data"):
            skim(file, fields=fields | {"certified": str(good)})


@pytest.mark.parametrize(
    "error", [zlib.error("-3"), RecursionError("deep"), MemoryError(), struct.error(), KeyError("x")]
)
def test_any_error_of_a_reader_is_the_files(skim, content, write, tmp_path, monkeypatch, error) -> None:
    bad, good = write(tmp_path / "bad.root", content), write(tmp_path / "good.root", content)
    alone, _ = skim(good)
    keep = processor.keep

    def fail(events_, selection):
        if "bad.root" in events_.tree.path:
            raise error
        return keep(events_, selection)

    monkeypatch.setattr(processor, "keep", fail)
    with pytest.raises(InputFileError, match=rf"bad\.root: cannot be read \(.*{type(error).__name__}"):
        skim(bad, good)
    rows, summary = skim(bad, good, bad_files=SKIP)
    assert ak.array_equal(rows, alone)
    assert [(lost["file"], lost["events"]) for lost in summary["lost"]] == [(str(bad), 200)]


def test_file_without_a_branch_is_skipped_at_once(skim, content, write, tmp_path, monkeypatch) -> None:
    good = write(tmp_path / "good.root", content)
    del content["FatJet"]
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("tried again"))
    _, summary = skim(good, write(tmp_path / "bad.root", content), bad_files={"action": "skip", "retries": 3})
    assert [lost["reason"][:25] for lost in summary["lost"]] == ["no branch 'FatJet_pt'; na"]


def test_full_disk_is_no_fault_of_the_file(skim, content, write, tmp_path, monkeypatch) -> None:
    def full(*args: object, **keys: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pyarrow.ipc.new_file", full)
    with pytest.raises(UnwritableError, match=r"cannot be written .*No space left.*make room"):
        skim(write(tmp_path / "a.root", content), bad_files=SKIP)


def test_file_by_two_paths_is_an_error(skim, content, write, tmp_path) -> None:
    file = write(tmp_path / "a.root", content)
    (tmp_path / "link.root").symlink_to(file)
    with pytest.raises(ConfigError, match=r"datasets\.qcd\.files: '.*a\.root' and '.*link\.root' are one file"):
        skim(file, tmp_path / "link.root")


def test_file_that_is_not_as_expected(skim, content, write, tmp_path) -> None:
    """A flipped bit changes the checksum, whatever it does to the events."""
    good, bad = write(tmp_path / "good.root", content), tmp_path / "bad.root"
    data = bytearray(good.read_bytes())
    known = {"events": 200, "adler32": f"{zlib.adler32(data):x}", "sha256": hashlib.sha256(data).hexdigest()}
    data[len(data) // 2] ^= 4
    bad.write_bytes(data)
    expected = tmp_path / "expected.json"
    fields = {"expected": str(expected)}
    for one in ({}, {"adler32": known["adler32"]}, {"sha256": known["sha256"]}):
        expected.write_text(json.dumps({str(good): known, "bad.root": one or known}))
        _, summary = skim(good, bad, fields=fields, bad_files=SKIP)
        assert [lost["file"] for lost in summary["lost"]] == [str(bad)]
        assert "its Adler-32 is" in summary["lost"][0]["reason"] or "sha256" in one
    expected.write_text(json.dumps({"good.root": {"events": 201}}))
    with pytest.raises(
        InputFileError, match=r"good\.root: cannot be read \(its number of events is 200 instead of 201"
    ):
        skim(good, fields=fields)
    with pytest.raises(ConfigError, match=r"expected\.json: does not list .*bad\.root"):
        skim(bad, fields=fields, bad_files=SKIP)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_dask_without_scheduler_or_workers(skim, content, write, tmp_path, monkeypatch) -> None:
    import distributed

    monkeypatch.setattr(executors, "PATIENCE", 2)
    file = write(tmp_path / "a.root", content)
    with pytest.raises(ConfigError, match=r"dask_scheduler: no Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        skim(file, executor="dask", dask_scheduler="tcp://127.0.0.1:1")
    cluster = distributed.LocalCluster(n_workers=0, dashboard_address=None)
    with cluster, pytest.raises(ConfigError, match="has no workers; start some"):
        skim(file, executor="dask", dask_scheduler=cluster.scheduler_address)


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
