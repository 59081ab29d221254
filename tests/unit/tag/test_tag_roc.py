"""ROC curves, rejections and their errors against what is known of Gaussian scores."""

import numpy as np
import pytest
from scipy.stats import beta, norm

from resonaut.tag import roc

APART = 1.5


def gaussian(rng, signal: int, qcd: int, shared: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, labels and events of QCD and a signal that is ``APART`` higher; ``shared`` by both jets of an event."""
    labels = np.repeat([0, 1], [qcd, signal])
    events = np.arange(len(labels)) // 2
    value = np.sqrt(shared) * rng.normal(size=len(labels))[events] + np.sqrt(1 - shared) * rng.normal(size=len(labels))
    score = norm.cdf(value + APART * labels)
    return np.stack([1 - score, score], axis=1), labels, events if shared else np.arange(len(labels))


def true_efficiency(efficiency):
    return norm.cdf(norm.ppf(efficiency) - APART)


def test_curve_area_and_rejections_of_gaussian_scores() -> None:
    scores, labels, _ = gaussian(np.random.default_rng(1), 20_000, 20_000)
    found = roc.measure(scores, labels, ["qcd", "x"], "qcd")
    assert found.auc["x"] == pytest.approx(norm.cdf(APART / np.sqrt(2)), abs=4 * found.auc_error["x"])
    curve = found.roc["x"]
    low, high = np.array(curve.qcd_efficiency_low), np.array(curve.qcd_efficiency_high)
    true = true_efficiency(np.array(curve.signal_efficiency))
    # Four of the band's halves, and half a jet where none passes.
    half = 2 * (high - low) + 1e-5
    assert np.all(np.abs(true - curve.qcd_efficiency) < half)
    assert [one.signal_efficiency for one in found.rejection["x"]] == list(roc.EFFICIENCIES)
    for one in found.rejection["x"]:
        assert one.low <= one.value <= one.high
        assert one.value == pytest.approx(1 / true_efficiency(one.signal_efficiency), abs=3 * (one.high - one.low))
    # At 99 % of the signal the point where none is lost yet would be elsewhere.
    assert found.rejection["x"][-1].value == pytest.approx(1 / true_efficiency(0.99), rel=0.02)


def test_the_error_of_the_area_is_that_of_delong() -> None:
    """E. DeLong et al., Biometrics 44 (1988) 837: from how often each jet is above those of the other class."""
    scores, labels, _ = gaussian(np.random.default_rng(2), 400, 900)
    value = scores[:, 1]
    above = (value[labels == 1][:, None] > value[labels == 0]).astype(float)
    expected = np.sqrt(above.mean(axis=1).var(ddof=1) / 400 + above.mean(axis=0).var(ddof=1) / 900)
    # 300 replicas know an error to 4 %.
    assert roc.measure(scores, labels, ["qcd", "x"], "qcd").auc_error["x"] == pytest.approx(expected, rel=0.17)


@pytest.mark.parametrize("shared", [0.0, 0.8], ids=["jets", "events of two jets"])
def test_intervals_and_errors_cover(shared) -> None:
    rng, trials = np.random.default_rng(3), 60
    inside, pulls = np.zeros(len(roc.EFFICIENCIES)), []
    for seed in range(trials):
        scores, labels, events = gaussian(rng, 300, 400, shared)
        found = roc.measure(scores, labels, ["qcd", "x"], "qcd", events=events, seed=seed)
        true = [1 / true_efficiency(one) for one in roc.EFFICIENCIES]
        inside += [one.low <= t <= (one.high or np.inf) for one, t in zip(found.rejection["x"], true, strict=True)]
        pulls.append((found.auc["x"] - norm.cdf(APART / np.sqrt(2))) / found.auc_error["x"])
    # 68 % have the error 6 %; extreme quantiles cover a little more.
    assert np.all(inside / trials > 0.68 - 0.24)
    assert np.all(inside / trials < 0.68 + 0.24)
    assert np.std(pulls) == pytest.approx(1, abs=0.36)
    assert np.mean(pulls) == pytest.approx(0, abs=0.5)


def test_at_a_cut_without_error_the_interval_is_that_of_jeffreys() -> None:
    # Wherever the cut lies among the signal jets, 3 of 50 QCD jets pass.
    labels = np.repeat([1, 0], [5000, 50])
    score = np.r_[np.linspace(0.5, 0.6, 5000), np.repeat([0.9, 0.1], [3, 47])]
    found = roc.measure(np.stack([1 - score, score], axis=1), labels, ["qcd", "x"], "qcd")
    one = found.rejection["x"][-1]
    assert one.value == pytest.approx(50 / 3, rel=1e-3)
    low, high = beta.ppf(norm.cdf([-1, 1]), 3.5, 47.5)
    # Of 300 replicas quantiles have an error of 9 % of the half width.
    assert (one.low, one.high) == pytest.approx((1 / high, 1 / low), rel=0.15)


def test_scores_without_information_have_no_area_and_none_is_lost() -> None:
    rng = np.random.default_rng(4)
    score = rng.uniform(size=(2, 2000))
    scores = [np.stack([1 - one, one], axis=1) for one in score]
    labels = np.arange(2000) % 2
    found = roc.measure(scores[0], labels, ["qcd", "x"], "qcd")
    assert found.auc["x"] == pytest.approx(0.5, abs=4 / np.sqrt(12 * 500))
    assert found.auc_error["x"] == pytest.approx(1 / np.sqrt(12 * 500), rel=0.2)
    lost = roc.lost(scores[0], scores[1], labels, ["qcd", "x"], "qcd", np.arange(2000), 1)["x"]
    assert abs(lost.value) < 4 * lost.error
    same = roc.lost(scores[0], scores[0], labels, ["qcd", "x"], "qcd", np.arange(2000), 1)["x"]
    assert (same.value, same.error) == (0, 0)
    equal = roc.measure(np.full((2000, 2), 0.5), labels, ["qcd", "x"], "qcd")
    assert equal.auc["x"] == 0.5


def test_no_qcd_jet_that_passes_is_no_rejection_but_a_limit() -> None:
    labels = np.repeat([0, 1], 100)
    score = np.where(labels, 0.9, 0.1) + np.linspace(0, 0.01, 200)
    found = roc.measure(np.stack([1 - score, score], axis=1), labels, ["qcd", "x"], "qcd").rejection["x"][0]
    assert (found.value, found.high) == (None, None)
    # Jeffreys' upper end of 0 of 100: 1.0 %.
    assert found.low == pytest.approx(100 / 1.0, rel=0.25)
