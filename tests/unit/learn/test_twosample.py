"""Two weighted samples whose differences are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.stats import norm

from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError, NotFiniteError, ResonautError
from resonaut.learn.ratio import Sample
from resonaut.learn.twosample import agreement, classifier, divergences
from resonaut.learn.twosample.comparison import DEFAULT, compare
from resonaut.learn.twosample.quantiles import Bins, Sums
from resonaut.learn.twosample.settings import Settings
from resonaut.learn.twosample.verdict import sentence, table

SHIFT = 0.5
CALLED = ("A", "B")


def normal(n: int, seed: int, shift: float = 0.0, variables: int = 1) -> Sample:
    return Sample.of(np.random.default_rng(seed).normal(0, 1, (n, variables)) + shift * np.eye(variables)[0])


def one(numerator: Sample, denominator: Sample, settings: Settings = DEFAULT, **keywords):
    """The first variable, without a classifier."""
    return compare(numerator, denominator, ["x"], settings, inputs=[], **keywords).variables[0]


def jensen_shannon(shift: float) -> float:
    def density(x):
        p, q = norm.pdf(x, shift), norm.pdf(x)
        m = (p + q) / 2
        return (p * np.log(p / m) + q * np.log(q / m)) / 2

    return quad(density, -12, 12)[0]


ANALYTIC = {
    "kl": SHIFT**2 / 2,
    "kl_reversed": SHIFT**2 / 2,
    "jensen_shannon": jensen_shannon(SHIFT),
    "total_variation": 2 * norm.cdf(SHIFT / 2) - 1,
    "bhattacharyya": SHIFT**2 / 8,
    "hellinger": np.sqrt(1 - np.exp(-(SHIFT**2) / 8)),
    "renyi": 2 * SHIFT**2 / 2,
    "wasserstein": SHIFT / np.sqrt(1 + SHIFT**2 / 4),
}


@pytest.fixture(scope="module")
def gaussians():
    return one(normal(40_000, 1, SHIFT), normal(30_000, 2)).divergences


@pytest.mark.parametrize("name", ANALYTIC)
def test_divergences_of_two_gaussians(gaussians, name):
    found = gaussians[name]
    # Bins hide less than 4 % of a difference, and Rényi's of order 2 is all in the tails.
    hidden = 0.1 if name == "renyi" else 0.04
    assert abs(found.value - ANALYTIC[name]) < 4 * found.error + hidden * ANALYTIC[name]
    assert 0.005 < found.error / found.value < 0.06
    assert found.p_value == pytest.approx(1 / 201)
    assert found.alike < 0.1 * found.value


@pytest.mark.parametrize("order", [0.5, 1.0, 3.0])
def test_the_order_of_renyi(order):
    p, q = np.array([0.2, 0.5, 0.3, 0.0]), np.array([0.4, 0.4, 0.2, 0.0])
    found = divergences.divergences(p, q, order)
    p, q = p[:3], q[:3]
    expected = (p * np.log(p / q)).sum() if order == 1 else np.log((p**order * q ** (1 - order)).sum()) / (order - 1)
    assert found["renyi"] == pytest.approx(expected)
    # That of order one half is twice Bhattacharyya's.
    assert order != 0.5 or found["renyi"] == pytest.approx(2 * found["bhattacharyya"])


def test_an_empty_bin_makes_what_divides_by_it_infinite_and_nothing_else():
    found = divergences.divergences(np.array([0.5, 0.5]), np.array([1.0, 0.0]), 2.0)
    assert {name for name, value in found.items() if np.isinf(value)} == {"kl", "renyi"}


def test_wasserstein_is_scipy_s():
    rng = np.random.default_rng(1)
    places, p, q = np.sort(rng.normal(size=50)), *rng.dirichlet(np.ones(50), 2)
    expected = stats.wasserstein_distance(places, places, p, q)
    assert divergences.wasserstein(p, q, places) == pytest.approx(expected)


def test_samples_of_one_distribution_have_the_values_of_alike_ones():
    """In toys the values are the predicted ones, with the predicted spread, and p-values are any."""
    settings = Settings(replicas=2)
    toys = [one(normal(3000, 10 + i), normal(1500, 110 + i), settings).divergences for i in range(80)]
    for name in ANALYTIC:
        values = np.array([toy[name].value for toy in toys])
        mean = np.mean([toy[name].alike for toy in toys])
        spread = np.mean([toy[name].alike_spread for toy in toys])
        assert values.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(80))
        assert values.std() == pytest.approx(spread, rel=0.35)
        assert np.mean([toy[name].p_value for toy in toys]) == pytest.approx(0.5, abs=0.12)
    # The bias of KL: (bins - 1) / 2 (1 / n + 1 / m).
    assert np.mean([toy["kl"].alike for toy in toys]) == pytest.approx(19 / 2 * (1 / 3000 + 1 / 1500), rel=0.05)


def test_alike_samples_are_drawn_from_both_together():
    """Of 100 and 10,000 events, whose shares are the other way round, almost all is known from the second."""
    bins = Bins(np.arange(3.0), np.arange(2), np.arange(2.0), 1.0)
    sums = (
        Sums(np.array([[0.9, 0.1]]), np.array([[0.009, 0.001]])),
        Sums(np.array([[0.1, 0.9]]), np.array([[1e-5, 9e-5]])),
    )
    for drawn, events in zip(divergences.alike(bins, sums, 2000, np.random.default_rng(1)), (100, 10_000), strict=True):
        assert drawn.mean(axis=0)[0] == pytest.approx([0.1 + 0.8 / 101, 0.9 - 0.8 / 101], rel=0.03)
        assert drawn.var(axis=0)[0] * events == pytest.approx([0.108, 0.892], rel=0.15)


def test_errors_are_the_spread_of_toys():
    toys = [one(normal(3000, 10 + i, SHIFT), normal(1500, 110 + i)).divergences for i in range(40)]
    for name in ("kl", "jensen_shannon", "total_variation", "wasserstein"):
        spread = np.std([toy[name].value for toy in toys])
        assert np.mean([toy[name].error for toy in toys]) == pytest.approx(spread, rel=0.35)


def sliced(n: int, seed: int, shift: float = 0.0) -> Sample:
    """An exponential from slices of equal numbers of events, whose weights fall by four orders of magnitude."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 10, n)
    return Sample.of(x[:, None], np.exp(-x * (1 + shift)))


