"""H -> tau tau: what classifiers measure: ``python benchmarks/classify_tautau.py``, one JSON line.

Reads the events of config/htautau.yaml (``snakemake classify --configfile config/htautau.yaml``) with all their shifts
and weights. In each of two halves of them networks are trained, their bins are chosen, and the other half is binned:

visible_mass: no network. binary, multiclass: cross entropy of two or four classes. uncertainty: that of r after all
nuisances are profiled (arXiv:2502.13047), warmed up without them. fixed: the same without nuisances at all.

All but the last two have the best of 100 fine bins, merged step by step where that costs the least profiled uncertainty
of r, on the half that trains: cross entropy gets the binning that the measurement itself would choose. Uncertainties of
r are those of the Asimov fit (``fit``), and those of the Fisher information with nuisances (``profiled``) and without
(``fixed``), by hard histograms of events that neither trained nor chose; a bin with hardly any background has the error
of one event (docs/fit_templates.md). Toys without a signal say whether r is 0.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from resonaut.classify import varied
from resonaut.classify.settings import Training
from resonaut.core import config, identifier
from resonaut.fit.histfactory import Model, fit, fit_many, toys
from resonaut.learn import training
from resonaut.learn.autoencoder.plain import perceptron
from resonaut.learn.blocks import in_blocks
from resonaut.learn.inference import Settings
from resonaut.learn.inference.binning import merged
from resonaut.learn.inference.events import Events, one_hot
from resonaut.learn.inference.expected import expected
from resonaut.learn.inference.likelihood import Likelihood, Templates
from resonaut.learn.inference.measurement import Measurement
from resonaut.learn.inference.network import Classifier
from resonaut.learn.inference.workspace import workspace

# The class of each sample.
CLASSES = {
    "binary": {"ggh": 1, "vbf": 1},
    "multiclass": {"ggh": 1, "vbf": 1, "tt_tau": 2, "tt_jets": 2, "w_jets": 3},
}
VALIDATION, FINE = 0.25, 100
# Simulated background events in a fine bin.
LEAST = 20
Bin = Callable[[Tensor], Tensor]


def scores(
    events: Events, held_out: Events, labels: Sequence[int], settings: Settings, seed: int
) -> Callable[[Tensor], Tensor]:
    """Probabilities (n, classes) of a network of the same size, trained on cross entropy; classes count the same.

    ``labels``: the class of each sample.
    """
    classes = torch.tensor(labels)
    number = int(classes.max()) + 1
    network = training.untrained(
        lambda: perceptron([events.features.shape[1], *settings.hidden, number], nn.ReLU), seed
    )
    centre, spread = events.features.mean(dim=0), events.features.std(dim=0).clamp(min=1e-6)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    epochs = settings.warm_up + settings.epochs
    steps = epochs * -(-len(events) // settings.batch_size)

    def balanced(of: Events) -> Tensor:
        own = classes[of.sample]
        sums = torch.zeros(number, dtype=torch.float64).index_add(0, own, of.weights)
        return (of.weights / sums[own] * len(of) / number).float()

    weights = {id(of): balanced(of) for of in (events, held_out)}

    def loss(rows: Tensor | slice, of: Events = events) -> Tensor:
        logits = network((of.features[rows] - centre) / spread)
        each = nn.functional.cross_entropy(logits, classes[of.sample[rows]], reduction="none")
        return (each * weights[id(of)][rows]).mean()

    training.fit(
        network,
        loss,
        training.shuffled(len(events), settings.batch_size, torch.Generator().manual_seed(seed)),
        optimizer,
        epochs,
        rate=training.warm_up_cosine(optimizer, settings.learning_rate, steps, rising=0),
        held_out=lambda: loss(slice(None), held_out),
        keep_best=True,
        what="a classifier on cross entropy",
        key="--learning-rate",
    )
    return lambda features: torch.softmax(network((features - centre) / spread), dim=1)


def finely(asked: Measurement, values: Callable[[Tensor], Tensor], chosen_on: Events) -> tuple[Bin, int]:
    """Fine bins of one number an event, or of the probability of the likeliest class, one class after the other.

    They are quantiles of the simulated background, so that none is without it.
    """
    known = in_blocks(values, chosen_on.features[~signals(asked, chosen_on.sample)])
    if known.ndim == 2 and known.shape[1] == 2:
        # Two classes are one score.
        return finely(asked, lambda features: values(features)[:, 1], chosen_on)
    number = 1 if known.ndim == 1 else known.shape[1]
    best, which = likeliest(known)
    edges = []
    for k in range(number):
        own = best[which == k]
        each = max(min(FINE // number, len(own) // LEAST), 1)
        edges.append(torch.quantile(own, torch.arange(1, each) / each).unique() if each > 1 else torch.empty(0))
    first = np.cumsum([0, *(len(one) + 1 for one in edges)])

    def bin_of(features: Tensor) -> Tensor:
        top, own = likeliest(values(features))
        place = torch.zeros(len(top), dtype=torch.long)
        for k, one in enumerate(edges):
            place[own == k] = int(first[k]) + torch.bucketize(top[own == k], one)
        return place

    return bin_of, int(first[-1])


def likeliest(values: Tensor) -> tuple[Tensor, Tensor]:
    """The probability of the likeliest class and its number, of (n, classes); of one number an event itself and 0."""
    return (values, torch.zeros(len(values), dtype=torch.long)) if values.ndim == 1 else tuple(values.max(dim=1))


def signals(asked: Measurement, sample: Tensor) -> Tensor:
    """Which events, or samples, are of a signal."""
    scaled = [asked.samples.index(name) for names in asked.signals.values() for name in names]
    return torch.isin(sample, torch.tensor(scaled))


def best_bins(asked: Measurement, values: Callable[[Tensor], Tensor], chosen_on: Events, bins: int) -> Bin:
    """Fine bins merged where it costs the least profiled uncertainty."""
    bin_of, number = finely(asked, values, chosen_on)
    templates = chosen_on.filled(one_hot(number, bin_of), len(asked.samples))
    likelihood = Likelihood(asked, list(chosen_on.variations), chosen_on.share)
    starts = torch.tensor(merged(likelihood, templates, min(bins, number)))
    return lambda features: torch.bucketize(bin_of(features), starts[1:], right=True)


def halves(of: varied.Events, seed: int) -> list[tuple[Events, Events, Events, Events]]:
    """What trains, what validates, both, and what judges: twice, with the halves exchanged."""
    fold = identifier.folds(of.keys, 2, seed)
    validates = identifier.uniform(of.keys, seed) < VALIDATION
    found = []
    for number in range(2):
        own = fold != number
        train, held_out, both = (of[rows].events for rows in (own & ~validates, own & validates, own))
        found.append((train, held_out, both, of.events.rows(torch.from_numpy(fold == number))))
    return found


def judged(asked: Measurement, shapes: list[str], templates: Templates, toy_count: int, seed: int) -> dict[str, float]:
    """Uncertainties of r, and of fits of toys without a signal the mean over its error."""
    found = expected(asked, templates, shapes, statistics=1)
    model = Model.of(workspace(asked, templates, shapes))
    made, place = fit(model), model.parameters.index("mu")
    background = model.start.copy()
    background[place] = 0
    row = {"fit": made.error("mu"), "profiled": found.uncertainty["mu"], "fixed": found.fixed["mu"]}
    if toy_count:
        none = fit_many(model, toys(model, background, toy_count, seed)).values[:, place]
        # The median, as a fit that runs to the end of a range has no part in it; 1.2533 is the root of pi / 2.
        row["no_signal"] = float(np.median(none) / (1.2533 * none.std() / np.sqrt(toy_count)))
    return row


def study(
    of: varied.Events, inputs: list[str], settings: Settings, toy_count: int, seed: int
) -> dict[str, dict[str, float]]:
    """All methods with one seed."""
    asked, shapes, samples = of.measurement, list(of.events.variations), len(of.measurement.samples)
    parts: dict[str, list[Templates]] = {}
    seconds: dict[str, float] = {}
    bare = replace(asked, nuisances={})
    for train, held_out, both, test in halves(of, seed):
        bins: dict[str, Bin] = {}
        with torch.no_grad():
            bins["visible_mass"] = best_bins(
                asked, itemgetter((slice(None), inputs.index("m_vis"))), both, settings.bins
            )
        for name, classes in CLASSES.items():
            start = time.perf_counter()
            values = scores(train, held_out, [classes.get(one, 0) for one in asked.samples], settings, seed)
            with torch.no_grad():
                bins[name] = best_bins(asked, values, both, settings.bins)
            seconds[name] = time.perf_counter() - start
        for name, measured in (("uncertainty", asked), ("fixed", bare)):
            start = time.perf_counter()
            seen = [replace(one, variations={}) if measured is bare else one for one in (train, held_out)]
            network = Classifier.fit(measured, *seen, settings, seed).network
            bins[name] = network.bin
            seconds[name] = time.perf_counter() - start
        for name, bin_of in bins.items():
            with torch.no_grad():
                filled = test.filled(one_hot(settings.bins, bin_of), samples)
                parts.setdefault(name, []).append(filled)
    whole = {
        name: Templates(*(torch.cat(two, dim=-1) for two in zip(*both, strict=True))) for name, both in parts.items()
    }
    return {
        name: judged(asked, shapes, templates, toy_count, seed) | {"seconds": seconds.get(name, 0.0)}
        for name, templates in whole.items()
    }


def gains(rows: list[dict[str, dict[str, float]]], key: str) -> dict[str, dict[str, Any]]:
    """How much smaller the uncertainty of r is with the loss on it than with each other method, seed by seed."""
    found = {}
    for name in rows[0]:
        values = np.array([1 - row["uncertainty"][key] / row[name][key] for row in rows])
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        found[name] = {"mean": float(values.mean()), "spread": spread, "seeds": values.tolist()}
    found.pop("uncertainty")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/htautau"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--classifier", default="uncertainty", help="in the configuration, with the loss uncertainty")
    parser.add_argument("--epochs", type=int, default=None)
    parser.add_argument("--luminosity", type=float, default=None, help="another one, in 1/fb")
    parser.add_argument("--toys", type=int, default=200, help="without a signal, for each method, with the first seed")
    given = parser.parse_args()
    job = config.read(given.results / "config" / "classify" / "train" / f"{given.classifier}.json", Training)
    if given.luminosity is not None:
        job = replace(job, luminosities=dict.fromkeys(job.luminosities, given.luminosity))
    settings = job.classifier.uncertainty
    if given.epochs is not None:
        settings = replace(settings, epochs=given.epochs)
    manifests = [given.results / "skim" / f"{name}.json" for name in job.luminosities]
    events = varied.training(manifests, {}, job)
    rows = [
        study(events, job.classifier.inputs, settings, given.toys if seed == 1 else 0, seed)
        for seed in range(1, given.seeds + 1)
    ]
    yields = {
        name: float(events.events.weights[events.events.sample == number].sum())
        for number, name in enumerate(events.measurement.samples)
    }
    out = {"name": "classify_tautau", "settings": vars(settings), "simulated": len(events.keys), "expected": yields}
    out |= {"nuisances": len(events.measurement.nuisances), "luminosities": job.luminosities}
    methods = {
        name: {key: [row[name][key] for row in rows if key in row[name]] for key in rows[0][name]} for name in rows[0]
    }
    print(json.dumps(out | {"methods": methods, "gain": {key: gains(rows, key) for key in ("fit", "profiled")}}))


if __name__ == "__main__":
    main()
