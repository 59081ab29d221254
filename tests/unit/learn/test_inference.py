"""Training on the expected uncertainty, on Gaussians whose optimum is known."""

import numpy as np
import pyhf
import pytest
import torch
from scipy.stats import norm

from resonaut.core.errors import ConfigError, EmptySelectionError, FitError, NotFiniteError
from resonaut.learn import store, training
from resonaut.learn.inference import Settings
from resonaut.learn.inference.binning import best_bins, best_edges, merged
from resonaut.learn.inference.events import BLOCK, Events, one_hot
from resonaut.learn.inference.expected import expected
from resonaut.learn.inference.histograms import gaussian_bins, softmax_bins
from resonaut.learn.inference.likelihood import Likelihood, Templates
from resonaut.learn.inference.measurement import Measurement, Nuisance, slope
from resonaut.learn.inference.network import Classifier
from resonaut.learn.inference.start import classes_of
from resonaut.learn.inference.workspace import workspace

SIGNAL, BACKGROUND, STEP = 100.0, 1000.0, 0.2


def measured(**nuisances):
    return Measurement(["signal", "background"], {"mu": ["signal"]}, nuisances)


def drawn(measurement, n, seed, **how):
    """Signal at (1.5, 1) of widths 0.5 and 1, background at (0, 0) of width 1."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(2 * n, 2))
    features[:n] = features[:n] * [0.5, 1] + [1.5, 1]
    weights, sample = np.repeat([SIGNAL / n, BACKGROUND / n], n), np.repeat([0, 1], n)
    return Events.of(measurement, features, weights, sample, **how)


def shift(features, sample, alpha):
    moved = features.clone()
    moved[:, 1] += alpha * STEP * (sample == 1)
    return moved


def optimum(profiled):
    """The uncertainty of the unbinned likelihood, with the mean of the background's second feature free or fixed."""
    x, y = np.meshgrid(np.linspace(-7, 8, 601), np.linspace(-7, 8, 601))
    signal = SIGNAL * norm.pdf(x, 1.5, 0.5) * norm.pdf(y, 1)
    background = BACKGROUND * norm.pdf(x) * norm.pdf(y)
    slopes = [signal, background * y * STEP][: 1 + profiled]
    area = (15 / 600) ** 2
    information = [[np.sum(one * other / (signal + background)) * area for one in slopes] for other in slopes]
    return np.sqrt(np.linalg.inv(information)[0, 0])


def uncertainty(measurement, events, bins, number, statistics=0):
    templates = events.filled(one_hot(bins, number), len(measurement.samples))
    return expected(measurement, templates, list(events.variations), statistics).uncertainty["mu"]


def score(features):
    """The likelihood ratio, which cross entropy tends to, as a number from 0 to 1."""
    x, y = features.T
    return (np.log(2 * SIGNAL / BACKGROUND) - 2 * (x - 1.5).square() + x.square() / 2 + y - 0.5).sigmoid()


def best_of_ratio(measurement, chosen_on, judged_on, bins):
    """The uncertainty with the best bins of the likelihood ratio."""
    edges = torch.quantile(score(chosen_on.features), torch.arange(1, 50) / 50)
    likelihood = Likelihood(measurement, list(chosen_on.variations), 0)
    templates = chosen_on.filled(one_hot(50, lambda x: torch.bucketize(score(x), edges)), 2)
    starts = merged(likelihood, templates, bins)
    kept = edges[torch.tensor(starts[1:]) - 1]
    return uncertainty(measurement, judged_on, bins, lambda x: torch.bucketize(score(x), kept))


FAST = {"hidden": [32], "batch_size": 1000, "learning_rate": 0.005, "epochs": 8, "statistics": False}


SLOWER = {"histogram": "gaussian", "batch_size": 4000, "learning_rate": 0.01, "epochs": 15}


@pytest.mark.parametrize("how", [{}, SLOWER], ids=["softmax", "gaussian"])
def test_a_nuisance_that_moves_one_input_costs_what_it_must_and_not_what_cross_entropy_pays(how):
    measurement = measured(mean=Nuisance(width=None))
    train, held_out, test = (drawn(measurement, 20_000, seed, shifted={"mean": shift}) for seed in (1, 2, 3))
    classifier = Classifier.fit(measurement, train, held_out, Settings(**FAST | how), seed=1)
    found = uncertainty(measurement, test, 10, classifier.network.bin)
    ratio = best_of_ratio(measurement, held_out, test, 10)
    best = optimum(profiled=True)
    print(found, ratio, best, optimum(profiled=False))
    assert 0.98 * best < found < 1.1 * best
    assert ratio > 1.5 * best


