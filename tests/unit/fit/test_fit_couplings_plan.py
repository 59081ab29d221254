"""What the chain of HH from events plans: jobs, keys, friends, and the columns of its forward jets."""

import importlib.util
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import yaml

from resonaut.core.analysis import Analysis
from resonaut.core.errors import ConfigError
from resonaut.fit.templates import plan

ROOT = Path(__file__).parents[3]


@pytest.fixture
def config(monkeypatch):
    monkeypatch.chdir(ROOT)
    return yaml.safe_load((ROOT / "config/hh_events.yaml").read_text())


def test_the_chain_of_hh_is_planned(config):
    analysis = Analysis.of(config, [])
    assert plan.couplings(analysis) == ["<results>/fit/models/hh/couplings.json"]
    found = plan.keys(analysis, "couplings", "hh")
    assert found["strength"] == "mu"
    assert list(found["processes"]) == ["vbf_hh"]
    filled = plan.keys(analysis, "histograms", "hh", "vbf")
    assert filled["weights"]["vbf_hh_2"] == ("coupling_weight", 2)
    assert "tt" not in filled["weights"]
    # Scores of the tagger and categories, and which events trained it; weights of the signals' Lund planes.
    friends = plan.friends(analysis, "hh", "vbf")
    assert {("data", "tag"), ("data", "classify/region"), ("vbf_hh", "calibrate"), ("vbf_hh", "tag")} <= {*friends}
    # Which jet is the candidate follows from the working point.
    assert ("data", "tag/working_points/hbb") in friends
    assert plan.keys(analysis, "workspace", "hh")["model"]["samples"]["vbf_hh_1"]["weight"] is None


def test_categories_of_a_tagger_alone_leave_out_what_trained_it(config):
    model = config["fit"]["models"]["hh"]
    for channel in model["channels"].values():
        channel["observable"] = "m_jj"
    assert ("tt", "tag") in plan.friends(Analysis.of(config, []), "hh", "vbf")


def test_couplings_that_are_fixed_are_no_job(config):
    config["fit"]["models"]["hh"]["morphing"]["vbf_hh"]["couplings"]["kappa_2V"]["fixed"] = True
    assert plan.couplings(Analysis.of(config, [])) == []


def test_one_dataset_twice_with_the_same_weights_is_a_sentence(config):
    config["fit"]["models"]["hh"]["samples"]["vbf_hh_2"]["place"] = 1
    with pytest.raises(ConfigError, match="names 'vbf_hh', which is in the sample 'vbf_hh_1', too"):
        Analysis.of(config, [])


def test_a_morphed_sample_that_is_no_signal_is_a_sentence(config):
    config["fit"]["models"]["hh"]["samples"]["vbf_hh_2"]["signal"] = False
    with pytest.raises(ConfigError, match=r"morphing\.vbf_hh.samples: 'vbf_hh_2' is no signal"):
        Analysis.of(config, [])


def test_an_interval_of_a_channel_that_there_is_not_is_a_sentence(config):
    config["fit"]["models"]["hh"]["morphing"]["vbf_hh"]["expected_beside"] = {"other": [100, 140]}
    with pytest.raises(ConfigError, match=r"morphing\.vbf_hh\.expected_beside names 'other', which is no channel"):
        Analysis.of(config, [])


def test_weighted_pairs_neither_stand_for_collisions_nor_are_mixed(config):
    config["datasets"]["data"]["generator"]["components"].append({"process": "ggf_hh", "cross_section": 10})
    with pytest.raises(ConfigError, match=r"datasets\.data.*'ggf_hh' have weights"):
        Analysis.of(config, [])


def test_the_forward_pair_is_the_heaviest_beside_the_large_jets():
    spec = importlib.util.spec_from_file_location("forward_jets", ROOT / "config/forward_jets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    jets = {
        # Both large jets are at eta 0; the third jet lies in one of them, the last is too soft.
        "Jet_eta": [[3.0, -3.0, 0.1, 2.0, 4.0], [3.0], []],
        "Jet_phi": [[1.5, -1.5, 0.0, 1.6, -2.0], [1.0], []],
        "Jet_pt": [[100.0, 80.0, 400.0, 60.0, 20.0], [50.0], []],
        "Jet_mass": [[0.0] * 5, [0.0], []],
        "FatJet_eta": [[0.0, 0.0]] * 3,
        "FatJet_phi": [[0.0, 3.0]] * 3,
    }
    branches = {name: ak.Array(values) for name, values in jets.items()}
    mass = np.asarray(module.COLUMNS["forward_m_jj"].formula(branches))
    distance = np.asarray(module.COLUMNS["forward_delta_eta"].formula(branches))
    wanted = np.sqrt(2 * 100 * 80 * (np.cosh(6) - np.cos(3)))
    np.testing.assert_allclose(mass, [wanted, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(distance, [6, 0, 0])
