"""Flows of coupling layers: as quick to sample as to learn from, for densities of many numbers.

Each layer transforms one half of the numbers by rational-quadratic splines, whose parameters a network makes of the
other half and the condition (L. Dinh et al., arXiv:1605.08803; C. Durkan et al., arXiv:1906.04032).
"""

import torch
import zuko
from torch import nn
from zuko.flows.coupling import GeneralCouplingTransform
from zuko.transforms import MonotonicRQSTransform


def flow(features: int, condition: int, transforms: int, hidden: list[int], bins: int) -> zuko.lazy.Flow:
    """The density of ``features`` numbers given ``condition`` ones; halves are drawn from torch's global generator."""
    layers, shapes = [], [(bins,), (bins,), (bins - 1,)]
    for number in range(transforms):
        if number % 2 == 0:
            mask = torch.randperm(features) % 2 == 1
        layers.append(
            GeneralCouplingTransform(
                features,
                condition,
                mask=mask if number % 2 == 0 else ~mask,
                univariate=MonotonicRQSTransform,
                shapes=shapes,
                hidden_features=hidden,
                activation=nn.SiLU,
            )
        )
    normal = zuko.lazy.UnconditionalDistribution(
        zuko.distributions.DiagNormal, torch.zeros(features), torch.ones(features), buffer=True
    )
    return zuko.lazy.Flow(layers, normal)
