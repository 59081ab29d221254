"""k folds: every event is predicted by models that have not seen its fold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from resonaut.core.errors import ConfigError, EmptySelectionError
from resonaut.core.identifier import Keys, folds, rows
from resonaut.learn.ratio import trees
from resonaut.learn.ratio.positive import Even, Signed, by_sign, is_signed, positive
from resonaut.learn.ratio.sample import Balanced, Pair, Part, Sample, balanced, shared
from resonaut.learn.ratio.settings import Settings, StepSettings

if TYPE_CHECKING:
    from resonaut.learn.ratio.calibration import Calibration

# Below this a fold's training sample cannot be split into training and validation part.
MIN_TRAINING_EVENTS = 20
# Of the variance of a held-out AUC, what the folds share: the models of fold i learned the fluctuations of fold j, and
# those of j the fluctuations of i, which are compared twice. If the score were linear in them it would be 1; in toys
# with trees it is 0.7 to 1 in five folds, and 0.4 in two.
SHARED = 0.9
DEFAULT = Settings()


class Model(Protocol):
    """What predicts one fold."""

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The output f of each event, shape (n,)."""

    def members(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The outputs whose mean is f, shape (members, n)."""


@dataclass(frozen=True)
class CrossFit:
    """The trained models: one for each fold, which has not seen that fold's events.

    ``signed``: what became of negative weights of the numerator and of the denominator, on average over the folds;
    ``maps``: what makes their outputs probabilities, if they are calibrated.
    """

    models: Sequence[Model]
    seed: int
    signed: tuple[Signed, Signed] = (Signed(), Signed())
    maps: "Calibration | None" = None

    @classmethod
    def fit(cls, numerator: Sample, denominator: Sample, settings: StepSettings = DEFAULT) -> "CrossFit":
        """Train on both samples; each counts the same, whatever its sum of weights.

        Signed weights are made positive first, for each fold by models that have not seen it either.

        Raises:
            EmptySelectionError: a fold leaves too few events of a sample to train on.
            NotFiniteError: a weight or a feature is no number.
            ResonautError: the weights of a sample do not sum to more than 0.
        """
        (first, signs), (second, others) = (_training_parts(one, settings) for one in (numerator, denominator))
        return replace(cls._fit(list(zip(first, second, strict=True)), settings), signed=(signs, others))

    @classmethod
    def fit_pairs(cls, pairs: Sequence[Pair], settings: StepSettings) -> "CrossFit":
        """Train the models of fold f between the two samples of ``pairs[f]``, from which the caller left out the fold.

        Raises:
            ConfigError: the backend takes sets of particles and the features are none, or the other way round.
            EmptySelectionError: a sample has too few events to train on.
        """
        return cls._fit([(Part.of(first), Part.of(second)) for first, second in pairs], settings)

    @classmethod
    def _fit(cls, pairs: Sequence[tuple[Part, Part]], settings: StepSettings) -> "CrossFit":
        _require_form(pairs[0][0], settings)
        _require_enough(pairs)
        ordered = [(first.sorted(), second.sorted()) for first, second in pairs]
        if settings.backend == "trees":
            return cls(trees.train(ordered, settings), settings.seed)
        # torch takes seconds to load, which boosted trees need not pay.
        from resonaut.learn.ratio import perceptrons

        return cls(perceptrons.train([balanced(*pair) for pair in ordered], settings), settings.seed)

    @classmethod
    def fit_expectation(
        cls, sample: Sample, values: NDArray[np.float64], settings: StepSettings = DEFAULT
    ) -> "CrossFit":
        """Learn E[values | features] of a sample, for values (n,) >= 0; ``ratio`` is that over the mean value.

        It is the ratio of the events weighted with the values and the events themselves. Their loss is the same where
        each event stands in both samples, with less noise and half as many rows for networks.

        Raises:
            EmptySelectionError: a fold leaves too few events to train on.
            NotFiniteError: a weight or a feature is no number.
            ResonautError: a weight is negative, or all are 0.
        """
        _require_form(sample.require_finite(), settings)
        whole = replace(sample, weights=values)
        parts = [(without_fold(sample, f, settings), without_fold(whole, f, settings)) for f in range(settings.folds)]
        if settings.backend == "trees":
            pairs = [(replace(one, weights=one.weights * factor.weights), one) for one, factor in parts]
            return cls._fit(pairs, settings)
        _require_enough([(one, one) for one, _ in parts])
        from resonaut.learn.ratio import perceptrons

        joined = [shared(one.sorted(), factor.sorted().weights) for one, factor in parts]
        return cls(perceptrons.train(joined, settings), settings.seed)

    def calibrated(self, numerator: Sample, denominator: Sample, settings: StepSettings = DEFAULT) -> "CrossFit":
        """With outputs that are probabilities, as the samples of ``fit`` say; see ``calibration``.

        Raises:
            EmptySelectionError: a fold has too few events to calibrate its models with.
        """
        first, second = (Part.of(made_positive(one, settings)[0]) for one in (numerator, denominator))
        return self._calibrated(balanced(first, second))

    def calibrated_expectation(self, sample: Sample, values: NDArray[np.float64]) -> "CrossFit":
        """The same for the sample and the values of ``fit_expectation``."""
        return self._calibrated(shared(Part.of(sample), values))

    def _calibrated(self, events: Balanced) -> "CrossFit":
        # scipy takes a while to load, which who calibrates nothing need not pay.
        from resonaut.learn.ratio.calibration import Calibration

        output = replace(self, maps=None).probability(events.values(), events.keys)
        return replace(self, maps=Calibration.fit(events, output, len(self.models), self.seed))

    def folds(self, keys: Keys) -> NDArray[np.int64]:
        """The fold of each event, which is also the number of the model that predicts it."""
        return folds(keys, len(self.models), self.seed)

    def probability(self, features: NDArray[np.float32], keys: Keys | None = None) -> NDArray[np.float64]:
        """The output f for each event, from the model that has not seen it, between 0 and 1.

        Without ``keys`` row numbers take their place, as in ``Sample.of``.
        """
        keys = rows(len(features)) if keys is None else keys
        result = np.empty(len(keys))
        for model, here in self._dealt(keys):
            result[here] = model.probability(features[here])
        return result if self.maps is None else self.maps.of(result, self.folds(keys), keys)

    def members(self, features: NDArray[np.float32], keys: Keys) -> NDArray[np.float64]:
        """The outputs of each member of the ensemble that has not seen an event, shape (n, members)."""
        parts = [(here, model.members(features[here])) for model, here in self._dealt(keys)]
        result = np.empty((len(keys), len(parts[0][1]) if parts else 1))
        for here, part in parts:
            result[here] = part.T
        return result if self.maps is None else self.maps.of(result.T, self.folds(keys), keys).T

    def by_fold(self, features: NDArray[np.float32], keys: Keys) -> NDArray[np.float64]:
        """The outputs of the models of every fold, though all but one have seen an event; shape (n, folds)."""
        found = [model.probability(features) for model in self.models]
        if self.maps is not None:
            found = [self.maps.of(f, np.full(len(keys), number), keys) for number, f in enumerate(found)]
        return np.stack(found, axis=1)

    def _dealt(self, keys: Keys) -> Iterator[tuple[Model, NDArray[np.bool_]]]:
        """Each model that has events to predict, and which."""
        fold = self.folds(keys)
        for number, model in enumerate(self.models):
            here = fold == number
            if here.any():
                yield model, here

    def ratio(self, features: NDArray[np.float32], keys: Keys | None = None) -> NDArray[np.float64]:
        """p_numerator / p_denominator = f / (1 - f) for each event."""
        return as_ratio(self.probability(features, keys))


def as_ratio(output: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ratio f / (1 - f) of outputs f, which count as at least 1e-6 away from 0 and 1."""
    f = np.clip(output, 1e-6, 1 - 1e-6)
    return f / (1 - f)


def _require_enough(pairs: Sequence[tuple[Part, Part]]) -> None:
    """Stop where a fold leaves too few events of a sample to train on."""
    for fold, (first, second) in enumerate(pairs):
        if min(len(first.keys), len(second.keys)) < MIN_TRAINING_EVENTS:
            raise EmptySelectionError(
                f"training without fold {fold + 1} of {len(pairs)} has only {len(first.keys)} against "
                f"{len(second.keys)} events; widen the mass ranges, or use larger samples."
            )


def made_positive(sample: Sample, settings: StepSettings = DEFAULT) -> tuple[Sample, Signed]:
    """A sample whose signed weights are made positive, those of each event by models that have not seen it.

    Raises:
        NotFiniteError: a weight or a feature is no number.
        ResonautError: its weights do not sum to more than 0.
    """
    if not is_signed(sample.require_finite()):
        return sample, Signed()
    parts = [without_fold(sample, fold, settings) for fold in range(settings.folds)]
    return positive(sample, _signs(parts, settings).probability(sample.features, sample.keys))


def _require_form(sample: Sample | Part, settings: StepSettings) -> None:
    sets, shape = settings.backend == "sets", sample.features.shape
    if sets != (len(shape) == 3):
        form = "(events, particles, features)" if sets else "(events, features)"
        raise ConfigError(
            f"classifier.backend is {settings.backend!r}, which takes features of shape {form}, and these are {shape}; "
            "choose another one."
        )


def _training_parts(sample: Sample, settings: StepSettings) -> tuple[list[Part], Signed]:
    """What the models of each fold may see, with positive weights, and what became of signs."""
    sample.require_finite()
    parts = [without_fold(sample, fold, settings) for fold in range(settings.folds)]
    if not is_signed(sample):
        return parts, Signed()
    # The models of a fold say how its training events count: those of other folds have seen the fold.
    signs = _signs(parts, settings).models
    made = [positive(part, model.probability(part.values())) for part, model in zip(parts, signs, strict=True)]
    return [part for part, _ in made], Signed.mean([signed for _, signed in made])


def _signs(parts: Sequence[Part], settings: StepSettings) -> CrossFit:
    """Models between the positive and the negative events of each fold's part."""
    pairs = [by_sign(part) for part in parts]
    enough = [min(len(one.keys) for one in pair) >= MIN_TRAINING_EVENTS for pair in pairs]
    learned = [pair for pair, learns in zip(pairs, enough, strict=True) if learns]
    models = iter(CrossFit._fit(learned, settings).models if learned else ())
    return CrossFit([next(models) if learns else Even() for learns in enough], settings.seed)


def without_fold(sample: Sample, fold: int, settings: StepSettings) -> Part:
    """The events that the models of ``fold`` may see."""
    return Part.of(sample)[folds(sample.keys, settings.folds, settings.seed) != fold]


def auc(
    signal: NDArray[np.float64],
    background: NDArray[np.float64],
    signal_weights: NDArray[np.float64],
    background_weights: NDArray[np.float64],
    learned: float = 0.0,
) -> tuple[float, float]:
    """Area under the ROC curve of two samples of scores, and its standard error if both were alike.

    The error is that of the Mann-Whitney statistic under the null hypothesis with effective event
    numbers, sqrt((n1 + n2) / (12 n1 n2)), for scores that are independent. ``learned`` is the share of its variance
    from events that trained the models of other folds: 1 where both samples did.
    """
    from sklearn.metrics import roc_auc_score

    labels = np.r_[np.ones(len(signal)), np.zeros(len(background))]
    # Each sample summing to its effective number leaves the area as it is.
    weights = np.r_[_normalised(signal_weights), _normalised(background_weights)]
    n1, n2 = weights[labels == 1].sum(), weights[labels == 0].sum()
    if (weights < 0).any():
        # The curve goes back and forth, which scikit-learn refuses.
        area = _ordered(signal, background, weights[labels == 1] / n1, weights[labels == 0] / n2)
    else:
        area = float(roc_auc_score(labels, np.r_[signal, background], sample_weight=weights))
    return area, float(np.sqrt((1 + SHARED * learned) * (n1 + n2) / (12 * n1 * n2)))


def _ordered(
    signal: NDArray[np.float64], background: NDArray[np.float64], w: NDArray[np.float64], v: NDArray[np.float64]
) -> float:
    """The share of pairs in which the signal has the larger score, and half of those with equal ones."""
    order = np.argsort(background, kind="stable")
    below = np.r_[0.0, np.cumsum(v[order])]
    smaller, not_larger = (below[np.searchsorted(background[order], signal, side=side)] for side in ("left", "right"))
    return float(w @ (smaller + not_larger) / 2)


def _normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights that sum to the sample's effective number of events, (sum w)^2 / sum w^2."""
    scale = float(weights.sum() / np.square(weights).sum())
    return weights * scale
