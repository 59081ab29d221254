"""Corrections through the stage: an era's block changes jets, missing momentum, weights and what is kept."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from resonaut.core import events
from resonaut.core.errors import InputFileError
from resonaut.core.results import read
from resonaut.core.weights import KEY
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.results import Summary

COUNT = 400
REGION = {"pt_min": 300, "delta_eta_max": None, "eta_max": 2.4}


@pytest.fixture
def nano(make_events, write, tmp_path) -> Callable[..., str]:
    """A file whose stored momenta are 1.1 x raw, with what corrections read; None: without a branch."""

    def make(**more: Any) -> str:
        content = make_events(COUNT)
        rng = np.random.default_rng(5)
        jets = content["FatJet"]
        for name, value in (("rawFactor", 1 / 11), ("area", 2.0)):
            jets = ak.with_field(jets, ak.values_astype(ak.full_like(jets.pt, value), np.float32), name)
        small = ak.zip({name: jets[name] for name in ("pt", "eta", "phi", "mass", "rawFactor", "area")})
        small = ak.with_field(small, ak.values_astype(ak.zeros_like(small.pt), np.float32), "muonSubtrFactor")
        content |= {"FatJet": jets, "Jet": small, "fixedGridRhoFastjetAll": np.zeros(COUNT, np.float32)}
        content["Pileup_nTrueInt"] = rng.uniform(10, 50, COUNT).astype(np.float32)
        for met in ("PuppiMET", "RawPuppiMET"):
            content |= {f"{met}_pt": np.full(COUNT, 50, np.float32), f"{met}_phi": np.zeros(COUNT, np.float32)}
        content["PSWeight"] = ak.from_regular(ak.Array(rng.uniform(0.8, 1.2, (COUNT, 4)).astype(np.float32)))
        columns = {name: values for name, values in (content | more).items() if values is not None}
        return str(write(tmp_path / "a.root", columns))

    return make


@pytest.fixture
def skim(settings, dataset, tmp_path) -> Callable[..., tuple[ak.Array, Summary, Path]]:
    """A function that skims a file with an era's block."""

    def run(file: str, era: dict[str, Any], region: dict[str, Any] | None = None, **fields: Any):
        config = settings(regions={"dijet": REGION | (region or {})}, eras={"e": era}, batch_events=150)
        output = tmp_path / "000.parquet"
        skim_chunk(
            config, dataset(files=[file], era="e", **fields), "x", 1, [file], output, output.with_suffix(".json")
        )
        names = pq.ParquetFile(output).schema_arrow.names
        rows = ak.concatenate(list(events.iterate([output], names)))
        return rows, read(output.with_suffix(".json"), Summary), output

    return run


def simulation(path: str, **more: Any) -> dict[str, Any]:
    return {"corrections": {"simulation": {"large_jet": {"file": path, "algorithm": "AK4", "scale": "V1_MC"}} | more}}


def shifted(path: str, **more: Any) -> dict[str, Any]:
    jets = {"file": path, "algorithm": "AK4", "scale": "V1_MC", "uncertainties": {"total": "Total"}}
    return {"corrections": {"simulation": {"large_jet": jets} | more}}


def test_momenta_that_agree_with_the_tables_stay(nano, skim, jet_tables) -> None:
    file = nano()
    corrected, _, _ = skim(file, simulation(jet_tables))
    stored, _, _ = skim(file, {})
    assert corrected.event.tolist() == stored.event.tolist()
    assert corrected.j1_pt.tolist() == pytest.approx(stored.j1_pt.tolist(), rel=1e-5)


def test_another_era_is_refused_unless_told(nano, skim, jet_tables) -> None:
    file = nano()
    large = {"file": jet_tables, "algorithm": "AK4", "scale": "V1_RunB_DATA"}
    era = {"corrections": {"simulation": {"large_jet": large}}}
    with pytest.raises(InputFileError, match=r"differ by 9\.1% .* V1_RunB_DATA.*check_era to false"):
        skim(file, era)
    rows, _, _ = skim(file, {"corrections": {"simulation": {"large_jet": large | {"check_era": False}}}})
    stored, _, _ = skim(file, {}, {"pt_min": 300 * 1.1 / 1.2})
    assert rows.j1_pt.tolist() == pytest.approx((stored.j1_pt * 1.2 / 1.1).tolist(), rel=1e-5)


