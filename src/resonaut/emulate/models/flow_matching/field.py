"""A field that moves normal noise to data: its loss, and the way along it.

Between noise x_0 and data x_1 a point is x(θ) = cos θ x_0 + sin θ x_1 with θ from 0 to π/2 (M. Albergo, E.
Vanden-Eijnden, arXiv:2209.15571, eq. 2.6). The spread of what is standardised stays 1 on this path. The field is the
mean of dx/dθ at x(θ), found by regression (Y. Lipman et al., arXiv:2210.02747, eq. 9), and 0 where the data are normal.
"""

import math

import torch
from torch import Tensor, nn

# cos and sin of these multiples of θ tell the network where on the path it is.
MULTIPLES = (1.0, 2.0, 4.0)
TIMES = 2 * len(MULTIPLES)
END = math.pi / 2


class Field(nn.Module):
    """The field of numbers given a context, by a network of both and of ``TIMES`` more numbers."""

    multiples: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("multiples", torch.tensor(MULTIPLES), persistent=False)

    def forward(self, x: Tensor, theta: Tensor, context: Tensor) -> Tensor:
        """dx/dθ (n, size) at points x (n, size) and θ (n, 1), given the context (n, known)."""
        angles = theta * self.multiples
        velocity: Tensor = self.network(x, torch.cat([context, angles.cos(), angles.sin()], dim=1))
        return velocity

    def loss(self, data: Tensor, context: Tensor, noise: Tensor, share: Tensor) -> Tensor:
        """Mean squared error of each of the data (n, size), at ``share`` (n, 1) of the path: shape (n,)."""
        theta = END * share
        x = theta.cos() * noise + theta.sin() * data
        velocity = theta.cos() * data - theta.sin() * noise
        error: Tensor = self(x, theta, context) - velocity
        return error.square().mean(dim=1)

    def move(self, noise: Tensor, context: Tensor, steps: int) -> Tensor:
        """Data (n, size) that noise (n, size) becomes in so many steps of the midpoint rule."""
        x, size, theta = noise, END / steps, torch.zeros_like(noise[:, :1])
        for step in range(steps):
            half = x + size / 2 * self(x, theta + step * size, context)
            x = x + size * self(half, theta + (step + 0.5) * size, context)
        return x


def shares(n: int, generator: torch.Generator) -> Tensor:
    """Evenly spread numbers from 0 to 1, (n, 1), one in each of n equal parts: so the mean of a batch varies less."""
    return (torch.arange(n) + torch.rand(n, generator=generator))[:, None] / n
