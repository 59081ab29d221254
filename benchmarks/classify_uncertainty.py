"""A classifier trained on the uncertainty against one on cross entropy, on an analysis' own events.

``python benchmarks/classify_uncertainty.py results/htautau sannt``, one JSON line: the results folder, and a
classifier of its configuration with ``loss: uncertainty``, whose events are skimmed. For each seed both networks learn
from the same events, and are judged on others, with all nuisances of the classifier's model: the expected uncertainty
of its parameters of interest, profiled and with nuisances fixed. The score of cross entropy is binned in as many equal
bins, in quantiles of the signal, and in the best of 100 quantiles merged, chosen on events that do neither.
``gain``: 1 - the uncertainty over that of cross entropy with its best bins of these.
"""
# ruff: noqa: E402 (the libraries read their number of threads when they are imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from classify_inferno import cross_entropy, placed
from torch import Tensor

from resonaut.classify import varied
from resonaut.classify.settings import Training
from resonaut.core import config, identifier
from resonaut.core.weights import by_dataset
from resonaut.learn.blocks import in_blocks
from resonaut.learn.inference.binning import best_edges
from resonaut.learn.inference.events import one_hot
from resonaut.learn.inference.expected import expected
from resonaut.learn.inference.likelihood import Likelihood
from resonaut.learn.inference.network import Classifier

# Events in three parts: of five folds three train, one chooses, and one judges.
FOLDS, CHOOSES, JUDGES = 5, 3, 4


def judged(events: varied.Events, bin_of: Callable[[Tensor], Tensor], bins: int) -> dict[str, float]:
    """Expected uncertainties with hard histograms."""
    asked, own = events.measurement, events.events
    templates = own.filled(one_hot(bins, bin_of), len(asked.samples))
    found = expected(asked, templates, list(own.variations), own.share)
    profiled = {name: found.uncertainty[name] for name in found.fixed}
    return {f"{name}_profiled": value for name, value in profiled.items()} | {
        f"{name}_fixed": value for name, value in found.fixed.items()
    }


def study(events: varied.Events, settings: Training, seed: int) -> dict[str, Any]:
    """Both losses for one seed of folds, first weights and batches."""
    fold = identifier.folds(events.keys, FOLDS, seed)
    train, chosen, test = events[fold < CHOOSES], events[fold == CHOOSES], events[fold == JUDGES]
    own, asked, samples = settings.classifier.uncertainty, events.measurement, len(events.measurement.samples)
    start = time.perf_counter()
    network = Classifier.fit(asked, train.events, chosen.events, own, seed).network
    row: dict[str, Any] = {"seed": seed, "seconds": time.perf_counter() - start}
    with torch.no_grad():
        row["uncertainty"] = judged(test, network.bin, own.bins)
    score = cross_entropy(asked, train.events, chosen.events, own, seed)
    signals = {name for names in asked.signals.values() for name in names}
    numbers = torch.tensor([place for place, name in enumerate(asked.samples) if name in signals])
    with torch.no_grad():
        values = in_blocks(score, chosen.events.features)
        is_signal = torch.isin(chosen.events.sample, numbers)
        shares = torch.arange(1, own.bins) / own.bins
        likelihood = Likelihood(asked, list(chosen.events.variations), chosen.events.share)
        binnings = {
            "equal": shares,
            "signal_quantiles": torch.quantile(values[is_signal], shares),
            "best": best_edges(likelihood, chosen.events, score, samples, own.bins),
        }
        for name, edges in binnings.items():
            row[f"cross_entropy_{name}"] = judged(test, partial(placed, score, edges), len(edges) + 1)
    key = f"{next(iter(asked.signals))}_profiled"
    best = min(row[f"cross_entropy_{name}"][key] for name in binnings)
    return row | {"gain": 1 - row["uncertainty"][key] / best}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("classifier")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, help="in the place of those of the configuration")
    parser.add_argument("--weights", nargs="*", default=[], help="dataset=folder, as of 'resonaut classify train'")
    given = parser.parse_args()
    settings = config.read(given.results / "config" / "classify" / "train" / f"{given.classifier}.json", Training)
    if given.epochs:
        own = replace(settings.classifier.uncertainty, epochs=given.epochs)
        settings = replace(settings, classifier=replace(settings.classifier, uncertainty=own))
    datasets = [name for names in settings.classifier.classes.values() for name in names]
    manifests = [given.results / "skim" / f"{name}.json" for name in datasets]
    events = varied.training(manifests, by_dataset(given.weights), settings)
    rows = [study(events, settings, seed) for seed in range(1, given.seeds + 1)]
    gains = np.array([row["gain"] for row in rows])
    print(
        json.dumps(
            {
                "name": "classify_uncertainty",
                "events": len(events.events),
                "nuisances": len(events.measurement.nuisances),
                "gain": {"mean": gains.mean(), "spread": gains.std(ddof=1) if len(gains) > 1 else None},
                "seeds": rows,
            }
        )
    )


if __name__ == "__main__":
    main()
