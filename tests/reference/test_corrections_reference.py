"""The experiment's own tables of 2017 on its own simulation: stored momenta, masses and missing momentum come back."""

import os
from pathlib import Path

import awkward as ak
import correctionlib
import numpy as np
import pytest
import uproot
import vector

from resonaut.core import events as stored
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import InputFileError
from resonaut.core.identifier import KEY, keys
from resonaut.core.record import build
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.corrections import energy, mass, missing, weights
from resonaut.skim.corrections.settings import SimulatedJets
from resonaut.skim.corrections.tables import Table
from resonaut.skim.settings import Skim

ROOT = Path(__file__).parents[2]
DATA = (ROOT / os.environ.get("RESONAUT_REFERENCE_DATA", "../shared/data")).resolve()
TABLES = DATA / "corrections" / "2017_UL"
PFNANO = DATA / "pfnano" / "pfnano.root"
MOMENTUM = ("pt", "eta", "phi", "mass", "rawFactor", "area")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"no reference data at {DATA} (RESONAUT_REFERENCE_DATA)")

LARGE = {"file": str(TABLES / "fatJet_jerc.json.gz"), "algorithm": "AK8PFPuppi", "scale": "Summer19UL17_V5_MC"}
SMALL = {"file": str(TABLES / "jet_jerc.json.gz"), "algorithm": "AK4PFchs", "scale": "Summer19UL17_V5_MC"}


class Tree:
    """The branches of a file."""

    def __init__(self, path: Path = PFNANO, rho: str = "fixedGridRhoFastjetAll") -> None:
        self.tree = uproot.open(path)["Events"]
        self.events = energy.Events(
            ak.to_numpy(self[rho]), ak.to_numpy(self["run"]), keys(ak.zip({name: self[name] for name in KEY}))
        )

    def __getitem__(self, name: str) -> ak.Array:
        return ak.without_parameters(self.tree[name].array())

    def jets(self, name: str, *fields: str) -> ak.Array:
        return ak.zip({field: self[f"{name}_{field}"] for field in (*MOMENTUM, *fields)})


def made(keys: dict, **more) -> energy.Energy:
    return energy.Energy.of(build(keys | more, SimulatedJets, "jets"), 0.8, 1)


def test_stored_momenta_come_back() -> None:
    """24 large-radius jets to 3.5e-4 in the mean and 7.4e-4 at most; the small-radius ones to 3.4e-4 in the mean."""
    tree = Tree()
    for collection, settings, mean in (("FatJet", LARGE, 3.6e-4), ("Jet", SMALL, 3.4e-4)):
        jets = tree.jets(collection)
        found = made(settings).correct(jets, tree.events)[0]
        off = np.abs(ak.to_numpy(ak.flatten(found.pt / jets.pt)) - 1)
        assert off.mean() < mean
        if collection == "FatJet":
            assert len(off) == 24
            assert off.max() < 7.5e-4


def test_every_other_era_is_refused() -> None:
    """By at least 0.8 % for each run period of the data, and for other campaigns' simulation."""
    tree = Tree()
    for settings, collection in ((LARGE, "FatJet"), (SMALL, "Jet")):
        energy.require_era("a", energy.difference(tree.jets(collection), made(settings).scale, tree.events), "", "", "")
        for period in "BCDEF":
            other = made(settings, scale=f"Summer19UL17_Run{period}_V5_DATA")
            found = energy.difference(tree.jets(collection), other.scale, tree.events)
            assert found > 0.008
            with pytest.raises(InputFileError, match="another era"):
                energy.require_era("a", found, "FatJet", period, "check_era")
    for name in ("v12", "v15"):
        tree = Tree(DATA / "nanoaod" / f"nano_tt_{name}.root", "Rho_fixedGridRhoFastjetAll")
        assert energy.difference(tree.jets("FatJet"), made(LARGE).scale, tree.events) > energy.TOLERANCE


def test_stored_missing_momentum_comes_back() -> None:
    """Type 1 of ten events: the stored one to 0.2 GeV, from which the raw one is up to 45 GeV off."""
    tree = Tree()
    jets = tree.jets("Jet", "muonSubtrFactor")
    jets = ak.with_field(jets, tree["Jet_chEmEF"] + tree["Jet_neEmEF"], "electromagnetic")
    fields = {"pt": "rawPt", "eta": "eta", "phi": "phi", "area": "area", "muonSubtrFactor": "muonSubtrFactor"}
    soft = ak.zip({name: tree[f"CorrT1METJet_{field}"] for name, field in fields.items()})
    soft = ak.with_field(ak.with_field(soft, ak.zeros_like(soft.pt), "rawFactor"), ak.zeros_like(soft.pt), "mass")
    offset = energy.Scale.of(SMALL["file"], "L1FastJet", "AK4PFchs", SMALL["scale"])
    scale = made(SMALL).scale
    sums = [missing.jet_sum(j, scale(j, tree.events), offset(j, tree.events)) for j in (jets, soft)]
    found = missing.corrected(ak.to_numpy(tree["RawMET_pt"]), ak.to_numpy(tree["RawMET_phi"]), sums)
    assert np.abs(found.pt - tree["MET_pt"]).to_numpy().max() < 0.2
    assert np.abs(tree["RawMET_pt"] - tree["MET_pt"]).to_numpy().max() > 40
    large = tree["MET_pt"] > 50
    assert np.abs(found.phi - tree["MET_phi"])[large].to_numpy().max() < 2e-3


