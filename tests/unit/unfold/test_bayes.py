import numpy as np
import pytest

from resonaut.core.errors import ResonautError
from resonaut.unfold.bayes import Response, triangular
from resonaut.unfold.omnifold import Simulation

MATCHED = np.array([[70.0, 20.0, 0.0], [10.0, 60.0, 15.0], [0.0, 25.0, 50.0]])
PARTICLE = np.array([120.0, 100.0, 90.0])
WEIGHTS = np.array([1.3, 0.8, 1.1])


def test_data_made_with_the_response_give_the_truth_back():
    response = Response(MATCHED, PARTICLE, np.zeros(3))
    np.testing.assert_allclose(response.unfold(WEIGHTS @ MATCHED, 300), WEIGHTS * PARTICLE, rtol=1e-3)


def test_one_iteration_is_dagostinis_formula():
    data = WEIGHTS @ MATCHED
    smearing = MATCHED / PARTICLE[:, None]
    prior = PARTICLE / PARTICLE.sum()
    posterior = smearing * prior[:, None] / (prior @ smearing)
    expected = posterior @ data / smearing.sum(axis=1)
    np.testing.assert_allclose(Response(MATCHED, PARTICLE, np.zeros(3)).unfold(data, 1), expected)


def test_fakes_are_a_share_of_the_data_or_a_yield():
    fakes = np.array([10.0, 5.0, 30.0])
    response = Response(MATCHED, PARTICLE, fakes)
    seen = MATCHED.sum(axis=0)
    # Twice the simulation in everything: the share of fakes is the same; with a yield they are half as many.
    np.testing.assert_allclose(response.unfold(2 * (seen + fakes), 5, "share"), 2 * PARTICLE)
    np.testing.assert_allclose(response.unfold(2 * seen + fakes, 300, "yield"), 2 * PARTICLE, rtol=1e-3)


def test_a_response_counts_events_by_what_they_pass():
    values = np.array([0.5, 0.5, 1.5, 1.5, 1.5])
    at_particle, at_detector = np.array([1, 1, 1, 0, 1], bool), np.array([1, 0, 1, 1, 1], bool)
    weights, detector_weights = np.array([1.0, 2, 3, 4, 5]), np.array([0.5, 9, 2, 4, 5])
    blank = np.zeros((5, 1))
    simulation = Simulation.of(blank, blank, weights, detector_weights, at_particle, at_detector)
    edges = np.array([0.0, 1, 2])
    response = Response.of(simulation, values, np.array([0.5, 0.5, 0.5, 1.5, 9]), edges, edges)
    np.testing.assert_array_equal(response.matched[1:3, 1:], [[0.5, 0, 0], [2, 0, 5]])
    np.testing.assert_array_equal(response.particle, [0, 3, 8, 0])
    np.testing.assert_array_equal(response.fakes, [0, 0, 4, 0])


def test_bins_that_the_detector_does_not_see_stay_as_simulated():
    matched = MATCHED.copy()
    matched[2] = 0
    assert Response(matched, PARTICLE, np.zeros(3)).unfold(WEIGHTS @ matched, 5)[2] == 90
    with pytest.raises(ResonautError, match="no simulated event passes at both levels"):
        Response(0 * MATCHED, PARTICLE, np.zeros(3)).unfold(np.ones(3), 1)


def test_the_triangular_discriminator_of_equal_and_of_disjoint_histograms():
    assert triangular(np.array([1.0, 3]), np.array([2.0, 6])) == 0
    assert triangular(np.array([1.0, 0]), np.array([0.0, 5])) == pytest.approx(1000)
    assert triangular(np.array([1.0, 1]), np.array([1.0, 3])) == pytest.approx(500 * (0.25**2 / 0.75 + 0.25**2 / 1.25))
