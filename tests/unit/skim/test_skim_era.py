"""What an era's block says for a dataset, what of it a job reads, and what of it cannot be."""

import gzip
import json

import pytest

from resonaut.core.analysis import Analysis
from resonaut.core.datasets import DatasetConfig
from resonaut.core.errors import ConfigError, InputFileError
from resonaut.core.record import build
from resonaut.skim import plan
from resonaut.skim.era import Era
from resonaut.skim.settings import Skim

JETS = {"algorithm": "AK8", "scale": "V1_MC"}


@pytest.fixture
def analysis(tmp_path, monkeypatch):
    """An analysis of data and simulation of the era 2017."""
    monkeypatch.chdir(tmp_path)
    for name in ("data.root", "sim.root", "golden.json", "own.json", "p.csv", "jets.json", "data_jets.json", "pu.json"):
        # The names of tables are looked for as texts.
        (tmp_path / name).write_text('"V1_MC_L1L2L3Res_AK8", "V1_RunA_DATA_L1L2L3Res_AK8"')

    def make(era: dict | None = None, data: dict | None = None, **eras: dict) -> Analysis:
        datasets = {
            "data": {"nature": "data", "luminosity": 1, "era": "2017", "files": ["data.root"]} | (data or {}),
            "sim": {"nature": "simulation", "cross_section": 1, "era": "2017", "files": ["sim.root"]},
        }
        datasets["sim"]["era"] = datasets["data"]["era"]
        config = {
            "search": {"stages": ["skim"], "samples": {"data": ["data"], "background": ["sim"]}},
            "datasets": datasets,
            "skim": {"eras": {"2017": era or {}} | eras},
        }
        return Analysis.of(config, [])

    return make


BLOCK = {
    "trigger": ["HLT_A", "HLT_B"],
    "certified": "golden.json",
    "prescales": "p.csv",
    "corrections": {
        "data": {"large_jet": JETS | {"file": "data_jets.json", "scale": {"V1_RunA_DATA": [1, 2]}}},
        "simulation": {"large_jet": JETS | {"file": "jets.json"}, "pileup": {"file": "pu.json"}},
    },
}


def test_a_job_reads_its_own_part_of_its_own_era(analysis) -> None:
    made = analysis(BLOCK, **{"2018": {"trigger": ["HLT_C"]}})
    data, simulation = (made.keys(f"skim/chunk/{name}")["skim"]["eras"] for name in ("data", "sim"))
    assert list(data) == list(simulation) == ["2017"]
    assert list(data["2017"]["corrections"]) == ["data"]
    assert list(simulation["2017"]["corrections"]) == ["simulation"]
    assert (data["2017"]["prescales"], simulation["2017"]["prescales"]) == ("p.csv", None)
    assert plan.tables(made, "data") == ["golden.json", "p.csv", "data_jets.json"]
    assert plan.tables(made, "sim") == ["jets.json", "pu.json"]
    # Of what is corrected the manifest knows nothing.
    assert made.keys("skim/merge/sim")["skim"]["eras"]["2017"]["corrections"] == {}
    own = analysis(BLOCK, {"certified": "own.json"})
    assert plan.tables(own, "data") == ["own.json", "p.csv", "data_jets.json"]


def test_a_dataset_without_a_block_reads_no_era(analysis) -> None:
    assert analysis().keys("skim/chunk/data")["skim"]["eras"] == {
        "2017": analysis().config["skim"]["eras"]["2017"]
        | {"corrections": {"data": analysis().config["skim"]["eras"]["2017"]["corrections"]["data"]}}
    }
    config = build({"regions": {"dijet": {"trigger": ["HLT_R"]}}}, Skim, "skim", merge=True)
    era = Era.of(config, build({"nature": "data", "era": "2016"}, DatasetConfig, "dataset"), "x")
    assert (era.region.trigger, era.others, era.certified) == (["HLT_R"], (), None)


def test_triggers_of_the_era_and_of_the_dataset() -> None:
    block = {"trigger": ["A", "B", "C"], "met_filters": ["F"], "certified": "good.json"}
    config = build({"regions": {"dijet": {"trigger": ["R"]}}, "eras": {"e": block}}, Skim, "skim", merge=True)

    def era(**fields) -> Era:
        return Era.of(config, build({"era": "e"} | fields, DatasetConfig, "dataset"), "x")

    all_ = era(nature="data")
    assert (all_.region.trigger, all_.region.met_filters, all_.others) == (["A", "B", "C"], ["F"], ())
    assert (all_.certified, era(nature="simulation").certified) == ("good.json", None)
    assert era(nature="data", certified="mine.json").certified == "mine.json"
    part = era(nature="data", trigger=["C", "B"])
    assert (part.region.trigger, part.others) == (["C", "B"], ("A",))


def runs(**scale: list[int]) -> dict:
    """Jets of data, corrected by tables for ranges of runs."""
    return {"corrections": {"data": {"large_jet": {"file": __file__, "algorithm": "AK8", "scale": scale}}}}


