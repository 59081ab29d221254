"""INFERNO's synthetic benchmark: ``python benchmarks/classify_inferno.py``, one JSON line.

50 signal events at (0, 0) and an exponential of rate 2; 1,000 background events at (r, 0) = (2, 0) and an exponential
of rate λ = 3 (de Castro, Dorigo, arXiv:1806.04743, section 5, with the signal's mean of the authors' code). The
expected uncertainty of the signal's yield, for each benchmark and the floor of the unbinned likelihood:

0: signal yield alone. 1: r free. 2: r and λ free. 3: r ± 0.4, λ ± 1. 4: and the background's yield ± 100.

Networks are trained on the benchmark's uncertainty, and one on cross entropy. Its score is binned in equal bins, in
quantiles of the signal, and in the best of 100 fine bins merged (chosen on other events). All are judged with hard
histograms of events that neither trained nor chose, and in a fit with pyhf. σ(s) in events.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyhf
import torch
from torch import Tensor, nn

from resonaut.learn import training
from resonaut.learn.autoencoder.plain import perceptron
from resonaut.learn.blocks import in_blocks
from resonaut.learn.inference import Settings
from resonaut.learn.inference.binning import best_edges
from resonaut.learn.inference.events import Events, one_hot
from resonaut.learn.inference.expected import expected
from resonaut.learn.inference.likelihood import Likelihood
from resonaut.learn.inference.measurement import Measurement, Nuisance
from resonaut.learn.inference.network import Classifier
from resonaut.learn.inference.workspace import workspace

SIGNAL, BACKGROUND, R, RATE = 50.0, 1000.0, 2.0, 3.0
# Variations of r and λ, those of the authors' templates.
STEP = {"r": 0.2, "rate": 0.5}
BINS = 10
PUBLISHED = {
    "uncertainty": [15.51, 16.79, 16.95, 16.89, 18.68],
    "cross_entropy": [14.99, 18.94, 23.94, 21.54, 26.71],
    "floor": [14.71, 15.52, 15.65, 15.62, 16.89],
}


def measurement(benchmark: int) -> Measurement:
    """The nuisances of a benchmark."""
    free, constrained = Nuisance(width=None), Nuisance(width=2.0)
    nuisances = [
        {},
        {"r": free},
        {"r": free, "rate": free},
        {"r": constrained, "rate": constrained},
        {"r": constrained, "rate": constrained, "yield": Nuisance(factors={"background": (0.9, 1.1)})},
    ]
    return Measurement(["signal", "background"], {"mu": ["signal"]}, nuisances[benchmark])


def moved(name: str, features: Tensor, sample: Tensor, alpha: float) -> Tensor:
    """Background events at another r or λ."""
    step = alpha * STEP[name]
    shift, scale = (step, 1.0) if name == "r" else (0.0, RATE / (RATE + step))
    there = torch.stack([features[:, 0] + shift, features[:, 1], features[:, 2] * scale], dim=1)
    return torch.where((sample == 1)[:, None], there, features)


def drawn(asked: Measurement, n: int, seed: int) -> Events:
    """``n`` events of each sample."""
    rng = np.random.default_rng(seed)
    signal = np.column_stack([rng.normal(size=(n, 2)), rng.exponential(1 / 2, n)])
    plane = rng.normal(size=(n, 2)) * np.sqrt([5, 9]) + [R, 0]
    background = np.column_stack([plane, rng.exponential(1 / RATE, n)])
    weights, sample = np.repeat([SIGNAL / n, BACKGROUND / n], n), np.repeat([0, 1], n)
    shifted = {name: partial(moved, name) for name in STEP if name in asked.nuisances}
    return Events.of(asked, np.concatenate([signal, background]), weights, sample, shifted)


def floor(benchmark: int, n: int, seed: int) -> float:
    """σ(s) of the unbinned likelihood: the information's integral over n background and n signal events."""
    asked = measurement(benchmark)
    x = drawn(asked, n, seed).features.double()
    plane, exponential = x[:, :2].square(), x[:, 2]
    signal = torch.exp(-plane.sum(dim=1) / 2) / (2 * np.pi) * 2 * torch.exp(-2 * exponential)
    centred = (x[:, 0] - R).square() / 5 + plane[:, 1] / 9
    background = torch.exp(-centred / 2) / (2 * np.pi * np.sqrt(45)) * RATE * torch.exp(-RATE * exponential)
    slopes = {
        "mu": SIGNAL * signal,
        "r": BACKGROUND * background * (x[:, 0] - R) / 5 * STEP["r"],
        "rate": BACKGROUND * background * (1 / RATE - exponential) * STEP["rate"],
        "yield": BACKGROUND * background * 0.1,
    }
    rows = torch.stack([slopes[name] for name in asked.parameters])
    measure = 1 / (n * (signal + background)) / (SIGNAL * signal + BACKGROUND * background)
    widths = [nuisance.width for nuisance in asked.nuisances.values()]
    constraint = torch.tensor([0.0, *(0 if width is None else width**-2 for width in widths)])
    covariance = torch.linalg.inv((rows * measure) @ rows.T + constraint.double().diag())
    return SIGNAL * float(covariance[0, 0].sqrt())


