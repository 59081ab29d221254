"""Objects and observables of real events, one event after the other beside a short script of its own."""

import math
import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from resonaut.core.datasets import DatasetConfig
from resonaut.core.record import build
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.settings import Skim

ROOT = Path(__file__).parents[2]
DATA = (ROOT / os.environ.get("RESONAUT_REFERENCE_DATA", "../shared/data")).resolve() / "nanoaod"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"no reference data at {DATA} (RESONAUT_REFERENCE_DATA)")


@pytest.fixture
def skim(tmp_path):
    """The rows of a file, by the number of the event, and their metadata."""

    def run(file: str, region: dict, nature: str) -> tuple[dict, dict]:
        names = ("generator", "labelled", "certified", "expected", "luminosity", "mass")
        fields = {"nature": nature, "format": "nanoaod", "region": "r", "files": [file], "files_per_chunk": 1}
        dataset = build(dict.fromkeys(names) | {"cross_section": 1.0} | fields, DatasetConfig, "dataset")
        output = tmp_path / "000.parquet"
        path = str(DATA / file)
        skim_chunk(
            build({"regions": {"r": region}}, Skim, "skim"), dataset, "x", 1, [path], output, tmp_path / "000.json"
        )
        table = pq.read_table(output)
        notes = {field.name: field.metadata for field in table.schema}
        return {row["event"]: row for row in table.to_pylist()}, notes

    return run


def particles(file: str, *collections: tuple[str, tuple[str, ...]], single: tuple[str, ...] = ()):
    """For each event its number, its particles as dictionaries, and branches with one value each."""
    with uproot.open(DATA / file) as opened:
        tree = opened["Events"]
        columns = {f"{c}_{f}": tree[f"{c}_{f}"].array(library="np") for c, fields in collections for f in fields}
        alone = {name: tree[name].array(library="np") for name in ("event", *single)}
    for i, number in enumerate(alone["event"]):
        lists = [
            [{f: columns[f"{c}_{f}"][i][j] for f in fields} for j in np.argsort(-columns[f"{c}_pt"][i], kind="stable")]
            for c, fields in collections
        ]
        yield int(number), lists, {name: float(alone[name][i]) for name in single}


def four(p: dict) -> np.ndarray:
    pt, eta, phi, m = (float(p[name]) for name in ("pt", "eta", "phi", "mass"))
    momentum = pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)
    return np.array([math.sqrt(m * m + sum(x * x for x in momentum)), *momentum])


def mass(*several: dict) -> float:
    energy, *momentum = sum(map(four, several))
    return math.sqrt(max(energy**2 - sum(x * x for x in momentum), 0))


def delta_r(one: dict, two: dict) -> float:
    turned = math.remainder(float(one["phi"]) - float(two["phi"]), 2 * math.pi)
    return math.hypot(float(one["eta"]) - float(two["eta"]), turned)


KINEMATICS = ("pt", "eta", "phi", "mass")


def test_dimuons_of_data(skim) -> None:
    region = {
        "jets": 0,
        "objects": {
            "muon": {
                "pt_min": 4,
                "eta_max": 2.4,
                "where": {"softId": [1, None], "pfRelIso04_all": [None, 5]},
                "number": [2, None],
                "keep": 3,
                "fields": ["dxy"],
            }
        },
        "observables": ["m_ll", "pt_ll", "delta_r_ll", "met_pt"],
        "cuts": {"charge_ll": [0, 0], "m_ll": [0.5, 60]},
    }
    rows, notes = skim("nano_dimuon.root", region, "data")
    fields = (*KINEMATICS, "charge", "softId", "pfRelIso04_all", "dxy")
    expected = 0
    for number, (muons,), event in particles("nano_dimuon.root", ("Muon", fields), single=("PuppiMET_pt",)):
        good = [m for m in muons if m["pt"] > 4 and abs(m["eta"]) < 2.4 and m["softId"] and m["pfRelIso04_all"] <= 5]
        if len(good) < 2 or good[0]["charge"] + good[1]["charge"] or not 0.5 <= mass(*good[:2]) <= 60:
            assert number not in rows
            continue
        expected += 1
        row = rows[number]
        assert row["n_muon"] == len(good)
        for place, muon in enumerate([*good, *[dict.fromkeys(fields, 0)] * 3][:3], start=1):
            assert [row[f"muon{place}_{name}"] for name in (*KINEMATICS, "charge", "dxy")] == [
                muon[name] for name in (*KINEMATICS, "charge", "dxy")
            ]
        both = four(good[0]) + four(good[1])
        assert row["m_ll"] == pytest.approx(mass(*good[:2]), rel=1e-6)
        assert row["pt_ll"] == pytest.approx(math.hypot(*both[1:3]), rel=1e-6)
        assert row["delta_r_ll"] == pytest.approx(delta_r(*good[:2]), rel=1e-5)
        assert row["met_pt"] == pytest.approx(event["PuppiMET_pt"])
    assert len(rows) == expected > 5
    assert (notes["m_ll"][b"unit"], notes["m_ll"][b"label"]) == (b"GeV", rb"$m_{\ell\ell}$")


