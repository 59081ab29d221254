"""Flows that are as quick to sample as to learn from, for densities of many numbers given a few.

Splines of each number alone, whose parameters a network makes of the condition, take its own density to a normal one
(C. Durkan et al., arXiv:1906.04032). Coupling layers then take away what is left between numbers: each moves and
scales one half of them by what a network makes of the other half and the condition (L. Dinh et al., arXiv:1605.08803).
"""

from functools import partial
from typing import Any

import torch
import zuko
from torch import Tensor, nn
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.flows.gaussianization import ElementWiseTransform
from zuko.transforms import CouplingTransform, MonotonicRQSTransform


class _Joined(CouplingTransform):  # type: ignore[misc]
    """A coupling that joins both halves by an order, as graphs can; zuko's writes them into an empty tensor."""

    def merge(self, x_a: Tensor, x_b: Tensor, shape: torch.Size) -> Tensor:
        del shape
        return torch.cat([x_a, x_b], dim=-1)[..., torch.cat([self.idx_a, self.idx_b]).argsort()]


class _Coupling(GeneralCouplingTransform):  # type: ignore[misc]
    def forward(self, c: Tensor) -> CouplingTransform:
        return _Joined(partial(self.meta, c), self.mask)


def flow(
    features: int, condition: int, couplings: int, hidden: list[int], bins: int, *, spline_couplings: bool = False
) -> zuko.lazy.Flow:
    """The density of ``features`` numbers given ``condition`` ones, untrained.

    Args:
        features: at least two.
        condition: at least one.
        couplings: coupling layers, 0 for numbers that are independent given the condition. The halves of every second
            one are drawn from torch's global generator.
        hidden: units of the hidden layers of each network.
        bins: of the splines.
        spline_couplings: the coupling layers are splines, too, which costs several times more.
    """
    spline: dict[str, Any] = {"univariate": MonotonicRQSTransform, "shapes": [(bins,), (bins,), (bins - 1,)]}
    facts: dict[str, Any] = {"hidden_features": hidden, "activation": nn.SiLU}
    layers = [ElementWiseTransform(features, condition, **spline, **facts)]
    half = torch.arange(features) % 2 == 0
    for number in range(couplings):
        half = half[torch.randperm(features)] if number % 2 == 0 else ~half
        kind = spline if spline_couplings else {}
        layers.append(_Coupling(features, condition, half, **kind, **facts))
    zeros, ones = torch.zeros(features), torch.ones(features)
    normal = zuko.lazy.UnconditionalDistribution(zuko.distributions.DiagNormal, zeros, ones, buffer=True)
    return zuko.lazy.Flow(layers, normal)


def drawn(density: zuko.lazy.Flow, noise: Tensor, condition: Tensor) -> Tensor:
    """What the flow makes of standard normal noise (n, features)."""
    made: Tensor = density(condition).transform.inv(noise)
    return made
