"""H -> tau tau: what classifiers measure: ``python benchmarks/classify_tautau.py``, one JSON line.

Reads the events of config/htautau.yaml (``snakemake classify --configfile config/htautau.yaml``) with all their shifts
and weights. In each of two halves of them networks are trained, their bins are chosen, and the other half is binned:

visible_mass: no network. binary, multiclass: cross entropy of two or four classes. uncertainty: that of r after all
nuisances are profiled (arXiv:2502.13047), after a start as configured. fixed: the same without nuisances at all.

All but the last two have the best of 100 fine bins, merged step by step where that costs the least profiled uncertainty
of r: cross entropy gets the binning that the measurement itself would choose. The events that choose are the half that
trains, or (``_held_out``) its part that only validated: the score of events that trained is too good, those that
validated are few. Which is better is not known before; cross entropy has both. ``binary_equal``: equal bins of the
score. Uncertainties of r are those of the Asimov fit (``fit``), and those of the Fisher information with nuisances
(``profiled``) and without (``fixed``), by hard histograms of events that neither trained nor chose; a bin with hardly
any background has the error of one event (docs/fit_templates.md). Toys without a signal say whether r is 0.
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
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from resonaut.classify import varied
from resonaut.classify.settings import Training
from resonaut.core import config, identifier
from resonaut.fit.histfactory import Model, fit, fit_many, toys
from resonaut.learn.inference import Settings
from resonaut.learn.inference.binning import Bin, best_bins
from resonaut.learn.inference.events import Events, one_hot
from resonaut.learn.inference.expected import expected
from resonaut.learn.inference.histograms import equal_bins
from resonaut.learn.inference.likelihood import Templates
from resonaut.learn.inference.measurement import Measurement
from resonaut.learn.inference.network import Classifier
from resonaut.learn.inference.start import cross_entropy
from resonaut.learn.inference.workspace import workspace

# The class of each sample.
CLASSES = {
    "binary": {"ggh": 1, "vbf": 1},
    "multiclass": {"ggh": 1, "vbf": 1, "tt_tau": 2, "tt_jets": 2, "w_jets": 3},
}
VALIDATION = 0.25


def equally(values: Callable[[Tensor], Tensor], bins: int) -> Bin:
    """Equal bins of the probability of the second of two classes."""
    return lambda features: equal_bins(values(features)[:, 1], bins)


def halves(of: varied.Events, seed: int) -> list[tuple[Events, Events, Events]]:
    """What trains, what validates, and what judges: twice, with the halves exchanged."""
    fold = identifier.folds(of.keys, 2, seed)
    validates = identifier.uniform(of.keys, seed) < VALIDATION
    found = []
    for number in range(2):
        own = fold != number
        train, held_out = (of[rows].events for rows in (own & ~validates, own & validates))
        found.append((train, held_out, of.events.rows(torch.from_numpy(fold == number))))
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
    classes = {name: [of_class.get(one, 0) for one in asked.samples] for name, of_class in CLASSES.items()}
    for train, held_out, test in halves(of, seed):
        bins: dict[str, Bin] = {}
        mass = itemgetter((slice(None), inputs.index("m_vis")))
        with torch.no_grad():
            bins["visible_mass"] = best_bins(asked, mass, [train, held_out], settings.bins)
        for name, numbers in classes.items():
            start = time.perf_counter()
            epochs = settings.warm_up + settings.epochs
            values = cross_entropy(train, held_out, numbers, settings, epochs, seed)
            with torch.no_grad():
                bins[name] = best_bins(asked, values, [train, held_out], settings.bins)
                bins[f"{name}_held_out"] = best_bins(asked, values, [held_out], settings.bins)
            if name == "binary":
                bins["binary_equal"] = equally(values, settings.bins)
            seconds[name] = time.perf_counter() - start
        for name, measured in (("uncertainty", asked), ("fixed", bare)):
            start = time.perf_counter()
            seen = [replace(one, variations={}) if measured is bare else one for one in (train, held_out)]
            network = Classifier.fit(measured, *seen, settings, seed, classes["multiclass"]).network
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
