"""Reliability diagrams of scores that are probabilities by construction, and of others that are not."""

import numpy as np
import pytest

from resonaut.tag.reliability import reliability

CLASSES = ["qcd", "a", "b"]
PLACES = np.array([0.0, 1.2, 2.4])


def toy(rng, counts, power=1.0, shared=0.0):
    """Scores of Gaussian classes that are probabilities where all classes count the same, for a power of 1."""
    labels = np.repeat(np.arange(3), counts)
    events = np.arange(len(labels)) // 2
    x = PLACES[labels] + np.sqrt(shared) * rng.normal(size=len(labels))[events]
    x += np.sqrt(1 - shared) * rng.normal(size=len(labels))
    density = np.exp(-power * np.square(x[:, None] - PLACES) / 2)
    weights = 1 / np.array(counts)[labels]
    return density / density.sum(axis=1, keepdims=True), labels, weights, events if shared else np.arange(len(labels))


@pytest.mark.parametrize("shared", [0.0, 0.7], ids=["jets", "events of two jets"])
def test_probabilities_are_calibrated(shared) -> None:
    rng, found = np.random.default_rng(1), []
    for seed in range(25):
        scores, labels, weights, events = toy(rng, (1200, 600, 300), shared=shared)
        found += reliability(scores, labels, weights, CLASSES, events, seed).values()
    pulls = np.concatenate([(np.array(one.observed) - one.predicted) / one.error for one in found])
    # Some 750 of them, which are not independent.
    assert np.mean(pulls) == pytest.approx(0, abs=0.2)
    assert np.std(pulls) == pytest.approx(1, abs=0.17)
    values, calibrated = np.mean([(one.calibration_error, one.if_calibrated) for one in found], axis=0)
    assert values == pytest.approx(calibrated, rel=0.2)
    assert np.mean([one.p_value < 0.05 for one in found]) < 0.25
    assert 0.25 < np.mean([one.p_value < 0.5 for one in found]) < 0.75


def test_scores_that_are_too_sure_show_by_how_much() -> None:
    """Where the logarithm of the ratio is doubled, p becomes p² / (p² + (1 - p)²)."""
    rng = np.random.default_rng(2)
    labels = np.arange(40_000) % 2
    true = 1 / (1 + np.exp(-(1.5 * rng.normal(size=40_000) + 1.5**2 * (labels - 0.5))))
    sure = true**2 / (true**2 + (1 - true) ** 2)
    scores = np.stack([1 - sure, sure], axis=1)
    found = reliability(scores, labels, np.ones(len(labels)), ["qcd", "x"], np.arange(len(labels)))["x"]
    inside, odds = np.array(found.predicted[1:-1]), np.sqrt(np.array(found.predicted[1:-1]))
    expected = odds / (odds + np.sqrt(1 - inside))
    assert np.array(found.observed[1:-1]) == pytest.approx(expected, abs=0.03)
    assert found.calibration_error == pytest.approx(np.mean(np.abs(sure - true)), abs=0.006)
    assert found.calibration_error > 5 * found.if_calibrated
    assert found.p_value < 0.01


def test_a_score_that_is_the_same_for_all_is_one_point() -> None:
    labels = np.arange(300) % 3
    weights = np.array([1.0, 2.0, 3.0])[labels]
    shares = np.array([1, 2, 3]) / 6
    found = reliability(np.tile(shares, (300, 1)), labels, weights, CLASSES, np.arange(300))
    for name, share in zip(CLASSES, shares, strict=True):
        one = found[name]
        assert (one.predicted, one.observed) == (pytest.approx([share]), pytest.approx([share]))
        assert one.calibration_error == pytest.approx(0, abs=1e-9)
        # The shares of the classes are no accident: 1/sqrt(100) of them would be.
        assert one.if_calibrated < 0.006


def test_a_bin_without_a_jet_of_the_class_has_an_error() -> None:
    scores, labels, weights, events = toy(np.random.default_rng(3), (300, 300, 300), power=4)
    found = reliability(scores, labels, weights, CLASSES, events)
    assert any(share == 0 for one in found.values() for share in one.observed)
    assert all(error > 0 for one in found.values() for error in one.error)
