"""Calibrated outputs on a known ratio, of classifiers that are trained too little, too much and well."""

from dataclasses import replace

import numpy as np
import pytest

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError
from resonaut.learn.ratio import CrossFit, NetworkSettings, Sample, Settings, TreeSettings
from resonaut.learn.ratio.calibration import PARTS, Calibration, Line, measured
from resonaut.learn.ratio.crossfit import as_ratio
from resonaut.learn.ratio.sample import Balanced, Part
from resonaut.learn.ratio.sample import balanced as labelled
from resonaut.learn.ratio.weights import Weigher

SHIFT = 0.4
TREES = TreeSettings(learning_rate=0.1, max_iterations=60, max_leaf_nodes=8, min_leaf_events=100, validation_parts=2)
GOOD = Settings(folds=3, trees=TREES)
LITTLE = replace(GOOD, trees=replace(TREES, max_iterations=4))
MUCH = replace(GOOD, trees=replace(TREES, learning_rate=0.3, max_leaf_nodes=31, min_leaf_events=5, l2=0, patience=60))


def gaussian(n: int, seed: int, shift: float) -> Sample:
    """Three features, of which one is shifted."""
    x = np.random.default_rng(seed).normal(0, 1, (n, 3))
    x[:, 0] += shift
    return Sample.of(x, keys=identifier.mix(np.arange(n, dtype=np.uint64) + np.uint64(seed << 32)))


def exact(sample: Sample) -> np.ndarray:
    return np.exp(SHIFT * sample.features[:, 0].astype(float) - SHIFT**2 / 2)


def balanced(numerator: Sample, denominator: Sample) -> Balanced:
    return labelled(Part.of(numerator), Part.of(denominator))


@pytest.fixture(scope="module")
def samples() -> tuple[Sample, Sample]:
    return gaussian(8000, 1, SHIFT), gaussian(8000, 2, 0)


