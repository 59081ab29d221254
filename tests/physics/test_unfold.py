"""Unfolding of Gaussians whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.learn.ratio import Sample
from resonaut.unfold.bayes import Response, counts, triangular
from resonaut.unfold.omnifold import DEFAULT, OmniFold, Simulation

SHIFT, SMEARING = 0.3, 0.5


def keys(n: int, sample: int) -> identifier.Keys:
    return identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(sample << 32))


def levels(n: int, mean: float, seed: int) -> Simulation:
    """Two dimensions, with a particle-level acceptance and an efficiency that depend on the values."""
    rng = np.random.default_rng(seed)
    particle = rng.normal(mean, 1, (n, 2))
    detector = particle + rng.normal(0, SMEARING, particle.shape)
    accepted, seen = rng.uniform(size=(2, n))
    return Simulation.of(
        particle,
        detector,
        at_particle=accepted < 1 / (1 + np.exp(-2 - particle[:, 0])),
        at_detector=seen < 1 / (1 + np.exp(-1 - particle[:, 0] - 0.5 * particle[:, 1])),
        keys=keys(n, seed),
    )


def test_weights_of_shifted_gaussians_are_their_ratio():
    # The benchmark's toy at 2/5 of its size, where the data themselves allow for 1 to 3 %.
    n, rng = 20_000, np.random.default_rng(3)
    particle, truth = rng.normal(0, 1, (n, 2)), rng.normal(SHIFT, 1, (n, 2))
    data = truth + rng.normal(0, SMEARING, truth.shape)
    simulation = Simulation.of(particle, particle + rng.normal(0, SMEARING, truth.shape))
    found = OmniFold.fit(Sample.of(data), simulation, settings=replace(DEFAULT, iterations=3))
    exact = np.exp((SHIFT * particle - SHIFT**2 / 2).sum(axis=1))
    assert np.mean(np.abs(found.weights / found.weights.mean() / exact - 1)) < 0.04
    # Each iteration changes less, and the data are no longer told apart.
    first, second, third = found.iterations
    assert first.change > 3 * second.change > 9 * third.change
    assert first.auc_before > 0.58
    assert third.auc_after < 0.5 + 2 * third.auc_error


def test_efficiency_fakes_and_background_leave_the_moments_right():
    n = 30_000
    rng = np.random.default_rng(5)
    truth, simulation = levels(n, SHIFT, 1), levels(n, 0.0, 2)
    extra, expected = rng.normal([1, -1], 0.7, (2000, 2)), rng.normal([1, -1], 0.7, (8000, 2))
    seen = truth.detector[truth.at_detector]
    data = Sample.of(np.concatenate([seen, extra]), keys=keys(len(seen) + 2000, 3))
    background = Sample.of(expected, np.full(8000, 0.25), keys(8000, 4))
    found = OmniFold.fit(data, simulation, background, replace(DEFAULT, iterations=4))
    real, here = truth.particle[truth.at_particle], simulation.at_particle
    mean = np.average(simulation.particle[here], axis=0, weights=found.weights[here])
    spread = np.sqrt(np.average((simulation.particle[here] - mean) ** 2, axis=0, weights=found.weights[here]))
    # In units of the width; the statistical error of the truth alone is 0.006. The simulation is off by 0.3.
    np.testing.assert_allclose(mean, real.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(spread, real.std(axis=0), rtol=0.02)
    assert found.weights.sum() == pytest.approx(len(real), rel=0.015)


def test_in_one_observable_both_ways_of_unfolding_agree():
    n = 20_000
    truth, simulation = levels(n, SHIFT, 6), levels(n, 0.0, 7)
    edges = np.linspace(-2, 2, 9)
    first, one = replace(simulation, particle=simulation.particle[:, :1], detector=simulation.detector[:, :1]), truth
    data = Sample(one.detector[:, :1], one.weights, one.keys)[one.at_detector]
    found = OmniFold.fit(data, first, settings=replace(DEFAULT, iterations=3))
    here = simulation.at_particle
    omnifold = counts(simulation.particle[here, 0], found.weights[here], edges)
    response = Response.of(simulation, simulation.particle[:, 0], simulation.detector[:, 0], edges, edges)
    bayes = response.unfold(counts(data.features[:, 0], data.weights, edges), 3)
    real = counts(truth.particle[truth.at_particle, 0], np.ones(truth.at_particle.sum()), edges)
    assert omnifold.sum() == pytest.approx(bayes.sum(), rel=0.01)
    prior = triangular(response.particle, real)
    assert triangular(omnifold, real) < 0.1 * prior
    assert triangular(bayes, real) < 0.1 * prior
