"""Domain adaptation: features that are of use for the classes and do not tell where an event comes from.

A domain classifier learns from the features, and its gradient reaches them with the opposite sign (Ganin, Lempitsky,
arXiv:1409.7495).
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from resonaut.core.errors import ConfigError

Floats = NDArray[np.floating]


class _Reversal(torch.autograd.Function):
    """Identity whose gradient is that times -λ (arXiv:1409.7495)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse(x: Tensor, strength: float) -> Tensor:
    """``x``, whose gradient gets the factor -``strength``: who comes after minimises, and who came before maximises."""
    reversed_: Tensor = _Reversal.apply(x, strength)  # type: ignore[no-untyped-call]
    return reversed_


def schedule(progress: float) -> float:
    """λ = 2 / (1 + exp(-10 p)) - 1 at a part p of the training: from 0 to 1 (arXiv:1409.7495)."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


class DomainClassifier(nn.Module):
    """Tells the domain of an event from its features, (n, features) to logits (n,).

    Args:
        features: their number.
        width: of its two hidden layers.
    """

    def __init__(self, features: int, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, 1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Logits (n,)."""
        logits: Tensor = self.layers(features).squeeze(1)
        return logits

    def loss(self, here: Tensor, there: Tensor, weights: Tensor, strength: float) -> Tensor:
        """Cross entropy of the domains of features (n, features) and (m, features), each domain with half the weight.

        Its gradient with respect to the features gets the factor -``strength`` (arXiv:1409.7495).

        Args:
            here: features of labelled events.
            there: features of events of the other domain.
            weights: of the labelled events, (n,), which give them the class shares of the others: a difference of the
                shares is none of the domains.
            strength: the factor.
        """
        first, second = (self(reverse(features, strength)) for features in (here, there))
        losses = nn.functional.softplus(first), nn.functional.softplus(-second)
        found: Tensor = (losses[0] * weights).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)
        return (found + losses[1].mean()) / 2


class Representation:
    """The features of a network that has a linear layer at its end: what this layer was last given.

    Args:
        network: any.
        outputs: their number.

    Raises:
        ConfigError: it has no linear layer of so many outputs.
    """

    def __init__(self, network: nn.Module, outputs: int) -> None:
        layers = [part for part in network.modules() if isinstance(part, nn.Linear) and part.out_features == outputs]
        if not layers:
            raise ConfigError(
                f"{type(network).__name__}: has no linear layer of {outputs} outputs, whose inputs could be adapted to "
                "another domain; end the network with one, or train it without."
            )
        self.width = layers[-1].in_features
        self.values = torch.empty(0, self.width)
        layers[-1].register_forward_pre_hook(self._keep)

    def _keep(self, layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        del layer
        self.values = given[0]


def separation(here: Floats, there: Floats, weights: Floats, seed: int) -> tuple[float, float]:
    """AUC of a fresh classifier of the domains, boosted trees, and its error without a difference.

    It learns from one half of the events, and is judged on the other.

    Args:
        here: features of events of one domain, (n, features).
        there: of the other, (m, features).
        weights: of those ``here``, (n,); see ``DomainClassifier.loss``.
        seed: of the halves.
    """
    features, domain = np.concatenate([here, there]), np.repeat([0, 1], [len(here), len(there)])
    balanced = np.concatenate([weights / weights.sum(), np.full(len(there), 1 / len(there))]) * len(domain)
    learned, judged = train_test_split(np.arange(len(domain)), test_size=0.5, stratify=domain, random_state=seed)
    fresh = HistGradientBoostingClassifier(max_leaf_nodes=15, early_stopping=True, random_state=seed)
    fresh.fit(features[learned], domain[learned], sample_weight=balanced[learned])
    told = fresh.predict_proba(features[judged])[:, 1]
    area = roc_auc_score(domain[judged], told, sample_weight=balanced[judged])
    parts = [balanced[judged][domain[judged] == label] for label in (0, 1)]
    effective = [part.sum() ** 2 / np.square(part).sum() for part in parts]
    return float(area), float(np.sqrt(sum(1 / n for n in effective) / 12))
