"""Objects and observables from NanoAOD files: names of collections, one-jet regions, what a file lacks."""

import json
from pathlib import Path

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut.core import events
from resonaut.core.errors import InputFileError, NotFiniteError
from resonaut.core.record import build
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.formats.nanoaod.collections import Collections
from resonaut.skim.formats.nanoaod.names import resolve
from resonaut.skim.formats.nanoaod.tree import Batch, Tree
from resonaut.skim.merge import merge
from resonaut.skim.region import Objects
from resonaut.skim.settings import Branches, Region
from resonaut.skim.variations import Rows

OBSERVABLE = str(Path(__file__).parents[2] / "data" / "my_observable.py")


@pytest.fixture
def content(make_events):
    """300 events with muons, photons, tracks and missing momentum."""
    found, rng = make_events(300), np.random.default_rng(5)

    def particles(mean: float, *more: str) -> ak.Array:
        counts = rng.poisson(mean, 300)
        n = int(counts.sum())
        fields = {"pt": rng.exponential(40, n), "eta": rng.uniform(-2.6, 2.6, n), "phi": rng.uniform(-3.14, 3.14, n)}
        fields |= dict.fromkeys(more, np.full(n, 0.1))
        return ak.unflatten(ak.zip({name: values.astype(np.float32) for name, values in fields.items()}), counts)

    muons = particles(1.5, "mass")
    charges = ak.unflatten(rng.choice([-1, 1], ak.sum(ak.num(muons))).astype(np.int32), ak.num(muons))
    found |= {"Muon": ak.with_field(muons, charges, "charge"), "Photon": particles(0.5), "IsoTrack": particles(2.0)}
    return found | {f"MET_{name}": rng.uniform(0, 3, 300).astype(np.float32) for name in ("pt", "phi")}


@pytest.fixture
def skim(tmp_path, settings, dataset):
    """The rows and the summary of a file."""

    def run(file: Path, region: dict, *code: str, workers: int = 1, nature: str = "simulation", **keys):
        output, summary = tmp_path / "out" / "000.parquet", tmp_path / "out" / "000.json"
        one = dataset(nature=nature, files=[str(file)])
        regions = {"dijet": region}
        skim_chunk(
            settings(batch_events=70, regions=regions, **keys), one, "x", workers, [str(file)], output, summary, code
        )
        names = pq.read_schema(output).names
        return ak.concatenate(list(events.iterate([output], names))), json.loads(summary.read_text())

    return run


JET_MU = {
    "jets": 1,
    "objects": {"muon": {"pt_min": 20, "number": [1, None], "keep": 2}, "photon": {"keep": 1}},
    "observables": ["m_j_mu", "met_pt"],
    "cuts": {"pt_mu_j": [0.05, None]},
}


@pytest.mark.parametrize("executor", ["iterative", "futures"])
def test_a_jet_and_a_muon(skim, write, content, tmp_path, executor) -> None:
    rows, summary = skim(write(tmp_path / "a.root", content), JET_MU, OBSERVABLE, executor=executor, workers=2)
    cuts = [row["cut"] for row in summary["cutflow"]]
    assert cuts == ["stored", "pt", "eta", "muon", "pt_mu_j", "readable"]
    expected = []
    for number in range(300):
        jets = [jet for jet in content["FatJet"][number].to_list() if jet["pt"] > 300 and abs(jet["eta"]) < 2.5]
        muons = sorted((m for m in content["Muon"][number].to_list() if m["pt"] > 20), key=lambda one: -one["pt"])
        jet = max(jets, key=lambda one: one["pt"], default=None)
        if jet and muons and np.float32(muons[0]["pt"]) / np.float32(jet["pt"]) >= 0.05:
            expected.append((number, jet["pt"], len(muons), *(one["pt"] for one in [*muons, {"pt": 0}][:2])))
    found = zip(rows.event, rows.j1_pt, rows.n_muon, rows.muon1_pt, rows.muon2_pt, strict=True)
    assert [tuple(row) for row in found] == expected
    assert len(expected) > 50
    assert not {"m_jj", "delta_eta_jj", "j2_pt", "pt_mu_j"} & set(rows.fields)
    assert rows.met_pt.tolist() == content["MET_pt"][rows.event].tolist()
    assert rows.j1_pf_pt.ndim == 2
    # Photons without a mass, of which some events have none.
    assert set(rows.photon1_mass.tolist()) == {0}
    assert ((rows.photon1_pt == 0) == (rows.n_photon == 0)).tolist() == [True] * len(rows)


def test_candidates_are_those_of_the_kept_jets_after_cuts_on_objects(skim, write, content, tmp_path) -> None:
    path = write(tmp_path / "a.root", content)
    whole, _ = skim(path, {"jets": 1})
    rows, _ = skim(path, JET_MU, OBSERVABLE)
    beside = whole[np.isin(whole.event, rows.event)]
    common = [name for name in whole.fields if name in rows.fields]
    assert {"j1_pf_pt", "j1_prongs", "j1_softdrop_mass", "gen_weight"} <= set(common)
    assert ak.array_equal(rows[common], beside[common])


