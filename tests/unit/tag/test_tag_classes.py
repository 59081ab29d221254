"""A published network from skim to select: its columns, its classes, and what is wrong in one sentence."""

import json
from types import SimpleNamespace

import awkward as ak
import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut.core import events
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError, InputFileError, NotFiniteError
from resonaut.core.record import build, plain
from resonaut.select.methods import tagger
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.settings import Skim
from resonaut.tag import card, plan, scoring
from resonaut.tag.apply import apply
from resonaut.tag.published import Published
from resonaut.tag.settings import TagConfig

from .published import group, network, pfnano

OUTPUTS = ["pfcand_mask", "pfcand_abseta", "pfcand_puppiw"]


def settings(folder, **entry) -> TagConfig:
    return build({"networks": {}, "published": {"pnet": {"card": str(folder), **entry}}}, TagConfig, "tag")


@pytest.fixture
def skimmed(make_events):
    """Random events with what the network wants: weights, which skim has multiplied."""

    def make(n: int, seed: int) -> ak.Array:
        batch = make_events(n, seed, truth=False)
        for jet in ("j1", "j2"):
            weight = ak.ones_like(batch[f"{jet}_pf_pt"]) * 0.5
            batch = ak.with_field(batch, weight, f"{jet}_pf_puppi_weight")
        return batch

    return make


@pytest.fixture
def folder(tmp_path):
    return network(tmp_path / "model", {"pf": group(OUTPUTS, var_length=20)}, OUTPUTS)


def test_outputs_and_classes_are_columns_of_the_friend(skimmed, write_dataset, folder, tmp_path):
    manifest = write_dataset("data", [skimmed(8, 1), skimmed(0, 2), skimmed(5, 3)], nature="data")
    output = tmp_path / "tag" / "data" / "000.parquet"
    classes = {"qcd": ["pfcand_mask", "pfcand_abseta"], "2prong": ["pfcand_puppiw"]}
    scoring.score_chunk(settings(folder, classes=classes), [], manifest, "000", output, False)
    assert pq.ParquetFile(output).num_row_groups == 3
    columns = [f"{jet}_pnet_{name}" for jet in ("j1", "j2") for name in (*OUTPUTS, "qcd", "2prong")]
    assert pq.read_schema(output).names == [*events.KEY, *columns, "tag_train"]
    found = events.Dataset.open(manifest).read([*columns, "j1_pf_pt"], friends=("tag",))
    np.testing.assert_array_equal(found.j1_pnet_pfcand_mask, ak.num(found.j1_pf_pt))
    np.testing.assert_allclose(found.j1_pnet_pfcand_puppiw, ak.num(found.j1_pf_pt) / 2)
    whole = found.j1_pnet_pfcand_mask + found.j1_pnet_pfcand_abseta + found.j1_pnet_pfcand_puppiw
    np.testing.assert_allclose(found["j1_pnet_2prong"], found.j1_pnet_pfcand_puppiw / whole, rtol=1e-6)
    np.testing.assert_allclose(found.j1_pnet_qcd + found["j1_pnet_2prong"], 1, rtol=1e-6)


def test_a_card_may_stand_in_the_configuration(skimmed, write_dataset, folder, tmp_path, monkeypatch):
    """Its paths are those of the run, and its columns those of the folder's."""
    manifest = write_dataset("data", [skimmed(8, 1)], nature="data")
    monkeypatch.chdir(tmp_path)
    block = {"weights": "model/network.onnx", "preprocess": "model/preprocess.json", "outputs": ["a", "b", "c"]}
    section = build({"networks": {}, "published": {"pnet": {"card": block}}}, TagConfig, "tag")
    assert json.dumps(plain(section, TagConfig)["published"]["pnet"]["card"]) == json.dumps(block)
    output = tmp_path / "tag" / "data" / "000.parquet"
    scoring.score_chunk(section, [], manifest, "000", output, False)
    found = events.Dataset.open(manifest).read(["j1_pnet_a", "j1_pf_pt"], friends=("tag",))
    np.testing.assert_array_equal(found.j1_pnet_a, ak.num(found.j1_pf_pt))
    section = build({"networks": {}, "published": {"pnet": {"card": block | {"wights": 1}}}}, TagConfig, "tag")
    with pytest.raises(ConfigError, match=r"the card in the configuration: .*wights"):
        scoring.score_chunk(section, [], manifest, "000", output, False)


def test_what_skim_did_not_keep_or_is_broken_stops(skimmed, make_events, write_dataset, folder, tmp_path):
    output = tmp_path / "tag" / "x" / "000.parquet"
    bare = write_dataset("bare", [make_events(4, 1)])
    with pytest.raises(InputFileError, match=r"no column 'j1_pf_puppi_weight'.*networks of skim\.regions\.<name>"):
        scoring.score_chunk(settings(folder), [], bare, "000", output, False)
    batch = skimmed(4, 1)
    manifest = write_dataset("x", [batch])
    broken = ak.with_field(batch, np.array([1, np.nan, 1, 1], "f4"), "j2_eta")
    pq.write_table(ak.to_arrow_table(broken, extensionarray=False), tmp_path / "skim" / "x" / "000.parquet")
    with pytest.raises(NotFiniteError, match="j2_eta"):
        scoring.score_chunk(settings(folder), [], manifest, "000", output, False)
    network(folder, {"pf": group(OUTPUTS, var_length=20)}, OUTPUTS, jets={"pt_min": 5000})
    with pytest.raises(InputFileError, match="less than 5000 GeV"):
        scoring.score_chunk(settings(folder), [], write_dataset("y", [batch]), "000", output, False)
    with pytest.raises(ConfigError, match="no output 'probQCD'"):
        scoring.score_chunk(settings(folder, classes={"qcd": ["probQCD"]}), [], bare, "000", output, False)
    network(folder, {"pf": group(OUTPUTS)}, OUTPUTS, jets={"collection": "Jet"})
    with pytest.raises(InputFileError, match="holds in 'j1' jets of FatJet, and the network is of Jet"):
        scoring.score_chunk(settings(folder), [], bare, "000", output, False)


