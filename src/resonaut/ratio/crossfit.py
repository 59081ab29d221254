"""The ratio step: a classifier trained between two samples is their likelihood ratio, f / (1 - f).

With balanced classes the minimum of the cross entropy is f = p_num / (p_num + p_den), so that
f / (1 - f) = p_num / p_den: the likelihood-ratio trick (Cranmer, Pavez, Louppe, arXiv:1506.02169).
Reweighting and weak supervision are this one step between other samples. Events are assigned to k folds
by a hash of their identifier, and every prediction comes from models trained without the event's fold.
The hash, not the row, decides everything random: order and chunking of the events change nothing.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from resonaut.errors import EmptySelectionError, ResonautError
from resonaut.identifier import Keys, folds

log = logging.getLogger(__name__)

# Below this a fold's training sample cannot be split into training and validation part.
MIN_TRAINING_EVENTS = 20


@dataclass(frozen=True)
class Settings:
    """The section ``classifier`` of a stage: k folds of ensembles of gradient-boosted trees."""

    folds: int
    members: int
    learning_rate: float
    max_iterations: int
    max_leaf_nodes: int
    min_leaf_events: int
    l2: float
    validation_fraction: float
    patience: int
    seed: int


@dataclass(frozen=True)
class Sample:
    """Weighted events: ``features`` (n, m), ``weights`` (n,) of any scale, ``keys`` (n,) from ``identifier``."""

    features: NDArray[np.float32]
    weights: NDArray[np.float64]
    keys: Keys

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Sample":
        """The events of a mask or an index array."""
        return Sample(self.features[rows], self.weights[rows], self.keys[rows])

    @classmethod
    def concatenate(cls, parts: Sequence["Sample"]) -> "Sample":
        """One sample of all events, in order."""
        return cls(
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.keys for part in parts]),
        )


@dataclass(frozen=True)
class CrossFit:
    """The trained models: one ensemble for each fold, which has not seen that fold's events."""

    ensembles: list[list[HistGradientBoostingClassifier]]
    seed: int

    @classmethod
    def fit(cls, numerator: Sample, denominator: Sample, settings: Settings) -> "CrossFit":
        """Train on both samples; each counts the same, whatever its sum of weights.

        Raises:
            EmptySelectionError: a fold leaves too few events of a sample to train on.
        """
        rows = _training_rows(numerator, denominator)
        ensembles = []
        progress = tqdm(total=settings.folds * settings.members, desc="train", unit="model", disable=None)
        for fold in range(settings.folds):
            first, second = (s[folds(s.keys, settings.folds, settings.seed) != fold] for s in rows)
            if min(len(first.keys), len(second.keys)) < MIN_TRAINING_EVENTS:
                raise EmptySelectionError(
                    f"training without fold {fold + 1} of {settings.folds} has only {len(first.keys)} against "
                    f"{len(second.keys)} events; widen the mass ranges, or use larger samples."
                )
            members = []
            for seed in _seeds(settings, fold):
                members.append(_train(first, second, settings, seed))
                progress.update()
            ensembles.append(members)
        progress.close()
        trees = [model.n_iter_ for members in ensembles for model in members]
        log.info("trained %d models with %d to %d trees", len(trees), min(trees), max(trees))
        return cls(ensembles, settings.seed)

    def folds(self, keys: Keys) -> NDArray[np.int64]:
        """The fold of each event, which is also the number of the ensemble that predicts it."""
        return folds(keys, len(self.ensembles), self.seed)

    def probability(self, features: NDArray[np.float32], keys: Keys) -> NDArray[np.float64]:
        """The output f for each event: the mean over the members that have not seen it, between 0 and 1."""
        result = np.empty(len(keys))
        fold = self.folds(keys)
        for number, members in enumerate(self.ensembles):
            rows = fold == number
            if rows.any():
                result[rows] = np.mean([m.predict_proba(features[rows])[:, 1] for m in members], axis=0)
        return result

    def ratio(self, features: NDArray[np.float32], keys: Keys) -> NDArray[np.float64]:
        """p_numerator / p_denominator = f / (1 - f) for each event."""
        f = np.clip(self.probability(features, keys), 1e-6, 1 - 1e-6)
        return f / (1 - f)


def auc(
    signal: NDArray[np.float64],
    background: NDArray[np.float64],
    signal_weights: NDArray[np.float64],
    background_weights: NDArray[np.float64],
) -> tuple[float, float]:
    """Area under the ROC curve of two samples of scores, and its standard error if both were alike.

    The error is that of the Mann-Whitney statistic under the null hypothesis with effective event
    numbers, sqrt((n1 + n2) / (12 n1 n2)).
    """
    labels = np.r_[np.ones(len(signal)), np.zeros(len(background))]
    # Each sample summing to its effective number leaves the area as it is.
    weights = np.r_[_normalised(signal_weights), _normalised(background_weights)]
    area = float(roc_auc_score(labels, np.r_[signal, background], sample_weight=weights))
    n1, n2 = weights[labels == 1].sum(), weights[labels == 0].sum()
    return area, float(np.sqrt((n1 + n2) / (12 * n1 * n2)))


def _normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights that sum to the sample's effective number of events, (sum w)^2 / sum w^2."""
    scale = float(weights.sum() / np.square(weights).sum())
    return weights * scale


def _training_rows(numerator: Sample, denominator: Sample) -> tuple[Sample, Sample]:
    for sample in (numerator, denominator):
        if np.any(sample.weights < 0):
            raise ResonautError(
                f"{np.count_nonzero(sample.weights < 0)} training events have negative weights, which boosted trees "
                "cannot use; train on a sample with positive weights."
            )
    first, second = (s[np.argsort(s.keys, kind="stable")] for s in (numerator, denominator))
    return first, second


def _seeds(settings: Settings, fold: int) -> Iterator[int]:
    """One seed for each member of the fold's ensemble."""
    yield from map(int, np.random.SeedSequence((settings.seed, fold)).generate_state(settings.members))


def _train(numerator: Sample, denominator: Sample, settings: Settings, seed: int) -> HistGradientBoostingClassifier:
    model = HistGradientBoostingClassifier(
        learning_rate=settings.learning_rate,
        max_iter=settings.max_iterations,
        max_leaf_nodes=settings.max_leaf_nodes,
        min_samples_leaf=settings.min_leaf_events,
        l2_regularization=settings.l2,
        early_stopping=True,
        validation_fraction=settings.validation_fraction,
        n_iter_no_change=settings.patience,
        random_state=seed,
    )
    # Balanced classes with a mean weight of 1, the scale on which l2 acts.
    n = len(numerator.keys) + len(denominator.keys)
    balanced = [sample.weights / sample.weights.sum() * n / 2 for sample in (numerator, denominator)]
    labels = np.r_[np.ones(len(numerator.keys)), np.zeros(len(denominator.keys))]
    return model.fit(
        np.concatenate([numerator.features, denominator.features]), labels, sample_weight=np.concatenate(balanced)
    )