def test_events_that_pass_with_shifted_jets_alone_are_kept(nano, skim, jet_tables) -> None:
    """The uncertainty is 2 GeV for each jet: a cut at 300 GeV on the nominal momenta is one at 298 for the shift up."""
    file = nano()
    rows, summary, _ = skim(file, shifted(jet_tables))
    assert summary.variations == {"jes_total_up": "jes", "jes_total_down": "jes"}
    looser, _, _ = skim(file, {}, {"pt_min": 298})
    nominal, _, _ = skim(file, {})
    assert rows.event.tolist() == looser.event.tolist()
    assert rows.event[rows.passes].tolist() == nominal.event.tolist()
    up = ak.fill_none(rows.passes__jes_total_up, True)
    assert ak.all(up | rows.passes)
    assert summary.selected == len(nominal)
    same = ak.to_numpy(rows.passes)
    shift = ak.to_numpy(ak.drop_none(rows.j1_pt__jes_total_up[same])) - ak.to_numpy(
        rows.j1_pt[same][~ak.is_none(rows.j1_pt__jes_total_up[same])]
    )
    # Where the order by soft-drop mass is that of the nominal jets, as the mass moves along.
    assert np.median(shift) == pytest.approx(2, abs=1e-3)


def test_maps_veto_the_shifted_jets_of_a_variation(nano, skim, jet_tables, write_tables, make_table) -> None:
    """Small-radius jets 2 GeV above or below: an event just above the map's limit passes with the shift down."""
    file, era = nano(), shifted(jet_tables)["corrections"]["simulation"]
    era["small_jet"] = era["large_jet"]
    everything, _, _ = skim(file, {"corrections": {"simulation": era}})
    with uproot.open(file) as opened:
        hardest = ak.to_numpy(ak.max(opened["Events"]["Jet_pt"].array(), axis=1))
    limit = hardest[everything.event[everything.passes][10]] - 1
    vetoed = write_tables(make_table("map", ["eta", "phi"], {"jetvetomap": "1+0*x"}), name="map.json")
    era["jet_veto"] = {"file": vetoed, "pt_min": float(limit)}
    rows, summary, _ = skim(file, {"corrections": {"simulation": era}})
    column = "passes__jes_total_down"

    def passing(found: ak.Array, shift: int) -> list[int]:
        passes = found.passes
        if shift and column in found.fields:
            passes = ak.where(ak.is_none(found[column]), passes, found[column])
        return found.event[ak.drop_none(passes)].to_list()

    for shift in (0, -2):
        assert passing(rows, shift) == [n for n in passing(everything, shift) if hardest[n] + shift <= limit]
    assert set(passing(rows, -2)) - set(passing(rows, 0))
    assert [row.cut for row in summary.cutflow][:3] == ["stored", "jet_veto", "pt"]


def test_the_weight_for_missing_modules_follows_the_shifted_jets(nano, skim, jet_tables) -> None:
    """Momenta are shifted by 2 GeV: a jet 1 GeV above the limit does not count in the shift down."""
    era = shifted(jet_tables)["corrections"]["simulation"]
    era |= {"small_jet": era["large_jet"], "hem": {"fraction": 0.5}}
    file = nano()
    with uproot.open(file) as opened:
        jets = opened["Events"].arrays(["Jet_pt", "Jet_eta", "Jet_phi"])
    inside = (jets.Jet_eta > -3.2) & (jets.Jet_eta < -1.3) & (jets.Jet_phi > -1.57) & (jets.Jet_phi < -0.87)
    hardest = ak.to_numpy(ak.fill_none(ak.max(jets.Jet_pt[inside], axis=1), 0))
    limit = float(np.sort(hardest)[-3]) - 1
    era["hem"]["pt_min"] = limit
    rows, _, output = skim(file, {"corrections": {"simulation": era}}, {"pt_min": 0, "eta_max": 9})
    number = ak.to_numpy(rows.event)
    assert rows.weight_hem.tolist() == np.where(hardest[number] > limit, 0.5, 1).tolist()
    down = ak.where(ak.is_none(rows.weight_hem__jes_total_down), rows.weight_hem, rows.weight_hem__jes_total_down)
    assert ak.drop_none(down).to_list() == np.where(hardest[number] - 2 > limit, 0.5, 1).tolist()
    assert KEY not in events.metadata(output)["weight_hem__jes_total_down"]


def test_files_without_links_to_generated_jets_are_noted(nano, skim, jet_tables) -> None:
    era, note = shifted(jet_tables), "no branch 'FatJet_genJetAK8Idx', so that all 'FatJet' are smeared at random"
    for resolution in (None, "JR1"):
        era["corrections"]["simulation"]["large_jet"]["resolution"] = resolution
        _, summary, _ = skim(nano(), era)
        assert [entry.note for entry in summary.notes].count(note) == (resolution is not None)