def test_skim_keeps_tracks_and_vertices_that_a_network_wants(tmp_path):
    """The scores of skimmed jets are those of the jets in the file, by a network of tracks and vertices."""
    tracks = ["pfcand_normchi2", "pfcand_dz", "pfcand_dxysig", "pfcand_btagSip3dSig", "pfcand_pt_log_nopuppi"]
    flight = ["sv_etarel", "sv_phirel", "sv_dxysig", "sv_mass"]
    groups = {"pf": group([*tracks, "pfcand_charge"]), "sv": group(flight)}
    outputs = [*tracks, "charge", *flight]
    folder = network(tmp_path / "model", groups, outputs, name="pnet")
    more = {name: [[0.1, 0.2], [], [0.3]] for name in ("tau1", "tau2", "tau3", "tau4", "msoftdrop", "btagDeepB")}
    more = {f"FatJet_{name}": lists for name, lists in more.items()}
    # Of an error of 0: no number, which the network replaces.
    more["FatJetPFCands_btagSip3dSig"] = [[np.nan, 0.0, 0.0, -4.0], [], []]
    file = pfnano(tmp_path / "nano.root", **more)
    region = {"jets": 1, "pt_min": 260, "delta_eta_max": None, "networks": [str(folder / "preprocess.json")]}
    standard = {"nature": "data", "region": "dijet", "format": "nanoaod", "files": [str(file)], "files_per_chunk": 1}
    standard |= dict.fromkeys(("generator", "labelled", "certified", "expected", "cross_section", "mass"))
    dataset = build(standard | {"luminosity": 1.0}, DatasetConfig, "dataset")
    output = tmp_path / "000.parquet"
    skim = build({"regions": {"dijet": region}, "truth": False}, Skim, "skim")
    skim_chunk(skim, dataset, "x", 1, [str(file)], output, output.with_suffix(".json"))
    names = pq.read_schema(output).names
    assert {"j1_pf_has_track", "j1_pf_d0_error", "j1_pf_puppi_weight", "j1_sv_dxy_significance"} <= {*names}
    assert "j1_pf_jet_distance" not in names
    model = Published.of(card.load(folder))
    apply(model, file, tmp_path / "jets.parquet", 8)
    apply(model, output, tmp_path / "friend.parquet", 8)
    direct, friend = (pq.read_table(tmp_path / f"{name}.parquet").to_pydict() for name in ("jets", "friend"))
    for name in outputs:
        assert friend[f"j1_pnet_{name}"] == pytest.approx(direct[name][:1], rel=1e-6, abs=1e-6), name


@pytest.fixture
def analysis(folder):
    """What the plan sees of an analysis with one published network and no other."""

    def make(**entry):
        known = {"card": str(folder), "classes": {}, "jets": None, "background": "qcd", "trust": False}
        tag = {"networks": {}, "published": {"pnet": known | entry}}
        return SimpleNamespace(config={"tag": tag, "select": {"tagger": {"network": "pnet", "background": "qcd"}}})

    return make


def test_the_plan_knows_the_files_of_a_card(analysis, folder):
    assert plan.cards(analysis()) == [str(folder / "network.onnx"), str(folder / "preprocess.json")]
    network(folder, {"pf": group(OUTPUTS)}, OUTPUTS, name="pnet")
    for given in (folder, folder / "card.yaml"):
        assert plan.cards(analysis(card=str(given)))[0] == str(folder / "card.yaml")
    block = {"weights": str(folder / "network.onnx"), "inputs": {}}
    assert plan.cards(analysis(card=block)) == [str(folder / "network.onnx")]
    (folder / "preprocess.json").unlink()
    with pytest.raises(ConfigError, match=r"no file .*preprocess\.json', which a card names"):
        plan._require_published(analysis())


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"card": "nowhere"}, "nothing at 'nowhere'"),
        ({"classes": {"2prong": ["a"]}}, "has no qcd"),
        ({"classes": {"qcd": ["a"], "2prong": ["a"]}}, "'a' counts twice"),
    ],
)
def test_the_plan_refuses_a_wrong_entry(analysis, entry, words):
    with pytest.raises(ConfigError, match=words):
        plan._require_published(analysis(**entry))


def test_select_takes_a_published_network_with_classes(analysis):
    tagger.check(analysis(classes={"qcd": ["pfcand_mask"]}))
    with pytest.raises(ConfigError, match=r"with classes, tag\.published"):
        tagger.check(analysis())
    with pytest.raises(ConfigError, match="'qcd' is no class of pnet; it has light"):
        tagger.check(analysis(classes={"light": ["pfcand_mask"]}, background="light"))


def test_frozen_keys_of_a_published_network_are_plain(folder):
    assert json.dumps(build({"card": str(folder)}, type(settings(folder).published["pnet"]), "x").classes) == "{}"
