"""How well the scores tell each signal class from the background's, mostly QCD."""

import numpy as np
from sklearn.metrics import roc_curve

from resonaut.learn.sculpting import sculpting
from resonaut.tag.results import Measured, Roc, Sculpting

# Points kept of a curve; denser at small signal efficiency would show nothing but fluctuation.
POINTS = 200


def discriminant(scores: np.ndarray, signal: int, background: int) -> np.ndarray:
    """The score of one class against another, s / (s + b), from class scores (n, classes)."""
    ratio: np.ndarray = scores[:, signal] / np.maximum(scores[:, signal] + scores[:, background], np.finfo("f4").tiny)
    return ratio


def measure(scores: np.ndarray, labels: np.ndarray, classes: list[str], background: str) -> Measured:
    """Accuracy of the most probable class, and the ROC curve of each signal class against the background's."""
    qcd = classes.index(background)
    curves: dict[str, Roc] = {}
    areas: dict[str, float] = {}
    for i, name in enumerate(classes):
        if i != qcd:
            pair = (labels == i) | (labels == qcd)
            score = discriminant(scores[pair], i, qcd)
            others, signal, _ = roc_curve(labels[pair] == i, score, drop_intermediate=False)
            grid = np.linspace(0.0, 1.0, POINTS)
            areas[name] = float(np.trapezoid(signal, others))
            curves[name] = Roc(signal_efficiency=grid.tolist(), qcd_efficiency=np.interp(grid, signal, others).tolist())
    return Measured(accuracy=float(np.mean(scores.argmax(axis=1) == labels)), auc=areas, roc=curves)


def sculpted(
    scores: np.ndarray, labels: np.ndarray, mass: np.ndarray, classes: list[str], background: str, seed: int
) -> dict[str, Sculpting]:
    """How a cut on each signal class's discriminant sculpts the soft-drop mass (n,) in GeV of background jets."""
    qcd = classes.index(background)
    found: dict[str, Sculpting] = {}
    for i, name in enumerate(classes):
        if i != qcd:
            score, background = discriminant(scores, i, qcd), labels == qcd
            of = sculpting(score[labels == i], score[background], mass[background], seed=seed)
            found[name] = Sculpting(**vars(of))
    return found
