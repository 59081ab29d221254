"""What a classifier does for events that it has not seen, beside those that it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from resonaut.classify.classifier import Classifier
from resonaut.classify.crossfit import cross_entropy
from resonaut.classify.read import Events, Floats, Numbers, Values
from resonaut.classify.results import Area, Distribution, Importance, Overtraining
from resonaut.core.identifier import derived_seed
from resonaut.learn.ratio.crossfit import SHARED
from resonaut.learn.twosample.agreement import ks

# Points of a ROC curve, bins of a distribution, and events that are shuffled, at most.
POINTS, BINS, SHUFFLED = 101, 40, 100_000


@dataclass(frozen=True)
class Scored:
    """Events with the scores (n, classes) of the model that has not seen them, and of those that have.

    ``rows``: of each fold, the places of the events that its model learned from, and ``training`` their scores by it.
    """

    events: Events
    fold: Numbers
    held_out: Values
    rows: Sequence[Numbers]
    training: Sequence[Values]

    @classmethod
    def of(cls, classifier: Classifier, events: Events) -> "Scored":
        """Score all events with all models."""
        fold = classifier.folds(events.keys)
        rows = [np.flatnonzero(classifier.learned(events.keys, number)) for number in range(len(classifier.models))]
        training = [
            model.probabilities(events.values[own]).astype(np.float32)
            for model, own in zip(classifier.models, rows, strict=True)
        ]
        return cls(events, fold, classifier.scores(events.values, events.keys), rows, training)


def area(scores: tuple[Floats, Floats], weights: tuple[Floats, Floats]) -> tuple[float, float]:
    """The area under the ROC curve of two samples, (n,) and (m,), and its standard error.

    The area is the weighted share of pairs in which the first has the larger score, ties by half; the error that of
    E. DeLong, D. DeLong, D. Clarke-Pearson, Biometrics 44 (1988) 837, with weights: the share of
    the other sample below (above) an event is one observation. Weights may have signs.
    """
    shares = [own / own.sum() for own in weights]
    first, second = (_below(scores[i], scores[1 - i], shares[1 - i]) for i in (0, 1))
    found = float(shares[0] @ first)
    parts = [
        np.sum((share * (one - mean)) ** 2)
        for share, one, mean in zip(shares, (first, second), (found, 1 - found), strict=True)
    ]
    return found, float(np.sqrt(sum(parts)))


def _below(scores: Floats, other: Floats, shares: Floats) -> Floats:
    """For each score the share of the other sample that is below it, equal ones by half."""
    order = np.argsort(other, kind="stable")
    summed = np.concatenate([[0.0], np.cumsum(shares[order])])
    smaller, not_larger = (summed[np.searchsorted(other[order], scores, side=side)] for side in ("left", "right"))
    return np.asarray((smaller + not_larger) / 2)


def areas(scored: Scored, classes: Sequence[str]) -> list[Area]:
    """All pairs of classes, by the share of the first one's probability in that of both.

    An area is the mean of those of the folds: scores of different models are not compared. Models of one fold have
    learned the fluctuations of another one, so that areas of folds vary together as far as the models have learned
    noise (in ``learn.ratio`` by the share ``SHARED`` of the variance). How far is judged by how much larger the area of
    the training events is: where that is all of it, the error is that without a difference between the classes.
    """
    return [_pair(scored, pair, (classes[pair[0]], classes[pair[1]])) for pair in combinations(range(len(classes)), 2)]


def _pair(scored: Scored, pair: tuple[int, int], names: tuple[str, str]) -> Area:
    held_out, training = [], []
    events = scored.events
    for number, (trained, rows) in enumerate(zip(scored.training, scored.rows, strict=True)):
        here = scored.fold == number
        held_out.append(_area(scored.held_out[here], events[here], pair))
        training.append(_area(trained, events[rows], pair)[0])
    found, error = np.array(held_out).T
    auc, seen = float(found.mean()), float(np.mean(training))
    noise = float(np.clip((seen - auc) / max(seen - 0.5, 1e-9), 0, 1))
    other, efficiency = _roc(scored.held_out, events, pair)
    return Area(
        first=names[0],
        second=names[1],
        auc=auc,
        error=float(np.sqrt((1 + SHARED * noise) * np.sum(error**2)) / len(error)),
        training=seen,
        efficiency=efficiency.tolist(),
        other=other.tolist(),
    )


def _split(scores: Values, events: Events, pair: tuple[int, int]) -> tuple[list[Floats], list[Floats]]:
    """The discriminant of two classes, and the weights, of the events of each."""
    together = np.maximum(scores[:, pair[0]] + scores[:, pair[1]], np.finfo("f4").tiny).astype(np.float64)
    ratio = scores[:, pair[0]] / together
    rows = [events.labels == one for one in pair]
    return [ratio[one] for one in rows], [events.weights[one] for one in rows]


def _area(scores: Values, events: Events, pair: tuple[int, int]) -> tuple[float, float]:
    (first, second), (w, v) = _split(scores, events, pair)
    return area((first, second), (w, v))


def _roc(scores: Values, events: Events, pair: tuple[int, int]) -> tuple[Floats, Floats]:
    """Efficiencies of the second class and of the first, from none to all."""
    (first, second), (w, v) = _split(scores, events, pair)
    order = np.argsort(-np.concatenate([first, second]), kind="stable")
    own = np.cumsum(np.concatenate([w / w.sum(), 0 * v])[order])
    other = np.cumsum(np.concatenate([0 * w, v / v.sum()])[order])
    grid = np.linspace(0, 1, POINTS)
    return grid, np.interp(grid, np.maximum.accumulate(np.r_[0, other]), np.r_[0, own])


def overtraining(scored: Scored, classes: Sequence[str]) -> list[Overtraining]:
    """Of each class, whether its own score has one distribution for training and for held-out events."""
    events, found = scored.events, []
    trained, who, rows = np.concatenate(scored.training), np.concatenate(scored.rows), scored.rows
    by = np.repeat(np.arange(len(rows)), list(map(len, rows)))
    for label, name in enumerate(classes):
        seen, unseen = events.labels[who] == label, events.labels == label
        values = trained[seen, label], scored.held_out[unseen, label]
        weights = events.weights[who[seen]], events.weights[unseen]
        distance, p_value = ks(values, weights, (by[seen], scored.fold[unseen]), len(rows))
        found.append(Overtraining(name=name, score=name, distance=distance, p_value=p_value))
    return found


def distributions(scored: Scored, classes: Sequence[str]) -> tuple[Floats, list[Distribution]]:
    """The scores of every class for the events of every class, and their common edges."""
    edges, events, found = np.linspace(0, 1, BINS + 1), scored.events, []
    trained, who = np.concatenate(scored.training), np.concatenate(scored.rows)
    for score, called in enumerate(classes):
        for label, name in enumerate(classes):
            own, seen = events.labels == label, events.labels[who] == label
            weights = events.weights[own]
            held_out = [np.histogram(scored.held_out[own, score], edges, weights=w)[0] for w in (weights, weights**2)]
            others = events.weights[who[seen]]
            training = np.histogram(trained[seen, score], edges, weights=others)[0] * (weights.sum() / others.sum())
            found.append(
                Distribution(
                    score=called,
                    name=name,
                    held_out=held_out[0].tolist(),
                    errors=np.sqrt(held_out[1]).tolist(),
                    training=training.tolist(),
                )
            )
    return edges, found


def importance(classifier: Classifier, events: Events) -> list[Importance]:
    """For each input the growth of the held-out cross entropy when it is shuffled among the events of a fold.

    L. Breiman, Mach. Learn. 45 (2001) 5. The error is that of the mean of the folds.
    """
    order = np.argsort(events.keys, kind="stable")[:SHUFFLED]
    events = events[order]
    fold, found = classifier.folds(events.keys), []
    for place, name in enumerate(classifier.settings.inputs):
        increases = []
        for number, model in enumerate(classifier.models):
            own = events[fold == number]
            if len(np.unique(own.labels)) < len(classifier.classes):
                continue
            values = own.values.copy()
            rng = np.random.default_rng(derived_seed(classifier.settings.seed, number, place))
            values[:, place] = rng.permutation(values[:, place])
            before, after = (
                cross_entropy(model.probabilities(one), own.labels, own.weights) for one in (own.values, values)
            )
            increases.append(after - before)
        spread = np.std(increases, ddof=1) / np.sqrt(len(increases)) if len(increases) > 1 else 0.0
        found.append(Importance(name=name, increase=float(np.mean(increases)), error=float(spread)))
    return found


def effective(weights: NDArray[np.float64]) -> float:
    """As how many events of weight 1 these count, (sum w)^2 / sum w^2."""
    return float(weights.sum() ** 2 / np.square(weights).sum())