def test_without_nuisances_it_is_as_good_as_the_likelihood_ratio():
    measurement = measured()
    train, held_out, test = (drawn(measurement, 20_000, seed) for seed in (1, 2, 3))
    classifier = Classifier.fit(measurement, train, held_out, Settings(**FAST), seed=1)
    found = uncertainty(measurement, test, 10, classifier.network.bin)
    ratio = best_of_ratio(measurement, held_out, test, 10)
    print(found, ratio, optimum(profiled=False))
    assert found == pytest.approx(ratio, rel=0.03)
    assert 0.98 * optimum(profiled=False) < found < 1.05 * optimum(profiled=False)


def rich(n=600, seed=4):
    """Weighted events of three samples with every kind of nuisance."""
    rng = np.random.default_rng(seed)
    measurement = Measurement(
        ["signal", "other", "background"],
        {"mu": ["signal"], "nu": ["other"]},
        {
            "yield": Nuisance(factors={"background": (0.8, 1.3), "signal": (0.95, 1.02)}),
            "free": Nuisance(width=None, factors={"background": (0.9, 1.1)}),
            "scale": Nuisance(),
            "theory": Nuisance(width=2.0, factors={"signal": (0.9, 1.05)}),
            "both": Nuisance(),
        },
    )
    sample = rng.integers(0, 3, n)
    features, weights = rng.normal(size=(n, 2)) + sample[:, None], rng.uniform(0.2, 2, n) * np.array([1, 2, 3])[sample]
    events = Events.of(
        measurement,
        features,
        weights,
        np.array(measurement.samples)[sample],
        shifted={"scale": shift, "both": (features * 0.9, features * 1.15)},
        reweighted={
            "theory": (weights * 0.9, weights * np.exp(0.1 * features[:, 0])),
            "both": (weights, weights * 1.1),
        },
    )
    return measurement, events


def placed(features):
    return torch.bucketize(features[:, 0].contiguous(), torch.tensor([0.0, 0.7, 1.5, 2.5]))


def hessian(function, at, step=3e-4):
    """By finite differences."""
    corners = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    steps = step * np.eye(len(at))
    return [
        [sum(i * j * function(at + i * one + j * other) for i, j in corners) / (2 * step) ** 2 for one in steps]
        for other in steps
    ]


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
@pytest.mark.parametrize("statistics", [False, True])
def test_uncertainties_are_those_of_the_hessian_of_pyhf(statistics):
    measurement, events = rich()
    templates, shapes = events.filled(one_hot(5, placed), 3), list(events.variations)
    found = expected(measurement, templates, shapes, statistics)
    made = pyhf.Workspace(workspace(measurement, templates, shapes, statistics))
    model = made.model()
    data, start = made.data(model), np.array(model.config.suggested_init())
    covariance = np.linalg.inv(hessian(lambda at: -model.logpdf(at, data)[0], start))
    for name, scale in {"mu": 1, "nu": 1, "yield": 1, "scale": 1, "theory": 2, "both": 1}.items():
        place = model.config.par_slice(name).start
        assert found.uncertainty[name] == pytest.approx(scale * np.sqrt(covariance[place, place]), rel=3e-5), name


@pytest.mark.parametrize("factors", [(0.9, 1.1), (0.7, 1.1), (1.05, 1.3), (0.98, 0.99)])
def test_the_slope_of_a_yield_is_that_of_pyhf(factors):
    code = pyhf.interpolators.code4([[[[factors[0]], [1.0], [factors[1]]]]])
    down, up = (np.asarray(code(np.array([[value]]))).item() for value in (-1e-4, 1e-4))
    assert slope(*factors) == pytest.approx((up - down) / 2e-4, rel=1e-6)


