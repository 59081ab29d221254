"""Losses that several networks share; each is of single events, so that weights and means are the caller's."""

import math

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def squared_error(reconstruction: Tensor, x: Tensor) -> Tensor:
    """Mean over the features of each event, both of shape (n, d): shape (n,)."""
    return (reconstruction - x).square().mean(dim=1)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of Gaussians, shapes (n, d), from the standard normal: shape (n,)."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=1)


def chamfer(first: Tensor, second: Tensor) -> Tensor:
    """Chamfer distance of sets of points, shapes (n, k, 3) and (n, l, 3): shape (n,).

    Sum over all points of both sets of the squared distance to the nearest of the other set.
    """
    norms = first.square().sum(dim=2)[:, :, None] + second.square().sum(dim=2)[:, None, :]
    squares = (norms - 2 * first @ second.transpose(1, 2)).clamp(min=0)
    return squares.amin(dim=2).sum(dim=1) + squares.amin(dim=1).sum(dim=1)


def wasserstein(first: Tensor, second: Tensor) -> Tensor:
    """Square of the second Wasserstein distance of as many events of two samples, both of shape (n, d): a number.

    Mean squared distance of the pairs of the optimal transport (Peyre, Cuturi, arXiv:1803.00567, section 2.2), which of
    events that all weigh the same is an assignment. It stays the same in a small neighbourhood, so that the gradient is
    that of the pairs' distances.
    """
    with torch.no_grad():
        # What is no number has some partner, and shows in the distance.
        squares = torch.cdist(first, second).square().nan_to_num()
        _, partner = linear_sum_assignment(squares.cpu().numpy())
    return (first - second[torch.as_tensor(partner, device=second.device)]).square().sum(dim=1).mean()


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross entropy of each event, from logits (n, classes), labels and weights (n,): shape (n,)."""
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none") * weights


def log_cosh(residual: Tensor) -> Tensor:
    """Logarithm of the cosh of each residual: half its square where small, and its size less ln 2 where large.

    Of residuals with a symmetric distribution the sum is smallest at the centre.
    """
    size = residual.abs()
    return size + torch.nn.functional.softplus(-2 * size) - math.log(2)


def pinball(residual: Tensor, level: float | Tensor) -> Tensor:
    """Pinball loss of a quantile at ``level``, from what the target exceeds it by; a level for each, or one for all.

    The mean is smallest where a share ``level`` of the targets lies below (R. Koenker, G. Bassett, Econometrica 46
    (1978) 33).
    """
    return torch.maximum(level * residual, (level - 1) * residual)