def test_softdrop_mass_of_subjets() -> None:
    """1.3 % below the stored one in the median of the jets with two subjets and more than 1.2 GeV."""
    tree = Tree()
    jets = tree.jets("FatJet", "subJetIdx1", "subJetIdx2", "msoftdrop")
    subjets = ak.zip({name: tree[f"SubJet_{name}"] for name in ("pt", "eta", "phi", "mass")})
    found = mass.from_subjets(jets, subjets)
    chosen = (jets.subJetIdx1 >= 0) & (jets.subJetIdx2 >= 0) & (jets.msoftdrop > 1.2)
    ratio = ak.to_numpy(ak.flatten((found / jets.msoftdrop)[chosen]))
    assert len(ratio) == 21
    assert np.median(ratio) == pytest.approx(1 - 0.013, abs=1e-3)


def test_uncertainty_of_the_scale_at_high_momentum() -> None:
    """0.5 to 0.9 % in total for central jets of 1.2 to 1.7 TeV."""
    table = made(LARGE, uncertainties={"total": "Total"}).uncertainties["jes_total"]
    found = table({"JetPt": np.array([1200.0, 1450.0, 1700.0]), "JetEta": np.full(3, 0.5)})
    assert ((found > 0.005) & (found < 0.009)).all()


def test_coffea_corrects_and_shifts_jets_alike() -> None:
    """Its factory, on the same tables: momenta of jets with a generated one, and both ways of the total uncertainty."""
    from coffea.jetmet_tools import CorrectedJetsFactory, CorrectionLibJECStack

    tree = Tree()
    jets = ak.with_field(tree.jets("FatJet"), tree["FatJet_genJetAK8Idx"], "gen_index")
    generated = ak.zip({name: tree[f"GenJetAK8_{name}"] for name in ("pt", "eta", "phi")})
    energy_8 = made(LARGE, resolution="Summer19UL17_JRV2_MC", uncertainties={"total": "Total"})
    ours, shifts = energy_8.correct(jets, tree.events, generated)
    stack = CorrectionLibJECStack.from_file(
        LARGE["file"], "Summer19UL17_V5", "MC", "AK8PFPuppi", unc_sources=["Total"], jer_tag="Summer19UL17_JRV2"
    )
    names = {"JetPt": "pt", "JetMass": "mass", "JetEta": "eta", "JetA": "area", "ptRaw": "pt_raw", "Rho": "Rho"}
    names |= {"massRaw": "mass_raw", "ptGenJet": "pt_gen", "JetPhi": "phi"}
    matched = generated.pt[ak.where(jets.gen_index >= 0, jets.gen_index, 0)]
    given = {name: jets[name] for name in MOMENTUM} | {"Rho": ak.broadcast_arrays(tree.events.rho, jets.pt)[0]}
    given |= {f"{name}_raw": jets[name] * (1 - jets.rawFactor) for name in ("pt", "mass")}
    theirs = CorrectedJetsFactory(stack.blank_name_map | names, stack).build(
        ak.zip(given | {"pt_gen": ak.where(jets.gen_index >= 0, matched, 0)})
    )
    width = energy_8.resolution.width.of_jets(
        jets, {"JetPt": theirs.pt_jec, "JetEta": jets.eta, "Rho": tree.events.rho}
    )
    known = (jets.gen_index >= 0) & (np.abs(theirs.pt_jec - matched) < 3 * width * theirs.pt_jec)
    assert ak.sum(known) >= 15
    for one, other in (
        (ours.pt, theirs.pt),
        (ours.mass, theirs.mass),
        (ours.pt * shifts["jes_total_up"], theirs.JES_Total.up.pt),
        (ours.pt * shifts["jes_total_down"], theirs.JES_Total.down.pt),
        (ours.pt * shifts["jer_up"], theirs.JER.up.pt),
    ):
        ratio = ak.to_numpy(ak.flatten((one / other)[known]))
        assert ratio == pytest.approx(np.ones(len(ratio)), abs=2e-6)