def cross_entropy(
    asked: Measurement, events: Events, held_out: Events, settings: Settings, seed: int
) -> Callable[[Tensor], Tensor]:
    """The score of a network of the same size, trained on cross entropy between signals and all else, alike in sum."""
    centre, spread = events.features.mean(dim=0), events.features.std(dim=0)
    signals = {name for names in asked.signals.values() for name in names}
    is_signal = torch.tensor([name in signals for name in asked.samples])
    sizes = [len(centre), *settings.hidden, 1]
    network = training.untrained(lambda: perceptron(sizes, nn.ReLU), seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    steps = settings.epochs * -(-len(events) // settings.batch_size)

    def loss(rows: Tensor | slice, of: Events = events) -> Tensor:
        labels = is_signal[of.sample]
        sums = torch.stack([of.weights[~labels].sum(), of.weights[labels].sum()])
        weights = (of.weights / sums[labels.long()])[rows] * len(of) / 2
        logits = network((of.features[rows] - centre) / spread).squeeze(1)
        losses = nn.functional.binary_cross_entropy_with_logits(logits, labels[rows].float(), reduction="none")
        return (losses * weights).mean()

    training.fit(
        network,
        loss,
        training.shuffled(len(events), settings.batch_size, torch.Generator().manual_seed(seed)),
        optimizer,
        settings.epochs,
        rate=training.warm_up_cosine(optimizer, settings.learning_rate, steps, rising=0),
        held_out=lambda: loss(slice(None), held_out),
        keep_best=True,
        what="a classifier on cross entropy",
        key="--learning-rate",
    )
    return lambda features: network((features - centre) / spread).sigmoid().squeeze(1)


def pyhf_uncertainty(model: dict[str, Any]) -> float:
    """σ(s) of pyhf's fit of the Asimov data with minuit."""
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-3))
    made = pyhf.Workspace(model)
    fitted = made.model()
    found = pyhf.infer.mle.fit(made.data(fitted), fitted, return_uncertainties=True)
    return SIGNAL * float(found[fitted.config.par_slice("mu")][0, 1])


def judged(asked: Measurement, events: Events, bin_of: Callable[[Tensor], Tensor], bins: int) -> dict[str, float]:
    """σ(s) by the information and by pyhf, with hard histograms."""
    shapes = list(events.variations)
    templates = events.filled(one_hot(bins, bin_of), 2)
    sigma = SIGNAL * expected(asked, templates, shapes, statistics=0).uncertainty["mu"]
    return {"sigma": sigma, "pyhf": pyhf_uncertainty(workspace(asked, templates, shapes, statistics=False))}


def placed(score: Callable[[Tensor], Tensor], edges: Tensor, features: Tensor) -> Tensor:
    """The bin between inner ``edges`` of the score."""
    return torch.bucketize(score(features), edges)


def binnings(asked: Measurement, chosen_on: Events, score: Callable[[Tensor], Tensor], bins: int) -> dict[str, Tensor]:
    """Inner edges in the score: equal, in quantiles of the signal, and the best of 100 quantiles of both merged."""
    signal = in_blocks(score, chosen_on.features[chosen_on.sample == 0])
    shares = torch.arange(1, bins) / bins
    likelihood = Likelihood(asked, list(chosen_on.variations), 0)
    return {
        "equal": shares,
        "signal_quantiles": torch.quantile(signal, shares),
        "best": best_edges(likelihood, chosen_on, score, 2, bins),
    }


def study(benchmark: int, seed: int, settings: Settings, n: int) -> dict[str, dict[str, float]]:
    """Both trainings of one benchmark."""
    asked = measurement(benchmark)
    train, held_out, test = (drawn(asked, n * times, 10 * seed + k) for k, times in enumerate((1, 1, 5)))
    start = time.perf_counter()
    own = Classifier.fit(asked, train, held_out, settings, seed)
    seconds = time.perf_counter() - start
    row = {"uncertainty": judged(asked, test, own.network.bin, settings.bins) | {"seconds": seconds}}
    score = cross_entropy(asked, train, held_out, settings, seed)
    with torch.no_grad():
        for binning, edges in binnings(asked, held_out, score, settings.bins).items():
            row[f"cross_entropy_{binning}"] = judged(asked, test, partial(placed, score, edges), settings.bins)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmarks", type=int, nargs="*", default=list(range(5)), choices=list(range(5)))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--events", type=int, default=100_000, help="of each sample in training; five times to judge")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--histogram", default="softmax", choices=["softmax", "gaussian"])
    given = parser.parse_args()
    settings = Settings(bins=BINS, histogram=given.histogram, epochs=given.epochs, statistics=False)
    out: dict[str, Any] = {"name": "classify_inferno", "events": given.events, "settings": vars(settings)}
    for benchmark in given.benchmarks:
        rows = [study(benchmark, seed, settings, given.events) for seed in range(1, given.seeds + 1)]
        out[f"B{benchmark}"] = {
            "floor": floor(benchmark, 1_000_000, 1),
            "published": {kind: values[benchmark] for kind, values in PUBLISHED.items()},
            **{kind: {what: [row[kind][what] for row in rows] for what in rows[0][kind]} for kind in rows[0]},
        }
    print(json.dumps(out))


if __name__ == "__main__":
    main()