def test_links_to_generated_jets_that_were_left_out_are_none(nano, skim, jet_tables) -> None:
    with uproot.open(nano()) as opened:
        jets = opened["Events"].arrays(filter_name="FatJet_*", how="zip").FatJet
    jets = ak.with_field(jets, ak.values_astype(ak.zeros_like(jets.pt), np.int16), "genJetAK8Idx")
    era, note = shifted(jet_tables), "no branch 'GenJetAK8_pt', so that all 'FatJet' are smeared at random"
    era["corrections"]["simulation"]["large_jet"]["resolution"] = "JR1"
    _, summary, _ = skim(nano(FatJet=jets), era)
    assert note in [entry.note for entry in summary.notes]


def test_a_veto_of_jets_that_nothing_identifies_is_noted(nano, skim, write_tables, make_table) -> None:
    era = {"jet_veto": {"file": write_tables(make_table("map", ["eta", "phi"], {"jetvetomap": "0*x"}))}}
    note = "no branch 'Jet_jetId', so that 'jet_veto' counts jets of any identification"
    _, summary, _ = skim(nano(), {"corrections": {"simulation": era}})
    assert note in [entry.note for entry in summary.notes]
    with pytest.raises(
        InputFileError, match=r"no branch 'Jet_pt'; take what is corrected with it out of skim\.eras\.e"
    ):
        skim(nano(Jet=None), {"corrections": {"simulation": era}})


def test_only_tables_of_energies_need_the_density(nano, skim, jet_tables) -> None:
    mass = {"mass": {"scale": [2, 2, 2]}}
    rows, _, _ = skim(nano(fixedGridRhoFastjetAll=None), {"corrections": {"simulation": mass}})
    stored, _, _ = skim(nano(), {})
    assert rows.j1_softdrop_mass.tolist() == pytest.approx((2 * stored.j1_softdrop_mass).tolist())
    with pytest.raises(InputFileError, match=r"no branch 'Rho_fixedGridRhoFastjetAll'; name it in skim\.branches"):
        skim(nano(fixedGridRhoFastjetAll=None), simulation(jet_tables))


def test_a_run_without_a_table_of_subjets_is_named(nano, skim, jet_tables) -> None:
    with uproot.open(nano()) as opened:
        jets = opened["Events"].arrays(filter_name="FatJet_*", how="zip").FatJet
    for place, name in enumerate(("subJetIdx1", "subJetIdx2")):
        jets = ak.with_field(jets, ak.values_astype(ak.full_like(jets.pt, place), np.int16), name)
    more = {"FatJet": jets, "SubJet": jets[["pt", "eta", "phi", "mass", "rawFactor"]]}
    subjets = {"file": jet_tables, "algorithm": "AK4", "scale": {"V1_RunA_DATA": [2, 3]}}
    era = {"corrections": {"data": {"subjets": subjets}}}
    with pytest.raises(InputFileError, match="run 1 is in none of the ranges"):
        skim(nano(**more), era, nature="data")
    subjets["scale"] = {"V1_RunA_DATA": [1, 3]}
    rows, _, _ = skim(nano(**more), era, nature="data")
    assert len(rows)


def test_results_do_not_depend_on_batches_or_processes(nano, skim, settings, dataset, tmp_path, jet_tables) -> None:
    tables = shifted(jet_tables)
    tables["corrections"]["simulation"]["large_jet"]["resolution"] = "JR1"
    file = nano()
    _, _, one = skim(file, tables)
    first = one.read_bytes()
    config = settings(regions={"dijet": REGION}, eras={"e": tables}, batch_events=150, executor="futures")
    output = tmp_path / "other" / "000.parquet"
    skim_chunk(config, dataset(files=[file], era="e"), "x", 2, [file], output, output.with_suffix(".json"))
    assert output.read_bytes() == first


def test_weights_are_columns_that_say_what_they_are(nano, skim, jet_tables, write_tables, make_table) -> None:
    pileup = write_tables(
        make_table("pu", ["NumTrueInteractions"], {"nominal": "x/30", "up": "x/20", "down": "x/40"}), name="pu.json"
    )
    era = simulation(jet_tables, pileup={"file": pileup}, shower={}, scale=True, uncorrelated=["pileup"])
    rows, summary, path = skim(nano(), era)
    stored = events.metadata(path)
    assert stored["weight_pileup_e_up"][KEY] == (
        '{"group": "pileup_e", "keeps_total": false, "source": "pileup_e", "way": "up"}'
    )
    assert (rows.weight_pileup_e_up / rows.weight_pileup_e).to_list() == pytest.approx([1.5] * len(rows), rel=1e-5)
    assert ak.all((rows.weight_isr_up > 0.79) & (rows.weight_isr_up < 1.21))
    # The file has no weights of these.
    assert [entry.note for entry in summary.notes if "LHE" in entry.note] == [
        "no branch 'LHEScaleWeight', whose weights count as 1"
    ]
    assert ak.all(rows.weight_scale_r_up == 1)


