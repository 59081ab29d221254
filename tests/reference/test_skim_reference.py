"""Real files through the stage: CMS PFNano, and both layouts of the LHC Olympics."""

import json
import os
from pathlib import Path

import awkward as ak
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import uproot

from resonaut.core import events
from resonaut.core.datasets import DatasetConfig
from resonaut.core.record import build
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.settings import Skim

ROOT = Path(__file__).parents[2]
DATA = (ROOT / os.environ.get("RESONAUT_REFERENCE_DATA", "../shared/data")).resolve()
PFNANO = DATA / "pfnano" / "pfnano.root"
FEATURES = DATA / "lhco" / "events_anomalydetection_subset.features.h5"
RAW = DATA / "lhco" / "events_anomalydetection_tiny.h5"
NANO_V15 = DATA / "nanoaod" / "nano_tt_v15.root"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"no reference data at {DATA} (RESONAUT_REFERENCE_DATA)")


@pytest.fixture
def skim(tmp_path):
    def run(file: Path, keys: dict, **fields) -> tuple[ak.Array, dict]:
        settings = build(keys, Skim, "skim")
        standard = {"nature": "simulation", "region": "dijet", "files": [str(file)], "files_per_chunk": 1}
        standard |= dict.fromkeys(("generator", "labelled", "certified", "expected", "luminosity", "mass")) | {
            "cross_section": 1.0
        }
        dataset = build(standard | fields, DatasetConfig, "dataset")
        output = tmp_path / "000.parquet"
        skim_chunk(settings, dataset, "x", 1, [str(file)], output, output.with_suffix(".json"))
        rows = ak.concatenate(list(events.iterate([output], pq.ParquetFile(output).schema_arrow.names)))
        return rows, json.loads(output.with_suffix(".json").read_text())

    return run


def test_pfnano_candidates_add_up_to_their_jets(skim) -> None:
    """PUPPI-weighted candidates of both jets of all events carry the jets' uncorrected pT to 0.3 %."""
    region = {"trigger": ["HLT_AK8PFJet500"], "met_filters": ["Flag_METFilters"], "jet_id": 2, "variations": True}
    keys = {"regions": {"dijet": region}, "max_constituents": 1000}
    rows, summary = skim(PFNANO, keys, format="nanoaod")
    assert summary["events"] == 10
    assert summary["generated"] == [10, 10.0]
    # Three of the ten events fail the filter; the trigger fired in all of them.
    assert [line["events"] for line in summary["cutflow"][:3]] == [10, 10, 7]
    assert len(rows) == summary["selected"] == 7
    with uproot.open(PFNANO) as file:
        source = file["Events"].arrays(["event", "FatJet_pt", "FatJet_rawFactor", "FatJet_msoftdrop"])
    for row in rows:
        original = source[source.event == row.event][0]
        for j in ("j1", "j2"):
            index = int(np.flatnonzero(original.FatJet_pt == row[f"{j}_pt"])[0])
            px, py = (np.sum(row[f"{j}_pf_pt"] * f(row[f"{j}_pf_phi"])) for f in (np.cos, np.sin))
            raw = row[f"{j}_pt"] * (1 - original.FatJet_rawFactor[index])
            assert np.hypot(px, py) == pytest.approx(raw, rel=3e-3)
            assert row[f"{j}_softdrop_mass"] == pytest.approx(max(original.FatJet_msoftdrop[index], 0))
    assert ak.all(rows.j1_softdrop_mass >= rows.j2_softdrop_mass)
    assert set(rows.j1_prongs.to_list()) == {1}  # the sample is QCD
    # Made without weights: its PSWeight is NanoAOD's dummy, and LHEScaleWeight is absent.
    assert set(ak.num(rows.shower_weight)) == set(ak.num(rows.scale_weight)) == {0}


def test_lhco_features_hold_the_resonance(skim) -> None:
    """W' (3.5 TeV) -> X (500 GeV) Y (100 GeV); the labelled slice of an independent count."""
    rule = {"background": [0, 0], "signal": [300, None], "seed": 1}
    rows, summary = skim(FEATURES, {}, format="lhco_features", region="lhco", nature="simulation", labelled=rule)
    assert summary["cutflow"][0]["events"] == 9059 - 300
    assert np.median(rows.m_jj) == pytest.approx(3500, rel=0.02)
    assert np.median(rows.j1_mass) == pytest.approx(500, rel=0.05)
    assert np.median(rows.j2_mass) == pytest.approx(100, rel=0.15)
    in_window = np.mean((rows.m_jj > 3300) & (rows.m_jj < 3700))
    assert in_window > 0.7


