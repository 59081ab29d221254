"""What is said of a configuration before the first job, and which jobs there are."""

import copy
from pathlib import Path

import pytest
import yaml

from resonaut.classify import plan
from resonaut.core import provenance
from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError

CONFIG = Path(__file__).parents[3] / "config" / "config.yaml"
BDT = {"inputs": ["j1_tau1", "j2_pt / j1_pt"], "classes": {"x": ["signal_3500", "signal_4000"], "qcd": ["qcd"]}}
REGIONS = [{"name": "high", "cut": "class_bdt_x > 0.5"}, {"name": "rest", "cut": "m_jj > 0"}]


@pytest.fixture(scope="module")
def config() -> dict:
    """The demo with a classifier in the place of its search."""
    found = yaml.safe_load(CONFIG.read_text())
    found["search"]["stages"] = ["simulate", "skim", "tag", "calibrate", "reweight", "classify"]
    return found | {"classify": {"classifiers": {"bdt": BDT}, "categories": {"regions": REGIONS}}}


def changed(config, **keys) -> dict:
    found = copy.deepcopy(config)
    found["classify"]["classifiers"]["bdt"] |= keys
    return found


def test_jobs_and_what_they_read(config):
    analysis = Analysis.of(config, [])
    assert plan.learned(analysis, "bdt") == ["signal_3500", "signal_4000", "qcd"]
    made = plan.made(analysis)
    assert made[0] == "<results>/classify/bdt.json"
    for folder in ("bdt", "regions"):
        for dataset in ("data", "qcd", "signal_tt"):
            assert f"<results>/classify/{folder}/{dataset}/000.parquet" in made
    # The weights of the calibration and of the reweighting.
    assert {path.split("/")[1] for path in plan.weights(analysis, "bdt")} == {"calibrate", "reweight"}
    assert "--weights=qcd=reweight" in plan.weighting(analysis, "bdt")
    assert plan.friends(analysis, "regions") == ["classify/bdt"]
    assert plan.columns(analysis) == {
        "classify/bdt": ["class_bdt_qcd", "class_bdt_x"], "classify/regions": ["category_regions"]
    }  # fmt: skip


def test_a_key_of_a_classifier_is_of_its_own_jobs(config):
    first = changed(config)
    first["classify"]["classifiers"]["other"] = copy.deepcopy(BDT)
    second = changed(first, seed=7)
    before, after = (Analysis.of(one, []) for one in (first, second))
    assert before.keys("classify/train/bdt") != after.keys("classify/train/bdt")
    for job in ("train/other", "apply/bdt", "apply/other", "categorise/regions"):
        assert before.keys(f"classify/{job}") == after.keys(f"classify/{job}")
    # Who scores data trains nothing.
    third = Analysis.of(changed(first, unseen="mean"), [])
    assert before.keys("classify/train/bdt") == third.keys("classify/train/bdt")
    assert before.keys("classify/apply/bdt") != third.keys("classify/apply/bdt")


