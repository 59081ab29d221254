from dataclasses import replace

import numpy as np
import pytest

from resonaut.core.errors import EmptySelectionError, NotFiniteError, ResonautError
from resonaut.learn.ratio import Sample
from resonaut.unfold.omnifold import OmniFold, Simulation
from resonaut.unfold.settings import OmniFold as Settings

ONE = Settings(iterations=1)


@pytest.fixture
def simulation() -> Simulation:
    rng = np.random.default_rng(1)
    particle = rng.normal(size=(3000, 2))
    return Simulation.of(particle, particle + rng.normal(0, 0.5, particle.shape))


@pytest.fixture
def data() -> Sample:
    return Sample.of(np.random.default_rng(2).normal(0.2, 1.1, (2000, 2)))


def test_yields_of_data_become_yields_at_the_particle_level(simulation, data):
    half = np.arange(3000) % 2 == 0
    seen = replace(simulation, at_detector=half)
    found = OmniFold.fit(data, seen, settings=ONE)
    # Half of all events are seen, whatever they are.
    assert found.weights.sum() == pytest.approx(4000, rel=0.02)
    assert found.iterations[0].data_over_simulation == pytest.approx(1, abs=1e-3)
    assert found.iterations[0].yield_ratio == pytest.approx(4000 / 3000, rel=0.02)


def test_what_fails_at_a_level_plays_no_part_there(simulation, data):
    unseen = np.arange(3000) % 5 == 0
    cut = replace(simulation, at_detector=~unseen)
    found = OmniFold.fit(data, cut, settings=ONE)
    garbled = simulation.detector.copy()
    garbled[unseen] = np.nan
    again = OmniFold.fit(data, replace(cut, detector=garbled), settings=ONE)
    np.testing.assert_array_equal(found.weights, again.weights)
    outside = replace(simulation, at_particle=~unseen)
    assert not OmniFold.fit(data, outside, settings=ONE).weights[unseen].any()


@pytest.mark.parametrize(("fakes", "total"), [("share", 4800), ("yield", 5393)])
def test_fakes_have_a_share_of_the_data_or_a_yield(simulation, fakes, total):
    # Twice the simulation. A fifth of its events are fakes: of the data a fifth, too, or just as many as they are.
    rng = np.random.default_rng(6)
    particle = rng.normal(size=(6000, 2))
    data = Sample.of(particle + rng.normal(0, 0.5, particle.shape))
    cut = replace(simulation, at_particle=np.arange(3000) % 5 > 0)
    found = OmniFold.fit(data, cut, settings=Settings(iterations=3, fakes=fakes))
    assert found.weights.sum() == pytest.approx(total, rel=0.02)


def test_weights_of_other_events_are_those_of_the_same_values(simulation, data):
    found = OmniFold.fit(data, simulation, settings=ONE)
    np.testing.assert_allclose(found.ratio(simulation.particle, simulation.keys), found.weights)


def test_order_changes_rounding_at_most(simulation, data):
    found = OmniFold.fit(data, simulation, settings=ONE)
    order = np.random.default_rng(3).permutation(3000)
    again = OmniFold.fit(data[np.arange(2000)[::-1]], simulation[order], settings=ONE)
    np.testing.assert_allclose(again.weights, found.weights[order], rtol=1e-3)


def test_background_is_subtracted(simulation, data):
    rng = np.random.default_rng(4)
    extra = Sample.of(rng.normal(3, 0.3, (1000, 2)))
    both = Sample.of(np.concatenate([data.features, extra.features]))
    background = Sample.of(rng.normal(3, 0.3, (3000, 2)), np.full(3000, 1 / 3))
    found = OmniFold.fit(both, simulation, background, ONE)
    assert found.weights.sum() == pytest.approx(2000, rel=0.01)
    mean = np.average(simulation.particle, axis=0, weights=found.weights)
    np.testing.assert_allclose(mean, 0.2, atol=0.1)  # 0.9 with the background


def test_negative_weights_of_the_generator_are_averaged(data):
    rng = np.random.default_rng(5)
    particle = rng.normal(size=(6000, 2))
    # Negative ones are rarer at large values, so that the density is another one than that of all events.
    sign = np.where(rng.uniform(size=6000) < 0.2 / (1 + np.exp(2 * particle[:, 0])), -1.0, 1.0)
    signed = Simulation.of(particle, particle + rng.normal(0, 0.5, particle.shape), sign)
    found = OmniFold.fit(data, signed, settings=Settings(iterations=3))
    assert found.weights.min() > 0
    product = found.weights * sign
    assert product.sum() == pytest.approx(2000, rel=0.02)
    mean = np.average(particle, axis=0, weights=product)
    np.testing.assert_allclose(mean, data.features.mean(axis=0), atol=0.05)


@pytest.mark.parametrize("fakes", ["share", "yield"])
def test_fakes_of_negative_weight_take_their_yield_away(data, fakes):
    rng = np.random.default_rng(7)
    particle = rng.normal(0.2, 1, (6000, 2))
    sign = np.where(rng.uniform(size=6000) < 0.2, -1.0, 1.0)
    signed = Simulation.of(particle, particle + rng.normal(0, 0.5, particle.shape), sign)
    cut = replace(signed, at_particle=rng.uniform(size=6000) > 0.25).scaled(2000 / sign.sum())
    found = OmniFold.fit(data, cut, settings=replace(ONE, fakes=fakes))
    assert found.weights @ cut.weights == pytest.approx(2000 * 0.75, rel=0.04)


@pytest.mark.parametrize(
    ("broken", "error", "says"),
    [
        (lambda d, s: (d[:0], s), EmptySelectionError, "data has no event"),
        (lambda d, s: (d, replace(s, at_detector=~s.at_particle)), EmptySelectionError, "detector level has no event"),
        (lambda d, s: (replace(d, weights=0 * d.weights), s), ResonautError, "weights of data sum to 0"),
        (lambda d, s: (replace(d, weights=d.weights * np.nan), s), NotFiniteError, "2000 weights of data are NaN"),
        (lambda d, s: (d, s.scaled(-1.0)), ResonautError, "detector level sum to -3000"),
        (lambda d, s: (d, replace(s, particle=s.particle * [1, 0])), ResonautError, "feature 1 of .* is 0 in all"),
        (lambda d, s: (d, replace(s, detector=s.detector / [1, 0])), NotFiniteError, "feature 1 of .* infinite"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_cannot_be_unfolded_is_one_sentence(simulation, data, broken, error, says):
    with pytest.raises(error, match=says):
        OmniFold.fit(*broken(data, simulation), settings=ONE)
