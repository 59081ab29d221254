"""Training a classifier: k folds, the bins of its score, and what it does for events that it has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from resonaut.classify import binning, crossfit, measure, read
from resonaut.classify.binning import squared_significance
from resonaut.classify.classifier import Bins, Classifier
from resonaut.classify.learners import Learned
from resonaut.classify.measure import Scored
from resonaut.classify.read import Events, Floats
from resonaut.classify.results import Binned, Expected, Losses, Summary, Yield
from resonaut.classify.settings import Training
from resonaut.core.errors import during
from resonaut.learn.ratio.positive import Signed


def train(
    name: str, manifests: Sequence[Path], weights: Mapping[str, Sequence[str]], settings: Training
) -> tuple[Classifier, Summary]:
    """Train a classifier, and say what it does; see ``read.training`` and ``crossfit.fit`` for the errors."""
    with during(f"classify.classifiers.{name}"):
        events = read.training(manifests, weights, settings)
    if settings.measured is None:
        return classifier(name, events, settings)
    trained, learned, found = _profiled().fit(manifests, weights, settings)
    signs = [Signed(negative=_negative(events.of(label).weights)) for label in range(len(trained.classes))]
    return trained, replace(_summary(name, trained, Scored.of(trained, events), learned, signs), uncertainties=found)


class _Profiled(Protocol):
    """What the module ``profiled`` has."""

    def fit(
        self, manifests: Sequence[Path], weights: Mapping[str, Sequence[str]], settings: Training
    ) -> tuple[Classifier, list[Learned], list[Expected]]:
        """Train a network for each fold without its events; also their losses, and what their bins measure."""


def _profiled() -> _Profiled:
    """The module, by name: a training on cross entropy does not depend on it."""
    return cast(_Profiled, import_module("resonaut.classify.profiled"))


def _negative(weights: Floats) -> float:
    """The share of the sum of |weight| with a negative weight."""
    return float(-weights[weights < 0].sum() / np.abs(weights).sum())


def classifier(name: str, events: Events, settings: Training) -> tuple[Classifier, Summary]:
    """The same for events in arrays."""
    with during(f"classify.classifiers.{name}"):
        trained, learned, signs = crossfit.fit(events, settings.classifier)
    scored = Scored.of(trained, events)
    if settings.classifier.binning is not None:
        own = trained.classes.index(settings.classifier.binning.signal)
        bins = Bins(own, np.bincount(events.labels, events.weights).astype(np.float64), np.empty((0, 0), np.float32))
        edges = binning.by_fold(
            bins.discriminant(scored.held_out),
            events.labels == own,
            events.weights,
            scored.fold,
            settings.classifier.folds,
            settings.classifier.binning,
            f"classify.classifiers.{name}.binning",
        )
        trained = replace(trained, binned=replace(bins, edges=edges))
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
        binned=None if trained.binned is None else _binned(trained, trained.binned, scored),
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


def _binned(trained: Classifier, bins: Bins, scored: Scored) -> Binned:
    """Expected events in the bins, each by the edges of its fold."""
    events, classes = scored.events, trained.classes
    place, number = bins.place(scored.held_out, scored.fold), bins.edges.shape[1] + 1
    sums = np.array(
        [
            [np.bincount(place[own], events.weights[own] ** power, number) for power in (1, 2)]
            for own in (events.labels == label for label in range(len(classes)))
        ]
    )
    s, (b, variance) = sums[bins.signal, 0], np.delete(sums, bins.signal, axis=0).sum(axis=0)
    # Edges leave background in each bin of the other folds, not in all of its own.
    filled = b > 0
    return Binned(
        signal=classes[bins.signal],
        edges=bins.edges.astype(float).tolist(),
        expected={which: one[0].tolist() for which, one in zip(classes, sums, strict=True)},
        errors={which: np.sqrt(one[1]).tolist() for which, one in zip(classes, sums, strict=True)},
        significance=float(np.sqrt(squared_significance(s[filled], b[filled], variance[filled]).sum())),
    )