TOPS = {
    "jets": 0,
    "objects": {
        "muon": {"pt_min": 15, "eta_max": 2.4, "where": {"looseId": [1, None]}, "keep": 1},
        "electron": {"pt_min": 15, "eta_max": 2.5, "where": {"cutBased": [2, None]}, "keep": 1},
        "small_jet": {"pt_min": 25, "eta_max": 2.4, "apart": {"lepton": 0.4}, "number": [2, None], "keep": 2},
        "b_jet": {"from": "small_jet", "where": {"btagDeepFlavB": [0.3, None]}, "number": [1, None], "keep": 1},
    },
    "observables": ["h_t", "s_t", "met_pt", "met_phi", "m_t", "n_lepton", "m_small_jj", "delta_eta_small_jj"],
    "cuts": {"n_lepton": [1, None], "h_t": [80, 900]},
}


@pytest.mark.parametrize("file", ["nano_tt_v12.root", "nano_tt_v15.root"])
def test_top_pairs_of_two_versions(skim, file) -> None:
    rows, _ = skim(file, TOPS, "pseudo_data")
    fields = (
        ("Muon", (*KINEMATICS, "looseId")),
        ("Electron", (*KINEMATICS, "cutBased")),
        ("Jet", (*KINEMATICS, "btagDeepFlavB")),
    )
    expected = removed = 0
    for number, (muons, electrons, jets), event in particles(file, *fields, single=("PuppiMET_pt", "PuppiMET_phi")):
        muons = [m for m in muons if m["pt"] > 15 and abs(m["eta"]) < 2.4 and m["looseId"]]
        electrons = [e for e in electrons if e["pt"] > 15 and abs(e["eta"]) < 2.5 and e["cutBased"] >= 2]
        leptons = sorted([*muons, *electrons], key=lambda one: -one["pt"])
        central = [j for j in jets if j["pt"] > 25 and abs(j["eta"]) < 2.4]
        clean = [j for j in central if all(delta_r(j, lepton) >= 0.4 for lepton in leptons)]
        removed += len(central) - len(clean)
        b_jets = [j for j in clean if j["btagDeepFlavB"] >= np.float32(0.3)]
        h_t = sum(float(j["pt"]) for j in clean)
        if len(clean) < 2 or not b_jets or not leptons or not 80 <= h_t <= 900:
            assert number not in rows
            continue
        expected += 1
        row = rows[number]
        found = [row[f"n_{name}"] for name in ("muon", "electron", "lepton", "small_jet", "b_jet")]
        assert found == [len(muons), len(electrons), len(leptons), len(clean), len(b_jets)]
        kept = {"small_jet1": clean[0], "small_jet2": clean[1], "b_jet1": b_jets[0]}
        kept |= {"muon1": muons[0] if muons else dict.fromkeys(KINEMATICS, 0)}
        for name, one in kept.items():
            assert [row[f"{name}_{field}"] for field in KINEMATICS] == [one[field] for field in KINEMATICS]
        assert row["h_t"] == pytest.approx(h_t, rel=1e-6)
        whole = h_t + sum(float(one["pt"]) for one in leptons) + event["PuppiMET_pt"]
        assert row["s_t"] == pytest.approx(whole, rel=1e-6)
        assert (row["met_pt"], row["met_phi"]) == pytest.approx((event["PuppiMET_pt"], event["PuppiMET_phi"]))
        turned = 1 - math.cos(float(leptons[0]["phi"]) - event["PuppiMET_phi"])
        m_t = math.sqrt(2 * float(leptons[0]["pt"]) * event["PuppiMET_pt"] * turned)
        assert row["m_t"] == pytest.approx(m_t, rel=1e-4, abs=1e-3)
        assert row["m_small_jj"] == pytest.approx(mass(*clean[:2]), rel=1e-6)
        assert row["delta_eta_small_jj"] == pytest.approx(
            abs(float(clean[0]["eta"]) - float(clean[1]["eta"])), abs=1e-6
        )
    assert len(rows) == expected > 10
    assert removed > 10