def test_missing_momentum_goes_along(nano, skim, jet_tables) -> None:
    """Of two jets the sum of corrections, 0.1 / 1.1 of the stored momenta, is taken off the raw 50 GeV along x."""
    small = {"file": jet_tables, "algorithm": "AK4", "scale": "V1_MC", "uncertainties": {"total": "Total"}}
    era = {"corrections": {"simulation": {"small_jet": small, "missing_momentum": {"unclustered": True}}}}
    more = {"jets": 0, "delta_eta_max": 1.3, "pt_min": 300, "eta_max": 2.5, "observables": ["met_pt"]}
    more["objects"] = {"small_jet": {"pt_min": 30, "keep": 1}}
    # What is in no jet is uncertain by 3 GeV along x.
    file = nano(PuppiMET_ptUnclusteredUp=np.full(COUNT, 53, np.float32), PuppiMET_phiUnclusteredUp=np.zeros(COUNT))
    rows, _, _ = skim(file, era, more)
    tree = uproot.open(file)["Events"]
    pt, phi = tree["FatJet_pt"].array(), tree["FatJet_phi"].array()
    x = 50 - ak.sum(pt / 11 * np.cos(phi), axis=1)
    y = -ak.sum(pt / 11 * np.sin(phi), axis=1)
    assert rows.met_pt.tolist() == pytest.approx(np.hypot(x, y).tolist(), rel=1e-4, abs=1e-3)
    up = np.hypot(x - ak.sum(2 * np.cos(phi), axis=1), y - ak.sum(2 * np.sin(phi), axis=1))
    assert rows.met_pt__jes_total_up.tolist() == pytest.approx(up.tolist(), rel=1e-4, abs=1e-3)
    assert rows.met_pt__unclustered_down.tolist() == pytest.approx(np.hypot(x - 3, y).tolist(), rel=1e-4, abs=1e-3)
    assert (rows.small_jet1_pt__jes_total_up - rows.small_jet1_pt).tolist() == pytest.approx([2] * COUNT, abs=5e-3)


def test_what_small_jets_are_made_of_follows_the_shifted_ones(nano, skim, jet_tables, make_events, tmp_path) -> None:
    """A second jet at 299 GeV is kept with the energies shifted up by 2 GeV, and then with its own candidates."""
    (tmp_path / "inputs.json").write_text(
        json.dumps({"input_names": ["pf"], "pf": {"var_names": ["pfcand_pt_log_nopuppi"], "var_length": 3}})
    )
    content = make_events(COUNT)
    file = nano(JetPFCands=content["FatJetPFCands"], PFCands=ak.with_field(content["PFCands"], 0.5, "puppiWeight"))
    era = shifted(jet_tables)
    era["corrections"]["simulation"] = {"small_jet": era["corrections"]["simulation"]["large_jet"]}
    cuts = {"pt_min": 300, "keep": 2, "networks": [str(tmp_path / "inputs.json")]}
    region = {"jets": 0, "pt_min": 300, "eta_max": 2.5, "delta_eta_max": 1.3, "objects": {"small_jet": cuts}}
    rows, _, _ = skim(file, era, region)
    pt, links = content["FatJet"].pt, content["FatJetPFCands"]
    changed = 0
    for row, event in zip(rows, rows.event, strict=True):
        order = np.argsort(-pt[event].to_numpy(), kind="stable")
        nominal, up = ([jet for jet in order if pt[event][jet] + shift > 300][1:2] for shift in (0, 2))
        mine = {
            which: sorted(content["PFCands"].pt[event][links.pFCandsIdx[event][links.jetIdx[event] == jet[0]]])[::-1]
            for which, jet in (("nominal", nominal), ("up", up))
            if jet
        }
        assert row.small_jet2_pf_pt.tolist() == pytest.approx(mine.get("nominal", []), rel=1e-6)
        assert (row.small_jet2_pf_pt__jes_total_up is None) == (nominal == up)
        if nominal != up:
            changed += 1
            assert row.small_jet2_pf_pt__jes_total_up.tolist() == pytest.approx(mine["up"], rel=1e-6)
            assert row.small_jet2_pf_puppi_weight__jes_total_up.tolist() == [0.5] * 3
    assert changed
    assert "small_jet1_pf_pt__jes_total_down" not in rows.fields


