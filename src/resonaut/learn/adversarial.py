"""Inputs shifted against a network, to measure how it bears that, and to train one that bears it better (R-NGM).

The shift is the normed gradient of the loss, of a length that follows from how the inputs vary (rectified normed
gradient method, as in the training of CMS's UParT, CMS-DP-2024-066; its forerunner is arXiv:2203.13890).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from resonaut.core.errors import NotFiniteError

# The share of the values, in the middle, whose spread scales the shift of a feature.
CENTRAL = 0.6


def spread(values: Tensor) -> Tensor:
    """s_f: the standard deviation of the central 60 % of one feature's values, shape (n,): a number.

    Tails and outliers do not count. 0.463 standard deviations of a Gaussian.
    """
    ordered = values.sort().values
    outside = int(len(ordered) * (1 - CENTRAL) / 2)
    deviation: Tensor = ordered[outside : len(ordered) - outside].std(correction=0)
    return deviation


def shift(gradient: Tensor, spreads: Tensor, size: float, keep: Tensor) -> Tensor:
    """δ = size · s_f · g / |g|₂ for each jet of one group of inputs; 0 where the gradient is.

    Args:
        gradient: g of the loss, (n, features, places).
        spreads: s_f, (features,); 0 for features that must not move, such as integers.
        size: 0.1 in the method.
        keep: False for places that are no input, such as padding, (n, 1, places); they stay, and do not count in |g|.
    """
    gradient = gradient * keep
    length = torch.linalg.vector_norm(gradient, dim=(1, 2), keepdim=True)
    delta: Tensor = size * spreads[:, None] * gradient / length.clamp(min=torch.finfo(gradient.dtype).tiny)
    return delta


def shifted(
    loss: Tensor, groups: Sequence[Tensor], spreads: Sequence[Tensor], size: float, keep: Tensor
) -> list[Tensor]:
    """The groups of inputs, each with its own shift up the gradient of the loss.

    Args:
        loss: the summed loss of these jets, computed from ``groups``.
        groups: inputs that require gradients, each of shape (n, features, places); one of which the loss does not
            depend stays.
        spreads: s_f of each group's features.
        size: see ``shift``.
        keep: see ``shift``.

    Raises:
        NotFiniteError: a gradient is not finite.
    """
    _flatten_roots(loss)
    gradients = torch.autograd.grad(loss, groups, allow_unused=True)
    if not all(gradient.isfinite().all() for gradient in gradients if gradient is not None):
        raise NotFiniteError(
            "the loss has no finite gradient in the inputs; look for divisions by zero in the network."
        )
    return [
        group.detach() if gradient is None else group.detach() + shift(gradient, scales, size, keep)
        for group, gradient, scales in zip(groups, gradients, spreads, strict=True)
    ]


def _flatten_roots(loss: Tensor) -> None:
    """Give √x at x = 0 the slope 0: the distance of a constituent to itself is no way to move it."""
    todo, seen = [loss.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [before for before, _ in node.next_functions]
            if node.name() == "SqrtBackward0":
                node.register_hook(lambda slopes, _: tuple(slope.nan_to_num(0, 0, 0) for slope in slopes))


def divergence_from(nominal: Tensor, logits: Tensor) -> Tensor:
    """KL(nominal, output) of each jet's class probabilities, from logits (n, classes) of both: shape (n,).

    The nominal ones are the target: no gradient reaches them.
    """
    target = nominal.detach().log_softmax(dim=1)
    return (target.exp() * (target - logits.log_softmax(dim=1))).sum(dim=1)
