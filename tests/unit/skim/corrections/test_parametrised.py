"""Uncertainties of objects that are numbers: known answers, and through the stage."""

import numpy as np
import pytest

from resonaut.core.errors import ConfigError
from resonaut.core.record import build
from resonaut.physics.angles import Lists
from resonaut.skim.corrections import parametrised
from resonaut.skim.corrections.settings import ObjectWeight, Shift, SimulatedCorrections

COUNTS = np.array([2, 0, 1])
OBJECTS = {"pt": np.array([50.0, 30.0, 20.0]), "phi": np.array([0.0, np.pi / 2, np.pi]), "kind": np.array([5, 0, 5])}


def shift(**fields) -> Shift:
    return build(fields, Shift, "shift")


def weight(**fields) -> ObjectWeight:
    return build(fields, ObjectWeight, "weight")


def test_a_scale_moves_those_that_it_is_of() -> None:
    one = shift(object="tau", scale=0.03, where={"kind": [5, 5]})
    chosen = parametrised.within(OBJECTS, one.where, 3)
    found = parametrised.factors(OBJECTS, chosen, one)
    assert found["up"].tolist() == [1.03, 1, 1.03]
    assert found["down"].tolist() == [0.97, 1, 0.97]
    change = parametrised.total(COUNTS, OBJECTS, found["up"] - 1)
    assert change == pytest.approx(np.array([[1.5, 0, -0.6], [0, 0, 0]]))


def test_a_resolution_moves_away_from_what_was_generated() -> None:
    one, generated = shift(object="small_jet", resolution=0.1), np.array([40.0, 35.0, np.nan])
    found = parametrised.factors(OBJECTS, np.ones(3, bool), one, generated)
    assert (OBJECTS["pt"] * found["up"]).tolist() == pytest.approx([51, 29.5, 20])
    assert (OBJECTS["pt"] * found["down"]).tolist() == pytest.approx([49, 30.5, 20])


def test_missing_momentum_of_what_is_in_no_jet() -> None:
    """MET of 30 along x, a jet of 50 along -x: 20 GeV along x are in no jet, and -20 x 0.1 moves MET."""
    met, jets = np.array([[30.0], [0.0]]), np.array([[-50.0], [0.0]])
    found = parametrised.missing(shift(object="missing_momentum", scale=0.1), met, jets, None)
    assert found["up"][:, 0].tolist() == pytest.approx([28, 0])
    found = parametrised.missing(shift(object="missing_momentum", resolution=0.1), met, jets, np.array([[10.0], [5.0]]))
    assert found["up"][:, 0].tolist() == pytest.approx([32, -0.5])
    assert found["down"][:, 0].tolist() == pytest.approx([28, 0.5])


def test_a_jet_that_is_a_lepton_is_none() -> None:
    """Of the first event's two jets the second is a muon; in the third event a soft muon is inside the jet."""
    jets = {"pt": np.array([50.0, 30.0, 90.0]), "eta": np.zeros(3), "phi": np.array([0.0, 2.0, 3.1])}
    muons = Lists(np.array([1, 0, 1]), {"pt": np.array([28.0, 10]), "eta": np.zeros(2), "phi": np.array([2.1, -3.1])})
    assert parametrised.taken(COUNTS, jets, muons).tolist() == [False, True, False]


def test_weights_keep_all_events_together() -> None:
    """The mean weight of all events, those that pass and those that fail, is 1."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(2, 20_000)
    passes = rng.random(counts.sum()) < 0.7
    one = weight(object="small_jet", uncertainty=0.1, passes={"tag": [1, None]}, efficiency=0.7)
    found = parametrised.weights(counts, {"tag": passes.astype(int)}, one)
    for way, sign in (("up", 1), ("down", -1)):
        assert found[way].mean() == pytest.approx(1, abs=4 * found[way].std() / np.sqrt(len(counts)))
        # Jets that pass become more, and none of the others is lost.
        tagged = np.bincount(np.repeat(np.arange(len(counts)), counts), passes, len(counts))
        assert (found[way] * tagged).sum() == pytest.approx((1 + sign * 0.1) * tagged.sum(), rel=0.01)
    every = parametrised.weights(COUNTS, OBJECTS, weight(object="tau", uncertainty=0.1, where={"kind": [5, 5]}))
    assert every["up"].tolist() == pytest.approx([1.1, 1, 1.1])


@pytest.mark.parametrize(
    ("make", "fields", "sentence"),
    [
        (shift, {"object": "tau"}, "either a scale or a resolution"),
        (shift, {"object": "tau", "scale": 0.1, "resolution": 0.1}, "either a scale or a resolution"),
        (shift, {"object": "tau", "resolution": 0.1}, "tau has no generated momentum"),
        (shift, {"object": "missing_momentum", "scale": 0.1, "where": {"pt": [3, None]}}, "take 'where' out"),
        (
            weight,
            {"object": "tau", "uncertainty": 0.2, "passes": {"a": [1, None]}, "efficiency": 0.9},
            "no probability",
        ),
        (weight, {"object": "tau", "uncertainty": 0.2, "efficiency": 0.5}, "say what passes"),
    ],
)
def test_contradictions_are_refused(make, fields, sentence) -> None:
    with pytest.raises(ConfigError, match=sentence):
        make(**fields)


def test_sources_are_those_of_the_era() -> None:
    made = build(
        {
            "object_shifts": {"tau_scale": {"object": "tau", "scale": 0.01}},
            "object_weights": {"tau_id": {"object": "tau", "uncertainty": 0.05}},
        },
        SimulatedCorrections,
        "made",
    )
    assert (made.shifts, made.weights) == (["tau_scale"], ["tau_id"])
