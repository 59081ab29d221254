"""Training a classifier: k folds, the bins of its score, and what it does for events that it has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from resonaut.classify import binning, crossfit, measure, read
from resonaut.classify.binning import squared_significance
from resonaut.classify.crossfit import Classifier
from resonaut.classify.learners import Learned, measuring_learner
from resonaut.classify.measure import Scored
from resonaut.classify.read import Events, Floats
from resonaut.classify.results import Binned, Losses, Summary, Yield
from resonaut.classify.settings import Training
from resonaut.learn.ratio.positive import Signed


def train(
    name: str, manifests: Sequence[Path], weights: Mapping[str, Sequence[str]], settings: Training
) -> tuple[Classifier, Summary]:
    """Train a classifier, and say what it does; see ``read.training`` and ``crossfit.fit`` for the errors."""
    events = read.training(manifests, weights, settings)
    if settings.measured is None:
        return classifier(name, events, settings)
    trained, learned, found = measuring_learner().fit(manifests, weights, settings)
    signs = [Signed(negative=_negative(events.of(label).weights)) for label in range(len(trained.classes))]
    return trained, replace(_summary(name, trained, Scored.of(trained, events), learned, signs), uncertainties=found)


def _negative(weights: Floats) -> float:
    """The share of the sum of |weight| with a negative weight."""
    return float(-weights[weights < 0].sum() / np.abs(weights).sum())


def classifier(name: str, events: Events, settings: Training) -> tuple[Classifier, Summary]:
    """The same for events in arrays."""
    trained, learned, signs = crossfit.fit(events, settings.classifier)
    scored = Scored.of(trained, events)
    if settings.classifier.binning is not None:
        own = trained.classes.index(settings.classifier.binning.signal)
        edges = binning.by_fold(
            scored.held_out[:, own],
            events.labels == own,
            events.weights,
            scored.fold,
            settings.classifier.folds,
            settings.classifier.binning,
            f"classify.classifiers.{name}.binning",
        )
        trained = replace(trained, edges=edges)
    return trained, _summary(name, trained, scored, learned, signs)


def _summary(
    name: str, trained: Classifier, scored: Scored, learned: Sequence[Learned], signs: Sequence[Signed]
) -> Summary:
    events, settings = scored.events, trained.settings
    edges, distributions = measure.distributions(scored, trained.classes)
    return Summary(
        name=name,
        learner=settings.learner,
        inputs=settings.inputs,
        classes=[
            _yield(which, settings.classes[which], events.of(label), signs[label])
            for label, which in enumerate(trained.classes)
        ],
        loss=crossfit.cross_entropy(scored.held_out, events.labels, events.weights),
        areas=measure.areas(scored, trained.classes),
        losses=[Losses(training=one.training, validation=one.validation, best=one.best) for one in learned],
        overtraining=measure.overtraining(scored, trained.classes),
        importance=measure.importance(trained, events),
        edges=edges.tolist(),
        distributions=distributions,
        binned=None if trained.edges is None else _binned(trained, scored),
        uncertainties=[],
    )


def _yield(name: str, datasets: list[str], events: Events, signed: Signed) -> Yield:
    return Yield(
        name=name,
        datasets=datasets,
        events=len(events.keys),
        expected=float(events.weights.sum()),
        effective=measure.effective(events.weights),
        negative=signed.negative,
        clipped=signed.clipped,
    )


def _binned(trained: Classifier, scored: Scored) -> Binned:
    """Expected events in the bins, each by the edges of its fold, which have not seen it."""
    assert trained.settings.binning is not None
    assert trained.edges is not None
    events, classes, signal = scored.events, trained.classes, trained.settings.binning.signal
    place, number = trained.bins(scored.held_out, events.keys), trained.edges.shape[1] + 1
    sums = np.array(
        [
            [np.bincount(place[own], events.weights[own] ** power, number) for power in (1, 2)]
            for own in (events.labels == label for label in range(len(classes)))
        ]
    )
    is_signal = np.array(classes) == signal
    s, (b, variance) = sums[is_signal][0, 0], sums[~is_signal].sum(axis=0)
    return Binned(
        signal=signal,
        edges=trained.edges.astype(float).tolist(),
        expected={which: one[0].tolist() for which, one in zip(classes, sums, strict=True)},
        errors={which: np.sqrt(one[1]).tolist() for which, one in zip(classes, sums, strict=True)},
        significance=float(np.sqrt(squared_significance(s, b, variance).sum())),
    )