def test_the_stage_beside_a_script_of_its_own(tmp_path) -> None:
    """The ten events through ``skim`` and, jet by jet, with correctionlib alone: momenta, shifts and m_jj."""
    large = LARGE | {"uncertainties": {"total": "Total"}}
    config = {
        "regions": {"dijet": {"pt_min": 200}},
        "eras": {"e": {"corrections": {"simulation": {"large_jet": large}}}},
    }
    dataset = {"nature": "simulation", "era": "e", "files": [str(PFNANO)], "cross_section": 1.0}
    output = tmp_path / "000.parquet"
    made_of = (build(config, Skim, "skim", merge=True), build(dataset, DatasetConfig, "dataset"))
    skim_chunk(*made_of, "x", 1, [str(PFNANO)], output, output.with_suffix(".json"))
    columns = ["m_jj", "passes", "m_jj__jes_total_up", "m_jj__jes_total_down"]
    rows = ak.concatenate(list(stored.iterate([output], columns)))
    tables = correctionlib.CorrectionSet.from_file(LARGE["file"])
    scale = tables.compound["Summer19UL17_V5_MC_L1L2L3Res_AK8PFPuppi"]
    total = tables["Summer19UL17_V5_MC_Total_AK8PFPuppi"]
    tree, found = Tree(), {}
    jets, number = tree.jets("FatJet"), ak.to_numpy(tree["event"])
    for event, of in enumerate(jets):
        momenta = []
        for jet in of:
            raw = float(jet.pt * (1 - jet.rawFactor))
            factor = scale.evaluate(float(jet.area), float(jet.eta), raw, float(tree.events.rho[event]))
            shift = total.evaluate(float(jet.eta), raw * factor)
            momenta.append((raw * factor, float(jet.mass * (1 - jet.rawFactor)) * factor, jet.eta, jet.phi, shift))
        for place, sign in enumerate((0, 1, -1)):
            pair = sorted(((pt * (1 + sign * d), m * (1 + sign * d), eta, phi) for pt, m, eta, phi, d in momenta))[-2:]
            pair = [jet for jet in pair if jet[0] > 200 and abs(jet[2]) < 2.5]
            if len(pair) == 2 and abs(pair[0][2] - pair[1][2]) < 1.3:
                four = [vector.obj(pt=pt, mass=m, eta=float(eta), phi=float(phi)) for pt, m, eta, phi in pair]
                found[int(number[event]), place] = (four[0] + four[1]).mass
    assert len(rows) == len({event for event, _ in found}) >= 8
    for row in rows:
        for place, name in enumerate(("m_jj", "m_jj__jes_total_up", "m_jj__jes_total_down")):
            # Shifted numbers are stored with 18 significant bits.
            assert row[name] == pytest.approx(found[row.event, place], rel=5e-6 if place else 1e-6)


def test_pileup() -> None:
    found = weights.pileup(Table.of(str(TABLES / "puWeights.json.gz")), ak.to_numpy(Tree()["Pileup_nTrueInt"]))
    assert all((values > 0).all() and (values < 3).all() for values in found.values())
    assert (found["up"] != found["down"]).all()


def test_the_veto_map_beside_a_script_of_its_own(tmp_path) -> None:
    """Top pairs through ``skim``, and jet by jet as CMS says: tight, less than 90 % electromagnetic, and no muon."""
    file, path = DATA / "nanoaod" / "nano_tt_v12.root", TABLES / "jetvetomaps.json.gz"
    eras = {"e": {"corrections": {"simulation": {"jet_veto": {"file": str(path)}}}}}
    config = build({"regions": {"dijet": {"jets": 0}}, "eras": eras}, Skim, "skim", merge=True)
    dataset = {"nature": "simulation", "era": "e", "files": [str(file)], "cross_section": 1.0}
    output = tmp_path / "000.parquet"
    made_of = (config, build(dataset, DatasetConfig, "dataset"))
    skim_chunk(*made_of, "x", 1, [str(file)], output, output.with_suffix(".json"))
    rows = ak.concatenate(list(stored.iterate([output], [])))
    table = correctionlib.CorrectionSet.from_file(str(path))["Summer19UL17_V1"]
    tree, spared, muons_spare = uproot.open(file)["Events"], [], 0
    jet = {name: tree[f"Jet_{name}"].array() for name in ("pt", "eta", "phi", "jetId", "chEmEF", "neEmEF")}
    muon = {name: tree[f"Muon_{name}"].array() for name in ("eta", "phi", "isPFcand")}
    for jets, muons, event in zip(ak.zip(jet).to_list(), ak.zip(muon).to_list(), tree["event"].array(), strict=True):
        hot = [
            one
            for one in jets
            if one["pt"] > 15 and abs(one["eta"]) < 5.19 and one["jetId"] >= 2 and one["chEmEF"] + one["neEmEF"] < 0.9
            if table.evaluate("jetvetomap", one["eta"], min(max(one["phi"], -np.pi), np.pi))
        ]
        near = [
            any(
                np.hypot(one["eta"] - m["eta"], (one["phi"] - m["phi"] + np.pi) % (2 * np.pi) - np.pi) < 0.2
                for m in muons
                if m["isPFcand"]
            )
            for one in hot
        ]
        muons_spare += bool(hot) and all(near)
        spared += [int(event)] if all(near) else []
    assert sorted(rows.event.to_list()) == sorted(spared)
    assert 0 < len(spared) < tree.num_entries
    assert muons_spare
