"""Trainings on the uncertainty of a measurement, in k folds; found by name, as those on cross entropy need it not."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from resonaut.classify import varied
from resonaut.classify.classifier import Classifier, stopping
from resonaut.classify.learners import Learned, uncertainty
from resonaut.classify.learners.uncertainty import Binned
from resonaut.classify.results import Expected as Result
from resonaut.classify.settings import Training
from resonaut.classify.varied import Events
from resonaut.core import identifier
from resonaut.learn.inference.expected import Expected, expected
from resonaut.learn.inference.likelihood import Templates

log = logging.getLogger(__name__)


def fit(
    manifests: Sequence[Path], weights: Mapping[str, Sequence[str]], settings: Training
) -> tuple[Classifier, list[Learned], list[Result]]:
    """Train a network for each fold without its events; also their losses, and what their bins are expected to measure.

    Raises:
        ConfigError: a dataset lacks a variation.
        EmptySelectionError: there are too few events.
        NotFiniteError: an input, a weight or a loss is not finite.
        FitError: a parameter has no effect and no constraint.
    """
    events = varied.training(manifests, weights, settings)
    classifier, measured = settings.classifier, settings.measured
    assert measured is not None
    fold = identifier.folds(events.keys, classifier.folds, classifier.seed)
    stops = stopping(events.keys, classifier)
    learned = []
    for number in range(classifier.folds):
        parts = events[(fold != number) & ~stops], events[(fold != number) & stops]
        learned.append(uncertainty.learn(*parts, classifier, identifier.derived_seed(classifier.seed, number)))
        log.info("fold %d of %d: best after %d epochs", number + 1, classifier.folds, learned[-1].best + 1)
    models = [cast(Binned, one.model) for one in learned]
    found = judged(models, events, fold, measured.statistics)
    results = [
        Result(parameter=name, profiled=found.uncertainty[name], fixed=fixed) for name, fixed in found.fixed.items()
    ]
    return Classifier(classifier, models), learned, results


def judged(models: Sequence[Binned], events: Events, fold: NDArray[np.int64], statistics: bool) -> Expected:
    """What the bins of all folds are expected to measure, each filled by the events of its own fold alone."""
    samples = len(events.measurement.samples)
    parts = [
        events.events.rows(torch.from_numpy(fold == number)).filled(model.network.network.hard, samples)
        for number, model in enumerate(models)
    ]
    whole = Templates(*(torch.cat(several, dim=-1) for several in zip(*parts, strict=True)))
    return expected(events.measurement, whole, list(events.events.variations), float(statistics))
