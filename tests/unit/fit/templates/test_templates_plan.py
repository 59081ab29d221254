"""Which files and keys the jobs of a model read, and what a configuration may not say."""

import copy
import json

import pytest

from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.fit import plan as fit_plan
from resonaut.fit.templates import plan


@pytest.fixture
def configuration(make_sample, tmp_path):
    """An analysis of skimmed datasets with one model of two channels."""
    for name, seed, changes in (("signal", 1, {}), ("ttbar", 2, {}), ("data", 3, {"nature": "data"})):
        make_sample(name, 40, seed, 0.0, **changes)
    manifest = str(tmp_path / "skim")
    datasets = {name: {"nature": "simulation", "skimmed": f"{manifest}/{name}.json"} for name in ("signal", "ttbar")}
    return {
        "search": {
            "stages": ["skim", "fit"],
            "samples": {"data": ["data"], "background": ["ttbar"], "signal": ["signal"]},
        },
        "datasets": datasets | {"data": {"nature": "data", "skimmed": f"{manifest}/data.json"}},
        "fit": {
            "models": {
                "example": {
                    "channels": {
                        "low": {"observable": "x", "edges": [-3, -1, 0], "cut": "y > 0.5"},
                        "high": {"observable": "x", "edges": [0, 1, 3]},
                    },
                    "samples": {"signal": {"signal": True, "channels": ["high"]}, "ttbar": {}},
                    "nuisances": {
                        "lumi": {"size": 1.02},
                        "btag": {"variation": "btag_heavy", "channels": ["high"]},
                        "jes": {"variation": "jes", "samples": ["ttbar"]},
                    },
                }
            }
        },
    }


def changed(configuration, **changes):
    """With keys of the model, by their dotted path with ``__``."""
    found = copy.deepcopy(configuration)
    for path, value in changes.items():
        *places, last = path.split("__")
        at = found["fit"]["models"]["example"]
        for place in places:
            at = at[place]
        at[last] = value
    return found


def jobs(configuration) -> dict[str, str]:
    """The frozen keys of each job of the model."""
    analysis = Analysis.of(configuration, [])
    names = ("histograms/example/low", "histograms/example/high", "workspace/example")
    return {name: json.dumps(analysis.keys(f"fit/{name}"), sort_keys=True) for name in names}


def test_a_job_reads_its_own_keys_and_no_others(configuration):
    before = jobs(configuration)
    workspace, low, high = "workspace/example", "histograms/example/low", "histograms/example/high"
    for changes, rerun in (
        ({"nuisances__lumi__size": 1.03}, {workspace}),
        ({"prune": {"shape": 0.01}}, {workspace}),
        ({"channels__low__edges": [-3, -2, 0]}, {low}),
        ({"channels__high__cut": "y > 0.1"}, {high}),
        ({"nuisances__lumi": {"variation": "jes", "samples": ["signal"]}}, {workspace, high}),
        ({"samples__ttbar__normalisation": "free"}, {workspace}),
    ):
        after = jobs(changed(configuration, **changes))
        assert {name for name in before if before[name] != after[name]} == rerun, changes


@pytest.mark.parametrize(
    ("inference", "interests"),
    [({}, ["mu"]), ({"interests": ["norm"]}, ["norm"]), ({"measurement": "kappa_2V"}, [])],
)
def test_a_named_measurement_has_its_own_parameter_of_interest(configuration, inference, interests):
    analysis = Analysis.of(changed(configuration, inference=inference), [])
    assert analysis.keys("fit/result/example")["interests"] == interests


def test_the_files_of_a_model(configuration):
    analysis = Analysis.of(configuration, [])
    assert plan.manifests(analysis, "example", "low") == ["<results>/skim/ttbar.json"]
    assert plan.manifests(analysis, "example", "high") == [
        f"<results>/skim/{name}.json" for name in ("signal", "ttbar")
    ]
    assert plan.data_manifests(analysis, "example") == ["<results>/skim/data.json"]
    assert plan.events(analysis, "example", "low") == [
        f"<results>/skim/{name}/{chunk}.parquet" for name in ("data", "ttbar") for chunk in ("000", "001")
    ]
    assert plan.histograms(analysis, "example") == [
        f"<results>/fit/models/example/histograms/{name}.json" for name in ("low", "high")
    ]
    assert fit_plan.GIVES["results"](analysis) == fit_plan.GIVES["summary"](analysis) == []
    assert fit_plan.GIVES["workspaces"](analysis) == ["<results>/fit/models/example/workspace.json"]


