import awkward as ak
import numpy as np
import pytest

from resonaut.core.errors import ConfigError, NotFiniteError
from resonaut.physics import features


@pytest.fixture
def events() -> ak.Array:
    return ak.Array(
        {
            "j1_softdrop_mass": np.array([500.0, 120.0], np.float32),
            "j2_softdrop_mass": np.array([100.0, 20.0], np.float32),
            "j1_tau1": np.array([0.5, 0.0], np.float32),
            "j1_tau2": np.array([0.1, 0.0], np.float32),
            "j1_n_constituents": np.array([60, 2], np.int32),
        }
    )


def test_features_follow_their_formulas_in_the_order_asked_for(events):
    values = features.compute(events, ["delta_m", "tau21_j1", "m_j1", "n_constituents_j1"], "test")
    assert values.dtype == np.float32
    assert np.allclose(values, [[400, 0.2, 500, 60], [100, 0, 120, 2]])


def test_only_the_columns_that_are_needed_are_read():
    assert features.columns(["delta_m", "m_j1", "tau32_j2"]) == (
        "j1_softdrop_mass",
        "j2_softdrop_mass",
        "j2_tau3",
        "j2_tau2",
    )


def test_no_feature_is_built_from_the_dijet_mass_or_a_momentum():
    needed = features.columns(list(features.FEATURES))
    assert not [name for name in needed if "jj" in name or name.endswith(("_pt", "_eta", "_phi"))]


def test_an_unknown_feature_is_named():
    with pytest.raises(ConfigError, match=r"unknown feature 'tau54_j1'; there are m_j1"):
        features.columns(["m_j1", "tau54_j1"])


def test_a_feature_that_is_not_finite_stops(events):
    broken = ak.with_field(events, np.array([np.nan, 1.0], np.float32), "j1_softdrop_mass")
    with pytest.raises(NotFiniteError, match=r"data: 'm_j1' has 1 NaN"):
        features.compute(broken, ["m_j1"], "data")