def test_the_gradient_of_the_loss_is_that_of_finite_differences():
    measurement, events = rich(60)
    likelihood = Likelihood(measurement, list(events.variations), 1)
    rows = torch.arange(0, 60, 2)

    def loss(weights):
        return likelihood.loss(events.fill(lambda x: softmax_bins(x.double() @ weights, 0.5), 3, rows))

    weights = torch.from_numpy(np.random.default_rng(1).normal(size=(2, 4))).requires_grad_()
    assert torch.autograd.gradcheck(loss, weights)


def test_a_hard_histogram_has_the_gradient_of_gaussians():
    rng = np.random.default_rng(1)
    score, slopes = torch.from_numpy(rng.uniform(size=50)).requires_grad_(), torch.from_numpy(rng.normal(size=(50, 4)))
    shares = gaussian_bins(score, 4)
    assert shares.argmax(dim=1).tolist() == (score * 4).long().tolist()
    assert shares.sum() == 50
    (shares * slopes).sum().backward()
    smooth = score.detach().clone().requires_grad_()
    bumps = torch.exp(-0.5 * ((smooth[:, None] - torch.tensor([0.125, 0.375, 0.625, 0.875])) / 0.125).square())
    (bumps * slopes).sum().backward()
    assert torch.allclose(score.grad, smooth.grad)
    assert gaussian_bins(torch.tensor([0.0, 1.0]), 4).argmax(dim=1).tolist() == [0, 3]


def test_a_weight_is_worth_as_many_events_and_blocks_add_up():
    measurement = measured(scale=Nuisance(), theory=Nuisance())
    rng = np.random.default_rng(1)
    n = BLOCK // 2 + 500
    features, sample = rng.normal(size=(n, 2)), rng.integers(0, 2, n)

    def templates(times, each):
        kept = {"features": np.repeat(features, times, axis=0), "sample": np.repeat(sample, times)}
        weights = np.full(n * times, each)
        events = Events.of(
            measurement,
            weights=weights,
            shifted={"scale": shift},
            reweighted={"theory": (weights, 1.5 * weights)},
            **kept,
        )
        return events.filled(one_hot(5, placed), 2), events.fill(one_hot(5, placed), 2)

    (once, _), (twice, whole) = templates(1, 2.0), templates(2, 1.0)
    for name in ("nominal", "down", "up"):
        assert torch.allclose(getattr(once, name), getattr(twice, name)), name
    assert torch.allclose(once.variance, 2 * twice.variance)
    assert all(torch.allclose(one, other) for one, other in zip(twice, whole, strict=True))
    assert torch.allclose(once.up[1], 1.5 * once.nominal)
    moved = one_hot(5, placed)(shift(torch.tensor(features), torch.tensor(sample), 1.0))
    assert torch.allclose(once.up[0, 1], 2 * moved[sample == 1].sum(dim=0))


def test_a_batch_stands_for_all_events_of_each_sample():
    measurement = measured(mean=Nuisance())
    events = drawn(measurement, 2000, 1, shifted={"mean": shift})
    rows = torch.cat([torch.arange(500), torch.arange(2000, 2100)])
    batch, whole = events.fill(one_hot(5, placed), 2, rows), events.fill(one_hot(5, placed), 2)
    for name in ("nominal", "variance", "up"):
        of_batch, of_all = (getattr(one, name).sum(dim=-1) for one in (batch, whole))
        assert torch.allclose(of_batch, of_all), name


def test_the_best_edges_are_those_of_the_best_merger():
    measurement = measured(mean=Nuisance(width=None))
    events = drawn(measurement, 5000, 1, shifted={"mean": shift})
    likelihood = Likelihood(measurement, ["mean"], 0)
    edges = best_edges(likelihood, events, score, 2, 5)
    assert len(edges) == 4
    assert torch.all(edges.diff() > 0)
    own, equal = (
        uncertainty(measurement, events, 5, lambda x, inner=inner: torch.bucketize(score(x).double(), inner))
        for inner in (edges, torch.quantile(score(events.features).double(), torch.arange(1, 5).double() / 5))
    )
    assert own < 0.95 * equal


