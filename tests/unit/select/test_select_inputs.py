from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import ConfigError
from resonaut.physics import features
from resonaut.select.inputs import Inputs

NAMES = ["m_j1", "tau21_j1", "delta_m", "tau21_j2", "m_j2"]


def test_the_event_is_one_part_with_the_features_in_order(settings, toys):
    inputs = Inputs.of(replace(settings, features=NAMES), "event")
    assert (inputs.names, inputs.suffixes) == ([NAMES], [""])
    events = toys(50, 1)
    (values,) = inputs.compute(events, "data")
    assert np.array_equal(values, features.compute(events, NAMES, "data"))
    assert set(inputs.columns) == {f"{j}_{c}" for j in ("j1", "j2") for c in ("softdrop_mass", "tau1", "tau2")}


def test_further_features_come_after_those_of_the_event(settings):
    inputs = Inputs.of(settings, "event", extra=("m_j2",))
    assert inputs.names == [["m_j1", "delta_m", "tau21_j1", "tau21_j2", "m_j2"]]


def test_each_jet_is_a_part_with_its_own_features_only(settings, toys):
    inputs = Inputs.of(replace(settings, jet_features=["tau21", "m"]), "jets")
    assert inputs.names == [["tau21_j1", "m_j1"], ["tau21_j2", "m_j2"]]
    assert inputs.suffixes == ["_j1", "_j2"]
    events = toys(50, 1)
    first, second = inputs.compute(events, "data")
    assert np.array_equal(first, features.compute(events, ["tau21_j1", "m_j1"], "data"))
    assert np.array_equal(second, features.compute(events, ["tau21_j2", "m_j2"], "data"))
    other = ak.with_field(events, events.j2_softdrop_mass + 7, "j2_softdrop_mass")
    assert np.array_equal(inputs.compute(other, "data")[0], first)
    assert inputs.compute(other, "data")[1][:, 1] == pytest.approx(second[:, 1] + 7)


@pytest.mark.parametrize("kind", ["event", "jets"])
def test_the_mass_shift_moves_masses_by_its_part_of_the_dijet_mass_and_nothing_else(settings, toys, kind):
    plain = replace(settings, features=NAMES, jet_features=["tau21", "m"])
    shifted = replace(plain, mass_shift=0.1)
    events = toys(300, 2)
    m_jj = ak.to_numpy(events.m_jj)
    found = zip(*(Inputs.of(s, kind).compute(events, "data") for s in (plain, shifted)), strict=True)
    for names, (before, after) in zip(Inputs.of(plain, kind).names, found, strict=True):
        for i, name in enumerate(names):
            expected = 0.1 * m_jj if name in ("m_j1", "m_j2", "delta_m", "m") else 0.0 * m_jj
            assert after[:, i] - before[:, i] == pytest.approx(expected, abs=1e-3), name


def test_the_vocabulary_knows_which_features_are_masses():
    assert {name for name, feature in features.FEATURES.items() if feature.unit == "GeV"} == {"m_j1", "m_j2", "delta_m"}


@pytest.mark.parametrize(
    ("change", "kind", "name"),
    [({"features": ["m_jj"]}, "event", "'m_jj'"), ({"jet_features": ["m", "pt"]}, "jets", "'pt_j1'")],
)
def test_an_unknown_feature_is_named(settings, change, kind, name):
    with pytest.raises(ConfigError, match=f"unknown feature {name}"):
        _ = Inputs.of(replace(settings, **change), kind).columns
