"""The training in k folds: each fold has a model that has not seen it."""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from resonaut.classify.classifier import Classifier, stopping
from resonaut.classify.learners import Labelled, Learned, learner
from resonaut.classify.read import Events, Floats, Numbers, Values, joined, scaled_to_equal_yields
from resonaut.classify.settings import Learning
from resonaut.core import identifier
from resonaut.core.errors import EmptySelectionError
from resonaut.core.identifier import derived_seed
from resonaut.learn.ratio import CrossFit, Sample, StepSettings
from resonaut.learn.ratio.crossfit import MIN_TRAINING_EVENTS
from resonaut.learn.ratio.positive import Even, Signed, by_sign, is_signed, positive
from resonaut.learn.ratio.sample import Part

log = logging.getLogger(__name__)


def fit(events: Events, settings: Learning) -> tuple[Classifier, list[Learned], list[Signed]]:
    """Train a model for each fold without its events; also their losses, and what became of signs in each class.

    Raises:
        EmptySelectionError: a fold leaves too few events of a class, or such whose weights do not sum to more than 0.
        NotFiniteError: a loss is not finite.
    """
    module, classes = learner(settings.module), sorted(settings.classes)
    fold = identifier.folds(events.keys, settings.folds, settings.seed)
    learned, signs = [], []
    for number in range(settings.folds):
        parts, signed = zip(
            *(
                _positive(events[(fold != number) & (events.labels == k)], settings, which)
                for k, which in enumerate(classes)
            ),
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


def _labelled(events: Events) -> Labelled:
    return Labelled(events.values, events.labels, scaled_to_equal_yields(events.labels, events.weights))


def _positive(events: Events, settings: Learning, which: str) -> tuple[Events, Signed]:
    """Events of a class with positive weights; signed ones have the mean sign of events like them as a factor."""
    if len(events.keys) and (total := events.weights.sum()) <= 0:
        raise EmptySelectionError(
            f"class {which!r}: {len(events.keys)} of its events, those of all folds but one, have weights that sum to "
            f"{total:g}; use larger samples, or correct the weights."
        )
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
