"""A trained classifier: models of k folds, so that every event is scored by one that has not seen it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from resonaut.classify.learners import Binning, Model, learner
from resonaut.classify.read import Numbers, Values
from resonaut.classify.settings import Learning
from resonaut.core import identifier
from resonaut.core.identifier import Keys
from resonaut.core.record import build, plain
from resonaut.learn import store

KIND = "event classifier"
# Deals the events of a training whose loss says when it stops; any constant that is no likely seed.
VALIDATION_SEED = 0x7A11DA7E


@dataclass(frozen=True)
class Bins:
    """Bins of a discriminant of the class number ``signal``.

    ``edges``: of each fold the inner ones, (folds, bins - 1); ``yields``: expected events of each class, (classes,).
    """

    signal: int
    yields: NDArray[np.float64]
    edges: NDArray[np.float32]

    def discriminant(self, scores: Values) -> Values:
        """The probability of the signal (n,), were there as much of it as of all else, in which yields count."""
        shares = np.where(np.arange(len(self.yields)) == self.signal, 0, np.maximum(self.yields, 0))
        signal, others = scores[:, self.signal].astype(np.float64), scores @ (shares / shares.sum())
        return np.asarray(signal / np.maximum(signal + others, np.finfo(float).tiny), np.float32)

    def place(self, scores: Values, fold: Numbers) -> NDArray[np.int32]:
        """The bin of each event (n,), from 0, by the edges of its fold; those of a fold of -1 are the mean of all."""
        value, found = self.discriminant(scores), np.zeros(len(scores), np.int32)
        for number, own in enumerate([*self.edges, self.edges.mean(axis=0)]):
            here = fold == (number if number < len(self.edges) else -1)
            found[here] = np.searchsorted(own, value[here], side="right")
        return found


@dataclass(frozen=True)
class Classifier:
    """The models of all folds; ``classes`` are in alphabetical order. ``binned``: bins for a fit; None without."""

    settings: Learning
    models: Sequence[Model]
    binned: Bins | None = None

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
        assert self.binned is not None
        return self.binned.place(scores, np.full(len(keys), -1) if mean else self.folds(keys))

    def own_bins(self, values: Values, keys: Keys) -> NDArray[np.int32]:
        """The bin of each event (n,), of networks that give bins; those of each fold are apart, fold after fold."""
        found, fold = np.empty(len(keys), np.int32), self.folds(keys)
        for number, model in enumerate(self.models):
            here = fold == number
            found[here] = number * self.settings.uncertainty.bins + cast(Binning, model).bins(values[here])
        return found

    def save(self, path: Path) -> None:
        """Write ``<results>/classify/<name>.npz``."""
        state = {
            f"{number}/{name}": array for number, one in enumerate(self.models) for name, array in one.state().items()
        }
        if self.binned is not None:
            state |= {"edges": self.binned.edges, "yields": self.binned.yields}
        store.save(path, store.Model(KIND, plain(self.settings, Learning), state))


def load(path: Path) -> Classifier:
    """The classifier that ``Classifier.save`` wrote.

    Raises:
        InputFileError: it is none, or damaged.
    """
    found = store.load(path, KIND, "make it again with 'resonaut classify train'")
    settings = build(found.settings, Learning, str(path))
    module, state = learner(settings.module), dict(found.state)
    binned = None
    if settings.binning is not None:
        signal = sorted(settings.classes).index(settings.binning.signal)
        binned = Bins(signal, state.pop("yields"), state.pop("edges"))
    own = [
        {name.partition("/")[2]: array for name, array in state.items() if name.startswith(f"{number}/")}
        for number in range(settings.folds)
    ]
    return Classifier(settings, [module.load(one) for one in own], binned)


def stopping(keys: Keys, settings: Learning) -> NDArray[np.bool_]:
    """Which events do not train, but say when a training stops; independent of their folds."""
    return np.asarray(identifier.uniform(keys, settings.seed ^ VALIDATION_SEED) < settings.validation)