def test_identification_by_tables(nano, skim, write_tables, make_table, jet_tables) -> None:
    """Files without `jetId`: jets of one particle fail, and those of which 0.9 are neutral hadrons."""
    table = write_tables(make_table("T", ["multiplicity", "neHEF"], "(x>1.5)*(y<0.9)"), name="id.json")
    file, fields = nano(), ("chHEF", "neHEF", "chEmEF", "neEmEF", "muEF", "chMultiplicity", "neMultiplicity")
    tree = uproot.open(file)["Events"]
    counts = ak.num(tree["FatJet_pt"].array())
    value = np.random.default_rng(2).choice([0.1, 0.95], int(ak.sum(counts))).astype(np.float32)
    number = np.random.default_rng(3).choice([1, 2], len(value)).astype(np.int32)
    values = dict.fromkeys(fields, np.full(len(value), 0.1, np.float32)) | {"neHEF": value, "chMultiplicity": number}
    values["neMultiplicity"] = np.zeros(len(value), np.int32)
    content: dict[str, Any] = {}
    for collection in ("FatJet", "Jet"):
        known = [name for name in tree.typenames() if name.startswith(f"{collection}_") and name != "FatJet_jetId"]
        of = {name.partition("_")[2]: tree[name].array() for name in known}
        content[collection] = ak.zip(of | {name: ak.unflatten(column, counts) for name, column in values.items()})
    jets = {"file": jet_tables, "algorithm": "AK4", "scale": "V1_MC", "identification": {"file": table, "tight": "T"}}
    era = {"corrections": {"simulation": {"large_jet": jets, "small_jet": jets}}}
    objects = {"small_jet": {"pt_min": 30, "where": {"jetId": [2, None]}, "number": [1, None]}}
    rows, _, _ = skim(nano(**content), era, {"jets": 1, "jet_id": 2, "objects": objects})
    good = ak.unflatten((number > 1) & (value < 0.9), counts)
    pt, eta = (tree[f"FatJet_{name}"].array() for name in ("pt", "eta"))
    expected = ak.any(good & (pt > 300) & (np.abs(eta) < 2.4), axis=1)
    assert rows.event.tolist() == np.flatnonzero(expected).tolist()
    assert rows.n_small_jet.tolist() == ak.sum(good, axis=1)[expected].tolist()


def test_triggers_prescales_and_overlap_of_data(nano, skim, tmp_path) -> None:
    """Of the order A, B: data recorded by B leave what A has fired to others, and weigh B's prescale."""
    with (tmp_path / "prescales.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["trigger", "run", "section", "prescale"], ["HLT_B", 1, 1, 8], ["HLT_A", 1, 1, 2]])
    file = nano()
    era = {"trigger": ["HLT_A", "HLT_B"], "prescales": str(tmp_path / "prescales.csv")}
    rows, summary, _ = skim(file, era, nature="data", trigger=["HLT_B"])
    both, _, _ = skim(file, era, nature="data")
    first, _, _ = skim(file, era, nature="data", trigger=["HLT_A"])
    assert [cut.cut for cut in summary.cutflow[:3]] == ["stored", "trigger", "other_trigger"]
    assert ak.all(rows.weight_prescale == 8)
    assert ak.all(first.weight_prescale == 2)
    assert sorted([*rows.event, *first.event]) == both.event.tolist()


def test_uncertified_runs_need_no_table(nano, skim, jet_tables, tmp_path) -> None:
    """Run 2 has no table: it is in the way only where it is certified."""
    run = np.repeat(np.array([1, 2], np.uint32), COUNT // 2)
    file = nano(run=run)
    large = {"file": jet_tables, "algorithm": "AK4", "scale": {"V1_RunA_DATA": [1, 1]}}
    era = {"corrections": {"data": {"large_jet": large}}}
    (tmp_path / "golden.json").write_text('{"1": [[1, 1]]}')
    rows, _, _ = skim(file, era | {"certified": str(tmp_path / "golden.json")}, nature="data")
    stored, _, _ = skim(file, {"certified": str(tmp_path / "golden.json")}, nature="data")
    assert rows.event.tolist() == stored.event.tolist()
    with pytest.raises(InputFileError, match="run 2 is in none of the ranges"):
        skim(file, era, nature="data")


def test_a_run_without_a_prescale_is_an_error(nano, skim, tmp_path) -> None:
    (tmp_path / "p.csv").write_text("trigger,run,section,prescale\nHLT_A,2,1,5\n")
    era = {"trigger": ["HLT_A"], "prescales": str(tmp_path / "p.csv")}
    with pytest.raises(InputFileError, match="has no prescale of 'HLT_A' in run 1, section 1"):
        skim(nano(), era, nature="data")
