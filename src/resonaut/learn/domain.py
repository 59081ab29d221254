"""Domain adaptation: features that are of use for the classes and do not tell where an event comes from.

A domain classifier learns from the features, and its gradient reaches them with the opposite sign (Ganin, Lempitsky,
arXiv:1409.7495).
"""

import math
from typing import Any

import torch
from torch import Tensor, nn


class _Reversal(torch.autograd.Function):
    """Identity whose gradient is that times -λ (arXiv:1409.7495, Eqs. 7 and 8)."""

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
    """λ = 2 / (1 + exp(-10 p)) - 1 at a part p of the training: from 0 to 1 (arXiv:1409.7495, Eq. 14)."""
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

    def loss(self, here: Tensor, there: Tensor, strength: float) -> Tensor:
        """Cross entropy of the domains of features (n, features) and (m, features), each domain with half the weight.

        Its gradient with respect to the features gets the factor -``strength`` (arXiv:1409.7495, Eq. 9).
        """
        logits = [self(reverse(features, strength)) for features in (here, there)]
        losses = [
            nn.functional.binary_cross_entropy_with_logits(values, torch.full_like(values, label))
            for label, values in enumerate(logits)
        ]
        return torch.stack(losses).mean()
