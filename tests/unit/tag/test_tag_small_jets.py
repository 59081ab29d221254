"""Published networks of small-radius jets in the workflow: from skim's objects to the scores."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from resonaut.core import events
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.record import build
from resonaut.skim.chunk import skim_chunk
from resonaut.skim.settings import Skim
from resonaut.tag import card, plan, skimmed
from resonaut.tag.apply import apply
from resonaut.tag.classes import Classes
from resonaut.tag.published import Published
from resonaut.tag.settings import PublishedConfig

from .published import flat, group, network, pfnano

TRACKS = ["pfcand_pt_log_nopuppi", "pfcand_dxysig", "pfcand_btagSip3dSig", "pfcand_puppiw", "pfcand_charge"]
FLIGHT = ["sv_etarel", "sv_dxysig", "sv_mass"]
OUTPUTS = [*TRACKS, *FLIGHT]


@pytest.fixture
def folder(tmp_path) -> Path:
    groups = {"pf": group(TRACKS, var_length=2), "sv": group(FLIGHT)}
    return network(tmp_path / "model", groups, OUTPUTS, name="flavour", jets={"collection": "Jet"})


@pytest.fixture
def file(tmp_path) -> Path:
    """Small jets with the contents of the usual large ones, of which one candidate has no PUPPI weight."""
    small = {name.replace("FatJet", "Jet"): lists for name, lists in flat().items() if name.startswith("FatJet")}
    weights = {"PFCands_puppiWeight": [[1.0, 1.0, 0.0, 1.0], [], []]}
    return pfnano(tmp_path / "nano.root", **small, **weights)


def skim(file: Path, output: Path, cuts: dict, **more) -> Path:
    region = {"jets": 0, "delta_eta_max": None, "objects": {"small_jet": cuts}}
    standard = {"nature": "data", "region": "dijet", "format": "nanoaod", "files": [str(file)], "files_per_chunk": 1}
    standard |= dict.fromkeys(("generator", "labelled", "certified", "expected", "cross_section", "mass"))
    dataset = build(standard | {"luminosity": 1.0}, DatasetConfig, "dataset")
    settings = build({"regions": {"dijet": region}, "truth": False} | more, Skim, "skim")
    skim_chunk(settings, dataset, "x", 1, [str(file)], output, output.with_suffix(".json"))
    return output


def test_skimmed_small_jets_have_the_scores_of_the_file(tmp_path, file, folder):
    """By their file's order; candidates without a weight count, as momenta are not weighted."""
    cuts = {"keep": 2, "networks": [str(folder / "preprocess.json")]}
    output = skim(file, tmp_path / "000.parquet", cuts)
    names = pq.read_schema(output).names
    assert {"small_jet1_pf_d0_error", "small_jet2_sv_dxy_significance", "small_jet1_n_constituents"} <= {*names}
    assert skimmed.kept("small_jet", names) == ["small_jet1", "small_jet2"]
    model = Published.of(card.load(folder))
    apply(model, file, tmp_path / "jets.parquet", 8)
    apply(model, output, tmp_path / "friend.parquet", 8)
    direct, friend = (pq.read_table(tmp_path / f"{name}.parquet").to_pydict() for name in ("jets", "friend"))
    assert friend["small_jet1_flavour_scored"] == [True, False, False]
    assert friend["small_jet2_flavour_scored"] == [True, False, False]
    for name in OUTPUTS:
        for place in (0, 1):
            mine = friend[f"small_jet{place + 1}_flavour_{name}"]
            assert mine == pytest.approx([direct[name][place], 0, 0], rel=1e-6, abs=1e-6), name
    # The hadron of 150 GeV, whose weight is 0, and the pion.
    assert friend["small_jet1_flavour_pfcand_puppiw"][0] == 1
    assert friend["small_jet1_flavour_pfcand_pt_log_nopuppi"][0] == pytest.approx(np.log(150) + np.log(100), rel=1e-6)


def test_jets_that_cuts_leave_keep_their_own_contents(tmp_path, file, folder):
    """Of two jets the second alone passes: its one candidate, the electron, and its two vertices."""
    cuts = {"keep": 2, "where": {"mass": [None, 40]}, "networks": [str(folder / "preprocess.json")]}
    found = pq.read_table(skim(file, tmp_path / "000.parquet", cuts)).to_pydict()
    assert found["small_jet1_pt"] == [300, 0, 250]
    assert found["small_jet1_pf_pt"] == [[7], [], []]
    assert found["small_jet1_pf_charge"] == [[-1], [], []]
    assert [len(vertices) for vertices in found["small_jet1_sv_pt"]] == [2, 0, 0]
    assert found["small_jet2_pf_pt"] == [[], [], []]