def test_weights_that_depend_on_the_variable_make_no_difference():
    """chi2 is that of its degrees of freedom, and divergences are those of alike samples."""
    found = [one(sliced(3000, 10 + i), sliced(2000, 110 + i), Settings(replicas=2)) for i in range(60)]
    chi2 = np.mean([toy.test.chi2 / toy.test.ndof for toy in found])
    assert chi2 == pytest.approx(1, abs=4 * np.sqrt(2 / 19 / 60))
    assert np.mean([toy.test.p_value for toy in found]) == pytest.approx(0.5, abs=0.15)
    # Few events of large weights fluctuate as they should, and many of small ones.
    assert np.std([[toy.pulls[0], toy.pulls[-1]] for toy in found], axis=0) == pytest.approx(1, abs=0.3)
    for name in ("jensen_shannon", "total_variation", "wasserstein"):
        values = np.array([toy.divergences[name].value for toy in found])
        mean = np.mean([toy.divergences[name].alike for toy in found])
        assert values.mean() == pytest.approx(mean, abs=4 * values.std() / np.sqrt(60) + 0.05 * mean)
    assert one(sliced(3000, 1, 0.5), sliced(3000, 2)).test.p_value < 1e-3


def signed(n: int, seed: int, shift: float = 0.0) -> Sample:
    """A Gaussian of which a quarter of the events has negative weights."""
    rng = np.random.default_rng(seed)
    wide, narrow = rng.normal(shift, 1.0, (n - n // 4, 1)), rng.normal(shift, 1.0, (n // 4, 1))
    return Sample.of(np.concatenate([wide, narrow]), np.r_[np.ones(n - n // 4), -np.ones(n // 4)])


def test_negative_weights_fluctuate_more():
    """A quarter of negative events leaves half of the sum, and a quarter of the effective events."""
    found = [one(signed(6000, 10 + i), normal(3000, 110 + i), Settings(replicas=2)) for i in range(60)]
    chi2 = np.mean([toy.test.chi2 / toy.test.ndof for toy in found])
    assert chi2 == pytest.approx(1, abs=5 * np.sqrt(2 / 19 / 60))
    for name in ("jensen_shannon", "total_variation", "wasserstein"):
        values = np.array([toy.divergences[name].value for toy in found])
        mean = np.mean([toy.divergences[name].alike for toy in found])
        assert values.mean() == pytest.approx(mean, abs=4 * values.std() / np.sqrt(60) + 0.05 * mean)


def test_a_classifier_is_judged_with_negative_weights():
    alike, shifted = (compare(signed(12_000, 1, shift), normal(6000, 2), ["x"]) for shift in (0.0, 0.5))
    assert abs(alike.classifier.auc - 0.5) < 4 * alike.classifier.auc_error
    # A quarter of the effective events.
    assert alike.effective[0] == pytest.approx(3000)
    assert shifted.classifier.auc == pytest.approx(norm.cdf(SHIFT / np.sqrt(2)), abs=4 * shifted.classifier.auc_error)
    assert shifted.classifier.calibration.test.p_value > 1e-3


def test_chi2_of_events_without_weights_is_that_of_a_contingency_table():
    rng = np.random.default_rng(1)
    counts = rng.poisson([[80, 50, 20, 7], [200, 130, 60, 30]]).astype(float)
    sums = [Sums(row[None] / row.sum(), row[None] / row.sum() ** 2) for row in counts]
    found, expected = agreement.chi2(*sums), stats.chi2_contingency(counts, correction=False)
    assert (found.chi2, found.ndof, found.p_value) == pytest.approx((expected.statistic, 3, expected.pvalue))


def test_chi2_takes_bins_of_few_events_together():
    counts = np.array([[80.0, 50, 20, 2, 3, 0], [200, 130, 60, 4, 0, 0]])
    sums = [Sums(row[None] / row.sum(), row[None] / row.sum() ** 2) for row in counts]
    merged = np.c_[counts[:, :3], counts[:, 3:].sum(axis=1)]
    assert agreement.chi2(*sums).chi2 == pytest.approx(stats.chi2_contingency(merged, correction=False).statistic)


@pytest.mark.parametrize("rounded", [8, 0])
def test_ks_is_scipy_s_with_and_without_ties(rounded):
    x, y = normal(700, 1, 0.2).features[:, 0].round(rounded), normal(500, 2).features[:, 0].round(rounded)
    distance, p_value = agreement.ks((x, y), (np.ones(700), np.ones(500)), (np.zeros(700), np.zeros(500)), 1)
    expected = stats.ks_2samp(x, y, method="asymp")
    assert distance == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue, rel=0.2)


def test_ks_counts_weights():
    """Events that count twice are as two events."""
    x, y = normal(300, 1, 0.1).features[:, 0], normal(400, 2).features[:, 0]
    weights = np.where(x > 0, 2.0, 1.0)
    found, _ = agreement.ks((x, y), (weights, np.ones(400)), (np.zeros(300), np.zeros(400)), 1)
    assert found == pytest.approx(stats.ks_2samp(np.repeat(x, weights.astype(int)), y).statistic)


def test_the_scale_of_weights_is_nothing():
    a, b = normal(2000, 1, 0.1), normal(1500, 2)
    scaled = Sample(a.features, a.weights * 1e-3, a.keys)
    first, second = (one(sample, b) for sample in (a, scaled))
    assert second.test.chi2 == pytest.approx(first.test.chi2)
    assert second.divergences["kl"].alike == pytest.approx(first.divergences["kl"].alike)
    assert second.divergences["kl"].error == pytest.approx(first.divergences["kl"].error)


def test_the_unit_of_a_variable_is_nothing():
    a, b = normal(2000, 1, 0.1), normal(1500, 2)
    scaled = [Sample(sample.features * 8, sample.weights, sample.keys) for sample in (a, b)]
    first, second = one(a, b).divergences, one(*scaled).divergences
    assert {name: found.value for name, found in second.items()} == pytest.approx(
        {name: found.value for name, found in first.items()}
    )


@pytest.mark.parametrize("none", [0.149, 0.199, 0.2495, 0.299])
def test_no_bin_beside_a_frequent_value_has_few_events(none):
    def pt(n, seed):
        rng = np.random.default_rng(seed)
        return Sample.of(np.where(np.arange(n)[:, None] < none * n, 0, 30 + rng.exponential(50, (n, 1))))

    found = one(pt(5000, 1), pt(5000, 2), Settings(replicas=2))
    assert min(found.numerator.values().min(), found.denominator.values().min()) * 5000 > 8
    assert found.uncovered == (0, 0)


def test_the_order_of_events_is_nothing():
    rng = np.random.default_rng(3)
    a, b = normal(1000, 1, 0.1), normal(800, 2)
    first, second = one(a, b), one(a[rng.permutation(1000)], b[rng.permutation(800)])
    for name, found in first.divergences.items():
        assert second.divergences[name].value == pytest.approx(found.value)
        assert second.divergences[name].error == pytest.approx(found.error)


@pytest.mark.parametrize("share", [0.002, 0.02, 0.3, 0.5])
def test_a_variable_of_two_values_has_two_bins(share):
    def flags(n, seed, share):
        return Sample.of((np.random.default_rng(seed).random((n, 1)) < share).astype(float))

    found = one(flags(20_000, 1, share), flags(20_000, 2, 2 * share))
    assert found.test.ndof == 1
    assert found.divergences["total_variation"].value == pytest.approx(share, abs=0.0015, rel=0.3)
    assert found.test.p_value < 1e-4


def test_a_value_that_many_events_share_has_a_bin_of_its_own():
    """The second jet's transverse momentum, where most events have none."""

    def pt(n, seed, none):
        rng = np.random.default_rng(seed)
        return Sample.of(np.where(rng.random((n, 1)) < none, 0, 30 + rng.exponential(50, (n, 1))))

    found = one(pt(5000, 1, 0.97), pt(5000, 2, 0.95))
    assert found.numerator.axes[0].edges[0] == 0
    assert found.numerator.axes[0].edges[1] > 30
    assert found.numerator.values()[0] == pytest.approx(0.97, abs=0.01)
    assert found.test.p_value < 1e-4


def test_bins_are_quantiles_of_both_samples_and_wide_ones_are_made_of_narrow_ones():
    a, b = normal(20_000, 1).features[:, 0], normal(10_000, 2, 1.0).features[:, 0]
    bins = Bins.of([(a, np.ones(20_000)), (b, np.ones(10_000))], 10, 10_000)
    shares = [np.histogram(x, bins.wide_edges)[0] / len(x) for x in (a, b)]
    np.testing.assert_allclose(np.mean(shares, axis=0), 0.1, atol=2e-4)
    assert len(bins.edges) - 1 == 500
    counts = np.bincount(bins.number(a), minlength=500)
    np.testing.assert_array_equal(bins.wide(counts), np.histogram(a, bins.wide_edges)[0])
    assert bins.deviation == pytest.approx(np.sqrt(1.25), rel=0.02)


def test_where_the_other_sample_has_no_events_is_said():
    rng = np.random.default_rng(1)
    a, b = Sample.of(rng.uniform(0, 1, (5000, 1))), Sample.of(rng.uniform(0.2, 1, (5000, 1)))
    report = compare(a, b, ["x"], inputs=[], called=CALLED)
    first, second = report.variables[0].uncovered
    assert first == pytest.approx(0.2, abs=0.02)
    assert second == 0
    assert report.warnings == [f"{100 * first:.2g} % of A are where B has no events (x)"]
    assert report.variables[0].divergences["kl"].value is None
    assert report.variables[0].divergences["kl_reversed"].value == pytest.approx(np.log(1.25), abs=0.05)


def test_a_correlation_is_found_by_the_classifier_and_in_pairs_alone():
    """The same two variables, correlated in one sample; a third one follows from them."""
    rng = np.random.default_rng(1)
    a = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], 6000)
    b = rng.normal(size=(6000, 2))
    extra = [np.c_[x, rng.normal(size=6000)] for x in (a, b)]
    report = compare(Sample.of(extra[0]), Sample.of(extra[1]), ["x", "y", "z"], called=CALLED)
    assert min(found.test.p_value for found in report.variables) > 1e-3
    assert report.classifier.auc > 0.55
    assert report.classifier.p_value < 1e-6
    assert report.pairs[0].names == ("x", "y")
    assert report.pairs[0].test.p_value < 1e-6 < min(pair.test.p_value for pair in report.pairs[1:])
    assert sentence(report, CALLED).startswith("No variable tells A and B apart alone, but all together do; the AUC")


@pytest.fixture(scope="module")
def shifted():
    return compare(normal(6000, 1, SHIFT, 3), normal(4000, 2, 0, 3), ["x", "y", "z"], called=CALLED)


def test_the_classifier_finds_what_it_can_and_is_calibrated(shifted):
    best = norm.cdf(SHIFT / np.sqrt(2))
    found = shifted.classifier
    assert best - 0.03 < found.auc < best + 3 * found.auc_error
    assert found.calibration.test.p_value > 1e-3
    assert found.output.divergences["kl"].value == pytest.approx(SHIFT**2 / 2, rel=0.25)


def test_the_sentence_and_the_table_name_the_variable(shifted):
    said = sentence(shifted, CALLED)
    assert said.startswith("'x' tells A and B apart most: Jensen-Shannon divergence 0.0")
    assert "; the AUC of a classifier is 0.6" in said
    first, *rows = table(shifted).splitlines()
    assert first.split()[0] == "variable"
    assert next(row.split()[0] for row in rows) == "x"
    assert rows[-1].startswith("classifier output")


def test_samples_that_are_alike_are_said_to_be():
    report = compare(normal(4000, 5, 0, 4), normal(4000, 6, 0, 4), list("wxyz"), called=CALLED)
    assert sentence(report, CALLED).startswith("Nothing tells A and B apart: the smallest p-value, of ")
    assert abs(report.classifier.auc - 0.5) < 4 * report.classifier.auc_error


def test_calibration_finds_a_classifier_that_exaggerates():
    rng = np.random.default_rng(1)
    x = {"a": rng.normal(0.5, 1, 20_000), "b": rng.normal(0, 1, 20_000)}
    ratio = {name: np.exp(0.5 * values - 0.125) for name, values in x.items()}
    weights = np.ones(20_000), np.full(20_000, 0.3)

    def calibrated(power):
        return classifier.calibration(tuple(r**power / (1 + r**power) for r in ratio.values()), weights)

    assert calibrated(1).test.p_value > 1e-3
    assert calibrated(1).observed == pytest.approx(calibrated(1).predicted, abs=0.05)
    assert calibrated(2).test.p_value < 1e-6


def test_calibration_has_the_chi2_of_its_degrees_of_freedom():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.normal(0.2, 1, 3000), rng.normal(0, 1, 2000)
        output = tuple(1 / (1 + np.exp(0.02 - 0.2 * values)) for values in x)
        found.append(classifier.calibration(output, (np.ones(3000), np.ones(2000))).test)
    assert np.mean([one.chi2 / one.ndof for one in found]) == pytest.approx(1, abs=4 * np.sqrt(2 / 9 / 60))


def test_folds_are_compared_with_folds():
    """Weights that follow their own fold's events are seen as such, and chi2 is summed."""
    a, b = normal(4000, 1), normal(3000, 2)
    folds = tuple(identifier.folds(sample.keys, 2, 7) for sample in (a, b))
    found = one(a, b, folds=folds)
    parts = [one(a[folds[0] == f], b[folds[1] == f]) for f in (0, 1)]
    assert found.test.ndof == sum(part.test.ndof for part in parts) == 38
    assert found.divergences["kl"].alike == pytest.approx(np.mean([p.divergences["kl"].alike for p in parts]), rel=0.1)
    assert found.numerator.sum().value == pytest.approx(1)
    # A fold that is shifted, the other way round in the other sample: all events together are alike.
    moved = Sample(a.features + 0.3 * (folds[0][:, None] - 0.5), a.weights, a.keys)
    turned = Sample(b.features - 0.3 * (folds[1][:, None] - 0.5), b.weights, b.keys)
    assert one(moved, turned).test.p_value > 1e-3
    assert one(moved, turned, folds=folds).test.p_value < 1e-6


def test_few_events_train_no_classifier():
    report = compare(normal(30, 1, 1.0), normal(30, 2), ["x"])
    assert report.classifier is None
    assert report.warnings[-1] == "there are too few events to train a classifier"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda a: a[np.zeros(0, int)], EmptySelectionError, "A has no events"),
        (lambda a: Sample(a.features, 0 * a.weights, a.keys), ResonautError, "the weights of A sum to 0, and shares"),
        (lambda a: Sample(a.features, -a.weights, a.keys), ResonautError, "the weights of A sum to -500, and shares"),
        (lambda a: Sample(a.features, a.weights / 0, a.keys), NotFiniteError, "the weights of A: 500 of 500 are NaN"),
        (lambda a: Sample(a.features / 0, a.weights, a.keys), NotFiniteError, "'x' of A: 500 of 500 are NaN"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_what_cannot_be_compared_ends_in_a_sentence(change, error, words):
    with pytest.raises(error, match=words):
        compare(change(normal(500, 1)), normal(500, 2), ["x"], called=CALLED)


def test_a_fold_without_events_ends_in_a_sentence():
    a, b = normal(500, 1), normal(500, 2)
    folds = np.zeros(500, int), np.arange(500) % 3
    with pytest.raises(ResonautError, match="the weights of fold 2 of A sum to 0, and shares need more than 0"):
        one(a, b, folds=folds, called=CALLED)


def test_a_constant_variable_ends_in_a_sentence():
    constant = Sample.of(np.full((500, 1), 3.0))
    with pytest.raises(ResonautError, match="'x' is 3 in all events of both samples; leave it out"):
        compare(constant, constant, ["x"])
    # One that is constant in each sample alone is what tells them apart.
    found = one(constant, Sample.of(np.full((500, 1), 4.0)))
    assert found.uncovered == (1.0, 1.0)
    assert found.test.p_value < 1e-100


def test_bins_without_any_event_count_as_none():
    """Of the 4 x 2 places of two discrete variables, of which one follows from the other, 4 hold events."""

    def made(seed):
        x = np.random.default_rng(seed).integers(0, 4, 4000)
        keys = identifier.mix(np.arange(4000, dtype=np.uint64) + np.uint64(seed << 32))
        return Sample.of(np.column_stack([x, x % 2]).astype(float), keys=keys)

    (pair,) = compare(made(1), made(2), ["x", "y"], Settings(replicas=2, alike=2), inputs=[]).pairs
    assert pair.test.ndof == 3


def test_halves_of_folds_with_the_same_seed_are_not_empty():
    samples = normal(1500, 50, 0.5), normal(1500, 51)
    folds = tuple(identifier.folds(one.keys, 2, DEFAULT.classifier.seed) for one in samples)
    found = compare(*samples, ["x"], replace(DEFAULT, replicas=2, alike=2), folds=folds)
    assert found.warnings == []
    assert found.classifier is not None


def test_rows_of_one_event_are_said_not_to_be_independent():
    jets = replace(normal(1000, 52), keys=np.repeat(np.arange(500, dtype=np.uint64), 2))
    found = compare(jets, normal(1000, 53), ["x"], inputs=[], called=CALLED)
    assert [warning.split(";")[0] for warning in found.warnings] == [
        "500 of 1000 rows of A have the identifier of another one"
    ]