def test_raw_lhco_jets_are_those_of_the_olympics(skim) -> None:
    """1,000 raw events: the leading jet has pT > 1.2 TeV by the sample's trigger, the signal its two masses."""
    keys = {"read_constituents": False, "regions": {"all": {"delta_eta_max": None}}}
    rule = {"background": [0, 0], "signal": [0, None], "seed": 1}
    rows, summary = skim(RAW, keys, format="lhco_raw", region="all", nature="simulation", labelled=rule)
    assert summary["cutflow"][0]["events"] == 93
    assert np.percentile(np.maximum(rows.j1_pt, rows.j2_pt), 5) > 1190
    assert np.median(rows.m_jj) == pytest.approx(3500, rel=0.03)
    assert np.median(rows.j1_softdrop_mass) == pytest.approx(500, rel=0.06)
    assert np.median(rows.j2_softdrop_mass) == pytest.approx(100, rel=0.1)
    assert np.median(rows["j1_tau2"] / rows["j1_tau1"]) < 0.4


def test_official_candidates_without_a_charge(skim) -> None:
    """NanoAOD v15 of CMS: the candidates carry the jet's uncorrected pT, already weighted; tracks have a charge."""
    region = {"jets": 1, "pt_min": 200, "delta_eta_max": None}
    keys = {"regions": {"one": region}, "max_constituents": 1000}
    rows, summary = skim(NANO_V15, keys, format="nanoaod", region="one")
    assert len(rows) > 10
    assert summary["notes"][0]["note"].startswith("no counters of generated events")
    with uproot.open(NANO_V15) as file:
        source = file["Events"].arrays(["event", "FatJet_pt", "FatJet_rawFactor"])
    for row in rows:
        original = source[source.event == row.event][0]
        index = int(np.flatnonzero(original.FatJet_pt == row.j1_pt)[0])
        px, py = (np.sum(row.j1_pf_pt * f(row.j1_pf_phi)) for f in (np.cos, np.sin))
        assert np.hypot(px, py) == pytest.approx(row.j1_pt * (1 - original.FatJet_rawFactor[index]), rel=2e-2)
        tracks = np.isin(np.abs(row.j1_pf_pdgid), (11, 13, 211))
        assert ak.all(np.abs(row.j1_pf_charge) == tracks)


@pytest.mark.parametrize(
    ("name", "nature", "trigger"),
    [
        ("nano_tt_v12", "simulation", []),
        ("nano_tt_v15", "simulation", []),
        ("nano_dimuon", "data", ["HLT_Mu50", "HLT_IsoMu24"]),
    ],
)
def test_official_files_give_the_jets_of_a_plain_loop(skim, name, nature, trigger) -> None:
    region = {"jets": 1, "pt_min": 170, "delta_eta_max": None, "trigger": trigger}
    keys = {"regions": {"one": region}, "read_constituents": False, "truth": nature == "simulation"}
    file = DATA / "nanoaod" / f"{name}.root"
    rows, _ = skim(file, keys, format="nanoaod", region="one", nature=nature)
    with uproot.open(file) as opened:
        tree = opened["Events"]
        fired = [flag for flag in trigger if flag in tree.keys(recursive=False)]
        source = tree.arrays(["event", "FatJet_pt", "FatJet_eta", "FatJet_msoftdrop", *fired]).to_list()
    expected = {}
    for event in source:
        if trigger and not any(event[flag] for flag in fired):
            continue
        jets = zip(event["FatJet_pt"], event["FatJet_eta"], event["FatJet_msoftdrop"], strict=True)
        good = sorted((jet for jet in jets if jet[0] > 170 and abs(jet[1]) < 2.5), reverse=True)
        if good:
            expected[event["event"]] = (good[0][0], max(good[0][2], 0))
    assert (
        dict(
            zip(
                rows.event.to_list(),
                zip(rows.j1_pt.to_list(), rows.j1_softdrop_mass.to_list(), strict=True),
                strict=True,
            )
        )
        == expected
    )
    assert nature == "data" or len(expected) > 20


def test_same_olympics_table_in_another_layout(skim, tmp_path) -> None:
    """pandas' two layouts, compressed or not, give the same bytes."""
    table = pd.read_hdf(FEATURES, stop=20_000)
    found = []
    for name, options in (("a", {}), ("b", {"format": "table", "complib": "blosc", "complevel": 5})):
        table.to_hdf(tmp_path / f"{name}.h5", key="df", **options)
        skim(tmp_path / f"{name}.h5", {}, format="lhco_features", region="lhco", nature="data")
        found.append((tmp_path / "000.parquet").read_bytes())
    assert found[0] == found[1]
