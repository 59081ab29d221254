"""How well the scores tell each signal class from QCD: ROC curves with the errors of the jets that measure them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from resonaut.learn import bootstrap
from resonaut.learn.sculpting import sculpting
from resonaut.tag.results import Lost, Measured, Rejection, Roc, Sculpting

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
# Points kept of a curve; denser at small signal efficiency would show nothing but fluctuation.
POINTS = 200
# Signal efficiencies of the rejections that are compared.
EFFICIENCIES = (0.3, 0.5, 0.7, 0.99)
# A central 68 % interval.
TAILS = (norm.cdf(-1), norm.cdf(1))


def discriminant(scores: Floats, signal: int, background: int) -> Floats:
    """The score of one class against another, s / (s + b), from class scores (n, classes)."""
    ratio: Floats = scores[:, signal] / np.maximum(scores[:, signal] + scores[:, background], np.finfo("f4").tiny)
    return ratio


@dataclass(frozen=True)
class Curve:
    """The jets of a signal class and of QCD by falling discriminant.

    ``rows``: their places among all jets, (n,); ``signal``: which are of the signal class, (n,); ``last``: the places
    in that order after which a cut can lie, as jets of one discriminant pass or fail together.
    """

    rows: Integers
    signal: NDArray[np.bool_]
    last: Integers

    @classmethod
    def of(cls, scores: Floats, labels: Integers, signal: int, qcd: int) -> "Curve":
        """Of class scores (n, classes) and labels (n,)."""
        rows = np.flatnonzero((labels == signal) | (labels == qcd))
        score = discriminant(scores[rows], signal, qcd)
        order = np.argsort(-score, kind="stable")
        last = np.flatnonzero(np.diff(score[order], append=-np.inf))
        return cls(rows[order], labels[rows[order]] == signal, last)

    def sums(self, weights: Floats) -> tuple[Floats, Floats]:
        """The weights of signal and of QCD above each cut, from none to all; ``weights`` (jets,) of all jets."""
        own = weights[self.rows]
        of = (np.where(chosen, own, 0.0).cumsum()[self.last] for chosen in (self.signal, ~self.signal))
        signal, qcd = (np.concatenate([[0.0], values]) for values in of)
        return signal, qcd

    def area(self, weights: Floats) -> float:
        """The area under the curve: the probability that a signal jet has more than a QCD jet, ties by half."""
        signal, qcd = self.sums(weights)
        return float(np.trapezoid(signal, qcd) / (signal[-1] * qcd[-1]))

    def efficiencies(self, weights: Floats, grid: Floats) -> Floats:
        """The efficiencies of QCD at those of the signal ``grid``."""
        signal, qcd = self.sums(weights)
        return _between(grid, signal / signal[-1], qcd / qcd[-1])

    def drawn(self, weights: Floats, grid: Floats, rng: np.random.Generator) -> Floats:
        """The same as it might be in truth, if exponential ``weights`` are a replica's.

        At a given cut, where k of n jets pass, the efficiency of QCD has the distribution Beta(k + 1/2, n - k + 1/2),
        whose central part is Jeffreys' interval (L. Brown, T. Cai, A. DasGupta, Statist. Sci. 16 (2001) 101); that of
        the signal at its m-th jet has Beta(m, n + 1 - m).
        """
        signal, qcd = self.sums(weights)
        passed, failed = rng.standard_gamma(0.5, 2)
        below = signal[-1] + rng.standard_exponential()
        efficiency = (qcd + passed) / (qcd[-1] + passed + failed)
        return _between(grid, np.append(signal / below, 1.0), np.append(efficiency, 1.0))


def _between(grid: Floats, signal: Floats, qcd: Floats) -> Floats:
    """Efficiencies of QCD at those of the signal ``grid``, between cuts that lie at jets of the signal."""
    at_signal = np.diff(signal, prepend=-1.0) > 0
    found: Floats = np.interp(grid, signal[at_signal], qcd[at_signal])
    return found


def measure(
    scores: Floats,
    labels: Integers,
    classes: Sequence[str],
    background: str,
    events: NDArray[np.generic] | None = None,
    seed: int = 1,
) -> Measured:
    """Accuracy of the most probable class; of each signal class against QCD area, rejections and ROC curve.

    Args:
        scores: class probabilities of jets, (n, classes).
        labels: their classes, (n,).
        classes: the names.
        background: the class that the others are told from.
        events: which jets are of one event (see ``bootstrap``), (n,); by default each is of another one.
        seed: of the errors.
    """
    events = np.arange(len(labels)) if events is None else events
    right = (scores.argmax(axis=1) == labels).astype(float)
    accuracies = [float(np.average(right, weights=one)) for one in bootstrap.weights(events, seed)]
    curves = dict(_curves(scores, labels, classes, background))
    measured = {name: _curve(curve, events, seed) for name, curve in curves.items()}
    return Measured(
        accuracy=float(right.mean()),
        accuracy_error=float(np.std(accuracies)),
        auc={name: curve.area(np.ones(len(labels))) for name, curve in curves.items()},
        auc_error={name: float(np.std(areas(curve, events, seed))) for name, curve in curves.items()},
        rejection={name: rejections for name, (rejections, _) in measured.items()},
        roc={name: roc for name, (_, roc) in measured.items()},
    )


def areas(curve: Curve, events: NDArray[np.generic], seed: int) -> Floats:
    """The area under a curve in each replica of the ``events`` (jets,) of all jets."""
    return np.array([curve.area(one) for one in bootstrap.weights(events, seed)])


def lost(
    scores: Floats,
    others: Floats,
    labels: Integers,
    classes: Sequence[str],
    background: str,
    events: NDArray[np.generic],
    seed: int,
) -> dict[str, Lost]:
    """By how much the areas under the curves fall from ``scores`` to ``others``, (n, classes), of the same jets."""
    before, after = (dict(_curves(one, labels, classes, background)) for one in (scores, others))
    alike = np.ones(len(labels))
    return {
        name: Lost(
            value=before[name].area(alike) - after[name].area(alike),
            error=float(np.std(areas(before[name], events, seed) - areas(after[name], events, seed))),
        )
        for name in before
    }


def _curves(scores: Floats, labels: Integers, classes: Sequence[str], background: str) -> Iterator[tuple[str, Curve]]:
    qcd = classes.index(background)
    for i, name in enumerate(classes):
        if i != qcd:
            yield name, Curve.of(scores, labels, i, qcd)


def _curve(curve: Curve, events: NDArray[np.generic], seed: int) -> tuple[list[Rejection], Roc]:
    """Rejections and curve with central 68 % intervals."""
    grid = np.concatenate([EFFICIENCIES, np.linspace(0.0, 1.0, POINTS)])
    rng = np.random.default_rng([seed, 1])
    drawn = np.array([curve.drawn(one, grid, rng) for one in bootstrap.weights(events, seed)])
    values = curve.efficiencies(np.ones(len(events)), grid)
    low, high = np.quantile(drawn, TAILS, axis=0)
    # Where none passes, or all do, an interval of Jeffreys' ends there.
    low, high = np.minimum(low, values), np.maximum(high, values)
    few = len(EFFICIENCIES)
    rejections = [
        Rejection(signal_efficiency=efficiency, value=_inverse(value), low=_inverse(more), high=_inverse(less))
        for efficiency, value, less, more in zip(EFFICIENCIES, values, low, high, strict=False)
    ]
    roc = Roc(
        signal_efficiency=grid[few:].tolist(),
        qcd_efficiency=values[few:].tolist(),
        qcd_efficiency_low=low[few:].tolist(),
        qcd_efficiency_high=high[few:].tolist(),
    )
    return rejections, roc


def _inverse(efficiency: float) -> float | None:
    return float(1 / efficiency) if efficiency > 0 else None


def sculpted(
    scores: Floats, labels: Integers, mass: Floats, classes: Sequence[str], background: str, seed: int
) -> dict[str, Sculpting]:
    """How a cut on each signal class's discriminant sculpts the soft-drop mass (n,) in GeV of QCD jets."""
    qcd = classes.index(background)
    found: dict[str, Sculpting] = {}
    for i, name in enumerate(classes):
        if i != qcd:
            score, others = discriminant(scores, i, qcd), labels == qcd
            of = sculpting(score[labels == i], score[others], mass[others], seed=seed)
            found[name] = Sculpting(**vars(of))
    return found
