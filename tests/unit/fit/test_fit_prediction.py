"""The background in a signal region: both predictions are right within their errors, and know nothing of a signal."""

from dataclasses import replace

import numpy as np
import pytest

from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.fit.bare import settings_of
from resonaut.fit.prediction import prediction
from resonaut.fit.simulated import Simulated
from resonaut.fit.spectrum import Spectrum
from resonaut.select.results import Trained

EDGES = np.arange(2500.0, 7001.0, 20.0)
REGION = (3250.0, 3750.0)
# The bins that hold the signal region.
INSIDE = (EDGES[1:] > REGION[0]) & (EDGES[:-1] < REGION[1])
SETTINGS = settings_of([], 13000.0, [3500.0])


def truth(events: float) -> np.ndarray:
    x = (EDGES[:-1] + EDGES[1:]) / 2 / 13000
    shape = (1 - x) ** 10 * x**-6
    return events * shape / shape.sum()


@pytest.fixture
def selected(example) -> Trained:
    window = {"signal_region": REGION, "sidebands": ((3000.0, 3250.0), (3750.0, 4250.0))}
    return replace(example(Trained), **window)


def simulation(events: float, rng: np.random.Generator, weight: float = 0.25) -> Simulated:
    """Of events of a ``weight``; a variation of their weights of 4 % that has no part in the sidebands."""
    counts = rng.poisson(truth(events) / weight) * weight
    shifted = np.stack([counts * (1 + 0.04 * sign * INSIDE) for sign in (1, -1)])
    return Simulated(counts, counts * weight, {"reweight_folds": shifted})


@pytest.mark.parametrize("events", [3_000, 50_000])
def test_both_predictions_are_right_within_their_errors(selected, events):
    expected = truth(events)[INSIDE].sum()
    pulls = []
    for toy in range(60):
        rng = np.random.default_rng([events, toy])
        counts = rng.poisson(truth(events)).astype(float)
        # Twice the cross section: the sidebands normalise it.
        own = simulation(2 * events, rng)
        none = replace(own, varied={})
        settings = replace(SETTINGS, prediction="observed")
        found = prediction(selected, Spectrum(EDGES, counts), none, settings)
        assert found.observed == counts[INSIDE].sum()
        pulls.append(
            [
                (found.function.events - expected) / found.function.error,
                (found.simulation.events - expected) / found.simulation.error,
                found.pull_function,
                found.pull_simulation,
                found.pull,
            ]
        )
        if not toy:
            assert found.range == (3240.0, 3760.0)
            varied = prediction(selected, Spectrum(EDGES, counts), own, settings).simulation
            assert varied.variations["reweight_folds"] == pytest.approx(0.04 * varied.events)
            assert varied.error**2 == pytest.approx(found.simulation.error**2 + (0.04 * varied.events) ** 2)
            assert found.simulation.normalisation == pytest.approx(0.5, rel=0.1)
    mean, width = np.mean(pulls, axis=0), np.std(pulls, axis=0)
    # Four standard deviations; the two predictions share the data of the sidebands, so that their pull is narrower.
    assert np.all(np.abs(mean) < 4 / np.sqrt(60))
    assert np.all(np.abs(width[:4] - 1) < 4 / np.sqrt(2 * 60))
    assert 0.5 < width[4] < 1.4


def test_a_signal_in_the_signal_region_changes_neither_prediction(selected):
    rng = np.random.default_rng(5)
    counts, own = rng.poisson(truth(20_000)).astype(float), simulation(20_000, rng)
    peak = np.where(INSIDE, 100, 0)
    settings = replace(SETTINGS, prediction="blind")
    one, other = (prediction(selected, Spectrum(EDGES, n), own, settings) for n in (counts, counts + peak))
    assert one == other
    assert (one.observed, one.pull_function, one.pull_simulation) == (None, None, None)
    hidden = [part for part in one.bins if REGION[0] < part.high and part.low < REGION[1]]
    assert all(part.observed is None for part in hidden)
    assert all(part.observed is not None for part in one.bins if part not in hidden)
    assert sum(part.function for part in hidden) == pytest.approx(one.function.events)
    assert sum(part.simulation for part in hidden) == pytest.approx(one.simulation.events)
    shown = prediction(selected, Spectrum(EDGES, counts + peak), own, replace(settings, prediction="observed"))
    assert shown.function == one.function
    assert shown.pull_function > 5


def test_what_cannot_be_predicted_is_one_sentence(selected):
    rng = np.random.default_rng(5)
    counts, own = rng.poisson(truth(20_000)).astype(float), simulation(20_000, rng)
    narrow = replace(selected, sidebands=((3241.0, 3250.0), (3750.0, 3755.0)))
    with pytest.raises(ConfigError, match=r"the sidebands of the window hold no whole bin of fit\.range"):
        prediction(narrow, Spectrum(EDGES, counts), own, SETTINGS)
    with pytest.raises(EmptySelectionError, match="too few to normalise a prediction"):
        prediction(selected, Spectrum(EDGES, counts), replace(own, counts=own.counts * INSIDE), SETTINGS)
    few = np.zeros(len(counts))
    few[[30, 80]] = 1.0
    with pytest.raises(EmptySelectionError, match="bins with events beside the signal region are too few"):
        prediction(selected, Spectrum(EDGES, few), own, SETTINGS)