def tenths(learned: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Learned over true weights, - 1, in tenths of the events by the learned weight."""
    learned, true = learned / learned.mean(), true / true.mean()
    part = np.searchsorted(np.quantile(learned, np.arange(1, 10) / 10), learned, side="right")
    sums = [np.bincount(part, w, 10) for w in (learned, true)]
    return sums[0][sums[1] > 0] / sums[1][sums[1] > 0] - 1


def rms(learned: np.ndarray, true: np.ndarray) -> float:
    return float(np.sqrt(np.mean((learned / learned.mean() / true * true.mean() - 1) ** 2)))


@pytest.mark.parametrize(("settings", "slope"), [(LITTLE, 2.5), (MUCH, 0.6)], ids=["little", "much"])
def test_weights_are_right_on_average_whatever_the_training(samples, settings, slope) -> None:
    numerator, denominator = samples
    true = exact(denominator)
    plain = CrossFit.fit(numerator, denominator, settings)
    mended = plain.calibrated(numerator, denominator, settings)
    before, after = (models.ratio(denominator.features, denominator.keys) for models in (plain, mended))
    # Of four trees a straight line in the logit leaves up to a tenth.
    assert np.abs(tenths(before, true)).max() > 0.6
    assert np.abs(tenths(after, true)).max() < 0.15
    assert rms(after, true) < 0.7 * rms(before, true)
    assert (mended.maps.slopes.mean() > 1) == (slope > 1)
    events = balanced(numerator, denominator)
    found = [measured(events, models.probability(events.values(), events.keys)) for models in (plain, mended)]
    assert abs(found[0].slope - 1) > 8 * found[0].slope_error
    assert abs(found[1].slope - 1) < 4 * found[1].slope_error
    assert found[0].difference > 3 * found[0].if_calibrated
    assert found[1].difference < 2.5 * found[1].if_calibrated


@pytest.mark.parametrize(
    "settings",
    [
        GOOD,
        replace(GOOD, backend="network", network=NetworkSettings(hidden=[32], epochs=6, batch_size=512,
                learning_rate=0.005, annealing=True, restarts=1, validation_parts=1)),
    ],
    ids=["trees", "network"],
)  # fmt: skip
def test_after_a_good_training_it_costs_nothing_but_noise(samples, settings) -> None:
    numerator, denominator = samples
    plain = CrossFit.fit(numerator, denominator, settings)
    mended = plain.calibrated(numerator, denominator, settings)
    before, after = (models.ratio(denominator.features, denominator.keys) for models in (plain, mended))
    # Two numbers from 4,800 events: 4 % of the slope and 2 % of the offset.
    true = exact(denominator)
    assert rms(after, true) ** 2 < rms(before, true) ** 2 + 0.03**2
    np.testing.assert_allclose(mended.maps.slopes.mean(), 1, atol=0.15)


def test_the_expectation_of_known_ratios_is_calibrated_too(samples) -> None:
    _, sample = samples
    true = exact(sample)
    plain = CrossFit.fit_expectation(sample, true, LITTLE)
    mended = plain.calibrated_expectation(sample, true)
    before, after = (models.ratio(sample.features, sample.keys) for models in (plain, mended))
    assert np.abs(tenths(before, true)).max() > 0.6
    assert np.abs(tenths(after, true)).max() < 0.15
    assert rms(after, true) < 0.1 < rms(before, true) / 3


def test_alike_samples_get_weights_of_one(samples) -> None:
    """What an overfitted classifier learned of samples without a difference is taken back."""
    numerator, denominator = gaussian(8000, 3, 0), samples[1]
    plain = CrossFit.fit(numerator, denominator, MUCH)
    mended = plain.calibrated(numerator, denominator, MUCH)
    before, after = (models.ratio(denominator.features, denominator.keys) for models in (plain, mended))
    assert before.std() > 0.3
    assert after.std() < 0.06
    np.testing.assert_allclose(after.mean(), 1, atol=0.02)


def outputs(n: int = 3000, seed: int = 5) -> tuple[Balanced, np.ndarray, np.ndarray]:
    """Events with labels, too sure outputs, and folds."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.2, 0.8, n)
    labels = (rng.uniform(size=n) < p).astype(float)
    keys = identifier.mix(np.arange(n, dtype=np.uint64))
    events = Balanced((Part.of(Sample.of(np.zeros((n, 1)), keys=keys)),), labels, np.ones(n))
    return events, p**2 / (p**2 + (1 - p) ** 2), identifier.folds(keys, 3, 1)


def test_no_event_is_weighted_with_its_own_label() -> None:
    events, output, fold = outputs()
    maps = Calibration.fit(events, output, 3, 1)
    assert maps.slopes.mean() == pytest.approx(0.5, abs=0.1)
    before = maps.of(output, fold, events.keys)
    for event in (0, 1, 2):
        labels = events.labels.copy()
        labels[event] = 1 - labels[event]
        after = Calibration.fit(replace(events, labels=labels), output, 3, 1).of(output, fold, events.keys)
        changed = after != before
        assert not changed[event]
        # A tenth of the fold has the same map, and all other folds have their own.
        assert changed.sum() == pytest.approx((fold == fold[event]).sum() * (1 - 1 / PARTS), rel=0.05)
        assert not changed[fold != fold[event]].any()


def test_rows_in_another_order_give_the_same_digits(samples) -> None:
    numerator, denominator = samples
    plain = CrossFit.fit(numerator, denominator, LITTLE)
    order = np.random.default_rng(1).permutation(len(numerator.keys))
    one, other = plain.calibrated(numerator, denominator), plain.calibrated(numerator[order], denominator[order])
    np.testing.assert_array_equal(one.maps.slopes, other.maps.slopes)
    np.testing.assert_array_equal(one.maps.offsets, other.maps.offsets)


def test_variations_are_calibrated_as_the_nominal_ratio_is(samples) -> None:
    weigher = Weigher.fit(*samples, LITTLE, (0.05, 20), bootstraps=1, calibrated=True)
    assert weigher.nominal.maps is not None
    (replica,) = weigher.replicas
    assert np.all(replica.maps.slopes != weigher.nominal.maps.slopes)
    sample = samples[1]
    factors = weigher.factors(sample.features, sample.keys)
    nominal = factors[""][:, 0]
    for name in ("ensemble", "bootstrap", "folds"):
        shift = np.log(factors[name]) - np.log(nominal)[:, None]
        # Without the maps they would vary less than half as much as the nominal ratio.
        slope = np.polyfit(np.log(nominal), shift.mean(axis=1), 1)[0]
        assert abs(slope) < 0.25, name
    own = weigher.nominal.folds(sample.keys)
    np.testing.assert_array_equal(factors["folds"][np.arange(len(own)), own], nominal)
    assert Weigher.fit(*samples, LITTLE, (0.05, 20)).nominal.maps is None


def test_signed_weights_are_made_positive_first() -> None:
    rng = np.random.default_rng(8)
    numerator, denominator = gaussian(6000, 9, SHIFT), gaussian(6000, 10, 0)
    signs = np.where(rng.uniform(size=6000) < 0.15, -1.0, 1.0)
    signed = replace(numerator, weights=signs)
    models = CrossFit.fit(signed, denominator, LITTLE).calibrated(signed, denominator, LITTLE)
    found = models.ratio(denominator.features, denominator.keys)
    assert np.abs(tenths(found, exact(denominator))).max() < 0.15


def test_outputs_without_information_are_one_half() -> None:
    events, _, _ = outputs()
    constant = Line.fit(np.full(3000, 0.3), events.labels, events.weights)
    share = as_ratio(1 / (1 + np.exp(-constant.slope * np.log(0.3 / 0.7) - constant.offset)))
    assert share == pytest.approx(events.labels.mean() / (1 - events.labels.mean()), rel=0.01)
    parted = Line.fit(np.where(events.labels == 1, 0.6, 0.4), events.labels, events.weights)
    assert np.isfinite([parted.slope, parted.slope_error]).all()


def test_too_few_events_end_in_a_sentence() -> None:
    events, output, _ = outputs(120)
    with pytest.raises(EmptySelectionError, match="with fewer than 50 it is not; use larger samples, or set"):
        Calibration.fit(events, output, 3, 1)