def test_candidates_are_the_hardest_ones_and_counted(tmp_path, file, folder):
    cuts = {"keep": 1, "networks": [str(folder / "preprocess.json")]}
    found = pq.read_table(skim(file, tmp_path / "000.parquet", cuts, max_constituents=2)).to_pydict()
    assert found["small_jet1_n_constituents"] == [3, 0, 0]
    assert found["small_jet1_pf_pt"] == [[150, 100], [], []]


def test_classes_of_small_jets(tmp_path, file, folder):
    """Normalised where there is a jet, and 0 where there is none."""
    cuts = {"keep": 1, "networks": [str(folder / "preprocess.json")]}
    output = skim(file, tmp_path / "000.parquet", cuts)
    classes = {"qcd": ["pfcand_puppiw"], "2prong": ["pfcand_pt_log_nopuppi"]}
    entry = build({"card": str(folder), "jets": "small_jet", "classes": classes}, PublishedConfig, "entry")
    one = Classes.of("btag", entry, "cpu")
    assert one.jets(events.columns(output)) == ["small_jet1"]
    (batch,) = events.iterate([output], skimmed.columns("small_jet1", one.network.wanted))
    found = one.columns(batch, "small_jet1", 8)
    assert found["small_jet1_btag_scored"].tolist() == [True, False, False]
    whole = 1 + np.log(150) + np.log(100)
    np.testing.assert_allclose(found["small_jet1_btag_qcd"], [1 / whole, 0, 0], rtol=1e-6)


def test_jets_of_another_collection_are_refused(tmp_path, file, folder):
    output = skim(file, tmp_path / "000.parquet", {"keep": 1, "networks": [str(folder / "preprocess.json")]})
    groups = {"pf": group(TRACKS, var_length=2), "sv": group(FLIGHT)}
    large = network(tmp_path / "large", groups, OUTPUTS, name="large")
    with pytest.raises(InputFileError, match="holds in 'small_jet1' jets of Jet, and the network is of FatJet"):
        apply(Published.of(card.load(large)), output, tmp_path / "o.parquet", 8)


@pytest.mark.parametrize(
    ("cuts", "words"),
    [
        ({"keep": 0}, "networks are those of objects that are kept, and keep is 0"),
        ({"keep": 1, "networks": ["nowhere.json"]}, "no such file"),
    ],
)
def test_wrong_networks_of_objects_end_in_a_sentence(tmp_path, file, folder, cuts, words):
    with pytest.raises((ConfigError, InputFileError), match=words):
        skim(file, tmp_path / "000.parquet", {"networks": [str(folder / "preprocess.json")]} | cuts)


def test_a_file_without_links_of_small_jets_is_refused(tmp_path, folder):
    small = {f"Jet_{name}": flat()[f"FatJet_{name}"] for name in ("pt", "eta", "phi", "mass")}
    with pytest.raises(InputFileError, match="no branch 'JetPFCands_"):
        skim(
            pfnano(tmp_path / "n.root", **small),
            tmp_path / "000.parquet",
            {"keep": 1, "networks": [str(folder / "preprocess.json")]},
        )


def test_the_plan_wants_the_objects_candidates(folder):
    entry = {"card": str(folder), "classes": {}, "background": "qcd", "jets": "small_jet", "trust": False}

    def analysis(objects: dict) -> SimpleNamespace:
        config = {
            "tag": {"networks": {}, "published": {"flavour": entry}, "jet_files": None, "working_points": {}},
            "datasets": {"data": {"region": "dijet"}},
            "skim": {"regions": {"dijet": {"objects": objects}}},
        }
        sample = lambda *names, **_: ["data"] if "data" in names else []  # noqa: E731
        return SimpleNamespace(config=config, sample=sample, wanted=lambda: {"data"})

    plan._require_published(analysis({"small_jet": {"networks": ["x"]}}))
    for objects in ({}, {"small_jet": {"networks": []}}):
        with pytest.raises(
            ConfigError, match=r"keeps no candidates of 'small_jet'.*regions\.dijet\.objects\.small_jet"
        ):
            plan._require_published(analysis(objects))
