"""Boosted trees: for each fold and validation part one model, which stops where that part says so.

They have no initial weights, so that the models of a fold differ by what they are trained on and by nothing else.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from resonaut.learn.ratio.sample import Balanced, Part, balanced, validation_part
from resonaut.learn.ratio.settings import Boosting, StepSettings

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

log = logging.getLogger(__name__)

# Values (n, features) of events, their labels and their weights.
Labelled = tuple[NDArray[np.float32], NDArray[Any], NDArray[np.float64]]
# Bins of a feature: as many as scikit-learn's histograms have.
BINS = 255


@dataclass(frozen=True)
class Model:
    """Trees that see in which of its quantiles each feature lies; ``edges[i]`` are those of feature i.

    scikit-learn would find the same bins itself, but with weights it takes ten times as long as for the trees.
    """

    edges: list[NDArray[np.float32]]
    trees: "HistGradientBoostingClassifier"

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The output f of each event, shape (n,)."""
        output: NDArray[np.float64] = self.trees.predict_proba(bins(features, self.edges))[:, 1]
        return output


@dataclass(frozen=True)
class Trees:
    """The models of one fold; their predictions are averaged."""

    models: list[Model]

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean output f, shape (n,)."""
        mean: NDArray[np.float64] = self.members(features).mean(axis=0)
        return mean

    def members(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The output of each of them, shape (models, n)."""
        return np.stack([model.probability(features) for model in self.models])


def bins(features: NDArray[np.float32], edges: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The number of the bin of each feature, shape (n, m)."""
    columns = [np.searchsorted(e, column, side="right") for e, column in zip(edges, features.T, strict=True)]
    return np.stack(columns, axis=1).astype(np.float32)


def train(pairs: Sequence[tuple[Part, Part]], settings: StepSettings) -> list[Trees]:
    """The models of each fold, between the two samples of its pair."""
    result = []
    progress = tqdm(total=len(pairs) * settings.trees.validation_parts, desc="train", unit="model", disable=None)
    for pair in pairs:
        part = [validation_part(sample.keys, settings.trees.validation_parts, settings.seed) for sample in pair]
        models = []
        for number in range(settings.trees.validation_parts):
            training, validation = (
                balanced(*(sample[rows] for sample, rows in zip(pair, masks, strict=True)))
                for masks in ([p != number for p in part], [p == number for p in part])
            )
            models.append(_train(training, validation, settings))
            progress.update()
        log.info("trained models with %s trees", [model.trees.n_iter_ for model in models])
        result.append(Trees(models))
    progress.close()
    return result


def _train(training: Balanced, validation: Balanced, settings: StepSettings) -> Model:
    seen, held_out = ((one.values(), one.labels, one.weights) for one in (training, validation))
    return Model(*fitted(settings.trees, settings.seed, seen, held_out))


def fitted(
    chosen: Boosting, seed: int, training: Labelled, validation: Labelled
) -> tuple[list[NDArray[np.float32]], "HistGradientBoostingClassifier"]:
    """The edges of each feature's quantiles, and trees that see in which of them it lies.

    Args:
        chosen: the keys of the trees.
        seed: of scikit-learn.
        training: values (n, features), labels and weights (n,).
        validation: the same of the events that say when the training stops.
    """
    # scikit-learn takes a second to load, and a configuration is read without it.
    from sklearn.ensemble import HistGradientBoostingClassifier

    trees = HistGradientBoostingClassifier(
        learning_rate=chosen.learning_rate,
        max_iter=chosen.max_iterations,
        max_leaf_nodes=chosen.max_leaf_nodes,
        min_samples_leaf=chosen.min_leaf_events,
        l2_regularization=chosen.l2,
        max_bins=BINS,
        early_stopping=True,
        n_iter_no_change=chosen.patience,
        random_state=seed,
    )
    shares = np.linspace(0, 1, BINS + 1)[1:-1]
    (values, labels, weights), (others, other_labels, other_weights) = training, validation
    edges = [np.unique(np.quantile(column, shares)).astype(np.float32) for column in values.T]
    trees.fit(
        bins(values, edges),
        labels,
        sample_weight=weights,
        X_val=bins(others, edges),
        y_val=other_labels,
        sample_weight_val=other_weights,
    )
    return edges, trees
