"""Penalties on the dependence of a classifier's score on a mass, for jets of the background.

Each is a function or module of scores and masses of a batch alone; the caller adds it to the loss with a factor.
"""

import math

import torch
from torch import Tensor, nn

from resonaut.learn.domain import reverse


def distance_correlation(x: Tensor, y: Tensor) -> Tensor:
    """Squared distance correlation dCorr²(X, Y) of n pairs, shapes (n,): a number from 0 to 1 (DisCo).

    0 for independent variables of infinitely many pairs, 1 for a linear dependence. dCov²(X, Y) =
    <|X - X'| |Y - Y'|> + <|X - X'|> <|Y - Y'|> - 2 <|X - X'| |Y - Y''|>, and dCorr² = dCov²(X, Y) /
    √(dCov²(X, X) dCov²(Y, Y)) (Kasieczka, Shih, arXiv:2001.05310). Of n independent pairs it is of the order 1/n. It
    takes memory of n² numbers, and is 0 where a variable does not vary.
    """
    a, b = (_centred((values[:, None] - values).abs()) for values in (x, y))
    own = (a.square().mean() * b.square().mean()).clamp(min=torch.finfo(x.dtype).tiny)
    return (a * b).mean() / own.sqrt()


def _centred(distances: Tensor) -> Tensor:
    """Distances (n, n) less the means of row and column; the mean of two such products is dCov²."""
    means = distances.mean(dim=0)
    return distances - means - means[:, None] + means.mean()


def moment_decomposition(scores: Tensor, mass: Tensor, order: int, bins: int) -> Tensor:
    """MoDe[order]: how far the response is from a polynomial of the mass, from scores in [0, 1] and masses (n,).

    F_m(s) is the share of jets in bin m of the mass with a score below s. The loss is the mean over the bins of
    ∫ ds (F_m(s) - F_m^ℓ(s))², with F^ℓ the first Legendre moments of F up to ℓ = ``order`` (Kitouni, Nachman,
    Weisser, Williams, arXiv:2010.09745). Order 0 leaves no dependence on the mass, 1 a linear and 2 a
    quadratic one.

    The bins hold equal numbers of jets, and m is the place in the order of the masses, which makes its distribution
    uniform in [-1, 1]. F is a staircase in s, so that the integral is a sum of step widths, and its gradient is exact.
    """
    n = len(scores)
    place = torch.empty_like(mass, dtype=torch.int64)
    place[mass.argsort(stable=True)] = torch.arange(n, device=mass.device) * bins // n
    steps, along = scores.sort(stable=True)
    below = nn.functional.one_hot(place[along], bins).cumsum(dim=0).to(scores.dtype)
    response = (below / below[-1].clamp(min=1))[:-1]
    moments = _polynomials(bins, order).to(scores)
    residual = response - response @ moments @ moments.T
    loss: Tensor = (residual.square().mean(dim=1) * steps.diff()).sum()
    return loss


def _polynomials(bins: int, order: int) -> Tensor:
    """Orthonormal polynomials at the centres of equal bins of [-1, 1], (bins, order + 1): discrete Legendre ones."""
    centres = (torch.arange(bins, dtype=torch.float64) + 0.5) * 2 / bins - 1
    basis: Tensor = torch.linalg.qr(torch.stack([centres**power for power in range(order + 1)], dim=1)).Q
    return basis


class Adversary(nn.Module):
    """A network that tells the mass from the scores: p(z | scores) as a sum of Gaussians, whose parameters it gives.

    With a loss L_f of the classifier and L_r = -<ln p(z | scores)> of the adversary the minimax of L_f - λ L_r is
    sought (Louppe, Kagan, Cranmer, arXiv:1611.01046): ``loss`` reverses the gradient that reaches the
    classifier, so that one optimizer does both.

    Args:
        scores: how many scores it sees.
        components: Gaussians of the sum.
        width: of its two hidden layers.
    """

    def __init__(self, scores: int, components: int = 5, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(scores, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, 3 * components),
        )

    def forward(self, scores: Tensor, z: Tensor) -> Tensor:
        """-ln p(z | scores), shape (n,), of scores (n, scores) and z (n,), which should be of the order 1."""
        share, mean, log_width = self.layers(scores).chunk(3, dim=1)
        log_width = log_width.clamp(min=-5)
        pull = (z[:, None] - mean) * torch.exp(-log_width)
        log_gaussian = -0.5 * pull.square() - log_width - 0.5 * math.log(2 * math.pi)
        return -torch.logsumexp(share.log_softmax(dim=1) + log_gaussian, dim=1)

    def loss(self, scores: Tensor, z: Tensor, strength: float) -> Tensor:
        """Its mean loss, a number, whose gradient with respect to the scores is that times -``strength``."""
        mean: Tensor = self(reverse(scores, strength), z).mean()
        return mean
