"""k folds of classifiers: every event is scored by a model that has not seen its fold."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from resonaut.classify.learners import Bins, Labelled, Learned, Model, learner
from resonaut.classify.read import Events, Floats, Numbers, Values, joined, scaled_to_equal_yields
from resonaut.classify.settings import Learning
from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError
from resonaut.core.identifier import Keys, derived_seed
from resonaut.core.record import build, plain
from resonaut.learn import store
from resonaut.learn.ratio import CrossFit, Sample, StepSettings
from resonaut.learn.ratio.crossfit import MIN_TRAINING_EVENTS
from resonaut.learn.ratio.positive import Even, Signed, by_sign, is_signed, positive
from resonaut.learn.ratio.sample import Part

log = logging.getLogger(__name__)

KIND = "event classifier"
# Deals the events of a training whose loss says when it stops; any constant that is no likely seed.
VALIDATION_SEED = 0x7A11DA7E


@dataclass(frozen=True)
class Classifier:
    """The models of all folds; ``classes`` are in alphabetical order.

    ``edges``: of each fold the inner edges of the bins of the score that is binned, (folds, bins - 1); None without.
    """

    settings: Learning
    models: Sequence[Model]
    edges: NDArray[np.float32] | None = None

    @property
    def classes(self) -> list[str]:
        """The names of the classes, in the order of the scores."""
        return sorted(self.settings.classes)

    def folds(self, keys: Keys) -> Numbers:
        """The fold of each event, and so the number of the model that scores it."""
        return identifier.folds(keys, len(self.models), self.settings.seed)

    def learned(self, keys: Keys, number: int) -> NDArray[np.bool_]:
        """Which events the model of a fold has learned from: not those that said when it stops."""
        return np.asarray((self.folds(keys) != number) & ~stopping(keys, self.settings))

    def scores(self, values: Values, keys: Keys) -> Values:
        """The probability of each class (n, classes), from the model that has not seen the fold of the event."""
        found, fold = np.empty((len(keys), len(self.classes)), np.float32), self.folds(keys)
        for number, model in enumerate(self.models):
            if (here := fold == number).any():
                found[here] = model.probabilities(values[here])
        return found

    def mean(self, values: Values) -> Values:
        """The mean of the probabilities of all models, for events that no model has seen (n, classes)."""
        found: Values = np.mean([model.probabilities(values) for model in self.models], axis=0).astype(np.float32)
        return found

    def bins(self, scores: Values, keys: Keys, *, mean: bool = False) -> NDArray[np.int32]:
        """The bin of each event (n,), by the edges of its fold; of mean scores, by the mean of the edges."""
        assert self.edges is not None
        assert self.settings.binning is not None
        score = scores[:, self.classes.index(self.settings.binning.signal)]
        edges = self.edges.mean(axis=0)[None] if mean else self.edges
        found, fold = np.empty(len(keys), np.int32), np.zeros(len(keys), int) if mean else self.folds(keys)
        for number, own in enumerate(edges):
            here = fold == number
            found[here] = np.searchsorted(own, score[here], side="right")
        return found

    def own_bins(self, values: Values, keys: Keys) -> NDArray[np.int32]:
        """The bin of each event (n,), of networks that give bins; those of each fold are apart, fold after fold."""
        found, fold = np.empty(len(keys), np.int32), self.folds(keys)
        for number, model in enumerate(self.models):
            here = fold == number
            found[here] = number * self.settings.uncertainty.bins + cast(Bins, model).bins(values[here])
        return found

    def save(self, path: Path) -> None:
        """Write ``<results>/classify/<name>.npz``."""
        state = {
            f"{number}/{name}": array for number, one in enumerate(self.models) for name, array in one.state().items()
        }
        if self.edges is not None:
            state["edges"] = self.edges
        store.save(path, store.Model(KIND, plain(self.settings, Learning), state))


def load(path: Path) -> Classifier:
    """The classifier that ``Classifier.save`` wrote.

    Raises:
        InputFileError: it is none, or damaged.
    """
    found = store.load(path, KIND, "make it again with 'resonaut classify train'")
    settings = build(found.settings, Learning, str(path))
    module, state = learner(settings.module), dict(found.state)
    edges = state.pop("edges", None)
    own = [
        {name.partition("/")[2]: array for name, array in state.items() if name.startswith(f"{number}/")}
        for number in range(settings.folds)
    ]
    return Classifier(settings, [module.load(one) for one in own], edges)


def fit(events: Events, settings: Learning) -> tuple[Classifier, list[Learned], list[Signed]]:
    """Train a model for each fold without its events; also their losses, and what became of signs in each class.

    Raises:
        EmptySelectionError: a fold leaves too few events of a class.
        NotFiniteError: a loss is not finite.
        ResonautError: the weights of a class do not sum to more than 0.
    """
    module, classes = learner(settings.module), sorted(settings.classes)
    fold = identifier.folds(events.keys, settings.folds, settings.seed)
    learned, signs = [], []
    for number in range(settings.folds):
        parts, signed = zip(
            *(_positive(events[(fold != number) & (events.labels == k)], settings) for k in range(len(classes))),
            strict=True,
        )
        seen = joined(parts)
        # In the order of the identifiers, whatever that of the files.
        seen = seen[np.lexsort([seen.labels, seen.keys])]
        stops = stopping(seen.keys, settings)
        early, late = seen[~stops], seen[stops]
        _require_enough((early, late), classes, number, settings)
        model_seed = derived_seed(settings.seed, number)
        learned.append(module.learn(_labelled(early), _labelled(late), settings, model_seed))
        signs.append(signed)
        log.info("fold %d of %d: stopped after %d steps", number + 1, settings.folds, len(learned[-1].training))
    mean = [Signed.mean(one) for one in zip(*signs, strict=True)]
    return Classifier(settings, [one.model for one in learned]), learned, mean


def stopping(keys: Keys, settings: Learning) -> NDArray[np.bool_]:
    """Which events do not train, but say when a training stops; independent of their folds."""
    return np.asarray(identifier.uniform(keys, settings.seed ^ VALIDATION_SEED) < settings.validation)


def _labelled(events: Events) -> Labelled:
    return Labelled(events.values, events.labels, scaled_to_equal_yields(events.labels, events.weights))


def _positive(events: Events, settings: Learning) -> tuple[Events, Signed]:
    """Events of a class with positive weights; signed ones have the mean sign of events like them as a factor."""
    part = Part.of(Sample(events.values, events.weights, events.keys))
    signed = Signed()
    if is_signed(part):
        pair = by_sign(part)
        enough = min(len(one.keys) for one in pair) >= MIN_TRAINING_EVENTS
        step = StepSettings(folds=settings.folds, seed=settings.seed)
        model = CrossFit.fit_pairs([(_sample(pair[0]), _sample(pair[1]))], step).models[0] if enough else Even()
        part, signed = positive(part, model.probability(part.values()))
    found = replace(events, weights=part.weights)
    return found[found.weights > 0], signed


def _sample(part: Part) -> Sample:
    return Sample(part.values(), part.weights, part.keys)


def _require_enough(sides: Sequence[Events], classes: Sequence[str], fold: int, settings: Learning) -> None:
    for side, least, what in zip(sides, (MIN_TRAINING_EVENTS, 1), ("to learn from", "to stop by"), strict=True):
        counts = np.bincount(side.labels, minlength=len(classes))
        if (few := int(counts.min())) < least:
            raise EmptySelectionError(
                f"class {classes[int(counts.argmin())]!r}: without fold {fold + 1} of {settings.folds} it has {few} "
                f"events {what}; use larger samples, or widen the cut."
            )


def cross_entropy(scores: Values | Floats, labels: Numbers, weights: Floats) -> float:
    """The mean cross entropy of events with weights (n,) of equal sums by class."""
    own = np.maximum(scores[np.arange(len(labels)), labels].astype(np.float64), 1e-12)
    balanced = scaled_to_equal_yields(labels, weights)
    return float(-(balanced @ np.log(own)) / balanced.sum())
