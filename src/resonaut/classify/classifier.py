"""A trained classifier: models of k folds, so that every event is scored by one that has not seen it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from resonaut.classify.learners import Bins, Model, learner
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


def stopping(keys: Keys, settings: Learning) -> NDArray[np.bool_]:
    """Which events do not train, but say when a training stops; independent of their folds."""
    return np.asarray(identifier.uniform(keys, settings.seed ^ VALIDATION_SEED) < settings.validation)
