"""Densities of independent numbers, each the sum of two Gaussians: that of an empty voxel, and that of a hit one."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# Outputs of a network for each number; the least spread; where untrained Gaussians have their means, spreads being 1.
OUTPUTS, LEAST, APART = 5, 0.01, 1.0


@dataclass(frozen=True)
class Mixture:
    """``logit`` of the second Gaussian's part, means and spreads of both: (n, size), (2, n, size), (2, n, size)."""

    logit: Tensor
    means: Tensor
    spreads: Tensor

    @classmethod
    def of(cls, outputs: Tensor) -> "Mixture":
        """The mixture that a network's outputs (n, OUTPUTS * size) stand for."""
        logit, *others = outputs.chunk(OUTPUTS, dim=1)
        means = torch.stack([others[0] - APART, others[1] + APART])
        # ln(e - 1): 0 is a spread of 1.
        spreads = functional.softplus(torch.stack(others[2:]) + math.log(math.e - 1)) + LEAST
        return cls(logit, means, spreads)

    def log_prob(self, x: Tensor) -> Tensor:
        """The logarithm of the density at x (n, size), (n,)."""
        residuals = (x - self.means) / self.spreads
        normal = -residuals.square() / 2 - self.spreads.log() - math.log(2 * math.pi) / 2
        parts = normal + torch.stack([functional.logsigmoid(-self.logit), functional.logsigmoid(self.logit)])
        return parts.logsumexp(dim=0).sum(dim=1)

    def draw(self, noise: Tensor) -> Tensor:
        """Numbers (n, size) from normal noise (n, 2 * size), of which one half chooses the Gaussian."""
        choice, place = noise.chunk(2, dim=1)
        second = (1 + torch.erf(choice / math.sqrt(2))) / 2 < torch.sigmoid(self.logit)
        drawn = self.means + self.spreads * place
        return torch.where(second, drawn[1], drawn[0])