def test_columns_of_other_stages_are_read_from_their_friends(configuration, monkeypatch):
    analysis = Analysis.of(configuration, [])
    assert plan.friends(analysis, "example", "low") == []
    monkeypatch.setitem(
        analysis.config,
        "classify",
        {
            "classifiers": {
                "bdt": {"inputs": ["x / y"], "cut": None},
                "bdt2": {"inputs": ["j1_part_qcd"], "cut": None},
            },
            "categories": {"regions": [{"cut": "class_bdt2_qcd > 0.5"}], "halves": [{"cut": "class_bdt_qcd > 0.5"}]},
        },
    )
    monkeypatch.setattr(Analysis, "uses", lambda self, verb: verb in ("tag", "skim", "fit"))
    monkeypatch.setitem(analysis.config["search"], "stages", ["skim", "classify", "fit"])
    monkeypatch.setattr(Analysis, "columns", lambda self, dataset: {"x": (None, None), "y": (None, None)})
    channel = plan.models(analysis)["example"]["channels"]["low"]
    for column, folders in (
        ("class_bdt_signal", ["classify/bdt"]),
        # Whose input is of a tagger, and what is made of it.
        ("bin_bdt2", ["classify/bdt2", "tag"]),
        ("category_regions", ["classify/regions", "tag"]),
        ("category_halves", ["classify/halves"]),
        ("j1_part_qcd", ["tag"]),
        ("y", []),
    ):
        channel["cut"] = f"({column} > 0.5) & (y < 1)"
        found = plan.friends(analysis, "example", "low")
        assert found == [(name, folder) for name in ("data", "ttbar") for folder in folders], column


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"channels__low__observable": None}, "channels.low has no 'observable', and is of events"),
        ({"channels__low__edges": [1, 0]}, "channels.low.edges do not ascend"),
        ({"samples__signal__channels": ["middle"]}, "names 'middle', which is no channel (there are low, high)"),
        ({"samples__ttbar__datasets": ["dy"]}, "names 'dy', which is no simulation of a sample of this analysis"),
        ({"samples__ttbar__datasets": ["data"]}, "names 'data', which is no simulation of a sample"),
        (
            {"samples__signal__datasets": ["ttbar"]},
            "'ttbar', which is in the sample 'signal', too, and would count twice",
        ),
        ({"samples__ttbar__parameter": "k"}, "samples.ttbar has a 'parameter', and is neither signal nor free"),
        ({"nuisances__lumi": {}}, "nuisances.lumi has neither a size nor a variation"),
        ({"nuisances__lumi": {"size": 1.1, "variation": "jes"}}, "nuisances.lumi has a size and a variation"),
        ({"nuisances__lumi": {"size": 1.1, "samples": ["dy"]}}, "names 'dy', which is no sample"),
        ({"nuisances__lumi": {"size": 1.1, "eras": ["2016"]}}, "names '2016', which is no era of its datasets"),
        ({"nuisances__lumi": {"size": 1.1, "each_era": True}}, "each_era: no dataset has an era"),
        ({"nuisances__mu": {"size": 1.1}}, "nuisances.mu: a parameter of another kind is called so"),
        ({"parameters_of_interest": ["r", "k"]}, "parameters_of_interest: 'k' multiplies no sample"),
        ({"ranges": {"mu": [1, 0]}}, "ranges.mu is [1, 0]; give the lower value first"),
        ({"luminosity": 3}, "luminosity: the data have one; take it out"),
        ({"data": []}, "has no data; give its 'luminosity'"),
        ({"data": ["ttbar"]}, "names 'ttbar', which is no data of a sample"),
        ({"file": {"path": "nowhere.root"}, "channels__low__cut": None}, "file.path: no file 'nowhere.root'"),
        (
            {"file": {"path": "nowhere.root", "origin": "HEPData"}, "channels__low__cut": None},
            "). It comes from HEPData.",
        ),
        ({"file": {"path": "nowhere.root"}}, "low.cut: the histograms of a file have no events to cut on"),
        ({"channels__low__cut": "y >"}, "'y >' is no formula"),
        (
            {"transfer": {"qcd": {"polynomials": {"one": {"regions": {"low": {"fail": "side"}}}}}}},
            "transfer.qcd.polynomials.one.regions names 'side', which is no channel (there are low, high)",
        ),
        (
            {"transfer": {"ttbar": {"polynomials": {"one": {"regions": {"low": {"fail": "high"}}}}}}},
            "transfer.ttbar is the name of a sample, too",
        ),
    ],
)
def test_what_contradicts_itself_is_one_sentence_before_the_first_job(configuration, changes, sentence):
    with pytest.raises(ConfigError) as error:
        Analysis.of(changed(configuration, **changes), [])
    assert sentence in str(error.value)
    assert str(error.value).count("\n") == 0


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ({"nominal": "{region}/{sample}"}, "file.nominal: '{region}/{sample}' has the place {region}; those that are"),
        ({"nominal": "{channel.name}"}, "has the place {channel.name}"),
        ({"nominal": "{channel/{sample}"}, "file.nominal: '{channel/{sample}' is no name"),
        ({"varied": ["{channel}_{source}"]}, "are filled are {channel}, {sample}, {variation}, {way}"),
    ],
)
def test_names_of_histograms_have_known_places(configuration, tmp_path, file, sentence):
    (tmp_path / "h.json").write_text("{}")
    given = {"path": str(tmp_path / "h.json")} | file
    with pytest.raises(ConfigError) as error:
        Analysis.of(changed(configuration, file=given, channels__low__cut=None, nuisances={}), [])
    assert sentence in str(error.value)


def test_fit_without_select_has_models(configuration):
    configuration["fit"]["models"] = {}
    with pytest.raises(ConfigError, match=r"'fit', which reads what 'select' makes; add 'select', or give fit.models"):
        Analysis.of(configuration, [])


def test_a_variation_that_no_dataset_can_have_is_one_sentence_before_the_first_job(configuration, monkeypatch):
    known = {"ttbar": ["jes", "pdf"], "signal": ["btag_heavy"]}
    monkeypatch.setattr(Analysis, "sources", lambda self, dataset: known[dataset])
    Analysis.of(configuration, [])
    with pytest.raises(ConfigError, match=r"nuisances.jes: no dataset .* variation 'jer' \(they have jes, pdf\)"):
        Analysis.of(changed(configuration, nuisances__jes__variation="jer"), [])
    # Of weights that other stages write only the files tell.
    monkeypatch.setattr(Analysis, "weights", lambda self, dataset: ["calibrate"])
    Analysis.of(changed(configuration, nuisances__jes__variation="jer"), [])