def test_no_large_jets_no_branches_of_them(skim, write, content, tmp_path) -> None:
    for name in ("FatJet", "PFCands", "FatJetPFCands", "GenPart"):
        del content[name]
    region = {"jets": 0, "objects": {"track": {"pt_min": 10, "number": [1, 3], "keep": 1}}}
    rows, _ = skim(write(tmp_path / "a.root", content), region)
    tracks = content["IsoTrack"].pt
    many = ak.sum(tracks > 10, axis=1)
    assert rows.event.tolist() == np.flatnonzero((many >= 1) & (many <= 3)).tolist()
    assert rows.track1_pt.tolist() == ak.max(tracks, axis=1)[rows.event].tolist()


@pytest.mark.parametrize(
    ("region", "sentence"),
    [
        ({"objects": {"tau": {}}}, r"no branch 'Tau_pt'; correct the object 'tau' of the region"),
        ({"objects": {"muon": {"where": {"tightId": [1, None]}}}}, r"no branch 'Muon_tightId'; correct the object"),
        ({"objects": {"photon": {"keep": 1, "fields": ["r9"]}}}, r"no branch 'Photon_r9'"),
    ],
)
def test_a_branch_that_a_file_lacks_is_named(skim, write, content, tmp_path, region, sentence) -> None:
    with pytest.raises(InputFileError, match=sentence):
        skim(write(tmp_path / "a.root", content), {"jets": 0} | region)


def test_missing_momentum_can_be_named(skim, write, content, tmp_path) -> None:
    content["PuppiMET_pt"] = content["MET_pt"] + 1
    path = write(tmp_path / "a.root", content)
    region = {"jets": 0, "observables": ["met_pt"]}
    puppi, _ = skim(path, region)
    other, _ = skim(path, region, branches={"met": "MET"})
    assert puppi.met_pt.tolist() == content["PuppiMET_pt"].tolist()
    assert other.met_pt.tolist() == content["MET_pt"].tolist()
    with pytest.raises(InputFileError, match=r"no branch 'Other_pt'; name the missing momentum in skim\.branches\.met"):
        skim(path, region, branches={"met": "Other"})


def test_a_broken_muon_costs_its_event_and_a_broken_branch_that_nobody_reads_none(
    skim, write, content, tmp_path
) -> None:
    region = {"jets": 0, "objects": {"muon": {"number": [2, None]}}, "observables": ["m_ll"]}
    whole, _ = skim(write(tmp_path / "a.root", content), region)
    eta = ak.to_list(content["Muon"].eta)
    eta[whole.event[4]][1] = np.nan
    muons = ak.with_field(content["Muon"], ak.values_astype(ak.Array(eta), np.float32), "eta")
    content |= {"Muon": muons, "PuppiMET_pt": np.full(300, np.nan, np.float32)}
    path = write(tmp_path / "b.root", content)
    with pytest.raises(NotFiniteError, match=r"'Muon_eta' \(1 selected event\)"):
        skim(path, region)
    rows, summary = skim(path, region, bad_files={"action": "skip"})
    assert rows.event.tolist() == [number for number in whole.event.tolist() if number != whole.event[4]]
    assert [entry["events"] for entry in summary["broken"]] == [1]


@pytest.mark.parametrize("observables", [[], ["met_pt"]])
def test_simulation_is_told_apart_by_what_its_region_keeps(
    skim, write, content, tmp_path, settings, dataset, observables
) -> None:
    """Two productions that number their events alike."""
    region = {"jets": 0, "objects": {"muon": {"number": [1, None], "keep": 1}}, "observables": observables}
    content["event"][:] = 1 + np.arange(300) // 2
    skim(write(tmp_path / "a.root", content), region)
    one, manifest = dataset(files=["a.root"]), tmp_path / "out.json"
    merge(settings(regions={"dijet": region}), one, "x", [tmp_path / "out" / "000.json"], manifest)
    assert "have the numbers (run, luminosityBlock, event) of another one" in manifest.read_text()


def test_rows_of_variations_get_the_objects_of_their_own_events(write, content, tmp_path) -> None:
    """One event passes in each variation, that of the second one before that of the first."""
    region = build({"jets": 0, "objects": {"muon": {}}}, Region, "region", merge=True)
    many = np.flatnonzero(ak.num(content["Muon"]) > 1)[:2][::-1]
    with Tree(str(write(tmp_path / "a.root", content))) as tree:
        batch, rows = Batch(tree, 0, 300), Rows(np.arange(300), ("jes_up", "jes_down"))
        source = Collections(batch, resolve(Branches(), tree.names), Objects(region), None, rows)
        mask = np.zeros(600, bool)
        mask[[many[0], 300 + many[1]]] = True
        found = source.objects("muon", ("pt",), mask)
    assert found.pt.to_list() == content["Muon"].pt[many].to_list()
