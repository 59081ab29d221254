"""How well the scores tell each signal class from QCD."""

import numpy as np
from sklearn.metrics import roc_curve

from resonaut.tag.results import Measured, Roc
from resonaut.tag.settings import Class

# Points kept of a curve; denser at small signal efficiency would show nothing but fluctuation.
POINTS = 200


def discriminant(scores: np.ndarray, signal: int, background: int) -> np.ndarray:
    """The score of one class against another, s / (s + b), from class scores (n, classes)."""
    ratio: np.ndarray = scores[:, signal] / np.maximum(scores[:, signal] + scores[:, background], np.finfo("f4").tiny)
    return ratio


def measure(scores: np.ndarray, labels: np.ndarray, classes: list[Class]) -> Measured:
    """Accuracy of the most probable class, and the ROC curve of each signal class against QCD."""
    qcd = classes.index("qcd")
    curves: dict[str, Roc] = {}
    areas: dict[str, float] = {}
    for i, name in enumerate(classes):
        if i != qcd:
            pair = (labels == i) | (labels == qcd)
            score = discriminant(scores[pair], i, qcd)
            background, signal, _ = roc_curve(labels[pair] == i, score, drop_intermediate=False)
            grid = np.linspace(0.0, 1.0, POINTS)
            areas[name] = float(np.trapezoid(signal, background))
            curves[name] = Roc(
                signal_efficiency=grid.tolist(), qcd_efficiency=np.interp(grid, signal, background).tolist()
            )
    return Measured(accuracy=float(np.mean(scores.argmax(axis=1) == labels)), auc=areas, roc=curves)
