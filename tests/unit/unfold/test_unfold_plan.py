"""What is said of a configuration before the first job, and which jobs there are."""

import copy
from pathlib import Path

import pytest
import yaml

from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.unfold import plan
from resonaut.unfold.kinds import Kind

CONFIG = Path(__file__).parents[3] / "config" / "zjets.yaml"


@pytest.fixture(scope="module")
def config() -> dict:
    return yaml.safe_load(CONFIG.read_text())


def uncertain(config: dict) -> dict:
    """The configuration with an uncertainty of the simulation's era."""
    changed = copy.deepcopy(config)
    changed["skim"]["eras"] = {"e": {"corrections": {"simulation": {"prefiring": True, "shower": {}}}}}
    changed["datasets"]["z_simulation"]["era"] = "e"
    return changed


def test_every_member_replica_and_variation_is_a_run(config):
    changed = uncertain(config)
    changed["unfold"] |= {"ensemble": 2, "bootstraps": {"data": 2, "mc": 2}, "variations": ["prefiring_up"]}
    runs = plan.runs(Analysis.of(changed, []))
    assert runs == [
        "ensemble_0", "ensemble_1", "bootstrap_data_0", "bootstrap_data_1", "bootstrap_mc_0", "bootstrap_mc_1",
        "prefiring_up",
    ]  # fmt: skip
    kinds = ["ensemble", "ensemble", "bootstrap_data", "bootstrap_data", "bootstrap_mc", "bootstrap_mc", "variation"]
    assert [Kind.of(run).kind for run in runs] == kinds


def test_a_run_knows_neither_bins_nor_how_many_runs_there_are(config):
    plain, changed = uncertain(config), uncertain(config)
    changed["unfold"] |= {"ensemble": 20, "variations": ["prefiring_up"], "bayes_iterations": 2}
    changed["unfold"]["observables"]["pT_ll"]["edges"] = [200, 250, 300]
    before, after = (Analysis.of(one, []) for one in (plain, changed))
    assert before.keys("unfold/train") == after.keys("unfold/train")
    assert before.keys("unfold/merge") == after.keys("unfold/merge")
    assert before.keys("unfold/summarise") != after.keys("unfold/summarise")
    assert before.keys("unfold/merge")["selection"]["cuts"] == {"m_ll": [81, 101], "pt_ll": [200, None]}


def test_the_configuration_unfolds_24_observables_that_its_region_keeps(config):
    analysis = Analysis.of(config, [])
    assert len(analysis.config["unfold"]["observables"]) == 24
    assert plan.unfolded(analysis)["pseudo"] == ["z_data"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"samples": {"simulation": ["z_simulation"]}}, "unfold has no data"),
        ({"samples": {"pseudo": ["z_data"]}}, "unfold.samples.simulation is empty"),
        (
            {"samples": {"pseudo": ["z_data"], "simulation": ["z_data"]}},
            "simulation has 'z_data', which is background or",
        ),
        ({"observables": {}}, "unfold.observables is empty"),
        ({"observables": {"a": {"detector": "pt_zz"}}}, "a.detector is 'pt_zz', which is no column of 'z_data'"),
        ({"observables": {"a": {"detector": "pt_ll", "edges": [1, 3, 2]}}}, "a.edges do not ascend"),
        ({"observables": {"event": {"detector": "pt_ll"}}}, "observables.event: no column or formula may have this"),
        ({"observables": {"weights_nominal": {"detector": "pt_ll"}}}, "observables.weights_nominal: no column or"),
        ({"observables": {"max": {"detector": "pt_ll"}}}, "observables.max: no column or formula may have this name"),
        ({"observables": {"2nd": {"detector": "pt_ll"}}}, "observables.2nd: no column or formula may have this name"),
        ({"bootstraps": {"data": 1, "mc": 0}}, "bootstraps.data is 1, and one replica has no spread"),
        (
            {"observables": {"a": {"detector": "pt_ll", "particle": "gen_z"}}},
            "a.particle is 'gen_z', which is no column",
        ),
        ({"passes": {"particle": "accepted"}}, "unfold.passes.particle is 'accepted', which is no column of"),
        ({"passes": {"detector": "accepted"}}, "unfold.passes.detector is 'accepted', which is no column of 'z_data'"),
        ({"variations": ["pileup_up"]}, "'pileup_up', which neither simulation nor background has; correct it, or add"),
        ({"variations": ["pileup"]}, "a variation is called <source>_<up|down>"),
        ({"ensemble": 1}, "unfold.ensemble"),
        ({"iterations": 0}, "unfold.iterations"),
    ],
)
def test_contradictions_are_one_sentence(config, change, says):
    changed = copy.deepcopy(config)
    changed["unfold"] |= change
    with pytest.raises(ConfigError) as found:
        Analysis.of(changed, [])
    assert says in str(found.value)
    assert str(found.value).startswith("config: ")


def test_a_variation_that_one_dataset_has_is_known(config):
    changed = uncertain(config)
    changed["datasets"]["other"] = changed["datasets"]["z_data"] | {"region": "z_jets"}
    changed["unfold"]["samples"]["background"] = ["other"]
    changed["unfold"]["variations"] = ["isr_up", "prefiring_down"]
    assert Analysis.of(changed, []).variations("other") == []
    changed["unfold"]["variations"] = ["jes_total_up"]
    with pytest.raises(ConfigError, match=r"jes_total_up.*\(they have prefiring_up, prefiring_down, isr_up, .*\)\."):
        Analysis.of(changed, [])


def test_simulation_has_a_particle_level_and_one_selection(config):
    changed = copy.deepcopy(config)
    region = changed["skim"]["regions"]["z_jets"]
    changed["skim"]["regions"]["other"] = copy.deepcopy(region)
    changed["datasets"]["z_more"] = changed["datasets"]["z_simulation"] | {"region": "other"}
    changed["unfold"]["samples"]["simulation"] = ["z_simulation", "z_more"]
    with pytest.raises(ConfigError, match="'z_simulation' and 'z_more' are of different regions"):
        Analysis.of(changed, [])
    changed["unfold"]["samples"]["simulation"] = ["z_simulation"]
    del region["particle_level"]
    with pytest.raises(ConfigError, match=r"no column of 'z_simulation'; give its region a particle_level\."):
        Analysis.of(changed, [])


def test_a_selection_of_another_analysis_is_not_said_to_be_this_one(config):
    analysis = Analysis.of(config, [])
    assert analysis.keys("unfold/merge")["selection"] == analysis.config["skim"]["regions"]["z_jets"]
    analysis.config["datasets"]["z_simulation"]["skimmed"] = "elsewhere/z_simulation.json"
    assert analysis.keys("unfold/merge")["selection"] == {}