@pytest.mark.parametrize(
    ("era", "data", "sentence"),
    [
        ({}, {"era": "2071"}, r"datasets\.data\.era is '2071'; skim\.eras has only 2017"),
        (BLOCK, {"trigger": ["HLT_C"]}, r"datasets\.data\.trigger: 'HLT_C' is no trigger .* has HLT_A, HLT_B"),
        ({"certified": "no.json"}, {}, r"skim\.eras\.2017: no file 'no\.json'"),
        ({"corrections": {"simulation": {"pileup": {"file": "no.json"}}}}, {}, r"skim\.eras\.2017: no file 'no\.json'"),
        (
            BLOCK,
            {"trigger": ["HLT_B"]},
            r"datasets\.data\.trigger leaves events of 'HLT_A' to another dataset of .*'2017'",
        ),
        ({"prescales": "p.csv"}, {}, r"skim\.eras\.2017\.prescales is for triggers"),
        (
            {"corrections": {"simulation": {"missing_momentum": {}}}},
            {},
            r"skim\.eras\.2017\.corrections\.simulation\.missing_momentum needs the corrections of small_jet",
        ),
        (
            {"corrections": {"simulation": {"subjets": {"file": __file__}}}},
            {},
            r"simulation\.subjets has a file and no scale",
        ),
        (
            {"corrections": {"simulation": {"prefiring": True, "uncorrelated": ["jer"]}}},
            {},
            r"simulation\.uncorrelated: 'jer' is no source of the era, which has prefiring",
        ),
        (runs(), {}, r"data\.large_jet\.scale': {} has too few entries"),
        (runs(A=[5, 1]), {}, r"data\.large_jet\.scale\.A is \[5, 1\]; give the first run first"),
        (runs(A=[3, 9], B=[1, 3]), {}, r"data\.large_jet\.scale: B and A both have the run 3; correct one"),
        ({"corrections": {"data": {"pileup": {"file": "pu.json"}}}}, {}, "unknown key .*pileup"),
        (
            {"corrections": {"data": {"jet_veto": {"file": "pu.json"}}}},
            {"format": "lhco_features", "region": "lhco"},
            r"data is for datasets\.data, whose format lhco_features has nothing to correct",
        ),
    ],
)
def test_what_cannot_be_is_one_sentence(analysis, era, data, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        analysis(era, data)


def test_tables_that_a_file_lacks_are_one_sentence(analysis, tmp_path) -> None:
    """Before the first job: the file has a table of the scale, and none of the resolution."""
    path = tmp_path / "jets.json.gz"
    empty = {"version": 1, "inputs": [], "output": {"name": "y", "type": "real"}, "data": 1.0}
    tables = [{"name": name} | empty for name in ("V1_MC_L1L2L3Res_AK8", "V1_MC_Total_AK8")]
    (tmp_path / "none.json").write_text("{}")
    path.write_bytes(gzip.compress(json.dumps({"schema_version": 2, "corrections": tables}).encode()))
    jets = {"file": str(path), "algorithm": "AK8", "scale": "V1_MC", "uncertainties": {"total": "Total"}}
    analysis({"corrections": {"simulation": {"large_jet": jets}}})
    for more, sentence in (
        ({"resolution": "JR"}, r"jets\.json\.gz: has no table 'JR_PtResolution_AK8'; name one of V1_MC_"),
        ({"uncertainties": {"total": "Totals"}}, r"jets\.json\.gz: has no table 'V1_MC_Totals_AK8'"),
        ({"file": str(tmp_path / "none.json")}, r"none\.json: is no file of correctionlib"),
    ):
        with pytest.raises(InputFileError, match=sentence):
            analysis({"corrections": {"simulation": {"large_jet": jets | more}}})


@pytest.mark.parametrize(("nature", "campaigns"), [("simulation", "V1_MC"), ("data", {"V1_MC": [1, 9]})])
def test_a_level_that_the_missing_momentum_lacks_is_one_sentence(analysis, tmp_path, nature, campaigns) -> None:
    def block(*levels: str) -> dict:
        empty = {"version": 1, "inputs": [], "output": {"name": "y", "type": "real"}, "data": 1.0}
        tables = [{"name": f"V1_MC_{level}_AK4"} | empty for level in levels]
        path = tmp_path / f"met{len(levels)}.json"
        path.write_text(json.dumps({"schema_version": 2, "corrections": tables}))
        jets = {"file": str(path), "algorithm": "AK4", "scale": campaigns}
        return {"corrections": {nature: {"small_jet": jets, "missing_momentum": {"offset": "L1FastJet"}}}}

    analysis(block("L1L2L3Res", "L1FastJet"))
    with pytest.raises(InputFileError, match=r"met1\.json: has no table 'V1_MC_L1FastJet_AK4'; name one of V1_MC_L1L2"):
        analysis(block("L1L2L3Res"))


def test_simulation_is_recorded_by_no_trigger(analysis) -> None:
    config = build({"eras": {"e": {"trigger": ["A"]}}}, Skim, "skim", merge=True)
    dataset = build({"nature": "simulation", "era": "e", "trigger": ["A"]}, DatasetConfig, "dataset")
    with pytest.raises(ConfigError, match=r"datasets\.x\.trigger: only data are recorded"):
        Era.of(config, dataset, "x")