def test_the_best_bins_of_events_in_two_parts_are_those_of_all():
    measurement = measured(mean=Nuisance())
    whole = drawn(measurement, 2000, 6, shifted={"mean": shift})
    own = torch.rand(len(whole), generator=torch.Generator().manual_seed(1)) < 0.75
    parts = [whole.rows(rows, len(own) / int(rows.sum())) for rows in (own, ~own)]
    one, two = (best_bins(measurement, score, events, 6)(whole.features) for events in ([whole], parts))
    assert torch.equal(one, two)
    assert one.unique().tolist() == list(range(6))


def test_backgrounds_are_classes_and_signals_of_one_parameter_are_one():
    asked = Measurement(["b", "s", "c", "t", "d"], {"mu": ["s", "t"], "kappa": ["d"]})
    assert classes_of(asked) == [2, 0, 3, 0, 1]


@pytest.mark.parametrize("histogram", ["softmax", "gaussian"])
def test_a_training_may_begin_at_the_best_bins_of_cross_entropy(histogram):
    measurement = measured()
    train, held_out, test = (drawn(measurement, n, seed) for n, seed in ((4000, 1), (4000, 2), (20_000, 3)))
    settings = {"bins": 6, "hidden": [32], "warm_up_rate": 0.005, "warm_up": 20, "batch_size": 500}
    # Its own training leaves it as it is.
    still = Settings(**settings, histogram=histogram, start="cross_entropy", epochs=1, learning_rate=1e-9)
    classifier = Classifier.fit(measurement, train, held_out, still, seed=1)
    found = uncertainty(measurement, test, 6, classifier.network.bin)
    assert found < 1.04 * best_of_ratio(measurement, held_out, test, 6)


def test_finite_simulation_makes_the_uncertainty_larger_and_a_share_of_it_more():
    measurement = measured()
    events = drawn(measurement, 500, 1)
    found = [uncertainty(measurement, events, 5, placed, statistics) for statistics in (0, 0.5, 1)]
    # A signal on a known background, of 100 and 1000 events in one bin: √(1100 + 100²/500 + 1000²/500) / 100.
    one = uncertainty(measurement, events, 1, lambda x: torch.zeros(len(x), dtype=torch.int64), 1)
    assert one == pytest.approx(np.sqrt(1100 + 20 + 2000) / 100)
    assert found[0] < found[1] < found[2]
    half = events.rows(torch.arange(0, 1000, 2), factor=2)
    assert half.share == 0.5
    assert uncertainty(measurement, half, 5, placed, half.share) == pytest.approx(found[2], rel=0.05)


def test_a_bin_that_no_background_happens_to_fill_is_known_to_one_event():
    measurement = Measurement(["signal", "light", "heavy"], {"mu": ["signal"]})
    nominal = torch.tensor([[1.0, 4, 4, 4], [90, 0, 1, 30], [10, 0, 0, 0]], dtype=torch.float64)
    # Weights of 0.01, 1 and 5.
    variance = nominal * torch.tensor([[0.01], [1], [5]], dtype=torch.float64)
    none = torch.zeros(0, 3, 4, dtype=torch.float64)
    templates = Templates(nominal, variance, none, none)
    found = Likelihood(measurement, [], 1).variances(templates)
    weight = (121 + 50) / 131
    assert found[[1, 2]].tolist() == pytest.approx([4 + 0.04 + weight**2, 5 + 0.04 + weight**2])
    assert found[[0, 3]].tolist() == pytest.approx([101 + 140 + 0.01, 34 + 30 + 0.04])
    # Half of the simulation that the fit has: its events weigh half as much there.
    assert Likelihood(measurement, [], 0.5).variances(templates)[1] == pytest.approx(4 + 0.02 + weight**2 / 4)
    assert Likelihood(measurement, [], 0).variances(templates)[1] == 4
    assert expected(measurement, templates, [], 0).uncertainty["mu"] < 0.4
    samples = workspace(measurement, templates, [])["channels"][0]["samples"]
    written = sum(np.square(one["modifiers"][-1]["data"]) for one in samples)
    assert written == pytest.approx((found - nominal.sum(dim=0)).numpy())


def test_merging_leaves_the_bins_that_matter():
    nominal = torch.tensor([[5.0, 5, 30, 30, 4, 4], [100, 100, 100, 100, 100, 100]], dtype=torch.float64)
    none = torch.zeros(0, 2, 6, dtype=torch.float64)
    likelihood = Likelihood(measured(), [], 0)
    assert merged(likelihood, Templates(nominal, nominal, none, none), 3) == [0, 2, 4]
    with pytest.raises(ConfigError, match="6 fine bins cannot become 7"):
        merged(likelihood, Templates(nominal, nominal, none, none), 7)


