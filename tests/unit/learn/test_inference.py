"""Training on the expected uncertainty, on Gaussians whose optimum is known."""

import numpy as np
import pyhf
import pytest
import torch
from scipy.integrate import trapezoid
from scipy.stats import norm

from resonaut.core.errors import ConfigError, EmptySelectionError, FitError, NotFiniteError
from resonaut.learn import store, training
from resonaut.learn.inference import Settings
from resonaut.learn.inference.binning import merged
from resonaut.learn.inference.events import BLOCK, Events, one_hot
from resonaut.learn.inference.expected import expected
from resonaut.learn.inference.histograms import gaussian_bins, softmax_bins
from resonaut.learn.inference.likelihood import Likelihood, Templates
from resonaut.learn.inference.measurement import Measurement, Nuisance, slope
from resonaut.learn.inference.network import Classifier
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


@pytest.mark.parametrize("histogram", ["softmax", "gaussian"])
def test_a_nuisance_that_moves_one_input_costs_what_it_must_and_not_what_cross_entropy_pays(histogram):
    measurement = measured(mean=Nuisance(width=None))
    train, held_out, test = (drawn(measurement, 20_000, seed, shifted={"mean": shift}) for seed in (1, 2, 3))
    settings = Settings(**FAST, bins=10, histogram=histogram)
    classifier = Classifier.fit(measurement, train, held_out, settings, seed=1)
    found = uncertainty(measurement, test, 10, classifier.network.bin)
    ratio = best_of_ratio(measurement, held_out, test, 10)
    best = optimum(profiled=True)
    print(histogram, found, ratio, best, optimum(profiled=False))
    assert 0.98 * best < found < 1.1 * best
    assert ratio > 1.5 * best


def test_without_nuisances_it_is_as_good_as_the_likelihood_ratio():
    measurement = measured()
    train, held_out, test = (drawn(measurement, 20_000, seed) for seed in (1, 2, 3))
    classifier = Classifier.fit(measurement, train, held_out, Settings(**FAST, bins=10), seed=1)
    found = uncertainty(measurement, test, 10, classifier.network.bin)
    ratio = best_of_ratio(measurement, held_out, test, 10)
    print(found, ratio, optimum(profiled=False))
    assert found == pytest.approx(ratio, rel=0.03)
    assert 0.98 * optimum(profiled=False) < found < 1.05 * optimum(profiled=False)
