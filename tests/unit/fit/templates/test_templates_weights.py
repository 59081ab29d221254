"""Samples of the same events with other weights, such as those of other couplings."""

import numpy as np
import pytest

from resonaut.core.errors import ConfigError, NotFiniteError
from resonaut.core.record import build
from resonaut.fit.templates import events
from resonaut.fit.templates.settings import HistogramsJob

EDGES = [-2.0, 0.0, 2.0]


def filled(sample, weights):
    given = {
        "channel": {"observable": "x", "edges": EDGES, "cut": None},
        "members": {"one": ["signal"], "other": ["signal"]},
        "variations": {"other": ["btag_heavy"]},
        "file": None,
        "observed": False,
        "weights": weights,
    }
    return events.histograms(build(given, HistogramsJob, "test"), "sr", [], [sample.manifest], {})


def test_a_sample_is_weighted_with_its_column(make_sample):
    sample = make_sample("signal", 300, 5, 0.2)
    found = filled(sample, {"other": ["y", None]}).samples
    known = sample.columns
    passes = known["passes"]
    for name, factor in (("one", np.ones(300)), ("other", known["y"].astype(float))):
        weight = sample.weight * known["w"] * factor
        wanted = [np.histogram(known["x"][passes], EDGES, weights=weight[passes] ** n)[0] for n in (1, 2)]
        (part,) = found[name]
        np.testing.assert_allclose([part.values, part.variances], wanted, rtol=1e-6)
    heavy = sample.weight * known["w_up"] * known["y"]
    wanted = np.histogram(known["x"][passes], EDGES, weights=heavy[passes])[0]
    np.testing.assert_allclose(found["other"][0].varied["btag_heavy"].up, wanted, rtol=1e-6)


@pytest.mark.parametrize("spoilt", [{"weight_scale": 1e308}, {"weight": 1e300}])
def test_a_weight_that_cannot_be_squared_is_a_sentence(make_sample, spoilt):
    sample = make_sample("signal", 50, 5, 0.2, **spoilt)
    with pytest.raises(
        NotFiniteError, match=r"dataset 'signal' has an event of weight .*e\+\d\d\d, which counts for no"
    ):
        filled(sample, {})


def test_a_place_of_no_list_is_a_sentence(make_sample):
    with pytest.raises(ConfigError, match="sample 'other': the weight 'y' of 'signal' is no list, take place out"):
        filled(make_sample("signal", 50, 5, 0.2), {"other": ["y", 1]})