def test_what_cannot_be_measured_ends_in_a_sentence():
    with pytest.raises(ConfigError, match="there is no sample 'signals'"):
        Measurement(["signal"], {"mu": ["signals"]})
    with pytest.raises(ConfigError, match="mu is a parameter of interest and a nuisance"):
        measured(mu=Nuisance())
    with pytest.raises(ConfigError, match=r"yield: the factors \(0, 1\) of signal are not positive"):
        measured(**{"yield": Nuisance(factors={"signal": (0, 1)})})
    measurement = measured(idle=Nuisance(width=None))
    values = [[0.0], [1.0]], [1.0, 1.0], [0, 1]
    with pytest.raises(NotFiniteError, match="features: has NaN"):
        Events.of(measurement, [[0.0], [np.nan]], *values[1:])
    with pytest.raises(ConfigError, match=r"weights: has the shape \(3,\), not \(2,\)"):
        Events.of(measurement, values[0], [1.0] * 3, values[2])
    with pytest.raises(EmptySelectionError, match="the samples of mu, signal, have no positive yield"):
        Events.of(measurement, values[0], values[1], ["background"] * 2)
    with pytest.raises(ConfigError, match="energy varies events and is no nuisance"):
        Events.of(measurement, *values, reweighted={"energy": (values[1], values[1])})
    events = Events.of(measurement, *values)
    templates = events.filled(one_hot(2, lambda x: x[:, 0].long()), 2)
    with pytest.raises(FitError, match="idle changes no bin and has no constraint"):
        expected(measurement, templates, [])
    with pytest.raises(FitError, match="mu changes no bin"):
        expected(measured(), Templates(*(one[..., 1:] for one in templates)), [])
    with pytest.raises(EmptySelectionError, match="no bin of the histogram"):
        expected(measured(), Templates(*(0 * one for one in templates)), [])
    with pytest.raises(EmptySelectionError, match="2 events are too few to train"):
        Classifier.fit(measurement, events, events)


def test_a_nuisance_without_effect_changes_nothing():
    events = drawn(measured(idle=Nuisance()), 500, 1, shifted={"idle": lambda x, sample, alpha: x})
    found = [uncertainty(measured(**more), events, 5, placed, 1) for more in ({"idle": Nuisance()},)]
    assert found == pytest.approx([uncertainty(measured(), drawn(measured(), 500, 1), 5, placed, 1)], rel=1e-8)


def test_a_training_follows_from_its_seed_and_comes_back_from_its_file(tmp_path):
    measurement = measured(mean=Nuisance())
    train, held_out = (drawn(measurement, 500, seed, shifted={"mean": shift}) for seed in (1, 2))
    settings = Settings(hidden=[8], batch_size=200, epochs=2)
    one, same, other = (Classifier.fit(measurement, train, held_out, settings, seed) for seed in (1, 1, 2))
    features = drawn(measurement, 100, 3).features.numpy()
    assert np.array_equal(one.outputs(features), same.outputs(features))
    assert not np.array_equal(one.outputs(features), other.outputs(features))
    store.save(tmp_path / "model.npz", one.model)
    back = Classifier.of(store.load(tmp_path / "model.npz", one.model.kind, "train it again"))
    assert np.array_equal(back.bin(features), one.bin(features))
    assert np.array_equal(one.outputs(features).argmax(axis=1), one.bin(features))


def test_batches_hold_all_groups_and_small_ones_more_often():
    group = torch.tensor([0] * 900 + [1] * 96 + [2] * 4)
    batches = next(training.stratified(group, 3, 100, torch.Generator().manual_seed(1)))
    assert len(batches) == 10
    for rows in batches:
        assert torch.bincount(group[rows]).tolist() == [90, 10, 4]
    assert sorted(torch.cat([rows[group[rows] == 0] for rows in batches]).tolist()) == list(range(900))
    assert torch.equal(
        next(training.stratified(group, 3, 5000, torch.Generator()))[0].sort().values, torch.arange(1000)
    )