def test_luminosities_are_those_of_the_eras(config):
    given = changed(config)
    total = given["datasets"]["data"]["luminosity"]
    found = Analysis.of(given, []).keys("classify/train/bdt")["luminosities"]
    assert found == dict.fromkeys(["signal_3500", "signal_4000", "qcd"], total)
    given["classify"]["luminosity"] = 138
    found = Analysis.of(given, []).keys("classify/train/bdt")["luminosities"]
    assert found["qcd"] == 138


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"inputs": ["j1_tau9"]}, r"bdt\.inputs: 'j1_tau9' is no column of 'data'; keep it in its region"),
        ({"inputs": ["j1_pt /"]}, r"bdt\.inputs: 'j1_pt /' is no formula"),
        ({"inputs": ["1 + 1"]}, r"bdt\.inputs: '1 \+ 1' reads no column"),
        ({"inputs": []}, r"key 'classify\.classifiers\.bdt\.inputs'"),
        ({"cut": "nothing > 1"}, r"bdt\.cut: 'nothing' is no column of 'signal_3500'"),
        ({"classes": {"x": [], "qcd": ["qcd"]}}, r"bdt\.classes\.x names no dataset"),
        ({"classes": {"x": ["qcd"]}}, r"key 'classify\.classifiers\.bdt\.classes'"),
        ({"classes": {"x": ["qcd"], "y": ["qcd"]}}, r"bdt\.classes\.y has 'qcd' and is in x, too; take it out of one"),
        ({"classes": {"x": ["qcd", "qcd"], "y": ["signal_tt"]}}, r"bdt\.classes\.x has 'qcd' twice"),
        ({"classes": {"x": ["data"], "y": ["qcd"]}}, r"bdt\.classes\.x has 'data', which is data: a classifier"),
        ({"classes": {"x": ["none"], "y": ["qcd"]}}, r"bdt\.classes\.x names 'none', which is not in 'datasets'"),
        ({"binning": {"signal": "top"}}, r"bdt\.binning\.signal is 'top', which is no class; take one of x, qcd"),
        ({"friends": ["select"]}, r"bdt\.friends has 'select', which no other stage of search\.stages writes"),
        ({"learner": "forest"}, r"key 'classify\.classifiers\.bdt\.learner'"),
        ({"fold": 2}, r"classify\.classifiers\.bdt.*fold"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_one_sentence(config, keys, says):
    with pytest.raises(ConfigError, match=says) as raised:
        Analysis.of(changed(config, **keys), [])
    assert str(raised.value).count("\n") == 0


def test_columns_of_friends_are_known_when_they_are_made(config):
    Analysis.of(changed(config, inputs=["j1_part_qcd"], friends=["tag"]), [])


def test_a_dataset_of_a_class_is_in_a_sample(config):
    given = changed(config)
    given["datasets"]["more"] = given["datasets"]["qcd"]
    given["classify"]["classifiers"]["bdt"]["classes"] = {"x": ["signal_3500"], "qcd": ["more"]}
    with pytest.raises(ConfigError, match=r"names 'more', which is in no sample; add it to samples\.simulation"):
        Analysis.of(given, [])
    given["classify"]["samples"] = {"simulation": ["more"]}
    assert "more" in plan.scored(Analysis.of(given, []), "bdt")


def test_eras_add_up_with_their_luminosities(config, tmp_path):
    given = changed(config)
    given["search"]["stages"] = ["simulate", "skim", "classify"]
    for era, luminosity in (("one", 20), ("two", 40)):
        for name in ("data", "qcd", "signal_3500"):
            given["datasets"][f"{name}_{era}"] = copy.deepcopy(given["datasets"][name]) | {"era": era}
        given["datasets"][f"data_{era}"]["luminosity"] = luminosity
    given["search"]["samples"] = {"data": ["data_one", "data_two"]}
    given["classify"]["samples"] = {
        "simulation": [f"{name}_{era}" for name in ("qcd", "signal_3500") for era in ("one", "two")]
    }
    classes = {"x": ["signal_3500_one", "signal_3500_two"], "qcd": ["qcd_one", "qcd_two"]}
    given["classify"]["classifiers"]["bdt"]["classes"] = classes
    found = Analysis.of(given, []).keys("classify/train/bdt")["luminosities"]
    assert found == {"signal_3500_one": 20, "signal_3500_two": 40, "qcd_one": 20, "qcd_two": 40}
    given["classify"]["luminosity"] = 120
    assert Analysis.of(given, []).keys("classify/train/bdt")["luminosities"]["qcd_two"] == 80
    for era in ("one", "two"):
        path = tmp_path / f"{era}.root"
        path.touch()
        given["datasets"][f"data_{era}"] |= {"luminosity": None, "generator": None, "files": [str(path)]}
    with pytest.raises(ConfigError, match=r"of the era 'one' beside other eras, and the luminosity of its data is not"):
        Analysis.of(given, [])


def test_the_mean_of_models_scores_no_events_that_one_of_them_knows(config):
    given = changed(config, unseen="mean")
    Analysis.of(given, [])
    drawn = {"datasets": ["qcd"], "seed": 1}
    given["datasets"]["mixed"] = {"nature": "pseudo_data", "luminosity": 1, "drawn": drawn}
    given["search"] |= {"stages": ["simulate", "skim", "classify"]}
    given["search"]["samples"] = {"signal": ["signal_3500", "signal_4000"]}
    given["classify"]["samples"] = {"data": ["mixed"], "simulation": ["qcd"]}
    with pytest.raises(ConfigError, match=r"bdt\.unseen is mean, and 'mixed' has events of 'qcd', which trained some"):
        Analysis.of(given, [])
    given["classify"]["classifiers"]["bdt"]["unseen"] = "fold"
    Analysis.of(given, [])


def test_expected_events_need_a_luminosity(config):
    given = changed(config, binning={"signal": "x"})
    given["search"]["samples"]["data"] = []
    given["search"]["stages"] = ["simulate", "skim", "classify"]
    with pytest.raises(ConfigError, match=r"bdt\.binning: the expected number of events is not known without data"):
        Analysis.of(given, [])
    given["classify"]["luminosity"] = "138 /fb"
    Analysis.of(given, [])


@pytest.mark.parametrize(
    ("categories", "says"),
    [
        ({"bdt": REGIONS}, r"categories\.bdt: classify\.classifiers has this name, too"),
        ({"regions": []}, r"categories\.regions is empty"),
        ({"regions": [REGIONS[0], REGIONS[0]]}, r"categories\.regions has 'high' twice"),
        ({"regions": [{"name": "a", "cut": "class_bdt_y > 0"}]}, r"regions\.a: 'class_bdt_y' is no column of 'data'"),
        ({"regions": [{"name": "a", "cut": "category_regions > 0"}]}, r"regions\.a: its cut reads the categories them"),
        ({"regions": [{"name": "a", "cut": "m_jj >"}]}, r"regions\.a: 'm_jj >' is no formula"),
    ],
)
def test_categories_are_checked(config, categories, says):
    given = changed(config)
    given["classify"]["categories"] = categories
    with pytest.raises(ConfigError, match=says):
        Analysis.of(given, [])


def test_a_stage_without_a_classifier_is_refused(config):
    with pytest.raises(ConfigError, match=r"classify\.classifiers names none"):
        Analysis.of(config | {"classify": {}}, [])


def test_a_job_depends_on_the_code_that_it_runs_alone():
    """Networks train no trees again; what trains and measures scores nothing again."""
    code = {
        (command, learner): set(provenance.command_code("classify", command, f"classify/learners/{learner}.py"))
        for command in ("train", "apply")
        for learner in ("trees", "network", "uncertainty")
    }
    for learner in ("network", "uncertainty", "trees"):
        others = {f"classify/learners/{other}.py" for other in ("network", "uncertainty", "trees") if other != learner}
        assert not others & code["train", learner]
    assert "classify/varied.py" not in code["train", "trees"]
    trains = {"classify/crossfit.py", "classify/measure.py", "classify/binning.py", "classify/training.py"}
    for learner in ("trees", "network", "uncertainty"):
        assert trains <= code["train", learner]
        assert "classify/plan.py" not in code["train", learner]
    for learner in ("trees", "network"):
        assert not trains & code["apply", learner]
    assert "classify/learners/trees.py" not in provenance.command_code("classify", "categorise")
