"""The section ``classifier`` of a stage; defaults and descriptions are in the stage's schema."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TreeSettings:
    """Gradient-boosted trees: scikit-learn's ``HistGradientBoostingClassifier``."""

    learning_rate: float
    max_iterations: int
    max_leaf_nodes: int
    min_leaf_events: int
    l2: float
    patience: int


@dataclass(frozen=True)
class NetworkSettings:
    """Multilayer perceptrons, all of them trained at once; ``restarts`` from other initial weights."""

    hidden: list[int]
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int
    restarts: int
    device: Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Settings:
    """k folds, and inside each as many models as there are rotating validation parts.

    ``choice_efficiency``: of a network's restarts the one with the largest efficiency for the numerator wins, at
    this efficiency for the denominator, both on the validation part.
    """

    backend: Literal["trees", "network"]
    folds: int
    validation_parts: int
    choice_efficiency: float
    trees: TreeSettings
    network: NetworkSettings
    seed: int
