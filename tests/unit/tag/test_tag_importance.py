"""Inputs from other jets: all that follows from a quantity, nothing else, and what is lost with it."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from resonaut.tag.importance import GROUPS, importance, partners
from resonaut.tag.inputs import FEATURES, jet_inputs
from resonaut.tag.roc import lost, measure

NUMBER = 400


@pytest.fixture
def jets(make_events):
    """Jets in both halves of the detector, whose columns say what their inputs are."""
    return make_events(NUMBER, 7)


@pytest.fixture
def inputs(jets):
    return jet_inputs(jets, "j1", 14)


@pytest.fixture
def givers(inputs):
    return partners(inputs.counts, np.random.default_rng(1))


def feature(inputs, name):
    """Of real constituents, NaN for the others."""
    return np.where(inputs.mask[:, 0], inputs.features[:, FEATURES.index(name)], np.nan)


def test_a_partner_has_as_many_constituents(inputs, givers) -> None:
    assert sorted(givers) == list(range(NUMBER))
    assert np.mean(givers == np.arange(NUMBER)) < 0.1
    np.testing.assert_array_equal(inputs.counts[givers], inputs.counts)


@pytest.mark.parametrize("group", GROUPS)
def test_jets_that_give_to_themselves_stay(group, inputs) -> None:
    same = GROUPS[group](inputs, np.arange(NUMBER))
    np.testing.assert_allclose(same.features, inputs.features, atol=1e-6)
    np.testing.assert_allclose(same.vectors, inputs.vectors, rtol=2e-6, atol=1e-4)


def rebuilt(jets, **columns):
    """The inputs of jets that have other ``columns``, from the start."""
    changed = {name: jets[name] for name in jets.fields} | columns
    return jet_inputs(ak.zip(changed, depth_limit=1), "j1", 14)


def test_exchanged_inputs_are_those_of_jets_with_that_quantity(jets, inputs, givers) -> None:
    """Made from columns where all that belongs together is exchanged: features and four-vectors agree."""
    given = jets[givers]
    # pT of the constituents, with the masses in proportion; the jet's own stays.
    ratio = given.j1_pf_pt / given.j1_pt * jets.j1_pt / jets.j1_pf_pt
    fractions = rebuilt(jets, j1_pf_pt=jets.j1_pf_pt * ratio, j1_pf_mass=jets.j1_pf_mass * ratio)
    sign = np.where(given.j1_eta < 0, -1, 1) * np.where(jets.j1_eta < 0, -1, 1)
    eta, phi = jets.j1_eta + sign * (given.j1_pf_eta - given.j1_eta), jets.j1_phi + (given.j1_pf_phi - given.j1_phi)
    directions = rebuilt(jets, j1_pf_eta=eta, j1_pf_phi=phi)
    whole = given.j1_pt / jets.j1_pt
    parts = {name: jets[name] * whole for name in ("j1_pt", "j1_mass", "j1_pf_pt", "j1_pf_mass")}
    expected = {"momentum fractions": fractions, "directions": directions, "jet momentum": rebuilt(jets, **parts)}
    assert expected.keys() == GROUPS.keys()
    for group, wanted in expected.items():
        found = GROUPS[group](inputs, givers)
        np.testing.assert_allclose(found.features, wanted.features, atol=3e-4, err_msg=group)
        np.testing.assert_allclose(found.vectors, wanted.vectors, rtol=1e-3, atol=0.02, err_msg=group)


def losses(inputs, score, labels):
    """What is lost of a score from inputs."""

    def scores(jets):
        value = 1 / (1 + np.exp(-score(jets)))
        return np.stack([1 - value, value], axis=1)

    def fallen(jets):
        return lost(scores(inputs), scores(jets), labels, ["qcd", "x"], "qcd", np.arange(NUMBER), 1)

    return importance(inputs, fallen, 1)["x"], measure(scores(inputs), labels, ["qcd", "x"], "qcd")


SCORES = {
    "momentum fractions": lambda jets: np.nan_to_num(feature(jets, "log_pt_rel"))[:, 1],
    "directions": lambda jets: np.nan_to_num(feature(jets, "delta_r"))[:, 1],
    "jet momentum": lambda jets: feature(jets, "log_pt")[:, 0] - feature(jets, "log_pt_rel")[:, 0],
}


@pytest.mark.parametrize("group", GROUPS)
def test_the_only_useful_input_loses_all_and_the_others_nothing(group, inputs) -> None:
    value = SCORES[group](inputs) + np.random.default_rng(2).normal(0, 0.2, NUMBER)
    labels = (value > np.median(value)).astype(int)
    found, measured = losses(inputs, SCORES[group], labels)
    assert measured.auc["x"] > 0.75
    for name, one in found.items():
        expected = measured.auc["x"] - 0.5 if name == group else 0
        # Numbers of constituents are not exchanged, and know a little.
        assert one.value == pytest.approx(expected, abs=max(4 * one.error, 1e-3) if name == group else 2e-3), name
        assert (one.error > 0.005) == (name == group)


def test_nothing_is_lost_where_nothing_is_known(inputs) -> None:
    labels = np.random.default_rng(3).integers(0, 2, NUMBER)
    found, _ = losses(inputs, SCORES["directions"], labels)
    assert abs(found["directions"].value) < 4 * found["directions"].error


def test_what_stands_beside_the_kinematics_is_a_group_of_its_own(inputs) -> None:
    rng = np.random.default_rng(4)
    further = rng.normal(size=(NUMBER, 2, 14)).astype("f4")
    wide = replace(inputs, features=np.concatenate([inputs.features, further], axis=1))

    def score(jets):
        return jets.features[:, -1, 0]

    found, measured = losses(wide, score, (score(wide) + rng.normal(0, 0.3, NUMBER) > 0).astype(int))
    assert found["kinds and tracks"].value == pytest.approx(
        measured.auc["x"] - 0.5, abs=4 * found["kinds and tracks"].error
    )
    assert {name: one.value for name, one in found.items() if name != "kinds and tracks"} == dict.fromkeys(GROUPS, 0)
    assert "kinds and tracks" not in losses(inputs, SCORES["directions"], np.arange(NUMBER) % 2)[0]
